/* The server as a client sees it: replies, headers, methods, conditions, bodies. */
#include "http/test_support.h"

#include "fiber/fiber.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the routes under test ---- */

struct greeting {
	struct str text;
	int64_t n;
};

static const struct schema_field greeting_fields[] = {
	{ .name = "text",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 20,
	  .offset = offsetof(struct greeting, text) },
	{ .name = "n", .type = SCHEMA_INT, .def = "1", .min = 0, .max = 9, .offset = offsetof(struct greeting, n) },
};
static const struct schema greeting_schema = SCHEMA("Greeting", struct greeting, greeting_fields, "A greeting.");

struct item_path {
	int64_t id;
};

static const struct schema_field item_path_fields[] = {
	{ .name = "id",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 100,
	  .offset = offsetof(struct item_path, id) },
};
static const struct schema item_path_schema = SCHEMA("ItemPath", struct item_path, item_path_fields, "");

static struct reply *shared;

static int hello(struct request *req)
{
	return respond(req, 200, &greeting_schema, &(struct greeting){ STR("hello"), 1 });
}

static int shared_reply(struct request *req)
{
	return respond_shared(req, shared);
}

static int item(struct request *req)
{
	struct item_path path;
	struct greeting query;
	int r = request_parse(req, &path, &query, NULL);

	if (r < 0)
		return r;
	query.n = path.id % 10;
	return respond(req, 200, &greeting_schema, &query);
}

static int echo(struct request *req)
{
	struct greeting in;
	int r = request_parse(req, NULL, NULL, &in);

	if (r < 0)
		return r;
	r = fiber_sleep_ms(5);
	if (r < 0)
		return r;
	request_timing(req, "nap", 5000);
	r = respond_header(req, "Location", STR("/echo/1"));
	if (r < 0)
		return r;
	return respond(req, 201, &greeting_schema, &in);
}

static int gone(struct request *req)
{
	return respond_empty(req, 204);
}

static int busy(struct request *req)
{
	return request_problem_retry(req, &problem_unavailable, 7, "Come back \"later\", %s.", "please");
}

static int nothing(struct request *req)
{
	(void)req;
	return -ENOENT;
}

static int forgetful(struct request *req)
{
	(void)req;
	return 0;
}

static const struct route routes[] = {
	{ HTTP_GET, "/hello", hello, .cacheable = true },
	{ HTTP_GET, "/shared", shared_reply },
	{ HTTP_GET, "/items/{id}", item, .path_params = &item_path_schema, .query = &greeting_schema },
	{ HTTP_DELETE, "/items/{id}", gone, .path_params = &item_path_schema },
	{ HTTP_POST, "/echo", echo, .body = &greeting_schema, .body_form = true },
	{ HTTP_GET, "/busy", busy },
	{ HTTP_GET, "/nothing", nothing },
	{ HTTP_GET, "/forgetful", forgetful },
	{ 0 },
};

static struct site *site;

static int up(void **state)
{
	(void)state;
	assert_int_equal(reply_new(200, "application/json", STR("{\"shared\":true}"), &shared), 0);
	reply_set_cache_control(shared, "public, max-age=60");
	site = site_up(routes, NULL);
	return 0;
}

static int down(void **state)
{
	(void)state;
	site_down(&site);
	reply_unref(&shared);
	return 0;
}

static char *ask(const char *request)
{
	return raw_exchange(site_port(site), request, strlen(request));
}

static char *ask_json(const char *type, const char *body)
{
	char text[4096];

	snprintf(text, sizeof(text),
	         "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", type,
	         strlen(body), body);
	return ask(text);
}

/* ---- replies ---- */

static void test_reply_has_body_and_standing_headers(void **state)
{
	char *got = ask("GET /hello HTTP/1.1\r\nHost: t\r\n\r\n");

	(void)state;
	assert_int_equal(response_status(got), 200);
	assert_string_equal(response_body(got), "{\"text\":\"hello\",\"n\":1}");
	assert_string_equal(response_header(got, "Content-Type"), "application/json");
	assert_string_equal(response_header(got, "Cache-Control"), "no-store");
	assert_int_equal(strlen(response_header(got, "X-Request-Id")), 32);
	assert_int_equal(strncmp(response_header(got, "Server-Timing"), "total;dur=", 10), 0);
	assert_int_equal(strlen(response_header(got, "ETag")), 18);
	assert_non_null(response_header(got, "Date"));
	free(got);
}

static void test_trace_of_the_caller_is_continued(void **state)
{
	char *got = ask("GET /hello HTTP/1.1\r\nHost: t\r\n"
	                "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n");

	(void)state;
	assert_string_equal(response_header(got, "X-Request-Id"), "4bf92f3577b34da6a3ce929d0e0e4736");
	free(got);
}

