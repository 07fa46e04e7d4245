/* Who may, and what is kept of it: tokens, roles, the client's address behind a proxy, log and metrics. */
#include "http/test_support.h"

#include "telemetry/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int who(struct request *req)
{
	const struct http_user *user = request_user(req);

	return respond_text(req, 200, "text/plain", user->id.data ? user->id : STR("nobody"));
}

static int where(struct request *req)
{
	return respond_text(req, 200, "text/plain", request_client_address(req));
}

static int says(struct request *req)
{
	struct str value = request_header(req, "x-say");

	if (!value.data)
		return request_problem(req, &problem_conflict, "Nothing is said.");
	return respond_text(req, 200, "text/plain", value);
}

static int splits(struct request *req)
{
	int r = respond_header(req, "X-Bad", STR("a\r\nSet-Cookie: b"));

	return respond_text(req, 200, "text/plain", r == -EINVAL ? STR("refused") : STR("taken"));
}

static const struct route routes[] = {
	{ HTTP_GET, "/user", who, .auth = HTTP_AUTH_USER },
	{ HTTP_GET, "/admin", who, .auth = HTTP_AUTH_ADMIN },
	{ HTTP_GET, "/optional", who, .auth = HTTP_AUTH_OPTIONAL },
	{ HTTP_GET, "/if-given", who, .auth = HTTP_AUTH_IF_GIVEN },
	{ HTTP_GET, "/where", where },
	{ HTTP_GET, "/says", says },
	{ HTTP_GET, "/splits", splits },
	{ 0 },
};

static int authenticate(struct request *req, struct str token, void *arg, struct http_user *ret,
                        const char **ret_reason)
{
	(void)req;
	(void)arg;
	if (str_equal(token, STR("late")))
		return -ETIMEDOUT;
	if (str_equal(token, STR("old"))) {
		*ret_reason = "The access token has expired";
		return -EACCES;
	}
	ret->id = token;
	ret->role = str_equal(token, STR("root")) ? STR("admin") : STR("user");
	return 0;
}

static struct site *site;

static int up(void **state)
{
	struct http_server_options options = site_options(routes);
	struct str wrong;

	(void)state;
	options.authenticate = authenticate;
	assert_int_equal(address_list_parse(STR("127.0.0.0/8 10.0.0.0/8"), &options.trusted_proxies, &wrong), 0);
	options.access_log = true;
	site = site_up(routes, &options);
	return 0;
}

static int down(void **state)
{
	(void)state;
	site_down(&site);
	return 0;
}

static char *get(const char *path, const char *headers)
{
	char text[1024];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: t\r\n%s\r\n", path, headers);
	return raw_exchange(site_port(site), text, strlen(text));
}

static void check(const char *path, const char *headers, int status, const char *body)
{
	char *got = get(path, headers);

	assert_int_equal(response_status(got), status);
	if (body)
		assert_string_equal(response_body(got), body);
	free(got);
}

static void test_token_names_the_user(void **state)
{
	(void)state;
	check("/user", "Authorization: Bearer anna\r\n", 200, "anna");
	check("/user", "authorization: bearer   anna  \r\n", 200, "anna");
	check("/optional", "", 200, "nobody");
	check("/optional", "Authorization: Bearer anna\r\n", 200, "anna");
	check("/admin", "Authorization: Bearer root\r\n", 200, "root");
	check("/admin", "Authorization: Bearer anna\r\n", 403, NULL);
	check("/user", "Authorization: Bearer late\r\n", 504, NULL);
	check("/optional", "Authorization: Bearer old\r\n", 401, NULL);
}

static void test_a_token_that_nobody_needs_must_be_good_all_the_same(void **state)
{
	(void)state;
	check("/if-given", "", 200, "nobody");
	check("/if-given", "Authorization: Bearer anna\r\n", 200, "anna");
	check("/if-given", "Authorization: Bearer old\r\n", 401, NULL);
	check("/if-given", "Authorization: bearer\r\n", 401, NULL);
	check("/if-given", "Authorization: Basic YTpi\r\n", 200, "nobody");
	check("/if-given", "Authorization: Bearerly old\r\n", 200, "nobody");
	check("/if-given", "Authorization: \r\n", 200, "nobody");
}

static void test_401_says_how_and_why(void **state)
{
	char *got = get("/user", "");

	(void)state;
	assert_int_equal(response_status(got), 401);
	assert_string_equal(response_header(got, "WWW-Authenticate"), "Bearer realm=\"cinesync\"");
	free(got);
	got = get("/user", "Authorization: Bearer old\r\n");
	assert_int_equal(response_status(got), 401);
	assert_string_equal(response_header(got, "WWW-Authenticate"),
	                    "Bearer realm=\"cinesync\", error=\"invalid_token\", "
	                    "error_description=\"The access token has expired\"");
	free(got);
	check("/user", "Authorization: Basic YTpi\r\n", 401, NULL);
}

