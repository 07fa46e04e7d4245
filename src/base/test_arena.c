/* The arena: alignment, zeroing, its cap, reuse. */
#include "base/arena.h"

#include "base/fault.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_pieces_are_aligned_zeroed_and_apart(void **state)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	unsigned char *pieces[300];

	(void)state;
	assert_int_equal(arena_new(1 << 20, &a), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		pieces[i] = arena_alloc(a, i);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % 16, 0);
		for (size_t k = 0; k < i; k++)
			assert_int_equal(pieces[i][k], 0);
		memset(pieces[i], (int)(i % 251), i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		for (size_t k = 0; k < i; k++)
			assert_int_equal(pieces[i][k], i % 251);
}

static void test_big_pieces_do_not_waste_the_current_block(void **state)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	char *before, *after;

	(void)state;
	assert_int_equal(arena_new(1 << 24, &a), 0);
	before = arena_alloc(a, 16);
	assert_non_null(arena_alloc(a, 1 << 20));
	after = arena_alloc(a, 16);
	assert_true(after > before && after - before < 4096);
	assert_true(arena_used(a) >= (1 << 20) + 32);
}

static void test_the_cap_holds(void **state)
{
	struct arena *a CLEANUP(arena_free) = NULL;

	(void)state;
	assert_int_equal(arena_new(1000, &a), 0);
	assert_non_null(arena_alloc(a, 1000));
	assert_null(arena_alloc(a, 1));
	arena_reset(a);
	assert_null(arena_alloc(a, 1017));
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_array(a, SIZE_MAX / 2, 4));
	assert_non_null(arena_array(a, 250, 4));
}

static void test_reset_gives_zeroed_memory_again(void **state)
{
	struct arena *a CLEANUP(arena_free) = NULL;

	(void)state;
	assert_int_equal(arena_new(1 << 20, &a), 0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++) {
			char *piece = arena_alloc(a, 1000);

			assert_non_null(piece);
			assert_int_equal(piece[0] | piece[999], 0);
			memset(piece, 0xee, 1000);
		}
		arena_reset(a);
		assert_int_equal(arena_used(a), 0);
	}
}

static void test_strings(void **state)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct str s = STR("untouched");

	(void)state;
	assert_int_equal(arena_new(64, &a), 0);
	assert_true(str_equal(arena_str(a, STR("a\0b")), STR("a\0b")));
	assert_int_equal(arena_str(a, str_slice(STR("abcdef"), 0, 3)).data[3], '\0');
	assert_true(str_is_null(arena_str(a, STR_NULL)));
	assert_true(str_equal(arena_printf(a, "%d/%s", 7, "x"), STR("7/x")));
	assert_int_equal(arena_copy(a, STR("0123456789abcdef0123456789abcdef"), &s), -ENOMEM);
	assert_true(str_equal(s, STR("untouched")));
	assert_true(str_is_null(arena_printf(a, "%100d", 1)));
	assert_int_equal(arena_copy(a, STR_NULL, &s), 0);
	assert_true(str_is_null(s));
}

static void test_free_takes_nothing(void **state)
{
	struct arena *a = NULL;

	(void)state;
	arena_free(NULL);
	arena_free(&a);
	assert_int_equal(arena_new(1, &a), 0);
	arena_free(&a);
	assert_null(a);
}

static void test_out_of_memory_is_told_and_harms_nothing(void **state)
{
	struct arena *a CLEANUP(arena_free) = NULL;

	(void)state;
	fault_set("alloc:1,alloc:3,alloc:4");
	assert_int_equal(arena_new(1 << 20, &a), -ENOMEM);
	assert_null(a);
	assert_int_equal(arena_new(1 << 20, &a), 0);
	assert_non_null(arena_alloc(a, 1920));
	assert_non_null(arena_alloc(a, 1920));
	assert_null(arena_alloc(a, 1920));
	assert_null(arena_alloc(a, 100000));
	assert_non_null(arena_alloc(a, 1920));
	fault_set(NULL);
	assert_int_equal(arena_used(a), 3 * 1920);
}

static void test_wipe_leaves_nothing_readable(void **state)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct str small, large;
	char text[20000];

	(void)state;
	assert_int_equal(arena_new(1 << 20, &a), 0);
	memset(text, 's', sizeof(text));
	small = arena_str(a, STR("secret"));
	large = arena_str(a, (struct str){ text, sizeof(text) });
	arena_wipe(a);
	for (size_t i = 0; i < small.len; i++)
		assert_int_equal(small.data[i], 0);
	for (size_t i = 0; i < large.len; i++)
		assert_int_equal(large.data[i], 0);
	/* and it can go on */
	arena_reset(a);
	assert_string_equal(arena_str(a, STR("next")).data, "next");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wipe_leaves_nothing_readable),
		cmocka_unit_test(test_pieces_are_aligned_zeroed_and_apart),
		cmocka_unit_test(test_big_pieces_do_not_waste_the_current_block),
		cmocka_unit_test(test_the_cap_holds),
		cmocka_unit_test(test_reset_gives_zeroed_memory_again),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_free_takes_nothing),
		cmocka_unit_test(test_out_of_memory_is_told_and_harms_nothing),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
