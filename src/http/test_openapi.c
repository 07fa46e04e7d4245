/* The OpenAPI document: JSON, complete, the same each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/openapi.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct message {
	struct str text;
};

struct id_path {
	int64_t movie_id;
};

static const struct schema_field message_fields[] = {
	{ .name = "text",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .max = 9,
	  .offset = offsetof(struct message, text),
	  .doc = "Some \"text\"." },
};
static const struct schema message_schema = SCHEMA("Message", struct message, message_fields, "A message.");
static const struct schema_field id_fields[] = {
	{ .name = "movie_id", .type = SCHEMA_INT, .flags = SCHEMA_REQUIRED, .min = 1, .max = 9, .doc = "Which." },
};
static const struct schema id_schema = SCHEMA("IdPath", struct id_path, id_fields, "");

static const struct route one[] = {
	{ HTTP_GET, "/api/v1/movies/{movie_id}", NULL, .path_params = &id_schema, .query = &message_schema,
	  .headers = &message_schema, .reply = { 200, &message_schema, NULL, "The film." },
	  .also = { { 202, "Later." } }, .errors = { 404 }, .tag = "movies", .summary = "One film", .cacheable = true },
	{ HTTP_DELETE, "/api/v1/movies/{movie_id}", NULL, .auth = HTTP_AUTH_ADMIN, .path_params = &id_schema,
	  .reply = { 204 }, .tag = "movies" },
	{ HTTP_GET, "/livez", NULL, .internal = true },
	{ 0 },
};
static const struct route two[] = {
	{ HTTP_POST, "/api/v1/auth/login", NULL, .body = &message_schema, .body_form = true,
	  .reply = { 200, &message_schema }, .tag = "auth" },
	{ 0 },
};
static const struct route *const tables[] = { one, two, NULL };

static json_t *document;

static int up(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	openapi_write("A \"title\"", "1.2.3", tables, &out);
	document = buf_error(&out) == 0 ? json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	buf_done(&out);
	return document ? 0 : -1;
}

static int down(void **state)
{
	(void)state;
	json_decref(document);
	return 0;
}

/* The value at a path of names, each ended by a bar: "paths|/livez|get". */
static json_t *at(const char *path)
{
	json_t *value = document;

	while (*path && value) {
		char name[100];
		size_t len = strcspn(path, "|");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		value = json_is_array(value) ? json_array_get(value, (size_t)strtol(name, NULL, 10))
		                             : json_object_get(value, name);
		path += len + (path[len] == '|');
	}
	return value;
}

static const char *text_at(const char *path)
{
	const char *text = json_string_value(at(path));

	return text ? text : "";
}

#define MOVIE "paths|/api/v1/movies/{movie_id}|"

static void test_document_says_what_it_is(void **state)
{
	(void)state;
	assert_string_equal(text_at("openapi"), "3.1.0");
	assert_string_equal(text_at("info|title"), "A \"title\"");
	assert_string_equal(text_at("info|version"), "1.2.3");
}

static void test_paths_hold_their_operations_and_nothing_internal(void **state)
{
	(void)state;
	assert_int_equal(json_object_size(at("paths")), 2);
	assert_int_equal(json_object_size(at("paths|/api/v1/movies/{movie_id}")), 2);
	assert_string_equal(text_at(MOVIE "get|operationId"), "get_movies_movie_id");
	assert_string_equal(text_at(MOVIE "delete|operationId"), "delete_movies_movie_id");
	assert_string_equal(text_at(MOVIE "get|summary"), "One film");
	assert_string_equal(text_at(MOVIE "get|tags|0"), "movies");
	assert_null(at("paths|/livez"));
}

