/* The policy over L1 alone: what is fresh, stale, late and over, who shares a load, and what the counters say. */
#include "cache/test_aside_fixture.h"

static void a_cold_key_is_loaded_once_and_hit_afterwards(void **state)
{
	(void)state;
	assert_found(get("a"), "one", MISS, SOURCE);
	now_ms += 300;
	assert_found(get("a"), "one", HIT, L1);
	assert_int_equal(get("a").found.age_ms, 300);
	assert_int_equal(get("a").found.life.error_ms, 4000);
	assert_int_equal(source_plan.loads, 1);
	assert_int_equal(stats_of(cache).misses, 1);
	assert_int_equal(stats_of(cache).hits_l1, 3);
	assert_int_equal(answers(cache), 4);
}

static void a_peek_answers_what_is_fresh(void **state)
{
	(void)state;
	assert_int_equal(peek("a").r, 99);
	(void)get("a");
	assert_found(peek("a"), "one", HIT, L1);
	assert_int_equal(stats_of(cache).hits_l1, 1);
	now_ms += 1000;
	assert_int_equal(peek("a").r, 99);
	assert_int_equal(stats_of(cache).hits_l1, 1);
}

static void a_peek_allocates_nothing(void **state)
{
	(void)state;
	(void)get("a");
	fault_set("alloc:1+,fiber.alloc:1+");
	assert_found(peek("a"), "one", HIT, L1);
	fault_set(NULL);
}

static void a_peek_leaves_what_is_absent_to_get(void **state)
{
	(void)state;
	source_plan.is_absent = true;
	(void)get("a");
	assert_int_equal(peek("a").r, 99);
	assert_int_equal(answers(cache), 1);
}

static void five_hundred_cold_callers_make_one_load(void **state)
{
	static struct caller callers[500];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		callers[i] = caller_of(cache, "a");
		spawn(call_main, &callers[i]);
	}

	run_until_idle();

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		assert_found(callers[i], "one", MISS, SOURCE);
	assert_int_equal(source_plan.loads, 1);
	assert_int_equal(prepared, 1);
	assert_int_equal(stats_of(cache).misses, 500);
}

/* Every millisecond of the stale window is served, and none after it. The source is away all the time. */
static void stale_is_served_throughout_its_window_and_never_after(void **state)
{
	(void)state;
	source_plan.life = (struct aside_life){ 100, 200, 0 };
	(void)get("a");
	source_plan.outcome = -EIO;

	for (int age = 0; age < 400; age++, now_ms++) {
		struct caller c = get("a");

		assert_int_equal(c.r, age < 300 ? 0 : -EIO);
		if (age < 300)
			assert_int_equal(c.found.state, age < 100 ? ASIDE_HIT : ASIDE_STALE);
	}
	assert_int_equal(stats_of(cache).stale_l1, 200);
	assert_int_equal(stats_of(cache).hits_l1, 100);
	assert_int_equal(stats_of(cache).failed, 100);
	assert_int_equal(stats_of(cache).stale_error, 0);
}

static void stale_is_answered_without_a_wait(void **state)
{
	struct caller c = caller_of(cache, "a");

	(void)state;
	(void)get("a");
	now_ms += 1000;
	assert_int_equal(fiber_start("caller", call_main, &c, NULL), 0);
	assert_found(c, "one", STALE, L1);
	run_until_idle();
}

static void past_its_stale_time_it_is_loaded_anew(void **state)
{
	(void)state;
	(void)get("a");
	now_ms += 3000;
	source_plan.text = "two";
	assert_found(get("a"), "two", MISS, SOURCE);
	assert_found(get("a"), "two", HIT, L1);
}

static void past_its_stale_time_it_stands_in_for_a_source_that_fails(void **state)
{
	struct caller c;

	(void)state;
	(void)get("a");
	source_plan.outcome = -EIO;
	now_ms += 6999;
	c = get("a");
	assert_found(c, "one", STALE, L1);
	assert_true(c.found.is_degraded);
	assert_int_equal(stats_of(cache).stale_error, 1);
	assert_int_equal(stats_of(cache).stale_l1, 1);
	assert_int_equal(stats_of(cache).loads_failed, 1);
	now_ms += 1;
	assert_int_equal(get("a").r, -EIO);
	assert_int_equal(stats_of(cache).failed, 1);
	assert_int_equal(answers(cache), 3);
}

