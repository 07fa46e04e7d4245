/* The rules for one value: each type, its limits, and the words when they are broken. */
#include "schema/testing.h"

#include "base/buf.h"

/* A message of one field; big enough for any type. */
struct one {
	union {
		bool boolean;
		int64_t integer;
		double number;
		struct str text;
		struct schema_int boxed;
		struct schema_array array;
	} v;
};

static const char *const colours[] = { "red", "green", "blue", NULL };

static struct schema one_schema(const struct schema_field *f)
{
	return (struct schema){
		.name = "One", .fields = f, .n_fields = 1, .size = sizeof(struct one), .present_offset = SIZE_MAX
	};
}

/* {"x": VALUE}: "" when it is taken, else "word: message". */
static const char *outcome_of(struct arena *a, const struct schema_field *f, struct str value, struct one *ret)
{
	struct schema s = one_schema(f);
	struct violations v;
	struct buf b CLEANUP(buf_done);

	buf_init(&b, SIZE_MAX);
	buf_adds(&b, "{\"x\":");
	buf_add_str(&b, value);
	buf_addc(&b, '}');
	violations_init(&v, a);
	if (schema_parse(&s, buf_str(&b), a, ret, &v) == 0)
		return "";
	assert_int_equal(v.n, 1);
	return arena_printf(a, "%s: %s", v.items[0].type, v.items[0].msg.data).data;
}

struct trial {
	const char *json;
	const char *outcome;
};

static void try_all(const struct schema_field *f, const struct trial *trials, size_t n)
{
	struct schema_field field = *f;

	field.name = "x";
	field.flags |= SCHEMA_REQUIRED;
	for (size_t i = 0; i < n; i++) {
		struct arena *a CLEANUP(arena_free) = testing_arena();
		struct one value;
		const char *outcome = outcome_of(a, &field, str_from(trials[i].json), &value);

		if (strcmp(outcome, trials[i].outcome) != 0)
			fail_msg("%s: %s", trials[i].json, outcome);
	}
}

#define TRY(field, ...)                                                                   \
	try_all(&(const struct schema_field)field, (const struct trial[]){ __VA_ARGS__ }, \
	        ARRAY_SIZE(((const struct trial[]){ __VA_ARGS__ })))
#define FIELD(...)          \
	{                   \
		__VA_ARGS__ \
	}

static void test_bool(void **state)
{
	static const char wrong[] = "bool_type: Input should be a valid boolean";

	(void)state;
	TRY(FIELD(.type = SCHEMA_BOOL), { "true", "" }, { "false", "" }, { "0", wrong }, { "1", wrong },
	    { "\"true\"", wrong }, { "null", wrong }, { "[]", wrong });
}

static void test_int(void **state)
{
	static const char wrong[] = "int_type: Input should be a valid integer";

	(void)state;
	TRY(FIELD(.type = SCHEMA_INT), { "0", "" }, { "-0", "" }, { "9223372036854775807", "" },
	    { "-9223372036854775808", "" }, { "1.0", wrong }, { "1e3", wrong }, { "1.5", wrong }, { "\"1\"", wrong },
	    { "true", wrong }, { "null", wrong }, { "{}", wrong },
	    { "9223372036854775808", "json_invalid: JSON decode error: number out of range at byte 24" });
	TRY(FIELD(.type = SCHEMA_INT, .min = 1, .max = 500), { "1", "" }, { "500", "" },
	    { "0", "greater_than_equal: Input should be greater than or equal to 1" },
	    { "-9223372036854775808", "greater_than_equal: Input should be greater than or equal to 1" },
	    { "501", "less_than_equal: Input should be less than or equal to 500" });
	TRY(FIELD(.type = SCHEMA_INT, .min = -5), { "-5", "" }, { "0", "" },
	    { "1", "less_than_equal: Input should be less than or equal to 0" });
}

static void test_number(void **state)
{
	static const char wrong[] = "float_type: Input should be a valid number";

	(void)state;
	TRY(FIELD(.type = SCHEMA_NUMBER), { "0", "" }, { "-1.5e-3", "" }, { "7", "" }, { "1e308", "" },
	    { "\"1\"", wrong }, { "true", wrong }, { "null", wrong });
	TRY(FIELD(.type = SCHEMA_NUMBER, .max = 10), { "10.0", "" }, { "0", "" },
	    { "10.000001", "less_than_equal: Input should be less than or equal to 10" },
	    { "-1e-9", "greater_than_equal: Input should be greater than or equal to 0" });
}

static void test_string_length_is_in_code_points(void **state)
{
	static const char wrong[] = "string_type: Input should be a valid string";

	(void)state;
	TRY(FIELD(.type = SCHEMA_STRING, .min = 2, .max = 3), { "\"ab\"", "" }, { "\"🎬éя\"", "" },
	    { "\"\"", "string_too_short: String should have at least 2 characters" },
	    { "\"é\"", "string_too_short: String should have at least 2 characters" },
	    { "\"🎬🎬🎬🎬\"", "string_too_long: String should have at most 3 characters" }, { "5", wrong },
	    { "null", wrong }, { "[\"ab\"]", wrong });
	TRY(FIELD(.type = SCHEMA_STRING, .min = 1, .max = 1),
	    { "\"\"", "string_too_short: String should have at least 1 character" },
	    { "\"ab\"", "string_too_long: String should have at most 1 character" });
}

