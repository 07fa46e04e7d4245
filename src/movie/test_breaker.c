/* The breaker by its numbers. Time is told, never slept. */
#include "movie/breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>

static const struct breaker_options defaults = {
	.window_ms = 10000,
	.calls_min = 20,
	.failure_percent = 50,
	.slow_percent = 80,
	.slow_ms = 2000,
	.open_ms = 5000,
	.open_max_ms = 60000,
	.probes_max = 3,
};

/* Far from zero, as a real clock is. */
#define T0 INT64_C(1000000)

static struct breaker *breaker_of(const struct breaker_options *options)
{
	struct breaker *b;

	assert_int_equal(breaker_new(options, &b), 0);
	return b;
}

static enum breaker_state state_of(struct breaker *b, int64_t now_ms)
{
	struct breaker_stats stats;

	breaker_stats_get(b, now_ms, &stats);
	return stats.state;
}

static uint64_t trips_of(struct breaker *b, enum breaker_cause cause)
{
	struct breaker_stats stats;

	breaker_stats_get(b, T0, &stats);
	return stats.trips[cause];
}

static bool may_enter(struct breaker *b, int64_t now_ms, struct breaker_permit *ret)
{
	int64_t retry_ms = 0;

	if (breaker_enter(b, now_ms, ret, &retry_ms) == 0)
		return true;
	assert_true(retry_ms >= 1);
	return false;
}

static void call(struct breaker *b, int64_t start_ms, int64_t duration_ms, enum breaker_outcome outcome)
{
	struct breaker_permit p;

	assert_true(may_enter(b, start_ms, &p));
	breaker_leave(b, start_ms + duration_ms, &p, outcome);
}

static void calls(struct breaker *b, int n, int64_t at_ms, enum breaker_outcome outcome)
{
	for (int i = 0; i < n; i++)
		call(b, at_ms, 1, outcome);
}

/* Opens it at that moment. */
static struct breaker *opened(const struct breaker_options *options, int64_t at_ms)
{
	struct breaker *b = breaker_of(options);

	calls(b, (int)options->calls_min, at_ms, BREAKER_FAILURE);
	assert_int_equal(state_of(b, at_ms), BREAKER_OPEN);
	return b;
}

/* When it lets a call through again, to the millisecond. */
static int64_t open_left(const struct breaker *b, int64_t now_ms)
{
	int64_t left_ms = 0;

	return breaker_is_open(b, now_ms, &left_ms) ? left_ms : 0;
}

/* ---- opening ---- */

static void test_19_failures_do_not_open_and_20_do(void **state)
{
	struct breaker *b CLEANUP(breaker_free) = breaker_of(&defaults);
	struct breaker_permit p;

	(void)state;
	calls(b, 19, T0, BREAKER_FAILURE);
	assert_int_equal(state_of(b, T0), BREAKER_CLOSED);
	calls(b, 1, T0, BREAKER_FAILURE);
	assert_int_equal(state_of(b, T0), BREAKER_OPEN);
	assert_int_equal(trips_of(b, BREAKER_FAILURES), 1);
	assert_false(may_enter(b, T0 + 5000, &p));
	assert_true(may_enter(b, T0 + 5001, &p));
}

static void test_half_the_calls_open_and_less_do_not(void **state)
{
	struct breaker *less CLEANUP(breaker_free) = breaker_of(&defaults);
	struct breaker *half CLEANUP(breaker_free) = breaker_of(&defaults);

	(void)state;
	calls(less, 51, T0, BREAKER_SUCCESS);
	calls(less, 49, T0, BREAKER_FAILURE);
	assert_int_equal(state_of(less, T0), BREAKER_CLOSED);
	calls(half, 50, T0, BREAKER_SUCCESS);
	calls(half, 49, T0, BREAKER_FAILURE);
	assert_int_equal(state_of(half, T0), BREAKER_CLOSED);
	calls(half, 1, T0, BREAKER_FAILURE);
	assert_int_equal(state_of(half, T0), BREAKER_OPEN);
}

static void test_slow_calls_open_at_80_percent(void **state)
{
	struct breaker *b CLEANUP(breaker_free) = breaker_of(&defaults);

	(void)state;
	for (int i = 0; i < 5; i++)
		call(b, T0, 2000, BREAKER_SUCCESS);
	for (int i = 0; i < 19; i++)
		call(b, T0, 2001, BREAKER_SUCCESS);
	assert_int_equal(state_of(b, T0 + 2001), BREAKER_CLOSED);
	call(b, T0, 2001, BREAKER_SUCCESS);
	assert_int_equal(state_of(b, T0 + 2001), BREAKER_OPEN);
	assert_int_equal(trips_of(b, BREAKER_SLOW), 1);
}

