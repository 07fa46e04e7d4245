/* The in-process cache: what it answers, when it forgets, its bounds, and that every reference is given back. */
#include "cache/local.h"

#include "base/fault.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FOREVER INT64_MAX

struct value {
	int references;
	int number;
};

static size_t values_alive;

static struct value *value_new(int number)
{
	struct value *v = malloc(sizeof(*v));

	assert_non_null(v);
	*v = (struct value){ .references = 1, .number = number };
	values_alive++;
	return v;
}

static void *value_ref(void *p)
{
	struct value *v = p;

	v->references++;
	return v;
}

static void value_unref(void *p)
{
	struct value *v = p;

	if (--v->references > 0)
		return;
	values_alive--;
	free(v);
}

static struct local_cache *cache_new(size_t entries_max, size_t bytes_max)
{
	struct local_cache_options options = { entries_max, bytes_max, value_ref, value_unref };
	struct local_cache *c = NULL;

	assert_int_equal(local_cache_new(&options, &c), 0);
	return c;
}

/* Puts a value that only the cache refers to. */
static int put(struct local_cache *c, const char *key, int number, size_t size, int64_t expires_ms)
{
	struct value *v = value_new(number);
	int r = local_cache_put(c, str_from(key), v, size, expires_ms);

	value_unref(v);
	return r;
}

/* The number under the key, or -1. */
static int get(struct local_cache *c, const char *key, int64_t now_ms)
{
	struct value *v = local_cache_get(c, str_from(key), now_ms);
	int number = v ? v->number : -1;

	if (v)
		value_unref(v);
	return number;
}

static struct local_cache_stats stats_of(const struct local_cache *c)
{
	struct local_cache_stats s;

	local_cache_stats_get(c, &s);
	return s;
}

static int no_values_before(void **state)
{
	(void)state;
	values_alive = 0;
	return 0;
}

static int no_values_left(void **state)
{
	(void)state;
	return values_alive == 0 ? 0 : -1;
}

static void test_gives_back_what_was_put(void **state)
{
	struct local_cache *c CLEANUP(local_cache_free) = cache_new(10, 10000);

	(void)state;
	assert_int_equal(get(c, "a", 0), -1);
	assert_int_equal(put(c, "a", 1, 10, FOREVER), 0);
	assert_int_equal(put(c, "b", 2, 10, FOREVER), 0);
	assert_int_equal(get(c, "a", 0), 1);
	assert_int_equal(get(c, "b", 0), 2);
	assert_int_equal(stats_of(c).hits, 2);
	assert_int_equal(stats_of(c).misses, 1);
	assert_int_equal(stats_of(c).entries, 2);
}

static void test_keys_may_hold_any_bytes(void **state)
{
	struct local_cache *c CLEANUP(local_cache_free) = cache_new(10, 10000);
	struct value *v = value_new(1);

	(void)state;
	assert_int_equal(local_cache_put(c, STR("a\0b"), v, 1, FOREVER), 0);
	value_unref(v);
	assert_null(local_cache_get(c, STR("a\0c"), 0));
	assert_null(local_cache_get(c, STR("a"), 0));
	v = local_cache_get(c, STR("a\0b"), 0);
	assert_non_null(v);
	value_unref(v);
}

static void test_expires_at_its_time(void **state)
{
	struct local_cache *c CLEANUP(local_cache_free) = cache_new(10, 10000);

	(void)state;
	assert_int_equal(put(c, "a", 1, 10, 1000), 0);
	assert_int_equal(get(c, "a", 999), 1);
	assert_int_equal(get(c, "a", 1000), -1);
	assert_int_equal(values_alive, 0);
	assert_int_equal(stats_of(c).expired, 1);
	assert_int_equal(stats_of(c).entries, 0);
	assert_int_equal(stats_of(c).bytes, 0);
}

static void test_replaces(void **state)
{
	struct local_cache *c CLEANUP(local_cache_free) = cache_new(10, 10000);
	size_t bytes;

	(void)state;
	assert_int_equal(put(c, "a", 1, 100, 1000), 0);
	bytes = stats_of(c).bytes;
	assert_int_equal(put(c, "a", 2, 300, 2000), 0);
	assert_int_equal(stats_of(c).bytes, bytes + 200);
	assert_int_equal(stats_of(c).entries, 1);
	assert_int_equal(values_alive, 1);
	assert_int_equal(get(c, "a", 1500), 2);
}

static void test_too_large_a_value_is_refused_and_takes_the_former_along(void **state)
{
	struct local_cache *c CLEANUP(local_cache_free) = cache_new(10, 8000);

	(void)state;
	assert_int_equal(put(c, "a", 1, 10, FOREVER), 0);
	assert_int_equal(put(c, "a", 2, 1000, FOREVER), -E2BIG);
	assert_int_equal(get(c, "a", 0), -1);
	assert_int_equal(put(c, "a", 3, SIZE_MAX, FOREVER), -E2BIG);
	assert_int_equal(stats_of(c).bytes, 0);
}

static void test_removes_and_clears(void **state)
{
	struct local_cache *c CLEANUP(local_cache_free) = cache_new(10, 10000);

	(void)state;
	assert_int_equal(put(c, "a", 1, 10, FOREVER), 0);
	assert_int_equal(put(c, "b", 2, 10, FOREVER), 0);
	local_cache_remove(c, STR("a"));
	local_cache_remove(c, STR("never there"));
	assert_int_equal(get(c, "a", 0), -1);
	assert_int_equal(values_alive, 1);
	local_cache_clear(c);
	assert_int_equal(get(c, "b", 0), -1);
	assert_int_equal(values_alive, 0);
	assert_int_equal(put(c, "b", 3, 10, FOREVER), 0);
	assert_int_equal(get(c, "b", 0), 3);
}

