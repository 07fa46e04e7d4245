/* JSON to struct: what is kept, and every kind of refusal that is not about one value (those are in test_value.c). */
#include "schema/sample.h"
#include "schema/testing.h"

#include "base/buf.h"

struct person {
	struct str name;
	struct schema_int age;
	int64_t rank;
};

struct team {
	uint64_t present;
	struct str title;
	struct person *lead;
	struct schema_array people;
	struct schema_array tags;
	struct str extra;
	struct schema_bool is_open;
};

static const struct schema_field person_fields[] = {
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .offset = offsetof(struct person, name) },
	{ .name = "age",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_NULLABLE,
	  .min = 0,
	  .max = 150,
	  .offset = offsetof(struct person, age) },
	{ .name = "rank", .type = SCHEMA_INT, .def = "3", .offset = offsetof(struct person, rank) },
};

static int person_check(const void *value, struct arena *a, const char **ret_field, const char **ret_message)
{
	const struct person *person = value;

	(void)a;
	if (!str_equal(person->name, STR("Nobody")))
		return 0;
	*ret_field = "name";
	*ret_message = "must be somebody";
	return -EINVAL;
}

static const struct schema person_schema = {
	.name = "Person",
	.fields = person_fields,
	.n_fields = ARRAY_SIZE(person_fields),
	.size = sizeof(struct person),
	.present_offset = SIZE_MAX,
	.check = person_check,
};

static const struct schema_field team_fields[] = {
	{ .name = "title", .type = SCHEMA_STRING, .offset = offsetof(struct team, title) },
	{ .name = "lead",
	  .type = SCHEMA_OBJECT,
	  .flags = SCHEMA_NULLABLE,
	  .schema = &person_schema,
	  .offset = offsetof(struct team, lead) },
	{ .name = "people",
	  .type = SCHEMA_ARRAY,
	  .schema = &person_schema,
	  .max = 3,
	  .offset = offsetof(struct team, people) },
	{ .name = "tags",
	  .type = SCHEMA_ARRAY,
	  .item = SCHEMA_STRING,
	  .pattern = "[a-z]+",
	  .min = 1,
	  .max = 300,
	  .offset = offsetof(struct team, tags) },
	{ .name = "extra", .type = SCHEMA_ANY, .offset = offsetof(struct team, extra) },
	{ .name = "is_open", .type = SCHEMA_BOOL, .offset = offsetof(struct team, is_open) },
};

static const struct schema team_schema = {
	.name = "Team",
	.fields = team_fields,
	.n_fields = ARRAY_SIZE(team_fields),
	.size = sizeof(struct team),
	.present_offset = offsetof(struct team, present),
};

static void test_values_arrive(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	const struct person *people;
	struct team team;

	/* given */
	(void)state;
	testing_taken(
	        a, &team_schema,
	        STR(" {\"people\":[{\"name\":\"Ann\",\"age\":41},{\"rank\":-7,\"name\":\"B\\u00f6\"}],\n"
	            "\"tags\":[\"x\",\"yz\"],\"lead\":{\"name\":\"Cy\",\"age\":null},\"extra\":{\"a\": [1, 2.5]}} "),
	        &team);
	/* then */
	people = team.people.items;
	assert_int_equal(team.people.n, 2);
	testing_str(people[0].name, "Ann");
	assert_true(people[0].age.is_set);
	assert_int_equal(people[0].age.value, 41);
	assert_int_equal(people[0].rank, 3);
	testing_str(people[1].name, "Bö");
	assert_false(people[1].age.is_set);
	assert_int_equal(people[1].rank, -7);
	testing_str(((struct str *)team.tags.items)[1], "yz");
	testing_str(team.lead->name, "Cy");
	testing_str(team.extra, "{\"a\":[1,2.5]}");
	assert_true(str_is_null(team.title));
	assert_false(team.is_open.is_set);
}