static void nothing_is_kept_longer_than_six_months_less_a_week(void **state)
{
	(void)state;
	source_plan.life = (struct aside_life){ INT64_MAX, INT64_MAX, INT64_MAX };
	(void)get("a");
	now_ms += ASIDE_AGE_MAX_MS - 1;
	assert_found(get("a"), "one", HIT, L1);
	now_ms += 1;
	assert_found(get("a"), "one", MISS, SOURCE);

	source_plan.life = (struct aside_life){ 10, 20, INT64_MAX };
	(void)get("b");
	source_plan.outcome = -EIO;
	now_ms += ASIDE_AGE_MAX_MS - 1;
	assert_found(get("b"), "one", STALE, L1);
	now_ms += 1;
	assert_int_equal(get("b").r, -EIO);
}

static void a_life_of_nothing_is_answered_and_not_kept(void **state)
{
	(void)state;
	(void)get("a");
	now_ms += 3000;
	source_plan.life = (struct aside_life){ 0, -5, 0 };
	assert_found(get("a"), "one", MISS, SOURCE);
	assert_found(get("a"), "one", MISS, SOURCE);
	assert_int_equal(stats_of(cache).l1.entries, 0);
}

static void what_is_absent_is_kept_as_that(void **state)
{
	(void)state;
	source_plan.is_absent = true;
	assert_found(get("a"), "", MISS, SOURCE);
	now_ms += 10;
	assert_found(get("a"), "", HIT, L1);
	assert_int_equal(get("a").found.age_ms, 10);
	now_ms += 1000;
	source_plan.is_absent = false;
	assert_found(get("a"), "", STALE, L1);
	assert_found(get("a"), "one", HIT, L1);
	assert_int_equal(stats_of(cache).hits_l1, 3);
	assert_int_equal(stats_of(cache).stale_l1, 1);
	assert_int_equal(stats_of(cache).failed, 0);
}

static void fresh_times_are_spread_and_never_longer(void **state)
{
	struct aside_options o = plain_options();
	int64_t least = INT64_MAX, most = 0;
	char key[16];

	(void)state;
	o.jitter = 0.2;
	cache_replace(&o);
	source_plan.life.fresh_ms = 1000000;
	for (int i = 0; i < 200; i++) {
		struct caller c;

		snprintf(key, sizeof(key), "%d", i);
		c = get(key);
		least = MIN(least, c.found.life.fresh_ms);
		most = MAX(most, c.found.life.fresh_ms);
		assert_int_equal(get(key).found.life.fresh_ms, c.found.life.fresh_ms);
	}
	assert_in_range(least, 800000, 850000);
	assert_in_range(most, 950000, 1000000);
}

static void a_deadline_ends_only_the_wait_of_its_caller(void **state)
{
	struct caller hasty = caller_of(cache, "a"), patient = caller_of(cache, "a");

	(void)state;
	source_plan.sleep_ms = 100;
	hasty.deadline_in_ms = 5;
	spawn(call_main, &hasty);
	spawn(call_main, &patient);

	run_until_idle();

	assert_int_equal(hasty.r, -ETIMEDOUT);
	assert_found(patient, "one", MISS, SOURCE);
	assert_int_equal(source_plan.loads, 1);
	assert_int_equal(stats_of(cache).failed, 1);
	assert_int_equal(answers(cache), 2);
}

static void at_its_deadline_a_caller_gets_the_former_value(void **state)
{
	struct caller hasty = caller_of(cache, "a");

	(void)state;
	(void)get("a");
	now_ms += 3000;
	source_plan.sleep_ms = 100;
	hasty.deadline_in_ms = 5;
	spawn(call_main, &hasty);

	run_until_idle();

	assert_found(hasty, "one", STALE, L1);
	assert_true(hasty.found.is_degraded);
	assert_int_equal(stats_of(cache).stale_error, 1);
	assert_int_equal(stats_of(cache).failed, 0);
}

