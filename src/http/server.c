/* The server: a listening socket of our own, libmicrohttpd with its epoll descriptor in the loop, and the shim around
 * it. The library runs only from the loop: when its descriptor is ready, when it asked for a time, and soon after a
 * connection was resumed, which makes nothing ready by itself.
 * Limits: all in http_server_options. Nothing here yields. */
#include "http/internal.h"
#include "http/tls_inside.h"

#include "base/fault.h"
#include "base/log.h"
#include "fiber/fiber.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SERVER_MAGIC 0x53525652u

/* The library keeps what it makes of a head, and the head of the answer, in the memory it reads into: with no more than
 * header_max of it, a head of that size would be refused by the library, without a problem document. */
static size_t pool_size(const struct http_server_options *o)
{
	return o->header_max + o->header_max / 2;
}

/* ---- libmicrohttpd in the loop ---- */

static void on_daemon_timer(uv_timer_t *timer);

static void daemon_run(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	if (MHD_run(s->daemon) == MHD_NO)
		log_error("the HTTP library cannot run");
	if (MHD_get_timeout(s->daemon, &wait_ms) == MHD_NO)
		return;
	/* A time asked for earlier does as well: the library is run a little too often. */
	if (wait_ms == 0 || !uv_is_active((uv_handle_t *)&s->daemon_timer))
		uv_timer_start(&s->daemon_timer, on_daemon_timer, wait_ms, 0);
}

static void on_daemon_timer(uv_timer_t *timer)
{
	daemon_run(timer->data);
}

void server_wake(struct http_server *s)
{
	uv_timer_start(&s->daemon_timer, on_daemon_timer, 0, 0);
}

static void on_daemon_ready(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	daemon_run(poll->data);
}

/* The library's own undoing of escapes is turned off: it is lenient, and knows no NUL. */
static size_t unescape_nothing(void *cls, struct MHD_Connection *mhd, char *text)
{
	(void)cls;
	(void)mhd;
	return strlen(text);
}

static int daemon_start(struct http_server *s)
{
	const struct http_server_options *o = &s->options;
	const struct http_tls *tls = o->trust ? o->trust->tls : NULL;
	struct MHD_OptionItem tls_items[TLS_OPTIONS];
	/* Inactivity: for a client that does not read its answer. All else has absolute deadlines of ours. */
	unsigned timeout_s = (unsigned)(MAX(o->idle_timeout_ms, o->body_timeout_ms) / 1000) + 5;

	tls_options(tls, tls_items);
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL,
	                             exchange_access, s, /* ports and policy: ours */
	                             MHD_OPTION_LISTEN_SOCKET, s->listener.fd, MHD_OPTION_URI_LOG_CALLBACK,
	                             exchange_begin, s, MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, s,
	                             MHD_OPTION_NOTIFY_CONNECTION, connection_notify, s, MHD_OPTION_UNESCAPE_CALLBACK,
	                             unescape_nothing, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_size(o),
	                             MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->connections_max,
	                             MHD_OPTION_CONNECTION_TIMEOUT, timeout_s, MHD_OPTION_ARRAY, tls_items,
#if MHD_VERSION >= 0x00097701
	                             MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
#else
	                             /* Being strict, this version closes without a word or answers bare text; admit.c
	                                refuses the same. */
	                             MHD_OPTION_STRICT_FOR_CLIENT, 0,
#endif
	                             MHD_OPTION_END);
	if (!s->daemon)
		return -ENOMEM;
	s->has_listener = false;
	return 0;
}

/* ---- life ---- */

static void on_closed(uv_handle_t *handle)
{
	struct http_server *s = handle->data;

	if (--s->handles_open > 0)
		return;
	s->magic = 0;
	free(s);
}

static void handle_add(struct http_server *s, uv_handle_t *handle)
{
	handle->data = s;
	s->handles_open++;
}

static int handles_start(struct http_server *s)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	uv_timer_init(s->loop, &s->daemon_timer);
	handle_add(s, (uv_handle_t *)&s->daemon_timer);
	uv_timer_init(s->loop, &s->reaper);
	handle_add(s, (uv_handle_t *)&s->reaper);
	uv_timer_init(s->loop, &s->watcher);
	handle_add(s, (uv_handle_t *)&s->watcher);
	r = info ? uv_poll_init(s->loop, &s->daemon_poll, info->epoll_fd) : -EIO;
	if (r < 0)
		return r;
	handle_add(s, (uv_handle_t *)&s->daemon_poll);
	r = uv_poll_init(s->loop, &s->gone_poll, s->gone_fd);
	if (r < 0)
		return r;
	handle_add(s, (uv_handle_t *)&s->gone_poll);
	r = uv_poll_start(&s->gone_poll, UV_READABLE, connection_gone);
	if (r >= 0)
		r = uv_poll_start(&s->daemon_poll, UV_READABLE, on_daemon_ready);
	if (r >= 0)
		/* The first run puts the listening socket among those waited for. */
		daemon_run(s);
	return r;
}

