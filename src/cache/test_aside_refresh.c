/* The background: stale keys and early ones are refreshed there, one at a time a key, boundedly, with a pause after a
 * failure; and who comes to need the key meanwhile is answered. */
#include "cache/test_aside_fixture.h"

static void a_stale_key_is_refreshed_in_the_background(void **state)
{
	(void)state;
	(void)get("a");
	now_ms += 1000;
	source_plan.text = "two";
	assert_found(get("a"), "one", STALE, L1);
	assert_found(get("a"), "two", HIT, L1);
	assert_int_equal(stats_of(cache).refreshes, 1);
	assert_int_equal(stats_of(cache).early, 0);
	assert_int_equal(stats_of(cache).background, 0);
	assert_int_equal(stats_of(cache).misses, 1);
}

static void many_stale_answers_begin_one_refresh(void **state)
{
	static struct caller callers[100];

	(void)state;
	(void)get("a");
	now_ms += 1000;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		callers[i] = caller_of(cache, "a");
		spawn(call_main, &callers[i]);
	}

	run_until_idle();

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		assert_found(callers[i], "one", STALE, L1);
	assert_int_equal(source_plan.loads, 2);
	assert_int_equal(prepared, 2);
	assert_int_equal(stats_of(cache).refreshes, 1);
}

static void refreshes_at_once_are_bounded(void **state)
{
	static struct caller callers[10];
	static char keys[10][4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		snprintf(keys[i], sizeof(keys[i]), "%zu", i);
		(void)get(keys[i]);
		callers[i] = caller_of(cache, keys[i]);
	}
	now_ms += 1000;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		spawn(call_main, &callers[i]);

	run_until_idle();

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		assert_found(callers[i], "one", STALE, L1);
	/* A quarter of the 16 flights. */
	assert_int_equal(stats_of(cache).refreshes, 4);
	assert_int_equal(prepared, 14);
}

static void a_flight_under_way_is_refresh_enough(void **state)
{
	const struct aside_life life = { 0, 1000, 0 };
	struct caller c = caller_of(cache, "a"), stale = caller_of(cache, "a");

	(void)state;
	source_plan.sleep_ms = 50;
	spawn(call_main, &c);
	while (source_plan.loads < 1)
		run_turn();
	keep_now(STR("a"), STR("along"), &life);
	assert_int_equal(fiber_start("stale", call_main, &stale, NULL), 0);

	assert_found(stale, "along", STALE, L1);
	assert_int_equal(stats_of(cache).background, 0);
	run_until_idle();
	assert_int_equal(prepared, 1);
	assert_found(get("a"), "one", HIT, L1);
}

static void after_a_failure_there_is_a_pause(void **state)
{
	struct caller c;

	(void)state;
	source_plan.life = (struct aside_life){ 1000, 100000, 0 };
	(void)get("a");
	now_ms += 1000;
	source_plan.outcome = -EIO;
	assert_false(get("a").found.is_degraded);
	assert_int_equal(source_plan.loads, 2);

	now_ms += 499;
	c = get("a");
	assert_found(c, "one", STALE, L1);
	assert_true(c.found.is_degraded);
	assert_int_equal(source_plan.loads, 2);
	now_ms += 1001;
	assert_true(get("a").found.is_degraded);
	assert_int_equal(source_plan.loads, 3);

	now_ms += 1500;
	source_plan.outcome = 0;
	(void)get("a");
	assert_found(get("a"), "one", HIT, L1);
	assert_int_equal(stats_of(cache).stale_error, 0);
	assert_int_equal(stats_of(cache).stale_l1, 4);
}

static void the_pauses_are_spread(void **state)
{
	int loads[2] = { 0 };
	char key[16];

	(void)state;
	source_plan.life = (struct aside_life){ 1000, 100000, 0 };
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "%d", i);
		source_plan.outcome = 0;
		(void)get(key);
		now_ms += 1000;
		source_plan.outcome = -EIO;
		(void)get(key);
		loads[0] = source_plan.loads;
		now_ms += 1000;
		(void)get(key);
		loads[1] += source_plan.loads - loads[0];
	}
	/* About half of them are over by the middle of their range. */
	assert_in_range(loads[1], 20, 80);
}

