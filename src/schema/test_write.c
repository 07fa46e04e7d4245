/* Struct to JSON, and the check of a struct that we filled ourselves. */
#include "schema/testing.h"

#include <math.h>

struct node {
	struct str name;
	struct str note;
	struct str text;
	struct schema_int year;
	struct schema_bool is_open;
	double score;
	struct schema_array tags;
	struct schema_array sizes;
	struct node *next;
	struct str any;
};

static const struct schema node_schema;

static const struct schema_field node_fields[] = {
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 5,
	  .offset = offsetof(struct node, name) },
	{ .name = "note", .type = SCHEMA_STRING, .flags = SCHEMA_NULLABLE, .offset = offsetof(struct node, note) },
	{ .name = "text", .type = SCHEMA_STRING, .flags = SCHEMA_MULTILINE, .offset = offsetof(struct node, text) },
	{ .name = "year", .type = SCHEMA_INT, .flags = SCHEMA_NULLABLE, .offset = offsetof(struct node, year) },
	{ .name = "is_open", .type = SCHEMA_BOOL, .offset = offsetof(struct node, is_open) },
	{ .name = "score",
	  .type = SCHEMA_NUMBER,
	  .flags = SCHEMA_REQUIRED,
	  .max = 10,
	  .offset = offsetof(struct node, score) },
	{ .name = "tags",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .item = SCHEMA_STRING,
	  .max = 2,
	  .offset = offsetof(struct node, tags) },
	{ .name = "sizes",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_NULLABLE,
	  .item = SCHEMA_INT,
	  .offset = offsetof(struct node, sizes) },
	{ .name = "next",
	  .type = SCHEMA_OBJECT,
	  .flags = SCHEMA_NULLABLE,
	  .schema = &node_schema,
	  .offset = offsetof(struct node, next) },
	{ .name = "any", .type = SCHEMA_ANY, .offset = offsetof(struct node, any) },
};

static const struct schema node_schema = SCHEMA("Node", struct node, node_fields, "A node.");

static void assert_written(const struct node *node, const char *expected)
{
	struct buf out CLEANUP(buf_done);

	buf_init(&out, 4096);
	schema_write(&node_schema, node, &out);
	testing_str(buf_str(&out), expected);
	assert_int_equal(buf_error(&out), 0);
}

static void test_full_message(void **state)
{
	struct str tags[] = { STR("a"), STR("\"") };
	int64_t sizes[] = { INT64_MIN, 0 };
	struct node next = { .name = STR("b"), .score = 0.1 };
	struct node node = {
		.name = STR("Amé\0"),
		.note = STR("x"),
		.text = STR("1\n2"),
		.year = { true, -44 },
		.is_open = { true, false },
		.score = 8.438,
		.tags = { 2, tags },
		.sizes = { 2, sizes },
		.next = &next,
		.any = STR("{\"k\":[1]}"),
	};

	(void)state;
	assert_written(
	        &node,
	        "{\"name\":\"Amé\\u0000\",\"note\":\"x\",\"text\":\"1\\n2\",\"year\":-44,\"is_open\":false,\"score\":8."
	        "438,"
	        "\"tags\":[\"a\",\"\\\"\"],\"sizes\":[-9223372036854775808,0],\"next\":{\"name\":\"b\",\"note\":null,"
	        "\"year\":null,\"score\":0.1,\"tags\":[],\"sizes\":null,\"next\":null},\"any\":{\"k\":[1]}}");
}

static void test_nothing_to_write(void **state)
{
	static const struct schema_field fields[] = { { .name = "x", .type = SCHEMA_STRING } };
	const struct schema s = SCHEMA("X", struct str, fields, "");
	struct buf out CLEANUP(buf_done);
	struct str x = STR_NULL;

	(void)state;
	buf_init(&out, 100);
	schema_write(&s, &x, &out);
	testing_str(buf_str(&out), "{}");
}

static void test_list_that_may_not_be_null_is_empty(void **state)
{
	static const struct schema_field fields[] = { { .name = "x", .type = SCHEMA_ARRAY, .item = SCHEMA_INT } };
	const struct schema s = SCHEMA("X", struct schema_array, fields, "");
	struct schema_array x = { 0, NULL };
	struct buf out CLEANUP(buf_done);

	(void)state;
	buf_init(&out, 100);
	schema_write(&s, &x, &out);
	testing_str(buf_str(&out), "{\"x\":[]}");
}

static void test_numbers_json_does_not_have(void **state)
{
	struct node node = { .name = STR("a"), .score = NAN };

	(void)state;
	assert_written(
	        &node,
	        "{\"name\":\"a\",\"note\":null,\"year\":null,\"score\":null,\"tags\":[],\"sizes\":null,\"next\":null}");
	node.score = -0.0;
	assert_written(
	        &node,
	        "{\"name\":\"a\",\"note\":null,\"year\":null,\"score\":0,\"tags\":[],\"sizes\":null,\"next\":null}");
}

static void test_full_buffer_is_an_error(void **state)
{
	struct node node = { .name = STR("a") };
	struct buf out CLEANUP(buf_done);

	(void)state;
	buf_init(&out, 10);
	schema_write(&node_schema, &node, &out);
	assert_int_equal(buf_error(&out), -ENOBUFS);
}

static const char *checked(struct arena *a, const struct node *node)
{
	struct violations v;
	int r;

	violations_init(&v, a);
	r = schema_check(&node_schema, node, a, &v);
	assert_int_equal(r, v.n ? -EINVAL : 0);
	return testing_words(a, &v);
}

static void test_check_takes_what_is_right(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct node next = { .name = STR("b") };
	struct node node = { .name = STR("a"), .score = 10, .next = &next, .any = STR("null") };

	(void)state;
	assert_string_equal(checked(a, &node), "");
}

static void test_check_finds_every_fault(void **state)
{
	struct str tags[] = { STR("a"), STR_NULL, STR("\xff") };
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct node next = { .name = STR("abcdef"), .text = STR("\x1b"), .score = INFINITY, .any = STR("{") };
	struct node node = { .score = 11, .tags = { 3, tags }, .sizes = { 2, NULL }, .next = &next };

	(void)state;
	assert_string_equal(checked(a, &node),
	                    "response.name string_type; response.score less_than_equal; response.tags too_long; "
	                    "response.tags.1 string_type; response.tags.2 string_unicode; response.sizes list_type; "
	                    "response.next.name string_too_long; response.next.text value_error; "
	                    "response.next.score finite_number; response.next.any value_error");
}

static void test_ring_of_messages_ends(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct node node = { .name = STR("a") };
	struct buf out CLEANUP(buf_done);

	/* given a message that holds itself */
	(void)state;
	node.next = &node;
	/* then the check says so, and writing stops somewhere */
	assert_string_equal(checked(a, &node), "response.next.next.next.next.next.next.next recursion_loop");
	buf_init(&out, 1 << 20);
	schema_write(&node_schema, &node, &out);
	assert_int_equal(buf_error(&out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_message),
		cmocka_unit_test(test_nothing_to_write),
		cmocka_unit_test(test_list_that_may_not_be_null_is_empty),
		cmocka_unit_test(test_numbers_json_does_not_have),
		cmocka_unit_test(test_full_buffer_is_an_error),
		cmocka_unit_test(test_check_takes_what_is_right),
		cmocka_unit_test(test_check_finds_every_fault),
		cmocka_unit_test(test_ring_of_messages_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
