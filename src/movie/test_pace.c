/* The token bucket, the pause, the budget of retries, the latencies. Time is told, never slept. */
#include "movie/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

/* ---- token bucket ---- */

static void test_burst_goes_at_once_and_the_next_waits(void **state)
{
	struct bucket b;
	int64_t wait_ms = -1;

	(void)state;
	bucket_init(&b, 40, 40);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(bucket_take(&b, 0, 0, &wait_ms), 0);
		assert_int_equal(wait_ms, 0);
	}
	assert_int_equal(bucket_take(&b, 0, 1000, &wait_ms), 0);
	assert_int_equal(wait_ms, 25);
	assert_int_equal(bucket_take(&b, 0, 1000, &wait_ms), 0);
	assert_int_equal(wait_ms, 50);
}

static void test_wait_is_bounded_and_a_refusal_takes_nothing(void **state)
{
	struct bucket b;
	int64_t wait_ms = -1;

	(void)state;
	bucket_init(&b, 10, 1);
	assert_int_equal(bucket_take(&b, 500, 0, &wait_ms), 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(bucket_take(&b, 500, 99, &wait_ms), -EAGAIN);
		assert_int_equal(wait_ms, 100);
	}
	assert_int_equal(bucket_take(&b, 500, 100, &wait_ms), 0);
	assert_int_equal(wait_ms, 100);
}

/* Whoever asks as often as he likes is let through rate times a second, no more and hardly less. */
static void test_rate_holds_in_the_long_run(void **state)
{
	static const int64_t rates[] = { 1, 3, 40, 333, 1000 };
	int64_t unused_ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct bucket b;
		int64_t n = 0;

		bucket_init(&b, rates[i], 5);
		for (int64_t now_ms = 0; now_ms < 100000; now_ms++)
			while (bucket_take(&b, now_ms, 0, &unused_ms) == 0)
				n++;
		assert_in_range(n, rates[i] * 100 - 1, rates[i] * 100 + 5);
	}
}

