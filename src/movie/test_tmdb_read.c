/* TMDB's answers as ours: lists, parts and configuration, each with the irregularities of its sample. */
#include "movie/test_tmdb_support.h"
#include "movie/tmdb_read.h"

#include <errno.h>

static struct arena *arena;

static int arena_before(void **state)
{
	(void)state;
	arena = testing_arena();
	return 0;
}

static int arena_after(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static int read_body(const struct question *q, struct str body, void *ret)
{
	const struct tmdb_reading reading = { q, STR(TESTING_IMAGES), arena };

	return tmdb_read(&reading, body, ret);
}

/* Reads what must be readable, and checks it against the table of the kind. */
static void read_well(const struct question *q, struct str body, void *ret)
{
	assert_int_equal(read_body(q, body, ret), 0);
	testing_keeps_to(question_type(q->kind)->reply, ret, arena);
}

static const struct question search = { .kind = QUESTION_SEARCH, .of.search = { .query = { "x", 1 }, .page = 2 } };

static const struct movie_item *item(const struct movie_page *page, size_t i)
{
	assert_true(i < page->results.n);
	return (const struct movie_item *)page->results.items + i;
}

/* ---- lists ---- */

static void test_a_film_of_a_list(void **state)
{
	struct movie_page page;
	const struct movie_item *film;

	(void)state;
	read_well(&search, testing_sample("page.json"), &page);
	film = item(&page, 0);
	assert_int_equal(film->id, 101);
	testing_str(film->title, "The  Harbour");
	testing_str(film->original_title, "Le Port");
	testing_str(film->overview, "Two <b>brothers</b> &amp; a boat.\r\n\"Never again\" \u2013 \U0001f6a2");
	testing_str(film->release_date, "1999-03-31");
	assert_int_equal(film->year.value, 1999);
	testing_str(film->poster->w185, TESTING_IMAGES "w185/harbour.jpg");
	testing_str(film->backdrop->w1280, TESTING_IMAGES "w1280/harbour_wide.jpg");
	testing_str(film->backdrop->original, TESTING_IMAGES "original/harbour_wide.jpg");
	assert_true(film->vote_average.value == 7.0 && film->popularity.value == 12.0);
	assert_int_equal(film->genre_ids.n, 2);
	testing_str(page.source, "tmdb");
}

static void test_what_is_unknown_is_null(void **state)
{
	struct movie_page page;
	const struct movie_item *film;

	(void)state;
	read_well(&search, testing_sample("page.json"), &page);
	film = item(&page, 1);
	assert_true(str_is_null(film->overview) && str_is_null(film->release_date) && str_is_null(film->poster_path));
	assert_false(film->year.is_set);
	assert_null(film->poster);
	assert_null(film->backdrop);
	assert_true(film->video.value && film->adult.value);
	/* a mean of no votes is none */
	assert_int_equal(film->vote_count.value, 0);
	assert_false(film->vote_average.is_set);
}

static void test_items_without_title_or_id_are_left_out(void **state)
{
	struct movie_page page;

	(void)state;
	read_well(&search, testing_sample("page.json"), &page);
	assert_int_equal(page.results.n, 4);
	assert_int_equal(item(&page, 2)->id, 103);
	testing_str(item(&page, 2)->title, "\u6e2f");
	assert_int_equal(item(&page, 2)->vote_count.value, 3);
	assert_int_equal(item(&page, 3)->id, 106);
}

static void test_odd_values_cost_themselves_only(void **state)
{
	struct movie_page page;
	const struct movie_item *film;

	(void)state;
	read_well(&search, testing_sample("page.json"), &page);
	film = item(&page, 3);
	testing_str(film->title, "Odd");
	assert_true(str_is_null(film->release_date) && str_is_null(film->poster_path) &&
	            str_is_null(film->backdrop_path));
	assert_null(film->poster);
	assert_false(film->vote_average.is_set || film->vote_count.is_set || film->popularity.is_set ||
	             film->adult.is_set);
	assert_int_equal(film->genre_ids.n, 2);
}

static void test_only_the_lists_of_the_cinemas_have_dates(void **state)
{
	struct question q = { .kind = QUESTION_UPCOMING, .of.list = { .page = 1 } };
	struct movie_page page;

	(void)state;
	read_well(&search, testing_sample("page.json"), &page);
	assert_null(page.dates);
	read_well(&q, testing_sample("page.json"), &page);
	testing_str(page.dates->minimum, "2026-10-14");
	testing_str(page.dates->maximum, "2026-11-25");
}

/* A page of n films with the totals given. */
static struct str page_of(size_t n, const char *totals)
{
	struct str text = STR("{\"results\":[");

	for (size_t i = 0; i < n; i++)
		text = arena_printf(arena, "%s%s{\"id\":%zu,\"title\":\"T\"}", text.data, i ? "," : "", i + 1);
	return arena_printf(arena, "%s]%s}", text.data, totals);
}

static void test_totals_are_put_right(void **state)
{
	static const struct {
		int64_t page;
		size_t n;
		const char *totals;
		size_t results;
		int64_t total_pages, total_results;
	} cases[] = {
		{ 1, 20, ",\"total_pages\":49437,\"total_results\":988727", 20, 500, 988727 },
		{ 1, 0, ",\"total_pages\":1,\"total_results\":0", 0, 0, 0 },
		{ 1, 0, ",\"total_pages\":0,\"total_results\":0", 0, 0, 0 },
		{ 1, 0, "", 0, 0, 0 },
		{ 3, 5, "", 5, 3, 45 },
		{ 3, 5, ",\"total_pages\":0,\"total_results\":0", 5, 3, 45 },
		{ 1, 20, ",\"total_pages\":9,\"total_results\":30", 20, 2, 30 },
		{ 1, 20, ",\"total_pages\":1,\"total_results\":30", 20, 1, 30 },
		{ 1, 20, ",\"total_pages\":\"x\",\"total_results\":41", 20, 3, 41 },
		{ 4, 0, ",\"total_pages\":2,\"total_results\":40", 0, 2, 40 },
		{ 1, 25, ",\"total_pages\":2,\"total_results\":25", 20, 2, 25 },
		{ 500, 20, ",\"total_pages\":600,\"total_results\":99999999999999999999", 20, 500, 10000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct question q = { .kind = QUESTION_POPULAR, .of.list = { .page = cases[i].page } };
		struct movie_page page;

		read_well(&q, page_of(cases[i].n, cases[i].totals), &page);
		assert_int_equal(page.page, cases[i].page);
		assert_int_equal(page.results.n, cases[i].results);
		assert_int_equal(page.total_pages, cases[i].total_pages);
		assert_int_equal(page.total_results, cases[i].total_results);
	}
}

static void test_a_film_found_by_its_id_elsewhere(void **state)
{
	struct question q = { .kind = QUESTION_FIND };
	struct movie_found found;

	(void)state;
	read_well(&q, testing_sample("found.json"), &found);
	assert_int_equal(found.results.n, 1);
	testing_str(((const struct movie_item *)found.results.items)->title, "The Harbour");
	read_well(&q, STR("{\"movie_results\":[]}"), &found);
	assert_int_equal(found.results.n, 0);
}

/* ---- parts ---- */

static void test_credits(void **state)
{
	struct question q = { .kind = QUESTION_CREDITS, .path = { TESTING_FILM } };
	const struct movie_cast *cast;
	struct movie_credits credits;

	(void)state;
	read_well(&q, testing_sample("credits.json"), &credits);
	assert_int_equal(credits.id, TESTING_FILM);
	assert_int_equal(credits.cast.n, 2);
	cast = credits.cast.items;
	testing_str(cast[0].character, "Captain Grey");
	testing_str(cast[0].profile->h632, TESTING_IMAGES "h632/ada.jpg");
	assert_false(cast[1].id.is_set);
	assert_int_equal(cast[1].order.value, 1);
	assert_null(cast[1].profile);
	assert_int_equal(credits.crew.n, 1);
	testing_str(((const struct movie_crew *)credits.crew.items)->profile->w45, TESTING_IMAGES "w45/cy.jpg");
	/* one of the two lists is enough */
	read_well(&q, STR("{\"crew\":[]}"), &credits);
}

static void test_videos(void **state)
{
	struct question q = { .kind = QUESTION_VIDEOS, .path = { TESTING_FILM } };
	const struct movie_video *items;
	struct movie_videos videos;

	(void)state;
	read_well(&q, testing_sample("videos.json"), &videos);
	assert_int_equal(videos.results.n, 3);
	items = videos.results.items;
	testing_str(items[0].url, "https://www.youtube.com/watch?v=a_b-C1");
	testing_str(items[0].published_at, "2010-05-10T16:00:00.000Z");
	testing_str(items[1].url, "https://vimeo.com/12345%26x");
	assert_true(str_is_null(items[1].published_at) && str_is_null(items[1].language) &&
	            str_is_null(items[1].region));
	assert_false(items[1].size.is_set);
	assert_true(str_is_null(items[2].url));
}

static void test_watch_providers_are_sorted_and_filtered(void **state)
{
	struct question q = { .kind = QUESTION_WATCH_PROVIDERS, .path = { TESTING_FILM } };
	const struct movie_provider_region *regions;
	struct movie_watch_providers providers;

	(void)state;
	read_well(&q, testing_sample("watch_providers.json"), &providers);
	assert_int_equal(providers.results.n, 2);
	regions = providers.results.items;
	testing_str(regions[0].region, "DE");
	assert_true(str_is_null(regions[0].link));
	testing_str(regions[1].region, "US");
	assert_int_equal(regions[1].buy.n, 1);
	testing_str(((const struct movie_provider *)regions[1].flatrate.items)->logo->w92, TESTING_IMAGES "w92/l8.jpg");
	testing_str(providers.attribution, ATTRIBUTION_JUSTWATCH);
	q.of.place.region = STR("US");
	read_well(&q, testing_sample("watch_providers.json"), &providers);
	assert_int_equal(providers.results.n, 1);
	q.of.place.region = STR("FR");
	read_well(&q, testing_sample("watch_providers.json"), &providers);
	assert_int_equal(providers.results.n, 0);
}

/* ---- what is about no film ---- */

static void test_genres_without_a_name_are_left_out(void **state)
{
	struct question q = { .kind = QUESTION_GENRES };
	struct movie_genres genres;

	(void)state;
	read_well(&q, testing_sample("genres.json"), &genres);
	assert_int_equal(genres.genres.n, 2);
	assert_int_equal(((const struct movie_genre *)genres.genres.items)[1].id, 18);
}

static void test_configuration(void **state)
{
	struct question q = { .kind = QUESTION_CONFIGURATION };
	struct movie_configuration configuration;

	(void)state;
	read_well(&q, testing_sample("configuration.json"), &configuration);
	testing_str(configuration.images->secure_base_url, "https://image.example.com/t/p/");
	assert_int_equal(configuration.images->logo_sizes.n, 2);
	assert_int_equal(configuration.images->profile_sizes.n, 0);
	testing_str(configuration.attribution->tmdb, ATTRIBUTION_TMDB);
	assert_true(str_is_null(configuration.attribution->builtin));
	read_well(&q, STR("{\"images\":{\"secure_base_url\":\"\"}}"), &configuration);
	testing_str(configuration.images->secure_base_url, TESTING_IMAGES);
}

/* ---- what is no answer ---- */

static void test_an_answer_without_its_essence_is_none(void **state)
{
	static const char *const wrong[] = {
		"",
		"[]",
		"null",
		"<html></html>",
		"{}",
		"{\"success\":false,\"status_code\":11}",
		"{\"results\":null,\"movie_results\":7,\"genres\":{},\"images\":[],\"cast\":1,\"id\":101}",
		"{\"results\":\"x\",\"title\":\"no id\"}",
		"{\"id\":102,\"title\":\"Another film\"}",
		"{\"id\":101,\"title\":\"\",\"original_title\":null}",
		"{\"id\":101,\"title\":\"cut",
	};

	(void)state;
	for (int kind = 0; kind < QUESTION_KINDS; kind++) {
		struct question q = { .kind = (enum question_kind)kind, .path = { TESTING_FILM } };

		for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
			char answer[1024];

			memset(answer, 0x5a, sizeof(answer));
			assert_int_equal(read_body(&q, str_from(wrong[i]), answer), -EBADMSG);
			/* then nothing was written */
			for (size_t k = 0; k < sizeof(answer); k++)
				assert_int_equal(answer[k], 0x5a);
		}
	}
}

static void test_rubbish_is_not_an_empty_list(void **state)
{
	struct question genres = { .kind = QUESTION_GENRES };
	struct movie_page page;

	(void)state;
	assert_int_equal(
	        read_body(&search, STR("{\"results\":[{\"id\":1},{\"title\":\"T\"}],\"total_results\":2}"), &page),
	        -EBADMSG);
	assert_int_equal(read_body(&genres, STR("{\"genres\":[]}"), &page), -EBADMSG);
	read_well(&search, STR("{\"results\":[],\"total_results\":0}"), &page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_film_of_a_list),
		cmocka_unit_test(test_what_is_unknown_is_null),
		cmocka_unit_test(test_items_without_title_or_id_are_left_out),
		cmocka_unit_test(test_odd_values_cost_themselves_only),
		cmocka_unit_test(test_only_the_lists_of_the_cinemas_have_dates),
		cmocka_unit_test(test_totals_are_put_right),
		cmocka_unit_test(test_a_film_found_by_its_id_elsewhere),
		cmocka_unit_test(test_credits),
		cmocka_unit_test(test_videos),
		cmocka_unit_test(test_watch_providers_are_sorted_and_filtered),
		cmocka_unit_test(test_genres_without_a_name_are_left_out),
		cmocka_unit_test(test_configuration),
		cmocka_unit_test(test_an_answer_without_its_essence_is_none),
		cmocka_unit_test(test_rubbish_is_not_an_empty_list),
	};

	return cmocka_run_group_tests(tests, arena_before, arena_after);
}