/* ---- early ---- */

/* With which an entry of fresh 1000 and delta 100 is as good as always refreshed. */
static void early_options(double beta, int64_t retry_ms)
{
	struct aside_options o = l2_options();

	o.beta = beta;
	o.retry_ms = retry_ms;
	cache_replace(&o);
	source_plan.delta_ms = 100;
}

static void a_fresh_key_is_refreshed_early(void **state)
{
	struct caller c;

	(void)state;
	early_options(1e12, 1000);
	(void)get("a");
	source_plan.text = "two";
	c = get("a");
	assert_found(c, "one", HIT, L1);
	assert_false(c.found.is_degraded);
	assert_int_equal(stats_of(cache).early, 1);
	assert_int_equal(stats_of(cache).refreshes, 1);
	assert_int_equal(source_plan.loads, 2);
	assert_found(get("a"), "two", HIT, L1);
}

static void a_peek_leaves_an_early_refresh_to_get(void **state)
{
	(void)state;
	early_options(1e12, 1000);
	(void)get("a");
	assert_int_equal(peek("a").r, 99);
	assert_int_equal(stats_of(cache).hits_l1, 0);
	assert_found(get("a"), "one", HIT, L1);
	assert_int_equal(source_plan.loads, 2);
}

/* What a peek drew is not drawn again, or both would have to hit. */
static void what_a_peek_drew_get_begins(void **state)
{
	int drawn = 0;

	(void)state;
	early_options(1, 0);
	source_plan.life.fresh_ms = 1000;
	(void)get("a");
	source_plan.delta_ms = 0;
	now_ms += 900;
	while (peek("a").r == 0)
		assert_in_range(drawn++, 0, 1000);
	source_plan.outcome = -EIO;
	(void)get("a");
	assert_int_equal(stats_of(cache).early, 1);

	/* And once it was begun it is drawn anew. */
	for (drawn = 0; peek("a").r != 0; drawn++) {
		assert_in_range(drawn, 0, 1000);
		(void)get("a");
	}
}

static void far_from_its_end_nothing_is_refreshed_early(void **state)
{
	(void)state;
	early_options(1, 1000);
	source_plan.life.fresh_ms = 100 * 100;
	(void)get("a");
	for (int i = 0; i < 1000; i++)
		assert_int_equal(peek("a").r, 0);
	assert_int_equal(stats_of(cache).early, 0);
}

static void an_early_refresh_that_fails_costs_nothing_and_pauses(void **state)
{
	(void)state;
	early_options(1e12, 1000);
	source_plan.life.fresh_ms = 100000;
	(void)get("a");
	source_plan.outcome = -EIO;
	assert_found(get("a"), "one", HIT, L1);
	assert_found(get("a"), "one", HIT, L1);
	assert_found(peek("a"), "one", HIT, L1);
	assert_int_equal(source_plan.loads, 2);
	assert_int_equal(stats_of(cache).stale_error, 0);
}

/* ---- with L2 ---- */

static void store_newer(const char *text)
{
	const struct aside_life life = { 1000, 2000, 4000 };
	struct aside_entry *e = aside_entry_new(&text_ops, text_new(str_from(text)), &life, STR_NULL, 1);
	struct buf b CLEANUP(buf_done) = { 0 };

	buf_init(&b, 10000);
	aside_entry_encode(e, STR("a"), &b);
	aside_entry_unref(&e);
	redis_double_store(PREFIX "a", buf_str(&b));
}

static void what_another_process_has_refreshed_is_not_loaded(void **state)
{
	(void)state;
	(void)get("a");
	now_ms += 1000;
	store_newer("theirs");
	assert_found(get("a"), "one", STALE, L1);
	assert_found(get("a"), "theirs", HIT, L1);
	assert_int_equal(source_plan.loads, 1);
	assert_int_equal(stats_of(cache).refreshes, 1);
	/* Of what callers got, nothing came from L2. */
	assert_int_equal(stats_of(cache).hits_l2, 0);
}

