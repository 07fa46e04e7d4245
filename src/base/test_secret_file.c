/* Who may read a secret's file for it to be taken: its owner alone, and its group if it is root's and we are not. */
#include "base/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534

static char folder[] = "/tmp/cinesync-secret-XXXXXX";
static char path[64];

static int file_up(void **state)
{
	int fd;

	(void)state;
	if (!mkdtemp(folder) || chmod(folder, 0711) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/key", folder);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	return fd >= 0 && write(fd, "secret", 6) == 6 && close(fd) == 0 ? 0 : -1;
}

static int file_down(void **state)
{
	(void)state;
	return unlink(path) < 0 || rmdir(folder) < 0;
}

static int read_with_mode(mode_t mode)
{
	struct buf out CLEANUP(buf_done);

	buf_init(&out, 64);
	assert_int_equal(chmod(path, mode), 0);
	return secret_file_read(path, &out);
}

static void test_ones_own_file_is_for_its_owner_alone(void **state)
{
	static const mode_t open_to_others[] = { 0640, 0620, 0610, 0604, 0602, 0601 };

	(void)state;
	assert_int_equal(read_with_mode(0600), 0);
	for (size_t i = 0; i < ARRAY_SIZE(open_to_others); i++)
		assert_int_equal(read_with_mode(open_to_others[i]), -EACCES);
}

/* As somebody else, who is in its group; only root can become that, so to anybody else their own file stands for it. */
static int read_as_nobody(mode_t mode)
{
	struct buf out CLEANUP(buf_done);
	int r;

	buf_init(&out, 64);
	assert_int_equal(chown(path, 0, NOBODY), 0);
	assert_int_equal(chmod(path, mode), 0);
	assert_int_equal(setegid(NOBODY), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	r = secret_file_read(path, &out);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
	return r;
}

static void test_a_file_of_root_may_be_for_a_group(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		assert_int_equal(read_with_mode(0440), -EACCES);
		return;
	}
	assert_int_equal(read_as_nobody(0440), 0);
	assert_int_equal(read_as_nobody(0640), 0);
	assert_int_equal(read_as_nobody(0460), -EACCES);
	assert_int_equal(read_as_nobody(0450), -EACCES);
	assert_int_equal(read_as_nobody(0444), -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ones_own_file_is_for_its_owner_alone),
		cmocka_unit_test(test_a_file_of_root_may_be_for_a_group),
	};

	return cmocka_run_group_tests(tests, file_up, file_down);
}
