/* The TMDB source behind the catalogue interface, with a stand-in for the way to TMDB: what is asked of it, and what
 * comes back. */
#include "movie/test_tmdb_support.h"
#include "movie/tmdb.h"

#include "base/fault.h"
#include "movie/films.h"
#include "movie/upstream.h"

#include <errno.h>
#include <stdio.h>

/* What the stand-in was asked, and what it does. */
static struct {
	int calls;
	char path[64];
	char query[256];
	char validator[64];
	struct str body; /* given to read(); null: it is not called */
	int result;      /* when it is not called */
	struct upstream_answer answer;
} upstream;

int upstream_get(struct upstream *u, const struct upstream_call *call, struct arena *a, struct upstream_answer *ret)
{
	(void)u;
	upstream.calls++;
	snprintf(upstream.path, sizeof(upstream.path), "%.*s", STR_ARGS(call->path));
	snprintf(upstream.query, sizeof(upstream.query), "%.*s", STR_ARGS(call->query));
	snprintf(upstream.validator, sizeof(upstream.validator), "%.*s", STR_ARGS(call->validator));
	*ret = upstream.answer;
	return upstream.body.data ? call->read(call->arg, upstream.body, a) : upstream.result;
}

static int builtin_calls;

static int builtin_ask(struct catalogue *c, const struct question *q, struct arena *a, void *ret,
                       struct catalogue_meta *meta)
{
	(void)c;
	(void)a;
	(void)ret;
	(void)meta;
	assert_true(q->path.movie_id > FILM_ID_BASE);
	builtin_calls++;
	return 0;
}

static struct catalogue builtin = { .name = "builtin", .ask = builtin_ask };
static struct catalogue *tmdb;
static struct arena *arena;

static int tmdb_before(void **state)
{
	(void)state;
	memset(&upstream, 0, sizeof(upstream));
	builtin_calls = 0;
	arena = testing_arena();
	return tmdb_new(NULL, &builtin, "https://user:secret@api.example.com:8443/3", "https://images.example.com/t/p",
	                &tmdb);
}

static int tmdb_after(void **state)
{
	(void)state;
	catalogue_free(&tmdb);
	arena_free(&arena);
	return 0;
}

static const struct question genres = { .kind = QUESTION_GENRES };

static void test_it_introduces_itself_without_secrets(void **state)
{
	(void)state;
	assert_string_equal(tmdb->name, "tmdb");
	assert_string_equal(tmdb->describe(tmdb), "TMDB at api.example.com:8443");
	assert_true(tmdb->knows_languages);
	assert_false(tmdb->is_local);
}

static void test_a_question_becomes_a_call_and_its_body_an_answer(void **state)
{
	struct question q = { .kind = QUESTION_SEARCH, .of.search = { .query = STR("a b"), .page = 2 } };
	struct catalogue_meta meta = { .validator = STR("\"old\"") };
	struct movie_page page;

	(void)state;
	upstream.body = testing_sample("page.json");
	upstream.answer = (struct upstream_answer){ .validator = STR("\"new\""), .max_age_ms = 600000 };
	assert_int_equal(tmdb->ask(tmdb, &q, arena, &page, &meta), 0);
	assert_string_equal(upstream.path, "/search/movie");
	assert_string_equal(upstream.query, "query=a%20b&page=2&include_adult=false");
	assert_string_equal(upstream.validator, "\"old\"");
	testing_keeps_to(&movie_page_schema, &page, arena);
	testing_str(((const struct movie_item *)page.results.items)->poster->w500,
	            "https://images.example.com/t/p/w500/harbour.jpg");
	testing_str(meta.validator, "\"new\"");
	assert_int_equal(meta.max_age_ms, 600000);
	assert_false(meta.is_unchanged);
}

static void test_an_unchanged_answer_has_no_body(void **state)
{
	struct catalogue_meta meta = { .validator = STR("\"old\"") };
	struct movie_genres answer;

	(void)state;
	upstream.answer =
	        (struct upstream_answer){ .is_unchanged = true, .validator = STR("\"old\""), .max_age_ms = 1000 };
	assert_int_equal(tmdb->ask(tmdb, &genres, arena, &answer, &meta), 0);
	assert_true(meta.is_unchanged);
	testing_str(meta.validator, "\"old\"");
	assert_int_equal(meta.max_age_ms, 1000);
}

static void test_failures_come_through(void **state)
{
	static const int failures[] = { -ENOENT, -EAGAIN, -EACCES, -EPROTO, -ENOMEM, -ECANCELED };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		struct catalogue_meta meta = { .max_age_ms = 0 };
		struct movie_genres answer;

		upstream.result = failures[i];
		upstream.answer = (struct upstream_answer){ .retry_after_ms = 1500 };
		assert_int_equal(tmdb->ask(tmdb, &genres, arena, &answer, &meta), failures[i]);
		assert_int_equal(meta.retry_after_ms, 1500);
		assert_false(meta.is_unchanged);
	}
}

