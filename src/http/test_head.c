/* Checks of a request's head. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/head.h"

static struct head head_of(const char *const (*headers)[2], size_t n)
{
	struct head h = { 0 };

	for (size_t i = 0; i < n; i++)
		head_add(&h, str_from(headers[i][0]), str_from(headers[i][1]));
	return h;
}

#define HEAD(...)                                                      \
	__extension__({                                                \
		static const char *const list_[][2] = { __VA_ARGS__ }; \
		head_of(list_, ARRAY_SIZE(list_));                     \
	})

static int status_of(struct head h)
{
	const char *detail = NULL;
	struct head_body body;
	const struct problem *p = head_check(&h, false, &body, &detail);

	if (p)
		assert_non_null(detail);
	return p ? p->status : 200;
}

static void test_headers_are_kept_whatever_their_case(void **state)
{
	struct head h =
	        HEAD({ "hOST", " a:80 " }, { "CONTENT-length", "5\t" }, { "x-other", "y" }, { "user-AGENT", "u" });
	struct head_body body;
	const char *detail;

	(void)state;
	assert_true(str_equal(h.host, STR("a:80")));
	assert_true(str_equal(h.user_agent, STR("u")));
	assert_null(head_check(&h, false, &body, &detail));
	assert_int_equal(body.length, 5);
	assert_true(body.is_expected);
	assert_false(body.wants_continue);
}

static void test_chunked_and_continue_are_seen(void **state)
{
	struct head h = HEAD({ "Host", "a" }, { "Transfer-Encoding", "Chunked" }, { "Expect", "100-Continue" });
	struct head_body body;
	const char *detail;

	(void)state;
	assert_null(head_check(&h, false, &body, &detail));
	assert_int_equal(body.length, -1);
	assert_true(body.is_expected && body.wants_continue);
}

static void test_framing_in_doubt_is_refused(void **state)
{
	(void)state;
	assert_int_equal(status_of(HEAD({ "Host", "a" })), 200);
	assert_int_equal(status_of(HEAD({ "Host", "a" }, { "Content-Length", "0" })), 200);
	assert_int_equal(status_of(HEAD({ "Host", "a" }, { "Content-Length", "1" }, { "Content-Length", "1" })), 400);
	assert_int_equal(
	        status_of(HEAD({ "Host", "a" }, { "Content-Length", "1" }, { "Transfer-Encoding", "chunked" })), 400);
	assert_int_equal(status_of(HEAD({ "Host", "a" }, { "Content-Length", "-0" })), 400);
	assert_int_equal(status_of(HEAD({ "Host", "a" }, { "Content-Length", "1 1" })), 400);
	assert_int_equal(status_of(HEAD({ "Host", "a" }, { "Content-Length", "9223372036854775808" })), 413);
	assert_int_equal(status_of(HEAD({ "Host", "a" }, { "Content-Length", "-9223372036854775809" })), 400);
	assert_int_equal(status_of(HEAD({ "Host", "a" }, { "Transfer-Encoding", "gzip, chunked" })), 501);
	assert_int_equal(status_of(HEAD({ "Host", "a" }, { "Transfer-Encoding", "" })), 501);
}

static void test_host_must_be_one_and_sound(void **state)
{
	static const char *const good[] = { "a", "a.example:8080", "127.0.0.1", "[::1]:80", "xn--e1afmkfd.example" };
	static const char *const bad[] = { "", "a b", "a/b", "u@a", "a,b", "a?b", "a\\b", "\xc3\xa9.example" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct head h = { 0 };

		head_add(&h, STR("Host"), str_from(good[i]));
		assert_int_equal(status_of(h), 200);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct head h = { 0 };

		head_add(&h, STR("Host"), str_from(bad[i]));
		assert_int_equal(status_of(h), 400);
	}
	assert_int_equal(status_of((struct head){ 0 }), 400);
	assert_int_equal(status_of(HEAD({ "Host", "a" }, { "host", "a" })), 400);
}

static void test_bytes_that_no_header_has_are_refused(void **state)
{
	struct head h = { 0 };

	(void)state;
	head_add(&h, STR("Host"), STR("a"));
	head_add(&h, STR("X"), STR("tab\tand \xc3\xa9 are fine"));
	assert_int_equal(status_of(h), 200);
	head_add(&h, STR("X"), STR("nul\0"));
	assert_int_equal(status_of(h), 400);
	h.is_bad = false;
	head_add(&h, STR("X Y"), STR("a"));
	assert_int_equal(status_of(h), 400);
	h.is_bad = false;
	head_add(&h, STR(""), STR("a"));
	assert_int_equal(status_of(h), 400);
}

/* As the library leaves the lines: NULs for the first colon and for CR and LF. */
static void test_lines_are_looked_at_as_they_lie(void **state)
{
	(void)state;
	assert_true(head_lines_are_sound(STR("\0\0")));
	assert_true(head_lines_are_sound(STR("Host\0 a\0\0\0\0")));
	assert_true(head_lines_are_sound(STR("Host\0a:80\0\0X\0\0\0\0\0")));
	/* bare LF: one NUL */
	assert_false(head_lines_are_sound(STR("\0")));
	assert_false(head_lines_are_sound(STR("")));
	assert_false(head_lines_are_sound(STR("Host\0 a\0X\0 b\0\0\0\0")));
	assert_false(head_lines_are_sound(STR("Host\0 a\0\0\0")));
	/* folded, blank before the colon, no name, a NUL of its own */
	assert_false(head_lines_are_sound(STR("X\0 a\0\0 b\0\0\0\0")));
	assert_false(head_lines_are_sound(STR("X \0 a\0\0\0\0")));
	assert_false(head_lines_are_sound(STR("\0 a\0\0\0\0")));
	assert_false(head_lines_are_sound(STR("X\0 a\0b\0\0\0\0")));
	/* more behind the empty line, none at all */
	assert_false(head_lines_are_sound(STR("X\0 a\0\0\0\0x")));
	assert_false(head_lines_are_sound(STR("X\0 a\0\0")));
}

