/* What time and load do: slow clients, clients that leave, deadlines, too many requests, draining. */
#include "http/test_support.h"

#include "fiber/fiber.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static atomic_int waiting;   /* handlers in their wait */
static atomic_int cancelled; /* handlers whose wait was cancelled */

static int page(struct request *req)
{
	return respond_text(req, 200, "text/plain", STR("ok"));
}

static int waits(struct request *req)
{
	int r;

	waiting++;
	r = fiber_sleep_ms(3000);
	waiting--;
	if (r == -ECANCELED)
		cancelled++;
	return r < 0 ? r : page(req);
}

static const struct route routes[] = {
	{ HTTP_GET, "/", page },
	{ HTTP_GET, "/wait", waits },
	{ HTTP_POST, "/body", page, .body_type = "text/plain" },
	{ 0 },
};

static struct site *site;

static int up(void **state)
{
	struct http_server_options options = site_options(routes);

	(void)state;
	waiting = 0;
	cancelled = 0;
	options.head_timeout_ms = 150;
	options.body_timeout_ms = 200;
	options.idle_timeout_ms = 300;
	options.requests_max = 2;
	options.deadline_ms = 2500;
	site = site_up(routes, &options);
	return 0;
}

static int down(void **state)
{
	(void)state;
	site_down(&site);
	return 0;
}

static bool comes(atomic_int *count, int wanted)
{
	for (int64_t until_ms = clock_deadline_in(5000); clock_mono_ms() < until_ms; usleep(1000))
		if (*count == wanted)
			return true;
	return false;
}

/* A byte each 20 ms; how long until the other side had enough, or -1. */
static int64_t drip(int fd, const char *text)
{
	int64_t start_ms = clock_mono_ms();
	char byte;

	for (; *text; text++) {
		if (send(fd, text, 1, MSG_NOSIGNAL) < 0)
			return clock_mono_ms() - start_ms;
		usleep(20000);
		if (recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0)
			return clock_mono_ms() - start_ms;
	}
	return -1;
}

#define LONG_LINE "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"

static void test_head_byte_by_byte_is_cut_off(void **state)
{
	int fd = raw_connect(site_port(site));
	int64_t took_ms = drip(fd, "GET / HTTP/1.1\r\nHost: t\r\n" LONG_LINE "\r\n");

	(void)state;
	assert_in_range(took_ms, 100, 600);
	assert_true(raw_is_closed(fd));
	close(fd);
}

static void test_head_that_stops_gets_a_408(void **state)
{
	int fd = raw_connect(site_port(site));
	char *got;

	(void)state;
	raw_sends(fd, "GET / HTTP/1.1\r\nHost: t\r\n");
	got = raw_response(fd);
	assert_int_equal(response_status(got), 408);
	assert_string_equal(response_header(got, "Connection"), "close");
	assert_true(raw_is_closed(fd));
	free(got);
	close(fd);
}

static void test_body_byte_by_byte_is_cut_off(void **state)
{
	int fd = raw_connect(site_port(site));
	int64_t took_ms;
	char *got;

	(void)state;
	raw_sends(fd, "POST /body HTTP/1.1\r\nHost: t\r\nContent-Type: text/plain\r\nContent-Length: 90\r\n\r\n");
	took_ms = drip(fd, LONG_LINE);
	assert_in_range(took_ms, 150, 700);
	got = raw_response(fd);
	assert_int_equal(response_status(got), 408);
	assert_true(raw_is_closed(fd));
	free(got);
	close(fd);
}

static void test_idle_connection_is_closed_without_a_word(void **state)
{
	int fd = raw_connect(site_port(site));
	int64_t start_ms;
	char byte;
	char *got;

	(void)state;
	raw_sends(fd, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
	got = raw_response(fd);
	assert_int_equal(response_status(got), 200);
	free(got);
	start_ms = clock_mono_ms();
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	assert_in_range(clock_mono_ms() - start_ms, 200, 1000);
	close(fd);
}

static void test_client_that_leaves_cancels_its_handler(void **state)
{
	int fd = raw_connect(site_port(site));

	(void)state;
	raw_sends(fd, "GET /wait HTTP/1.1\r\nHost: t\r\n\r\n");
	assert_true(comes(&waiting, 1));
	close(fd);
	assert_true(comes(&cancelled, 1));
	assert_true(site_is_quiet(site));
}

static void test_deadline_of_the_server_gives_504(void **state)
{
	char request[] = "GET /wait HTTP/1.1\r\nHost: t\r\n\r\n";
	char *got = raw_exchange(site_port(site), request, strlen(request));

	(void)state;
	assert_int_equal(response_status(got), 504);
	assert_non_null(strstr(response_body(got), "\"code\":\"deadline-exceeded\""));
	free(got);
}

static void test_deadline_of_the_caller_is_obeyed(void **state)
{
	char request[] = "GET /wait HTTP/1.1\r\nHost: t\r\nX-Request-Deadline-Ms: 80\r\n\r\n";
	char none[] = "GET / HTTP/1.1\r\nHost: t\r\nX-Request-Deadline-Ms: 0\r\n\r\n";
	int64_t start_ms = clock_mono_ms();
	char *got = raw_exchange(site_port(site), request, strlen(request));

	(void)state;
	assert_int_equal(response_status(got), 504);
	assert_in_range(clock_mono_ms() - start_ms, 60, 1000);
	free(got);
	got = raw_exchange(site_port(site), none, strlen(none));
	assert_int_equal(response_status(got), 504);
	free(got);
}

static void test_over_requests_max_is_refused_at_once(void **state)
{
	char request[] = "GET / HTTP/1.1\r\nHost: t\r\n\r\n";
	int fds[2];
	char *got;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		fds[i] = raw_connect(site_port(site));
		raw_sends(fds[i], "GET /wait HTTP/1.1\r\nHost: t\r\n\r\n");
	}
	assert_true(comes(&waiting, 2));
	got = raw_exchange(site_port(site), request, strlen(request));
	assert_int_equal(response_status(got), 503);
	assert_non_null(strstr(response_body(got), "\"code\":\"overloaded\""));
	assert_non_null(response_header(got, "Retry-After"));
	free(got);
	for (size_t i = 0; i < 2; i++)
		close(fds[i]);
	assert_true(comes(&cancelled, 2));
}

