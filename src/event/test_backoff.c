/* Backoff: bounds, growth, spread. */
#include "event/backoff.h"

#include "base/macro.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_stays_between_the_bounds(void **state)
{
	(void)state;
	for (int64_t attempts = 1; attempts < 200; attempts++)
		for (int i = 0; i < 100; i++)
			assert_in_range(backoff_ms(attempts, 200, 30000), 200, 30000);
	for (int i = 0; i < 100; i++) {
		assert_in_range(backoff_ms(1, 200, 30000), 200, 400);
		assert_in_range(backoff_ms(2, 200, 30000), 200, 800);
	}
}

static void test_spreads_over_the_whole_range(void **state)
{
	int64_t least = INT64_MAX;
	int64_t most = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t ms = backoff_ms(50, 200, 30000);

		least = MIN(least, ms);
		most = MAX(most, ms);
	}
	assert_in_range(least, 200, 3000);
	assert_in_range(most, 27000, 30000);
}

static void test_extremes(void **state)
{
	(void)state;
	assert_int_equal(backoff_ms(INT64_MAX, 5, 5), 5);
	assert_in_range(backoff_ms(INT64_MAX, 1, INT64_MAX / 2), 1, INT64_MAX / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stays_between_the_bounds),
		cmocka_unit_test(test_spreads_over_the_whole_range),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
