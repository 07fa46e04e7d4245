/* The cache of patterns. */
#include "schema/pattern.h"

#include "schema/testing.h"

#include <stdio.h>

static void test_matches_the_whole_string(void **state)
{
	(void)state;
	assert_int_equal(pattern_matches("[a-z]+", STR("abc")), 1);
	assert_int_equal(pattern_matches("[a-z]+", STR("abc1")), 0);
	assert_int_equal(pattern_matches("[a-z]+", STR("1abc")), 0);
	assert_int_equal(pattern_matches("[a-z]+", STR("")), 0);
	assert_int_equal(pattern_matches("a|b", STR("ab")), 0);
	assert_int_equal(pattern_matches("a|b", STR("b")), 1);
	assert_int_equal(pattern_matches("[a-z]+", STR("abc\n")), 0);
	assert_int_equal(pattern_matches("[a-z]+", STR("a\nb")), 0);
}

static void test_looks_beyond_a_nul(void **state)
{
	(void)state;
	assert_int_equal(pattern_matches("[a-z]+", STR("abc\0")), 0);
	assert_int_equal(pattern_matches("[a-z]+", STR("abc\0def")), 0);
}

static void test_more_patterns_than_the_table_holds(void **state)
{
	char pattern[32], good[32];

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 1000; i++) {
			snprintf(pattern, sizeof(pattern), "x{2}%d", i);
			snprintf(good, sizeof(good), "xx%d", i);
			assert_int_equal(pattern_matches(pattern, str_from(good)), 1);
			assert_int_equal(pattern_matches(pattern, STR("xx")), 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches_the_whole_string),
		cmocka_unit_test(test_looks_beyond_a_nul),
		cmocka_unit_test(test_more_patterns_than_the_table_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
