/* Which of the films that were found is the one a file means. */
#include "user/import_match.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>

#define FILM(id_, title_, year_, votes_)                                                                   \
	{                                                                                                  \
		.id = (id_), .title = { "" title_, sizeof(title_) - 1 }, .year = { (year_) > 0, (year_) }, \
		.vote_count = {                                                                            \
			true,                                                                              \
			votes_                                                                             \
		}                                                                                          \
	}

static int pick(const char *title, int64_t year, struct movie_found *films, size_t n)
{
	struct movie_list found = { .results = { n, films } };
	struct arena *a CLEANUP(arena_free) = NULL;

	assert_int_equal(arena_new(1 << 20, &a), 0);
	return import_pick(str_from(title), year, &found, a);
}

static void test_title_and_year_decide(void **state)
{
	struct movie_found films[] = { FILM(1, "Alien³", 1992, 9000), FILM(2, "Alien", 1979, 14000),
		                       FILM(3, "Aliens", 1986, 9000) };

	(void)state;
	assert_int_equal(pick("Alien", 1979, films, 3), 1);
	assert_int_equal(pick("ALIENS", 1986, films, 3), 2);
	assert_int_equal(pick("Alien", 0, films, 3), 1);
	assert_int_equal(pick("Alien", 1986, films, 3), -ENOENT);
	assert_int_equal(pick("Predator", 1987, films, 3), -ENOENT);
	assert_int_equal(pick("Alien", 1979, films, 0), -ENOENT);
}

static void test_year_may_be_one_off_if_none_has_it(void **state)
{
	struct movie_found films[] = { FILM(1, "Amélie", 2001, 1), FILM(2, "Amélie", 2003, 1) };
	struct movie_found both[] = { FILM(1, "It", 2016, 1), FILM(2, "It", 2017, 1) };

	(void)state;
	assert_int_equal(pick("Amelie", 2000, films, 2), 0);
	assert_int_equal(pick("Amelie", 2004, films, 2), 1);
	assert_int_equal(pick("Amelie", 2002, films, 2), -ENOTUNIQ);
	assert_int_equal(pick("Amelie", 2005, films, 2), -ENOENT);
	assert_int_equal(pick("It", 2017, both, 2), 1);
}

static void test_of_two_the_one_that_far_more_people_know(void **state)
{
	struct movie_found films[] = { FILM(1, "Heat", 1995, 3), FILM(2, "Heat", 1995, 7000) };
	struct movie_found close[] = { FILM(1, "Heat", 1995, 900), FILM(2, "Heat", 1995, 7000) };
	struct movie_found obscure[] = { FILM(1, "Heat", 1995, 0), FILM(2, "Heat", 1995, 49) };

	(void)state;
	assert_int_equal(pick("Heat", 1995, films, 2), 1);
	assert_int_equal(pick("Heat", 1995, close, 2), -ENOTUNIQ);
	assert_int_equal(pick("Heat", 1995, obscure, 2), -ENOTUNIQ);
}

static void test_original_title_counts(void **state)
{
	struct movie_found films[] = { FILM(1, "Spirited Away", 2001, 1) };

	(void)state;
	films[0].original_title = STR("千と千尋の神隠し");
	assert_int_equal(pick("千と千尋の神隠し", 2001, films, 1), 0);
	assert_int_equal(pick("spirited away", 2001, films, 1), 0);
}

static void test_article_case_accents_and_signs_make_no_difference(void **state)
{
	struct movie_found films[] = { FILM(1, "The Good, the Bad and the Ugly", 1966, 1), FILM(2, "$", 1971, 1),
		                       FILM(3, "WALL·E", 2008, 1) };

	(void)state;
	assert_int_equal(pick("the good the bad and the ugly", 1966, films, 3), 0);
	assert_int_equal(pick("$", 1971, films, 3), 1);
	assert_int_equal(pick("Wall·E", 2008, films, 3), 2);
}

static struct str key_of(const struct import_row *row, struct arena *a)
{
	struct str key;

	assert_int_equal(import_film_key(row, a, &key), 0);
	assert_true(key.len <= 200);
	return key;
}

static void test_key_is_the_same_for_one_film_only(void **state)
{
	struct import_row heat = { .title = STR("Heat"), .year = 1995 }, same = { .title = STR("HEAT!"), .year = 1995 };
	struct import_row other = { .title = STR("Heat"), .year = 1986 }, dollar = { .title = STR("$"), .year = 1971 };
	struct import_row sign = { .title = STR("?"), .year = 1971 }, imdb = heat, tmdb = heat;
	struct arena *a CLEANUP(arena_free) = NULL;
	char title[2000];

	(void)state;
	assert_int_equal(arena_new(1 << 20, &a), 0);
	imdb.imdb_id = STR("tt0113277");
	tmdb.movie_id = 949;
	assert_true(str_equal(key_of(&heat, a), key_of(&same, a)));
	assert_false(str_equal(key_of(&heat, a), key_of(&other, a)));
	assert_false(str_equal(key_of(&heat, a), key_of(&imdb, a)));
	assert_false(str_equal(key_of(&heat, a), key_of(&tmdb, a)));
	assert_false(str_equal(key_of(&dollar, a), key_of(&sign, a)));
	memset(title, 'x', sizeof(title));
	heat.title = (struct str){ title, sizeof(title) };
	(void)key_of(&heat, a);
	assert_true(key_of(&(struct import_row){ .movie_id = 550 }, a).len > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_is_the_same_for_one_film_only),
		cmocka_unit_test(test_title_and_year_decide),
		cmocka_unit_test(test_year_may_be_one_off_if_none_has_it),
		cmocka_unit_test(test_of_two_the_one_that_far_more_people_know),
		cmocka_unit_test(test_original_title_counts),
		cmocka_unit_test(test_article_case_accents_and_signs_make_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
