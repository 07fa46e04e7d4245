/* Tables to JSON Schema. */
#include "schema/sample.h"
#include "schema/testing.h"

#include <jansson.h>

static const char *const sorts[] = { "asc", "desc", NULL };
static const struct schema leaf_schema = { .name = "Leaf", .size = 1, .present_offset = SIZE_MAX };

static void assert_described(const struct schema_field *f, const char *expected)
{
	struct buf out CLEANUP(buf_done);

	buf_init(&out, 4096);
	schema_describe_field(f, &out);
	testing_str(buf_str(&out), expected);
}

#define DESCRIBED(expected, ...) assert_described(&(const struct schema_field){ __VA_ARGS__ }, expected)

static void test_scalars(void **state)
{
	(void)state;
	DESCRIBED("{\"type\":\"boolean\",\"default\":false}", .type = SCHEMA_BOOL, .def = "false");
	DESCRIBED("{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":1,\"maximum\":500,\"description\":\"Page.\","
	          "\"default\":1,\"examples\":[2]}",
	          .type = SCHEMA_INT, .min = 1, .max = 500, .doc = "Page.", .def = "1", .example = "2");
	DESCRIBED("{\"type\":[\"number\",\"null\"],\"format\":\"double\"}", .type = SCHEMA_NUMBER,
	          .flags = SCHEMA_NULLABLE);
	DESCRIBED("{\"description\":\"What \\\"it\\\" is.\"}", .type = SCHEMA_ANY, .doc = "What \"it\" is.");
}

static void test_strings(void **state)
{
	(void)state;
	DESCRIBED("{\"type\":\"string\",\"maxLength\":65536}", .type = SCHEMA_STRING);
	DESCRIBED("{\"type\":\"string\",\"format\":\"password\",\"minLength\":8,\"maxLength\":128,\"writeOnly\":true}",
	          .type = SCHEMA_STRING, .flags = SCHEMA_SECRET, .min = 8, .max = 128);
	DESCRIBED("{\"type\":\"string\",\"maxLength\":5,\"pattern\":\"^(?:a|\\\\\\\"b\\\\.)$\"}", .type = SCHEMA_STRING,
	          .max = 5, .pattern = "a|\\\"b\\.");
	DESCRIBED("{\"type\":\"string\",\"format\":\"email\",\"maxLength\":254}", .type = SCHEMA_EMAIL);
	DESCRIBED("{\"type\":[\"string\",\"null\"],\"format\":\"uuid\"}", .type = SCHEMA_UUID,
	          .flags = SCHEMA_NULLABLE);
	DESCRIBED("{\"type\":\"string\",\"format\":\"date\"}", .type = SCHEMA_DATE);
	DESCRIBED("{\"type\":\"string\",\"format\":\"date-time\"}", .type = SCHEMA_DATETIME);
	DESCRIBED("{\"type\":\"string\",\"format\":\"uri\",\"maxLength\":2048}", .type = SCHEMA_URI);
	DESCRIBED("{\"type\":\"string\",\"pattern\":\"^[A-Z]{2}$\"}", .type = SCHEMA_REGION);
	DESCRIBED("{\"type\":[\"string\",\"null\"],\"enum\":[\"asc\",\"desc\",null]}", .type = SCHEMA_ENUM,
	          .values = sorts, .flags = SCHEMA_NULLABLE);
}

static void test_objects_and_lists(void **state)
{
	(void)state;
	DESCRIBED("{\"$ref\":\"#/components/schemas/Leaf\",\"description\":\"A leaf.\"}", .type = SCHEMA_OBJECT,
	          .schema = &leaf_schema, .doc = "A leaf.");
	DESCRIBED("{\"anyOf\":[{\"$ref\":\"#/components/schemas/Leaf\"},{\"type\":\"null\"}],\"default\":null}",
	          .type = SCHEMA_OBJECT, .schema = &leaf_schema, .flags = SCHEMA_NULLABLE, .def = "null");
	DESCRIBED("{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Leaf\"},\"maxItems\":1000}",
	          .type = SCHEMA_ARRAY, .schema = &leaf_schema);
	DESCRIBED("{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"string\",\"enum\":[\"asc\",\"desc\"]},"
	          "\"minItems\":1,"
	          "\"maxItems\":2}",
	          .type = SCHEMA_ARRAY, .item = SCHEMA_ENUM, .values = sorts, .flags = SCHEMA_NULLABLE, .min = 1,
	          .max = 2);
}

static void test_message(void **state)
{
	static const struct schema_field fields[] = {
		{ .name = "id", .type = SCHEMA_INT, .flags = SCHEMA_REQUIRED },
		{ .name = "at", .type = SCHEMA_DATE },
		{ .name = "ok", .type = SCHEMA_BOOL, .flags = SCHEMA_REQUIRED },
	};
	const struct schema s = SCHEMA("Thing", struct sample, fields, "A thing.");
	struct buf out CLEANUP(buf_done);

	(void)state;
	buf_init(&out, 4096);
	schema_describe(&s, &out);
	testing_str(
	        buf_str(&out),
	        "{\"type\":\"object\",\"title\":\"Thing\",\"description\":\"A "
	        "thing.\",\"properties\":{\"id\":{\"type\":\"integer\","
	        "\"format\":\"int64\"},\"at\":{\"type\":\"string\",\"format\":\"date\"},\"ok\":{\"type\":\"boolean\"}},"
	        "\"required\":[\"id\",\"ok\"],\"additionalProperties\":false}");
}

static void test_the_sample_is_valid_json(void **state)
{
	struct buf out CLEANUP(buf_done);
	json_t *json;

	(void)state;
	buf_init(&out, 1 << 16);
	schema_describe(&sample_schema, &out);
	json = json_loadb(buf_str(&out).data, buf_str(&out).len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	assert_int_equal(json_object_size(json_object_get(json, "properties")), sample_schema.n_fields);
	json_decref(json);
}

static int visit_name(const struct schema *s, void *arg)
{
	buf_adds(arg, s->name);
	buf_addc(arg, ' ');
	return 0;
}

static int visit_stop(const struct schema *s, void *arg)
{
	(void)s;
	++*(int *)arg;
	return -EIO;
}

static void test_visit_sees_each_message_once(void **state)
{
	struct buf out CLEANUP(buf_done);
	int calls = 0;

	(void)state;
	buf_init(&out, 4096);
	/* the sample names its inner message four times, which names itself */
	assert_int_equal(schema_visit(&sample_schema, visit_name, &out), 0);
	testing_str(buf_str(&out), "Sample SampleInner ");
	assert_int_equal(schema_visit(&sample_schema, visit_stop, &calls), -EIO);
	assert_int_equal(calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_objects_and_lists),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_the_sample_is_valid_json),
		cmocka_unit_test(test_visit_sees_each_message_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