static void drain(struct http_server *s, void *arg)
{
	(void)arg;
	http_server_drain(s);
	http_server_drain(s);
}

static void cancel_all(struct http_server *s, void *arg)
{
	(void)arg;
	http_server_cancel_all(s);
}

static bool is_refused(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	r = connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? errno : 0;
	close(fd);
	return r == ECONNREFUSED;
}

static void test_drain_finishes_what_was_accepted_and_closes(void **state)
{
	int fd = raw_connect(site_port(site));
	char *got;

	(void)state;
	raw_sends(fd, "GET /wait HTTP/1.1\r\nHost: t\r\n\r\n");
	assert_true(comes(&waiting, 1));
	site_do(site, drain, NULL);
	assert_true(is_refused(site_port(site)));
	assert_int_equal(site_in_flight(site), 1);
	site_do(site, cancel_all, NULL);
	got = raw_response(fd);
	assert_int_equal(response_status(got), 503);
	assert_string_equal(response_header(got, "Connection"), "close");
	assert_true(raw_is_closed(fd));
	free(got);
	close(fd);
}

/* ---- what cannot be started ---- */

static void start_again(struct http_server *s, void *arg)
{
	struct http_server_options options = site_options(routes);
	const struct route *tables[] = { routes, NULL };
	struct http_server *other = NULL;
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%d", http_server_port(s));
	options.address = address;
	options.tables = tables;
	*(int *)arg = http_server_new(fiber_loop(), &options, &other);
}

static void start_twice_the_same_route(struct http_server *s, void *arg)
{
	static const struct route other[] = { { HTTP_GET, "/wait", page }, { 0 } };
	struct http_server_options options = site_options(routes);
	const struct route *tables[] = { routes, other, NULL };
	struct http_server *second = NULL;

	(void)s;
	options.tables = tables;
	*(int *)arg = http_server_new(fiber_loop(), &options, &second);
}

static void start_on_a_name(struct http_server *s, void *arg)
{
	struct http_server_options options = site_options(routes);
	const struct route *tables[] = { routes, NULL };
	struct http_server *second = NULL;

	(void)s;
	options.tables = tables;
	options.address = "localhost:0";
	*(int *)arg = http_server_new(fiber_loop(), &options, &second);
}

static void start_on_ipv6(struct http_server *s, void *arg)
{
	struct http_server_options options = site_options(routes);
	const struct route *tables[] = { routes, NULL };
	struct http_server *second = NULL;
	int r;

	(void)s;
	options.tables = tables;
	options.address = "[::1]:0";
	r = http_server_new(fiber_loop(), &options, &second);
	*(bool *)arg = r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT || (r == 0 && http_server_port(second) > 0);
	http_server_free(&second);
}

static void test_address_may_be_ipv6(void **state)
{
	bool is_right = false;

	(void)state;
	site_do(site, start_on_ipv6, &is_right);
	assert_true(is_right);
}

static void test_server_that_cannot_be_says_why(void **state)
{
	int r = 0;

	(void)state;
	site_do(site, start_again, &r);
	assert_int_equal(r, -EADDRINUSE);
	site_do(site, start_twice_the_same_route, &r);
	assert_int_equal(r, -EINVAL);
	site_do(site, start_on_a_name, &r);
	assert_int_equal(r, -EINVAL);
}

#define timing_test(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		timing_test(test_head_byte_by_byte_is_cut_off),
		timing_test(test_head_that_stops_gets_a_408),
		timing_test(test_body_byte_by_byte_is_cut_off),
		timing_test(test_idle_connection_is_closed_without_a_word),
		timing_test(test_client_that_leaves_cancels_its_handler),
		timing_test(test_deadline_of_the_server_gives_504),
		timing_test(test_deadline_of_the_caller_is_obeyed),
		timing_test(test_over_requests_max_is_refused_at_once),
		timing_test(test_drain_finishes_what_was_accepted_and_closes),
		timing_test(test_server_that_cannot_be_says_why),
		timing_test(test_address_may_be_ipv6),
	};

	log_init("test", LOG_ALERT, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
