/* The limiter without Redis: what each kind of key allows and when, decisions over several keys, and its bounds. Time
 * is the test's. */
#include "cache/limiter.h"

#include "base/fault.h"

#include <errno.h>
#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define DAY (24 * 60 * INT64_C(60000))

static int64_t now_ms;

static int64_t clock_us(void *arg)
{
	(void)arg;
	return now_ms * 1000;
}

static struct limiter *limiter_made(size_t keys_max)
{
	struct limiter_options options = { .prefix = "t:", .keys_max = keys_max, .clock_us = clock_us };
	struct limiter *l = NULL;

	now_ms = 1800000000000;
	assert_int_equal(limiter_new(&options, &l), 0);
	return l;
}

static const struct limiter_policy five_a_minute = { "five", LIMITER_RATE, .quota = 5, .window_ms = MINUTE };
static const struct limiter_policy ten_a_second = { "ten", LIMITER_RATE, .quota = 10, .window_ms = SECOND, .burst = 1 };
static const struct limiter_policy guarded = {
	"guarded",        LIMITER_FAILURES,       .free = 3, .delay_ms = SECOND, .delay_max_ms = 8 * SECOND,
	.forget_ms = DAY, .success_clears = true,
};
static const struct limiter_policy decaying = {
	"decaying",         LIMITER_FAILURES,       .free = 2,
	.delay_ms = SECOND, .delay_max_ms = MINUTE, .decay_ms = 10 * SECOND,
	.forget_ms = DAY,   .consecutive_max = 20,
};

static struct limiter_key key_of(const struct limiter_policy *policy, const char *id)
{
	return (struct limiter_key){ .policy = policy, .id = str_from(id) };
}

static struct limiter_verdict take_all(struct limiter *l, const struct limiter_key *keys, size_t n)
{
	struct limiter_verdict v;

	assert_int_equal(limiter_take(l, keys, n, &v), 0);
	assert_true(v.is_allowed ? v.retry_after_ms == 0 && v.decided_by == LIMITER_NONE
	                         : v.retry_after_ms > 0 && v.decided_by < n);
	assert_false(v.is_shared);
	return v;
}

static struct limiter_verdict take(struct limiter *l, const struct limiter_policy *policy, const char *id)
{
	struct limiter_key key = key_of(policy, id);

	return take_all(l, &key, 1);
}

static void settle(struct limiter *l, const struct limiter_policy *policy, const char *id, enum limiter_outcome outcome)
{
	struct limiter_key key = key_of(policy, id);

	limiter_settle(l, &key, 1, outcome);
}

static void fail_times(struct limiter *l, const struct limiter_policy *policy, const char *id, int n)
{
	for (int i = 0; i < n; i++) {
		struct limiter_verdict v = take(l, policy, id);

		if (v.is_allowed)
			continue;
		assert_false(v.is_at_ceiling);
		now_ms += v.retry_after_ms;
		assert_true(take(l, policy, id).is_allowed);
	}
}

/* ---- rates ---- */

static void test_a_burst_passes_then_one_each_interval(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);
	struct limiter_verdict v;

	(void)state;
	for (int left = 4; left >= 0; left--) {
		v = take(l, &five_a_minute, "a");
		assert_true(v.is_allowed);
		assert_int_equal(v.rate_by, 0);
		assert_int_equal(v.rate_remaining, left);
		assert_int_equal(v.rate_reset_ms, (5 - left) * 12 * SECOND);
	}
	v = take(l, &five_a_minute, "a");
	assert_false(v.is_allowed);
	assert_int_equal(v.retry_after_ms, 12 * SECOND);
	assert_int_equal(v.rate_remaining, 0);
	now_ms += 12 * SECOND - 1;
	assert_false(take(l, &five_a_minute, "a").is_allowed);
	now_ms += 1;
	assert_true(take(l, &five_a_minute, "a").is_allowed);
	assert_true(take(l, &five_a_minute, "b").is_allowed);
}

static void test_the_quota_is_never_passed_in_the_long_run(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);
	int allowed = 0;

	(void)state;
	for (int i = 0; i < 100 * SECOND; i += 10, now_ms += 10)
		allowed += take(l, &ten_a_second, "a").is_allowed;
	assert_int_equal(allowed, 1000);
}

