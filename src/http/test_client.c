/* The client against a real server of this room, and against peers that misbehave. Each call runs on a fiber, with its
 * peer in a thread; the outcome is looked at when the loop has ended. */
#include "http/test_support.h"

#include "fiber/fiber.h"
#include "http/client.h"
#include "telemetry/trace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* ---- a peer that says fixed bytes ---- */

struct peer {
	int listen_fd;
	int port;
	struct str answer; /* empty: none */
	bool resets;       /* instead of an orderly end */
	int drops;         /* so many connections are closed first, without a word */
	bool holds;        /* says nothing more, keeps the connection until the client closes */
	char received[4096];
	pthread_t thread;
};

static void peer_hang_up(const struct peer *p, int fd)
{
	struct linger hard = { .l_onoff = 1 };
	char byte;

	if (p->resets)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	if (p->holds)
		while (recv(fd, &byte, 1, 0) > 0)
			continue;
	close(fd);
}

static void *peer_main(void *arg)
{
	struct peer *p = arg;
	size_t len = 0;
	int fd;

	for (int i = 0; i < p->drops; i++)
		if ((fd = accept(p->listen_fd, NULL, NULL)) >= 0)
			close(fd);
	fd = accept(p->listen_fd, NULL, NULL);

	if (fd < 0)
		return NULL;
	while (len + 1 < sizeof(p->received) && !strstr(p->received, "\r\n\r\n")) {
		ssize_t n = recv(fd, p->received + len, sizeof(p->received) - 1 - len, 0);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	raw_send(fd, p->answer.data, p->answer.len);
	peer_hang_up(p, fd);
	return NULL;
}

static void peer_up(struct peer *p)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->listen_fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(p->listen_fd, 4), 0);
	getsockname(p->listen_fd, (struct sockaddr *)&at, &len);
	p->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&p->thread, NULL, peer_main, p), 0);
}

static void peer_down(struct peer *p)
{
	shutdown(p->listen_fd, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->listen_fd);
}

/* ---- one call ---- */

struct attempt {
	struct http_client *client;
	struct http_call call;
	int64_t deadline_ms; /* of the fiber; 0: none */
	size_t times;        /* one after the other; 0: once */
	struct arena *arena;
	struct http_answer answer;
	char trace_id[TRACE_ID_SIZE];
	int r;
};

static uv_loop_t loop;

static void attempt_run(void *arg)
{
	struct attempt *a = arg;
	struct span span;

	if (a->deadline_ms)
		fiber_deadline_set(clock_deadline_in(a->deadline_ms));
	span_start(&span, "test", SPAN_INTERNAL, NULL);
	memcpy(a->trace_id, span.context.trace_id, TRACE_ID_SIZE);
	for (size_t i = 0; i < MAX(a->times, (size_t)1); i++)
		a->r = http_client_call(a->client, &a->call, a->arena, &a->answer);
	span_end(&span);
	http_client_free(&a->client);
}

static void attempt_begin(struct attempt *a, struct fiber **ret)
{
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(fiber_runtime_init(&loop, NULL), 0);
	assert_int_equal(arena_new(1 << 20, &a->arena), 0);
	assert_int_equal(http_client_new(&loop, &(struct http_client_options){ 0 }, &a->client), 0);
	assert_int_equal(fiber_spawn("test", attempt_run, a, ret), 0);
}

/* The arena stays for the test to look at. */
static void attempt_finish(void)
{
	uv_run(&loop, UV_RUN_DEFAULT);
	fiber_runtime_done();
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void attempt(struct attempt *a)
{
	attempt_begin(a, NULL);
	attempt_finish();
}

static char *url_of(int port, const char *path)
{
	static char url[256];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port, path);
	return url;
}

/* ---- against our server ---- */

static int echo(struct request *req)
{
	char text[256];

	snprintf(text, sizeof(text), "%.*s|%.*s|%.*s", STR_ARGS(request_header(req, "X-Request-Deadline-Ms")),
	         STR_ARGS(request_header(req, "User-Agent")), STR_ARGS(request_body_raw(req)));
	return respond_text(req, 200, "text/plain", str_from(text));
}

static int unavailable(struct request *req)
{
	return request_problem_retry(req, &problem_unavailable, 3, "No.");
}

