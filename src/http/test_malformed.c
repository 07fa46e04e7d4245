/* Malformed and hostile requests, as raw bytes, and the status each must get. */
#include "http/test_support.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct in {
	struct str text;
};

static const struct schema_field in_fields[] = {
	{ .name = "text",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .max = 2000,
	  .offset = offsetof(struct in, text) },
};
static const struct schema in_schema = SCHEMA("In", struct in, in_fields, "");

static int page(struct request *req)
{
	return respond_text(req, 200, "text/plain", STR("ok"));
}

static int named(struct request *req)
{
	struct in in;
	int r = request_parse(req, &in, NULL, NULL);

	return r < 0 ? r : respond(req, 200, &in_schema, &in);
}

static int asked(struct request *req)
{
	struct in in;
	int r = request_parse(req, NULL, &in, NULL);

	return r < 0 ? r : respond(req, 200, &in_schema, &in);
}

static int taken(struct request *req)
{
	struct in in;
	int r = request_parse(req, NULL, NULL, &in);

	return r < 0 ? r : respond(req, 200, &in_schema, &in);
}

static const struct route routes[] = {
	{ HTTP_GET, "/", page },
	{ HTTP_GET, "/a/{text}", named, .path_params = &in_schema },
	{ HTTP_GET, "/q", asked, .query = &in_schema },
	{ HTTP_POST, "/b", taken, .body = &in_schema },
	{ 0 },
};

static struct site *site;

static int up(void **state)
{
	(void)state;
	site = site_up(routes, NULL);
	return 0;
}

static int down(void **state)
{
	(void)state;
	site_down(&site);
	return 0;
}

/* From 1.0 on the library itself refuses a coding that it does not know, and closes without a word when it cannot even
 * tell the parts of the request line. */
#define IS_LENIENT (MHD_VERSION < 0x00097701)
#define STATUS_CODING (IS_LENIENT ? 501 : 400)

struct row {
	const char *what;
	struct str bytes;
	int status;
	bool must_close; /* nothing after it on the connection may be believed */
};

#define H "Host: t\r\n"
#define JSON "Content-Type: application/json\r\n"
#define ROW(what, bytes, status)                \
	{                                       \
		what, STR(bytes), status, false \
	}
#define ROW_CLOSES(what, bytes, status)        \
	{                                      \
		what, STR(bytes), status, true \
	}