static void test_old_results_fall_out(void **state)
{
	struct breaker *b CLEANUP(breaker_free) = breaker_of(&defaults);
	struct breaker_stats stats;

	(void)state;
	calls(b, 19, T0, BREAKER_FAILURE);
	breaker_stats_get(b, T0 + 9800, &stats);
	assert_int_equal(stats.calls, 19);
	assert_int_equal(stats.failures, 19);
	breaker_stats_get(b, T0 + 10001, &stats);
	assert_int_equal(stats.calls, 0);
	calls(b, 19, T0 + 10001, BREAKER_FAILURE);
	assert_int_equal(state_of(b, T0 + 10001), BREAKER_CLOSED);
	calls(b, 1, T0 + 19800, BREAKER_FAILURE);
	assert_int_equal(state_of(b, T0 + 19800), BREAKER_OPEN);
}

static void test_successes_trip_nothing(void **state)
{
	struct breaker *b CLEANUP(breaker_free) = breaker_of(&defaults);

	(void)state;
	calls(b, 1000, T0, BREAKER_SUCCESS);
	assert_int_equal(state_of(b, T0), BREAKER_CLOSED);
}

static void test_abandoned_calls_count_as_nothing(void **state)
{
	struct breaker *b CLEANUP(breaker_free) = breaker_of(&defaults);
	struct breaker_stats stats;

	(void)state;
	for (int i = 0; i < 100; i++)
		call(b, T0, 5000, BREAKER_ABANDONED);
	breaker_stats_get(b, T0 + 5000, &stats);
	assert_int_equal(stats.calls, 0);
	assert_int_equal(stats.state, BREAKER_CLOSED);
}

/* ---- half-open ---- */

static void test_200_callers_at_half_open_make_3_calls(void **state)
{
	struct breaker *b CLEANUP(breaker_free) = opened(&defaults, T0);
	struct breaker_permit p[200];
	struct breaker_stats stats;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 200; i++)
		n += may_enter(b, T0 + 6000, &p[n]);
	assert_int_equal(n, 3);
	breaker_stats_get(b, T0 + 6000, &stats);
	assert_int_equal(stats.state, BREAKER_HALF_OPEN);
	assert_int_equal(stats.rejected, 197);
	for (size_t i = 0; i < n; i++) {
		assert_true(p[i].is_probe);
		assert_int_equal(state_of(b, T0 + 6000), BREAKER_HALF_OPEN);
		breaker_leave(b, T0 + 6100, &p[i], BREAKER_SUCCESS);
	}
	assert_int_equal(state_of(b, T0 + 6100), BREAKER_CLOSED);
}

static void test_no_more_than_three_in_a_row_either(void **state)
{
	struct breaker *b CLEANUP(breaker_free) = opened(&defaults, T0);
	struct breaker_permit first, p;

	(void)state;
	assert_true(may_enter(b, T0 + 6000, &first));
	calls(b, 2, T0 + 6000, BREAKER_SUCCESS);
	assert_false(may_enter(b, T0 + 6001, &p));
	breaker_leave(b, T0 + 6002, &first, BREAKER_SUCCESS);
	assert_true(may_enter(b, T0 + 6002, &p));
	assert_false(p.is_probe);
}

static void test_slow_probe_opens_it_again(void **state)
{
	struct breaker *b CLEANUP(breaker_free) = opened(&defaults, T0);

	(void)state;
	call(b, T0 + 6000, 2001, BREAKER_SUCCESS);
	assert_int_equal(state_of(b, T0 + 8001), BREAKER_OPEN);
	assert_int_equal(trips_of(b, BREAKER_PROBE), 1);
}

static void test_abandoned_probe_gives_its_place_back(void **state)
{
	struct breaker *b CLEANUP(breaker_free) = opened(&defaults, T0);
	struct breaker_permit p[4];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_true(may_enter(b, T0 + 6000 + (int64_t)i, &p[i]));
	assert_false(may_enter(b, T0 + 6010, &p[3]));
	breaker_leave(b, T0 + 6010, &p[1], BREAKER_ABANDONED);
	assert_true(may_enter(b, T0 + 6010, &p[3]));
	assert_false(may_enter(b, T0 + 6010, &p[1]));
}