static const struct route routes[] = {
	{ HTTP_POST, "/echo", echo, .body_type = "text/plain" },
	{ HTTP_GET, "/unavailable", unavailable, .cacheable = true },
	{ 0 },
};

static void test_call_brings_body_deadline_and_trace(void **state)
{
	struct site *site = site_up(routes, NULL);
	struct attempt a = { .call = { .method = "POST",
		                       .url = url_of(site_port(site), "/echo"),
		                       .body = STR("hi"),
		                       .body_type = "text/plain",
		                       .timeout_ms = 3000 } };

	(void)state;
	attempt(&a);
	assert_int_equal(a.r, 0);
	assert_int_equal(a.answer.status, 200);
	assert_string_equal(a.answer.body.data, "3000|cinesync/" CINESYNC_VERSION "|hi");
	assert_string_equal(a.answer.content_type.data, "text/plain");
	assert_string_equal(a.answer.cache_control.data, "no-store");
	assert_true(a.answer.duration_us > 0);
	arena_free(&a.arena);
	site_down(&site);
}

static void test_any_status_is_an_answer(void **state)
{
	struct site *site = site_up(routes, NULL);
	struct attempt a = { .call = { .method = "GET", .url = url_of(site_port(site), "/unavailable") } };

	(void)state;
	attempt(&a);
	assert_int_equal(a.r, 0);
	assert_int_equal(a.answer.status, 503);
	assert_string_equal(a.answer.retry_after.data, "3");
	arena_free(&a.arena);
	site_down(&site);
}

static void test_connection_is_used_again(void **state)
{
	struct site *site = site_up(routes, NULL);
	struct attempt a = { .call = { .method = "GET", .url = url_of(site_port(site), "/unavailable") }, .times = 3 };

	(void)state;
	attempt(&a);
	assert_int_equal(a.r, 0);
	assert_true(a.answer.reused);
	arena_free(&a.arena);
	site_down(&site);
}

static void test_deadline_of_the_fiber_is_passed_on(void **state)
{
	struct site *site = site_up(routes, NULL);
	struct attempt a = { .call = { .method = "POST",
		                       .url = url_of(site_port(site), "/echo"),
		                       .body = STR(""),
		                       .body_type = "text/plain" },
		             .deadline_ms = 2000 };

	(void)state;
	attempt(&a);
	assert_int_equal(a.r, 0);
	assert_in_range(strtol(a.answer.body.data, NULL, 10), 1500, 2000);
	arena_free(&a.arena);
	site_down(&site);
}

static void test_ageing_headers_and_version_are_told(void **state)
{
	struct peer p = { .answer = STR("HTTP/1.1 200 OK\r\nAge: 17\r\nCache-Control: max-age=60\r\nETag: \"e\"\r\n"
		                        "Content-Length: 2\r\n\r\nhi") };
	struct peer old = { .answer = STR("HTTP/1.0 200 OK\r\n\r\nhi") };
	struct attempt a = { .call = { .method = "GET", .multiplex = true } };
	struct attempt b = a;

	(void)state;
	peer_up(&p);
	a.call.url = url_of(p.port, "/");
	attempt(&a);
	assert_int_equal(a.r, 0);
	assert_string_equal(a.answer.age.data, "17");
	assert_string_equal(a.answer.cache_control.data, "max-age=60");
	assert_string_equal(a.answer.etag.data, "\"e\"");
	assert_int_equal(a.answer.http_version, 11);
	arena_free(&a.arena);
	peer_down(&p);
	peer_up(&old);
	b.call.url = url_of(old.port, "/");
	attempt(&b);
	assert_int_equal(b.r, 0);
	assert_true(str_is_null(b.answer.age));
	assert_int_equal(b.answer.http_version, 10);
	arena_free(&b.arena);
	peer_down(&old);
}

/* ---- against peers that misbehave ---- */

static int outcome(struct peer *p, struct attempt *a)
{
	peer_up(p);
	a->call.method = a->call.method ? a->call.method : "GET";
	a->call.url = url_of(p->port, "/x?key=secret");
	attempt(a);
	arena_free(&a->arena);
	peer_down(p);
	return a->r;
}

static void test_request_carries_the_trace(void **state)
{
	struct peer p = { .answer = STR("HTTP/1.1 204 No Content\r\n\r\n") };
	struct attempt a = { 0 };
	char expected[128];

	(void)state;
	assert_int_equal(outcome(&p, &a), 0);
	snprintf(expected, sizeof(expected), "\r\ntraceparent: 00-%s-", a.trace_id);
	assert_non_null(strstr(p.received, expected));
	assert_non_null(strstr(p.received, "\r\nX-Request-Deadline-Ms: "));
	assert_null(strstr(p.received, "Expect"));
}

