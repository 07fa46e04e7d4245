/* What goes over the wire, what each answer means, when there is a second attempt. Against a peer that plays. */
#include "movie/test_upstream_support.h"

#include "base/fault.h"

/* ---- over the wire ---- */

static void test_good_answer_is_read(void **state)
{
	struct upstream_options o = stage_options();
	struct caller c;

	(void)state;
	stage_open(&o);
	PLAY(REPLY("200 OK", "ETag: W/\"a\"\r\nCache-Control: public, max-age=100\r\nAge: 40\r\n", "{\"id\":550}"));
	c = caller_run_with((struct caller){ .query = STR("language=de-DE&page=2") });
	assert_int_equal(c.r, 0);
	assert_string_equal(c.body, "{\"id\":550}");
	assert_string_equal(c.etag, "W/\"a\"");
	assert_int_equal(c.answer.max_age_ms, 60000);
	assert_int_equal(c.answer.attempts, 1);
	assert_int_equal(c.answer.retry_after_ms, 0);
	assert_int_equal(strncmp(peer_received(), "GET /3/movie/550?language=de-DE&page=2 HTTP/1.1\r\n", 49), 0);
	assert_non_null(strstr(peer_received(), "\r\nAuthorization: Bearer " TOKEN "\r\n"));
	assert_non_null(strstr(peer_received(), "\r\nAccept: application/json\r\n"));
}

static void test_nothing_of_ours_is_told(void **state)
{
	struct upstream_options o = stage_options();

	(void)state;
	stage_open(&o);
	assert_int_equal(caller_run().r, 0);
	assert_non_null(strstr(peer_received(), "GET /3/movie/550 HTTP/1.1\r\n"));
	assert_null(strcasestr(peer_received(), "traceparent"));
	assert_null(strcasestr(peer_received(), "X-Request"));
	assert_null(strcasestr(peer_received(), "If-None-Match"));
}

/* stage_down() looks for the key in the log, the peer's spans are looked at as they end. */
static void test_key_goes_into_the_query_and_nowhere_else(void **state)
{
	struct upstream_options o = stage_options();

	(void)state;
	o.token = NULL;
	o.api_key = KEY;
	stage_open(&o);
	PLAY(REPLY("500 No", "", ""), REPLY("400 Bad", LAST, ""), RESET);
	callers_in_turn(1, 0);
	assert_non_null(strstr(peer_received(), "GET /3/movie/550?api_key=" KEY " HTTP/1.1\r\n"));
	assert_null(strstr(peer_received(), "Authorization"));
	(void)caller_run_with((struct caller){ .query = STR("page=2") });
	assert_non_null(strstr(peer_received(), "GET /3/movie/550?page=2&api_key=" KEY " HTTP/1.1\r\n"));
	callers_in_turn(1, 0);
	assert_int_equal(stage_logged("\"path\":\"/movie/550\""), 4);
}

static void test_unchanged_needs_our_validator(void **state)
{
	struct upstream_options o = stage_options();
	struct caller c;

	(void)state;
	stage_open(&o);
	PLAY(REPLY("304 Not Modified", "ETag: \"b\"\r\nCache-Control: max-age=7\r\n", ""));
	c = caller_run_with((struct caller){ .validator = STR("\"b\"") });
	assert_int_equal(c.r, 0);
	assert_true(c.answer.is_unchanged);
	assert_int_equal(c.answer.max_age_ms, 7000);
	assert_int_equal(c.reads, 0);
	assert_non_null(strstr(peer_received(), "\r\nIf-None-Match: \"b\"\r\n"));
	c = caller_run();
	assert_int_equal(c.r, -EAGAIN);
	assert_false(c.answer.is_unchanged);
	assert_int_equal(stage_breaker().failures, 1);
}

/* ---- what answers mean ---- */

#define TMDB_ERROR(code) "{\"status_message\":\"No.\",\"success\":false,\"status_code\":" code "}"

