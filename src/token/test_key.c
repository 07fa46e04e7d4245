/* Key files: made once, by one of many, and never read when others could have read them. */
#include "base/fault.h"
#include "token/test_support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RACERS 16

/* RFC 7517, appendix A.2. */
#define RFC_X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define RFC_Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
#define RFC_D "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"

static char directory[] = "/tmp/test_token_key.XXXXXX";
static char path[64];

static int setup(void **state UNUSED)
{
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/key.jwk", directory);
	return 0;
}

static int teardown(void **state UNUSED)
{
	(void)unlink(path);
	return rmdir(directory); /* fails when something was left beside the key */
}

static int fresh(void **state UNUSED)
{
	return unlink(path) < 0 && errno != ENOENT ? -1 : 0;
}

static void file_write(const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static size_t files_in_directory(void)
{
	DIR *dir = opendir(directory);
	size_t n = 0;

	assert_non_null(dir);
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
		n += e->d_name[0] != '.';
	assert_int_equal(closedir(dir), 0);
	return n;
}

static void test_made_once_then_read(void **state UNUSED)
{
	struct token_key *first CLEANUP(token_key_free) = NULL;
	struct token_key *second CLEANUP(token_key_free) = NULL;
	struct stat st;

	assert_int_equal(token_key_load(path, &first), -ENOENT);
	assert_int_equal(token_key_load_or_create(path, &first), 0);
	assert_int_equal(token_key_load_or_create(path, &second), 0);
	assert_string_equal(token_key_id(first), token_key_id(second));
	assert_int_equal(strlen(token_key_id(first)), 43);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(files_in_directory(), 1);
}

static void test_mode_does_not_depend_on_umask(void **state UNUSED)
{
	struct token_key *key CLEANUP(token_key_free) = NULL;
	mode_t old = umask(0);
	struct stat st;

	assert_int_equal(token_key_load_or_create(path, &key), 0);
	(void)umask(old);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_readable_by_others_refused(void **state UNUSED)
{
	static const mode_t modes[] = { 0644, 0640, 0604, 0620, 0602, 0610, 0601, 0777 };
	struct token_key *key CLEANUP(token_key_free) = NULL;

	assert_int_equal(token_key_load_or_create(path, &key), 0);
	token_key_free(&key);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		assert_int_equal(chmod(path, modes[i]), 0);
		assert_int_equal(token_key_load(path, &key), -EACCES);
		assert_int_equal(token_key_load_or_create(path, &key), -EACCES);
		assert_null(key);
	}
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(token_key_load(path, &key), 0);
}

static void test_what_is_no_key_refused_and_kept(void **state UNUSED)
{
	static const char *const cases[] = {
		"",
		"{}",
		"[]",
		"nonsense",
		"{\"kty\":\"EC\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_X "\",\"y\":\"" RFC_Y "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" RFC_X "\",\"y\":\"" RFC_Y "\",\"d\":\"" RFC_D "\"}",
		"{\"kty\":\"oct\",\"k\":\"" RFC_D "\"}",
		/* x and y swapped: not on the curve */
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_Y "\",\"y\":\"" RFC_X "\",\"d\":\"" RFC_D "\"}",
		/* the private half of another key */
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_X "\",\"y\":\"" RFC_Y "\",\"d\":\"" RFC_X "\"}",
		/* zero, and one character short */
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_X "\",\"y\":\"" RFC_Y
		"\",\"d\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_X "\",\"y\":\"" RFC_Y
		"\",\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eA\"}",
		"{\"kty\":\"EC\",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_X "\",\"y\":\"" RFC_Y
		"\",\"d\":\"" RFC_D "\"}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct token_key *key = NULL;

		file_write(cases[i], 0600);
		if (token_key_load_or_create(path, &key) != -EINVAL)
			fail_msg("taken for a key: %s", cases[i]);
		assert_null(key);
	}
}

static void test_big_file_and_directory_refused(void **state UNUSED)
{
	static char text[10000];
	struct token_key *key = NULL;

	memset(text, ' ', sizeof(text) - 1);
	file_write(text, 0600);
	assert_int_equal(token_key_load(path, &key), -EINVAL);
	assert_int_equal(token_key_load(directory, &key), -EINVAL);
	assert_int_equal(token_key_load_or_create("/nowhere/at/all/key.jwk", &key), -ENOENT);
}

/* RFC 7517's example key, whose RFC 7638 thumbprint was computed apart from this code. */
static void test_thumbprint(void **state UNUSED)
{
	struct token_key *key CLEANUP(token_key_free) = NULL;

	file_write("{\"kid\":\"1\",\"y\":\"" RFC_Y "\",\"d\":\"" RFC_D "\",\"x\":\"" RFC_X
	           "\",\"crv\":\"P-256\",\"use\":\"sig\",\"kty\":\"EC\"}\n",
	           0600);
	assert_int_equal(token_key_load(path, &key), 0);
	assert_string_equal(token_key_id(key), "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
}

/* One in 256 private or public numbers starts with a zero byte, which must not be lost on the way through the text. */
static void test_many_keys_survive_their_text(void **state UNUSED)
{
	for (int i = 0; i < 1000; i++) {
		struct token_key *key CLEANUP(token_key_free) = NULL;
		struct buf text CLEANUP(buf_done);

		buf_init(&text, 4096);
		assert_int_equal(token_key_generate(&text), 0);
		assert_int_equal(token_key_parse(buf_str(&text), &key), 0);
	}
}

static void race(int gate, int answer)
{
	struct token_key *key = NULL;
	char c;

	if (read(gate, &c, 1) != 0 || token_key_load_or_create(path, &key) < 0)
		_exit(1);
	if (write(answer, token_key_id(key), 43) != 43)
		_exit(1);
	token_key_free(&key);
	_exit(0);
}

static void test_sixteen_starters_end_with_one_key(void **state UNUSED)
{
	char answers[RACERS][43];
	int gate[2], answer[2];
	pid_t pids[RACERS];

	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answer, O_CLOEXEC), 0);
	for (size_t i = 0; i < RACERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			(void)close(gate[1]);
			race(gate[0], answer[1]);
		}
	}
	assert_int_equal(close(gate[1]), 0); /* all of them run */
	for (size_t i = 0; i < RACERS; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
		assert_int_equal(read(answer[0], answers[i], 43), 43);
		assert_memory_equal(answers[i], answers[0], 43);
	}
	assert_int_equal(files_in_directory(), 1);
	(void)close(gate[0]);
	(void)close(answer[0]);
	(void)close(answer[1]);
}

static void test_full_disk_leaves_nothing(void **state UNUSED)
{
	struct token_key *key CLEANUP(token_key_free) = NULL;

	fault_set("base.secret_file:1");
	assert_int_equal(token_key_load_or_create(path, &key), -ENOSPC);
	fault_set(NULL);
	assert_int_equal(files_in_directory(), 0);
	assert_int_equal(token_key_load_or_create(path, &key), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_made_once_then_read, fresh),
		cmocka_unit_test_setup(test_mode_does_not_depend_on_umask, fresh),
		cmocka_unit_test_setup(test_readable_by_others_refused, fresh),
		cmocka_unit_test_setup(test_what_is_no_key_refused_and_kept, fresh),
		cmocka_unit_test_setup(test_big_file_and_directory_refused, fresh),
		cmocka_unit_test_setup(test_thumbprint, fresh),
		cmocka_unit_test_setup(test_many_keys_survive_their_text, fresh),
		cmocka_unit_test_setup(test_sixteen_starters_end_with_one_key, fresh),
		cmocka_unit_test_setup(test_full_disk_leaves_nothing, fresh),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