static void test_calls_that_leave_the_system_tell_nothing(void **state)
{
	struct peer p = { .answer = STR("HTTP/1.1 204 No Content\r\n\r\n") };
	struct attempt a = { .call = { .no_deadline_header = true, .no_trace_headers = true } };

	(void)state;
	assert_int_equal(outcome(&p, &a), 0);
	assert_null(strstr(p.received, "traceparent"));
	assert_null(strstr(p.received, "X-Request-Deadline-Ms"));
}

static void test_peer_that_hangs_up_is_a_reset(void **state)
{
	struct peer silent = { 0 };
	struct peer resets = { .resets = true };
	struct peer half = { .answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc") };

	(void)state;
	assert_int_equal(outcome(&silent, &(struct attempt){ 0 }), -ECONNRESET);
	assert_int_equal(outcome(&resets, &(struct attempt){ 0 }), -ECONNRESET);
	assert_int_equal(outcome(&half, &(struct attempt){ 0 }), -ECONNRESET);
}

static void test_what_may_be_repeated_is_asked_again_on_another_connection(void **state)
{
	static const struct str answer = { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 57 };
	struct peer twice = { .drops = 2, .answer = answer };
	struct peer thrice = { .drops = 3, .answer = answer };
	struct peer once = { .drops = 1, .answer = answer };
	struct attempt again = { .call.is_repeatable = true };

	(void)state;
	assert_int_equal(outcome(&twice, &again), 0);
	assert_int_equal(again.answer.status, 200);
	assert_int_equal(outcome(&thrice, &(struct attempt){ .call.is_repeatable = true }), -ECONNRESET);
	assert_int_equal(outcome(&once, &(struct attempt){ 0 }), -ECONNRESET);
}

static void test_peer_that_talks_nonsense_is_a_protocol_error(void **state)
{
	struct peer p = { .answer = STR("SMTP ready when you are\r\n") };

	(void)state;
	assert_int_equal(outcome(&p, &(struct attempt){ 0 }), -EPROTO);
}

static void test_peer_that_holds_runs_into_the_time_out(void **state)
{
	struct peer p = { .holds = true };
	struct peer q = { .holds = true };
	int64_t start_ms = clock_mono_ms();

	(void)state;
	assert_int_equal(outcome(&p, &(struct attempt){ .call = { .timeout_ms = 100 } }), -ETIMEDOUT);
	assert_int_equal(outcome(&q, &(struct attempt){ .deadline_ms = 100 }), -ETIMEDOUT);
	assert_in_range(clock_mono_ms() - start_ms, 150, 2000);
}

static void test_answer_over_its_size_is_given_up(void **state)
{
	struct peer told = { .answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890") };
	struct peer fits = { .answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789") };
	struct peer untold = { .answer = STR("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n01234567890123456789") };

	(void)state;
	assert_int_equal(outcome(&told, &(struct attempt){ .call = { .answer_max = 10 } }), -EMSGSIZE);
	assert_int_equal(outcome(&fits, &(struct attempt){ .call = { .answer_max = 10 } }), 0);
	assert_int_equal(outcome(&untold, &(struct attempt){ .call = { .answer_max = 10 } }), -EMSGSIZE);
}

/* 46 bytes that hold 10,000 letters. */
static void test_packed_answer_is_unpacked_and_measured_then(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 46\r\n\r\n";
	static const unsigned char packed[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1,
		                                0x01, 0x0d, 0x00, 0x00, 0x00, 0xc2, 0xa0, 0xac, 0xef, 0x5f, 0xc2, 0x1c,
		                                0x6e, 0x40, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc0,
		                                0xbf, 0x01, 0x97, 0xd4, 0x7e, 0x46, 0x10, 0x27, 0x00, 0x00 };
	char answer[sizeof(head) - 1 + sizeof(packed)];
	struct peer p = { .answer = { answer, sizeof(answer) } };
	struct peer bomb = p;
	struct attempt a = { 0 };

	(void)state;
	memcpy(answer, head, sizeof(head) - 1);
	memcpy(answer + sizeof(head) - 1, packed, sizeof(packed));
	assert_int_equal(outcome(&p, &a), 0);
	assert_int_equal(a.answer.body.len, 10000);
	assert_int_equal(outcome(&bomb, &(struct attempt){ .call = { .answer_max = 9999 } }), -EMSGSIZE);
}

static void test_redirects_are_not_followed(void **state)
{
	struct peer p = { .answer = STR(
		                  "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n") };
	struct attempt a = { 0 };

	(void)state;
	assert_int_equal(outcome(&p, &a), 0);
	assert_int_equal(a.answer.status, 302);
}

static int outcome_of_url(const char *url)
{
	struct attempt a = { .call = { .method = "GET", .url = url } };

	attempt(&a);
	arena_free(&a.arena);
	return a.r;
}

static void test_no_connection_is_refused(void **state)
{
	struct peer p = { 0 };
	char url[64];

	(void)state;
	/* A port that was just free again. */
	peer_up(&p);
	peer_down(&p);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", p.port);
	assert_int_equal(outcome_of_url(url), -ECONNREFUSED);
	assert_int_equal(outcome_of_url("http://nowhere.invalid/"), -ECONNREFUSED);
}

static void test_only_http_is_spoken(void **state)
{
	(void)state;
	assert_int_equal(outcome_of_url("file:///etc/passwd"), -EINVAL);
	assert_int_equal(outcome_of_url("gopher://127.0.0.1/"), -EINVAL);
	assert_int_equal(outcome_of_url("http://127.0.0.1:99999/"), -EINVAL);
	assert_int_equal(outcome_of_url("http://127.0.0.1/a b"), -EINVAL);
	assert_int_equal(outcome_of_url("http://127.0.0.1/\r\nX: y"), -EINVAL);
}

static void test_headers_cannot_be_injected(void **state)
{
	static const struct http_header bad[] = { { "X-A", STR("a\r\nX-B: b") },
		                                  { "X\r\nY", STR("a") },
		                                  { "X-A", STR("a\0b") } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct attempt a = {
			.call = { .method = "GET", .url = "http://127.0.0.1:1/", .headers = &bad[i], .n_headers = 1 }
		};

		attempt(&a);
		assert_int_equal(a.r, -EINVAL);
		arena_free(&a.arena);
	}
}

static void cancel_soon(void *fiber)
{
	struct fiber *f = fiber;

	(void)fiber_sleep_ms(50);
	fiber_cancel(f);
	fiber_unref(&f);
}

static void test_call_can_be_cancelled(void **state)
{
	struct peer p = { .holds = true };
	struct attempt a = { .call = { .method = "GET" } };
	struct fiber *f;

	(void)state;
	peer_up(&p);
	a.call.url = url_of(p.port, "/");
	attempt_begin(&a, &f);
	assert_int_equal(fiber_spawn("cancel", cancel_soon, f, NULL), 0);
	attempt_finish();
	assert_int_equal(a.r, -ECANCELED);
	arena_free(&a.arena);
	peer_down(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_brings_body_deadline_and_trace),
		cmocka_unit_test(test_any_status_is_an_answer),
		cmocka_unit_test(test_connection_is_used_again),
		cmocka_unit_test(test_deadline_of_the_fiber_is_passed_on),
		cmocka_unit_test(test_ageing_headers_and_version_are_told),
		cmocka_unit_test(test_request_carries_the_trace),
		cmocka_unit_test(test_calls_that_leave_the_system_tell_nothing),
		cmocka_unit_test(test_peer_that_hangs_up_is_a_reset),
		cmocka_unit_test(test_what_may_be_repeated_is_asked_again_on_another_connection),
		cmocka_unit_test(test_peer_that_talks_nonsense_is_a_protocol_error),
		cmocka_unit_test(test_peer_that_holds_runs_into_the_time_out),
		cmocka_unit_test(test_answer_over_its_size_is_given_up),
		cmocka_unit_test(test_packed_answer_is_unpacked_and_measured_then),
		cmocka_unit_test(test_redirects_are_not_followed),
		cmocka_unit_test(test_no_connection_is_refused),
		cmocka_unit_test(test_only_http_is_spoken),
		cmocka_unit_test(test_headers_cannot_be_injected),
		cmocka_unit_test(test_call_can_be_cancelled),
	};

	log_init("test", LOG_ALERT, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