static void test_present_tells_null_from_absent(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct team team;

	(void)state;
	testing_taken(a, &team_schema, STR("{\"lead\":null,\"is_open\":false}"), &team);
	assert_null(team.lead);
	assert_true(team.is_open.is_set);
	assert_int_equal(team.present, 1u << 1 | 1u << 5);
	testing_taken(a, &team_schema, STR("{}"), &team);
	assert_int_equal(team.present, 0);
}

static void test_strings_outlive_the_input(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	char text[] = "{\"title\":\"Heat\"}";
	struct team team;

	(void)state;
	testing_taken(a, &team_schema, str_from(text), &team);
	memset(text, 'x', sizeof(text));
	testing_str(team.title, "Heat");
}

static void test_all_violations_are_listed_with_their_places(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();

	(void)state;
	assert_string_equal(
	        testing_refused(a, &team_schema,
	                        STR("{\"title\":5,\"lead\":{\"age\":\"x\",\"name\":\"\",\"hat\":1},"
	                            "\"people\":[{\"name\":\"A\"},{\"age\":151},3,null],\"tags\":[\"a\",7,\"B\"],"
	                            "\"is_open\":null,\"zz\":1,\"yy\":2}")),
	        "body.title string_type; body.lead.name string_too_short; body.lead.age int_type; "
	        "body.lead.hat extra_forbidden; body.people too_long; body.tags.1 string_type; "
	        "body.tags.2 string_pattern_mismatch; body.is_open bool_type; body.zz extra_forbidden; "
	        "body.yy extra_forbidden");
	assert_string_equal(
	        testing_refused(a, &team_schema, STR("{\"people\":[{\"name\":\"A\"},{\"age\":151},null],\"tags\":[]}")),
	        "body.people.1.name missing; body.people.1.age less_than_equal; "
	        "body.people.2 model_attributes_type; body.tags too_short");
}

static void test_top_level_is_an_object(void **state)
{
	static const char *const wrong[] = { "[]", "null", "3", "\"{}\"", "true", "[{}]" };
	struct arena *a CLEANUP(arena_free) = testing_arena();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_string_equal(testing_refused(a, &team_schema, str_from(wrong[i])), "body model_attributes_type");
	assert_string_equal(testing_refused(a, &team_schema, STR("")), "body missing");
	assert_string_equal(testing_refused(a, &team_schema, STR_NULL), "body missing");
	assert_string_equal(testing_refused(a, &team_schema, STR(" \r\n\t")), "body missing");
}

static void assert_invalid(struct arena *a, struct str json, const char *message)
{
	struct violations v;
	struct team team;

	violations_init(&v, a);
	assert_int_equal(schema_parse(&team_schema, json, a, &team, &v), -EINVAL);
	assert_int_equal(v.n, 1);
	assert_string_equal(v.items[0].type, "json_invalid");
	assert_int_equal(v.items[0].n_loc, 2);
	assert_true(v.items[0].loc_is_index[1]);
	testing_str(v.items[0].msg, message);
}

static void test_invalid_json_tells_what_and_where(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();

	(void)state;
	assert_invalid(a, STR("{"), "JSON decode error: the text ends too early at byte 1");
	assert_invalid(a, STR("{\"title\":\"He"), "JSON decode error: the text ends too early at byte 12");
	assert_invalid(a, STR("{\"title\":Heat}"), "JSON decode error: invalid syntax at byte 13");
	assert_invalid(a, STR("{'title':1}"), "JSON decode error: invalid syntax at byte 2");
	assert_invalid(a, STR("{\"title\":1,}"), "JSON decode error: invalid syntax at byte 12");
	assert_invalid(a, STR("{} x"), "JSON decode error: something stands behind the value at byte 4");
	assert_invalid(a, STR("{\"title\":\"\xff\"}"), "JSON decode error: invalid UTF-8 at byte 10");
	assert_invalid(a, STR("{\"title\":\"\xed\xa0\x80\"}"), "JSON decode error: invalid UTF-8 at byte 10");
	assert_invalid(a, STR("{\"title\":\"\\ud800\"}"), "JSON decode error: invalid syntax at byte 17");
	assert_invalid(a, STR("{\"title\":\"a\nb\"}"), "JSON decode error: invalid syntax at byte 11");
	assert_invalid(a, STR("{\"a\\u0000b\":1}"), "JSON decode error: U+0000 in a name at byte 11");
	assert_invalid(a, STR("{\"title\":99999999999999999999}"), "JSON decode error: number out of range at byte 29");
	assert_invalid(a, STR("{\"title\":1e999}"), "JSON decode error: number out of range at byte 14");
	assert_invalid(a, STR("{\"title\":01}"), "JSON decode error: invalid syntax at byte 10");
	assert_invalid(a, STR("{\"title\":NaN}"), "JSON decode error: invalid syntax at byte 12");
	assert_invalid(a, STR("\xef\xbb\xbf{}"), "JSON decode error: invalid syntax at byte 3");
	assert_invalid(a, BYTES("{}\0"), "JSON decode error: something stands behind the value at byte 3");
}

