/* The peer: a thread that accepts and one for each connection, which plays a step for each request it reads. The script
 * and the counts are behind a mutex. The stage: one loop, run by the test itself. */
#include "movie/test_upstream_support.h"

#include "base/buf.h"
#include "base/log.h"
#include "http/client.h"
#include "telemetry/metrics.h"
#include "telemetry/trace.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { STEPS_MAX = 64, CONNECTIONS_MAX = 512, PATIENCE_MS = 20000, LOG_MAX = 1 << 20 };

static struct {
	int fd;
	int port;
	pthread_t acceptor;
	pthread_mutex_t mutex;
	pthread_t threads[CONNECTIONS_MAX];
	int fds[CONNECTIONS_MAX];
	size_t n_threads;
	struct step steps[STEPS_MAX];
	size_t n_steps;
	int requests, connections;
	char received[4096];
} peer = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* ---- the peer's side ---- */

static struct step step_next(const char *head)
{
	struct step s;

	pthread_mutex_lock(&peer.mutex);
	s = peer.steps[MIN((size_t)peer.requests, peer.n_steps - 1)];
	peer.requests++;
	snprintf(peer.received, sizeof(peer.received), "%s", head);
	pthread_mutex_unlock(&peer.mutex);
	return s;
}

static bool head_read(int fd, char head[4096])
{
	size_t len = 0;

	head[0] = '\0';
	while (len + 1 < 4096 && !strstr(head, "\r\n\r\n")) {
		if (recv(fd, head + len, 1, 0) <= 0)
			return false;
		head[++len] = '\0';
	}
	return true;
}

/* status LF headers LF body, the headers with CR LF each. */
static void answer_send(int fd, const char *answer)
{
	const char *headers = strchr(answer, '\n') + 1;
	const char *body = strchr(headers, '\n');
	struct buf out CLEANUP(buf_done);

	while (body[-1] == '\r')
		body = strchr(body + 1, '\n');
	body++;
	buf_init(&out, 1 << 20);
	buf_addf(&out, "HTTP/1.1 %.*s\r\n%.*s", (int)(headers - 1 - answer), answer, (int)(body - 1 - headers),
	         headers);
	if (strncmp(answer, "304", 3) != 0 && strncmp(answer, "204", 3) != 0)
		buf_addf(&out, "Content-Length: %zu\r\n", strlen(body));
	buf_addf(&out, "\r\n%s", body);
	(void)!send(fd, out.data, out.len, MSG_NOSIGNAL);
}

static bool step_play(int fd, const struct step *s)
{
	struct linger hard = { .l_onoff = 1 };
	char byte;

	if (s->delay_ms > 0)
		usleep((useconds_t)s->delay_ms * 1000);
	if (s->kind == STEP_RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	if (s->kind == STEP_HANG)
		while (recv(fd, &byte, 1, 0) > 0)
			continue;
	if (s->kind == STEP_ANSWER)
		answer_send(fd, s->answer);
	return s->kind == STEP_ANSWER && !strstr(s->answer, "Connection: close");
}

static void *connection_main(void *arg)
{
	int fd = *(int *)arg;
	char head[4096];

	while (head_read(fd, head)) {
		struct step s = step_next(head);

		if (!step_play(fd, &s))
			break;
	}
	close(fd);
	return NULL;
}

static void *peer_main(void *arg)
{
	int fd;

	while ((fd = accept(peer.fd, NULL, NULL)) >= 0) {
		size_t i;

		pthread_mutex_lock(&peer.mutex);
		i = peer.n_threads++;
		peer.connections++;
		pthread_mutex_unlock(&peer.mutex);
		if (i >= CONNECTIONS_MAX)
			abort();
		peer.fds[i] = fd;
		if (pthread_create(&peer.threads[i], NULL, connection_main, &peer.fds[i]) != 0)
			abort();
	}
	return arg;
}

static void peer_up(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	peer.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	peer.n_threads = 0;
	assert_int_equal(bind(peer.fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(peer.fd, 256), 0);
	getsockname(peer.fd, (struct sockaddr *)&at, &len);
	peer.port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&peer.acceptor, NULL, peer_main, NULL), 0);
}