static void test_string_length_has_a_limit_of_its_own(void **state)
{
	const struct schema_field field = { .name = "x", .type = SCHEMA_STRING };
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct buf b CLEANUP(buf_done);
	struct one value;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_addf(&b, "\"%065536d\"", 0);
	assert_string_equal(outcome_of(a, &field, buf_str(&b), &value), "");
	buf_reset(&b);
	buf_addf(&b, "\"%065537d\"", 0);
	assert_string_equal(outcome_of(a, &field, buf_str(&b), &value),
	                    "string_too_long: String should have at most 65536 characters");
}

static void test_control_characters(void **state)
{
	static const char control[] = "value_error: Value error, control characters are not allowed";
	static const char nul[] = "value_error: Value error, the character U+0000 is not allowed";

	(void)state;
	TRY(FIELD(.type = SCHEMA_STRING), { "\"a b\\u00a0\"", "" }, { "\"a\\nb\"", control }, { "\"\\t\"", control },
	    { "\"\\u001b\"", control }, { "\"\\u007f\"", control }, { "\"\\u0080\"", control },
	    { "\"\\u009f\"", control }, { "\"a\\u0000b\"", nul });
	TRY(FIELD(.type = SCHEMA_STRING, .flags = SCHEMA_MULTILINE), { "\"a\\r\\n\\tb\"", "" },
	    { "\"\\u000b\"", control }, { "\"\\u0000\"", nul });
	TRY(FIELD(.type = SCHEMA_STRING, .flags = SCHEMA_NUL_OK), { "\"a\\u0000b\"", "" }, { "\"\\n\"", control });
}

static void test_nul_is_kept_with_what_follows(void **state)
{
	const struct schema_field field = { .name = "x", .type = SCHEMA_STRING, .flags = SCHEMA_NUL_OK };
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct one value;

	(void)state;
	assert_string_equal(outcome_of(a, &field, STR("\"a\\u0000b\""), &value), "");
	assert_true(str_equal(value.v.text, STR("a\0b")));
}

static void test_trim(void **state)
{
	static const struct {
		const char *json;
		const char *kept;
	} trials[] = {
		{ "\"  a b \"", "a b" },
		{ "\"\\u00a0\\u3000\\n\\ta\\u2028\"", "a" },
		{ "\"a\"", "a" },
		{ "\"🎬 \"", "🎬" },
	};
	struct schema_field field = { .name = "x", .type = SCHEMA_STRING, .flags = SCHEMA_TRIM, .min = 1, .max = 3 };
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct one value;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++) {
		assert_string_equal(outcome_of(a, &field, str_from(trials[i].json), &value), "");
		testing_str(value.v.text, trials[i].kept);
	}
	assert_string_equal(outcome_of(a, &field, STR("\" \\t\\u2003 \""), &value),
	                    "string_too_short: String should have at least 1 character");
}

static void test_pattern(void **state)
{
	(void)state;
	TRY(FIELD(.type = SCHEMA_STRING, .pattern = "tt[0-9]{7,8}"), { "\"tt0113277\"", "" }, { "\"tt01132770\"", "" },
	    { "\"xtt0113277\"", "string_pattern_mismatch: String should match pattern 'tt[0-9]{7,8}'" },
	    { "\"tt011327700\"", "string_pattern_mismatch: String should match pattern 'tt[0-9]{7,8}'" });
}

static void test_enum(void **state)
{
	static const char wrong[] = "enum: Input should be 'red', 'green' or 'blue'";

	(void)state;
	TRY(FIELD(.type = SCHEMA_ENUM, .values = colours), { "\"red\"", "" }, { "\"blue\"", "" }, { "\"Red\"", wrong },
	    { "\"\"", wrong }, { "\"red\\u0000\"", wrong }, { "3", wrong }, { "null", wrong });
	TRY(FIELD(.type = SCHEMA_ENUM, .values = colours + 2), { "\"red\"", "enum: Input should be 'blue'" });
}

