/* The RateLimit headers as a client gets them. */
#include "http/test_support.h"

#include "http/rate_limit.h"

#include <stdlib.h>

static int limited(struct request *req)
{
	static const struct rate_policy policies[] = { { "login", 10, 60000 }, { "address", 1000, 3600500 } };
	int r = respond_rate_limit(req, policies, 2, 0, 3, 24001);

	return r < 0 ? r : request_problem_retry(req, &problem_too_many_requests, 25, "Slowly.");
}

static int unlimited(struct request *req)
{
	static const struct rate_policy policy = { "login", 0, 1 };
	int r = respond_rate_limit(req, &policy, 1, 0, 0, 0);

	return r < 0 ? r : respond_empty(req, 204);
}

static const struct route routes[] = {
	{ HTTP_GET, "/limited", limited },
	{ HTTP_GET, "/unlimited", unlimited },
	{ 0 },
};

static char *get(const struct site *site, const char *line)
{
	return raw_exchange(site_port(site), line, strlen(line));
}

static void test_the_headers_are_structured_fields(void **state)
{
	struct site *site = site_up(routes, NULL);
	char *got = get(site, "GET /limited HTTP/1.1\r\nHost: t\r\n\r\n");

	(void)state;
	assert_int_equal(response_status(got), 429);
	assert_string_equal(response_header(got, "RateLimit-Policy"), "\"login\";q=10;w=60, \"address\";q=1000;w=3601");
	assert_string_equal(response_header(got, "RateLimit"), "\"login\";r=3;t=25");
	assert_string_equal(response_header(got, "Retry-After"), "25");
	assert_non_null(strstr(response_body(got), "\"code\":\"too-many-requests\""));
	free(got);
	got = get(site, "GET /unlimited HTTP/1.1\r\nHost: t\r\n\r\n");
	assert_int_equal(response_status(got), 204);
	assert_string_equal(response_header(got, "RateLimit-Policy"), "\"login\";q=0;w=1");
	assert_string_equal(response_header(got, "RateLimit"), "\"login\";r=0;t=0");
	free(got);
	site_down(&site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_headers_are_structured_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