static void test_each_answer_has_its_meaning(void **state)
{
	static const struct {
		struct step step;
		int r;
		int failures; /* of TMDB's */
	} cases[] = {
		{ { .answer = "404 Not Found\n\n" TMDB_ERROR("34") }, -ENOENT, 0 },
		{ { .answer = "404 Not Found\n\n" TMDB_ERROR("6") }, -ENOENT, 0 },
		{ { .answer = "404 Not Found\n\n{\"errors\":[\"none\"],\"success\":false}" }, -ENOENT, 0 },
		{ { .answer = "404 Not Found\nContent-Type: text/html\r\n\n<html>" }, -EPROTO, 0 },
		{ { .answer = "400 Bad Request\n\n" TMDB_ERROR("5") }, -EPROTO, 0 },
		{ { .answer = "422 No\n\n{\"errors\":[\"page must be less\"]}" }, -EPROTO, 0 },
		{ { .answer = "403 Forbidden\n\n" }, -EPROTO, 0 },
		{ { .answer = "408 Request Timeout\n\n" }, -EAGAIN, 1 },
		{ { .answer = "500 Oops\n\n" TMDB_ERROR("11") }, -EAGAIN, 1 },
		{ { .answer = "501 Oops\n\n" }, -EAGAIN, 1 },
		{ { .answer = "302 Found\nLocation: /login\r\n\n" }, -EAGAIN, 1 },
		{ { .answer = "204 No Content\n\n" }, -EAGAIN, 1 },
		{ { .answer = "200 OK\n\n" }, -EAGAIN, 1 },
		{ { .answer = "200 OK\nContent-Type: text/html\r\n\n<html>log in" }, -EAGAIN, 1 },
		{ { .answer = "201 Created\n\n{}" }, 0, 0 },
	};
	struct upstream_options o = stage_options();
	int failures = 0;

	(void)state;
	stage_open(&o);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct caller c;

		PLAY(cases[i].step);
		c = caller_run();
		failures += cases[i].failures;
		assert_int_equal(c.r, cases[i].r);
		assert_int_equal(c.answer.attempts, 1);
		assert_int_equal(c.answer.retry_after_ms, c.r == -EAGAIN ? 1000 : 0);
		assert_int_equal(stage_breaker().failures, failures);
		assert_int_equal(stage_breaker().calls, i + 1);
	}
}

static void test_tmdbs_words_go_into_one_line_of_the_log(void **state)
{
	struct upstream_options o = stage_options();

	(void)state;
	stage_open(&o);
	PLAY(REPLY("422 No", "", "{\"status_code\":20,\"status_message\":\"Invalid\\ndate\"}"));
	assert_int_equal(caller_run().r, -EPROTO);
	assert_int_equal(stage_logged("\n"), 1);
	assert_int_equal(stage_logged("\"level\":\"error\""), 1);
	assert_int_equal(stage_logged("\"tmdb_code\":20,\"tmdb_message\":\"Invalid date\""), 1);
}

static void test_answer_over_its_size_is_a_failure(void **state)
{
	struct upstream_options o = stage_options();

	(void)state;
	o.answer_max = 8;
	stage_open(&o);
	PLAY(REPLY("200 OK", "", "{\"a\":12}"), REPLY("200 OK", "", "{\"a\":123}"));
	assert_int_equal(caller_run().r, 0);
	assert_int_equal(caller_run().r, -EAGAIN);
	assert_int_equal(stage_breaker().failures, 1);
}

/* ---- a second attempt ---- */

static void test_one_retry_helps(void **state)
{
	static const struct step first[] = { { .answer = "502 No\n\n" },
		                             { .answer = "503 No\n\n" },
		                             { .answer = "504 No\n\n" },
		                             { .kind = STEP_RESET } };
	struct upstream_options o = stage_options();

	(void)state;
	stage_open(&o);
	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		struct caller c;

		PLAY(first[i], REPLY("200 OK", LAST, "{}"));
		c = caller_run();
		assert_int_equal(c.r, 0);
		assert_int_equal(c.answer.attempts, 2);
		assert_int_equal(peer_requests(), 2);
	}
	assert_int_equal(stage_breaker().failures, 4);
}

static void test_there_is_no_second_retry(void **state)
{
	struct upstream_options o = stage_options();
	struct caller c;

	(void)state;
	stage_open(&o);
	PLAY(REPLY("503 No", "", ""));
	c = caller_run();
	assert_int_equal(c.r, -EAGAIN);
	assert_int_equal(c.answer.attempts, 2);
	assert_int_equal(peer_requests(), 2);
}

static void test_refused_connection_is_tried_twice(void **state)
{
	struct upstream_options o = stage_options();
	struct caller c;

	(void)state;
	stage_open(&o);
	peer_away();
	c = caller_run();
	assert_int_equal(c.r, -EAGAIN);
	assert_int_equal(c.answer.attempts, 2);
	assert_int_equal(stage_breaker().failures, 2);
}

static void test_peer_that_says_when_is_not_asked_before(void **state)
{
	struct upstream_options o = stage_options();
	struct caller c;

	(void)state;
	stage_open(&o);
	PLAY(REPLY("503 No", "Retry-After: 7\r\n", ""), OK);
	c = caller_run();
	assert_int_equal(c.r, -EAGAIN);
	assert_int_equal(c.answer.attempts, 1);
	assert_int_equal(c.answer.retry_after_ms, 7000);
}

static void test_retries_are_a_fifth_of_the_calls(void **state)
{
	struct upstream_options o = stage_options();

	(void)state;
	o.retry_delay_ms = 0;
	stage_open(&o);
	PLAY(REPLY("503 No", "", ""));
	assert_int_equal(callers_in_turn(100, -EAGAIN), 100);
	/* And the ten that are saved up at the start. */
	assert_in_range(peer_requests(), 128, 130);
}

static void test_without_a_budget_nothing_is_retried(void **state)
{
	struct upstream_options o = stage_options();

	(void)state;
	o.retry_percent = 0;
	stage_open(&o);
	PLAY(REPLY("503 No", "", ""));
	assert_int_equal(callers_in_turn(10, -EAGAIN), 10);
	assert_int_equal(peer_requests(), 10);
}

