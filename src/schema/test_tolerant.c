/* What schema_parse_tolerant() makes of a capricious source: every caprice by itself, and what it still refuses. That
 * what it takes is right in every respect is for test_property.c to try. */
#include "schema/testing.h"

#include "base/buf.h"

struct part {
	struct str name;
	struct schema_int order;
};

struct thing {
	uint64_t present;
	int64_t id;
	struct schema_int count;
	int64_t page;
	struct schema_number score;
	struct schema_bool flag;
	struct str title;
	struct str note;
	struct str date;
	struct part *part;
	struct schema_array parts;
	struct schema_array numbers;
	struct schema_array named;
};

static const struct schema_field part_fields[] = {
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 8,
	  .offset = offsetof(struct part, name) },
	{ .name = "order",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .min = 0,
	  .max = 9,
	  .offset = offsetof(struct part, order) },
};
static const struct schema part_schema = SCHEMA("Part", struct part, part_fields, "A part.");

static const struct schema_field thing_fields[] = {
	{ .name = "id", .type = SCHEMA_INT, .flags = SCHEMA_REQUIRED, .offset = offsetof(struct thing, id) },
	{ .name = "count", .type = SCHEMA_INT, .flags = SCHEMA_NULLABLE, .offset = offsetof(struct thing, count) },
	{ .name = "page", .type = SCHEMA_INT, .min = 1, .max = 5, .def = "1", .offset = offsetof(struct thing, page) },
	{ .name = "score", .type = SCHEMA_NUMBER, .max = 10, .offset = offsetof(struct thing, score) },
	{ .name = "flag", .type = SCHEMA_BOOL, .flags = SCHEMA_NULLABLE, .offset = offsetof(struct thing, flag) },
	{ .name = "title", .type = SCHEMA_STRING, .max = 5, .offset = offsetof(struct thing, title) },
	{ .name = "note",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE | SCHEMA_MULTILINE,
	  .offset = offsetof(struct thing, note) },
	{ .name = "date", .type = SCHEMA_DATE, .flags = SCHEMA_NULLABLE, .offset = offsetof(struct thing, date) },
	{ .name = "part",
	  .type = SCHEMA_OBJECT,
	  .flags = SCHEMA_NULLABLE,
	  .schema = &part_schema,
	  .offset = offsetof(struct thing, part) },
	{ .name = "parts",
	  .type = SCHEMA_ARRAY,
	  .schema = &part_schema,
	  .max = 3,
	  .offset = offsetof(struct thing, parts) },
	{ .name = "numbers", .type = SCHEMA_ARRAY, .item = SCHEMA_INT, .offset = offsetof(struct thing, numbers) },
	{ .name = "named",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_BY_NAME,
	  .schema = &part_schema,
	  .max = 2,
	  .offset = offsetof(struct thing, named) },
};
static const struct schema thing_schema = {
	.name = "Thing",
	.fields = thing_fields,
	.n_fields = ARRAY_SIZE(thing_fields),
	.size = sizeof(struct thing),
	.present_offset = offsetof(struct thing, present),
};

static struct arena *arena;

static int arena_before(void **state)
{
	(void)state;
	arena = testing_arena();
	return 0;
}

