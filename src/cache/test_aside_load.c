/* What a load may bring back, what happens when memory runs out, and the end of a cache with work under way. */
#include "cache/test_aside_fixture.h"

static void the_former_validator_is_asked_with(void **state)
{
	(void)state;
	source_plan.validator = STR("\"v1\"");
	(void)get("a");
	assert_string_equal(source_plan.asked_with, "-");
	now_ms += 3000;
	(void)get("a");
	assert_string_equal(source_plan.asked_with, "\"v1\"");
}

static void what_stands_unchanged_is_renewed(void **state)
{
	(void)state;
	source_plan.validator = STR("\"v1\"");
	(void)get("a");
	now_ms += 3000;
	source_plan.is_unchanged = true;
	source_plan.validator = STR_NULL;
	source_plan.life.fresh_ms = 500;
	assert_found(get("a"), "one", REVALIDATED, SOURCE);
	now_ms += 499;
	assert_found(get("a"), "one", HIT, L1);
	assert_int_equal(get("a").found.age_ms, 499);
	assert_int_equal(get("a").found.life.fresh_ms, 500);

	now_ms += 2001;
	(void)get("a");
	assert_string_equal(source_plan.asked_with, "\"v1\"");
	assert_int_equal(stats_of(cache).revalidated, 2);
	assert_int_equal(stats_of(cache).misses, 1);
	assert_int_equal(values_alive, 1);
}

static void a_renewal_may_bring_another_validator(void **state)
{
	(void)state;
	source_plan.validator = STR("\"v1\"");
	(void)get("a");
	now_ms += 3000;
	source_plan.is_unchanged = true;
	source_plan.validator = STR("\"v2\"");
	(void)get("a");
	now_ms += 3000;
	(void)get("a");
	assert_string_equal(source_plan.asked_with, "\"v2\"");
}

static void another_value_without_validator_drops_the_former_one(void **state)
{
	(void)state;
	source_plan.validator = STR("\"v1\"");
	(void)get("a");
	now_ms += 3000;
	source_plan.validator = STR_NULL;
	(void)get("a");
	now_ms += 3000;
	(void)get("a");
	assert_string_equal(source_plan.asked_with, "-");
}

static void what_is_absent_may_stand_unchanged_too(void **state)
{
	(void)state;
	source_plan.is_absent = true;
	(void)get("a");
	now_ms += 3000;
	source_plan.is_absent = false;
	source_plan.is_unchanged = true;
	assert_found(get("a"), "", REVALIDATED, SOURCE);
}

static void unchanged_without_a_former_value_is_a_failure(void **state)
{
	(void)state;
	source_plan.is_unchanged = true;
	assert_int_equal(get("a").r, -EPROTO);
	assert_int_equal(stats_of(cache).failed, 1);
	assert_int_equal(stats_of(cache).loads_failed, 1);
}

static int says_enoent(void *arg, struct str validator, struct aside_loaded *ret)
{
	(void)arg;
	(void)validator;
	(void)ret;
	return -ENOENT;
}

static int says_two_things(void *arg, struct str validator, struct aside_loaded *ret)
{
	(void)arg;
	(void)validator;
	ret->value = text_new(STR("a value"));
	ret->is_absent = true;
	return 0;
}

static int says_nothing(void *arg, struct str validator, struct aside_loaded *ret)
{
	(void)arg;
	(void)validator;
	(void)ret;
	return 0;
}

static void get_of_bad_sources(void *arg)
{
	int (*loads[])(void *, struct str, struct aside_loaded *) = { says_enoent, says_two_things, says_nothing };
	struct aside_found found;

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		const struct aside_source bad = { source_prepare, loads[i], source_release };

		assert_int_equal(aside_get(cache, STR("a"), &bad, "the question", &found), -EPROTO);
	}
}

static void a_source_that_contradicts_itself_has_failed(void **state)
{
	(void)state;
	spawn(get_of_bad_sources, NULL);
	run_until_idle();
	assert_int_equal(stats_of(cache).loads_failed, 3);
	assert_int_equal(stats_of(cache).failed, 3);
}

static void the_error_of_a_load_is_that_of_all_its_callers(void **state)
{
	struct caller callers[3];

	(void)state;
	source_plan.outcome = -EHOSTUNREACH;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		callers[i] = caller_of(cache, "a");
		spawn(call_main, &callers[i]);
	}

	run_until_idle();

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		assert_int_equal(callers[i].r, -EHOSTUNREACH);
	assert_int_equal(stats_of(cache).failed, 3);
	assert_int_equal(stats_of(cache).loads, 1);
}

static void a_load_has_its_own_deadline(void **state)
{
	struct aside_options o = plain_options();

	(void)state;
	o.load_ms = 5;
	cache_replace(&o);
	source_plan.sleep_ms = 60000;
	assert_int_equal(get("a").r, -ETIMEDOUT);
	assert_int_equal(source_plan.ended, -ETIMEDOUT);
}