static void test_who_takes_gzip(void **state)
{
	static const char *const yes[] = { "gzip",           "GZIP", "br, gzip",   "gzip;q=0.5",
		                           "deflate;q=0, *", "*",    "gzip ; q=1", "identity,gzip;q=0.001" };
	static const char *const no[] = { "",        "br",    "gzip;q=0",    "gzip;q=0.000",
		                          "gzipped", "*;q=0", "*, gzip;q=0", "identity" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		assert_true(head_accepts_gzip(str_from(yes[i])));
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		assert_false(head_accepts_gzip(str_from(no[i])));
	assert_false(head_accepts_gzip(STR_NULL));
}

static void test_tokens(void **state)
{
	(void)state;
	assert_true(head_is_token(STR("!#$%&'*+-.^_`|~09azAZ")));
	assert_false(head_is_token(STR("")));
	for (const char *c = "()<>@,;:\\\"/[]?={} \t\x7f\x80\xff"; *c; c++)
		assert_false(head_is_token((struct str){ c, 1 }));
}

static void test_media_type_and_charset(void **state)
{
	(void)state;
	assert_true(str_equal(head_media_type(STR("application/json ; charset=utf-8")), STR("application/json")));
	assert_true(str_equal(head_media_type(STR("text/plain")), STR("text/plain")));
	assert_true(str_is_null(head_media_type(STR_NULL)));
	assert_true(head_charset_is_utf8(STR_NULL));
	assert_true(head_charset_is_utf8(STR("a/b; q=1; Charset=UTF-8")));
	assert_true(head_charset_is_utf8(STR("a/b;charset=\"utf-8\"")));
	assert_false(head_charset_is_utf8(STR("a/b; charset=latin1")));
	assert_false(head_charset_is_utf8(STR("a/b; x=y; charset=")));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers_are_kept_whatever_their_case),
		cmocka_unit_test(test_chunked_and_continue_are_seen),
		cmocka_unit_test(test_framing_in_doubt_is_refused),
		cmocka_unit_test(test_host_must_be_one_and_sound),
		cmocka_unit_test(test_bytes_that_no_header_has_are_refused),
		cmocka_unit_test(test_lines_are_looked_at_as_they_lie),
		cmocka_unit_test(test_who_takes_gzip),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_media_type_and_charset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
