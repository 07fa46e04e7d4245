/* The built-in catalogue behind the interface, lists of films: every answer keeps to its table, pages are whole,
 * filters filter. test_builtin_film.c has the rest. */
#include "movie/builtin_testing.h"

#include "base/fault.h"

#include <stdio.h>

static void test_search_gives_a_page(void **state)
{
	struct movie_page page = search(&(struct question_search){ .query = STR("amelie"), .page = 1 });

	(void)state;
	assert_int_equal(page.page, 1);
	assert_int_equal(page.total_results, 2);
	assert_int_equal(page.total_pages, 1);
	assert_true(str_equal(page.source, STR("builtin")));
	assert_true(str_equal(item(&page, 0)->title, STR("Amélie")));
	assert_int_equal(item(&page, 0)->id, FILM_ID_BASE + 199);
	assert_int_equal(item(&page, 0)->year.value, 2001);
	assert_true(has_genre(item(&page, 0), 35));
	assert_true(str_is_null(item(&page, 0)->release_date));
	assert_true(str_is_null(item(&page, 0)->poster_path));
	assert_false(item(&page, 0)->vote_average.is_set);
}

static void test_nothing_found_has_no_pages(void **state)
{
	struct movie_page page = search(&(struct question_search){ .query = STR("zzzzqq"), .page = 1 });

	(void)state;
	assert_int_equal(page.total_results, 0);
	assert_int_equal(page.total_pages, 0);
	assert_int_equal(page.results.n, 0);
}

static void test_either_year_filters_and_both_must_agree(void **state)
{
	struct question_search q = { .query = STR("king kong"), .page = 1, .year = { true, 1976 } };
	struct movie_page page = search(&q);

	(void)state;
	assert_int_equal(page.total_results, 1);
	assert_int_equal(item(&page, 0)->year.value, 1976);
	q.primary_release_year = number(2005);
	assert_int_equal(search(&q).total_results, 0);
	q.year.is_set = false;
	page = search(&q);
	assert_int_equal(item(&page, 0)->year.value, 2005);
}

static void test_pages_hold_every_hit_once(void **state)
{
	static bool seen[FILMS + 1];
	struct question_search q = { .query = STR("the"), .page = 1 };
	struct movie_page first = search(&q);
	int64_t films = 0;

	(void)state;
	assert_true(first.total_pages > 10);
	for (q.page = 1; q.page <= first.total_pages; q.page++) {
		struct movie_page page;

		arena_reset(arena);
		page = search(&q);
		for (size_t i = 0; i < page.results.n; i++) {
			int64_t row = item(&page, i)->id - FILM_ID_BASE;

			assert_false(seen[row]);
			seen[row] = true;
			films++;
		}
	}
	assert_int_equal(films, first.total_results);
}

static void test_behind_the_last_page_is_nothing(void **state)
{
	struct movie_page page = search(&(struct question_search){ .query = STR("amelie"), .page = 500 });

	(void)state;
	assert_int_equal(page.page, 500);
	assert_int_equal(page.results.n, 0);
	assert_int_equal(page.total_results, 2);
	page = discover((struct question_discover){ .page = 500 });
	assert_int_equal(page.results.n, 0);
}

static void test_discover_all(void **state)
{
	struct movie_page page = discover((struct question_discover){ 0 });

	(void)state;
	assert_int_equal(page.total_results, FILMS);
	assert_int_equal(page.total_pages, (FILMS + 19) / 20);
	assert_int_equal(page.results.n, 20);
	assert_true(item(&page, 0)->year.value >= 2014);
}

static void test_discover_wants_all_of_the_genres(void **state)
{
	int64_t ids[] = { 878, 35 };
	struct movie_page page = discover((struct question_discover){ .genre = { 2, ids } });

	(void)state;
	assert_true(page.total_results > 0);
	for (size_t i = 0; i < page.results.n; i++)
		assert_true(has_genre(item(&page, i), 878) && has_genre(item(&page, i), 35));
	ids[1] = 12345;
	assert_int_equal(discover((struct question_discover){ .genre = { 2, ids } }).total_results, 0);
}

static void test_discover_keeps_to_the_years(void **state)
{
	struct movie_page page =
	        discover((struct question_discover){ .year_from = number(1950), .year_to = number(1952) });

	(void)state;
	assert_true(page.total_results > 0);
	for (size_t i = 0; i < page.results.n; i++)
		assert_in_range(item(&page, i)->year.value, 1950, 1952);
}

static void test_discover_sorts(void **state)
{
	struct movie_page oldest = discover((struct question_discover){ .sort = STR("primary_release_date.asc") });
	struct movie_page newest = discover((struct question_discover){ .sort = STR("primary_release_date.desc") });
	struct movie_page first = discover((struct question_discover){ .sort = STR("title.asc"), .page = 30 });
	struct movie_page last = discover((struct question_discover){ .sort = STR("title.desc") });

	(void)state;
	assert_int_equal(item(&oldest, 0)->year.value, 1915);
	assert_int_equal(item(&newest, 0)->year.value, 2015);
	for (size_t i = 1; i < 20; i++) {
		assert_true(item(&oldest, i - 1)->year.value <= item(&oldest, i)->year.value);
		assert_true(item(&newest, i - 1)->year.value >= item(&newest, i)->year.value);
	}
	assert_true(item(&first, 0)->title.data[0] < 'D' || str_starts(item(&first, 0)->title, STR("The ")));
	assert_int_equal(item(&last, 0)->title.data[0], 'Z');
}

