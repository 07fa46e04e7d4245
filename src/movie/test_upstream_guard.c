/* Who is let through to TMDB and who is not: breaker, pause, bulkhead, rate. Against a peer that plays. */
#include "movie/test_upstream_support.h"

/* ---- breaker ---- */

static void open_breaker(void)
{
	struct upstream_options o = stage_options();

	o.retry_percent = 0;
	o.breaker.calls_min = 20;
	o.breaker.open_ms = 400;
	stage_open(&o);
	PLAY(REPLY("500 No", LAST, ""));
	assert_int_equal(callers_in_turn(19, -EAGAIN), 19);
	assert_int_equal(stage_breaker().state, BREAKER_CLOSED);
	assert_int_equal(callers_in_turn(1, -EAGAIN), 1);
	assert_int_equal(stage_breaker().state, BREAKER_OPEN);
	assert_int_equal(peer_requests(), 20);
}

static void test_open_breaker_answers_at_once_without_a_connection(void **state)
{
	struct upstream_options o = stage_options();
	int64_t start_ms;

	(void)state;
	o.retry_percent = 0;
	o.breaker.calls_min = 20;
	stage_open(&o);
	PLAY(REPLY("500 No", "", ""));
	callers_in_turn(20, -EAGAIN);
	PLAY(OK);
	start_ms = clock_mono_ms();
	for (int i = 0; i < 100; i++) {
		struct caller c = caller_run();

		assert_int_equal(c.r, -EAGAIN);
		assert_int_equal(c.answer.attempts, 0);
		assert_in_range(c.answer.retry_after_ms, 1, 5000);
	}
	assert_in_range(clock_mono_ms() - start_ms, 0, 500);
	assert_int_equal(peer_requests() + peer_connections(), 0);
	assert_int_equal(stage_breaker().rejected, 100);
	assert_int_equal(stage_logged("circuit breaker changed"), 1);
	assert_int_equal(stage_logged("\"level\":\"warning\",\"service\":\"test\",\"message\":\"tmdb: circuit"), 1);
	assert_int_equal(stage_logged("\"from\":\"closed\",\"to\":\"open\",\"cause\":\"failures\",\"open_ms\":5000"),
	                 1);
}

static void test_200_callers_at_half_open_make_3_calls(void **state)
{
	struct caller callers[200] = { 0 };
	int good = 0;

	(void)state;
	open_breaker();
	PLAY({ .answer = "200 OK\n\n{}", .delay_ms = 30 });
	stage_wait(450);
	callers_run(callers, 200);
	for (size_t i = 0; i < 200; i++)
		good += callers[i].r == 0;
	assert_int_equal(good, 3);
	assert_int_equal(peer_requests(), 3);
	assert_int_equal(stage_breaker().state, BREAKER_CLOSED);
	assert_int_equal(stage_logged("circuit breaker changed"), 3);
	assert_int_equal(stage_logged("\"level\":\"info\""), 2);
	assert_int_equal(callers_in_turn(5, 0), 5);
}

static void test_failed_probe_is_not_retried(void **state)
{
	(void)state;
	open_breaker();
	stage_wait(450);
	PLAY(RESET);
	assert_int_equal(caller_run().r, -EAGAIN);
	assert_int_equal(peer_requests(), 1);
	assert_int_equal(stage_breaker().state, BREAKER_OPEN);
	assert_int_equal(stage_breaker().trips[BREAKER_PROBE], 1);
}

static void test_1000_times_404_trips_nothing(void **state)
{
	struct upstream_options o = stage_options();

	(void)state;
	o.breaker.calls_min = 20;
	stage_open(&o);
	PLAY(REPLY("404 Not Found", "", "{\"success\":false,\"status_code\":34}"));
	assert_int_equal(callers_in_turn(1000, -ENOENT), 1000);
	assert_int_equal(stage_breaker().calls, 1000);
	assert_int_equal(stage_breaker().failures, 0);
	assert_int_equal(stage_breaker().state, BREAKER_CLOSED);
	assert_int_equal(stage_logged("\n"), 0);
}

static void test_slow_answers_open_it(void **state)
{
	struct upstream_options o = stage_options();
	struct caller callers[20] = { 0 };

	(void)state;
	o.breaker.calls_min = 20;
	o.breaker.slow_ms = 50;
	stage_open(&o);
	PLAY({ .answer = "200 OK\n\n{}", .delay_ms = 150 });
	callers_run(callers, 20);
	assert_int_equal(callers[0].r, 0);
	assert_int_equal(stage_breaker().state, BREAKER_OPEN);
	assert_int_equal(stage_breaker().cause, BREAKER_SLOW);
}

