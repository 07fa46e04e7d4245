/* The lease that keeps loads to about one over all processes: taken, ended, waited for, lost, expired. */
#include "cache/test_aside_fixture.h"

static void lease_options(int64_t lease_ms)
{
	struct aside_options o = l2_options();

	o.lease_ms = lease_ms;
	cache_replace(&o);
}

static void a_load_takes_the_lease_and_ends_it(void **state)
{
	(void)state;
	assert_found(get("a"), "one", MISS, SOURCE);
	assert_int_equal(redis_double.leases, 1);
	assert_int_equal(redis_double.leases_ended, 1);
	/* Outside what is watched. */
	assert_string_equal(redis_double.last_lease, LEASE "a");
}

static void a_failed_load_ends_it_at_once(void **state)
{
	(void)state;
	source_plan.outcome = -EIO;
	assert_int_equal(get("a").r, -EIO);
	assert_int_equal(redis_double.leases_ended, 1);
	source_plan.outcome = 0;
	assert_found(get("a"), "one", MISS, SOURCE);
	assert_int_equal(stats_of(cache).lease_waits, 0);
}

static void no_lease_is_taken_without_leases(void **state)
{
	(void)state;
	lease_options(0);
	assert_found(get("a"), "one", MISS, SOURCE);
	assert_int_equal(redis_double.leases, 0);
}

static void a_redis_that_takes_no_writes_is_no_reason_to_wait(void **state)
{
	(void)state;
	redis_double.takes_no_writes = true;
	assert_found(get("a"), "one", MISS, SOURCE);
	assert_int_equal(redis_double.leases, 1);
	assert_int_equal(stats_of(cache).lease_waits, 0);
}

/* Waits until the flight has polled the holder once. */
static void start_and_wait_for_a_poll(struct caller *c)
{
	spawn(call_main, c);
	while (redis_double.gets < 2)
		run_turn();
	assert_int_equal(c->r, 99);
	assert_int_equal(stats_of(cache).lease_waits, 1);
	assert_int_equal(source_plan.loads, 0);
}

static void the_value_of_the_holder_is_waited_for(void **state)
{
	const struct aside_life life = { 1000, 0, 0 };
	struct aside_entry *e = aside_entry_new(&text_ops, text_new(STR("theirs")), &life, STR_NULL, 1);
	struct caller c = caller_of(cache, "a");
	struct buf b CLEANUP(buf_done) = { 0 };

	(void)state;
	redis_double_hold_lease(LEASE "a");
	start_and_wait_for_a_poll(&c);
	buf_init(&b, 10000);
	aside_entry_encode(e, STR("a"), &b);
	aside_entry_unref(&e);
	redis_double_store(PREFIX "a", buf_str(&b));
	redis_double_tell_changed(0, STR(PREFIX "a"));

	run_until_idle();

	assert_found(c, "theirs", HIT, L2);
	assert_found(get("a"), "theirs", HIT, L1);
	assert_int_equal(source_plan.loads, 0);
	assert_int_equal(stats_of(cache).hits_l2, 1);
}

static void when_the_holder_has_failed_it_is_loaded_here(void **state)
{
	struct caller c = caller_of(cache, "a");

	(void)state;
	redis_double_hold_lease(LEASE "a");
	start_and_wait_for_a_poll(&c);
	redis_double_end_lease(LEASE "a");

	run_until_idle();

	assert_found(c, "one", MISS, SOURCE);
	assert_int_equal(redis_double.leases_ended, 1);
	assert_int_equal(stats_of(cache).lease_waits, 1);
}

static void when_redis_goes_away_it_is_loaded_here(void **state)
{
	struct caller c = caller_of(cache, "a");

	(void)state;
	redis_double_hold_lease(LEASE "a");
	start_and_wait_for_a_poll(&c);
	redis_double.is_down = true;

	run_until_idle();

	assert_found(c, "one", MISS, SOURCE);
}

static void when_the_lease_is_over_it_is_loaded_here(void **state)
{
	int64_t start_ms;

	(void)state;
	lease_options(60);
	redis_double_hold_lease(LEASE "a");
	start_ms = clock_mono_ms();
	assert_found(get("a"), "one", MISS, SOURCE);
	assert_true(clock_mono_ms() - start_ms >= 60);
	assert_int_equal(redis_double.leases_ended, 0);
}