static void handle_close(struct http_server *s, uv_handle_t *handle)
{
	/* Only what was begun has its data set. */
	if (handle->data == s && !uv_is_closing(handle))
		uv_close(handle, on_closed);
}

/* Freed at once when it has no handles yet, otherwise by the last of them. */
static void server_close(struct http_server *s)
{
	bool has_handles = s->handles_open > 0;

	linger_close_all(s);
	handle_close(s, (uv_handle_t *)&s->daemon_poll);
	handle_close(s, (uv_handle_t *)&s->gone_poll);
	handle_close(s, (uv_handle_t *)&s->daemon_timer);
	handle_close(s, (uv_handle_t *)&s->watcher);
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	linger_close_all(s);
	/* Last: connections that close set it. */
	handle_close(s, (uv_handle_t *)&s->reaper);
	s->daemon = NULL;
	if (s->has_listener)
		listener_close(&s->listener);
	else
		listener_forget(&s->listener);
	if (s->gone_fd >= 0)
		close(s->gone_fd);
	request_pool_drain(s);
	router_free(&s->router);
	if (!has_handles)
		free(s);
}

static int server_start(struct http_server *s)
{
	int r = router_new(s->options.tables, &s->router);

	if (r < 0)
		return r;
	s->gone_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->gone_fd < 0)
		return -errno;
	r = listener_open(s->options.address, s->options.trust, &s->listener);
	if (r < 0)
		return r;
	s->has_listener = true;
	r = daemon_start(s);
	return r < 0 ? r : handles_start(s);
}

int http_server_new(struct uv_loop_s *loop, const struct http_server_options *options, struct http_server **ret)
{
	struct http_server *s = fault_hit("http.server") ? NULL : calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->magic = SERVER_MAGIC;
	s->options = *options;
	s->loop = loop;
	s->listener.fd = -1;
	s->gone_fd = -1;
	s->reap_at_ms = INT64_MAX;
	s->wait_ms[WAIT_HEAD] = options->head_timeout_ms;
	s->wait_ms[WAIT_BODY] = options->body_timeout_ms;
	s->wait_ms[WAIT_IDLE] = options->idle_timeout_ms;
	list_init(&s->requests);
	list_init(&s->pool);
	list_init(&s->lingers);
	list_init(&s->to_watch);
	for (size_t i = 0; i < WAITS; i++)
		list_init(&s->waits[i]);
	r = server_start(s);
	if (r < 0) {
		server_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

int http_server_port(const struct http_server *s)
{
	assert(s->magic == SERVER_MAGIC);
	return s->listener.port;
}

void http_server_leave(struct http_server *s)
{
	assert(s->magic == SERVER_MAGIC);
	s->is_leaving = true;
}

bool http_server_has_arrivals(const struct http_server *s)
{
	struct pollfd listening = { .fd = s->listener.fd, .events = POLLIN };

	assert(s->magic == SERVER_MAGIC);
	return !s->is_draining && poll(&listening, 1, 0) > 0;
}

bool http_server_expects_requests(const struct http_server *s)
{
	assert(s->magic == SERVER_MAGIC);
	return !list_empty(&s->waits[WAIT_HEAD]);
}

void http_server_drain(struct http_server *s)
{
	int fd;

	assert(s->magic == SERVER_MAGIC);
	if (s->is_draining)
		return;
	s->is_leaving = s->is_draining = true;
	fd = MHD_quiesce_daemon(s->daemon);
	listener_forget(&s->listener);
	if (fd >= 0)
		close(fd);
}

size_t http_server_in_flight(const struct http_server *s)
{
	assert(s->magic == SERVER_MAGIC);
	return s->in_flight;
}

void http_server_cancel_all(struct http_server *s)
{
	assert(s->magic == SERVER_MAGIC);
	for (struct list *at = s->requests.next; at != &s->requests; at = at->next) {
		struct request *req = LIST_ENTRY(at, struct request, node);

		if (req->phase == PHASE_RUNNING && req->fiber)
			fiber_cancel(req->fiber);
	}
}

void http_server_free(struct http_server **s)
{
	if (!s || !*s)
		return;
	assert((*s)->magic == SERVER_MAGIC);
	server_close(*s);
	*s = NULL;
}