static void test_an_empty_answer_is_never_a_good_one(void **state)
{
	struct catalogue_meta meta = { .max_age_ms = 0 };
	struct movie_genres answer;

	(void)state;
	upstream.body = STR("{}");
	assert_int_equal(tmdb->ask(tmdb, &genres, arena, &answer, &meta), -EBADMSG);
}

static void test_films_of_the_builtin_catalogue_are_asked_of_it(void **state)
{
	static const enum question_kind kinds[] = {
		QUESTION_DETAILS,         QUESTION_CREDITS,         QUESTION_VIDEOS, QUESTION_SIMILAR,
		QUESTION_RECOMMENDATIONS, QUESTION_WATCH_PROVIDERS, QUESTION_BRIEF
	};
	struct catalogue_meta meta = { .max_age_ms = 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct question q = { .kind = kinds[i], .path = { FILM_ID_BASE + 1 } };
		struct movie_details answer;

		assert_int_equal(tmdb->ask(tmdb, &q, arena, &answer, &meta), 0);
	}
	assert_int_equal(builtin_calls, ARRAY_SIZE(kinds));
	assert_int_equal(upstream.calls, 0);
}

static void test_attribution_names_the_builtin_films_too(void **state)
{
	struct question q = { .kind = QUESTION_CONFIGURATION };
	struct catalogue_meta meta = { .max_age_ms = 0 };
	struct movie_configuration configuration;

	(void)state;
	upstream.body = testing_sample("configuration.json");
	assert_int_equal(tmdb->ask(tmdb, &q, arena, &configuration, &meta), 0);
	testing_keeps_to(&movie_configuration_schema, &configuration, arena);
	testing_str(configuration.attribution->builtin, ATTRIBUTION_BUILTIN);
}

static void test_without_a_builtin_catalogue_its_films_are_unknown(void **state)
{
	struct question q = { .kind = QUESTION_BRIEF, .path = { FILM_ID_BASE + 1 } };
	struct catalogue *alone CLEANUP(catalogue_free) = NULL;
	struct catalogue_meta meta = { .max_age_ms = 0 };
	struct movie_brief brief;

	(void)state;
	assert_int_equal(tmdb_new(NULL, NULL, "http://127.0.0.1:1/3", "http://127.0.0.1:1/t/p/", &alone), 0);
	assert_int_equal(alone->ask(alone, &q, arena, &brief, &meta), -ENOENT);
	assert_int_equal(upstream.calls, 0);
}

static void test_addresses_are_checked(void **state)
{
	struct catalogue *c = NULL;
	char base[TMDB_IMAGE_BASE_MAX + 10];

	(void)state;
	memset(base, 'x', sizeof(base) - 1);
	base[sizeof(base) - 1] = '\0';
	memcpy(base, "http://", 7);
	assert_int_equal(tmdb_new(NULL, NULL, "http://a/3", "ftp://a/", &c), -EINVAL);
	assert_int_equal(tmdb_new(NULL, NULL, "a/3", "http://a/", &c), -EINVAL);
	assert_int_equal(tmdb_new(NULL, NULL, "http://a/3", base, &c), -EINVAL);
	assert_null(c);
}

static void test_failed_allocation_is_told(void **state)
{
	struct catalogue *c = NULL;

	(void)state;
	fault_set("alloc:1");
	assert_int_equal(tmdb_new(NULL, NULL, "http://a/3", "http://a/", &c), -ENOMEM);
	fault_set(NULL);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_it_introduces_itself_without_secrets, tmdb_before, tmdb_after),
		cmocka_unit_test_setup_teardown(test_a_question_becomes_a_call_and_its_body_an_answer, tmdb_before,
		                                tmdb_after),
		cmocka_unit_test_setup_teardown(test_an_unchanged_answer_has_no_body, tmdb_before, tmdb_after),
		cmocka_unit_test_setup_teardown(test_failures_come_through, tmdb_before, tmdb_after),
		cmocka_unit_test_setup_teardown(test_an_empty_answer_is_never_a_good_one, tmdb_before, tmdb_after),
		cmocka_unit_test_setup_teardown(test_films_of_the_builtin_catalogue_are_asked_of_it, tmdb_before,
		                                tmdb_after),
		cmocka_unit_test_setup_teardown(test_attribution_names_the_builtin_films_too, tmdb_before, tmdb_after),
		cmocka_unit_test_setup_teardown(test_without_a_builtin_catalogue_its_films_are_unknown, tmdb_before,
		                                tmdb_after),
		cmocka_unit_test_setup_teardown(test_addresses_are_checked, tmdb_before, tmdb_after),
		cmocka_unit_test_setup_teardown(test_failed_allocation_is_told, tmdb_before, tmdb_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