static void a_flight_whose_deadline_comes_first_has_what_was_kept(void **state)
{
	struct aside_options o = l2_options();

	(void)state;
	o.load_ms = 40;
	cache_replace(&o);
	(void)get("a");
	now_ms += 3000;
	redis_double_hold_lease(LEASE "a");
	assert_found(get("a"), "one", STALE, L2);
	assert_int_equal(source_plan.loads, 1);
	assert_int_equal(get("b").r, 0);
	redis_double_hold_lease(LEASE "c");
	assert_int_equal(get("c").r, -ETIMEDOUT);
	assert_int_equal(stats_of(cache).failed, 1);
}

/* What was read of L2 at the beginning is what there is to serve, but not to keep. */
static void what_changed_during_the_wait_is_not_kept(void **state)
{
	(void)state;
	for (int lost = 0; lost < 2; lost++) {
		struct caller c = caller_of(cache, "a");

		source_plan.outcome = 0;
		(void)get("a");
		redis_double_tell_changed(0, STR_NULL);
		now_ms += 3000;
		redis_double_hold_lease(LEASE "a");
		source_plan.outcome = -EIO;
		redis_double.gets = 0;
		spawn(call_main, &c);
		while (redis_double.gets < 2)
			run_turn();
		redis_double_remove(PREFIX "a");
		if (lost)
			telling_was_lost();
		else
			redis_double_tell_changed(0, STR(PREFIX "a"));
		redis_double_end_lease(LEASE "a");

		run_until_idle();

		assert_found(c, "one", STALE, L2);
		assert_int_equal(stats_of(cache).l1.entries, 0);
	}
}

/* The holder wrote and left between the two questions. */
static void fill_and_leave(void)
{
	const struct aside_life life = { 1000, 0, 0 };
	struct buf b CLEANUP(buf_done) = { 0 };
	struct aside_entry *e;

	if (redis_double.gets < 2)
		return;
	redis_double.on_get = NULL;
	e = aside_entry_new(&text_ops, text_new(STR("theirs")), &life, STR_NULL, 1);
	buf_init(&b, 10000);
	aside_entry_encode(e, STR("a"), &b);
	aside_entry_unref(&e);
	redis_double_store(PREFIX "a", buf_str(&b));
	redis_double_end_lease(LEASE "a");
}

static void a_lease_taken_just_after_its_holder_succeeded_loads_nothing(void **state)
{
	(void)state;
	redis_double_hold_lease(LEASE "a");
	redis_double.on_get = fill_and_leave;
	assert_found(get("a"), "theirs", HIT, L2);
	assert_int_equal(source_plan.loads, 0);
	assert_int_equal(redis_double.leases_ended, 1);
}

static void two_processes_make_one_load(void **state)
{
	static struct caller callers[500];
	struct aside_options o = l2_options();
	struct aside *other = NULL;

	(void)state;
	redis_double.tells = true;
	source_plan.sleep_ms = 60;
	assert_int_equal(aside_new(&loop, &o, &text_ops, &other), 0);
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		callers[i] = caller_of(i % 2 ? cache : other, "a");
		spawn(call_main, &callers[i]);
	}

	run_until_idle();

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		assert_int_equal(callers[i].r, 0);
		assert_string_equal(callers[i].text, "one");
	}
	assert_int_equal(source_plan.loads, 1);
	assert_int_equal(stats_of(cache).lease_waits + stats_of(other).lease_waits, 1);
	assert_int_equal(stats_of(cache).misses + stats_of(other).misses, 250);
	assert_int_equal(stats_of(cache).hits_l2 + stats_of(other).hits_l2, 250);
	cache_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		l2_test(a_load_takes_the_lease_and_ends_it),
		l2_test(a_failed_load_ends_it_at_once),
		l2_test(no_lease_is_taken_without_leases),
		l2_test(a_redis_that_takes_no_writes_is_no_reason_to_wait),
		l2_test(the_value_of_the_holder_is_waited_for),
		l2_test(when_the_holder_has_failed_it_is_loaded_here),
		l2_test(when_redis_goes_away_it_is_loaded_here),
		l2_test(when_the_lease_is_over_it_is_loaded_here),
		l2_test(a_flight_whose_deadline_comes_first_has_what_was_kept),
		l2_test(what_changed_during_the_wait_is_not_kept),
		l2_test(a_lease_taken_just_after_its_holder_succeeded_loads_nothing),
		l2_test(two_processes_make_one_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
