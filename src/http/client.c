/* The HTTP client. libcurl does the protocol, the pool and TLS; this file gives it the loop's descriptors and timer,
 * and gives each call a fiber to wait on. A call that is given up (deadline, cancellation) takes its transfer out
 * before it returns, so nothing is left that could wake it. Easy handles are kept and reused. */
#include "http/client.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "fiber/fiber.h"
#include "http/status.h"
#include "http/transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

enum { CONNECTIONS_MAX = 64, CONNECTIONS_HOST_MAX = 32, SPARE_MAX = 32, AGAIN_MAX = 2, AGAIN_LEAST_MS = 20 };

#define CLIENT_MAGIC UINT32_C(0x434c4e54)

struct http_client {
	uint32_t magic;
	CURLM *multi;
	uv_timer_t timer;
	struct uv_loop_s *loop;
	const char *user_agent;
	const char *ca_file; /* or NULL */
	size_t n_calls;
	size_t n_spare;
	CURL *spare[SPARE_MAX];
};

/* One descriptor of libcurl's on the loop. */
struct watch {
	uv_poll_t poll;
	struct http_client *client;
	curl_socket_t fd;
};

/* ---- the loop's side ---- */

/* Wakes the fibers whose transfers have ended. */
static void collect(struct http_client *c)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(c->multi, &left))) {
		struct transfer *t = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t);
		t->done = true;
		t->code = msg->data.result;
		fiber_wake(t->fiber, 0);
	}
}

static void act(struct http_client *c, curl_socket_t fd, int events)
{
	int running;

	curl_multi_socket_action(c->multi, fd, events, &running);
	collect(c);
}

static void on_timer(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int timer_set(CURLM *multi, long timeout_ms, void *arg)
{
	struct http_client *c = arg;

	(void)multi;
	if (timeout_ms < 0)
		return uv_timer_stop(&c->timer);
	return uv_timer_start(&c->timer, on_timer, (uint64_t)timeout_ms, 0);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct watch *w = CONTAINER_OF(poll, struct watch, poll);
	int flags = 0;

	if (status < 0)
		flags |= CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	act(w->client, w->fd, flags);
}

static void watch_closed(uv_handle_t *handle)
{
	free(CONTAINER_OF(handle, struct watch, poll));
}

static struct watch *watch_new(struct http_client *c, curl_socket_t fd)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->client = c;
	w->fd = fd;
	if (uv_poll_init_socket(c->loop, &w->poll, fd) < 0) {
		free(w);
		return NULL;
	}
	curl_multi_assign(c->multi, fd, w);
	return w;
}

static int socket_set(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
	struct http_client *c = arg;
	struct watch *w = assigned;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			uv_close((uv_handle_t *)&w->poll, watch_closed);
		curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	if (!w)
		w = watch_new(c, fd);
	if (!w)
		return -1;
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	return uv_poll_start(&w->poll, events, on_socket);
}

/* ---- life ---- */

static void client_closed(uv_handle_t *handle)
{
	struct http_client *c = handle->data;

	assert(c->magic == CLIENT_MAGIC);
	c->magic = 0;
	free(c);
}

int http_client_new(struct uv_loop_s *loop, const struct http_client_options *options, struct http_client **ret)
{
	struct http_client *c = calloc(1, sizeof(*c));

	/* Debian's libcurl looks names up in threads of its own; one that does it in place would stop the loop. */
	assert(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS);
	if (!c || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(c);
		return -ENOMEM;
	}
	c->magic = CLIENT_MAGIC;
	c->loop = loop;
	c->user_agent = options->user_agent ? options->user_agent : "cinesync/" CINESYNC_VERSION;
	c->ca_file = options->ca_file;
	c->multi = curl_multi_init();
	if (!c->multi) {
		free(c);
		return -ENOMEM;
	}
	uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, socket_set);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, timer_set);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
	                  (long)(options->connections_max ? options->connections_max : CONNECTIONS_MAX));
	curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
	                  (long)(options->connections_host_max ? options->connections_host_max : CONNECTIONS_HOST_MAX));
	*ret = c;
	return 0;
}

void http_client_free(struct http_client **cp)
{
	struct http_client *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	assert(c->magic == CLIENT_MAGIC && c->n_calls == 0);
	for (size_t i = 0; i < c->n_spare; i++)
		curl_easy_cleanup(c->spare[i]);
	curl_multi_cleanup(c->multi);
	uv_close((uv_handle_t *)&c->timer, client_closed);
}

/* ---- a call ---- */

static CURL *easy_take(struct http_client *c)
{
	return c->n_spare > 0 ? c->spare[--c->n_spare] : curl_easy_init();
}

static void easy_give(struct http_client *c, CURL *easy)
{
	curl_easy_reset(easy);
	if (c->n_spare < SPARE_MAX)
		c->spare[c->n_spare++] = easy;
	else
		curl_easy_cleanup(easy);
}

