/* A handler with limits, as its clients see it. */
#include "http/test_support.h"

#include "service/throttle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR_MS 3600000

static struct limiter *limiter;
static int64_t now_us;

static const struct limiter_policy by_address = { "by-address", LIMITER_RATE, .quota = 3, .window_ms = HOUR_MS };
static const struct limiter_policy of_all = { "of-all", LIMITER_RATE, .quota = 1000, .window_ms = HOUR_MS };
static const struct limiter_policy by_account = { "by-account",     LIMITER_FAILURES,      .free = 1,
	                                          .delay_ms = 1500, .delay_max_ms = 60000, .forget_ms = HOUR_MS };

static int64_t clock_us(void *arg)
{
	(void)arg;
	return now_us;
}

static int limited(struct request *req)
{
	const struct limiter_key keys[] = { { &by_address, throttle_address_id(req) },
		                            { &by_account, STR("anna") },
		                            { &of_all, STR("all") } };
	bool has_account = str_equal(request_header(req, "X-Account"), STR("anna"));
	int r = throttle_take(req, limiter, keys, has_account ? 3 : 1, "Slowly, please.");

	return r < 0 ? r : respond_empty(req, 204);
}

static int guarded(struct request *req)
{
	const struct limiter_key key = { &by_account, STR("berta") };
	int r = throttle_take(req, limiter, &key, 1, "Slowly, please.");

	return r < 0 ? r : respond_empty(req, 204);
}

static int whence(struct request *req)
{
	return respond_text(req, 200, "text/plain", throttle_address_id(req));
}

static const struct route routes[] = {
	{ HTTP_GET, "/limited", limited },
	{ HTTP_GET, "/guarded", guarded },
	{ HTTP_GET, "/whence", whence },
	{ 0 },
};

static struct site *site;

static int up(void **state)
{
	const struct limiter_options options = { .prefix = "t:", .clock_us = clock_us };
	struct http_server_options server = site_options(routes);
	struct str wrong;

	(void)state;
	now_us = INT64_C(1800000000000000);
	assert_int_equal(limiter_new(&options, &limiter), 0);
	assert_int_equal(address_list_parse(STR("127.0.0.1"), &server.trusted_proxies, &wrong), 0);
	site = site_up(routes, &server);
	return 0;
}

static int down(void **state)
{
	(void)state;
	site_down(&site);
	limiter_free(&limiter);
	return 0;
}

static char *get(const char *path, const char *headers)
{
	char text[512];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: t\r\n%s\r\n", path, headers);
	return raw_exchange(site_port(site), text, strlen(text));
}

/* NULL: the header is not there. */
static void is_told(const char *got, const char *name, const char *wanted)
{
	const char *value = response_header(got, name);

	if (wanted) {
		assert_non_null(value);
		assert_string_equal(value, wanted);
	} else {
		assert_null(value);
	}
}

static void test_what_is_left_is_told_and_then_that_nothing_is(void **state)
{
	static const char *const left[] = { "\"by-address\";r=2;t=1200", "\"by-address\";r=1;t=2400",
		                            "\"by-address\";r=0;t=3600" };
	char *got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		got = get("/limited", "");
		assert_int_equal(response_status(got), 204);
		is_told(got, "RateLimit-Policy", "\"by-address\";q=3;w=3600");
		is_told(got, "RateLimit", left[i]);
		is_told(got, "Retry-After", NULL);
		free(got);
	}
	got = get("/limited", "");
	assert_int_equal(response_status(got), 429);
	is_told(got, "RateLimit", "\"by-address\";r=0;t=1200");
	is_told(got, "Retry-After", "1200");
	assert_non_null(strstr(response_body(got), "\"code\":\"too-many-requests\""));
	assert_non_null(strstr(response_body(got), "\"detail\":\"Slowly, please.\""));
	free(got);
	got = get("/limited", "X-Forwarded-For: 198.51.100.7\r\n");
	assert_int_equal(response_status(got), 204);
	free(got);
}

static void test_failures_of_an_account_are_not_told_but_when_to_come_again_is(void **state)
{
	char *got;

	(void)state;
	got = get("/limited", "X-Account: anna\r\n");
	assert_int_equal(response_status(got), 204);
	is_told(got, "RateLimit-Policy", "\"by-address\";q=3;w=3600, \"of-all\";q=1000;w=3600");
	is_told(got, "RateLimit", "\"by-address\";r=2;t=1200");
	free(got);
	got = get("/limited", "X-Account: anna\r\n");
	assert_int_equal(response_status(got), 429);
	is_told(got, "RateLimit", "\"by-address\";r=2;t=2");
	is_told(got, "Retry-After", "2");
	free(got);
	got = get("/guarded", "");
	assert_int_equal(response_status(got), 204);
	is_told(got, "RateLimit", NULL);
	is_told(got, "RateLimit-Policy", NULL);
	free(got);
	got = get("/guarded", "");
	assert_int_equal(response_status(got), 429);
	is_told(got, "RateLimit", NULL);
	is_told(got, "Retry-After", "2");
	free(got);
}

static void test_an_address_is_a_customer(void **state)
{
	static const char *const ids[][2] = {
		{ "198.51.100.7", "198.51.100.7" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::" },
		{ "[2001:db8:1:2::9]:443", "2001:db8:1:2::" },
		{ "::ffff:198.51.100.7", "198.51.100.7" },
	};
	char header[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		char *got;

		snprintf(header, sizeof(header), "X-Forwarded-For: %s\r\n", ids[i][0]);
		got = get("/whence", header);
		assert_string_equal(response_body(got), ids[i][1]);
		free(got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_left_is_told_and_then_that_nothing_is, up, down),
		cmocka_unit_test_setup_teardown(test_failures_of_an_account_are_not_told_but_when_to_come_again_is, up,
		                                down),
		cmocka_unit_test_setup_teardown(test_an_address_is_a_customer, up, down),
	};

	log_init("test", LOG_ALERT, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
