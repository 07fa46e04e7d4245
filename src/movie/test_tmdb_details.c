/* One film of TMDB: its facts, what is found in its parts, and the parts that are answered. */
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

static struct movie_details details_of(struct question_details asked, struct str body)
{
	struct question q = { .kind = QUESTION_DETAILS, .path = { TESTING_FILM }, .of.details = asked };
	const struct tmdb_reading reading = { &q, STR(TESTING_IMAGES), arena };
	struct movie_details film;

	assert_int_equal(tmdb_read(&reading, body, &film), 0);
	testing_keeps_to(&movie_details_schema, &film, arena);
	return film;
}

static struct movie_details sample_with(struct question_details asked)
{
	return details_of(asked, testing_sample("details.json"));
}

static struct movie_details sample_with_all(void)
{
	return sample_with((struct question_details){ .include = testing_all_includes() });
}

/* A film with these members more. */
static struct movie_details film_with(const char *members)
{
	return details_of((struct question_details){ .region = STR_NULL },
	                  arena_printf(arena, "{\"id\":101,\"title\":\"T\",%s}", members));
}

static void test_facts(void **state)
{
	struct movie_details film = sample_with((struct question_details){ .region = STR_NULL });
	const struct str *languages = film.spoken_languages.items, *countries = film.origin_country.items;

	(void)state;
	testing_str(film.title, "The Harbour");
	assert_int_equal(film.runtime.value, 97);
	assert_int_equal(film.revenue.value, 250000);
	assert_int_equal(film.genres.n, 1);
	assert_int_equal(film.spoken_languages.n, 2);
	testing_str(languages[1], "en");
	testing_str(film.poster->w342, TESTING_IMAGES "w342/harbour.jpg");
	testing_str(film.belongs_to_collection->poster_path, "/set.jpg");
	/* there was no origin_country */
	assert_int_equal(film.origin_country.n, 1);
	testing_str(countries[0], "FR");
	testing_str(film.source, "tmdb");
}

static void test_empty_and_zero_are_null(void **state)
{
	struct movie_details film = sample_with((struct question_details){ .region = STR_NULL });
	const struct movie_company *companies = film.production_companies.items;

	(void)state;
	assert_false(film.budget.is_set);
	assert_true(str_is_null(film.homepage) && str_is_null(film.tagline) && str_is_null(film.imdb_id));
	assert_int_equal(film.production_companies.n, 2);
	assert_true(str_is_null(companies[0].origin_country) && str_is_null(companies[0].logo_path));
	testing_str(companies[1].origin_country, "GB");
	assert_false(film_with("\"runtime\":0,\"revenue\":0").runtime.is_set);
	assert_false(film_with("\"runtime\":null").runtime.is_set);
	assert_false(film_with("\"vote_average\":7,\"vote_count\":0").vote_average.is_set);
}

static void test_directors_are_those_of_the_crew_once(void **state)
{
	struct movie_details film = sample_with((struct question_details){ .region = STR_NULL });
	const struct str *directors = film.directors.items;

	(void)state;
	assert_int_equal(film.directors.n, 2);
	testing_str(directors[0], "Cy Director");
	testing_str(directors[1], "Di Director");
	assert_null(film.credits);
}

static void test_certification_is_of_the_region_and_the_cinemas(void **state)
{
	(void)state;
	testing_str(sample_with((struct question_details){ .region = STR_NULL }).certification, "PG-13");
	testing_str(sample_with((struct question_details){ .region = STR("DE") }).certification, "12");
	assert_true(str_is_null(sample_with((struct question_details){ .region = STR("FR") }).certification));
}

static void test_parts_come_only_when_asked_for(void **state)
{
	struct movie_details film = sample_with((struct question_details){ .region = STR_NULL });

	(void)state;
	assert_true(!film.credits && !film.videos && !film.recommendations && !film.similar && !film.images);
	assert_true(!film.watch_providers && !film.external_ids && !film.release_dates.items && !film.keywords.items);
}

static void test_lists_of_films_in_details(void **state)
{
	struct movie_details film = sample_with_all();

	(void)state;
	assert_int_equal(film.recommendations->page, 1);
	assert_int_equal(film.recommendations->total_pages, 2);
	testing_str(((const struct movie_item *)film.recommendations->results.items)->title, "The Pier");
	assert_int_equal(film.similar->results.n, 0);
	assert_int_equal(film.similar->total_pages, 0);
}

