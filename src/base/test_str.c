/* Strings with a length. */
#include "base/str.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_equal_tells_null_from_empty(void **state)
{
	(void)state;
	assert_true(str_equal(STR("a\0b"), STR("a\0b")));
	assert_false(str_equal(STR("a\0b"), STR("a\0c")));
	assert_false(str_equal(STR("a"), STR("ab")));
	assert_true(str_equal(STR_NULL, STR_NULL));
	assert_false(str_equal(STR_NULL, STR("")));
	assert_false(str_equal(STR(""), STR_NULL));
	assert_true(str_is_null(str_from(NULL)));
}

static void test_equal_nocase_folds_ascii_only(void **state)
{
	(void)state;
	assert_true(str_equal_nocase(STR("Content-Length"), STR("cONTENT-lENGTH")));
	assert_false(str_equal_nocase(STR("["), STR("{")));
	assert_false(str_equal_nocase(STR("\xc3\x89"), STR("\xc3\xa9")));
	assert_false(str_equal_nocase(STR("a"), STR("ab")));
	assert_false(str_equal_nocase(STR_NULL, STR("")));
}

static void test_starts_and_ends(void **state)
{
	(void)state;
	assert_true(str_starts(STR("Bearer x"), STR("Bearer ")));
	assert_false(str_starts(STR("Bear"), STR("Bearer ")));
	assert_true(str_starts(STR("x"), STR("")));
	assert_true(str_ends(STR("0001.up.sql"), STR(".up.sql")));
	assert_false(str_ends(STR("sql"), STR(".up.sql")));
	assert_false(str_ends(STR_NULL, STR("")));
}

static void test_index_and_slice_clamp(void **state)
{
	struct str s = STR("a/b/c");

	(void)state;
	assert_int_equal(str_index(s, '/', 0), 1);
	assert_int_equal(str_index(s, '/', 2), 3);
	assert_int_equal(str_index(s, '/', 4), -1);
	assert_int_equal(str_index(s, '/', 99), -1);
	assert_int_equal(str_index(STR_NULL, '/', 0), -1);
	assert_true(str_equal(str_slice(s, 2, 3), STR("b")));
	assert_true(str_equal(str_slice(s, 4, 99), STR("c")));
	assert_true(str_equal(str_slice(s, 9, 99), STR("")));
	assert_true(str_equal(str_slice(s, 3, 1), STR("")));
	assert_true(str_is_null(str_slice(STR_NULL, 0, 1)));
}

static void test_trim(void **state)
{
	(void)state;
	assert_true(str_equal(str_trim(STR(" \t a b\t ")), STR("a b")));
	assert_true(str_equal(str_trim(STR(" \t ")), STR("")));
	assert_true(str_equal(str_trim(STR("\na\n")), STR("\na\n")));
}

static void test_to_int64_takes_the_whole_range(void **state)
{
	int64_t value = 7;

	(void)state;
	assert_int_equal(str_to_int64(STR("0"), 0, 9, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(str_to_int64(STR("9223372036854775807"), INT64_MIN, INT64_MAX, &value), 0);
	assert_true(value == INT64_MAX);
	assert_int_equal(str_to_int64(STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &value), 0);
	assert_true(value == INT64_MIN);
}

static void test_to_int64_refuses_and_leaves_the_output(void **state)
{
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "01", "-01", "1e3", "0x1", "1.0", "a", "--1" };
	static const char *const far[] = { "9223372036854775808", "-9223372036854775809", "99999999999999999999999",
		                           "101", "-1" };
	int64_t value = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(str_to_int64(str_from(bad[i]), 0, 100, &value), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(far); i++)
		assert_int_equal(str_to_int64(str_from(far[i]), 0, 100, &value), -ERANGE);
	assert_int_equal(str_to_int64(STR("9999999999999999999x"), 0, 100, &value), -EINVAL);
	assert_int_equal(str_to_int64(STR("1\0"), 0, 100, &value), -EINVAL);
	assert_int_equal(str_to_int64(STR_NULL, 0, 100, &value), -EINVAL);
	assert_int_equal(value, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_tells_null_from_empty),
		cmocka_unit_test(test_equal_nocase_folds_ascii_only),
		cmocka_unit_test(test_starts_and_ends),
		cmocka_unit_test(test_index_and_slice_clamp),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_to_int64_takes_the_whole_range),
		cmocka_unit_test(test_to_int64_refuses_and_leaves_the_output),
	};

	return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