static const struct row rows[] = {
	ROW("plain", "GET / HTTP/1.1\r\n" H "\r\n", 200),
	ROW("an empty line before", "\r\nGET / HTTP/1.1\r\n" H "\r\n", 200),
	ROW("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 200),
	ROW("absolute form", "GET http://t/a/x HTTP/1.1\r\n" H "\r\n", 200),
	/* framing */
	ROW_CLOSES("CL and TE",
	           "POST /b HTTP/1.1\r\n" H JSON "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	           400),
	ROW_CLOSES("TE and CL",
	           "POST /b HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
	           400),
	ROW_CLOSES("two Content-Length, same",
	           "POST /b HTTP/1.1\r\n" H JSON "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
	ROW_CLOSES("two Content-Length, other", "GET / HTTP/1.1\r\n" H "Content-Length: 0\r\nContent-Length: 9\r\n\r\n",
	           400),
	ROW_CLOSES("list of Content-Length", "POST /b HTTP/1.1\r\n" H JSON "Content-Length: 2, 2\r\n\r\n{}", 400),
	ROW_CLOSES("negative Content-Length", "POST /b HTTP/1.1\r\n" H JSON "Content-Length: -1\r\n\r\n", 400),
	ROW_CLOSES("signed Content-Length", "POST /b HTTP/1.1\r\n" H JSON "Content-Length: +2\r\n\r\n{}", 400),
	ROW_CLOSES("hexadecimal Content-Length", "POST /b HTTP/1.1\r\n" H JSON "Content-Length: 0x2\r\n\r\n{}", 400),
	ROW_CLOSES("empty Content-Length", "POST /b HTTP/1.1\r\n" H JSON "Content-Length:\r\n\r\n", 400),
	ROW_CLOSES("huge Content-Length",
	           "POST /b HTTP/1.1\r\n" H JSON "Content-Length: 99999999999999999999999\r\n\r\n", 413),
	ROW_CLOSES("unknown coding", "POST /b HTTP/1.1\r\n" H JSON "Transfer-Encoding: gzip\r\n\r\n", STATUS_CODING),
	ROW_CLOSES("chunked not last",
	           "POST /b HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
	           STATUS_CODING),
	ROW_CLOSES("chunked with a tail", "POST /b HTTP/1.1\r\n" H JSON "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
	           STATUS_CODING),
	ROW_CLOSES("two Transfer-Encoding",
	           "POST /b HTTP/1.1\r\n" H JSON
	           "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
	           400),
	ROW_CLOSES("chunked in HTTP/1.0", "POST /b HTTP/1.0\r\n" JSON "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	           400),
	ROW_CLOSES("chunk size no number", "POST /b HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
	           400),
	ROW_CLOSES("chunk size negative", "POST /b HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
	           400),
	ROW_CLOSES("chunk size over 64 bits",
	           "POST /b HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n11112222333344445\r\n\r\n", 413),
	ROW_CLOSES("chunk longer than its size",
	           "POST /b HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n0\r\n\r\n", 400),
	/* lines */
	ROW_CLOSES("bare LF everywhere", "GET / HTTP/1.1\nHost: t\n\n", 400),
	ROW_CLOSES("bare LF after a header", "GET / HTTP/1.1\r\nHost: t\nX: y\r\n\r\n", 400),
	ROW_CLOSES("bare LF at the end", "GET / HTTP/1.1\r\nHost: t\r\n\n", 400),
	ROW_CLOSES("bare CR in a value", "GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", 400),
	ROW_CLOSES("folded line", "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400),
	ROW_CLOSES("folded line that makes a name", "POST /b HTTP/1.1\r\n" H "Content: 5\r\n -Length: 7\r\n\r\n", 400),
	ROW_CLOSES("folded line first", "GET / HTTP/1.1\r\n X: a\r\n" H "\r\n", 400),
	ROW_CLOSES("blank before the colon", "GET / HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\n", 400),
	ROW_CLOSES("no name", "GET / HTTP/1.1\r\n" H ": x\r\n\r\n", 400),
	ROW_CLOSES("no colon", "GET / HTTP/1.1\r\n" H "Nothing\r\n\r\n", 400),
	ROW_CLOSES("NUL in a value", "GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n", 400),
	ROW_CLOSES("NUL in a name", "GET / HTTP/1.1\r\n" H "X\0Y: a\r\n\r\n", 400),
	ROW_CLOSES("control byte in a value", "GET / HTTP/1.1\r\n" H "X: a\x01\x62\r\n\r\n", 400),
	ROW_CLOSES("no token in a name", "GET / HTTP/1.1\r\n" H "X(Y): a\r\n\r\n", 400),
	/* Host */
	ROW_CLOSES("no Host", "GET / HTTP/1.1\r\n\r\n", 400),
	ROW_CLOSES("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
	ROW_CLOSES("Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
	ROW_CLOSES("Host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
	ROW_CLOSES("empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
	/* the request line */
	ROW_CLOSES("no version", "GET /\r\n" H "\r\n", 400),
	ROW_CLOSES("lower-case version", "GET / http/1.1\r\n" H "\r\n", 400),
	ROW_CLOSES("version 2", "GET / HTTP/2.0\r\n" H "\r\n", 505),
	ROW_CLOSES("version 0.9", "GET / HTTP/0.9\r\n" H "\r\n", 505),
	ROW_CLOSES("two blanks", "GET  / HTTP/1.1\r\n" H "\r\n", 400),
	ROW_CLOSES("blank in the target", "GET /a b HTTP/1.1\r\n" H "\r\n", 400),
	ROW_CLOSES("NUL in the target", "GET /\0 HTTP/1.1\r\n" H "\r\n", IS_LENIENT ? 400 : 0),
	ROW("unknown method", "BREW / HTTP/1.1\r\n" H "\r\n", 501),
	ROW("lower-case method", "get / HTTP/1.1\r\n" H "\r\n", 501),
	ROW("long method", "ABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1\r\n" H "\r\n", 501),
	ROW("method with a comma", "GE,T / HTTP/1.1\r\n" H "\r\n", 400),
	ROW("TRACE", "TRACE / HTTP/1.1\r\n" H "\r\n", 405),
	ROW("CONNECT", "CONNECT t:443 HTTP/1.1\r\n" H "\r\n", 501),
	ROW("wrong method", "DELETE / HTTP/1.1\r\n" H "\r\n", 405),
	/* the target */
	ROW("not there", "GET /x HTTP/1.1\r\n" H "\r\n", 404),
	ROW("slash at the end", "GET /q/ HTTP/1.1\r\n" H "\r\n", 404),
	ROW("two slashes", "GET //q HTTP/1.1\r\n" H "\r\n", 404),
	ROW("no slash", "GET q HTTP/1.1\r\n" H "\r\n", 400),
	ROW("dots", "GET /a/../q HTTP/1.1\r\n" H "\r\n", 400),
	ROW("escaped dots", "GET /a/%2e%2E HTTP/1.1\r\n" H "\r\n", 400),
	ROW("fragment", "GET /#x HTTP/1.1\r\n" H "\r\n", 400),
	ROW("bad escape in the path", "GET /a/%zz HTTP/1.1\r\n" H "\r\n", 400),
	ROW("cut escape in the path", "GET /a/%4 HTTP/1.1\r\n" H "\r\n", 400),
	ROW("escaped NUL in the path", "GET /a/%00 HTTP/1.1\r\n" H "\r\n", 400),
	ROW("bad UTF-8 in the path", "GET /a/%ff HTTP/1.1\r\n" H "\r\n", 400),
	ROW("overlong UTF-8 in the path", "GET /a/%c0%af HTTP/1.1\r\n" H "\r\n", 400),
	ROW("raw UTF-8 in the path", "GET /a/\xc3\xa9 HTTP/1.1\r\n" H "\r\n", 400),
	ROW("escaped slash is no separator", "GET /a/x%2Fy HTTP/1.1\r\n" H "\r\n", 200),
	ROW("bad escape in the query", "GET /q?text=%4 HTTP/1.1\r\n" H "\r\n", 400),
	ROW("escaped NUL in the query", "GET /q?text=%00 HTTP/1.1\r\n" H "\r\n", 400),
	ROW("bad UTF-8 in the query", "GET /q?text=%e9 HTTP/1.1\r\n" H "\r\n", 400),
	ROW("unknown parameter", "GET /q?text=a&other=b HTTP/1.1\r\n" H "\r\n", 422),
	ROW("parameter twice", "GET /q?text=a&text=b HTTP/1.1\r\n" H "\r\n", 422),
	ROW("parameter missing", "GET /q HTTP/1.1\r\n" H "\r\n", 422),
	/* the body */
	ROW("wrong type", "POST /b HTTP/1.1\r\n" H "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", 415),
	ROW("no type", "POST /b HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}", 415),
	ROW("form where none is taken",
	    "POST /b HTTP/1.1\r\n" H
	    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 6\r\n\r\ntext=a",
	    415),
	ROW("other charset",
	    "POST /b HTTP/1.1\r\n" H "Content-Type: application/json; charset=latin1\r\nContent-Length: 2\r\n\r\n{}",
	    415),
	ROW_CLOSES("two types", "POST /b HTTP/1.1\r\n" H JSON JSON "Content-Length: 2\r\n\r\n{}", 400),
	ROW("no body", "POST /b HTTP/1.1\r\n" H JSON "\r\n", 422),
	ROW("no JSON", "POST /b HTTP/1.1\r\n" H JSON "Content-Length: 3\r\n\r\n{]}", 422),
	ROW("bad UTF-8", "POST /b HTTP/1.1\r\n" H JSON "Content-Length: 12\r\n\r\n{\"text\":\"\xff\"}", 422),
	ROW("too large", "POST /b HTTP/1.1\r\n" H JSON "Content-Length: 1025\r\n\r\n", 413),
	ROW("too large, to be continued",
	    "POST /b HTTP/1.1\r\n" H JSON "Expect: 100-continue\r\nContent-Length: 1025\r\n\r\n", 413),
};

static bool row_is_right(const struct row *row)
{
	int fd = raw_connect(site_port(site));
	bool closes = true;
	char *got;
	int status;

	raw_send(fd, row->bytes.data, row->bytes.len);
	got = raw_response(fd);
	status = response_status(got);
	if (row->must_close)
		closes = raw_is_closed(fd);
	if (status != row->status)
		print_error("%s: %d instead of %d\n%s\n", row->what, status, row->status, got);
	if (!closes)
		print_error("%s: the connection is kept\n", row->what);
	free(got);
	close(fd);
	return status == row->status && closes;
}

static void test_each_malformed_request_gets_its_status(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		wrong += !row_is_right(&rows[i]);
	assert_int_equal(wrong, 0);
}

/* ---- too much of something ---- */

/* The response to `before`, n times x, `after`. */
static char *response_to_filled(const char *before, size_t n, const char *after)
{
	size_t len = strlen(before) + n + strlen(after);
	char *text = malloc(len + 1);
	char *got;

	assert_non_null(text);
	memcpy(text, before, strlen(before));
	memset(text + strlen(before), 'x', n);
	memcpy(text + strlen(before) + n, after, strlen(after) + 1);
	got = raw_exchange(site_port(site), text, len);
	free(text);
	return got;
}

static int status_of_filled(const char *before, size_t n, const char *after)
{
	char *got = response_to_filled(before, n, after);
	int status = response_status(got);

	free(got);
	return status;
}

static bool is_problem(const char *before, size_t n, const char *after, int status)
{
	char *got = response_to_filled(before, n, after);
	const char *type = response_header(got, "Content-Type");
	bool ok = response_status(got) == status && type && strcmp(type, "application/problem+json") == 0;

	if (!ok)
		print_message("%zu bytes: %.200s\n", n, got);
	free(got);
	return ok;
}

static void test_head_that_is_too_large_is_refused(void **state)
{
	(void)state;
	assert_int_equal(status_of_filled("GET / HTTP/1.1\r\n" H "X: ", 9000, "\r\n\r\n"), 431);
	assert_int_equal(status_of_filled("GET /", 20000, " HTTP/1.1\r\n" H "\r\n"), 414);
	assert_int_equal(status_of_filled("", 64000, " / HTTP/1.1\r\n" H "\r\n"), IS_LENIENT ? 414 : 0);
	assert_int_equal(status_of_filled("GET / HTTP/1.1\r\n" H "X: ", 4000, "\r\n\r\n"), 200);
}

/* Between 7.2 and 9 KiB the library used to answer HTML, or nothing. */
static void test_head_just_over_the_limit_gets_a_problem(void **state)
{
	(void)state;
	for (size_t n = 8200; n <= 9600; n += 200) {
		assert_true(is_problem("GET / HTTP/1.1\r\n" H "X: ", n, "\r\n\r\n", 431));
		assert_true(is_problem("GET /", n, " HTTP/1.1\r\n" H "\r\n", 414));
	}
	for (size_t n = 6000; n < 8100; n += 100)
		assert_true(is_problem("GET /", n, " HTTP/1.1\r\n" H "\r\n", 404));
}

/* A client that sends all before it reads gets the answer, no reset. */
static void test_body_of_megabytes_gets_its_413(void **state)
{
	(void)state;
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(
		        status_of_filled("POST /b HTTP/1.1\r\n" H JSON "Content-Length: 3000000\r\n\r\n", 3000000, ""),
		        413);
}

static char *chunks_of(size_t n, size_t size, const char *after, size_t *ret_len)
{
	static const char head[] = "POST /b HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n";
	size_t room = sizeof(head) + n * (size + 16) + strlen(after);
	char *text = malloc(room);
	size_t len = (size_t)snprintf(text, room, "%s", head);

	for (size_t i = 0; i < n; i++) {
		len += (size_t)snprintf(text + len, room - len, "%zx\r\n", size);
		memset(text + len, 'x', size);
		len += size;
		len += (size_t)snprintf(text + len, room - len, "\r\n");
	}
	len += (size_t)snprintf(text + len, room - len, "%s", after);
	*ret_len = len;
	return text;
}

static void test_chunked_body_is_bounded(void **state)
{
	size_t len;
	char *text = chunks_of(20, 100, "0\r\n\r\n", &len);
	char *got = raw_exchange(site_port(site), text, len);

	(void)state;
	assert_int_equal(response_status(got), 413);
	free(got);
	free(text);
	/* One without end is cut off. */
	text = chunks_of(300, 10000, "", &len);
	got = raw_exchange(site_port(site), text, len);
	assert_int_equal(response_status(got), 413);
	assert_non_null(response_header(got, "X-Request-Id"));
	free(got);
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_malformed_request_gets_its_status),
		cmocka_unit_test(test_head_that_is_too_large_is_refused),
		cmocka_unit_test(test_head_just_over_the_limit_gets_a_problem),
		cmocka_unit_test(test_body_of_megabytes_gets_its_413),
		cmocka_unit_test(test_chunked_body_is_bounded),
	};

	log_init("test", LOG_ALERT, 1);
	return cmocka_run_group_tests(tests, up, down);
}
