/* The built-in catalogue behind the interface, one film at a time: what is known, what is null, what is empty. */
#include "movie/builtin_testing.h"

static void test_details(void **state)
{
	struct movie_details film = details(6, "");
	const struct str *director = film.directors.items;

	(void)state;
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
	assert_null(film.poster);
	assert_true(!film.credits && !film.similar && !film.release_dates.items && !film.keywords.items);
}

static void test_details_with_every_part(void **state)
{
	struct movie_details film =
	        details(2, "credits,external_ids,images,keywords,recommendations,release_dates,similar,"
	                   "videos,watch_providers");
	const struct movie_release_region *region = film.release_dates.items;
	const struct movie_release *release;

	(void)state;
	assert_int_equal(film.credits->crew.n, 1);
	assert_int_equal(film.credits->cast.n, 0);
	assert_int_equal(film.recommendations->total_results, 0);
	assert_int_equal(film.similar->page, 1);
	assert_true(film.similar->total_results > 0);
	assert_int_equal(film.videos->results.n + film.watch_providers->results.n + film.images->posters.n, 0);
	assert_true(str_is_null(film.external_ids->imdb_id));
	assert_non_null(film.keywords.items);
	assert_int_equal(film.release_dates.n, 1);
	release = region->release_dates.items;
	assert_true(str_equal(region->region, STR("US")));
	assert_true(str_equal(release->release_date, STR("2008-03-07T00:00:00.000Z")));
	assert_true(str_equal(release->certification, STR("PG-13")));
}

static void test_a_part_without_content_is_empty_and_not_null(void **state)
{
	struct movie_details film = details(199, "release_dates,keywords");

	(void)state;
	assert_true(film.release_dates.n == 0 && film.release_dates.items);
	assert_true(film.keywords.n == 0 && film.keywords.items);
}

static void test_ratings_are_those_of_the_united_states(void **state)
{
	struct question q = { .kind = QUESTION_DETAILS, .path.movie_id = FILM_ID_BASE + 2 };
	struct movie_details film;

	(void)state;
	assert_int_equal(ask(&q, &film), 0);
	assert_true(str_equal(film.certification, STR("PG-13")));
	q.of.details.region = STR("US");
	assert_int_equal(ask(&q, &film), 0);
	assert_true(str_equal(film.certification, STR("PG-13")));
	q.of.details.region = STR("DE");
	assert_int_equal(ask(&q, &film), 0);
	assert_true(str_is_null(film.certification));
}

static void test_credits_are_the_directors(void **state)
{
	struct question q = { .kind = QUESTION_CREDITS, .path.movie_id = FILM_ID_BASE + row_of("The Matrix") };
	struct movie_credits credits;
	const struct movie_crew *crew;

	(void)state;
	assert_int_equal(ask(&q, &credits), 0);
	crew = credits.crew.items;
	assert_true(credits.crew.n >= 1);
	assert_true(str_equal(crew[0].job, STR("Director")) && str_equal(crew[0].department, STR("Directing")));
	assert_non_null(strstr(crew[0].name.data, "Wachowski"));
	assert_false(crew[0].id.is_set);
}

static void test_no_such_film(void **state)
{
	static const int64_t ids[] = { 0, 1, 550, FILM_ID_BASE, FILM_ID_BASE + FILMS + 1, INT32_MAX, INT64_MAX, -1 };
	union {
		struct movie_details details;
		struct movie_page page;
		struct movie_credits credits;
	} ret;

	(void)state;
	for (enum question_kind kind = 0; kind < QUESTION_KINDS; kind++) {
		if (!question_type(kind)->has_path || kind == QUESTION_BRIEF)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
			assert_int_equal(ask(&(struct question){ .kind = kind, .path.movie_id = ids[i] }, &ret),
			                 -ENOENT);
	}
}

static void test_every_film_keeps_to_its_table(void **state)
{
	(void)state;
	for (int64_t row = 1; row <= FILMS; row++) {
		arena_reset(arena);
		assert_int_equal(details(row, "credits,release_dates").id, FILM_ID_BASE + row);
	}
}

static void test_genres_are_tmdb_s(void **state)
{
	struct question q = { .kind = QUESTION_GENRES, .of.place.language = STR("en-US") };
	struct movie_genres genres;
	const struct movie_genre *first;

	(void)state;
	assert_int_equal(ask(&q, &genres), 0);
	first = genres.genres.items;
	assert_int_equal(genres.genres.n, 19);
	assert_int_equal(first->id, 28);
	assert_true(str_equal(first->name, STR("Action")));
}

static void test_nothing_is_known_of_other_sites(void **state)
{
	struct question q = { .kind = QUESTION_FIND, .of.find.imdb_id = STR("tt0050083") };
	struct question configuration_question = { .kind = QUESTION_CONFIGURATION };
	struct movie_configuration configuration;
	struct movie_found found;

	(void)state;
	assert_int_equal(ask(&q, &found), 0);
	assert_int_equal(found.results.n, 0);
	assert_int_equal(ask(&configuration_question, &configuration), 0);
	assert_null(configuration.images);
	assert_true(str_is_null(configuration.attribution->tmdb));
	assert_non_null(strstr(configuration.attribution->builtin.data, "vega-datasets"));
}

/* An answer that has no room says so, and leaves nothing half done. */
static void test_a_small_arena(void **state)
{
	static const char *const parts[] = { "credits", "images", "keywords", "release_dates", "similar", "videos" };
	struct str include[ARRAY_SIZE(parts)];
	struct question q = { .kind = QUESTION_DETAILS,
		              .path.movie_id = FILM_ID_BASE + 2,
		              .of.details.include = { ARRAY_SIZE(parts), include } };
	struct catalogue_meta meta = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		include[i] = str_from(parts[i]);
	for (size_t room = 0; room < 100000; room = room * 5 / 4 + 16) {
		struct arena *small = NULL;
		struct movie_details film = { .id = -1 };
		int r;

		assert_int_equal(arena_new(room, &small), 0);
		r = catalogue->ask(catalogue, &q, small, &film, &meta);
		arena_free(&small);
		if (r == 0)
			return;
		assert_int_equal(r, -ENOMEM);
		assert_int_equal(film.id, -1);
	}
	fail();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CATALOGUE_TEST(test_details),
		CATALOGUE_TEST(test_details_with_every_part),
		CATALOGUE_TEST(test_a_part_without_content_is_empty_and_not_null),
		CATALOGUE_TEST(test_ratings_are_those_of_the_united_states),
		CATALOGUE_TEST(test_credits_are_the_directors),
		CATALOGUE_TEST(test_no_such_film),
		CATALOGUE_TEST(test_every_film_keeps_to_its_table),
		CATALOGUE_TEST(test_genres_are_tmdb_s),
		CATALOGUE_TEST(test_nothing_is_known_of_other_sites),
		CATALOGUE_TEST(test_a_small_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
