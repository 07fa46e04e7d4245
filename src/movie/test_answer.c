/* Answers, asked for as the server asks for them: what is shared, what is kept, what is asked of the source and how
 * often, what is answered instead when the source fails, and what is said of it. */
#include "movie/test_support.h"

#include <errno.h>
#include <stdio.h>
#include <uv.h>

static void test_the_second_time_comes_from_memory(void **state)
{
	struct request first CLEANUP(request_done) = searched("amelie");
	struct request second CLEANUP(request_done) = searched("  AMELIE ");

	(void)state;
	assert_int_equal(first.result, 0);
	assert_true(is_miss(&first) && says(&first, "\"title\":\"Amélie\""));
	assert_int_equal(reply_status(first.reply), 200);
	assert_string_equal(reply_cache_control(first.reply), "public, max-age=60");
	assert_true(is_hit(&second));
	assert_string_equal(second.age, "");
	assert_string_equal(second.vary, "");
	assert_ptr_equal(first.reply, second.reply);
	assert_int_equal(source.asked, 1);
}

static void test_defaults_and_order_make_no_difference(void **state)
{
	struct request first CLEANUP(request_done) = searched("jaws");
	struct request second CLEANUP(request_done) = request_new("/api/v1/movies/search");

	(void)state;
	with(&second, "include_adult", "false");
	with(&second, "page", "1");
	with(&second, "query", "jaws");
	run(&second);
	assert_true(is_miss(&first) && is_hit(&second));
}

static void test_many_at_once_ask_once(void **state)
{
	struct request requests[20];

	(void)state;
	source.delay_ms = 5;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		requests[i] = request_new("/api/v1/movies/search");
		with(&requests[i], "query", i % 2 ? "Jaws" : "jaws");
		start(&requests[i]);
	}
	run_all();
	assert_int_equal(source.asked, 1);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		assert_int_equal(requests[i].result, 0);
		assert_ptr_equal(requests[i].reply, requests[0].reply);
	}
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		request_done(&requests[i]);
}

static void test_a_life_of_nothing_is_not_kept(void **state)
{
	struct request first CLEANUP(request_done) = { 0 };
	struct request second CLEANUP(request_done) = { 0 };

	(void)state;
	config.search_ttl_ms = 0;
	first = searched("jaws");
	second = searched("jaws");
	assert_true(is_miss(&second));
	assert_string_equal(reply_cache_control(second.reply), "no-store");
	assert_int_equal(source.asked, 2);
}

static void test_a_film(void **state)
{
	struct request req CLEANUP(request_done) = film("/api/v1/movies/{movie_id}", "1000000199");

	(void)state;
	assert_int_equal(req.result, 0);
	assert_true(says(&req, "\"directors\":[\"Jean-Pierre Jeunet\"]"));
}

static void test_that_there_is_no_such_film_is_kept_as_well(void **state)
{
	struct request first CLEANUP(request_done) = film("/api/v1/movies/{movie_id}", "550");
	struct request second CLEANUP(request_done) = film("/api/v1/movies/{movie_id}", "550");
	struct request brief CLEANUP(request_done) = film("/internal/movies/{movie_id}/brief", "550");

	(void)state;
	assert_int_equal(first.problem->status, 404);
	assert_string_equal(first.problem->code, "movie-not-found");
	assert_true(is_miss(&first) && is_hit(&second));
	assert_string_equal(second.problem->code, "movie-not-found");
	assert_string_equal(brief.problem->code, "movie-not-found");
	assert_null(first.reply);
	assert_int_equal(source.asked, 2);
}

static void test_the_brief_is_brief(void **state)
{
	struct request req CLEANUP(request_done) = film("/internal/movies/{movie_id}/brief", "1000000199");

	(void)state;
	assert_true(str_equal(reply_body(req.reply),
	                      STR("{\"id\":1000000199,\"title\":\"Amélie\",\"year\":2001,\"poster_path\":null}")));
}