static void test_parameters_come_from_path_and_query(void **state)
{
	(void)state;
	assert_int_equal(json_array_size(at(MOVIE "get|parameters")), 3);
	assert_string_equal(text_at(MOVIE "get|parameters|0|name"), "movie_id");
	assert_string_equal(text_at(MOVIE "get|parameters|0|in"), "path");
	assert_string_equal(text_at(MOVIE "get|parameters|0|schema|type"), "integer");
	assert_string_equal(text_at(MOVIE "get|parameters|1|in"), "query");
	assert_true(json_is_true(at(MOVIE "get|parameters|1|required")));
	assert_string_equal(text_at(MOVIE "get|parameters|2|in"), "header");
}

static void test_there_may_be_several_successes(void **state)
{
	(void)state;
	assert_string_equal(text_at(MOVIE "get|responses|200|description"), "The film.");
	assert_string_equal(text_at(MOVIE "get|responses|202|description"), "Later.");
	assert_string_equal(text_at(MOVIE "get|responses|202|content|application/json|schema|$ref"),
	                    "#/components/schemas/Message");
}

static void test_bodies_and_replies_name_their_messages(void **state)
{
	static const char message[] = "#/components/schemas/Message";

	(void)state;
	assert_string_equal(text_at("paths|/api/v1/auth/login|post|requestBody|content|application/json|schema|$ref"),
	                    message);
	assert_string_equal(text_at("paths|/api/v1/auth/login|post|requestBody|content|application/"
	                            "x-www-form-urlencoded|schema|$ref"),
	                    message);
	assert_string_equal(text_at(MOVIE "get|responses|200|content|application/json|schema|$ref"), message);
	assert_null(at(MOVIE "delete|responses|204|content"));
	assert_non_null(at(MOVIE "get|responses|304"));
	assert_non_null(at("components|schemas|Message|properties|text"));
}

static void test_errors_are_problems(void **state)
{
	(void)state;
	assert_string_equal(text_at(MOVIE "get|responses|404|content|application/problem+json|schema|$ref"),
	                    "#/components/schemas/Problem");
	assert_non_null(at(MOVIE "get|responses|422"));
	assert_non_null(at(MOVIE "delete|responses|401"));
	assert_non_null(at(MOVIE "delete|responses|403"));
	assert_non_null(at("paths|/api/v1/auth/login|post|responses|415"));
	assert_non_null(at("components|schemas|Problem|properties|trace_id"));
}

static void test_security_is_where_a_token_is_wanted(void **state)
{
	(void)state;
	assert_non_null(at(MOVIE "delete|security|0|bearerAuth"));
	assert_null(at(MOVIE "get|security"));
	assert_string_equal(text_at("components|securitySchemes|bearerAuth|scheme"), "bearer");
	assert_string_equal(text_at("components|securitySchemes|password|flows|password|tokenUrl"),
	                    "/api/v1/auth/login");
}

static void test_same_tables_give_the_same_bytes(void **state)
{
	struct buf a;
	struct buf b;

	(void)state;
	buf_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	openapi_write("t", "1", tables, &a);
	openapi_write("t", "1", tables, &b);
	assert_true(str_equal(buf_str(&a), buf_str(&b)));
	buf_done(&a);
	buf_done(&b);
}

static void test_small_buffer_keeps_the_error(void **state)
{
	struct buf small;

	(void)state;
	buf_init(&small, 100);
	openapi_write("t", "1", tables, &small);
	assert_true(buf_error(&small) < 0);
	buf_done(&small);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document_says_what_it_is),
		cmocka_unit_test(test_paths_hold_their_operations_and_nothing_internal),
		cmocka_unit_test(test_parameters_come_from_path_and_query),
		cmocka_unit_test(test_there_may_be_several_successes),
		cmocka_unit_test(test_bodies_and_replies_name_their_messages),
		cmocka_unit_test(test_errors_are_problems),
		cmocka_unit_test(test_security_is_where_a_token_is_wanted),
		cmocka_unit_test(test_same_tables_give_the_same_bytes),
		cmocka_unit_test(test_small_buffer_keeps_the_error),
	};

	return cmocka_run_group_tests(tests, up, down);
}