static void test_refused_credentials_open_it_and_alert_once(void **state)
{
	struct upstream_options o = stage_options();
	struct caller callers[3] = { 0 };

	(void)state;
	stage_open(&o);
	PLAY({ .answer = "401 No\n\n{\"status_code\":7,\"status_message\":\"Invalid API key\"}", .delay_ms = 50 });
	callers_run(callers, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(callers[i].r, -EACCES);
	assert_int_equal(stage_breaker().state, BREAKER_OPEN);
	assert_int_equal(stage_breaker().trips[BREAKER_CREDENTIALS], 1);
	assert_int_equal(stage_logged("\n"), 1);
	assert_int_equal(stage_logged("\"level\":\"alert\""), 1);
	assert_int_equal(stage_logged("\"cause\":\"credentials\""), 1);
	assert_int_equal(stage_logged("\"tmdb_code\":7,\"tmdb_message\":\"Invalid API key\""), 1);
	assert_int_equal(caller_run().r, -EAGAIN);
	assert_int_equal(peer_requests(), 3);
}

static void test_suspended_key_is_refused_credentials_too(void **state)
{
	struct upstream_options o = stage_options();

	(void)state;
	stage_open(&o);
	PLAY(REPLY("403 No", "", "{\"status_code\":10}"));
	assert_int_equal(caller_run().r, -EACCES);
	assert_int_equal(stage_breaker().cause, BREAKER_CREDENTIALS);
}

static void test_opening_sends_those_in_line_away(void **state)
{
	struct upstream_options o = stage_options();
	struct caller callers[4] = { 0 };

	(void)state;
	o.calls_max = 1;
	o.breaker.calls_min = 1;
	stage_open(&o);
	PLAY({ .answer = "500 No\n\n", .delay_ms = 50 });
	callers_run(callers, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(callers[i].r, -EAGAIN);
		assert_in_range(callers[i].answer.retry_after_ms, 4000, 5000);
	}
	assert_int_equal(peer_requests(), 1);
}

/* ---- pause ---- */

static void test_429_stops_all_calls_until_retry_after(void **state)
{
	struct upstream_options o = stage_options();
	struct caller c;

	(void)state;
	stage_open(&o);
	PLAY(REPLY("429 Slow down", "Retry-After: 1\r\n", "{\"status_code\":25}"), OK);
	c = caller_run();
	assert_int_equal(c.r, -EAGAIN);
	assert_in_range(c.answer.retry_after_ms, 800, 1000);
	assert_int_equal(callers_in_turn(5, -EAGAIN), 5);
	assert_int_equal(peer_requests(), 1);
	stage_wait(1050);
	assert_int_equal(caller_run().r, 0);
	assert_int_equal(peer_requests(), 2);
}

static void test_429_without_retry_after_pauses_too(void **state)
{
	struct upstream_options o = stage_options();
	struct caller c;

	(void)state;
	o.pause_ms = 200;
	stage_open(&o);
	PLAY(REPLY("429 Slow down", "", ""), OK);
	c = caller_run();
	assert_int_equal(c.r, -EAGAIN);
	assert_in_range(c.answer.retry_after_ms, 1, 200);
	stage_wait(c.answer.retry_after_ms + 1);
	assert_int_equal(caller_run().r, 0);
}

/* Though the place that they wait for stays taken. */
static void test_429_stops_those_in_line(void **state)
{
	struct upstream_options o = stage_options();
	struct caller callers[5] = { 0 };

	(void)state;
	o.calls_max = 2;
	stage_open(&o);
	PLAY({ .answer = "429 Slow down\nRetry-After: 30\r\n\n", .delay_ms = 50 }, HANG);
	callers_run(callers, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(callers[i].r, -EAGAIN);
		assert_in_range(callers[i].answer.retry_after_ms, 26000, 30000);
		assert_in_range(callers[i].took_ms, 0, i < 2 ? 4000 : 1500);
	}
	assert_int_equal(peer_requests(), 2);
}

static void test_429_stops_those_who_wait_for_their_turn(void **state)
{
	struct upstream_options o = stage_options();
	struct caller callers[3] = { 0 };

	(void)state;
	o.timeout_ms = 10000;
	o.rate_wait_ms = 9000;
	o.rate_per_s = 1;
	o.burst = 1;
	stage_open(&o);
	PLAY({ .answer = "429 Slow down\nRetry-After: 30\r\n\n", .delay_ms = 50 });
	callers_run(callers, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(callers[i].r, -EAGAIN);
		assert_in_range(callers[i].took_ms, 0, 950);
	}
	assert_int_equal(peer_requests(), 1);
}

/* ---- bulkhead ---- */

static void test_full_bulkhead_fails_fast(void **state)
{
	struct upstream_options o = stage_options();
	struct caller callers[4] = { 0 };

	(void)state;
	o.timeout_ms = 500;
	o.calls_max = 2;
	o.queue_max = 1;
	stage_open(&o);
	PLAY(HANG);
	callers_run(callers, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(callers[i].r, -EAGAIN);
	assert_in_range(callers[3].took_ms, 0, 250);
	assert_int_equal(callers[3].answer.attempts, 0);
	assert_int_equal(callers[3].answer.retry_after_ms, 1000);
	/* In line for as long as the budget lasts: too late then for a call that would be TMDB's fault. */
	assert_in_range(callers[2].took_ms, 499, 1500);
	assert_int_equal(stage_breaker().failures, 2);
	PLAY(OK);
	assert_int_equal(caller_run().r, 0);
}

static void test_time_lost_in_line_is_not_tmdbs_fault(void **state)
{
	struct upstream_options o = stage_options();
	struct caller callers[2] = { 0 };

	(void)state;
	o.timeout_ms = 1000;
	o.calls_max = 1;
	stage_open(&o);
	PLAY({ .answer = "200 OK\n\n{}", .delay_ms = 700 }, HANG);
	callers_run(callers, 2);
	assert_int_equal(callers[0].r, 0);
	assert_int_equal(callers[1].r, -EAGAIN);
	assert_int_equal(callers[1].answer.attempts, 1);
	assert_int_equal(stage_breaker().calls, 1);
	assert_int_equal(stage_breaker().failures, 0);
}

static void test_line_moves_on(void **state)
{
	struct upstream_options o = stage_options();
	struct caller callers[20] = { 0 };

	(void)state;
	o.calls_max = 4;
	stage_open(&o);
	PLAY({ .answer = "200 OK\n\n{}", .delay_ms = 5 });
	callers_run(callers, 20);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(callers[i].r, 0);
	assert_in_range(peer_connections(), 1, 4);
}

static void test_who_leaves_the_line_leaves_nothing_behind(void **state)
{
	struct upstream_options o = stage_options();
	struct caller callers[3] = { { 0 }, { .cancel_ms = 30 }, { .deadline_ms = 30 } };

	(void)state;
	o.calls_max = 1;
	stage_open(&o);
	PLAY({ .answer = "200 OK\n\n{}", .delay_ms = 300 }, OK);
	callers_run(callers, 3);
	assert_int_equal(callers[0].r, 0);
	assert_int_equal(callers[1].r, -ECANCELED);
	assert_int_equal(callers[2].r, -EAGAIN);
	assert_int_equal(peer_requests(), 1);
	assert_int_equal(callers_in_turn(3, 0), 3);
}

/* ---- rate ---- */

static void test_calls_wait_for_their_turn(void **state)
{
	struct upstream_options o = stage_options();
	struct caller callers[5] = { 0 };

	(void)state;
	o.rate_per_s = 20;
	o.burst = 1;
	stage_open(&o);
	callers_run(callers, 5);
	for (size_t i = 0; i < 5; i++) {
		/* The schedule is that of the first call, whenever the others got to run. */
		int64_t end_ms = callers[i].start_ms + callers[i].took_ms - callers[0].start_ms;

		assert_int_equal(callers[i].r, 0);
		assert_in_range(end_ms, i * 50, i * 50 + 1000);
	}
}

static void test_wait_for_a_turn_is_bounded(void **state)
{
	struct upstream_options o = stage_options();
	struct caller c;

	(void)state;
	o.rate_per_s = 1;
	o.burst = 2;
	o.rate_wait_ms = 500;
	stage_open(&o);
	assert_int_equal(callers_in_turn(2, 0), 2);
	c = caller_run();
	assert_int_equal(c.r, -EAGAIN);
	assert_in_range(c.answer.retry_after_ms, 501, 1000);
	assert_in_range(c.took_ms, 0, 450);
	assert_int_equal(peer_requests(), 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		stage_test(test_open_breaker_answers_at_once_without_a_connection),
		stage_test(test_200_callers_at_half_open_make_3_calls),
		stage_test(test_failed_probe_is_not_retried),
		stage_test(test_1000_times_404_trips_nothing),
		stage_test(test_slow_answers_open_it),
		stage_test(test_refused_credentials_open_it_and_alert_once),
		stage_test(test_suspended_key_is_refused_credentials_too),
		stage_test(test_opening_sends_those_in_line_away),
		stage_test(test_429_stops_all_calls_until_retry_after),
		stage_test(test_429_without_retry_after_pauses_too),
		stage_test(test_429_stops_those_in_line),
		stage_test(test_429_stops_those_who_wait_for_their_turn),
		stage_test(test_full_bulkhead_fails_fast),
		stage_test(test_time_lost_in_line_is_not_tmdbs_fault),
		stage_test(test_line_moves_on),
		stage_test(test_who_leaves_the_line_leaves_nothing_behind),
		stage_test(test_calls_wait_for_their_turn),
		stage_test(test_wait_for_a_turn_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
