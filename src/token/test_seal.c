/* Sealed texts: they open with the right key, purpose and context, and with nothing else. */
#include "token/seal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int opened(const struct seal *s, struct str sealed, const char *context, const char *expected)
{
	struct buf out CLEANUP(buf_done);
	int r;

	buf_init(&out, 65536);
	r = seal_open(s, sealed, str_from(context), &out);
	if (r == 0)
		assert_true(str_equal(buf_str(&out), str_from(expected)));
	return r;
}

static void opens_with_its_key_purpose_and_context_only(void **state)
{
	struct seal *a = NULL, *again = NULL, *purpose = NULL, *other = NULL;
	struct buf sealed CLEANUP(buf_done);

	(void)state;
	buf_init(&sealed, 65536);
	assert_int_equal(seal_new(path_of("one"), "links", &a), 0);
	assert_int_equal(seal_new(path_of("one"), "links", &again), 0);
	assert_int_equal(seal_new(path_of("one"), "keys", &purpose), 0);
	assert_int_equal(seal_new(path_of("two"), "links", &other), 0);
	assert_int_equal(seal_write(a, STR("a secret"), STR("row 1"), &sealed), 0);
	assert_int_equal(sealed.len, 8 + SEAL_OVERHEAD);
	assert_null(memmem(sealed.data, sealed.len, "secret", 6));

	assert_int_equal(opened(a, buf_str(&sealed), "row 1", "a secret"), 0);
	assert_int_equal(opened(again, buf_str(&sealed), "row 1", "a secret"), 0);
	assert_int_equal(opened(a, buf_str(&sealed), "row 2", ""), -EBADMSG);
	assert_int_equal(opened(purpose, buf_str(&sealed), "row 1", ""), -EBADMSG);
	assert_int_equal(opened(other, buf_str(&sealed), "row 1", ""), -EBADMSG);
	seal_free(&a);
	seal_free(&again);
	seal_free(&purpose);
	seal_free(&other);
	assert_null(a);
}

static void every_changed_byte_and_every_cut_is_noticed(void **state)
{
	struct seal *s = NULL;
	struct buf sealed CLEANUP(buf_done);

	(void)state;
	buf_init(&sealed, 65536);
	assert_int_equal(seal_new(path_of("one"), "links", &s), 0);
	assert_int_equal(seal_write(s, STR("0123456789"), STR(""), &sealed), 0);
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.data[i] ^= 1;
		assert_int_equal(opened(s, buf_str(&sealed), "", ""), -EBADMSG);
		sealed.data[i] ^= 1;
		assert_int_equal(opened(s, str_slice(buf_str(&sealed), 0, i), "", ""), -EBADMSG);
	}
	assert_int_equal(opened(s, buf_str(&sealed), "", "0123456789"), 0);
	seal_free(&s);
}

static void an_empty_text_can_be_sealed_and_no_two_seals_are_alike(void **state)
{
	struct buf one CLEANUP(buf_done), two CLEANUP(buf_done);
	struct seal *s = NULL;

	(void)state;
	buf_init(&one, 1024);
	buf_init(&two, 1024);
	assert_int_equal(seal_new(path_of("one"), "links", &s), 0);
	assert_int_equal(seal_write(s, STR(""), STR("c"), &one), 0);
	assert_int_equal(seal_write(s, STR(""), STR("c"), &two), 0);
	assert_int_equal(opened(s, buf_str(&one), "c", ""), 0);
	assert_false(str_equal(buf_str(&one), buf_str(&two)));
	seal_free(&s);
}

static void texts_come_back_and_are_base64url(void **state)
{
	struct buf text CLEANUP(buf_done), plain CLEANUP(buf_done);
	struct seal *s = NULL;

	(void)state;
	buf_init(&text, 1024);
	buf_init(&plain, 1024);
	assert_int_equal(seal_new(path_of("one"), "links", &s), 0);
	assert_int_equal(seal_write_text(s, STR("token"), STR("user 1"), &text), 0);
	for (size_t i = 0; i < text.len; i++)
		assert_true(isalnum((unsigned char)text.data[i]) || text.data[i] == '-' || text.data[i] == '_');
	assert_int_equal(seal_open_text(s, buf_str(&text), STR("user 1"), &plain), 0);
	assert_true(str_equal(buf_str(&plain), STR("token")));
	assert_int_equal(seal_open_text(s, buf_str(&text), STR("user 2"), &plain), -EBADMSG);
	assert_int_equal(seal_open_text(s, STR("not=base64url"), STR("user 1"), &plain), -EBADMSG);
	assert_int_equal(seal_open_text(s, STR(""), STR("user 1"), &plain), -EBADMSG);
	seal_free(&s);
}

static void macs_differ_by_purpose(void **state)
{
	uint8_t a[SEAL_MAC_SIZE], again[SEAL_MAC_SIZE], b[SEAL_MAC_SIZE];
	struct seal *s = NULL, *t = NULL;

	(void)state;
	assert_int_equal(seal_new(path_of("one"), "links", &s), 0);
	assert_int_equal(seal_new(path_of("one"), "devices", &t), 0);
	assert_int_equal(seal_mac(s, STR("x"), a), 0);
	assert_int_equal(seal_mac(s, STR("x"), again), 0);
	assert_int_equal(seal_mac(t, STR("x"), b), 0);
	assert_memory_equal(a, again, sizeof(a));
	assert_memory_not_equal(a, b, sizeof(a));
	seal_free(&s);
	seal_free(&t);
}

static void key_files_are_private_and_of_the_right_size(void **state)
{
	struct seal *s = NULL;
	struct stat st;
	FILE *f;

	(void)state;
	assert_int_equal(seal_new(path_of("fresh"), "links", &s), 0);
	seal_free(&s);
	assert_int_equal(stat(path_of("fresh"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, SEAL_MASTER_SIZE);

	assert_int_equal(chmod(path_of("fresh"), 0640), 0);
	assert_int_equal(seal_new(path_of("fresh"), "links", &s), -EACCES);
	f = fopen(path_of("short"), "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path_of("short"), 0600), 0);
	assert_int_equal(seal_new(path_of("short"), "links", &s), -EINVAL);
	assert_null(s);
}

static int folder_make(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/cinesync-seal-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	static const char *const names[] = { "one", "two", "fresh", "short" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)unlink(path_of(names[i]));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_with_its_key_purpose_and_context_only),
		cmocka_unit_test(every_changed_byte_and_every_cut_is_noticed),
		cmocka_unit_test(an_empty_text_can_be_sealed_and_no_two_seals_are_alike),
		cmocka_unit_test(texts_come_back_and_are_base64url),
		cmocka_unit_test(macs_differ_by_purpose),
		cmocka_unit_test(key_files_are_private_and_of_the_right_size),
	};

	return cmocka_run_group_tests_name("seal", tests, folder_make, folder_remove);
}