void peer_away(void)
{
	if (peer.fd < 0)
		return;
	shutdown(peer.fd, SHUT_RDWR);
	pthread_join(peer.acceptor, NULL);
	close(peer.fd);
	peer.fd = -1;
}

static void peer_down(void)
{
	peer_away();
	for (size_t i = 0; i < peer.n_threads; i++)
		pthread_join(peer.threads[i], NULL);
}

void peer_script(const struct step *steps, size_t n)
{
	assert_in_range(n, 1, STEPS_MAX);
	pthread_mutex_lock(&peer.mutex);
	memcpy(peer.steps, steps, n * sizeof(steps[0]));
	peer.n_steps = n;
	peer.requests = peer.connections = 0;
	pthread_mutex_unlock(&peer.mutex);
}

static int peer_count(const int *which)
{
	int n;

	pthread_mutex_lock(&peer.mutex);
	n = *which;
	pthread_mutex_unlock(&peer.mutex);
	return n;
}

int peer_requests(void)
{
	return peer_count(&peer.requests);
}

int peer_connections(void)
{
	return peer_count(&peer.connections);
}

const char *peer_received(void)
{
	return peer.received;
}

/* ---- the stage ---- */

static struct {
	uv_loop_t loop;
	struct http_client *client;
	struct upstream *upstream;
	int log_fd;
	char log[LOG_MAX];
} stage;

/* No span tells the key, in no attribute. */
static void span_look(const struct span *s, void *arg)
{
	(void)arg;
	if (memmem(s->text, s->text_len, KEY, strlen(KEY)) || strstr(s->name, KEY))
		abort();
}

int stage_up(void **state)
{
	(void)state;
	stage.log_fd = memfd_create("log", MFD_CLOEXEC);
	log_init("test", LOG_DEBUG, stage.log_fd);
	/* Calls have debug lines of their own there. */
	assert_int_equal(log_set_module_level(STR("http"), LOG_INFO), 0);
	span_sink_set(span_look, NULL);
	peer_up();
	PLAY(OK);
	return uv_loop_init(&stage.loop) < 0 || fiber_runtime_init(&stage.loop, NULL) < 0 ||
	       http_client_new(&stage.loop, &(struct http_client_options){ 0 }, &stage.client) < 0;
}

/* Whatever a test was about: no secret is logged, nothing is left under way. */
int stage_down(void **state)
{
	bool has_leaked = stage_logged(KEY) > 0 || stage_logged(TOKEN) > 0;
	bool is_busy = stage_metric("cinesync_movie_upstream_in_flight") > 0 ||
	               stage_metric("cinesync_movie_upstream_waiting") > 0;
	int r;

	(void)state;
	upstream_free(&stage.upstream);
	http_client_free(&stage.client);
	fiber_runtime_done();
	uv_run(&stage.loop, UV_RUN_DEFAULT);
	r = uv_loop_close(&stage.loop);
	peer_down();
	log_init("test", LOG_ALERT, 1);
	close(stage.log_fd);
	return r < 0 || has_leaked || is_busy ? -1 : 0;
}

struct upstream_options stage_options(void)
{
	static char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/3", peer.port);
	return (struct upstream_options){
		.client = stage.client,
		.base_url = url,
		.token = TOKEN,
		.connect_timeout_ms = 1000,
		.timeout_ms = 2000,
		.answer_max = 65536,
		.rate_per_s = 1000000,
		.burst = 1000000,
		.rate_wait_ms = 1000,
		.calls_max = 64,
		.queue_max = 256,
		.retry_percent = 20,
		.retry_delay_ms = 5,
		.pause_ms = 1000,
		.pause_max_ms = 60000,
		.breaker = { .window_ms = 60000,
		             .calls_min = 1000000,
		             .failure_percent = 50,
		             .slow_percent = 80,
		             .slow_ms = 10000,
		             .open_ms = 5000,
		             .open_max_ms = 60000,
		             .probes_max = 3 },
	};
}

void stage_open(const struct upstream_options *options)
{
	assert_int_equal(upstream_new(options, &stage.upstream), 0);
}

struct breaker_stats stage_breaker(void)
{
	struct breaker_stats stats;

	upstream_breaker_stats(stage.upstream, &stats);
	return stats;
}