static void test_a_quota_that_divides_no_window_is_not_passed_either(void **state)
{
	static const struct limiter_policy policy = { "odd", LIMITER_RATE, .quota = 3000, .window_ms = SECOND };
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);
	int allowed = 0;

	(void)state;
	/* 20 seconds; the burst comes on top once. */
	for (int i = 0; i < 200; i++, now_ms += SECOND / 10)
		while (take(l, &policy, "a").is_allowed)
			allowed++;
	assert_in_range(allowed, 62000, 3000 + 199 * 300);
}

static void test_an_attempt_may_cost_more(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);
	struct limiter_key key = { &five_a_minute, STR("a"), .cost = 3 };

	(void)state;
	assert_int_equal(take_all(l, &key, 1).rate_remaining, 2);
	assert_int_equal(take_all(l, &key, 1).retry_after_ms, 12 * SECOND);
	key.cost = 2;
	assert_true(take_all(l, &key, 1).is_allowed);
}

/* ---- failures ---- */

static void test_the_first_failures_are_free_and_each_further_one_waits_twice_as_long(void **state)
{
	static const int waits_s[] = { 1, 2, 4, 8, 8, 8 };
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(take(l, &guarded, "a").is_allowed);
	for (size_t i = 0; i < ARRAY_SIZE(waits_s); i++) {
		assert_int_equal(take(l, &guarded, "a").retry_after_ms, waits_s[i] * SECOND);
		now_ms += waits_s[i] * SECOND - 1;
		assert_int_equal(take(l, &guarded, "a").retry_after_ms, 1);
		now_ms += 1;
		assert_true(take(l, &guarded, "a").is_allowed);
	}
	assert_int_equal(take(l, &guarded, "a").rate_by, LIMITER_NONE);
}

static void test_a_success_clears_the_key_or_takes_one_attempt_back(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);

	(void)state;
	fail_times(l, &guarded, "a", 4);
	settle(l, &guarded, "a", LIMITER_SUCCEEDED);
	for (int i = 0; i < 3; i++)
		assert_true(take(l, &guarded, "a").is_allowed);
	assert_false(take(l, &guarded, "a").is_allowed);

	for (int i = 0; i < 2; i++)
		assert_true(take(l, &decaying, "b").is_allowed);
	assert_false(take(l, &decaying, "b").is_allowed);
	settle(l, &decaying, "b", LIMITER_SUCCEEDED);
	assert_true(take(l, &decaying, "b").is_allowed);
	assert_false(take(l, &decaying, "b").is_allowed);
}

static void test_what_was_not_tried_is_taken_back_of_failures_but_not_of_a_rate(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);
	struct limiter_key keys[] = { key_of(&five_a_minute, "a"), key_of(&guarded, "a") };

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_true(take_all(l, keys, 2).is_allowed);
		limiter_settle(l, keys, 2, LIMITER_WITHDRAWN);
	}
	assert_int_equal(take_all(l, keys, 2).decided_by, 0);
	assert_true(take(l, &guarded, "a").is_allowed);
}

static void test_time_takes_failures_off(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_true(take(l, &decaying, "a").is_allowed);
	assert_false(take(l, &decaying, "a").is_allowed);
	now_ms += 20 * SECOND;
	for (int i = 0; i < 2; i++)
		assert_true(take(l, &decaying, "a").is_allowed);
	assert_false(take(l, &decaying, "a").is_allowed);
}

static void test_more_failures_than_the_longest_delay_needs_do_not_take_longer_to_decay(void **state)
{
	static const struct limiter_policy policy = {
		"long",
		LIMITER_FAILURES,
		.free = 1,
		.delay_ms = SECOND,
		.delay_max_ms = SECOND,
		.decay_ms = MINUTE,
		.forget_ms = DAY,
	};
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);

	(void)state;
	fail_times(l, &policy, "a", 200);
	now_ms += 29 * MINUTE;
	assert_true(take(l, &policy, "a").is_allowed);
	assert_false(take(l, &policy, "a").is_allowed);
	now_ms += 3 * MINUTE;
	assert_true(take(l, &policy, "a").is_allowed);
	assert_false(take(l, &policy, "a").is_allowed);
	now_ms += 2 * MINUTE;
	settle(l, &policy, "a", LIMITER_WITHDRAWN);
	assert_true(take(l, &policy, "a").is_allowed);
}