/* Each route, source.asked once, answers with its own schema's document. */
static void test_every_route_answers(void **state)
{
	(void)state;
	for (const struct route *route = movie_routes; route->path; route++) {
		struct request req CLEANUP(request_done) = request_new(route->path);

		if (route->path_params)
			req.id = STR("1000000199");
		if (strstr(route->path, "/search"))
			with(&req, "query", "jaws");
		if (strstr(route->path, "/find"))
			with(&req, "imdb_id", "tt0111161");
		run(&req);
		if (req.result != 0)
			fail_msg("%s: %d", route->path, req.result);
		assert_true(reply_body(req.reply).len > 2);
	}
}

static void test_a_large_answer_has_a_compressed_form(void **state)
{
	struct request large CLEANUP(request_done) = searched("the");
	struct request small CLEANUP(request_done) = searched("amelie");

	(void)state;
	assert_true(reply_body(large.reply).len > 4096);
	assert_non_null(reply_gzip(large.reply).data);
	assert_null(reply_gzip(small.reply).data);
}

static void test_the_language_is_the_clients(void **state)
{
	struct request named CLEANUP(request_done) = request_new("/api/v1/movies/search");
	struct request preferred CLEANUP(request_done) = request_new("/api/v1/movies/search");
	struct request none CLEANUP(request_done) = request_new("/api/v1/movies/search");

	(void)state;
	source_is_remote();
	with(&named, "query", "jaws");
	with(&named, "language", "RU-ru");
	named.accept_language = "fr";
	run(&named);
	assert_string_equal(source.language, "ru-RU");
	assert_string_equal(named.vary, "Accept-Language");
	assert_string_equal(named.age, "0");
	with(&preferred, "query", "jaws");
	preferred.accept_language = "de;q=0.5, ru-RU, *";
	run(&preferred);
	assert_true(is_hit(&preferred));
	with(&none, "query", "jaws");
	run(&none);
	assert_string_equal(source.language, "en-US");
	assert_int_equal(source.asked, 2);
}

/* ---- the source fails ---- */

static void test_old_answers_are_given_while_it_fails(void **state)
{
	struct request first CLEANUP(request_done) = { 0 };
	struct request stale CLEANUP(request_done) = { 0 };

	(void)state;
	source_is_remote();
	config.list_ttl_ms = 1;
	config.stale_ms = 0;
	first = request_new("/api/v1/movies/popular");
	run(&first);
	source.error = -EAGAIN;
	uv_sleep(5);
	stale = request_new("/api/v1/movies/popular");
	run(&stale);
	assert_int_equal(stale.result, 0);
	assert_string_equal(stale.cache, "STALE; level=l1");
	assert_true(stale.degraded && stale.no_store && !first.degraded && !first.no_store);
	assert_ptr_equal(stale.reply, first.reply);
	assert_string_equal(reply_cache_control(stale.reply),
	                    "public, max-age=0, stale-while-revalidate=0, stale-if-error=60");
}

static void test_without_any_it_is_503_with_retry_after(void **state)
{
	struct request away CLEANUP(request_done) = { 0 };
	struct request back CLEANUP(request_done) = { 0 };

	(void)state;
	source_is_remote();
	source.error = -EAGAIN;
	source.retry_ms = 41400; /* rounded up, on a busy machine too */
	away = request_new("/api/v1/movies/popular");
	run(&away);
	assert_int_equal(away.problem->status, 503);
	assert_string_equal(away.problem->code, "upstream-unavailable");
	assert_true(away.problem->is_degraded);
	assert_int_equal(away.retry_after_s, 42);
	source.error = 0;
	back = request_new("/api/v1/movies/popular");
	run(&back);
	assert_true(is_miss(&back) && back.result == 0);
}

