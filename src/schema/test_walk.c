/* The list of violations. */
#include "schema/walk.h"

#include "schema/testing.h"

static struct str written(const struct violations *v, struct arena *a)
{
	struct buf out CLEANUP(buf_done);
	struct str text;

	buf_init(&out, SIZE_MAX);
	violations_write(v, &out);
	assert_int_equal(buf_error(&out), 0);
	text = arena_str(a, buf_str(&out));
	return text;
}

static void test_written_as_fastapi_does(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct violations v;

	(void)state;
	violations_init(&v, a);
	testing_str(written(&v, a), "[]");
	violations_add(&v, "body", "email", "missing", "Field %s", "required");
	violations_add(&v, "body", NULL, "json_invalid", "A \"quote\"");
	testing_str(written(&v, a), "[{\"loc\":[\"body\",\"email\"],\"msg\":\"Field required\",\"type\":\"missing\"},"
	                            "{\"loc\":[\"body\"],\"msg\":\"A \\\"quote\\\"\",\"type\":\"json_invalid\"}]");
}

static void test_index_is_a_number(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct violations v;
	struct walk w;

	(void)state;
	violations_init(&v, a);
	walk_init(&w, a, &v, "body");
	walk_enter(&w, STR("3"));
	walk_enter_index(&w, 3);
	assert_int_equal(walk_fault(&w, "missing", "x"), -EINVAL);
	testing_str(written(&v, a), "[{\"loc\":[\"body\",\"3\",3],\"msg\":\"x\",\"type\":\"missing\"}]");
}

static void test_a_hundred_are_listed_and_the_rest_counted(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct violations v;

	(void)state;
	violations_init(&v, a);
	for (int i = 0; i < 250; i++)
		violations_add(&v, "body", "x", "missing", "%d", i);
	assert_int_equal(v.n, 100);
	assert_int_equal(v.dropped, 150);
	testing_str(v.items[0].msg, "0");
	testing_str(v.items[99].msg, "99");
}

static void test_location_is_cut_at_eight_steps(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct violations v;
	struct walk w;

	(void)state;
	violations_init(&v, a);
	walk_init(&w, a, &v, "body");
	for (size_t i = 0; i < 30; i++)
		walk_enter_index(&w, i);
	walk_fault(&w, "missing", "deep");
	for (size_t i = 0; i < 30; i++)
		walk_leave(&w);
	walk_fault(&w, "missing", "top");
	assert_string_equal(testing_words(a, &v), "body.0.1.2.3.4.5.6 missing; body missing");
}

static void test_long_name_is_cut_between_characters(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct violations v;
	struct walk w;
	char name[400];

	(void)state;
	name[0] = 'x';
	for (size_t i = 1; i + 1 < sizeof(name); i += 2)
		memcpy(name + i, "é", 2);
	violations_init(&v, a);
	walk_init(&w, a, &v, "body");
	walk_enter(&w, (struct str){ name, 399 });
	walk_fault(&w, "extra_forbidden", "x");
	assert_int_equal(v.items[0].loc[1].len, 127);
}

static void test_full_arena_is_told(void **state)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct violations v;
	struct walk w;

	(void)state;
	assert_int_equal(arena_new(0, &a), 0);
	violations_init(&v, a);
	walk_init(&w, a, &v, "body");
	assert_int_equal(walk_result(&w, walk_fault(&w, "missing", "x")), -ENOMEM);
	assert_int_equal(v.n, 0);
	assert_int_equal(v.dropped, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_as_fastapi_does),
		cmocka_unit_test(test_index_is_a_number),
		cmocka_unit_test(test_a_hundred_are_listed_and_the_rest_counted),
		cmocka_unit_test(test_location_is_cut_at_eight_steps),
		cmocka_unit_test(test_long_name_is_cut_between_characters),
		cmocka_unit_test(test_full_arena_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