static void test_address_is_the_last_that_no_trusted_proxy_has(void **state)
{
	(void)state;
	check("/where", "", 200, "127.0.0.1");
	check("/where", "X-Forwarded-For: 198.51.100.7\r\n", 200, "198.51.100.7");
	check("/where", "X-Forwarded-For: 203.0.113.9, 2001:DB8:0::7\r\n", 200, "2001:db8::7");
	check("/where", "X-Forwarded-For: 203.0.113.9, 10.1.1.1:443\r\n", 200, "203.0.113.9");
	check("/where", "X-Forwarded-For: 203.0.113.9, not-an-address\r\n", 200, "127.0.0.1");
	check("/where", "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 198.51.100.8\r\n", 200, "198.51.100.8");
	check("/where", "x-forwarded-for: 203.0.113.9\r\nX-Forwarded-For: 10.0.0.8\r\n", 200, "203.0.113.9");
	check("/where", "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: \r\n", 200, "203.0.113.9");
}

static void test_nobody_is_believed_or_asked_unless_it_is_said(void **state)
{
	struct http_server_options options = site_options(routes);
	struct site *trusting = site;

	(void)state;
	site = site_up(routes, &options);
	check("/where", "X-Forwarded-For: 198.51.100.7\r\n", 200, "127.0.0.1");
	check("/if-given", "Authorization: Bearer old\r\n", 200, "nobody");
	site_down(&site);
	site = trusting;
}

static void test_headers_are_read_case_blind(void **state)
{
	(void)state;
	check("/says", "X-SAY:  hello  \r\n", 200, "hello");
	check("/says", "", 409, NULL);
}

static void test_header_of_an_answer_cannot_be_split(void **state)
{
	(void)state;
	check("/splits", "", 200, "refused");
}

/* ---- what is kept of a request ---- */

/* What is logged while the request is answered. */
static void logged(const char *path, const char *headers, char *ret, size_t size)
{
	int fds[2];
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	log_init("test", LOG_INFO, fds[1]);
	free(get(path, headers));
	/* The line is written when the answer is out, which may be after the client has it. */
	n = read(fds[0], ret, size - 1);
	log_init("test", LOG_ALERT, 1);
	ret[MAX(n, (ssize_t)0)] = '\0';
	close(fds[0]);
	close(fds[1]);
}

static void test_access_log_has_a_line_without_secrets(void **state)
{
	char line[4096];

	(void)state;
	logged("/user?token=secret",
	       "User-Agent: probe\r\nAuthorization: Bearer anna\r\n"
	       "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n",
	       line, sizeof(line));
	assert_non_null(strstr(line, "\"message\":\"request\""));
	assert_non_null(strstr(line, "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\""));
	assert_non_null(strstr(line, "\"route\":\"/user\",\"path\":\"/user\",\"status\":422"));
	assert_non_null(strstr(line, "\"user_agent\":\"probe\",\"client\":\"127.0.0.1\""));
	assert_null(strstr(line, "secret"));
	assert_null(strstr(line, "anna"));
}

static void test_metrics_count_by_route_never_by_path(void **state)
{
	struct buf out;

	(void)state;
	check("/nowhere/at/all", "", 404, NULL);
	check("/where", "", 200, NULL);
	assert_true(site_is_quiet(site));
	buf_init(&out, 1 << 20);
	metrics_write(&out, METRICS_TEXT);
	assert_non_null(
	        strstr(out.data,
	               "http_server_request_duration_seconds_count{method=\"GET\",route=\"/where\",status=\"200\"}"));
	assert_non_null(strstr(out.data, "{method=\"GET\",route=\"none\",status=\"404\"}"));
	assert_non_null(strstr(out.data, "http_server_active_requests 0\n"));
	assert_null(strstr(out.data, "nowhere"));
	buf_done(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token_names_the_user),
		cmocka_unit_test(test_a_token_that_nobody_needs_must_be_good_all_the_same),
		cmocka_unit_test(test_401_says_how_and_why),
		cmocka_unit_test(test_address_is_the_last_that_no_trusted_proxy_has),
		cmocka_unit_test(test_nobody_is_believed_or_asked_unless_it_is_said),
		cmocka_unit_test(test_headers_are_read_case_blind),
		cmocka_unit_test(test_header_of_an_answer_cannot_be_split),
		cmocka_unit_test(test_access_log_has_a_line_without_secrets),
		cmocka_unit_test(test_metrics_count_by_route_never_by_path),
	};

	log_init("test", LOG_ALERT, 1);
	return cmocka_run_group_tests(tests, up, down);
}
