/* What is made of TMDB's errors and of its caching headers. */
#include "movie/upstream_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct upstream_error error_of(const char *body)
{
	struct upstream_error e;

	upstream_error_read(str_from(body), &e);
	return e;
}

static void test_error_in_any_order_and_without_success(void **state)
{
	static const char *const bodies[] = {
		"{\"success\":false,\"status_code\":34,\"status_message\":\"Gone.\"}",
		"{\"status_message\":\"Gone.\",\"new\":{\"a\":[1]},\"status_code\":34}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct upstream_error e = error_of(bodies[i]);

		assert_true(e.is_tmdbs);
		assert_int_equal(e.code, 34);
		assert_string_equal(e.message, "Gone.");
	}
}

static void test_older_shape_has_a_message_and_no_code(void **state)
{
	struct upstream_error e = error_of("{\"errors\":[\"page must be less than 500\",\"x\"],\"success\":false}");

	(void)state;
	assert_true(e.is_tmdbs);
	assert_int_equal(e.code, 0);
	assert_string_equal(e.message, "page must be less than 500");
}

static void test_what_is_no_error_of_tmdbs(void **state)
{
	static const char *const bodies[] = {
		"",
		"null",
		"[]",
		"7",
		"<html>",
		"{",
		"{}",
		"{\"status_code\":\"34\"}",
		"{\"errors\":\"none\"}",
		"{\"status_code\":34",
		"{\"status_code\":34,\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		assert_false(error_of(bodies[i]).is_tmdbs);
}

/* 100,000 brackets, for which the parser would recurse as deep as the stack goes. */
static void test_deep_error_is_not_even_parsed(void **state)
{
	static char body[100000];
	struct upstream_error e;

	(void)state;
	memset(body, '[', sizeof(body));
	upstream_error_read((struct str){ body, sizeof(body) }, &e);
	assert_false(e.is_tmdbs);
	upstream_error_read((struct str){ body, 10000 }, &e);
	assert_false(e.is_tmdbs);
}

static void test_message_is_cleaned_and_cut_at_a_character(void **state)
{
	char body[700] = "{\"status_code\":1,\"status_message\":\"a\\r\\n\\u001b\\u007fb";
	struct upstream_error e;

	(void)state;
	assert_string_equal(error_of("{\"status_code\":1,\"status_message\":\"a\\r\\n\\u001b\\u007fb\"}").message,
	                    "a    b");
	/* 6 bytes so far, then 2 each: the 200th byte is the last one of the 97th. */
	for (int i = 0; i < 150; i++)
		memcpy(body + strlen(body), i == 0 ? "x" : "\xc3\xa9", i == 0 ? 1 : 2);
	memcpy(body + strlen(body), "\"}", 2);
	e = error_of(body);
	assert_int_equal(strlen(e.message), 199);
	assert_int_equal((unsigned char)e.message[198], 0xa9);
}

static int64_t fresh(const char *cache_control, const char *age)
{
	return upstream_fresh_ms(str_from(cache_control), str_from(age));
}

static void test_freshness_is_max_age_less_age(void **state)
{
	(void)state;
	assert_int_equal(fresh("public, max-age=19388", NULL), 19388000);
	assert_int_equal(fresh("max-age=100", "40"), 60000);
	assert_int_equal(fresh("Max-Age=\"100\",public", " 1 "), 99000);
	assert_int_equal(fresh("max-age=100", "100"), 0);
	assert_int_equal(fresh("max-age=100", "5000"), 0);
	assert_int_equal(fresh("max-age=100", "garbage"), 100000);
	assert_int_equal(fresh("s-maxage=100", NULL), 0);
	assert_int_equal(fresh("max-age=99999999999999999999", NULL), INT64_C(2147483647) * 1000);
}

static void test_not_fresh_at_all(void **state)
{
	(void)state;
	assert_int_equal(fresh(NULL, NULL), 0);
	assert_int_equal(fresh("", "5"), 0);
	assert_int_equal(fresh("public", NULL), 0);
	assert_int_equal(fresh("max-age=100, no-store", NULL), 0);
	assert_int_equal(fresh("No-Cache, max-age=100", NULL), 0);
	assert_int_equal(fresh("no-cache=\"x\", max-age=100", NULL), 0);
	assert_int_equal(fresh("max-age", NULL), 0);
	assert_int_equal(fresh("max-age=", NULL), 0);
	assert_int_equal(fresh("max-age=-5", NULL), 0);
	assert_int_equal(fresh("max-age=1h", NULL), 0);
	assert_int_equal(fresh(",,,", NULL), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_in_any_order_and_without_success),
		cmocka_unit_test(test_older_shape_has_a_message_and_no_code),
		cmocka_unit_test(test_what_is_no_error_of_tmdbs),
		cmocka_unit_test(test_deep_error_is_not_even_parsed),
		cmocka_unit_test(test_message_is_cleaned_and_cut_at_a_character),
		cmocka_unit_test(test_freshness_is_max_age_less_age),
		cmocka_unit_test(test_not_fresh_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
