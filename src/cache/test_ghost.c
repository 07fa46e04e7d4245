/* The ghost: remembers the last ones added, once, and forgets. */
#include "cache/ghost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Spreads small numbers over 64 bits (SplitMix64's finaliser). */
static uint64_t mixed(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static void test_remembers_once(void **state)
{
	struct ghost *g CLEANUP(ghost_free) = NULL;

	(void)state;
	assert_int_equal(ghost_new(100, &g), 0);
	assert_false(ghost_take(g, 0, 100));
	ghost_add(g, 0);
	assert_true(ghost_take(g, 0, 100));
	assert_false(ghost_take(g, 0, 100));
}

static void test_forgets_what_is_outside_the_window(void **state)
{
	struct ghost *g CLEANUP(ghost_free) = NULL;

	(void)state;
	assert_int_equal(ghost_new(1000, &g), 0);
	for (uint64_t i = 0; i < 11; i++)
		ghost_add(g, mixed(i));
	assert_false(ghost_take(g, mixed(0), 10));
	assert_true(ghost_take(g, mixed(1), 10));
	assert_false(ghost_take(g, mixed(10), 0));
}

static void test_full_bucket_loses_its_oldest(void **state)
{
	struct ghost *g CLEANUP(ghost_free) = NULL;

	(void)state;
	/* One bucket of four: the low bits do not matter. */
	assert_int_equal(ghost_new(4, &g), 0);
	for (uint64_t i = 1; i <= 5; i++)
		ghost_add(g, i << 32);
	assert_false(ghost_take(g, (uint64_t)1 << 32, 100));
	for (uint64_t i = 2; i <= 5; i++)
		assert_true(ghost_take(g, i << 32, 100));
}

static void test_recent_ones_are_found_under_load(void **state)
{
	struct ghost *g CLEANUP(ghost_free) = NULL;
	size_t found = 0;

	(void)state;
	assert_int_equal(ghost_new(10000, &g), 0);
	for (uint64_t i = 0; i < 100000; i++)
		ghost_add(g, mixed(i));
	for (uint64_t i = 95000; i < 100000; i++)
		found += ghost_take(g, mixed(i), 5000);
	assert_in_range(found, 4900, 5000);
}

static void test_clear_forgets_all(void **state)
{
	struct ghost *g CLEANUP(ghost_free) = NULL;

	(void)state;
	assert_int_equal(ghost_new(16, &g), 0);
	ghost_add(g, 7);
	ghost_clear(g);
	assert_false(ghost_take(g, 7, 100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remembers_once),
		cmocka_unit_test(test_forgets_what_is_outside_the_window),
		cmocka_unit_test(test_full_bucket_loses_its_oldest),
		cmocka_unit_test(test_recent_ones_are_found_under_load),
		cmocka_unit_test(test_clear_forgets_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
