/* base64url: one text for given bytes, no other. */
#include "token/base64url.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

/* RFC 4648 section 10, without padding, and two with the characters that differ from base64. */
static const struct {
	struct str raw;
	struct str text;
} vectors[] = {
	{ STR(""), STR("") },
	{ STR("f"), STR("Zg") },
	{ STR("fo"), STR("Zm8") },
	{ STR("foo"), STR("Zm9v") },
	{ STR("foob"), STR("Zm9vYg") },
	{ STR("fooba"), STR("Zm9vYmE") },
	{ STR("foobar"), STR("Zm9vYmFy") },
	{ STR("\xfb\xff\xfe"), STR("-__-") },
	{ STR("\0\0"), STR("AAA") },
};

static void test_vectors(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct buf b CLEANUP(buf_done);
		char raw[16];
		size_t len;

		buf_init(&b, 100);
		base64url_write(&b, vectors[i].raw.data, vectors[i].raw.len);
		assert_true(str_equal(buf_str(&b), vectors[i].text));
		assert_int_equal(base64url_decode(vectors[i].text, raw, sizeof(raw), &len), 0);
		assert_int_equal(len, vectors[i].raw.len);
		assert_memory_equal(raw, vectors[i].raw.data, len);
		assert_int_equal(base64url_decoded_len(vectors[i].text.len), len);
	}
}

static void test_refused(void **state UNUSED)
{
	static const char *const cases[] = { "Z",    "Zg==", "Zg=",  "Zm9vY",   "Zh",    "Zm9",    "Zm9=", "+__-",
		                             "-//-", " Zg",  "Zg\n", "Zm9v Yg", "Zm9v.", "Z\xffg", "/",    "Zm9vYmF=" };
	char raw[16];
	size_t len = 77;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_false(base64url_is_canonical(str_from(cases[i])));
		assert_int_equal(base64url_decode(str_from(cases[i]), raw, sizeof(raw), &len), -EINVAL);
	}
	assert_int_equal(base64url_decode(STR("Z\0g"), raw, sizeof(raw), &len), -EINVAL);
	assert_int_equal(base64url_decode(STR_NULL, raw, sizeof(raw), &len), -EINVAL);
	assert_int_equal(base64url_decode(STR("Zm9v"), raw, 2, &len), -ENOBUFS);
	assert_int_equal(len, 77);
}

/* Of the texts of two and three characters exactly as many are canonical as there are values of one and two bytes. */
static void test_each_value_has_one_text(void **state UNUSED)
{
	size_t n_two = 0, n_three = 0;

	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			char two[] = { (char)a, (char)b };

			n_two += base64url_is_canonical((struct str){ two, 2 });
			for (int c = 0; c < 256; c++) {
				char three[] = { (char)a, (char)b, (char)c };

				n_three += base64url_is_canonical((struct str){ three, 3 });
			}
		}
	}
	assert_int_equal(n_two, 256);
	assert_int_equal(n_three, 65536);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_each_value_has_one_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
