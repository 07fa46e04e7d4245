/* Request targets: split, checked, decoded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/target.h"

#include <errno.h>
#include <stdio.h>

static struct arena *arena;

static int up(void **state)
{
	(void)state;
	return arena_new(1 << 16, &arena);
}

static int down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void check_parse(const char *raw, int r, const char *path, const char *query)
{
	struct target t;

	assert_int_equal(target_parse(str_from(raw), &t), r);
	if (r < 0)
		return;
	assert_true(str_equal(t.path, str_from(path)));
	assert_true(str_equal(t.query, str_from(query)));
}

static void test_target_is_split(void **state)
{
	(void)state;
	check_parse("/", 0, "/", NULL);
	check_parse("/a/b", 0, "/a/b", NULL);
	check_parse("/a?", 0, "/a", "");
	check_parse("/a?b=c?d", 0, "/a", "b=c?d");
	check_parse("http://host/a?b", 0, "/a", "b");
	check_parse("https://host", 0, "/", NULL);
	check_parse("http://host?b", 0, "/", "b");
	check_parse("*", 0, "*", NULL);
}

static void test_target_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = { "",        "a",         "host:443",    "*/",    "/a b",      "/a\x7f",
		                           "/a\x80",  "/a#b",      "/%",          "/%2",   "/%2g",      "/%00",
		                           "/..",     "/.",        "/a/./b",      "/a/..", "/a/%2e%2e", "/a/.%2E/b",
		                           "/a/%2e/", "ftp://h/a", "http://h/../" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_parse(bad[i], -EINVAL, NULL, NULL);
}

static void test_names_with_dots_are_names(void **state)
{
	(void)state;
	check_parse("/...", 0, "/...", NULL);
	check_parse("/.well-known", 0, "/.well-known", NULL);
	check_parse("/a..b/..c", 0, "/a..b/..c", NULL);
}

static void check_decode(struct str in, bool plus, int r, const char *expected)
{
	struct str out;

	assert_int_equal(target_decode(in, plus, arena, &out), r);
	if (r == 0)
		assert_string_equal(out.data, expected);
}

static void test_escapes_are_decoded_strictly(void **state)
{
	(void)state;
	check_decode(STR("a%20b"), false, 0, "a b");
	check_decode(STR("a+b"), false, 0, "a+b");
	check_decode(STR("a+b%2B"), true, 0, "a b+");
	check_decode(STR("%c3%A9"), false, 0, "\xc3\xa9");
	check_decode(STR("%2F%2f"), false, 0, "//");
	check_decode(STR(""), false, 0, "");
	check_decode(STR("%"), false, -EINVAL, NULL);
	check_decode(STR("%a"), false, -EINVAL, NULL);
	check_decode(STR("%xx"), false, -EINVAL, NULL);
	check_decode(STR("a%00b"), false, -EINVAL, NULL);
	check_decode(STR("%ff"), false, -EINVAL, NULL);
	check_decode(STR("%ed%a0%80"), false, -EINVAL, NULL);
	check_decode(STR("%c0%80"), false, -EINVAL, NULL);
}

static void test_pairs_are_found(void **state)
{
	struct schema_pair *pairs;
	size_t n;

	(void)state;
	assert_int_equal(target_pairs(STR("&a=1&&b&c=d=e&%61=%3D&="), arena, &pairs, &n), 0);
	assert_int_equal(n, 5);
	assert_string_equal(pairs[0].value.data, "1");
	assert_string_equal(pairs[1].name.data, "b");
	assert_string_equal(pairs[1].value.data, "");
	assert_string_equal(pairs[2].value.data, "d=e");
	assert_string_equal(pairs[3].name.data, "a");
	assert_string_equal(pairs[3].value.data, "=");
	assert_string_equal(pairs[4].name.data, "");
	assert_int_equal(target_pairs(STR_NULL, arena, &pairs, &n), 0);
	assert_int_equal(n, 0);
}

static void test_pairs_are_bounded(void **state)
{
	char query[TARGET_PAIRS_MAX * 2 + 2];
	struct schema_pair *pairs;
	size_t n;

	(void)state;
	memset(query, '&', sizeof(query));
	for (size_t i = 0; i < sizeof(query); i += 2)
		query[i] = 'a';
	assert_int_equal(target_pairs((struct str){ query, TARGET_PAIRS_MAX * 2 - 1 }, arena, &pairs, &n), 0);
	assert_int_equal(n, TARGET_PAIRS_MAX);
	assert_int_equal(target_pairs((struct str){ query, TARGET_PAIRS_MAX * 2 + 1 }, arena, &pairs, &n), -E2BIG);
}

static void test_full_arena_is_said(void **state)
{
	struct arena *small;
	struct schema_pair *pairs;
	struct str out;
	size_t n;

	(void)state;
	assert_int_equal(arena_new(16, &small), 0);
	assert_int_equal(target_decode(STR("0123456789012345678"), false, small, &out), -ENOMEM);
	assert_int_equal(target_pairs(STR("a=b"), small, &pairs, &n), -ENOMEM);
	arena_free(&small);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target_is_split),           cmocka_unit_test(test_target_that_is_none_is_refused),
		cmocka_unit_test(test_names_with_dots_are_names), cmocka_unit_test(test_escapes_are_decoded_strictly),
		cmocka_unit_test(test_pairs_are_found),           cmocka_unit_test(test_pairs_are_bounded),
		cmocka_unit_test(test_full_arena_is_said),
	};

	return cmocka_run_group_tests(tests, up, down);
}
