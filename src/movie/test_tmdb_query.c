/* What TMDB is asked, kind by kind, to the letter. */
#include "movie/test_tmdb_support.h"
#include "movie/tmdb_query.h"

static struct buf path, query;

static int bufs_before(void **state)
{
	(void)state;
	buf_init(&path, 4096);
	buf_init(&query, 16384);
	return 0;
}

static int bufs_after(void **state)
{
	(void)state;
	buf_done(&path);
	buf_done(&query);
	return 0;
}

static void assert_asks(const struct question *q, const char *expected_path, const char *expected_query)
{
	buf_reset(&path);
	buf_reset(&query);
	tmdb_query(q, &path, &query);
	assert_int_equal(buf_error(&path), 0);
	assert_int_equal(buf_error(&query), 0);
	assert_string_equal(buf_str(&path).data, expected_path);
	assert_string_equal(buf_str(&query).data, expected_query);
}

static void test_search(void **state)
{
	struct question q = { .kind = QUESTION_SEARCH };

	(void)state;
	q.of.search = (struct question_search){ .query = STR("am\xc3\xa9lie & co/#?"), .page = 1 };
	assert_asks(&q, "/search/movie", "query=am%C3%A9lie%20%26%20co%2F%23%3F&page=1&include_adult=false");
	q.of.search = (struct question_search){
		.query = STR("x"),
		.page = 500,
		.year = { true, 2001 },
		.primary_release_year = { true, 2002 },
		.language = STR("pt-BR"),
		.region = STR("BR"),
		.include_adult = true,
	};
	assert_asks(&q, "/search/movie",
	            "query=x&page=500&include_adult=true&language=pt-BR&region=BR&year=2001&primary_release_year=2002");
}