static void test_discover_filters(void **state)
{
	int64_t any[] = { 99, 37, 12345 };
	struct movie_page page = discover((struct question_discover){ .genre_any = { 3, any } });

	(void)state;
	assert_true(page.total_results > 20);
	for (size_t i = 0; i < page.results.n; i++)
		assert_true(has_genre(item(&page, i), 99) || has_genre(item(&page, i), 37));
	any[0] = any[1] = 12345;
	assert_int_equal(discover((struct question_discover){ .genre_any = { 3, any } }).total_results, 0);
	page = discover((struct question_discover){ .year = number(1999) });
	assert_true(page.total_results > 20);
	for (size_t i = 0; i < page.results.n; i++)
		assert_int_equal(item(&page, i)->year.value, 1999);
}

static void test_discover_by_day(void **state)
{
	struct movie_page page = discover((struct question_discover){ .release_date_from = STR("1999-06-01"),
	                                                              .release_date_to = STR("1999-06-30") });
	int64_t month = page.total_results;

	(void)state;
	assert_in_range(month, 1, 20);
	for (size_t i = 0; i < page.results.n; i++)
		assert_true(str_starts(item(&page, i)->release_date, STR("1999-06-")));
	page = discover((struct question_discover){ .release_date_from = STR("1957-04-13"),
	                                            .release_date_to = STR("1957-04-13") });
	assert_int_equal(page.total_results, 1);
	assert_true(str_equal(item(&page, 0)->title, STR("12 Angry Men")));
	assert_true(discover((struct question_discover){ .release_date_from = STR("1000-01-01") }).total_results <
	            FILMS);
}

static void test_discover_by_length_and_rating(void **state)
{
	struct question_discover q = { .runtime_min = number(96), .runtime_max = number(96), .year = number(1957) };
	struct movie_page page = discover(q);
	int64_t rated;

	(void)state;
	assert_in_range(page.total_results, 1, 5);
	for (size_t i = 0; i < page.results.n; i++)
		assert_int_equal(details(item(&page, i)->id - FILM_ID_BASE, "").runtime.value, 96);
	q.runtime_max = number(95);
	q.runtime_min.is_set = false;
	q.year.is_set = false;
	assert_in_range(discover(q).total_results, 1, FILMS / 2);
	q = (struct question_discover){ .certification = STR("NC-17") };
	rated = discover(q).total_results;
	assert_int_equal(rated, 8);
	q.certification_country = STR("US");
	assert_int_equal(discover(q).total_results, rated);
	q.certification_country = STR("GB");
	assert_int_equal(discover(q).total_results, 0);
}

static void test_what_is_unknown_matches_no_filter(void **state)
{
	int64_t provider = 8;
	const struct question_discover unknown[] = {
		{ .vote_average_min = { true, 0 } },
		{ .vote_average_max = { true, 10 } },
		{ .vote_count_min = { true, 0 } },
		{ .vote_count_max = { true, INT32_MAX } },
		{ .original_language = STR("en") },
		{ .watch_region = STR("US") },
		{ .watch_region = STR("US"), .watch_provider = { 1, &provider } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		assert_int_equal(discover(unknown[i]).total_results, 0);
}

static void test_unknown_orders_are_that_of_prominence(void **state)
{
	static const char *const sorts[] = { "vote_average.desc", "vote_count.asc", "revenue.desc", "revenue.asc" };
	struct movie_page best = discover((struct question_discover){ 0 });
	struct movie_page last = discover((struct question_discover){ .page = (FILMS + 19) / 20 });
	struct movie_page worst = discover((struct question_discover){ .sort = STR("popularity.asc") });

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sorts); i++) {
		struct movie_page page = discover((struct question_discover){ .sort = str_from(sorts[i]) });

		assert_int_equal(item(&page, 0)->id, item(&best, 0)->id);
	}
	assert_int_equal(item(&worst, 0)->id, item(&last, last.results.n - 1)->id);
}

static void test_popular_is_by_prominence(void **state)
{
	struct movie_page popular = list(QUESTION_POPULAR, 2), page = discover((struct question_discover){ .page = 2 });

	(void)state;
	assert_int_equal(popular.total_results, FILMS);
	assert_int_equal(item(&popular, 0)->id, item(&page, 0)->id);
	assert_int_equal(list(QUESTION_POPULAR, 500).results.n, 0);
}

static void test_nobody_has_voted_here(void **state)
{
	struct question trending = { .kind = QUESTION_TRENDING, .of.trending = { STR("week"), 3, STR_NULL } };

	(void)state;
	assert_int_equal(list(QUESTION_TOP_RATED, 1).total_results, 0);
	assert_int_equal(page_of(trending).page, 3);
	assert_int_equal(page_of(trending).total_results, 0);
	assert_int_equal(related(QUESTION_RECOMMENDATIONS, 6, 1).total_results, 0);
}