static void cancelling_a_caller_ends_only_its_wait(void **state)
{
	struct caller leaves = caller_of(cache, "a"), stays = caller_of(cache, "a");
	struct fiber *f CLEANUP(fiber_unref) = NULL;

	(void)state;
	(void)get("a");
	now_ms += 3000;
	assert_int_equal(fiber_start("leaves", call_main, &leaves, &f), 0);
	assert_int_equal(fiber_start("stays", call_main, &stays, NULL), 0);
	fiber_cancel(f);

	run_until_idle();

	assert_int_equal(leaves.r, -ECANCELED);
	assert_found(stays, "one", MISS, SOURCE);
}

static void keys_in_flight_are_bounded(void **state)
{
	static struct caller callers[17];
	static char keys[17][4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		snprintf(keys[i], sizeof(keys[i]), "%zu", i);
		callers[i] = caller_of(cache, keys[i]);
		spawn(call_main, &callers[i]);
	}

	run_until_idle();

	for (size_t i = 0; i < 16; i++)
		assert_int_equal(callers[i].r, 0);
	assert_int_equal(callers[16].r, -EBUSY);
	assert_int_equal(stats_of(cache).failed, 1);
	assert_int_equal(stats_of(cache).flights, 0);
}

static void options_out_of_range_are_refused(void **state)
{
	struct aside_options o[] = { plain_options(), plain_options(), plain_options(), plain_options(),
		                     plain_options(), l2_options(),    l2_options(),    l2_options() };
	struct aside *none = NULL;

	(void)state;
	o[0].entries_max = 0;
	o[1].flights_max = 0;
	o[2].jitter = 0.6;
	o[3].beta = -1;
	o[4].load_ms = 0;
	o[5].prefix = "";
	o[6].prefix = "lease:";
	o[7].prefix = "le";
	for (size_t i = 0; i < ARRAY_SIZE(o); i++)
		assert_int_equal(aside_new(&loop, &o[i], &text_ops, &none), -EINVAL);
	assert_null(none);
}

struct many {
	long keys;
};

static void get_many(void *arg)
{
	const struct many *m = arg;
	char key[32];

	for (long i = 0; i < m->keys; i++) {
		struct aside_found found;

		snprintf(key, sizeof(key), "search/%ld", i);
		assert_int_equal(aside_get(cache, str_from(key), &test_source, "the question", &found), 0);
		text_unref(found.value);
		assert_in_range(stats_of(cache).l1.bytes, 0, 1 << 20);
	}
}

static void memory_is_flat_over_many_keys(void **state)
{
	struct many many = { test_rounds(20000, 1000000) };

	(void)state;
	spawn(get_many, &many);
	run_until_idle();
	assert_int_equal(source_plan.loads, many.keys);
	assert_int_equal(stats_of(cache).l1.entries, 1000);
	assert_int_equal(values_alive, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		plain_test(a_cold_key_is_loaded_once_and_hit_afterwards),
		plain_test(a_peek_answers_what_is_fresh),
		plain_test(a_peek_allocates_nothing),
		plain_test(a_peek_leaves_what_is_absent_to_get),
		plain_test(five_hundred_cold_callers_make_one_load),
		plain_test(stale_is_served_throughout_its_window_and_never_after),
		plain_test(stale_is_answered_without_a_wait),
		plain_test(past_its_stale_time_it_is_loaded_anew),
		plain_test(past_its_stale_time_it_stands_in_for_a_source_that_fails),
		plain_test(nothing_is_kept_longer_than_six_months_less_a_week),
		plain_test(a_life_of_nothing_is_answered_and_not_kept),
		plain_test(what_is_absent_is_kept_as_that),
		plain_test(fresh_times_are_spread_and_never_longer),
		plain_test(a_deadline_ends_only_the_wait_of_its_caller),
		plain_test(at_its_deadline_a_caller_gets_the_former_value),
		plain_test(cancelling_a_caller_ends_only_its_wait),
		plain_test(keys_in_flight_are_bounded),
		plain_test(options_out_of_range_are_refused),
		plain_test(memory_is_flat_over_many_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