static void a_failed_load_leaves_the_former_value_for_all_callers(void **state)
{
	struct caller callers[3];

	(void)state;
	(void)get("a");
	now_ms += 3000;
	source_plan.outcome = -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		callers[i] = caller_of(cache, "a");
		spawn(call_main, &callers[i]);
	}

	run_until_idle();

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		assert_found(callers[i], "one", STALE, L1);
		assert_true(callers[i].found.is_degraded);
	}
	assert_int_equal(stats_of(cache).stale_error, 3);
	assert_int_equal(stats_of(cache).loads, 2);
}

/* fixture_down() sees that nothing is left. */
static void freeing_ends_the_loads_nobody_waits_for(void **state)
{
	struct caller c = caller_of(cache, "a");
	struct fiber *f CLEANUP(fiber_unref) = NULL;
	int64_t start_ms = clock_mono_ms();

	(void)state;
	source_plan.sleep_ms = 50000;
	assert_int_equal(fiber_start("caller", call_main, &c, &f), 0);
	for (int i = 0; i < 5; i++)
		run_turn();
	assert_int_equal(source_plan.loads, 1);
	fiber_cancel(f);
	run_turn();
	assert_int_equal(c.r, -ECANCELED);
	assert_int_equal(stats_of(cache).flights, 1);

	cache_free(&cache);

	assert_int_equal(source_plan.ended, -ECANCELED);
	assert_in_range(clock_mono_ms() - start_ms, 0, 40000);
}

static void freeing_ends_refreshes(void **state)
{
	struct caller c = caller_of(cache, "a");

	(void)state;
	(void)get("a");
	now_ms += 1000;
	source_plan.sleep_ms = 50000;
	assert_int_equal(fiber_start("caller", call_main, &c, NULL), 0);
	for (int i = 0; i < 5; i++)
		run_turn();
	assert_int_equal(stats_of(cache).background, 1);
	assert_int_equal(source_plan.loads, 2);

	cache_free(&cache);

	assert_int_equal(source_plan.ended, -ECANCELED);
}

static void freeing_ends_a_refresh_that_has_not_begun(void **state)
{
	struct caller c = caller_of(cache, "a");

	(void)state;
	(void)get("a");
	now_ms += 1000;
	assert_int_equal(fiber_start("caller", call_main, &c, NULL), 0);
	assert_int_equal(stats_of(cache).background, 1);

	cache_free(&cache);

	assert_int_equal(source_plan.loads, 1);
}

/* A load, hits of both levels, a refresh and an end, with the Nth allocation failing: an answer or an error, and as
 * fixture_down() sees, nothing left. */
static void live_with(const char *point, int nth)
{
	char plan[32];

	snprintf(plan, sizeof(plan), "%s:%d", point, nth);
	fault_set(plan);
	source_plan.text = "one";
	for (int i = 0; i < 4; i++) {
		struct caller c = caller_of(cache, "a");

		if (fiber_spawn("test", call_main, &c, NULL) < 0)
			continue;
		run_until_idle();
		assert_true(c.r == 0 || c.r == -ENOMEM || c.r == -EAGAIN);
		assert_string_equal(c.text, c.r == 0 ? "one" : "");
		now_ms += i == 1 ? 1000 : 0;
		if (i == 2)
			redis_double_tell_changed(0, STR_NULL);
	}
	fault_set(NULL);
}

static void any_allocation_may_fail(void **state)
{
	(void)state;
	for (int nth = 1; nth < 100; nth++) {
		struct aside_options o = l2_options();

		redis_double_remove(PREFIX "a");
		cache_replace(&o);
		live_with("alloc", nth);
		redis_double_remove(PREFIX "a");
		cache_replace(&o);
		live_with("fiber.alloc", nth);
		assert_int_equal(answers(cache) > 0, 1);
	}
	assert_found(get("b"), "one", MISS, SOURCE);
}

static void any_allocation_of_a_new_cache_may_fail(void **state)
{
	struct aside_options o = plain_options();
	int failures = 0;

	(void)state;
	for (int nth = 1; nth < 20; nth++) {
		struct aside *c = NULL;
		char plan[32];
		int r;

		snprintf(plan, sizeof(plan), "alloc:%d", nth);
		fault_set(plan);
		r = aside_new(&loop, &o, &text_ops, &c);
		fault_set(NULL);
		assert_true(r == 0 || r == -ENOMEM);
		failures += r < 0;
		cache_free(&c);
	}
	assert_in_range(failures, 4, 18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		plain_test(the_former_validator_is_asked_with),
		plain_test(what_stands_unchanged_is_renewed),
		plain_test(a_renewal_may_bring_another_validator),
		plain_test(another_value_without_validator_drops_the_former_one),
		plain_test(what_is_absent_may_stand_unchanged_too),
		plain_test(unchanged_without_a_former_value_is_a_failure),
		plain_test(a_source_that_contradicts_itself_has_failed),
		plain_test(the_error_of_a_load_is_that_of_all_its_callers),
		plain_test(a_load_has_its_own_deadline),
		plain_test(a_failed_load_leaves_the_former_value_for_all_callers),
		plain_test(freeing_ends_the_loads_nobody_waits_for),
		plain_test(freeing_ends_refreshes),
		plain_test(freeing_ends_a_refresh_that_has_not_begun),
		l2_test(any_allocation_may_fail),
		l2_test(any_allocation_of_a_new_cache_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