static void test_duplicate_name_is_named(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct buf b CLEANUP(buf_done);

	(void)state;
	assert_invalid(a, STR("{\"title\":\"x\",\"title\":\"y\"}"),
	               "JSON decode error: duplicate name \"title\" at byte 20");
	assert_invalid(a, STR("{\"a\\\"b\":1,\"a\\\"b\":2}"),
	               "JSON decode error: duplicate name \"a\\\"b\" at byte 16");
	assert_invalid(a, STR("{\"\":1,\"\":2}"), "JSON decode error: duplicate name \"\" at byte 8");
	assert_invalid(a, STR("{\"lead\":{\"x\":1,\"x\" : 2}}"), "JSON decode error: duplicate name \"x\" at byte 18");
	buf_init(&b, SIZE_MAX);
	for (int i = 0; i < 2; i++) {
		buf_addc(&b, i ? ',' : '{');
		buf_addf(&b, "\"%0300d\":1", 0);
	}
	buf_addc(&b, '}');
	assert_invalid(a, buf_str(&b),
	               "JSON decode error: duplicate name "
	               "\"0000000000000000000000000000000000000000000000000000000000000000\" "
	               "at byte 608");
}

static void test_secret_is_never_echoed(void **state)
{
	static const char *const wrong[] = {
		"{\"secret\":\"hunter2\"hunter2}",
		"{\"secret\":hunter2}",
		"{\"secret\":\"hunter2",
		"{\"secret\":[\"hunter2\"]}",
		"{\"secret\":\"hunter2\\n\"}",
		"{\"secret\":\"hunter2hunter2hunter2hunter2hunter2\"}",
		"{\"email\":\"hunter2\"}",
		"{\"secret\":\"hunter2\",\"count\":1,\"count\":2}",
		"{\"code\":\"hunter2\",\"uri\":\"hunter2\",\"colour\":\"hunter2\"}",
		"{\"secret\":{\"hunter2\":\"hunter2\",\"x\":1}}",
	};
	struct arena *a CLEANUP(arena_free) = testing_arena();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct violations v;
		struct sample value;
		struct buf out CLEANUP(buf_done);

		buf_init(&out, SIZE_MAX);
		violations_init(&v, a);
		assert_int_equal(schema_parse(&sample_schema, str_from(wrong[i]), a, &value, &v), -EINVAL);
		violations_write(&v, &out);
		assert_null(strstr(buf_str(&out).data, "hunter2"));
	}
}

static struct str nested(struct buf *b, size_t depth)
{
	buf_reset(b);
	buf_adds(b, "{\"title\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\",\"extra\":");
	for (size_t i = 0; i < depth; i++)
		buf_addc(b, '[');
	for (size_t i = 0; i < depth; i++)
		buf_addc(b, ']');
	buf_addc(b, '}');
	return buf_str(b);
}

