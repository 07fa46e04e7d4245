/* What an orchestrator is told: ready, degraded, not ready, draining, and why; and the probe that asks. */
#include "http/test_support.h"

#include "service/health.h"
#include "service/probe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int needed, wanted; /* what the two checks answer */

static int check_needed(void *state, struct buf *ret_reason)
{
	(void)state;
	if (needed < 0)
		buf_adds(ret_reason, "the \"disk\" is full");
	return needed;
}

static int check_wanted(void *state, struct buf *ret_reason)
{
	(void)state;
	(void)ret_reason;
	return wanted;
}

static bool is_not_there(void *state)
{
	(void)state;
	return false;
}

static const struct service_check checks[] = {
	{ "cloud", true, check_needed, is_not_there },
	{ "database", true, check_needed },
	{ "neighbour", false, check_wanted },
	{ 0 },
};

static char *get(struct site *site, const char *path)
{
	char request[128];
	int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);

	return raw_exchange(site_port(site), request, (size_t)n);
}

static void ready_is(struct site *site, int status, const char *word)
{
	char *answer = get(site, "/readyz");
	char expected[64];

	snprintf(expected, sizeof(expected), "{\"status\":\"%s\"", word);
	assert_int_equal(response_status(answer), status);
	if (strncmp(response_body(answer), expected, strlen(expected)) != 0)
		fail_msg("not %s: %s", word, response_body(answer));
	free(answer);
}

static void required_checks_decide(void **state)
{
	struct site *site;

	(void)state;
	health_init(checks, NULL);
	site = site_up(health_routes, NULL);
	needed = wanted = 0;
	ready_is(site, 200, "ready");
	wanted = -ECONNREFUSED;
	ready_is(site, 200, "degraded");
	needed = -EIO;
	ready_is(site, 503, "not-ready");
	needed = wanted = 0;
	ready_is(site, 200, "ready");
	site_down(&site);
}

static void reasons_and_modes_are_said(void **state)
{
	struct site *site;
	char *answer;

	(void)state;
	health_init(checks, NULL);
	assert_int_equal(health_mode_set("cache", "in-process"), 0);
	assert_int_equal(health_mode_set("cache", "redis \"far\""), 0);
	site = site_up(health_routes, NULL);
	needed = -EIO;
	wanted = -ECONNREFUSED;
	answer = get(site, "/readyz");
	assert_non_null(strstr(answer, "\"checks\":{\"database\":{\"status\":\"failed\",\"required\":true,"
	                               "\"reason\":\"the \\\"disk\\\" is full\"}"));
	assert_non_null(
	        strstr(answer, "\"neighbour\":{\"status\":\"failed\",\"required\":false,\"reason\":\"ECONNREFUSED\"}"));
	assert_non_null(strstr(answer, "\"modes\":{\"cache\":\"redis \\\"far\\\"\"}"));
	free(answer);
	site_down(&site);
	needed = wanted = 0;
}

static void modes_are_bounded(void **state)
{
	char part[32];
	int r = 0;

	(void)state;
	for (int i = 0; i < 16 && r == 0; i++) {
		snprintf(part, sizeof(part), "part-%d", i);
		r = health_mode_set(part, "x");
	}
	assert_int_equal(r, -ENOSPC);
}

static void alive_and_counted(void **state)
{
	struct site *site;
	char *answer;

	(void)state;
	health_init(NULL, NULL);
	site = site_up(health_routes, NULL);
	answer = get(site, "/livez");
	assert_int_equal(response_status(answer), 200);
	free(answer);
	answer = get(site, "/metrics");
	assert_int_equal(response_status(answer), 200);
	assert_string_equal(response_header(answer, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
	assert_non_null(strstr(answer, "http_server_request_duration_seconds_bucket{"));
	free(answer);
	site_down(&site);
}

static void the_probe_asks(void **state)
{
	struct site *site;
	char url[64], closed[64];

	(void)state;
	health_init(checks, NULL);
	site = site_up(health_routes, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/readyz", site_port(site));
	assert_int_equal(probe_run(&(struct probe){ .urls = { url, url }, .n_urls = 2 }), 0);
	needed = -EIO;
	assert_int_equal(probe_run(&(struct probe){ .urls = { url }, .n_urls = 1, .wait_ms = 30 }), 1);
	needed = 0;
	snprintf(closed, sizeof(closed), "http://127.0.0.1:%d/readyz", site_port(site));
	site_down(&site);
	assert_int_equal(probe_run(&(struct probe){ .urls = { closed }, .n_urls = 1, .wait_ms = 30 }), 1);
}

/* One that has ended before the wait, as a zombie and as nobody, and one that ends while it goes on. */
static void the_probe_waits_for_nobody_dead(void **state)
{
	struct probe p = { .urls = { "http://127.0.0.1:1/" }, .n_urls = 1, .n_whiles = 1, .wait_ms = 600000 };

	(void)state;
	p.whiles[0] = fork();
	if (p.whiles[0] == 0)
		_exit(0);
	assert_int_equal(probe_run(&p), 1);
	assert_int_equal(waitpid(p.whiles[0], NULL, 0), p.whiles[0]);
	assert_int_equal(probe_run(&p), 1);
	p.whiles[0] = fork();
	if (p.whiles[0] == 0) {
		poll(NULL, 0, 30);
		_exit(0);
	}
	assert_int_equal(probe_run(&p), 1);
	assert_int_equal(waitpid(p.whiles[0], NULL, 0), p.whiles[0]);
}

static void the_probe_knows_where(void **state)
{
	static const char *const rows[][2] = {
		{ "127.0.0.1:8081", "http://127.0.0.1:8081/readyz" },
		{ "0.0.0.0:1", "http://127.0.0.1:1/readyz" },
		{ "[::]:8081", "http://[::1]:8081/readyz" },
		{ "[::1]:8081", "http://[::1]:8081/readyz" },
	};
	char url[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(probe_url(rows[i][0], url, sizeof(url)), 0);
		assert_string_equal(url, rows[i][1]);
	}
	assert_int_equal(probe_url("nonsense", url, sizeof(url)), -EINVAL);
	assert_int_equal(probe_url("127.0.0.1:8081", url, 10), -EINVAL);
}

/* Last: there is no way back. */
static void draining_is_not_ready(void **state)
{
	struct site *site;

	(void)state;
	health_init(checks, NULL);
	site = site_up(health_routes, NULL);
	ready_is(site, 200, "ready");
	health_drain();
	ready_is(site, 503, "draining");
	site_down(&site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(required_checks_decide),
		cmocka_unit_test(reasons_and_modes_are_said),
		cmocka_unit_test(modes_are_bounded),
		cmocka_unit_test(alive_and_counted),
		cmocka_unit_test(the_probe_asks),
		cmocka_unit_test(the_probe_knows_where),
		cmocka_unit_test(the_probe_waits_for_nobody_dead),
		cmocka_unit_test(draining_is_not_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
