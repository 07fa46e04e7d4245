/* Folders that are missing are made, whatever stands above them. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char scratch[PATH_MAX];

static const char *in_scratch(const char *name)
{
	static char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	return path;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void makes_what_is_missing(void **state)
{
	(void)state;
	assert_int_equal(file_folder_make(in_scratch("a/b//c/")), 0);
	assert_int_equal(mode_of(in_scratch("a/b/c")), 0700);
	assert_int_equal(file_folder_make(in_scratch("a/b/c")), 0);
	assert_int_equal(file_folder_make("/"), 0);
}

static void says_what_is_in_the_way(void **state)
{
	char longer[PATH_MAX + 2];
	int fd = open(in_scratch("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(file_folder_make(in_scratch("file")), -ENOTDIR);
	assert_int_equal(file_folder_make(in_scratch("file/below")), -ENOTDIR);
	assert_int_equal(file_folder_make(""), -ENOENT);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(file_folder_make(longer), -ENAMETOOLONG);
}

static void test_reads_what_fits(void **state)
{
	struct buf text CLEANUP(buf_done);
	char bytes[40000];
	int fd = memfd_create("file", MFD_CLOEXEC);

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	buf_init(&text, sizeof(bytes));
	assert_int_equal(file_read(fd, &text), 0);
	assert_int_equal(text.len, sizeof(bytes));
	assert_int_equal(file_read(fd, &text), 0); /* nothing is left */
	buf_done(&text);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	buf_init(&text, sizeof(bytes) - 1);
	assert_int_equal(file_read(fd, &text), -EFBIG);
	close(fd);
	buf_reset(&text);
	assert_int_equal(file_read(fd, &text), -EBADF);
}

static void test_publishes_whole_or_not_at_all(void **state)
{
	struct buf text CLEANUP(buf_done);
	int fd;

	(void)state;
	assert_int_equal(file_publish(in_scratch("public"), STR("old")), 0);
	assert_int_equal(file_publish(in_scratch("public"), STR("new one")), 0);
	assert_int_equal(mode_of(in_scratch("public")), 0644);
	fd = open(in_scratch("public"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	buf_init(&text, 100);
	assert_int_equal(file_read(fd, &text), 0);
	assert_string_equal(text.data, "new one");
	close(fd);
	assert_int_equal(file_publish(in_scratch("nowhere/public"), STR("x")), -ENOENT);
	assert_int_equal(mkdir(in_scratch("taken"), 0700), 0);
	assert_int_equal(file_publish(in_scratch("taken"), STR("x")), -EISDIR);
}

static int scratch_make(void **state)
{
	(void)state;
	snprintf(scratch, sizeof(scratch), "%s/cinesync-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	return mkdtemp(scratch) ? 0 : -1;
}

static int scratch_remove(void **state)
{
	(void)state;
	(void)!unlink(in_scratch("file"));
	(void)!unlink(in_scratch("public"));
	(void)!rmdir(in_scratch("taken"));
	(void)!rmdir(in_scratch("a/b/c"));
	(void)!rmdir(in_scratch("a/b"));
	(void)!rmdir(in_scratch("a"));
	return rmdir(scratch);
}

/* A pipe's two ends, and which of them the thread is to keep. */
struct own_files {
	int kept;
	int other;
	int r;
	bool has_kept;
	bool has_other;
	bool has_output;
};

static void *own_files_look(void *arg)
{
	struct own_files *o = arg;

	o->r = file_table_own(o->kept);
	o->has_kept = fcntl(o->kept, F_GETFD) >= 0;
	o->has_other = fcntl(o->other, F_GETFD) >= 0;
	o->has_output = fcntl(STDERR_FILENO, F_GETFD) >= 0;
	/* What it closes stays open for everybody else. */
	close(o->kept);
	return NULL;
}

static void a_thread_has_files_of_its_own(int kept, int other)
{
	struct own_files o = { .kept = kept, .other = other };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, own_files_look, &o), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(o.r, 0);
	assert_true(o.has_kept && !o.has_other && o.has_output);
	assert_true(fcntl(kept, F_GETFD) >= 0 && fcntl(other, F_GETFD) >= 0);
}

static void test_a_thread_has_files_of_its_own(void **state UNUSED)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	a_thread_has_files_of_its_own(ends[0], ends[1]);
	a_thread_has_files_of_its_own(ends[1], ends[0]);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_what_is_missing),
		cmocka_unit_test(says_what_is_in_the_way),
		cmocka_unit_test(test_reads_what_fits),
		cmocka_unit_test(test_publishes_whole_or_not_at_all),
		cmocka_unit_test(test_a_thread_has_files_of_its_own),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