static void test_failure_that_opens_the_breaker_is_not_retried(void **state)
{
	struct upstream_options o = stage_options();

	(void)state;
	o.breaker.calls_min = 1;
	stage_open(&o);
	PLAY(REPLY("503 No", "", ""));
	assert_int_equal(caller_run().answer.attempts, 1);
	assert_int_equal(peer_requests(), 1);
}

/* ---- time ---- */

static void test_hung_peer_costs_the_budget_and_no_more(void **state)
{
	struct upstream_options o = stage_options();
	struct caller c;

	(void)state;
	o.timeout_ms = 300;
	stage_open(&o);
	PLAY(HANG);
	c = caller_run();
	assert_int_equal(c.r, -EAGAIN);
	assert_int_equal(c.answer.attempts, 1);
	assert_in_range(c.took_ms, 299, 1300);
	assert_int_equal(stage_breaker().failures, 1);
}

/* The budget is one for both attempts. */
static void test_hung_retry_costs_the_same_budget(void **state)
{
	struct upstream_options o = stage_options();
	struct caller c;

	(void)state;
	o.timeout_ms = 400;
	stage_open(&o);
	PLAY({ .answer = "503 No\n\n", .delay_ms = 50 }, HANG);
	c = caller_run();
	assert_int_equal(c.r, -EAGAIN);
	assert_int_equal(c.answer.attempts, 2);
	assert_in_range(c.took_ms, 399, 1400);
}

static void test_callers_own_deadline_is_no_failure_of_tmdbs(void **state)
{
	struct upstream_options o = stage_options();
	struct caller c;

	(void)state;
	o.calls_max = 1;
	o.queue_max = 0;
	stage_open(&o);
	PLAY(HANG, OK);
	c = caller_run_with((struct caller){ .deadline_ms = 100 });
	assert_int_equal(c.r, -EAGAIN);
	assert_in_range(c.took_ms, 99, 1100);
	assert_int_equal(stage_breaker().calls, 0);
	/* Its place is free again. */
	assert_int_equal(caller_run().r, 0);
}

static void test_cancelled_call_counts_as_nothing(void **state)
{
	struct upstream_options o = stage_options();
	struct caller c;

	(void)state;
	o.calls_max = 1;
	o.queue_max = 0;
	stage_open(&o);
	PLAY(HANG, OK);
	c = caller_run_with((struct caller){ .cancel_ms = 50 });
	assert_int_equal(c.r, -ECANCELED);
	assert_in_range(c.took_ms, 50, 1050);
	assert_int_equal(stage_breaker().calls, 0);
	assert_int_equal(caller_run().r, 0);
}

/* ---- life ---- */

static void test_bad_options_are_refused(void **state)
{
	struct upstream_options good = stage_options(), o = good;
	struct upstream *u = NULL;

	(void)state;
	o.token = "two\r\nlines";
	assert_int_equal(upstream_new(&o, &u), -EINVAL);
	o = good;
	o.base_url = "";
	assert_int_equal(upstream_new(&o, &u), -EINVAL);
	o = good;
	o.calls_max = 0;
	assert_int_equal(upstream_new(&o, &u), -EINVAL);
	o = good;
	o.breaker.probes_max = 0;
	assert_int_equal(upstream_new(&o, &u), -EINVAL);
	assert_null(u);
	upstream_free(&u);
}

static void test_out_of_memory_leaves_nothing(void **state)
{
	static const char *const plans[] = { "alloc:1", "alloc:2", "alloc:3", "alloc:4" };
	struct upstream_options o = stage_options();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		struct upstream *u = NULL;
		int r;

		fault_set(plans[i]);
		r = upstream_new(&o, &u);
		fault_set(NULL);
		assert_true(r == -ENOMEM || (r == 0 && i > 1));
		upstream_free(&u);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		stage_test(test_good_answer_is_read),
		stage_test(test_nothing_of_ours_is_told),
		stage_test(test_key_goes_into_the_query_and_nowhere_else),
		stage_test(test_unchanged_needs_our_validator),
		stage_test(test_each_answer_has_its_meaning),
		stage_test(test_tmdbs_words_go_into_one_line_of_the_log),
		stage_test(test_answer_over_its_size_is_a_failure),
		stage_test(test_one_retry_helps),
		stage_test(test_there_is_no_second_retry),
		stage_test(test_refused_connection_is_tried_twice),
		stage_test(test_peer_that_says_when_is_not_asked_before),
		stage_test(test_retries_are_a_fifth_of_the_calls),
		stage_test(test_without_a_budget_nothing_is_retried),
		stage_test(test_failure_that_opens_the_breaker_is_not_retried),
		stage_test(test_hung_peer_costs_the_budget_and_no_more),
		stage_test(test_hung_retry_costs_the_same_budget),
		stage_test(test_callers_own_deadline_is_no_failure_of_tmdbs),
		stage_test(test_cancelled_call_counts_as_nothing),
		stage_test(test_bad_options_are_refused),
		stage_test(test_out_of_memory_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
