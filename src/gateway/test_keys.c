/* A key file that somebody replaces under us. */
#include "gateway/keys.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	char folder[64];
	char path[128];
	char beside[128];
};

static void place_make(struct place *ret)
{
	snprintf(ret->folder, sizeof(ret->folder), "/tmp/cinesync-keys-XXXXXX");
	assert_non_null(mkdtemp(ret->folder));
	snprintf(ret->path, sizeof(ret->path), "%s/jwks.json", ret->folder);
	snprintf(ret->beside, sizeof(ret->beside), "%s/new", ret->folder);
}

static void place_drop(struct place *p)
{
	(void)unlink(p->path);
	(void)unlink(p->beside);
	(void)rmdir(p->folder);
}

static void file_write(const char *path, struct str text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.data, text.len), (ssize_t)text.len);
	close(fd);
}

/* A set of one new key, put there as a publisher does. */
static void keys_publish(const struct place *p)
{
	struct token_key *key CLEANUP(token_key_free) = NULL;
	struct buf private CLEANUP(buf_done);
	struct buf set CLEANUP(buf_done);

	buf_init(&private, 4096);
	buf_init(&set, 4096);
	assert_int_equal(token_key_generate(&private), 0);
	assert_int_equal(token_key_parse(buf_str(&private), &key), 0);
	assert_int_equal(token_jwks_write((const struct token_key *const *)&key, 1, &set), 0);
	file_write(p->beside, buf_str(&set));
	assert_int_equal(rename(p->beside, p->path), 0);
}

static int look(struct keys *k)
{
	struct token_keyset *set = NULL;
	int r = keys_look(k, &set);

	assert_int_equal(set != NULL, r == 1);
	token_keyset_free(&set);
	return r;
}

static void test_a_file_is_read_when_it_is_another(void **state)
{
	struct keys *k CLEANUP(keys_close) = NULL;
	struct place p;

	(void)state;
	place_make(&p);
	assert_int_equal(keys_open(p.path, &k), 0);
	assert_int_equal(look(k), -ENOENT);
	keys_publish(&p);
	assert_int_equal(look(k), 1);
	assert_int_equal(look(k), 0);
	keys_publish(&p);
	assert_int_equal(look(k), 1);
	assert_int_equal(look(k), 0);
	place_drop(&p);
	assert_int_equal(look(k), -ENOENT);
}

static void test_what_is_no_key_set_is_read_again(void **state)
{
	static const char *const texts[] = { "", "{", "{\"keys\":[]}", "null", "\xff\xff" };
	struct keys *k CLEANUP(keys_close) = NULL;
	struct place p;

	(void)state;
	place_make(&p);
	assert_int_equal(keys_open(p.path, &k), 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		file_write(p.path, str_from(texts[i]));
		assert_int_equal(look(k), -EINVAL);
		assert_int_equal(look(k), -EINVAL);
	}
	keys_publish(&p);
	assert_int_equal(look(k), 1);
	place_drop(&p);
}

static void test_a_file_that_is_too_large_is_none(void **state)
{
	char *text = calloc(1, TOKEN_JWKS_SIZE_MAX + 1);
	struct keys *k CLEANUP(keys_close) = NULL;
	struct place p;

	(void)state;
	place_make(&p);
	assert_non_null(text);
	memset(text, ' ', TOKEN_JWKS_SIZE_MAX + 1);
	file_write(p.path, (struct str){ text, TOKEN_JWKS_SIZE_MAX + 1 });
	assert_int_equal(keys_open(p.path, &k), 0);
	assert_int_equal(look(k), -EFBIG);
	free(text);
	place_drop(&p);
}

static void test_a_pipe_or_a_folder_does_not_hold_us_up(void **state)
{
	struct keys *k CLEANUP(keys_close) = NULL;
	struct place p;

	(void)state;
	place_make(&p);
	assert_int_equal(keys_open(p.path, &k), 0);
	assert_int_equal(mkfifo(p.path, 0600), 0);
	assert_int_equal(look(k), -EINVAL);
	assert_int_equal(unlink(p.path), 0);
	assert_int_equal(mkdir(p.path, 0700), 0);
	assert_int_equal(look(k), -EINVAL);
	assert_int_equal(rmdir(p.path), 0);
	place_drop(&p);
}

static void test_a_path_needs_its_folder(void **state)
{
	struct keys *k = NULL;

	(void)state;
	assert_int_equal(keys_open("/no/such/folder/jwks.json", &k), -ENOENT);
	assert_int_equal(keys_open("/dev/null/jwks.json", &k), -ENOTDIR);
	assert_int_equal(keys_open("/tmp/", &k), -EINVAL);
	assert_int_equal(keys_open("jwks.json", &k), -EINVAL);
	assert_null(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_is_read_when_it_is_another),
		cmocka_unit_test(test_what_is_no_key_set_is_read_again),
		cmocka_unit_test(test_a_file_that_is_too_large_is_none),
		cmocka_unit_test(test_a_pipe_or_a_folder_does_not_hold_us_up),
		cmocka_unit_test(test_a_path_needs_its_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