static void test_burst_fills_up_again_and_not_beyond(void **state)
{
	struct bucket b;
	int64_t unused_ms;
	int n = 0;

	(void)state;
	bucket_init(&b, 10, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(bucket_take(&b, 0, 0, &unused_ms), 0);
	while (bucket_take(&b, 1000000, 0, &unused_ms) == 0)
		n++;
	assert_int_equal(n, 3);
}

/* ---- Retry-After ---- */

/* 2015-10-21T07:28:00Z */
#define THEN_MS INT64_C(1445412480000)

static int64_t after(const char *value)
{
	int64_t ms = -1;
	int r = retry_after_parse(str_from(value), THEN_MS, &ms);

	return r < 0 ? r : ms;
}

static void test_retry_after_in_seconds(void **state)
{
	(void)state;
	assert_int_equal(after("0"), 0);
	assert_int_equal(after("10"), 10000);
	assert_int_equal(after(" 007\t"), 7000);
	assert_true(after("99999999999999999999999999") > INT64_C(86400000) * 36500);
}

static void test_retry_after_as_a_date_in_three_forms(void **state)
{
	(void)state;
	assert_int_equal(after("Wed, 21 Oct 2015 07:28:30 GMT"), 30000);
	assert_int_equal(after("Wednesday, 21-Oct-15 07:28:30 GMT"), 30000);
	assert_int_equal(after("Wed Oct 21 07:28:30 2015"), 30000);
	assert_int_equal(after("Sun Nov  1 07:28:00 2015"), INT64_C(11) * 86400000);
	assert_int_equal(after("Wed, 21 Oct 2015 07:28:60 GMT"), 59000);
	assert_int_equal(after("Mon, 29 Feb 2016 07:28:00 GMT"), INT64_C(131) * 86400000);
}

static void test_retry_after_in_the_past_is_over(void **state)
{
	(void)state;
	assert_int_equal(after("Wed, 21 Oct 2015 07:28:00 GMT"), 0);
	assert_int_equal(after("Wed, 21 Oct 2005 07:28:00 GMT"), 0);
	/* Two digits that would be more than 50 years ahead. */
	assert_int_equal(after("Friday, 21-Oct-94 07:28:00 GMT"), 0);
}

static void test_retry_after_that_is_garbage(void **state)
{
	static const char *const garbage[] = {
		"",
		" ",
		"-1",
		"1.5",
		"10 s",
		"soon",
		"Wed",
		"Wed, 21 Oct 2015",
		"Wed, 21 Oct 2015 07:28:30",
		"Wed, 21 Oct 2015 07:28:30 CET",
		"Wed, 21 Oct 2015 07:28:30 GMT+1",
		"Wed, 31 Feb 2015 07:28:30 GMT",
		"Wed, 6 Oct 2015 07:28:30 GMT",
		"Wed, -1 Oct 2015 07:28:30 GMT",
		"Wed, 21 Oct 2015 07:28:30 ",
		" GMT",
		"Sun Nov 1 07:28:00 2015",
		"Sun Nov  1 07:28:00 20150",
		"Wed, 21 Okt 2015 07:28:30 GMT",
		"Wed, 21 Oct 2015 25:28:30 GMT",
		"Wed, 0 Oct 2015 07:28:30 GMT",
		"Wed, 21 Oct 2015 07:28:30 GMT and a lot of text behind it",
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++)
		assert_int_equal(after(garbage[i]), -EINVAL);
	assert_int_equal(retry_after_parse(STR_NULL, THEN_MS, &ms), -EINVAL);
	assert_int_equal(retry_after_parse(STR("1\0"), THEN_MS, &ms), -EINVAL);
	assert_int_equal(retry_after_parse(STR("Wed, 21 Oct 2015 07:28:30 GMT\0"), THEN_MS, &ms), -EINVAL);
}

/* ---- the pause ---- */

static void test_pause_lasts_as_told(void **state)
{
	struct pause p;

	(void)state;
	pause_init(&p, 1000, 60000);
	assert_int_equal(pause_left_ms(&p, 500), 0);
	pause_begin(&p, 500, THEN_MS, STR("3"));
	assert_int_equal(pause_left_ms(&p, 500), 3000);
	assert_int_equal(pause_left_ms(&p, 3499), 1);
	assert_int_equal(pause_left_ms(&p, 3500), 0);
	pause_begin(&p, 4000, THEN_MS, STR("Wed, 21 Oct 2015 07:28:07 GMT"));
	assert_int_equal(pause_left_ms(&p, 4000), 7000);
}

static void test_pause_is_never_shortened_and_has_an_end(void **state)
{
	struct pause p;

	(void)state;
	pause_init(&p, 1000, 60000);
	pause_begin(&p, 0, THEN_MS, STR("30"));
	pause_begin(&p, 10, THEN_MS, STR("1"));
	pause_begin(&p, 10, THEN_MS, STR_NULL);
	assert_int_equal(pause_left_ms(&p, 10), 29990);
	pause_begin(&p, 10, THEN_MS, STR("99999999999999999999"));
	assert_int_equal(pause_left_ms(&p, 10), 60000);
}

static void test_pause_grows_while_nobody_says_how_long(void **state)
{
	static const int64_t most_ms[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	static const struct str said[] = { STR_NULL, STR("garbage"), STR("0"), STR("Wed, 21 Oct 2005 07:28:00 GMT") };
	struct pause p;
	int64_t now_ms = 0;

	(void)state;
	pause_init(&p, 1000, 60000);
	for (size_t i = 0; i < ARRAY_SIZE(most_ms); i++) {
		pause_begin(&p, now_ms, THEN_MS, said[i % ARRAY_SIZE(said)]);
		assert_in_range(pause_left_ms(&p, now_ms), most_ms[i] / 2, most_ms[i]);
		now_ms += 60000;
	}
	pause_over(&p);
	pause_begin(&p, now_ms, THEN_MS, STR_NULL);
	assert_in_range(pause_left_ms(&p, now_ms), 500, 1000);
}

/* 64 calls under way are all told the same thing: that is one reason to grow, not 64. */
static void test_answers_of_one_wave_make_one_pause(void **state)
{
	struct pause p;

	(void)state;
	pause_init(&p, 1000, 60000);
	for (int64_t i = 0; i < 64; i++)
		pause_begin(&p, i, THEN_MS, STR_NULL);
	assert_in_range(pause_left_ms(&p, 64), 400, 1000);
	pause_begin(&p, 2000, THEN_MS, STR_NULL);
	assert_in_range(pause_left_ms(&p, 2000), 1000, 2000);
}

/* ---- budget of retries ---- */

static int retries(struct retry_budget *b, int calls)
{
	int n = 0;

	for (int i = 0; i < calls; i++) {
		retry_budget_call(b);
		n += retry_budget_take(b);
	}
	return n;
}

static void test_one_call_in_five_may_be_a_retry(void **state)
{
	struct retry_budget b;

	(void)state;
	retry_budget_init(&b, 20, 10);
	assert_in_range(retries(&b, 1000), 208, 210);
	retry_budget_init(&b, 10, 0);
	assert_int_equal(retries(&b, 1000), 100);
	retry_budget_init(&b, 0, 0);
	assert_int_equal(retries(&b, 1000), 0);
}

static void test_no_more_than_the_reserve_is_saved_up(void **state)
{
	struct retry_budget b;
	int n = 0;

	(void)state;
	retry_budget_init(&b, 20, 10);
	for (int i = 0; i < 10000; i++)
		retry_budget_call(&b);
	while (retry_budget_take(&b))
		n++;
	assert_int_equal(n, 10);
}

/* ---- latencies ---- */

static void test_percentile_of_what_was_seen(void **state)
{
	struct latencies l = { .n = 0 };

	(void)state;
	for (int64_t i = 19; i > 0; i--)
		latencies_add(&l, i * 1000);
	assert_int_equal(latencies_percentile_ms(&l, 95), -1);
	latencies_add(&l, 19500);
	assert_int_equal(latencies_percentile_ms(&l, 95), 19);
	assert_int_equal(latencies_percentile_ms(&l, 100), 20);
	assert_int_equal(latencies_percentile_ms(&l, 50), 10);
}

static void test_only_the_last_latencies_count(void **state)
{
	struct latencies l = { .n = 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		latencies_add(&l, INT64_MAX);
	for (int i = 0; i < LATENCIES; i++)
		latencies_add(&l, 7000);
	assert_int_equal(latencies_percentile_ms(&l, 100), 7);
}

static void test_count_of_latencies_does_not_start_anew(void **state)
{
	struct latencies l = { .n = UINT32_MAX };

	(void)state;
	latencies_add(&l, 1000);
	latencies_add(&l, 1000);
	assert_true(l.n > LATENCIES);
	assert_true(latencies_percentile_ms(&l, 50) >= 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_goes_at_once_and_the_next_waits),
		cmocka_unit_test(test_wait_is_bounded_and_a_refusal_takes_nothing),
		cmocka_unit_test(test_rate_holds_in_the_long_run),
		cmocka_unit_test(test_burst_fills_up_again_and_not_beyond),
		cmocka_unit_test(test_retry_after_in_seconds),
		cmocka_unit_test(test_retry_after_as_a_date_in_three_forms),
		cmocka_unit_test(test_retry_after_in_the_past_is_over),
		cmocka_unit_test(test_retry_after_that_is_garbage),
		cmocka_unit_test(test_pause_lasts_as_told),
		cmocka_unit_test(test_pause_is_never_shortened_and_has_an_end),
		cmocka_unit_test(test_pause_grows_while_nobody_says_how_long),
		cmocka_unit_test(test_answers_of_one_wave_make_one_pause),
		cmocka_unit_test(test_one_call_in_five_may_be_a_retry),
		cmocka_unit_test(test_no_more_than_the_reserve_is_saved_up),
		cmocka_unit_test(test_percentile_of_what_was_seen),
		cmocka_unit_test(test_only_the_last_latencies_count),
		cmocka_unit_test(test_count_of_latencies_does_not_start_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
