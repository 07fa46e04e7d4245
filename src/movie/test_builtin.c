/* The built-in catalogue behind the interface: every answer keeps to its table, pages are whole, filters filter. */
#include "movie/builtin.h"

#include "base/fault.h"
#include "movie/films.h"

#include <errno.h>
#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FILMS 3824

static struct catalogue *catalogue;
static struct arena *arena;

static int catalogue_before(void **state)
{
	(void)state;
	return builtin_new(&catalogue) < 0 ? -1 : arena_new((size_t)1 << 20, &arena);
}

static int catalogue_after(void **state)
{
	(void)state;
	catalogue_free(&catalogue);
	arena_free(&arena);
	return 0;
}

static struct schema_int number(int64_t value)
{
	return (struct schema_int){ true, value };
}

static void assert_keeps_to(const struct schema *schema, const void *value)
{
	struct violations v;

	violations_init(&v, arena);
	if (schema_check(schema, value, arena, &v) < 0)
		fail_msg("%s: %.*s", v.items[0].type, STR_ARGS(v.items[0].msg));
}

static struct movie_page search(const struct catalogue_search *q)
{
	struct movie_page page;

	assert_int_equal(catalogue->search(catalogue, q, arena, &page), 0);
	assert_keeps_to(&movie_page_schema, &page);
	return page;
}

static struct movie_page discover(struct catalogue_discover q)
{
	struct movie_page page;

	if (str_is_null(q.sort))
		q.sort = STR("popularity.desc");
	q.page = q.page ? q.page : 1;
	assert_int_equal(catalogue->discover(catalogue, &q, arena, &page), 0);
	assert_keeps_to(&movie_page_schema, &page);
	return page;
}

static const struct movie_item *item(const struct movie_page *page, size_t i)
{
	assert_true(i < page->results.n);
	return (const struct movie_item *)page->results.items + i;
}

static bool has_genre(const struct movie_item *film, int64_t id)
{
	for (size_t i = 0; i < film->genre_ids.n; i++)
		if (((const int64_t *)film->genre_ids.items)[i] == id)
			return true;
	return false;
}

static void test_search_gives_a_page(void **state)
{
	struct movie_page page = search(&(struct catalogue_search){ .query = STR("amelie"), .page = 1 });

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
	struct movie_page page = search(&(struct catalogue_search){ .query = STR("zzzzqq"), .page = 1 });

	(void)state;
	assert_int_equal(page.total_results, 0);
	assert_int_equal(page.total_pages, 0);
	assert_int_equal(page.results.n, 0);
}

static void test_either_year_filters_and_both_must_agree(void **state)
{
	struct catalogue_search q = { .query = STR("king kong"), .page = 1, .year = { true, 1976 } };
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
	struct catalogue_search q = { .query = STR("the"), .page = 1 };
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
	struct movie_page page = search(&(struct catalogue_search){ .query = STR("amelie"), .page = 500 });

	(void)state;
	assert_int_equal(page.page, 500);
	assert_int_equal(page.results.n, 0);
	assert_int_equal(page.total_results, 2);
	page = discover((struct catalogue_discover){ .page = 500 });
	assert_int_equal(page.results.n, 0);
}

static void test_discover_all(void **state)
{
	struct movie_page page = discover((struct catalogue_discover){ 0 });

	(void)state;
	assert_int_equal(page.total_results, FILMS);
	assert_int_equal(page.total_pages, (FILMS + 19) / 20);
	assert_int_equal(page.results.n, 20);
	assert_true(item(&page, 0)->year.value >= 2014);
}

static void test_discover_wants_all_of_the_genres(void **state)
{
	int64_t ids[] = { 878, 35 };
	struct movie_page page = discover((struct catalogue_discover){ .genre = { 2, ids } });

	(void)state;
	assert_true(page.total_results > 0);
	for (size_t i = 0; i < page.results.n; i++)
		assert_true(has_genre(item(&page, i), 878) && has_genre(item(&page, i), 35));
	ids[1] = 12345;
	assert_int_equal(discover((struct catalogue_discover){ .genre = { 2, ids } }).total_results, 0);
}