const char *stage_log(void)
{
	ssize_t n = pread(stage.log_fd, stage.log, sizeof(stage.log) - 1, 0);

	stage.log[MAX(n, (ssize_t)0)] = '\0';
	return stage.log;
}

int stage_logged(const char *text)
{
	int n = 0;

	for (const char *at = strstr(stage_log(), text); at; at = strstr(at + 1, text))
		n++;
	return n;
}

double stage_metric(const char *name)
{
	struct buf text CLEANUP(buf_done);
	const char *at;
	size_t len = strlen(name);

	buf_init(&text, LOG_MAX);
	metrics_write(&text, METRICS_TEXT);
	for (at = buf_str(&text).data; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, name, len) == 0 && at[len] == ' ')
			return strtod(at + len, NULL);
	}
	return -1;
}

/* ---- callers ---- */

static int body_read(void *arg, struct str body, struct arena *a)
{
	struct caller *c = arg;

	(void)a;
	c->reads++;
	snprintf(c->body, sizeof(c->body), "%.*s", STR_ARGS(body));
	return body.len > 0 && body.data[0] == '{' ? 0 : -EBADMSG;
}

static void caller_main(void *arg)
{
	struct caller *c = arg;
	const struct upstream_call call = {
		.path = STR("/movie/550"), .query = c->query, .validator = c->validator, .read = body_read, .arg = c
	};

	c->start_ms = clock_mono_ms();
	if (c->deadline_ms > 0)
		fiber_deadline_set(clock_deadline_in(c->deadline_ms));
	c->r = upstream_get(stage.upstream, &call, c->arena, &c->answer);
	c->took_ms = clock_mono_ms() - c->start_ms;
	c->is_done = true;
}

struct cancelling {
	struct fiber *fiber;
	int64_t delay_ms;
};

static void cancel_main(void *arg)
{
	struct cancelling *c = arg;

	(void)fiber_sleep_ms(c->delay_ms);
	fiber_cancel(c->fiber);
	fiber_unref(&c->fiber);
	free(c);
}

static void caller_start(struct caller *c)
{
	struct cancelling *cancelling;
	struct fiber *f;

	c->is_done = false;
	assert_int_equal(arena_new(1 << 20, &c->arena), 0);
	assert_int_equal(fiber_spawn("caller", caller_main, c, &f), 0);
	if (c->cancel_ms == 0) {
		fiber_unref(&f);
		return;
	}
	cancelling = malloc(sizeof(*cancelling));
	assert_non_null(cancelling);
	*cancelling = (struct cancelling){ f, c->cancel_ms };
	assert_int_equal(fiber_spawn("cancel", cancel_main, cancelling, NULL), 0);
}

static bool fibers_are_done(void)
{
	struct fiber_stats stats;

	fiber_stats_get(&stats);
	return stats.alive == 0;
}

static void run_all(void)
{
	int64_t until_ms = clock_deadline_in(PATIENCE_MS);

	while (!fibers_are_done() && clock_mono_ms() < until_ms)
		uv_run(&stage.loop, UV_RUN_ONCE);
	assert_true(fibers_are_done());
}

void callers_run(struct caller *callers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		caller_start(&callers[i]);
	run_all();
	for (size_t i = 0; i < n; i++) {
		assert_true(callers[i].is_done);
		snprintf(callers[i].etag, sizeof(callers[i].etag), "%.*s", STR_ARGS(callers[i].answer.validator));
		/* Freed at once, so that ASan sees whoever still writes to it. */
		callers[i].answer.validator = STR_NULL;
		arena_free(&callers[i].arena);
	}
}

struct caller caller_run_with(struct caller c)
{
	callers_run(&c, 1);
	return c;
}

struct caller caller_run(void)
{
	return caller_run_with((struct caller){ 0 });
}

int callers_in_turn(int n, int r)
{
	int found = 0;

	for (int i = 0; i < n; i++)
		found += caller_run().r == r;
	return found;
}

static void sleep_main(void *arg)
{
	(void)fiber_sleep_ms(*(int64_t *)arg);
}

void stage_wait(int64_t delay_ms)
{
	assert_int_equal(fiber_spawn("wait", sleep_main, &delay_ms, NULL), 0);
	run_all();
}
