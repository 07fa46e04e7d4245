/* Direct delivery against a receiver of a few lines: what is sent, and what each answer means. */
#include "event/direct.h"

#include "event/test_support.h"
#include "fiber/fiber.h"
#include "store/test_support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define ENVELOPE STR("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"}")

/* Answers each status in turn, one connection each. */
struct server {
	int fd;
	const int *statuses;
	size_t n;
	char url[64];
	char request[4096]; /* the last one */
	pthread_t thread;
};

static bool is_whole(const char *request)
{
	const char *body = strstr(request, "\r\n\r\n");

	return body && strlen(body + 4) >= ENVELOPE.len;
}

static void serve_one(struct server *s, int fd, int status)
{
	size_t len = 0;
	ssize_t n;

	s->request[0] = '\0';
	while (!is_whole(s->request) && (n = read(fd, s->request + len, sizeof(s->request) - 1 - len)) > 0) {
		len += (size_t)n;
		s->request[len] = '\0';
	}
	(void)dprintf(fd, "HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
}

static void *serve(void *arg)
{
	struct server *s = arg;

	for (size_t i = 0; i < s->n; i++) {
		int fd = accept(s->fd, NULL, NULL);

		serve_one(s, fd, s->statuses[i]);
		close(fd);
	}
	close(s->fd);
	return NULL;
}

static void server_start(struct server *s, const int *statuses, size_t n)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	*s = (struct server){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .statuses = statuses, .n = n };
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	(void)snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d/internal/events", ntohs(at.sin_port));
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static int deliver_to(const char *url)
{
	struct event_transport *t = NULL;
	const struct http_client_options options = { 0 };
	struct http_client *client CLEANUP(http_client_free) = NULL;
	struct event e = { .id = STR("1") };
	int r;

	assert_int_equal(http_client_new(fiber_loop(), &options, &client), 0);
	assert_int_equal(direct_transport_new(client, url, &t), 0);
	assert_string_equal(t->name, "direct");
	r = t->deliver(t, &e, ENVELOPE);
	t->free(t);
	return r;
}

static void body_what_is_sent(void *arg)
{
	static const int ok[] = { 202 };
	struct server s;

	(void)arg;
	server_start(&s, ok, 1);
	assert_int_equal(deliver_to(s.url), 0);
	assert_int_equal(pthread_join(s.thread, NULL), 0);
	assert_ptr_equal(strstr(s.request, "POST /internal/events HTTP/1.1\r\n"), s.request);
	assert_non_null(strcasestr(s.request, "\r\ncontent-type: application/cloudevents+json\r\n"));
	assert_string_equal(strstr(s.request, "\r\n\r\n") + 4, ENVELOPE.data);
}

static void body_what_answers_mean(void *arg)
{
	static const int statuses[] = { 200, 201, 204, 302, 400, 401, 404, 408, 409, 413, 422, 425, 429, 500, 503 };
	static const int wanted[] = { 0,        0,        0,        -EPROTO, -EBADMSG, -EBADMSG,   -EBADMSG,  -EAGAIN,
		                      -EBADMSG, -EBADMSG, -EBADMSG, -EAGAIN, -EAGAIN,  -EREMOTEIO, -EREMOTEIO };
	struct server s;

	(void)arg;
	server_start(&s, statuses, ARRAY_SIZE(statuses));
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		assert_int_equal(deliver_to(s.url), wanted[i]);
	assert_int_equal(pthread_join(s.thread, NULL), 0);
}

static void body_nobody_there(void *arg)
{
	static const int ok[] = { 200 };
	struct server s;

	(void)arg;
	server_start(&s, ok, 1);
	assert_int_equal(deliver_to(s.url), 0);
	assert_int_equal(pthread_join(s.thread, NULL), 0);
	assert_int_equal(deliver_to(s.url), -ECONNREFUSED);
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}

ON_FIBER(what_is_sent)
ON_FIBER(what_answers_mean)
ON_FIBER(nobody_there)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_sent),
		cmocka_unit_test(test_what_answers_mean),
		cmocka_unit_test(test_nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