static void test_languages_are_those_tmdb_knows(void **state)
{
	static const char *const tags[][2] = {
		{ "en", "page=1&language=en" },
		{ "zh-Hant-TW", "page=1&language=zh-TW" },
		{ "zh-Hant", "page=1&language=zh" },
		{ "de-CH-1996", "page=1&language=de-CH" },
		{ "en-u-ca-gb", "page=1&language=en" },
		{ "es-419", "page=1&language=es" },
		{ "fil-PH", "page=1" },
		{ "x-en", "page=1" },
		{ "i-klingon", "page=1" },
	};
	struct question q = { .kind = QUESTION_SIMILAR, .path = { 7 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		q.of.list = (struct question_list){ .page = 1, .language = str_from(tags[i][0]), .region = STR("US") };
		assert_asks(&q, "/movie/7/similar", tags[i][1]);
	}
}

static void test_discover_with_everything(void **state)
{
	int64_t genres[] = { 18, 28 }, providers[] = { 8, 9 };
	struct question q = { .kind = QUESTION_DISCOVER };

	(void)state;
	q.of.discover = (struct question_discover){
		.genre = { 2, genres },
		.vote_average_min = { true, 7.5 },
		.vote_average_max = { true, 9 },
		.vote_count_min = { true, 100 },
		.vote_count_max = { true, 1000 },
		.runtime_min = { true, 60 },
		.runtime_max = { true, 120 },
		.original_language = STR("fr"),
		.certification = STR("PG-13"),
		.watch_provider = { 2, providers },
		.watch_region = STR("FR"),
		.sort = STR("vote_average.desc"),
		.page = 3,
		.language = STR("fr-FR"),
		.region = STR("FR"),
	};
	assert_asks(&q, "/discover/movie",
	            "sort_by=vote_average.desc&page=3&include_adult=false&language=fr-FR&region=FR&with_genres=18,28"
	            "&vote_average.gte=7.5&vote_average.lte=9&vote_count.gte=100&vote_count.lte=1000"
	            "&with_runtime.gte=60&with_runtime.lte=120&with_original_language=fr"
	            "&certification=PG-13&certification_country=US&with_watch_providers=8%7C9&watch_region=FR");
	q.of.discover = (struct question_discover){ .genre_any = { 2, genres }, .sort = STR("title.asc"), .page = 1 };
	assert_asks(&q, "/discover/movie", "sort_by=title.asc&page=1&include_adult=false&with_genres=18%7C28");
}

static void assert_asks_dates(struct question_discover discover, const char *expected)
{
	struct question q = { .kind = QUESTION_DISCOVER, .of = { .discover = discover } };

	q.of.discover.sort = STR("popularity.desc");
	q.of.discover.page = 1;
	assert_asks(&q, "/discover/movie", expected);
}

#define DATES "sort_by=popularity.desc&page=1&include_adult=false"

static void test_of_years_and_dates_the_narrower_counts(void **state)
{
	struct schema_int y = { true, 2001 };

	(void)state;
	assert_asks_dates((struct question_discover){ .year = y }, DATES "&primary_release_year=2001");
	assert_asks_dates((struct question_discover){ .year_from = y, .year_to = y },
	                  DATES "&primary_release_date.gte=2001-01-01&primary_release_date.lte=2001-12-31");
	assert_asks_dates((struct question_discover){ .year_from = y, .release_date_from = STR("2001-02-03") },
	                  DATES "&primary_release_date.gte=2001-02-03");
	assert_asks_dates((struct question_discover){ .year_from = y, .release_date_from = STR("2000-12-31") },
	                  DATES "&primary_release_date.gte=2001-01-01");
	assert_asks_dates((struct question_discover){ .year_to = y, .release_date_to = STR("2001-12-30") },
	                  DATES "&primary_release_date.lte=2001-12-30");
	assert_asks_dates((struct question_discover){ .year_to = y, .release_date_to = STR("2002-01-01") },
	                  DATES "&primary_release_date.lte=2001-12-31");
	assert_asks_dates((struct question_discover){ .release_date_to = STR("2002-01-01") },
	                  DATES "&primary_release_date.lte=2002-01-01");
}

static void test_lists(void **state)
{
	static const struct {
		enum question_kind kind;
		const char *path;
	} lists[] = {
		{ QUESTION_POPULAR, "/movie/popular" },
		{ QUESTION_TOP_RATED, "/movie/top_rated" },
		{ QUESTION_NOW_PLAYING, "/movie/now_playing" },
		{ QUESTION_UPCOMING, "/movie/upcoming" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct question q = { .kind = lists[i].kind };

		q.of.list = (struct question_list){ .page = 2, .language = STR("de"), .region = STR("DE") };
		assert_asks(&q, lists[i].path, "page=2&language=de&region=DE");
	}
}

static void test_trending(void **state)
{
	struct question q = { .kind = QUESTION_TRENDING };

	(void)state;
	q.of.trending = (struct question_trending){ .window = STR("week"), .page = 4, .language = STR("en-GB") };
	assert_asks(&q, "/trending/movie/week", "page=4&language=en-GB");
	q.of.trending = (struct question_trending){ .window = STR("day"), .page = 1 };
	assert_asks(&q, "/trending/movie/day", "page=1");
}

static void test_details(void **state)
{
	struct question q = { .kind = QUESTION_DETAILS, .path = { 550 } };
	struct str videos[] = { STR("videos") };

	(void)state;
	assert_asks(&q, "/movie/550", "append_to_response=credits,release_dates");
	q.of.details = (struct question_details){ .include = { 1, videos }, .language = STR("en-US") };
	assert_asks(&q, "/movie/550",
	            "language=en-US&append_to_response=credits,release_dates,videos&include_video_language=en");
	q.of.details = (struct question_details){ .include = testing_all_includes(), .language = STR("fr-CA") };
	assert_asks(
	        &q, "/movie/550",
	        "language=fr-CA&append_to_response=credits,release_dates,external_ids,images,keywords,recommendations,"
	        "similar,videos,watch/providers&include_image_language=fr,en,null&include_video_language=fr,en");
}

static void test_parts_of_a_film(void **state)
{
	static const struct {
		enum question_kind kind;
		const char *path;
		const char *query;
	} parts[] = {
		{ QUESTION_CREDITS, "/movie/550/credits", "language=fr" },
		{ QUESTION_VIDEOS, "/movie/550/videos", "language=fr&include_video_language=fr,en" },
		{ QUESTION_WATCH_PROVIDERS, "/movie/550/watch/providers", "" },
		{ QUESTION_GENRES, "/genre/movie/list", "language=fr" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		struct question q = { .kind = parts[i].kind, .path = { 550 } };

		q.of.place = (struct question_place){ .language = STR("fr"), .region = STR("FR") };
		assert_asks(&q, parts[i].path, parts[i].query);
	}
	assert_asks(&(struct question){ .kind = QUESTION_BRIEF, .path = { 550 } }, "/movie/550", "");
	assert_asks(&(struct question){ .kind = QUESTION_CONFIGURATION }, "/configuration", "");
}

static void test_related_films_take_no_region(void **state)
{
	struct question q = { .kind = QUESTION_RECOMMENDATIONS, .path = { 550 } };

	(void)state;
	q.of.list = (struct question_list){ .page = 2, .region = STR("US") };
	assert_asks(&q, "/movie/550/recommendations", "page=2");
}

static void test_an_id_of_another_site_cannot_change_the_path(void **state)
{
	struct question q = { .kind = QUESTION_FIND };

	(void)state;
	q.of.find = (struct question_find){ .imdb_id = STR("tt0111161"), .language = STR("ru") };
	assert_asks(&q, "/find/tt0111161", "external_source=imdb_id&language=ru");
	q.of.find = (struct question_find){ .imdb_id = STR("../movie?x") };
	assert_asks(&q, "/find/..%2Fmovie%3Fx", "external_source=imdb_id");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_languages_are_those_tmdb_knows),
		cmocka_unit_test(test_discover_with_everything),
		cmocka_unit_test(test_of_years_and_dates_the_narrower_counts),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_trending),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_parts_of_a_film),
		cmocka_unit_test(test_related_films_take_no_region),
		cmocka_unit_test(test_an_id_of_another_site_cannot_change_the_path),
	};

	return cmocka_run_group_tests(tests, bufs_before, bufs_after);
}
