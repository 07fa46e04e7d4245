/* The index of titles: words, neighbours written as one, keys with and without the article, ranges. */
#include "movie/title_index.h"

#include "base/fault.h"

#include <errno.h>
#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct film items[] = {
	{ .title = { "The Spider-Man", 14 } },
	{ .title = { "Spider", 6 } },
	{ .title = { "Spider, Spider", 14 } },
	{ .title = { "Amélie", 7 } },
};
static const struct films films = { items, ARRAY_SIZE(items) };
static struct title_index *ix;

static int index_before(void **state)
{
	(void)state;
	return title_index_new(&films, &ix);
}

static int index_after(void **state)
{
	(void)state;
	title_index_free(&ix);
	return 0;
}

static void test_a_word_knows_its_films_once(void **state)
{
	const struct title_word *word = title_word_find(ix, STR("spider"));

	(void)state;
	assert_non_null(word);
	assert_int_equal(word->n_films, 3);
	assert_int_equal(word->films[0], 0);
	assert_int_equal(word->films[1], 1);
	assert_int_equal(word->films[2], 2);
	assert_int_equal(word->n_letters, 6);
}

static void test_words_are_folded(void **state)
{
	(void)state;
	assert_non_null(title_word_find(ix, STR("amelie")));
	assert_null(title_word_find(ix, STR("Amélie")));
	assert_null(title_word_find(ix, STR("spide")));
	assert_null(title_word_find(ix, STR("zzz")));
}

static void test_neighbours_are_words_too(void **state)
{
	(void)state;
	assert_int_equal(title_word_find(ix, STR("spiderman"))->n_films, 1);
	assert_int_equal(title_word_find(ix, STR("thespider"))->films[0], 0);
	assert_int_equal(title_word_find(ix, STR("spiderspider"))->films[0], 2);
}

static void test_keys_with_and_without_the_article(void **state)
{
	struct title_range with = title_keys_prefixed(ix, STR("thespiderman"));
	struct title_range without = title_keys_prefixed(ix, STR("spiderman"));

	(void)state;
	assert_int_equal(with.to - with.from, 1);
	assert_int_equal(without.to - without.from, 1);
	assert_int_equal(ix->keys[with.from].film, 0);
	assert_int_equal(ix->keys[without.from].film, 0);
	assert_true(str_equal(ix->keys[without.from].words, STR("spider man")));
	assert_int_equal(ix->n_keys, 5);
}

static void test_a_range_begins_with_the_equal_one(void **state)
{
	struct title_range range = title_words_prefixed(ix, STR("spider"));

	(void)state;
	assert_int_equal(range.to - range.from, 3);
	assert_true(str_equal(ix->words[range.from].text, STR("spider")));
	range = title_words_prefixed(ix, STR("q"));
	assert_int_equal(range.to - range.from, 0);
	range = title_words_prefixed(ix, STR(""));
	assert_int_equal(range.to - range.from, ix->n_words);
}

static void test_articles(void **state)
{
	(void)state;
	assert_true(str_equal(title_without_article(STR("the wall")), STR("wall")));
	assert_true(str_equal(title_without_article(STR("a wall")), STR("wall")));
	assert_true(str_equal(title_without_article(STR("an apple")), STR("apple")));
	assert_true(str_equal(title_without_article(STR("the")), STR("the")));
	assert_true(str_equal(title_without_article(STR("theory")), STR("theory")));
}

static void test_no_films_no_trouble(void **state)
{
	static const struct films none = { NULL, 0 };
	struct title_index *empty = NULL;

	(void)state;
	assert_int_equal(title_index_new(&none, &empty), 0);
	assert_null(title_word_find(empty, STR("a")));
	title_index_free(&empty);
	assert_null(empty);
	title_index_free(&empty);
}

static void test_every_allocation_may_fail(void **state)
{
	(void)state;
	for (unsigned i = 1; i < 1000; i++) {
		struct title_index *other = NULL;
		char plan[32];
		int r;

		snprintf(plan, sizeof(plan), "alloc:%u", i);
		fault_set(plan);
		r = title_index_new(&films, &other);
		fault_set(NULL);
		if (r == 0) {
			title_index_free(&other);
			assert_true(i > 3);
			return;
		}
		assert_int_equal(r, -ENOMEM);
		assert_null(other);
	}
	fail();
}

#define INDEX_TEST(f) cmocka_unit_test_setup_teardown(f, index_before, index_after)

int main(void)
{
	const struct CMUnitTest tests[] = {
		INDEX_TEST(test_a_word_knows_its_films_once),
		INDEX_TEST(test_words_are_folded),
		INDEX_TEST(test_neighbours_are_words_too),
		INDEX_TEST(test_keys_with_and_without_the_article),
		INDEX_TEST(test_a_range_begins_with_the_equal_one),
		INDEX_TEST(test_articles),
		INDEX_TEST(test_no_films_no_trouble),
		INDEX_TEST(test_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