static void test_parts_of_every_kind(void **state)
{
	struct movie_details film = sample_with_all();
	const struct movie_release_region *releases = film.release_dates.items;

	(void)state;
	assert_int_equal(film.credits->id, TESTING_FILM);
	assert_int_equal(film.credits->cast.n, 1);
	assert_int_equal(film.credits->crew.n, 4);
	assert_int_equal(film.videos->results.n, 1);
	assert_int_equal(film.watch_providers->results.n, 2);
	testing_str(film.external_ids->imdb_id, "tt7654321");
	assert_true(str_is_null(film.external_ids->facebook_id));
	assert_int_equal(film.release_dates.n, 2);
	testing_str(releases[0].region, "DE");
	assert_true(str_is_null(((const struct movie_release *)releases[0].release_dates.items)->certification));
	assert_int_equal(film.keywords.n, 1);
}

static void test_images(void **state)
{
	struct movie_details film = sample_with_all();
	const struct movie_image *backdrop = film.images->backdrops.items, *poster = film.images->posters.items;

	(void)state;
	assert_int_equal(film.images->backdrops.n, 1);
	testing_str(backdrop->url, TESTING_IMAGES "original/b1.jpg");
	assert_true(str_is_null(backdrop->language));
	testing_str(poster->language, "fr");
	assert_false(poster->vote_average.is_set);
	assert_int_equal(film.images->logos.n, 0);
}

static void test_a_part_that_was_not_sent_is_empty(void **state)
{
	struct movie_details film =
	        details_of((struct question_details){ .include = testing_all_includes() },
	                   STR("{\"id\":101,\"title\":\"T\",\"videos\":7,\"keywords\":{\"results\":[]}}"));

	(void)state;
	assert_int_equal(film.credits->cast.n + film.videos->results.n + film.similar->results.n, 0);
	assert_int_equal(film.similar->page, 1);
	assert_non_null(film.images);
	assert_non_null(film.external_ids);
	assert_non_null(film.keywords.items);
	assert_non_null(film.release_dates.items);
	testing_str(film.watch_providers->attribution, ATTRIBUTION_JUSTWATCH);
}

static void test_texts_too_long_are_cut_and_addresses_dropped(void **state)
{
	char text[12001];
	struct movie_details film;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	film = film_with(arena_printf(arena, "\"overview\":\"%s\",\"homepage\":\"http://%s\",\"poster_path\":\"/%s\"",
	                              text, text, text)
	                         .data);
	assert_int_equal(film.overview.len, 10000);
	assert_true(str_is_null(film.homepage) && str_is_null(film.poster_path));
	assert_null(film.poster);
}

static void test_a_brief_is_what_favourites_keep(void **state)
{
	struct question q = { .kind = QUESTION_BRIEF, .path = { TESTING_FILM } };
	const struct tmdb_reading reading = { &q, STR(TESTING_IMAGES), arena };
	struct movie_brief brief;

	(void)state;
	assert_int_equal(tmdb_read(&reading, testing_sample("details.json"), &brief), 0);
	testing_keeps_to(&movie_brief_schema, &brief, arena);
	testing_str(brief.title, "The Harbour");
	assert_int_equal(brief.year.value, 1999);
	testing_str(brief.poster_path, "/harbour.jpg");
}

static void test_every_failed_allocation_is_told(void **state)
{
	struct question q = { .kind = QUESTION_DETAILS, .path = { TESTING_FILM } };
	struct arena *full CLEANUP(arena_free) = testing_arena();
	struct tmdb_reading reading = { &q, STR(TESTING_IMAGES), full };
	struct movie_details film;

	/* given what a success takes */
	(void)state;
	q.of.details.include = testing_all_includes();
	assert_int_equal(tmdb_read(&reading, testing_sample("details.json"), &film), 0);
	/* when there is less, step by step */
	for (size_t size = 0; size + 16 <= arena_used(full); size += 16) {
		struct arena *a CLEANUP(arena_free) = NULL;

		/* then it fails for that reason */
		assert_int_equal(arena_new(size, &a), 0);
		reading.arena = a;
		assert_int_equal(tmdb_read(&reading, testing_sample("details.json"), &film), -ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_empty_and_zero_are_null),
		cmocka_unit_test(test_directors_are_those_of_the_crew_once),
		cmocka_unit_test(test_certification_is_of_the_region_and_the_cinemas),
		cmocka_unit_test(test_parts_come_only_when_asked_for),
		cmocka_unit_test(test_lists_of_films_in_details),
		cmocka_unit_test(test_parts_of_every_kind),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_a_part_that_was_not_sent_is_empty),
		cmocka_unit_test(test_texts_too_long_are_cut_and_addresses_dropped),
		cmocka_unit_test(test_a_brief_is_what_favourites_keep),
		cmocka_unit_test(test_every_failed_allocation_is_told),
	};

	return cmocka_run_group_tests(tests, arena_before, arena_after);
}
