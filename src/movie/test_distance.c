/* Typing errors: the four kinds, beginnings, and the laws a distance obeys. */
#include "movie/distance.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static unsigned between(const char *a, const char *b, unsigned *ret_prefix)
{
	struct distance_word x, y;

	distance_word_init(&x, str_from(a));
	distance_word_init(&y, str_from(b));
	return distance_between(&x, &y, ret_prefix);
}

static void test_one_error_of_each_kind(void **state)
{
	(void)state;
	assert_int_equal(between("jaws", "jaws", NULL), 0);
	assert_int_equal(between("jawss", "jaws", NULL), 1);
	assert_int_equal(between("jas", "jaws", NULL), 1);
	assert_int_equal(between("jawz", "jaws", NULL), 1);
	assert_int_equal(between("jwas", "jaws", NULL), 1);
	assert_int_equal(between("shawshenk", "shawshank", NULL), 1);
}

static void test_more_errors(void **state)
{
	(void)state;
	assert_int_equal(between("", "jaws", NULL), 4);
	assert_int_equal(between("jaws", "", NULL), 4);
	assert_int_equal(between("ca", "abc", NULL),
	                 3); /* the restricted distance: a swapped pair is not edited again */
	assert_int_equal(between("kitten", "sitting", NULL), 3);
}

static void test_letters_are_code_points(void **state)
{
	(void)state;
	assert_int_equal(between("сталкер", "сталкир", NULL), 1);
	assert_int_equal(between("москва", "москав", NULL), 1);
}

static void test_beginnings(void **state)
{
	unsigned prefix = 99;

	(void)state;
	assert_int_equal(between("shaw", "shawshank", &prefix), 5);
	assert_int_equal(prefix, 0);
	(void)between("shwas", "shawshank", &prefix);
	assert_int_equal(prefix, 1);
	(void)between("abc", "", &prefix);
	assert_int_equal(prefix, 3);
}

static void test_long_words_are_cut(void **state)
{
	char a[200], b[200];

	(void)state;
	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	a[199] = b[100] = '\0';
	assert_int_equal(between(a, b, NULL), 0);
}

static void random_word(char *ret, size_t size)
{
	size_t n = (size_t)random() % size;

	for (size_t i = 0; i < n; i++)
		ret[i] = (char)('a' + random() % 5);
	ret[n] = '\0';
}

/* Properties: symmetry, the beginning is never further, lengths bound it, letters missing never exceed it. */
static void test_laws(void **state)
{
	(void)state;
	srandom(11);
	for (int i = 0; i < 20000; i++) {
		char a[12], b[12];
		unsigned d, prefix;
		size_t longer;

		random_word(a, sizeof(a));
		random_word(b, sizeof(b));
		longer = MAX(strlen(a), strlen(b));
		d = between(a, b, &prefix);
		assert_int_equal(d, between(b, a, NULL));
		assert_true(prefix <= d && d <= longer);
		assert_true(d + strlen(a) >= strlen(b));
		assert_true(distance_missing(distance_set(str_from(a)), distance_set(str_from(b))) <= prefix);
		assert_int_equal(d == 0, strcmp(a, b) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_error_of_each_kind),  cmocka_unit_test(test_more_errors),
		cmocka_unit_test(test_letters_are_code_points), cmocka_unit_test(test_beginnings),
		cmocka_unit_test(test_long_words_are_cut),      cmocka_unit_test(test_laws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