static void what_another_process_is_refreshing_is_left_to_it(void **state)
{
	(void)state;
	(void)get("a");
	now_ms += 1000;
	redis_double_hold_lease(LEASE "a");
	assert_found(get("a"), "one", STALE, L1);
	assert_int_equal(source_plan.loads, 1);
	assert_int_equal(stats_of(cache).refreshes, 1);
	assert_int_equal(stats_of(cache).loads_failed, 0);
	/* Not again at once. */
	assert_found(get("a"), "one", STALE, L1);
	assert_int_equal(stats_of(cache).refreshes, 1);
	assert_false(get("a").found.is_degraded);
	now_ms += 30;
	redis_double_end_lease(LEASE "a");
	(void)get("a");
	assert_found(get("a"), "one", HIT, L1);
	assert_int_equal(source_plan.loads, 2);
}

/* A refresh is in the middle of its load when another process changes the key: a caller that comes then waits for it.
 */
static void who_joins_a_refresh_is_answered(void **state)
{
	struct caller first = caller_of(cache, "a"), second = caller_of(cache, "a");

	(void)state;
	(void)get("a");
	now_ms += 1000;
	source_plan.text = "two";
	source_plan.sleep_ms = 50;
	spawn(call_main, &first);
	while (source_plan.loads < 2)
		run_turn();
	redis_double_tell_changed(0, STR(PREFIX "a"));
	spawn(call_main, &second);

	run_until_idle();

	assert_found(first, "one", STALE, L1);
	assert_found(second, "two", MISS, SOURCE);
	assert_int_equal(source_plan.loads, 2);
}

static void who_joins_a_refresh_that_fails_gets_the_former_value(void **state)
{
	struct caller first = caller_of(cache, "a"), second = caller_of(cache, "a");

	(void)state;
	(void)get("a");
	now_ms += 1000;
	source_plan.outcome = -EIO;
	source_plan.sleep_ms = 50;
	spawn(call_main, &first);
	while (source_plan.loads < 2)
		run_turn();
	redis_double_tell_changed(0, STR(PREFIX "a"));
	spawn(call_main, &second);

	run_until_idle();

	assert_found(second, "one", STALE, L1);
	assert_true(second.found.is_degraded);
	assert_int_equal(stats_of(cache).stale_error, 1);
	/* What is known to be outdated does not come back into L1. */
	assert_int_equal(stats_of(cache).l1.entries, 0);
}

static struct caller joiner;

static void join_during_get(void)
{
	redis_double.on_get = NULL;
	redis_double_tell_changed(0, STR(PREFIX "a"));
	joiner = caller_of(cache, "a");
	spawn(call_main, &joiner);
}

/* The refresh alone would give up, for another process holds the lease. */
static void who_joins_a_refresh_is_waited_for_the_holder_with(void **state)
{
	struct caller first = caller_of(cache, "a");

	(void)state;
	(void)get("a");
	now_ms += 1000;
	redis_double_hold_lease(LEASE "a");
	redis_double.on_get = join_during_get;
	redis_double.gets = 0;
	spawn(call_main, &first);
	while (redis_double.gets < 2)
		run_turn();
	store_newer("theirs");

	run_until_idle();

	assert_found(first, "one", STALE, L1);
	assert_found(joiner, "theirs", HIT, L2);
	assert_int_equal(source_plan.loads, 1);
	assert_int_equal(stats_of(cache).flights, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		plain_test(a_stale_key_is_refreshed_in_the_background),
		plain_test(many_stale_answers_begin_one_refresh),
		plain_test(refreshes_at_once_are_bounded),
		plain_test(a_flight_under_way_is_refresh_enough),
		plain_test(after_a_failure_there_is_a_pause),
		plain_test(the_pauses_are_spread),
		l2_test(a_fresh_key_is_refreshed_early),
		l2_test(a_peek_leaves_an_early_refresh_to_get),
		l2_test(what_a_peek_drew_get_begins),
		l2_test(far_from_its_end_nothing_is_refreshed_early),
		l2_test(an_early_refresh_that_fails_costs_nothing_and_pauses),
		l2_test(what_another_process_has_refreshed_is_not_loaded),
		l2_test(what_another_process_is_refreshing_is_left_to_it),
		l2_test(who_joins_a_refresh_is_answered),
		l2_test(who_joins_a_refresh_that_fails_gets_the_former_value),
		l2_test(who_joins_a_refresh_is_waited_for_the_holder_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