static void test_a_search_is_answered_from_films_seen(void **state)
{
	struct request req CLEANUP(request_done) = { 0 };

	(void)state;
	source_is_remote();
	source.error = -EAGAIN;
	req = searched("jaws");
	assert_int_equal(req.result, 0);
	assert_ptr_equal(req.schema, &movie_page_schema);
	assert_true(req.degraded && is_miss(&req));
	assert_int_equal(films_seen.searches, 1);
	/* It is not kept: the source is source.asked the next time. */
	source.error = 0;
	request_done(&req);
	req = searched("jaws");
	assert_non_null(req.reply);
}

static void test_a_brief_is_answered_from_films_seen(void **state)
{
	struct request known CLEANUP(request_done) = { 0 };
	struct request unknown CLEANUP(request_done) = { 0 };

	(void)state;
	source_is_remote();
	source.error = -EAGAIN;
	known = film("/internal/movies/{movie_id}/brief", "550");
	assert_ptr_equal(known.schema, &movie_brief_schema);
	/* Not to have seen a film does not mean that there is none. */
	unknown = film("/internal/movies/{movie_id}/brief", "404");
	assert_int_equal(unknown.problem->status, 503);
	assert_int_equal(films_seen.briefs, 2);
}

static void test_genres_are_not_waited_for_long(void **state)
{
	struct request req CLEANUP(request_done) = { 0 };

	(void)state;
	source_is_remote();
	source.delay_ms = 2000;
	req = request_new("/api/v1/movies/genres");
	run(&req);
	assert_int_equal(req.result, 0);
	assert_ptr_equal(req.schema, &movie_genres_schema);
	assert_true(req.degraded);
	assert_true(req.took_ms >= 300 && req.took_ms < 1500);
}

static void test_refused_credentials_are_502(void **state)
{
	struct request req CLEANUP(request_done) = { 0 };

	(void)state;
	source_is_remote();
	source.error = -EACCES;
	req = request_new("/api/v1/movies/popular");
	run(&req);
	assert_int_equal(req.problem->status, 502);
	assert_string_equal(req.problem->code, "upstream-refused");
}

static void test_a_bad_request_asks_nothing(void **state)
{
	struct request req CLEANUP(request_done) = searched("");

	(void)state;
	assert_int_equal(req.result, -EINVAL);
	assert_int_equal(source.asked, 0);
}

/* 2,000 different questions through a cache of 1,000: bounded, and every answer right. */
static void test_the_cache_stays_within_its_bounds(void **state)
{
	struct aside_stats stats;

	(void)state;
	for (unsigned i = 1; i <= 2000; i++) {
		struct request req CLEANUP(request_done) = { 0 };
		char id[16];

		snprintf(id, sizeof(id), "%u", 1000000000 + i);
		req = film("/internal/movies/{movie_id}/brief", id);
		assert_true(says(&req, id));
	}
	aside_stats_get(movies.cache, &stats);
	assert_int_equal(stats.l1.entries, 1000);
	assert_int_equal(stats.l1.evicted, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ANSWER_TEST(test_the_second_time_comes_from_memory),
		ANSWER_TEST(test_defaults_and_order_make_no_difference),
		ANSWER_TEST(test_many_at_once_ask_once),
		ANSWER_TEST(test_a_life_of_nothing_is_not_kept),
		ANSWER_TEST(test_a_film),
		ANSWER_TEST(test_that_there_is_no_such_film_is_kept_as_well),
		ANSWER_TEST(test_the_brief_is_brief),
		ANSWER_TEST(test_every_route_answers),
		ANSWER_TEST(test_a_large_answer_has_a_compressed_form),
		ANSWER_TEST(test_the_language_is_the_clients),
		ANSWER_TEST(test_old_answers_are_given_while_it_fails),
		ANSWER_TEST(test_without_any_it_is_503_with_retry_after),
		ANSWER_TEST(test_a_search_is_answered_from_films_seen),
		ANSWER_TEST(test_a_brief_is_answered_from_films_seen),
		ANSWER_TEST(test_genres_are_not_waited_for_long),
		ANSWER_TEST(test_refused_credentials_are_502),
		ANSWER_TEST(test_a_bad_request_asks_nothing),
		ANSWER_TEST(test_the_cache_stays_within_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
