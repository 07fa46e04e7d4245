/* The loop's thread takes one job at a time, handed over under a mutex and announced by uv_async. */
#include "http/test_support.h"

#include "fiber/fiber.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { PATIENCE_MS = 5000, RESPONSE_MAX = 1 << 20 };

struct site {
	struct http_server_options options;
	const struct route *tables[2];
	struct http_server *server;
	int port;
	int result;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t done;
	uv_loop_t loop;
	uv_async_t async;
	void (*job)(struct http_server *s, void *arg);
	void *job_arg;
	bool has_job;
	bool is_up;
};

struct http_server_options site_options(const struct route *routes)
{
	(void)routes;
	return (struct http_server_options){
		.address = "127.0.0.1:0",
		.connections_max = 200,
		.requests_max = 100,
		.body_max = 1024,
		.header_max = 8192,
		.arena_max = 1 << 20,
		.deadline_ms = 10000,
		.head_timeout_ms = 10000,
		.body_timeout_ms = 10000,
		.idle_timeout_ms = 10000,
		.check_replies = true,
	};
}

static void stop(struct http_server *s, void *arg)
{
	struct site *site = arg;

	http_server_free(&s);
	site->server = NULL;
	uv_close((uv_handle_t *)&site->async, NULL);
	fiber_runtime_done();
}

static void on_async(uv_async_t *async)
{
	struct site *site = async->data;

	pthread_mutex_lock(&site->mutex);
	if (site->has_job)
		site->job(site->server, site->job_arg);
	site->has_job = false;
	pthread_cond_signal(&site->done);
	pthread_mutex_unlock(&site->mutex);
}

static void *site_main(void *arg)
{
	struct site *site = arg;
	int r;

	uv_loop_init(&site->loop);
	uv_async_init(&site->loop, &site->async, on_async);
	site->async.data = site;
	r = fiber_runtime_init(&site->loop, NULL);
	if (r >= 0)
		r = http_server_new(&site->loop, &site->options, &site->server);
	pthread_mutex_lock(&site->mutex);
	site->result = r;
	site->port = r < 0 ? 0 : http_server_port(site->server);
	site->is_up = true;
	pthread_cond_signal(&site->done);
	pthread_mutex_unlock(&site->mutex);
	uv_run(&site->loop, UV_RUN_DEFAULT);
	site->result = uv_loop_close(&site->loop);
	return NULL;
}

struct site *site_up(const struct route *routes, const struct http_server_options *options)
{
	struct site *site = calloc(1, sizeof(*site));

	assert_non_null(site);
	site->options = options ? *options : site_options(routes);
	site->tables[0] = routes;
	site->options.tables = site->tables;
	pthread_mutex_init(&site->mutex, NULL);
	pthread_cond_init(&site->done, NULL);
	assert_int_equal(pthread_create(&site->thread, NULL, site_main, site), 0);
	pthread_mutex_lock(&site->mutex);
	while (!site->is_up)
		pthread_cond_wait(&site->done, &site->mutex);
	pthread_mutex_unlock(&site->mutex);
	assert_int_equal(site->result, 0);
	return site;
}

int site_port(const struct site *site)
{
	return site->port;
}

void site_do(struct site *site, void (*fn)(struct http_server *s, void *arg), void *arg)
{
	pthread_mutex_lock(&site->mutex);
	site->job = fn;
	site->job_arg = arg;
	site->has_job = true;
	uv_async_send(&site->async);
	while (site->has_job)
		pthread_cond_wait(&site->done, &site->mutex);
	pthread_mutex_unlock(&site->mutex);
}

static void count(struct http_server *s, void *arg)
{
	*(size_t *)arg = http_server_in_flight(s);
}

size_t site_in_flight(struct site *site)
{
	size_t n;

	site_do(site, count, &n);
	return n;
}

bool site_is_quiet(struct site *site)
{
	int64_t until_ms = clock_deadline_in(PATIENCE_MS);

	while (clock_mono_ms() < until_ms) {
		if (site_in_flight(site) == 0)
			return true;
		usleep(2000);
	}
	return false;
}

void site_down(struct site **site)
{
	struct site *s = STEAL(*site);

	assert_true(site_is_quiet(s));
	site_do(s, stop, s);
	pthread_join(s->thread, NULL);
	pthread_mutex_destroy(&s->mutex);
	pthread_cond_destroy(&s->done);
	assert_int_equal(s->result, 0);
	free(s);
}

/* ---- the client ---- */

int raw_connect(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* A server that has had enough may close before all is sent. */
void raw_send(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		at += n;
		len -= (size_t)n;
	}
}

void raw_sends(int fd, const char *text)
{
	raw_send(fd, text, strlen(text));
}

static bool response_is_whole(const char *text, bool to_head)
{
	const char *body = strstr(text, "\r\n\r\n");
	const char *length;
	int status;

	if (!body)
		return false;
	status = response_status(text);
	if (to_head || status == 204 || status == 304 || status == 100)
		return true;
	length = response_header(text, "Content-Length");
	return length && strlen(body + 4) >= strtoul(length, NULL, 10);
}

/* Byte by byte until the head is over, so that a pipelined next response stays in the socket. */
char *raw_response_of(int fd, bool to_head)
{
	char *text = calloc(1, RESPONSE_MAX);
	size_t len = 0;

	assert_non_null(text);
	while (len + 1 < RESPONSE_MAX && !response_is_whole(text, to_head)) {
		ssize_t n = recv(fd, text + len, 1, 0);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	return text;
}

char *raw_response(int fd)
{
	return raw_response_of(fd, false);
}

bool raw_is_closed(int fd)
{
	char rest[512];
	ssize_t n;

	/* libmicrohttpd 0.9.75 sends the head of some of its own refusals twice. */
	do
		n = recv(fd, rest, sizeof(rest), 0);
	while (n > 0);
	return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

char *raw_exchange(int port, const void *data, size_t len)
{
	int fd = raw_connect(port);
	char *response;

	raw_send(fd, data, len);
	response = raw_response(fd);
	close(fd);
	return response;
}

/* ---- reading responses ---- */

int response_status(const char *response)
{
	int status = 0;

	if (sscanf(response, "HTTP/1.%*d %d", &status) != 1)
		return 0;
	return status;
}

const char *response_header(const char *response, const char *name)
{
	static char value[1024];
	size_t len = strlen(name);

	for (const char *line = strstr(response, "\r\n"); line && strncmp(line, "\r\n\r\n", 4) != 0;
	     line = strstr(line + 2, "\r\n")) {
		const char *at = line + 2;

		if (strncasecmp(at, name, len) != 0 || at[len] != ':')
			continue;
		at += len + 1;
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + strspn(at, " "), "\r\n"),
		         at + strspn(at, " "));
		return value;
	}
	return NULL;
}

const char *response_body(const char *response)
{
	const char *end = strstr(response, "\r\n\r\n");

	return end ? end + 4 : "";
}
