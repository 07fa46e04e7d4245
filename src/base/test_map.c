/* The hash map: many keys, keys that collide, removing while walking. */
#include "base/map.h"

#include "base/fault.h"

#include <errno.h>
#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KEYS 100000

static struct str number_key(char *text, size_t size, size_t i)
{
	snprintf(text, size, "key-%zu", i);
	return str_from(text);
}

static void *number_value(size_t i)
{
	return (void *)(uintptr_t)(i + 1);
}

static void fill(struct map *m, size_t n)
{
	char text[32];

	for (size_t i = 0; i < n; i++)
		assert_int_equal(map_put(m, number_key(text, sizeof(text), i), number_value(i), NULL), 0);
}

static void test_siphash_reference_vectors(void **state)
{
	/* From the paper's appendix A (15 bytes), and the reference code's vectors for 0, 1 and 8 bytes. */
	static const struct {
		size_t len;
		uint64_t hash;
	} vectors[] = {
		{ 15, 0xa129ca6149be45e5 },
		{ 0, 0x726fdb47dd0e0e31 },
		{ 1, 0x74f839c593dc67fd },
		{ 8, 0x93f5f5799a932462 },
	};
	uint8_t key[16], data[16];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		key[i] = data[i] = i;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		assert_true(map_siphash(data, vectors[i].len, key) == vectors[i].hash);
}

static void test_many_keys_come_and_go(void **state)
{
	struct map *m CLEANUP(map_free) = NULL;
	char text[32];

	(void)state;
	assert_int_equal(map_new(KEYS, &m), 0);
	fill(m, KEYS);
	assert_int_equal(map_count(m), KEYS);
	for (size_t i = 0; i < KEYS; i += 2)
		assert_ptr_equal(map_remove(m, number_key(text, sizeof(text), i)), number_value(i));
	assert_int_equal(map_count(m), KEYS / 2);
	for (size_t i = 0; i < KEYS; i++)
		assert_ptr_equal(map_get(m, number_key(text, sizeof(text), i)), i % 2 ? number_value(i) : NULL);
	for (size_t i = 0; i < KEYS; i += 2)
		assert_int_equal(map_put(m, number_key(text, sizeof(text), i), number_value(i), NULL), 0);
	assert_int_equal(map_count(m), KEYS);
}

static void test_hostile_keys_stay_apart(void **state)
{
	struct map *m CLEANUP(map_free) = NULL;
	static const struct str keys[] = {
		{ "", 0 }, { "\0", 1 }, { "\0\0", 2 }, { "a", 1 }, { "a\0", 2 }, { "a\0b", 3 }, { "\xff\xfe", 2 },
	};

	(void)state;
	assert_int_equal(map_new(100, &m), 0);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		assert_int_equal(map_put(m, keys[i], number_value(i), NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		assert_ptr_equal(map_get(m, keys[i]), number_value(i));
	assert_null(map_get(m, STR("b")));
	assert_null(map_get(m, STR_NULL));
	assert_null(map_remove(m, STR_NULL));
}

static void test_put_replaces_and_gives_the_old_value(void **state)
{
	struct map *m CLEANUP(map_free) = NULL;
	void *old = NULL;

	(void)state;
	assert_int_equal(map_new(1, &m), 0);
	assert_int_equal(map_put(m, STR("k"), "one", &old), 0);
	assert_null(old);
	assert_int_equal(map_put(m, STR("k"), "two", &old), 1);
	assert_string_equal(old, "one");
	assert_int_equal(map_put(m, STR("k"), "three", NULL), 1);
	assert_int_equal(map_put(m, STR("other"), "x", &old), -ENOSPC);
	assert_string_equal(map_get(m, STR("k")), "three");
}

static void test_walking_may_remove_what_it_is_given(void **state)
{
	struct map *m CLEANUP(map_free) = NULL;
	size_t cursor = 0, seen = 0;
	struct str key;
	void *value;

	(void)state;
	assert_int_equal(map_new(1000, &m), 0);
	fill(m, 1000);
	while (map_next(m, &cursor, &key, &value)) {
		seen++;
		if ((uintptr_t)value % 3)
			assert_ptr_equal(map_remove(m, key), value);
	}
	assert_int_equal(seen, 1000);
	assert_int_equal(map_count(m), 333);
	for (cursor = 0; map_next(m, &cursor, NULL, &value);)
		assert_int_equal((uintptr_t)value % 3, 0);
}

static void test_out_of_memory_leaves_the_map_as_it_was(void **state)
{
	struct map *m CLEANUP(map_free) = NULL;
	char text[32];

	(void)state;
	fault_set("alloc:1");
	assert_int_equal(map_new(100, &m), -ENOMEM);
	assert_int_equal(map_new(100, &m), 0);
	fill(m, 16);
	/* The 17th key needs new chains, new slots and a copy of itself. */
	for (int nth = 1; nth <= 3; nth++) {
		snprintf(text, sizeof(text), "alloc:%d", nth);
		fault_set(text);
		assert_int_equal(map_put(m, STR("seventeenth"), text, NULL), -ENOMEM);
		fault_set(NULL);
		assert_int_equal(map_count(m), 16);
		for (size_t i = 0; i < 16; i++)
			assert_ptr_equal(map_get(m, number_key(text, sizeof(text), i)), number_value(i));
	}
	assert_int_equal(map_put(m, STR("seventeenth"), text, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash_reference_vectors),
		cmocka_unit_test(test_many_keys_come_and_go),
		cmocka_unit_test(test_hostile_keys_stay_apart),
		cmocka_unit_test(test_put_replaces_and_gives_the_old_value),
		cmocka_unit_test(test_walking_may_remove_what_it_is_given),
		cmocka_unit_test(test_out_of_memory_leaves_the_map_as_it_was),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