static void test_lost_probes_do_not_lock_it_for_ever(void **state)
{
	struct breaker *b CLEANUP(breaker_free) = opened(&defaults, T0);
	struct breaker_permit lost[3], p;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_true(may_enter(b, T0 + 6000, &lost[i]));
	assert_false(may_enter(b, T0 + 6000 + 60000, &p));
	calls(b, 3, T0 + 6000 + 60001, BREAKER_SUCCESS);
	assert_int_equal(state_of(b, T0 + 66002), BREAKER_CLOSED);
	/* One that turns up after all changes nothing. */
	breaker_leave(b, T0 + 66003, &lost[0], BREAKER_FAILURE);
	assert_int_equal(state_of(b, T0 + 66003), BREAKER_CLOSED);
}

static void test_late_lost_probe_does_not_take_anothers_place(void **state)
{
	struct breaker *b CLEANUP(breaker_free) = opened(&defaults, T0);
	struct breaker_permit lost, p;

	(void)state;
	assert_true(may_enter(b, T0 + 6000, &lost));
	assert_true(may_enter(b, T0 + 70000, &p));
	breaker_leave(b, T0 + 70001, &lost, BREAKER_FAILURE);
	assert_int_equal(state_of(b, T0 + 70001), BREAKER_HALF_OPEN);
}

static void test_results_from_before_a_change_do_not_count(void **state)
{
	struct breaker *b CLEANUP(breaker_free) = breaker_of(&defaults);
	struct breaker_permit early[30];
	struct breaker_stats stats;

	(void)state;
	for (size_t i = 0; i < 30; i++)
		assert_true(may_enter(b, T0, &early[i]));
	calls(b, 20, T0, BREAKER_FAILURE);
	/* Half-open: neither do their failures open it, nor their successes close it. */
	call(b, T0 + 6000, 1, BREAKER_SUCCESS);
	for (size_t i = 0; i < 10; i++)
		breaker_leave(b, T0 + 6001, &early[i], i % 2 ? BREAKER_FAILURE : BREAKER_SUCCESS);
	assert_int_equal(state_of(b, T0 + 6001), BREAKER_HALF_OPEN);
	/* Closed again. */
	calls(b, 2, T0 + 6002, BREAKER_SUCCESS);
	for (size_t i = 10; i < 30; i++)
		breaker_leave(b, T0 + 6004, &early[i], BREAKER_FAILURE);
	breaker_stats_get(b, T0 + 6004, &stats);
	assert_int_equal(stats.state, BREAKER_CLOSED);
	assert_int_equal(stats.calls, 0);
}

/* ---- how long it stays open ---- */

/* Lets it fail one probe as soon as it may; how long it is open then. */
static int64_t open_after_probe(struct breaker *b, int64_t *now_ms)
{
	*now_ms += open_left(b, *now_ms);
	call(b, *now_ms, 0, BREAKER_FAILURE);
	return open_left(b, *now_ms);
}

static void test_open_time_grows_to_60_s_and_starts_anew(void **state)
{
	static const int64_t base_ms[] = { 10000, 20000, 40000, 60000, 60000, 60000 };
	struct breaker *b CLEANUP(breaker_free) = opened(&defaults, T0);
	int64_t now_ms = T0 + 1;

	(void)state;
	assert_int_equal(open_left(b, now_ms), 5000);
	for (size_t i = 0; i < ARRAY_SIZE(base_ms); i++)
		assert_in_range(open_after_probe(b, &now_ms), base_ms[i] * 8 / 10, MIN(base_ms[i] * 12 / 10, 60000));
	now_ms += open_left(b, now_ms);
	calls(b, 3, now_ms, BREAKER_SUCCESS);
	calls(b, 20, now_ms + 1, BREAKER_FAILURE);
	assert_int_equal(open_left(b, now_ms + 2), 5000);
}

static void test_open_time_has_jitter(void **state)
{
	int64_t least_ms = INT64_MAX, most_ms = 0;

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct breaker *b CLEANUP(breaker_free) = opened(&defaults, T0);
		int64_t now_ms = T0, open_ms = open_after_probe(b, &now_ms);

		least_ms = MIN(least_ms, open_ms);
		most_ms = MAX(most_ms, open_ms);
	}
	assert_in_range(least_ms, 8000, 8400);
	assert_in_range(most_ms, 11600, 12000);
}

