/* The forms of an answer: the compressed one of a shared reply, and problems that say what is away. */
#include "http/test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PACKED_TEXT "the same words, the same words, the same words, the same words, the same words, the same words"

static struct reply *packed;

static int packed_reply(struct request *req)
{
	return respond_shared(req, packed);
}

static int degraded(struct request *req)
{
	static const struct problem away = { 503, "away", "It is away", LOG_INFO, .is_degraded = true };

	return request_problem_retry(req, &away, 7, "Come back.");
}

static const struct route routes[] = {
	{ HTTP_GET, "/packed", packed_reply },
	{ HTTP_GET, "/degraded", degraded },
	{ 0 },
};

static struct site *site;

static int up(void **state)
{
	(void)state;
	assert_int_equal(reply_new(200, "text/plain", STR(PACKED_TEXT), &packed), 0);
	assert_int_equal(reply_compress(packed), 0);
	site = site_up(routes, NULL);
	return 0;
}

static int down(void **state)
{
	(void)state;
	site_down(&site);
	reply_unref(&packed);
	return 0;
}

static char *ask(const char *request)
{
	return raw_exchange(site_port(site), request, strlen(request));
}

static int status_if_none_match(const char *path, const char *value)
{
	char text[512];
	char *got;
	int status;

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: t\r\nIf-None-Match: %s\r\n\r\n", path, value);
	got = ask(text);
	status = response_status(got);
	free(got);
	return status;
}

static void test_the_compressed_form_goes_to_whom_takes_it(void **state)
{
	char *plain = ask("GET /packed HTTP/1.1\r\nHost: t\r\nAccept-Encoding: br\r\n\r\n");
	int fd = raw_connect(site_port(site));
	char tag[64];
	char *gzip;

	(void)state;
	raw_sends(fd, "HEAD /packed HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAccept-Encoding: br, gzip\r\n\r\n");
	gzip = raw_response_of(fd, true);
	close(fd);
	assert_string_equal(response_body(plain), PACKED_TEXT);
	assert_null(response_header(plain, "Content-Encoding"));
	assert_string_equal(response_header(plain, "Vary"), "Accept-Encoding");
	assert_string_equal(response_header(gzip, "Content-Encoding"), "gzip");
	assert_string_equal(response_header(gzip, "Vary"), "Accept-Encoding");
	assert_int_equal(strtol(response_header(gzip, "Content-Length"), NULL, 10), reply_gzip(packed).len);
	/* Two representations have two strong tags. */
	snprintf(tag, sizeof(tag), "%s", response_header(gzip, "ETag"));
	assert_int_equal(status_if_none_match("/packed", tag), 304);
	assert_int_equal(status_if_none_match("/packed", reply_etag(packed)), 304);
	assert_int_equal(status_if_none_match("/packed", "\"other-gzip\""), 200);
	assert_string_not_equal(tag, response_header(plain, "ETag"));
	free(plain);
	free(gzip);
}

static void test_degraded_problem_says_so(void **state)
{
	char *got = ask("GET /degraded HTTP/1.1\r\nHost: t\r\n\r\n");

	(void)state;
	assert_int_equal(response_status(got), 503);
	assert_string_equal(response_header(got, "Retry-After"), "7");
	assert_non_null(strstr(response_body(got), "\"degraded\":true"));
	free(got);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_compressed_form_goes_to_whom_takes_it),
		cmocka_unit_test(test_degraded_problem_says_so),
	};

	return cmocka_run_group_tests(tests, up, down);
}
