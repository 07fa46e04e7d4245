/* The file of a unix socket: who may reach it, whose is replaced and whose is not, and what is left behind. */
#include "http/test_support.h"

#include "http/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[80];
static char path[100];
static char lock[110];

static int up(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%.40s/socket-XXXXXX", base && strlen(base) <= 40 ? base : "/tmp");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/x.sock", folder);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	return 0;
}

static int down(void **state)
{
	(void)state;
	unlink(path);
	unlink(lock);
	return rmdir(folder);
}

static bool is_there(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

static int connects(const char *to)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", to);
	r = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int listens(struct socket_file **ret, int *ret_fd)
{
	return socket_file_listen(path, SOCKET_FILE_NO_GROUP, ret, ret_fd);
}

/* A process that listens and is killed: its file stays. */
static void killed_while_listening(void)
{
	struct socket_file *f;
	int fd, status;
	pid_t child = fork();

	if (child == 0)
		_exit(listens(&f, &fd) == 0 ? 7 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_true(is_there(path));
}

static void test_it_is_ours_alone_and_goes_with_us(void **state)
{
	struct socket_file *f;
	struct stat st;
	mode_t before = umask(0);
	int fd;

	(void)state;
	assert_int_equal(listens(&f, &fd), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(connects(path), 0);
	socket_file_remove(&f);
	assert_null(f);
	close(fd);
	assert_false(is_there(path) || is_there(lock));
	assert_int_equal(socket_file_listen(path, getegid(), &f, &fd), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_gid, getegid());
	socket_file_remove(&f);
	close(fd);
	umask(before);
}

static void test_that_of_a_dead_process_is_replaced(void **state)
{
	struct socket_file *f;
	int fd;

	(void)state;
	killed_while_listening();
	assert_int_equal(connects(path), -ECONNREFUSED);
	assert_int_equal(listens(&f, &fd), 0);
	assert_int_equal(connects(path), 0);
	socket_file_remove(&f);
	close(fd);
}

static void test_that_of_a_living_one_never_is(void **state)
{
	struct socket_file *f, *other = NULL;
	int fd, other_fd = -1;

	(void)state;
	assert_int_equal(listens(&f, &fd), 0);
	assert_int_equal(listens(&other, &other_fd), -EADDRINUSE);
	/* Not yet, or no more, listening: its lock says that it lives. */
	close(fd);
	assert_int_equal(connects(path), -ECONNREFUSED);
	assert_int_equal(listens(&other, &other_fd), -EADDRINUSE);
	assert_true(is_there(path));
	socket_file_remove(&f);
}

static void test_that_of_another_program_is_not_touched(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int theirs = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct socket_file *f = NULL;
	int fd = -1;

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(theirs, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(theirs, 1), 0);
	assert_int_equal(listens(&f, &fd), -EADDRINUSE);
	assert_int_equal(connects(path), 0);
	close(theirs);
	unlink(path);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(listens(&f, &fd), -EEXIST);
	assert_true(is_there(path));
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(listens(&f, &fd), -EEXIST);
}

static void test_a_successors_file_stays_when_we_go(void **state)
{
	struct socket_file *f;
	int fd;

	(void)state;
	assert_int_equal(listens(&f, &fd), 0);
	unlink(path);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	socket_file_remove(&f);
	close(fd);
	assert_true(is_there(path));
}

static void test_a_folder_that_others_write_into_will_not_do(void **state)
{
	struct socket_file *f = NULL;
	int fd = -1;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(chmod(folder, i ? 0770 : 0707), 0);
		assert_int_equal(listens(&f, &fd), -EPERM);
		assert_false(is_there(path));
	}
	assert_int_equal(chmod(folder, 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(folder, 12345, (gid_t)-1), 0);
		assert_int_equal(listens(&f, &fd), -EPERM);
		assert_int_equal(chown(folder, 0, (gid_t)-1), 0);
	}
	assert_int_equal(listens(&f, &fd), 0);
	socket_file_remove(&f);
	close(fd);
}

static void test_paths_that_are_none(void **state)
{
	char longest[200];
	struct socket_file *f = NULL;
	int fd = -1;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[108] = '\0';
	assert_int_equal(socket_file_listen(longest, SOCKET_FILE_NO_GROUP, &f, &fd), -ENAMETOOLONG);
	assert_int_equal(socket_file_listen("x.sock", SOCKET_FILE_NO_GROUP, &f, &fd), -EINVAL);
	assert_int_equal(socket_file_listen("/run/", SOCKET_FILE_NO_GROUP, &f, &fd), -EINVAL);
	assert_int_equal(socket_file_listen("/no/such/x.sock", SOCKET_FILE_NO_GROUP, &f, &fd), -ENOENT);
	assert_null(f);
	assert_int_equal(fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_it_is_ours_alone_and_goes_with_us, up, down),
		cmocka_unit_test_setup_teardown(test_that_of_a_dead_process_is_replaced, up, down),
		cmocka_unit_test_setup_teardown(test_that_of_a_living_one_never_is, up, down),
		cmocka_unit_test_setup_teardown(test_that_of_another_program_is_not_touched, up, down),
		cmocka_unit_test_setup_teardown(test_a_successors_file_stays_when_we_go, up, down),
		cmocka_unit_test_setup_teardown(test_a_folder_that_others_write_into_will_not_do, up, down),
		cmocka_unit_test_setup_teardown(test_paths_that_are_none, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
