/* Hedging: who wins, what the loser leaves behind, when there is none. Against a peer that plays. */
#include "movie/test_upstream_support.h"

/* 20 quick answers are known, so that the next call is hedged soon. */
static void open_hedged(void)
{
	struct upstream_options o = stage_options();

	o.hedge = true;
	o.calls_max = 2;
	o.queue_max = 0;
	stage_open(&o);
	assert_int_equal(callers_in_turn(20, 0), 20);
}

/* 20 slow answers are known, so that the next call has time before it is hedged. */
static void open_hedged_late(void)
{
	struct upstream_options o = stage_options();
	struct caller callers[20] = { 0 };

	o.hedge = true;
	o.calls_max = ARRAY_SIZE(callers);
	stage_open(&o);
	PLAY({ .answer = "200 OK\n\n{}", .delay_ms = 500 });
	callers_run(callers, ARRAY_SIZE(callers));
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		assert_int_equal(callers[i].r, 0);
}

static void assert_all_places_are_free(void)
{
	struct caller callers[2] = { 0 };

	PLAY({ .answer = "200 OK\n\n{}", .delay_ms = 100 });
	callers_run(callers, 2);
	assert_int_equal(callers[0].r, 0);
	assert_int_equal(callers[1].r, 0);
}

static void test_hedge_wins_over_a_hung_call(void **state)
{
	struct caller c;
	double hedges, abandoned;

	(void)state;
	open_hedged();
	hedges = stage_metric("cinesync_movie_upstream_hedges_total");
	abandoned = stage_metric("cinesync_movie_upstream_requests_total{outcome=\"abandoned\"}");
	PLAY(HANG, REPLY("200 OK", "ETag: \"h\"\r\n", "{\"hedged\":1}"));
	c = caller_run();
	assert_int_equal(c.r, 0);
	assert_string_equal(c.body, "{\"hedged\":1}");
	assert_string_equal(c.etag, "\"h\"");
	assert_int_equal(c.answer.attempts, 2);
	assert_in_range(c.took_ms, 0, 1500);
	/* The one given up counts as nothing. */
	assert_int_equal(stage_breaker().calls, 21);
	assert_int_equal(stage_breaker().failures, 0);
	assert_true(stage_metric("cinesync_movie_upstream_hedges_total") == hedges + 1);
	assert_true(stage_metric("cinesync_movie_upstream_requests_total{outcome=\"abandoned\"}") == abandoned + 1);
	assert_all_places_are_free();
}

static void test_first_call_wins_over_a_hung_hedge(void **state)
{
	struct caller c;

	(void)state;
	open_hedged();
	PLAY({ .answer = "200 OK\n\n{\"first\":1}", .delay_ms = 300 }, HANG);
	c = caller_run();
	assert_int_equal(c.r, 0);
	assert_string_equal(c.body, "{\"first\":1}");
	assert_int_equal(c.answer.attempts, 2);
	assert_in_range(c.took_ms, 290, 1800);
}

static void test_failed_hedge_leaves_the_first_call_alone(void **state)
{
	struct caller c;

	(void)state;
	open_hedged();
	PLAY({ .answer = "200 OK\n\n{\"first\":1}", .delay_ms = 300 }, REPLY("500 No", "", ""));
	c = caller_run();
	assert_int_equal(c.r, 0);
	assert_string_equal(c.body, "{\"first\":1}");
	assert_int_equal(stage_breaker().failures, 1);
}

static void test_failed_race_is_not_retried(void **state)
{
	struct caller c;

	(void)state;
	open_hedged();
	PLAY({ .answer = "503 No\n\n", .delay_ms = 300 }, REPLY("503 No", "", ""), OK);
	c = caller_run();
	assert_int_equal(c.r, -EAGAIN);
	assert_int_equal(c.answer.attempts, 2);
	assert_int_equal(peer_requests(), 2);
}

static void test_failure_before_the_hedge_is_retried(void **state)
{
	struct caller c;

	(void)state;
	open_hedged_late();
	PLAY(REPLY("503 No", "", ""), OK);
	c = caller_run();
	assert_int_equal(c.r, 0);
	assert_int_equal(c.answer.attempts, 2);
}

static void test_both_may_hang(void **state)
{
	struct upstream_options o = stage_options();
	struct caller c;

	(void)state;
	o.hedge = true;
	o.timeout_ms = 500;
	stage_open(&o);
	assert_int_equal(callers_in_turn(20, 0), 20);
	PLAY(HANG);
	c = caller_run();
	assert_int_equal(c.r, -EAGAIN);
	assert_int_equal(c.answer.attempts, 2);
	assert_in_range(c.took_ms, 499, 1500);
}

static void test_race_can_be_cancelled(void **state)
{
	struct caller c;

	(void)state;
	open_hedged();
	PLAY(HANG);
	c = caller_run_with((struct caller){ .cancel_ms = 200 });
	assert_int_equal(c.r, -ECANCELED);
	assert_in_range(c.took_ms, 199, 1200);
	assert_int_equal(stage_breaker().calls, 20);
	assert_all_places_are_free();
}

static void test_hedges_are_paid_for(void **state)
{
	struct upstream_options o = stage_options();

	(void)state;
	o.hedge = true;
	o.retry_percent = 0;
	stage_open(&o);
	assert_int_equal(callers_in_turn(20, 0), 20);
	PLAY({ .answer = "200 OK\n\n{}", .delay_ms = 200 });
	assert_int_equal(caller_run().answer.attempts, 1);
}

static void test_no_hedges_unless_asked_for(void **state)
{
	struct upstream_options o = stage_options();

	(void)state;
	stage_open(&o);
	assert_int_equal(callers_in_turn(20, 0), 20);
	PLAY({ .answer = "200 OK\n\n{}", .delay_ms = 200 });
	assert_int_equal(caller_run().answer.attempts, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		stage_test(test_hedge_wins_over_a_hung_call),
		stage_test(test_first_call_wins_over_a_hung_hedge),
		stage_test(test_failed_hedge_leaves_the_first_call_alone),
		stage_test(test_failed_race_is_not_retried),
		stage_test(test_failure_before_the_hedge_is_retried),
		stage_test(test_both_may_hang),
		stage_test(test_race_can_be_cancelled),
		stage_test(test_hedges_are_paid_for),
		stage_test(test_no_hedges_unless_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