static void test_the_ceiling_of_failures_in_a_row_does_not_decay(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);
	struct limiter_verdict v;

	(void)state;
	for (int i = 0; i < 20; i++, now_ms += MINUTE)
		assert_true(take(l, &decaying, "a").is_allowed);
	v = take(l, &decaying, "a");
	assert_true(!v.is_allowed && v.is_at_ceiling);
	now_ms += 10 * 60 * MINUTE;
	assert_true(take(l, &decaying, "a").is_at_ceiling);
	settle(l, &decaying, "a", LIMITER_FORGOTTEN);
	assert_true(take(l, &decaying, "a").is_allowed);
}

static void test_a_key_at_its_ceiling_is_forgotten_in_the_end(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);

	(void)state;
	for (int i = 0; i < 20; i++, now_ms += MINUTE)
		assert_true(take(l, &decaying, "a").is_allowed);
	now_ms += take(l, &decaying, "a").retry_after_ms - 1;
	assert_false(take(l, &decaying, "a").is_allowed);
	now_ms += 1;
	assert_true(take(l, &decaying, "a").is_allowed);
}

/* ---- several keys ---- */

static void test_a_denied_decision_takes_nothing_from_any_key(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);
	struct limiter_key keys[] = { key_of(&five_a_minute, "address"), key_of(&guarded, "account") };

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(take_all(l, keys, 2).is_allowed);
	for (int i = 0; i < 10; i++) {
		struct limiter_verdict v = take_all(l, keys, 2);

		assert_int_equal(v.decided_by, 1);
		assert_int_equal(v.rate_remaining, 2);
	}
	assert_int_equal(take(l, &five_a_minute, "address").rate_remaining, 1);
}

static void test_the_longest_wait_decides_and_the_least_rate_is_told(void **state)
{
	static const struct limiter_policy hourly = { "hourly", LIMITER_RATE, .quota = 2, .window_ms = 60 * MINUTE };
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);
	struct limiter_key keys[] = { key_of(&guarded, "a"), key_of(&five_a_minute, "a"), key_of(&hourly, "a") };

	(void)state;
	assert_int_equal(take_all(l, keys, 3).rate_by, 2);
	assert_true(take_all(l, keys, 3).is_allowed);
	assert_true(take(l, &guarded, "a").is_allowed);
	assert_int_equal(take_all(l, keys, 3).decided_by, 2);
	assert_int_equal(take_all(l, keys, 2).decided_by, 0);
}

static void test_a_known_device_is_not_locked_out_by_an_attacker_elsewhere(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);

	(void)state;
	fail_times(l, &guarded, "account", 50);
	assert_false(take(l, &guarded, "account").is_allowed);
	assert_true(take(l, &guarded, "account device").is_allowed);
}

/* ---- bounds ---- */

static void test_keys_by_the_thousand_do_not_push_out_the_guilty(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(1000);
	struct limiter_stats stats;
	char id[16];

	(void)state;
	fail_times(l, &guarded, "guilty", 10);
	for (int i = 0; i < 20000; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_true(take(l, i % 2 ? &five_a_minute : &guarded, id).is_allowed);
	}
	assert_int_equal(take(l, &guarded, "guilty").retry_after_ms, 8 * SECOND);
	limiter_stats_get(l, &stats);
	assert_int_equal(stats.keys, 1000);
	assert_int_equal(stats.evicted, 20000 - 999);
	assert_int_equal(stats.alone, 0);
}

static void test_what_is_over_makes_room_first(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(2);
	struct limiter_stats stats;

	(void)state;
	fail_times(l, &guarded, "old", 5);
	now_ms += DAY;
	assert_true(take(l, &five_a_minute, "b").is_allowed);
	assert_true(take(l, &five_a_minute, "c").is_allowed);
	limiter_stats_get(l, &stats);
	assert_int_equal(stats.evicted, 0);
}

