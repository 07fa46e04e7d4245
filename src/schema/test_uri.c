/* Web addresses. */
#include "schema/uri.h"

#include "schema/testing.h"

static void test_good(void **state)
{
	static const char *const good[] = {
		"http://a",
		"https://example.org",
		"HTTPS://Example.ORG/",
		"https://example.org:443/a/b;c=1/%C3%A9?x=1&y=a+b#part/1?2",
		"http://127.0.0.1:0",
		"http://[::1]",
		"http://[2001:db8::1]:8080/x",
		"http://a?x",
		"http://a#x",
		"http://ex%61mple.org/",
		"http://a/a:b@c",
	};
	const char *reason;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (uri_check_http(str_from(good[i]), &reason) != 0)
			fail_msg("%s", good[i]);
}

static void test_bad(void **state)
{
	static const struct {
		const char *uri;
		const char *reason;
	} bad[] = {
		{ "", "relative" },
		{ "a", "relative" },
		{ "/a", "relative" },
		{ "//a/b", "relative" },
		{ "example.org", "relative" },
		{ "ht tp://a", "relative" },
		{ " http://a", "relative" },
		{ "http:a", "slashes" },
		{ "http:/a", "slashes" },
		{ "http://", "empty host" },
		{ "http:///a", "empty host" },
		{ "http://:80", "empty host" },
		{ "http://?a", "empty host" },
		{ "http://a b/", "host" },
		{ "http://a\\b/", "host" },
		{ "http://é.de/", "host" },
		{ "http://a%zz/", "host" },
		{ "http://a:b/", "port" },
		{ "http://a:/", "port" },
		{ "http://a:65536/", "port" },
		{ "http://a:-1/", "port" },
		{ "http://a:080/", "port" },
		{ "http://a:1:2/", "port" },
		{ "http://u@a/", "user name" },
		{ "http://u:p@a/", "user name" },
		{ "http://[::1", "IPv6" },
		{ "http://[]", "IPv6" },
		{ "http://[::g]", "IPv6" },
		{ "http://[::1]x", "IPv6" },
		{ "http://[1111111111111111111111111111111111111111111111111]", "IPv6" },
		{ "http://a/ b", "path" },
		{ "http://a/\"", "path" },
		{ "http://a/<b>", "path" },
		{ "http://a/%", "path" },
		{ "http://a/%4", "path" },
		{ "http://a/%4g", "path" },
		{ "http://a/é", "path" },
		{ "http://a/#b#c", "path" },
		{ "http://a/\r\nSet-Cookie: a=b", "path" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *reason = "";

		if (uri_check_http(str_from(bad[i].uri), &reason) != -EINVAL || !strstr(reason, bad[i].reason))
			fail_msg("%s: %s", bad[i].uri, reason);
	}
}

static void test_other_schemes(void **state)
{
	const char *reason;

	(void)state;
	assert_int_equal(uri_check_http(STR("ftp://a"), &reason), -EPROTONOSUPPORT);
	assert_int_equal(uri_check_http(STR("javascript:alert(1)"), &reason), -EPROTONOSUPPORT);
	assert_int_equal(uri_check_http(STR("httpx://a"), &reason), -EPROTONOSUPPORT);
	assert_int_equal(uri_check_http(BYTES("http://a/\0"), &reason), -EINVAL);
}

static void test_escape_is_not_completed_by_what_stands_behind(void **state)
{
	const char *reason;

	(void)state;
	assert_int_equal(uri_check_http(str_slice(STR("http://a/%41"), 0, 11), &reason), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_other_schemes),
		cmocka_unit_test(test_escape_is_not_completed_by_what_stands_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