static void test_a_reader_keeps_its_value(void **state)
{
	struct local_cache *c CLEANUP(local_cache_free) = cache_new(10, 10000);
	struct value *held;

	(void)state;
	assert_int_equal(put(c, "a", 7, 10, FOREVER), 0);
	held = local_cache_get(c, STR("a"), 0);
	local_cache_clear(c);
	assert_int_equal(held->number, 7);
	value_unref(held);
}

static void test_one_entry_is_a_cache_too(void **state)
{
	struct local_cache *c CLEANUP(local_cache_free) = cache_new(1, 10000);

	(void)state;
	for (int i = 0; i < 10; i++) {
		char key[2] = { (char)('a' + i), '\0' };

		assert_int_equal(put(c, key, i, 10, FOREVER), 0);
		assert_int_equal(get(c, key, 0), i);
		assert_int_equal(get(c, key, 0), i);
		assert_int_equal(stats_of(c).entries, 1);
	}
}

static void test_a_large_value_fits_into_a_full_cache(void **state)
{
	struct local_cache *c CLEANUP(local_cache_free) = cache_new(1000, 100000);
	char key[16];

	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(put(c, key, i, 400, FOREVER), 0);
		(void)get(c, key, 0);
		(void)get(c, key, 0);
	}
	assert_int_equal(put(c, "large", 1, 12000, FOREVER), 0);
	assert_int_equal(get(c, "large", 0), 1);
}

static void test_refuses_bounds_of_nothing(void **state)
{
	struct local_cache_options no_entries = { 0, 100, value_ref, value_unref };
	struct local_cache_options no_bytes = { 100, 0, value_ref, value_unref };
	struct local_cache *c = NULL;

	(void)state;
	assert_int_equal(local_cache_new(&no_entries, &c), -EINVAL);
	assert_int_equal(local_cache_new(&no_bytes, &c), -EINVAL);
	assert_null(c);
}

/* A property: whatever is done in whatever order, the bounds hold and the books balance. */
static void test_bounds_hold_under_random_load(void **state)
{
	struct local_cache *c CLEANUP(local_cache_free) = cache_new(200, 40000);
	char key[16];

	(void)state;
	srandom(20231023);
	for (int i = 0; i < 200000; i++) {
		struct local_cache_stats s;
		long what = random() % 100;

		snprintf(key, sizeof(key), "%ld", random() % (what % 3 ? 300 : 100000));
		if (what < 50)
			(void)get(c, key, i);
		else if (what < 97)
			(void)put(c, key, i, (size_t)(random() % (what < 60 ? 6000 : 200)), i + random() % 5000);
		else
			local_cache_remove(c, str_from(key));
		s = stats_of(c);
		assert_in_range(s.entries, 0, 200);
		assert_in_range(s.bytes, 0, 40000);
		assert_int_equal(s.entries, values_alive);
	}
	assert_true(stats_of(c).evicted > 1000);
}

static void test_a_million_keys_leave_the_memory_flat(void **state)
{
	struct local_cache *c CLEANUP(local_cache_free) = cache_new(10000, 8 << 20);
	struct value *v = value_new(0);
	size_t settled = 0;
	char key[32];

	(void)state;
	for (int i = 0; i < 1000000; i++) {
		snprintf(key, sizeof(key), "search/%d", i);
		assert_int_equal(local_cache_put(c, str_from(key), v, 200, FOREVER), 0);
		if (i == 100000)
			settled = mallinfo2().uordblks;
	}
	/* Under ASan the count is always zero, and the bounds are what is left to check. */
	assert_in_range(mallinfo2().uordblks, 0, settled + (64 << 10));
	assert_int_equal(stats_of(c).entries, 10000);
	assert_in_range(stats_of(c).bytes, 0, 8 << 20);
	local_cache_free(&c);
	value_unref(v);
}

static void test_out_of_memory_is_an_error(void **state)
{
	struct local_cache *c CLEANUP(local_cache_free) = cache_new(10, 10000);

	(void)state;
	fault_set("alloc:1");
	assert_int_equal(put(c, "a", 1, 10, FOREVER), -ENOMEM);
	fault_set(NULL);
	assert_int_equal(get(c, "a", 0), -1);
	assert_int_equal(values_alive, 0);
}

#define CACHE_TEST(f) cmocka_unit_test_setup_teardown(f, no_values_before, no_values_left)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CACHE_TEST(test_gives_back_what_was_put),
		CACHE_TEST(test_keys_may_hold_any_bytes),
		CACHE_TEST(test_expires_at_its_time),
		CACHE_TEST(test_replaces),
		CACHE_TEST(test_too_large_a_value_is_refused_and_takes_the_former_along),
		CACHE_TEST(test_removes_and_clears),
		CACHE_TEST(test_a_reader_keeps_its_value),
		CACHE_TEST(test_one_entry_is_a_cache_too),
		CACHE_TEST(test_a_large_value_fits_into_a_full_cache),
		CACHE_TEST(test_refuses_bounds_of_nothing),
		CACHE_TEST(test_bounds_hold_under_random_load),
		CACHE_TEST(test_a_million_keys_leave_the_memory_flat),
		CACHE_TEST(test_out_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