/* 1999-06-16 */
static int64_t summer_1999(void)
{
	return INT64_C(929534400000);
}

static void test_lists_of_the_day(void **state)
{
	struct movie_page playing, upcoming;

	(void)state;
	assert_int_equal(list(QUESTION_UPCOMING, 1).total_results, 0);
	builtin_of(catalogue)->now_ms = summer_1999;
	playing = list(QUESTION_NOW_PLAYING, 1);
	upcoming = list(QUESTION_UPCOMING, 1);
	assert_in_range(playing.total_results, 1, 20);
	for (size_t i = 0; i < playing.results.n; i++) {
		struct str day = item(&playing, i)->release_date;

		assert_true(builtin_compare(day, STR("1999-06-16")) <= 0);
		assert_true(builtin_compare(day, STR("1999-05-02")) > 0);
		assert_true(i == 0 || builtin_compare(day, item(&playing, i - 1)->release_date) <= 0);
	}
	assert_true(upcoming.total_results > 500);
	assert_true(builtin_compare(item(&upcoming, 0)->release_date, STR("1999-06-16")) > 0);
}

static bool is_in(const struct movie_page *page, const char *title)
{
	for (size_t i = 0; i < page->results.n; i++)
		if (str_equal(item(page, i)->title, str_from(title)))
			return true;
	return false;
}

static void test_similar_films_are_of_the_same_hand_or_kind(void **state)
{
	int64_t row = row_of("Memento"), year = details(row, "").year.value;
	struct movie_page page = related(QUESTION_SIMILAR, row, 1);

	(void)state;
	assert_in_range(page.total_results, 20, 100);
	assert_true(is_in(&page, "Inception") && is_in(&page, "The Prestige"));
	for (size_t i = 0; i < page.results.n; i++)
		assert_int_not_equal(item(&page, i)->id, FILM_ID_BASE + row);
	page = related(QUESTION_SIMILAR, row, page.total_pages);
	for (size_t i = 0; i < page.results.n; i++)
		assert_in_range(item(&page, i)->year.value, year - 10, year + 10);
}

static void test_every_film_has_at_most_100_similar_ones(void **state)
{
	(void)state;
	for (int64_t row = 1; row <= FILMS; row += 7) {
		arena_reset(arena);
		assert_in_range(related(QUESTION_SIMILAR, row, 1).total_results, 0, 100);
	}
}

static void test_it_is_local_and_has_one_language(void **state)
{
	(void)state;
	assert_true(catalogue->is_local);
	assert_false(catalogue->knows_languages);
}

static void test_describes_itself(void **state)
{
	(void)state;
	assert_string_equal(catalogue->describe(catalogue), "built-in, 3824 films");
}

static void test_every_allocation_may_fail(void **state)
{
	(void)state;
	for (unsigned i = 1; i < 100000; i = i < 8 ? i + 1 : i * 2) {
		struct catalogue *other = NULL;
		char plan[32];
		int r;

		snprintf(plan, sizeof(plan), "alloc:%u", i);
		fault_set(plan);
		r = builtin_new(&other);
		fault_set(NULL);
		if (r == 0) {
			catalogue_free(&other);
			assert_true(i > 3);
			return;
		}
		assert_int_equal(r, -ENOMEM);
		assert_null(other);
	}
	fail();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CATALOGUE_TEST(test_search_gives_a_page),
		CATALOGUE_TEST(test_nothing_found_has_no_pages),
		CATALOGUE_TEST(test_either_year_filters_and_both_must_agree),
		CATALOGUE_TEST(test_pages_hold_every_hit_once),
		CATALOGUE_TEST(test_behind_the_last_page_is_nothing),
		CATALOGUE_TEST(test_discover_all),
		CATALOGUE_TEST(test_discover_wants_all_of_the_genres),
		CATALOGUE_TEST(test_discover_keeps_to_the_years),
		CATALOGUE_TEST(test_discover_sorts),
		CATALOGUE_TEST(test_discover_filters),
		CATALOGUE_TEST(test_discover_by_day),
		CATALOGUE_TEST(test_discover_by_length_and_rating),
		CATALOGUE_TEST(test_what_is_unknown_matches_no_filter),
		CATALOGUE_TEST(test_unknown_orders_are_that_of_prominence),
		CATALOGUE_TEST(test_popular_is_by_prominence),
		CATALOGUE_TEST(test_nobody_has_voted_here),
		CATALOGUE_TEST(test_lists_of_the_day),
		CATALOGUE_TEST(test_similar_films_are_of_the_same_hand_or_kind),
		CATALOGUE_TEST(test_every_film_has_at_most_100_similar_ones),
		CATALOGUE_TEST(test_it_is_local_and_has_one_language),
		CATALOGUE_TEST(test_describes_itself),
		CATALOGUE_TEST(test_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