static void test_head_is_a_get_without_body(void **state)
{
	int fd = raw_connect(site_port(site));
	char *got;

	(void)state;
	raw_sends(fd, "HEAD /hello HTTP/1.1\r\nHost: t\r\n\r\n");
	got = raw_response_of(fd, true);
	assert_int_equal(response_status(got), 200);
	assert_string_equal(response_header(got, "Content-Length"), "22");
	free(got);
	/* Nothing but the next response follows. */
	raw_sends(fd, "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n");
	got = raw_response(fd);
	assert_int_equal(response_status(got), 200);
	free(got);
	close(fd);
}

static void test_options_and_405_name_the_methods(void **state)
{
	char *got = ask("OPTIONS /items/5 HTTP/1.1\r\nHost: t\r\n\r\n");

	(void)state;
	assert_int_equal(response_status(got), 204);
	assert_string_equal(response_header(got, "Allow"), "GET, HEAD, DELETE, OPTIONS");
	free(got);
	got = ask("PUT /items/5 HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(response_status(got), 405);
	assert_string_equal(response_header(got, "Allow"), "GET, HEAD, DELETE, OPTIONS");
	free(got);
	got = ask("OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n");
	assert_int_equal(response_status(got), 204);
	free(got);
}

static void test_empty_reply_has_no_body(void **state)
{
	char *got = ask("DELETE /items/5 HTTP/1.1\r\nHost: t\r\n\r\n");

	(void)state;
	assert_int_equal(response_status(got), 204);
	assert_null(response_header(got, "Content-Length"));
	free(got);
}

static void test_connection_is_kept_and_pipelined_in_order(void **state)
{
	int fd = raw_connect(site_port(site));
	char *got;

	(void)state;
	raw_sends(fd, "GET /hello HTTP/1.1\r\nHost: t\r\n\r\nGET /nothing HTTP/1.1\r\nHost: t\r\n\r\n"
	              "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: "
	              "12\r\n\r\n{\"text\":\"x\"}"
	              "GET /shared HTTP/1.1\r\nHost: t\r\n\r\n");
	for (size_t i = 0; i < 4; i++) {
		static const int statuses[] = { 200, 404, 201, 200 };

		got = raw_response(fd);
		assert_int_equal(response_status(got), statuses[i]);
		free(got);
	}
	close(fd);
}

/* ---- conditions ---- */

static int status_if_none_match(const char *path, const char *value)
{
	char text[512];
	char *got;
	int status;

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: t\r\nIf-None-Match: %s\r\n\r\n", path, value);
	got = ask(text);
	status = response_status(got);
	if (status == 304) {
		assert_non_null(response_header(got, "ETag"));
		assert_non_null(response_header(got, "Cache-Control"));
		assert_string_equal(response_body(got), "");
	}
	free(got);
	return status;
}

static void test_if_none_match_gives_304(void **state)
{
	char list[128];

	(void)state;
	assert_int_equal(status_if_none_match("/shared", reply_etag(shared)), 304);
	assert_int_equal(status_if_none_match("/shared", "*"), 304);
	snprintf(list, sizeof(list), "\"a\", W/%s", reply_etag(shared));
	assert_int_equal(status_if_none_match("/shared", list), 304);
	assert_int_equal(status_if_none_match("/shared", "\"other\""), 200);
	assert_int_equal(status_if_none_match("/hello", "*"), 304);
	/* A route that is not cacheable has no tag. */
	assert_int_equal(status_if_none_match("/items/3?text=x", "*"), 200);
}

static void test_shared_reply_brings_its_cache_control(void **state)
{
	char *got = ask("GET /shared HTTP/1.1\r\nHost: t\r\n\r\n");

	(void)state;
	assert_string_equal(response_body(got), "{\"shared\":true}");
	assert_string_equal(response_header(got, "Cache-Control"), "public, max-age=60");
	assert_string_equal(response_header(got, "ETag"), reply_etag(shared));
	free(got);
}

/* ---- input ---- */

static void test_body_is_read_waiting_is_possible_and_headers_added(void **state)
{
	char *got = ask_json("application/json; charset=utf-8", "{\"text\":\"hi\",\"n\":3}");

	(void)state;
	assert_int_equal(response_status(got), 201);
	assert_string_equal(response_body(got), "{\"text\":\"hi\",\"n\":3}");
	assert_string_equal(response_header(got, "Location"), "/echo/1");
	assert_non_null(strstr(response_header(got, "Server-Timing"), ", nap;dur=5.000"));
	free(got);
}

static void test_form_is_taken_where_the_route_says_so(void **state)
{
	char *got = ask_json("application/x-www-form-urlencoded", "text=a+b%21&n=2");

	(void)state;
	assert_int_equal(response_status(got), 201);
	assert_string_equal(response_body(got), "{\"text\":\"a b!\",\"n\":2}");
	free(got);
}

static void test_chunked_body_is_put_together(void **state)
{
	char *got = ask(
	        "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	        "5\r\n{\"tex\r\n7\r\nt\":\"x\"}\r\n0\r\n\r\n");

	(void)state;
	assert_int_equal(response_status(got), 201);
	free(got);
}

static void test_expect_continue_is_answered(void **state)
{
	int fd = raw_connect(site_port(site));
	char *got;

	(void)state;
	raw_sends(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 12\r\n"
	              "Expect: 100-continue\r\n\r\n");
	got = raw_response(fd);
	assert_int_equal(response_status(got), 100);
	free(got);
	raw_sends(fd, "{\"text\":\"x\"}");
	got = raw_response(fd);
	assert_int_equal(response_status(got), 201);
	free(got);
	close(fd);
}

static void test_all_violations_come_together(void **state)
{
	char *got = ask("GET /items/0?n=x&other=1 HTTP/1.1\r\nHost: t\r\n\r\n");

	(void)state;
	assert_int_equal(response_status(got), 422);
	assert_non_null(strstr(response_body(got), "\"loc\":[\"path\",\"id\"]"));
	assert_non_null(strstr(response_body(got), "\"loc\":[\"query\",\"n\"]"));
	assert_non_null(strstr(response_body(got), "\"loc\":[\"query\",\"text\"]"));
	assert_non_null(strstr(response_body(got), "extra_forbidden"));
	free(got);
}

static void test_body_that_is_missing_or_no_json_is_422(void **state)
{
	char *got = ask_json("application/json", "");

	(void)state;
	assert_int_equal(response_status(got), 422);
	assert_non_null(
	        strstr(response_body(got), "\"loc\":[\"body\"],\"msg\":\"Field required\",\"type\":\"missing\""));
	free(got);
	got = ask_json("application/json", "{nope");
	assert_int_equal(response_status(got), 422);
	assert_non_null(strstr(response_body(got), "json_invalid"));
	free(got);
}

static void test_query_where_none_is_wanted_is_refused(void **state)
{
	char *got = ask("GET /hello?x=1 HTTP/1.1\r\nHost: t\r\n\r\n");

	(void)state;
	assert_int_equal(response_status(got), 422);
	assert_non_null(strstr(response_body(got), "extra_forbidden"));
	free(got);
}

/* ---- problems ---- */

static void test_problem_has_all_members(void **state)
{
	char *got = ask("GET /busy HTTP/1.1\r\nHost: t\r\n\r\n");
	char expected[512];

	(void)state;
	assert_int_equal(response_status(got), 503);
	assert_string_equal(response_header(got, "Content-Type"), "application/problem+json");
	assert_string_equal(response_header(got, "Retry-After"), "7");
	snprintf(expected, sizeof(expected),
	         "{\"type\":\"/docs#problem-unavailable\",\"title\":\"A part that this needs is not "
	         "available\",\"status\":503,"
	         "\"detail\":\"Come back \\\"later\\\", "
	         "please.\",\"instance\":\"/busy\",\"code\":\"unavailable\",\"trace_id\":\"%s\"}",
	         response_header(got, "X-Request-Id"));
	assert_string_equal(response_body(got), expected);
	free(got);
}

static void test_error_and_no_answer_become_problems(void **state)
{
	char *got = ask("GET /nothing HTTP/1.1\r\nHost: t\r\n\r\n");

	(void)state;
	assert_int_equal(response_status(got), 404);
	assert_non_null(strstr(response_body(got), "\"code\":\"not-found\""));
	free(got);
	got = ask("GET /forgetful HTTP/1.1\r\nHost: t\r\n\r\n");
	assert_int_equal(response_status(got), 500);
	free(got);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reply_has_body_and_standing_headers),
		cmocka_unit_test(test_trace_of_the_caller_is_continued),
		cmocka_unit_test(test_head_is_a_get_without_body),
		cmocka_unit_test(test_options_and_405_name_the_methods),
		cmocka_unit_test(test_empty_reply_has_no_body),
		cmocka_unit_test(test_connection_is_kept_and_pipelined_in_order),
		cmocka_unit_test(test_if_none_match_gives_304),
		cmocka_unit_test(test_shared_reply_brings_its_cache_control),
		cmocka_unit_test(test_body_is_read_waiting_is_possible_and_headers_added),
		cmocka_unit_test(test_form_is_taken_where_the_route_says_so),
		cmocka_unit_test(test_chunked_body_is_put_together),
		cmocka_unit_test(test_expect_continue_is_answered),
		cmocka_unit_test(test_all_violations_come_together),
		cmocka_unit_test(test_body_that_is_missing_or_no_json_is_422),
		cmocka_unit_test(test_query_where_none_is_wanted_is_refused),
		cmocka_unit_test(test_problem_has_all_members),
		cmocka_unit_test(test_error_and_no_answer_become_problems),
	};

	log_init("test", LOG_ALERT, 1);
	return cmocka_run_group_tests(tests, up, down);
}