static void test_discover_keeps_to_the_years(void **state)
{
	struct movie_page page =
	        discover((struct catalogue_discover){ .year_from = number(1950), .year_to = number(1952) });

	(void)state;
	assert_true(page.total_results > 0);
	for (size_t i = 0; i < page.results.n; i++)
		assert_in_range(item(&page, i)->year.value, 1950, 1952);
}

static void test_discover_sorts(void **state)
{
	struct movie_page oldest = discover((struct catalogue_discover){ .sort = STR("primary_release_date.asc") });
	struct movie_page newest = discover((struct catalogue_discover){ .sort = STR("primary_release_date.desc") });
	struct movie_page first = discover((struct catalogue_discover){ .sort = STR("title.asc"), .page = 30 });
	struct movie_page last = discover((struct catalogue_discover){ .sort = STR("title.desc") });

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

static void test_details(void **state)
{
	struct movie_details film;
	const struct str *director;

	(void)state;
	assert_int_equal(catalogue->details(catalogue, FILM_ID_BASE + 6, STR_NULL, arena, &film), 0);
	assert_keeps_to(&movie_details_schema, &film);
	director = film.directors.items;
	assert_true(str_equal(film.title, STR("12 Angry Men")));
	assert_true(str_equal(film.release_date, STR("1957-04-13")));
	assert_int_equal(film.runtime.value, 96);
	assert_int_equal(film.genres.n, 2);
	assert_int_equal(film.directors.n, 1);
	assert_true(str_equal(*director, STR("Sidney Lumet")));
	assert_true(str_equal(((struct movie_company *)film.production_companies.items)->name, STR("United Artists")));
	assert_true(str_is_null(film.certification));
	assert_true(str_is_null(film.overview));
	assert_false(film.budget.is_set);
}

static void test_no_such_film(void **state)
{
	static const int64_t ids[] = { 0, 1, 550, FILM_ID_BASE, FILM_ID_BASE + FILMS + 1, INT32_MAX, INT64_MAX, -1 };
	struct movie_details film;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_int_equal(catalogue->details(catalogue, ids[i], STR_NULL, arena, &film), -ENOENT);
}

static void test_every_film_keeps_to_its_table(void **state)
{
	(void)state;
	for (int64_t i = 1; i <= FILMS; i++) {
		struct movie_details film;

		arena_reset(arena);
		assert_int_equal(catalogue->details(catalogue, FILM_ID_BASE + i, STR_NULL, arena, &film), 0);
		assert_keeps_to(&movie_details_schema, &film);
		assert_int_equal(film.id, FILM_ID_BASE + i);
	}
}

static void test_genres_are_tmdb_s(void **state)
{
	struct movie_genres genres;
	const struct movie_genre *first;

	(void)state;
	assert_int_equal(catalogue->genres(catalogue, STR("en-US"), arena, &genres), 0);
	assert_keeps_to(&movie_genres_schema, &genres);
	first = genres.genres.items;
	assert_int_equal(genres.genres.n, 19);
	assert_int_equal(first->id, 28);
	assert_true(str_equal(first->name, STR("Action")));
}

static void test_describes_itself(void **state)
{
	(void)state;
	assert_string_equal(catalogue->describe(catalogue), "built-in, 3824 films");
}

#ifdef CINESYNC_FAULTS
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
#endif

#define CATALOGUE_TEST(f) cmocka_unit_test_setup_teardown(f, catalogue_before, catalogue_after)

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
		CATALOGUE_TEST(test_details),
		CATALOGUE_TEST(test_no_such_film),
		CATALOGUE_TEST(test_every_film_keeps_to_its_table),
		CATALOGUE_TEST(test_genres_are_tmdb_s),
		CATALOGUE_TEST(test_describes_itself),
#ifdef CINESYNC_FAULTS
		CATALOGUE_TEST(test_every_allocation_may_fail),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