static void test_formats(void **state)
{
	static const char date[] = "date_parsing: Input should be a valid date in the format YYYY-MM-DD";
	static const char datetime[] = "datetime_parsing: Input should be a valid datetime with an offset (RFC 3339)";
	static const char uuid[] = "uuid_parsing: Input should be a valid UUID";
	static const char language[] = "value_error: Value error, should be a language tag such as 'en' or 'pt-BR'";
	static const char region[] = "value_error: Value error, should be a two-letter upper-case country code";

	(void)state;
	TRY(FIELD(.type = SCHEMA_EMAIL), { "\"a@b.co\"", "" },
	    { "\"a\"", "value_error: value is not a valid email address: An email address must have an @-sign." },
	    { "\"a\\u0000@b.co\"",
	      "value_error: value is not a valid email address: The email address contains control characters." },
	    { "3", "string_type: Input should be a valid string" });
	TRY(FIELD(.type = SCHEMA_DATE), { "\"2024-02-29\"", "" }, { "\"2023-02-29\"", date }, { "\"2024-2-9\"", date },
	    { "\"2024-02-29T00:00:00Z\"", date }, { "\"\"", date }, { "3", "date_type: Input should be a valid date" });
	TRY(FIELD(.type = SCHEMA_DATETIME), { "\"2024-02-29T23:59:59Z\"", "" },
	    { "\"2024-02-29T23:59:59.5+02:00\"", "" }, { "\"2024-02-29\"", datetime },
	    { "\"2024-02-29T24:00:00Z\"", datetime }, { "\"2024-02-29T10:00:00\"", datetime },
	    { "true", "datetime_type: Input should be a valid datetime" });
	TRY(FIELD(.type = SCHEMA_UUID), { "\"019ab3c1-7d5e-7000-8000-00000000000a\"", "" }, { "\"019ab3c1\"", uuid },
	    { "\"{019ab3c1-7d5e-7000-8000-00000000000a}\"", uuid },
	    { "5", "uuid_type: UUID input should be a string" });
	TRY(FIELD(.type = SCHEMA_URI), { "\"https://example.org/a\"", "" },
	    { "\"ftp://a\"", "url_scheme: URL scheme should be 'http' or 'https'" },
	    { "\"a\"", "url_parsing: Input should be a valid URL, relative URL without a base" },
	    { "5", "url_type: URL input should be a string" });
	TRY(FIELD(.type = SCHEMA_LANGUAGE), { "\"pt-BR\"", "" }, { "\"pt_BR\"", language }, { "\"\"", language });
	TRY(FIELD(.type = SCHEMA_REGION), { "\"BR\"", "" }, { "\"br\"", region }, { "\"BRA\"", region },
	    { "\"Ё\"", region });
}

static void test_uuid_is_kept_in_lower_case(void **state)
{
	const struct schema_field field = { .name = "x", .type = SCHEMA_UUID };
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct one value;

	(void)state;
	assert_string_equal(outcome_of(a, &field, STR("\"019AB3C1-7D5E-7000-8000-00000000000F\""), &value), "");
	testing_str(value.v.text, "019ab3c1-7d5e-7000-8000-00000000000f");
}

static void test_lists(void **state)
{
	(void)state;
	TRY(FIELD(.type = SCHEMA_ARRAY, .item = SCHEMA_INT, .min = 2, .max = 3), { "[1,2]", "" }, { "[1,2,3]", "" },
	    { "[1]", "too_short: List should have at least 2 items after validation, not 1" },
	    { "[1,2,3,4]", "too_long: List should have at most 3 items after validation, not 4" },
	    { "[1,null]", "int_type: Input should be a valid integer" },
	    { "{}", "list_type: Input should be a valid list" }, { "null", "list_type: Input should be a valid list" });
	TRY(FIELD(.type = SCHEMA_ARRAY, .item = SCHEMA_ENUM, .values = colours, .max = 1), { "[\"red\"]", "" },
	    { "[]", "" }, { "[\"x\"]", "enum: Input should be 'red', 'green' or 'blue'" },
	    { "[\"red\",\"x\"]", "too_long: List should have at most 1 item after validation, not 2" });
}

static void test_missing_and_nullable(void **state)
{
	struct schema_field field = { .name = "x", .type = SCHEMA_INT, .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE };
	struct schema s = one_schema(&field);
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct one value;

	(void)state;
	assert_string_equal(testing_refused(a, &s, STR("{}")), "body.x missing");
	assert_string_equal(outcome_of(a, &field, STR("null"), &value), "");
	assert_false(value.v.boxed.is_set);
	assert_string_equal(outcome_of(a, &field, STR("0"), &value), "");
	assert_true(value.v.boxed.is_set);
}

static void test_boxed_default(void **state)
{
	struct schema_field field = { .name = "x", .type = SCHEMA_INT, .flags = SCHEMA_OPTIONAL_TYPE, .def = "5" };
	struct schema s = one_schema(&field);
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct one value;

	(void)state;
	testing_taken(a, &s, STR("{}"), &value);
	assert_true(value.v.boxed.is_set);
	assert_int_equal(value.v.boxed.value, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bool),
		cmocka_unit_test(test_int),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_string_length_is_in_code_points),
		cmocka_unit_test(test_string_length_has_a_limit_of_its_own),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_nul_is_kept_with_what_follows),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_pattern),
		cmocka_unit_test(test_enum),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_uuid_is_kept_in_lower_case),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_missing_and_nullable),
		cmocka_unit_test(test_boxed_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
