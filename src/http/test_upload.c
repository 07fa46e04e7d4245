/* Routes that take a file: larger than other bodies, few at once, from those who send a token. */
#include "http/test_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_MAX = 1024, UPLOAD_MAX = 100000 };

static const char *const types[] = { "application/zip", "text/csv", NULL };

static int count(struct request *req)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%zu", request_body_raw(req).len);

	return respond_text(req, 200, "text/plain", (struct str){ text, (size_t)n });
}

static const struct route routes[] = {
	{ HTTP_POST, "/files", count, .auth = HTTP_AUTH_USER, .uploads = types },
	{ 0 },
};

static int anybody(struct request *req, struct str token, void *arg, struct http_user *ret, const char **ret_reason)
{
	(void)req;
	(void)token;
	(void)arg;
	(void)ret_reason;
	*ret = (struct http_user){ .id = STR("ada"), .role = STR("user") };
	return 0;
}

static struct site *up(size_t uploads_max)
{
	struct http_server_options options = site_options(routes);

	options.authenticate = anybody;
	options.body_max = BODY_MAX;
	options.upload_max = UPLOAD_MAX;
	options.uploads_max = uploads_max;
	return site_up(routes, &options);
}

static char *head_of(const char *type, const char *token, size_t len)
{
	char *head;

	assert_true(asprintf(&head,
	                     "POST /files HTTP/1.1\r\nHost: x\r\n%s%s%sContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
	                     token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "", type,
	                     len) > 0);
	return head;
}

static char *send_file(struct site *site, const char *type, const char *token, size_t len)
{
	char *head = head_of(type, token, len), *body = calloc(1, len + 1), *response;
	int fd = raw_connect(site_port(site));

	assert_non_null(body);
	raw_sends(fd, head);
	raw_send(fd, body, len);
	response = raw_response(fd);
	close(fd);
	free(body);
	free(head);
	return response;
}

static void assert_status(char *response, int status)
{
	assert_int_equal(response_status(response), status);
	free(response);
}

static void test_file_may_be_larger_than_other_bodies(void **state)
{
	struct site *site = up(4);
	char *response = send_file(site, "text/csv", "t", UPLOAD_MAX);

	(void)state;
	assert_int_equal(response_status(response), 200);
	assert_string_equal(response_body(response), "100000");
	free(response);
	assert_status(send_file(site, "application/zip; x=y", "t", BODY_MAX + 1), 200);
	site_down(&site);
}

static void test_file_has_its_limits(void **state)
{
	struct site *site = up(4);
	char *response;

	(void)state;
	assert_status(send_file(site, "text/csv", "t", UPLOAD_MAX + 1), 413);
	response = send_file(site, "application/json", "t", 2);
	assert_int_equal(response_status(response), 415);
	assert_non_null(strstr(response, "application/zip, text/csv"));
	free(response);
	site_down(&site);
}

static void test_stranger_is_refused_before_the_first_byte(void **state)
{
	struct site *site = up(4);
	char *head = head_of("text/csv", NULL, UPLOAD_MAX), *response;
	int fd = raw_connect(site_port(site));

	(void)state;
	raw_sends(fd, head);
	response = raw_response(fd);
	assert_int_equal(response_status(response), 401);
	free(response);
	free(head);
	close(fd);
	site_down(&site);
}

static void test_only_few_at_once(void **state)
{
	struct site *site = up(1);
	char *head = head_of("text/csv", "t", 2000), *response;
	int first = raw_connect(site_port(site));

	(void)state;
	/* given one whose body is on its way */
	raw_sends(first, head);
	while (site_in_flight(site) == 0)
		usleep(1000);
	/* then the next has to wait, until that is over */
	response = send_file(site, "text/csv", "t", 2);
	assert_int_equal(response_status(response), 503);
	assert_non_null(response_header(response, "Retry-After"));
	free(response);
	close(first);
	assert_true(site_is_quiet(site));
	assert_status(send_file(site, "text/csv", "t", 2), 200);
	free(head);
	site_down(&site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_may_be_larger_than_other_bodies),
		cmocka_unit_test(test_file_has_its_limits),
		cmocka_unit_test(test_stranger_is_refused_before_the_first_byte),
		cmocka_unit_test(test_only_few_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
