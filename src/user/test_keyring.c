/* Which signing key signs, and when the next one is due. */
#include "user/keyring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_S INT64_C(86400)

static void newest_whose_time_has_come_signs(void **state)
{
	/* Replaced, and verifying for a while; the one that signs; one that is only published. */
	const struct keyring_time times[] = { { 0, 9 * HOUR_MS }, { 5 * HOUR_MS, 0 }, { 7 * HOUR_MS, 0 } };

	(void)state;
	assert_int_equal(keyring_signs_at(times, 3, HOUR_MS), 0);
	assert_int_equal(keyring_signs_at(times, 3, 5 * HOUR_MS - 1), 0);
	assert_int_equal(keyring_signs_at(times, 3, 5 * HOUR_MS), 1);
	assert_int_equal(keyring_signs_at(times, 3, 7 * HOUR_MS), 2);
	assert_int_equal(keyring_signs_at(times, 3, 99 * HOUR_MS), 2);
}

static void ended_keys_never_sign(void **state)
{
	const struct keyring_time times[] = { { HOUR_MS, 0 }, { 2 * HOUR_MS, 3 * HOUR_MS } };

	(void)state;
	assert_int_equal(keyring_signs_at(times, 2, 3 * HOUR_MS - 1), 1);
	assert_int_equal(keyring_signs_at(times, 2, 3 * HOUR_MS), 0);
	assert_int_equal(keyring_signs_at(times + 1, 1, 3 * HOUR_MS), 1); /* none: n */
	assert_int_equal(keyring_signs_at(times, 0, HOUR_MS), 0);
}

static void a_clock_that_is_behind_still_signs(void **state)
{
	const struct keyring_time times[] = { { 2 * HOUR_MS, 0 }, { HOUR_MS, 0 } };

	(void)state;
	assert_int_equal(keyring_signs_at(times, 2, HOUR_MS - 1), 1);
}

static void the_next_is_published_an_overlap_early(void **state)
{
	const int64_t due_ms = (30 * DAY_S - 3600) * 1000;
	const struct keyring_time one[] = { { 0, 0 } };
	const struct keyring_time two[] = { { 0, 31 * DAY_S * 1000 }, { 30 * DAY_S * 1000, 0 } };

	(void)state;
	assert_false(keyring_is_due(one, 1, 30 * DAY_S, 3600, due_ms - 1));
	assert_true(keyring_is_due(one, 1, 30 * DAY_S, 3600, due_ms));
	assert_false(keyring_is_due(two, 2, 30 * DAY_S, 3600, due_ms)); /* it is on its way */
	assert_true(keyring_is_due(two, 2, 30 * DAY_S, 3600, 30 * DAY_S * 1000 + due_ms));
}

static void age_zero_is_never_due_but_for_want_of_a_key(void **state)
{
	const struct keyring_time one[] = { { 0, 0 } };
	const struct keyring_time replaced[] = { { 0, 5 } };

	(void)state;
	assert_false(keyring_is_due(one, 1, 0, 3600, INT64_MAX / 2));
	assert_true(keyring_is_due(replaced, 1, 0, 3600, 1));
	assert_true(keyring_is_due(one, 0, 0, 3600, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_whose_time_has_come_signs),
		cmocka_unit_test(ended_keys_never_sign),
		cmocka_unit_test(a_clock_that_is_behind_still_signs),
		cmocka_unit_test(the_next_is_published_an_overlap_early),
		cmocka_unit_test(age_zero_is_never_due_but_for_want_of_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