/* Yields until the transfer has ended or was given up. */
static int transfer_run(struct http_client *c, struct transfer *t)
{
	int r;

	t->fiber = fiber_self();
	if (curl_multi_add_handle(c->multi, t->easy) != CURLM_OK)
		return -ENOMEM;
	c->n_calls++;
	r = fiber_suspend();
	c->n_calls--;
	curl_multi_remove_handle(c->multi, t->easy);
	if (t->done)
		return transfer_error(t);
	return r < 0 ? r : -ECANCELED;
}

static int attempt(struct http_client *c, const struct http_call *call, bool is_fresh, struct arena *a,
                   struct http_answer *ret)
{
	struct transfer t;
	int r = transfer_begin(&t, easy_take(c), call, c->user_agent, c->ca_file);

	if (r == 0 && is_fresh) {
		curl_easy_setopt(t.easy, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(t.easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	}
	if (r == 0)
		r = transfer_run(c, &t);
	if (r == 0)
		r = transfer_answer(&t, a, ret);
	if (t.easy)
		easy_give(c, t.easy);
	transfer_done(&t);
	return r;
}

/* ---- spans: one an attempt, by https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span ---- */

/* What follows a question mark may be a key, what precedes an @ a password. */
static void url_describe(struct span *span, const char *url)
{
	const char *scheme_end = strstr(url, "://"), *from = scheme_end ? scheme_end + 3 : url, *at, *colon;
	struct str host = { from, strcspn(from, "/?#") };
	int64_t port;

	at = memrchr(from, '@', host.len);
	if (at)
		host = str_slice(host, (size_t)(at + 1 - from), host.len);
	else
		span_set_str(span, "url.full", (struct str){ url, strcspn(url, "?#") });
	colon = host.len > 0 ? memrchr(host.data, ':', host.len) : NULL;
	if (colon && str_to_int64(str_slice(host, (size_t)(colon + 1 - host.data), host.len), 1, 65535, &port) == 0) {
		span_set_int(span, "server.port", port);
		host.len = (size_t)(colon - host.data);
	}
	span_set_str(span, "server.address", host);
}

static void answer_describe(struct span *span, const struct http_answer *answer)
{
	span_set_int(span, "http.response.status_code", answer->status);
	if (answer->http_version == 20)
		span_set_str(span, "network.protocol.version", STR("2"));
	if (answer->status >= 400 && answer->status < 600)
		span_fail(span, http_status_word(answer->status));
}

static int attempt_traced(struct http_client *c, const struct http_call *call, int resend, struct arena *a,
                          struct http_answer *ret)
{
	int64_t began_us = clock_mono_us();
	struct span span;
	int r;

	span_start(&span, call->span_name ? call->span_name : call->method, SPAN_CLIENT, NULL);
	if (span.is_recording) {
		span_set_str(&span, "http.request.method", str_from(call->method));
		url_describe(&span, call->url);
		if (resend + call->resend_count > 0)
			span_set_int(&span, "http.request.resend_count", resend + call->resend_count);
	}
	r = attempt(c, call, resend > 0, a, ret);
	if (r == 0)
		answer_describe(&span, ret);
	else
		span_fail(&span, error_name(r));
	span_end(&span);
	if (r == 0)
		ret->duration_us = span_duration_us(&span);
	log_debug("call", LOG_STR("method", call->method),
	          LOG_STRN("url", ((struct str){ call->url, strcspn(call->url, "?#") })),
	          LOG_INT("status", r == 0 ? ret->status : 0),
	          LOG_DOUBLE("duration_ms", (double)(clock_mono_us() - began_us) / 1000), LOG_ERR(r));
	return r;
}

/* A replica that has just died, or left: there may be another under its name. */
static bool is_of_the_connection(int r)
{
	return r == -ECONNREFUSED || r == -ECONNRESET || r == -ETIMEDOUT;
}

static int attempts(struct http_client *c, const struct http_call *call, struct arena *a, struct http_answer *ret)
{
	int64_t limit_ms = call->timeout_ms ? call->timeout_ms : HTTP_CALL_TIMEOUT_MS;
	int64_t until_ms = clock_deadline_in(MIN(limit_ms, fiber_time_left_ms()));
	struct http_call again = *call;
	int r = attempt_traced(c, call, 0, a, ret);

	for (int i = 0; i < AGAIN_MAX && call->is_repeatable && is_of_the_connection(r); i++) {
		again.timeout_ms = until_ms - clock_mono_ms();
		if (again.timeout_ms < AGAIN_LEAST_MS || fiber_time_left_ms() < AGAIN_LEAST_MS)
			break;
		r = attempt_traced(c, &again, i + 1, a, ret);
	}
	return r;
}

int http_client_call(struct http_client *c, const struct http_call *call, struct arena *a, struct http_answer *ret)
{
	assert(c->magic == CLIENT_MAGIC && fiber_self());
	if (fiber_time_left_ms() <= 0)
		return -ETIMEDOUT;
	return attempts(c, call, a, ret);
}