static void test_a_decision_with_more_keys_than_there_is_room_for_is_none(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(1);
	struct limiter_key keys[] = { key_of(&five_a_minute, "a"), key_of(&five_a_minute, "b") };
	struct limiter_verdict v;

	(void)state;
	assert_int_equal(limiter_take(l, keys, 2, &v), -ENOMEM);
}

static void test_without_memory_it_neither_allows_nor_counts(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);
	struct limiter_options options = { .prefix = "t:" };
	struct limiter_key keys[] = { key_of(&five_a_minute, "a"), key_of(&guarded, "a") };
	struct limiter_verdict v;
	struct limiter *none = NULL;

	(void)state;
	fault_set("alloc:1+");
	assert_int_equal(limiter_new(&options, &none), -ENOMEM);
	assert_int_equal(limiter_take(l, keys, 2, &v), -ENOMEM);
	fault_set("alloc:4+");
	assert_int_equal(limiter_take(l, keys, 2, &v), -ENOMEM);
	fault_set(NULL);
	assert_int_equal(take_all(l, keys, 2).rate_remaining, 4);
}

static void test_a_clock_set_back_does_not_lock_out(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_true(take(l, &five_a_minute, "a").is_allowed);
	fail_times(l, &guarded, "a", 5);
	fail_times(l, &decaying, "a", 3);
	now_ms -= 30 * DAY;
	assert_int_equal(take(l, &decaying, "a").retry_after_ms, 2 * SECOND);
	assert_int_equal(take(l, &five_a_minute, "a").retry_after_ms, 12 * SECOND);
	assert_int_equal(take(l, &guarded, "a").retry_after_ms, 4 * SECOND);
}

static void test_ids_may_hold_any_bytes_and_policies_keep_theirs_apart(void **state)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(0);
	static const struct limiter_policy once = { "once", LIMITER_RATE, .quota = 1, .window_ms = DAY };
	static const struct limiter_policy other = { "other", LIMITER_RATE, .quota = 1, .window_ms = DAY };
	static char longest[LIMITER_ID_MAX];
	struct limiter_key keys[] = { { &once, STR("a\0b") },
		                      { &once, STR("a\0c") },
		                      { &other, STR("a\0b") },
		                      { &once, { longest, sizeof(longest) } } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		assert_true(take_all(l, &keys[i], 1).is_allowed);
		assert_false(take_all(l, &keys[i], 1).is_allowed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_burst_passes_then_one_each_interval),
		cmocka_unit_test(test_the_quota_is_never_passed_in_the_long_run),
		cmocka_unit_test(test_a_quota_that_divides_no_window_is_not_passed_either),
		cmocka_unit_test(test_an_attempt_may_cost_more),
		cmocka_unit_test(test_the_first_failures_are_free_and_each_further_one_waits_twice_as_long),
		cmocka_unit_test(test_a_success_clears_the_key_or_takes_one_attempt_back),
		cmocka_unit_test(test_what_was_not_tried_is_taken_back_of_failures_but_not_of_a_rate),
		cmocka_unit_test(test_time_takes_failures_off),
		cmocka_unit_test(test_more_failures_than_the_longest_delay_needs_do_not_take_longer_to_decay),
		cmocka_unit_test(test_the_ceiling_of_failures_in_a_row_does_not_decay),
		cmocka_unit_test(test_a_key_at_its_ceiling_is_forgotten_in_the_end),
		cmocka_unit_test(test_a_denied_decision_takes_nothing_from_any_key),
		cmocka_unit_test(test_the_longest_wait_decides_and_the_least_rate_is_told),
		cmocka_unit_test(test_a_known_device_is_not_locked_out_by_an_attacker_elsewhere),
		cmocka_unit_test(test_keys_by_the_thousand_do_not_push_out_the_guilty),
		cmocka_unit_test(test_what_is_over_makes_room_first),
		cmocka_unit_test(test_a_decision_with_more_keys_than_there_is_room_for_is_none),
		cmocka_unit_test(test_without_memory_it_neither_allows_nor_counts),
		cmocka_unit_test(test_a_clock_set_back_does_not_lock_out),
		cmocka_unit_test(test_ids_may_hold_any_bytes_and_policies_keep_theirs_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