static void test_depth_is_limited(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct buf b CLEANUP(buf_done);
	struct team team;

	(void)state;
	buf_init(&b, SIZE_MAX);
	testing_taken(a, &team_schema, nested(&b, 31), &team);
	assert_invalid(a, nested(&b, 32), "JSON decode error: nested too deeply at byte 94");
	assert_invalid(a, nested(&b, 1000000), "JSON decode error: nested too deeply at byte 94");
}

static void test_a_flood_of_unknown_names_is_cut(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct buf b CLEANUP(buf_done);
	struct violations v;
	struct team team;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_adds(&b, "{\"title\":1");
	for (int i = 0; i < 20000; i++)
		buf_addf(&b, ",\"x%d\":1", i);
	buf_addc(&b, '}');
	violations_init(&v, a);
	assert_int_equal(schema_parse(&team_schema, buf_str(&b), a, &team, &v), -EINVAL);
	assert_int_equal(v.n, 100);
	assert_int_equal(v.dropped, 20001 - 100);
}

static void test_lenient_ignores_unknown_names_only(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct violations v;
	struct team team;

	(void)state;
	violations_init(&v, a);
	assert_int_equal(schema_parse_lenient(&team_schema,
	                                      STR("{\"title\":\"x\",\"zz\":{},\"lead\":{\"name\":\"A\",\"y\":1}}"), a,
	                                      &team, &v),
	                 0);
	testing_str(team.title, "x");
	assert_int_equal(schema_parse_lenient(&team_schema, STR("{\"title\":7,\"zz\":{}}"), a, &team, &v), -EINVAL);
	assert_string_equal(testing_words(a, &v), "body.title string_type");
}

static void test_rules_over_several_fields_come_last(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();

	(void)state;
	assert_string_equal(testing_refused(a, &team_schema, STR("{\"lead\":{\"name\":\"Nobody\"}}")),
	                    "body.lead.name value_error");
	assert_string_equal(
	        testing_refused(a, &team_schema, STR("{\"people\":[{\"name\":\"Nobody\"},{\"name\":\"A\"}]}")),
	        "body.people.0.name value_error");
	/* not of a message with other faults */
	assert_string_equal(testing_refused(a, &person_schema, STR("{\"name\":\"Nobody\",\"age\":-1}")),
	                    "body.age greater_than_equal");
}

static void test_every_failed_allocation_is_told(void **state)
{
	struct str json =
	        STR("{\"people\":[{\"name\":\"Ann\"}],\"tags\":[\"x\"],\"lead\":{\"name\":\"Cy\"},\"extra\":[]}");
	struct arena *full CLEANUP(arena_free) = testing_arena();
	struct violations v;
	struct team team;
	size_t needed;

	/* given what a success takes */
	(void)state;
	testing_taken(full, &team_schema, json, &team);
	needed = arena_used(full);
	/* when there is less, step by step */
	for (size_t size = 0; size + 16 <= needed; size += 16) {
		struct arena *a CLEANUP(arena_free) = NULL;

		assert_int_equal(arena_new(size, &a), 0);
		violations_init(&v, a);
		/* then it fails, and not for the input's sake */
		assert_int_equal(schema_parse(&team_schema, json, a, &team, &v), -ENOMEM);
		assert_int_equal(v.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_arrive),
		cmocka_unit_test(test_present_tells_null_from_absent),
		cmocka_unit_test(test_strings_outlive_the_input),
		cmocka_unit_test(test_all_violations_are_listed_with_their_places),
		cmocka_unit_test(test_top_level_is_an_object),
		cmocka_unit_test(test_invalid_json_tells_what_and_where),
		cmocka_unit_test(test_duplicate_name_is_named),
		cmocka_unit_test(test_secret_is_never_echoed),
		cmocka_unit_test(test_depth_is_limited),
		cmocka_unit_test(test_a_flood_of_unknown_names_is_cut),
		cmocka_unit_test(test_lenient_ignores_unknown_names_only),
		cmocka_unit_test(test_rules_over_several_fields_come_last),
		cmocka_unit_test(test_every_failed_allocation_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