/* ---- credentials ---- */

static void test_refused_credentials_open_it_at_once(void **state)
{
	struct breaker *b CLEANUP(breaker_free) = breaker_of(&defaults);
	struct breaker_permit p[2];
	struct breaker_stats stats;

	(void)state;
	assert_true(may_enter(b, T0, &p[0]) && may_enter(b, T0, &p[1]));
	for (size_t i = 0; i < 2; i++) {
		breaker_trip(b, T0 + 10, BREAKER_CREDENTIALS);
		breaker_leave(b, T0 + 10, &p[i], BREAKER_SUCCESS);
	}
	breaker_stats_get(b, T0 + 10, &stats);
	assert_int_equal(stats.state, BREAKER_OPEN);
	assert_int_equal(stats.cause, BREAKER_CREDENTIALS);
	assert_int_equal(stats.trips[BREAKER_CREDENTIALS], 1);
	assert_int_equal(open_left(b, T0 + 10), 5000);
}

static void test_credentials_are_told_of_an_open_one_too(void **state)
{
	struct breaker *b CLEANUP(breaker_free) = opened(&defaults, T0);
	struct breaker_stats stats;

	(void)state;
	breaker_trip(b, T0 + 10, BREAKER_CREDENTIALS);
	breaker_stats_get(b, T0 + 10, &stats);
	assert_int_equal(stats.cause, BREAKER_CREDENTIALS);
	assert_in_range(open_left(b, T0 + 10), 5000, 6000);
}

/* ---- transitions are told ---- */

struct told {
	char text[512];
	size_t len;
};

static void told_changed(enum breaker_state from, enum breaker_state to, enum breaker_cause cause, int64_t open_ms,
                         void *arg)
{
	struct told *t = arg;

	t->len +=
	        (size_t)snprintf(t->text + t->len, sizeof(t->text) - t->len, "%s>%s %s %lld|", breaker_state_name(from),
	                         breaker_state_name(to), breaker_cause_name(cause), (long long)open_ms);
}

static void test_every_transition_is_told_once(void **state)
{
	struct breaker_options options = defaults;
	struct told told = { .len = 0 };
	struct breaker *b CLEANUP(breaker_free) = NULL;

	(void)state;
	options.changed = told_changed;
	options.arg = &told;
	b = opened(&options, T0);
	calls(b, 3, T0 + 6000, BREAKER_SUCCESS);
	assert_string_equal(told.text, "closed>open failures 5000|open>half-open failures 0|half-open>closed none 0|");
}

static void test_bad_options_are_refused(void **state)
{
	struct breaker_options o = defaults;
	struct breaker *b = NULL;

	(void)state;
	o.open_max_ms = o.open_ms - 1;
	assert_int_equal(breaker_new(&o, &b), -EINVAL);
	o = defaults;
	o.probes_max = 0;
	assert_int_equal(breaker_new(&o, &b), -EINVAL);
	o = defaults;
	o.failure_percent = 101;
	assert_int_equal(breaker_new(&o, &b), -EINVAL);
	assert_null(b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_19_failures_do_not_open_and_20_do),
		cmocka_unit_test(test_half_the_calls_open_and_less_do_not),
		cmocka_unit_test(test_slow_calls_open_at_80_percent),
		cmocka_unit_test(test_old_results_fall_out),
		cmocka_unit_test(test_successes_trip_nothing),
		cmocka_unit_test(test_abandoned_calls_count_as_nothing),
		cmocka_unit_test(test_200_callers_at_half_open_make_3_calls),
		cmocka_unit_test(test_no_more_than_three_in_a_row_either),
		cmocka_unit_test(test_slow_probe_opens_it_again),
		cmocka_unit_test(test_abandoned_probe_gives_its_place_back),
		cmocka_unit_test(test_lost_probes_do_not_lock_it_for_ever),
		cmocka_unit_test(test_late_lost_probe_does_not_take_anothers_place),
		cmocka_unit_test(test_results_from_before_a_change_do_not_count),
		cmocka_unit_test(test_open_time_grows_to_60_s_and_starts_anew),
		cmocka_unit_test(test_open_time_has_jitter),
		cmocka_unit_test(test_refused_credentials_open_it_at_once),
		cmocka_unit_test(test_credentials_are_told_of_an_open_one_too),
		cmocka_unit_test(test_every_transition_is_told_once),
		cmocka_unit_test(test_bad_options_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