static int arena_after(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* The thing read from {"id":1,MEMBERS}. */
static struct thing thing_with(const char *members)
{
	struct thing thing;
	struct str text = arena_printf(arena, "{\"id\":1,%s}", members);

	assert_int_equal(schema_parse_tolerant(&thing_schema, text, arena, &thing), 0);
	return thing;
}

static const struct part *part_of(const struct schema_array *parts, size_t i)
{
	assert_true(i < parts->n);
	return (const struct part *)parts->items + i;
}

static void test_integers_and_reals_stand_for_each_other(void **state)
{
	(void)state;
	assert_int_equal(thing_with("\"count\":7.0").count.value, 7);
	assert_true(thing_with("\"score\":7").score.value == 7.0);
	assert_int_equal(thing_with("\"count\":-2e3").count.value, -2000);
	assert_false(thing_with("\"count\":7.5").count.is_set);
	assert_false(thing_with("\"count\":1e300").count.is_set);
	assert_false(thing_with("\"count\":9223372036854775808.0").count.is_set);
}

static void test_what_does_not_fit_is_absent(void **state)
{
	static const char *const wrong[] = {
		"\"count\":\"7\"",   "\"count\":[]",      "\"flag\":1",  "\"flag\":\"true\"", "\"score\":11",
		"\"score\":-1",      "\"date\":\"2010\"", "\"date\":7",  "\"title\":{}",      "\"note\":false",
		"\"page\":0",        "\"page\":null",     "\"part\":[]", "\"part\":7",        "\"parts\":{}",
		"\"numbers\":\"1\"", "\"named\":[]",      "\"zz\":[{}]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct thing thing = thing_with(wrong[i]);

		assert_false(thing.count.is_set || thing.flag.is_set || thing.score.is_set);
		assert_true(str_is_null(thing.date) && str_is_null(thing.title) && str_is_null(thing.note));
		assert_int_equal(thing.page, 1);
		assert_null(thing.part);
		assert_int_equal(thing.parts.n + thing.numbers.n + thing.named.n, 0);
	}
}

static void test_empty_text_is_null_only_where_null_may_be(void **state)
{
	struct thing thing = thing_with("\"note\":\"\",\"date\":\"\",\"title\":\"\"");

	(void)state;
	assert_true(str_is_null(thing.note));
	assert_true(str_is_null(thing.date));
	testing_str(thing.title, "");
}

static void test_text_is_cut_and_cleaned(void **state)
{
	(void)state;
	testing_str(thing_with("\"title\":\"\u00e4\u00f6\u00fc\u4e2d\U0001f600xyz\"").title,
	            "\u00e4\u00f6\u00fc\u4e2d\U0001f600");
	testing_str(thing_with("\"title\":\"a\\r\\nb\"").title, "a  b");
	testing_str(thing_with("\"title\":\"a\\u0000\\u007f\\u0085b\"").title, "a   b");
	testing_str(thing_with("\"note\":\"a\\r\\n\\tb\\u0001\"").note, "a\r\n\tb ");
}

static void test_items_without_the_essence_are_left_out(void **state)
{
	struct thing thing =
	        thing_with("\"parts\":[{},{\"name\":\"\"},7,null,{\"name\":\"a\",\"order\":10},{\"name\":\"b\","
	                   "\"order\":3},[]],\"part\":{\"order\":1},\"numbers\":[1,\"2\",null,3.0,{}]");

	(void)state;
	assert_int_equal(thing.parts.n, 2);
	testing_str(part_of(&thing.parts, 0)->name, "a");
	assert_false(part_of(&thing.parts, 0)->order.is_set);
	testing_str(part_of(&thing.parts, 1)->name, "b");
	assert_int_equal(part_of(&thing.parts, 1)->order.value, 3);
	assert_null(thing.part);
	assert_int_equal(thing.numbers.n, 2);
	assert_int_equal(((const int64_t *)thing.numbers.items)[1], 3);
}

static void test_long_lists_are_cut_after_what_is_left_out(void **state)
{
	struct thing thing =
	        thing_with("\"parts\":[{},{\"name\":\"a\"},{\"name\":\"b\"},{},{\"name\":\"c\"},{\"name\":\"d\"}]");

	(void)state;
	assert_int_equal(thing.parts.n, 3);
	testing_str(part_of(&thing.parts, 2)->name, "c");
}

static void test_a_list_by_name_takes_the_names(void **state)
{
	struct thing thing =
	        thing_with("\"named\":{\"b\":{\"order\":2},\"\":{},\"x\":7,\"a\":{\"name\":\"no\",\"order\":\"1\"}}");

	(void)state;
	assert_int_equal(thing.named.n, 2);
	testing_str(part_of(&thing.named, 0)->name, "b");
	assert_int_equal(part_of(&thing.named, 0)->order.value, 2);
	testing_str(part_of(&thing.named, 1)->name, "a");
	assert_false(part_of(&thing.named, 1)->order.is_set);
}

static void test_present_tells_what_was_sent_and_fits(void **state)
{
	(void)state;
	assert_int_equal(thing_with("\"count\":null,\"flag\":7,\"score\":1").present, 1u << 0 | 1u << 1 | 1u << 3);
}

static void test_an_empty_list_is_not_an_absent_one(void **state)
{
	(void)state;
	assert_non_null(thing_with("\"parts\":[]").parts.items);
	assert_null(thing_with("\"parts\":null").parts.items);
}

/* What jansson refuses though RFC 8259 allows it. */
static void test_legal_oddities_spoil_nothing_else(void **state)
{
	struct thing thing =
	        thing_with("\"count\":123456789012345678901234567890,\"score\":1e999,\"note\":\"a\\ud800b\\\\"
	                   "\\ud83d\\ude00\",\"count\":5,\"x\\u0000y\":[-1E+999,\"1e999\"],\"title\":\"z\"");

	(void)state;
	assert_int_equal(thing.count.value, 5);
	assert_false(thing.score.is_set);
	testing_str(thing.note, "a\ufffdb\\\U0001f600");
	testing_str(thing.title, "z");
}

static void assert_refused(struct str text)
{
	struct thing thing;

	assert_int_equal(schema_parse_tolerant(&thing_schema, text, arena, &thing), -EBADMSG);
}

static void test_what_is_no_message_is_refused(void **state)
{
	static const char *const wrong[] = { "",
		                             " ",
		                             "[]",
		                             "null",
		                             "7",
		                             "{}",
		                             "{\"id\":\"1\"}",
		                             "{\"id\":null}",
		                             "{\"id\":1",
		                             "{\"id\":1}}",
		                             "<html>",
		                             "{\"id\":1,}",
		                             "{\"id\":1e999}",
		                             "{\"id\":1,\"x\":\"\\ud800",
		                             "{\"id\":1,\"x\":\"\\" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_refused(str_from(wrong[i]));
	assert_refused(STR_NULL);
	assert_refused(BYTES("{\"id\":1,\"title\":\"\xff\"}"));
}

static void test_depth_is_limited(void **state)
{
	struct buf deep CLEANUP(buf_done);

	(void)state;
	buf_init(&deep, SIZE_MAX);
	buf_adds(&deep, "{\"id\":1,\"x\":");
	for (int i = 0; i < 100000; i++)
		buf_addc(&deep, '[');
	assert_refused(buf_str(&deep));
}

static void test_every_failed_allocation_is_told(void **state)
{
	struct str json =
	        STR("{\"id\":1,\"parts\":[{},{\"name\":\"a\"}],\"part\":{\"name\":\"toolongname\"},\"numbers\":[1],"
	            "\"note\":\"x\",\"named\":{\"a\":{}}}");
	struct arena *full CLEANUP(arena_free) = testing_arena();
	struct thing thing;
	size_t needed;

	/* given what a success takes */
	(void)state;
	assert_int_equal(schema_parse_tolerant(&thing_schema, json, full, &thing), 0);
	needed = arena_used(full);
	/* when there is less, step by step */
	for (size_t size = 0; size + 16 <= needed; size += 16) {
		struct arena *a CLEANUP(arena_free) = NULL;

		/* then it fails for that reason */
		assert_int_equal(arena_new(size, &a), 0);
		assert_int_equal(schema_parse_tolerant(&thing_schema, json, a, &thing), -ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers_and_reals_stand_for_each_other),
		cmocka_unit_test(test_what_does_not_fit_is_absent),
		cmocka_unit_test(test_empty_text_is_null_only_where_null_may_be),
		cmocka_unit_test(test_text_is_cut_and_cleaned),
		cmocka_unit_test(test_items_without_the_essence_are_left_out),
		cmocka_unit_test(test_long_lists_are_cut_after_what_is_left_out),
		cmocka_unit_test(test_a_list_by_name_takes_the_names),
		cmocka_unit_test(test_present_tells_what_was_sent_and_fits),
		cmocka_unit_test(test_an_empty_list_is_not_an_absent_one),
		cmocka_unit_test(test_legal_oddities_spoil_nothing_else),
		cmocka_unit_test(test_what_is_no_message_is_refused),
		cmocka_unit_test(test_depth_is_limited),
		cmocka_unit_test(test_every_failed_allocation_is_told),
	};

	return cmocka_run_group_tests(tests, arena_before, arena_after);
}
