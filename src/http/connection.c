/* Connections: absolute deadlines for the head, the body and the idle time between requests, and the watch for clients
 * that leave while their handler waits. libmicrohttpd knows inactivity only, which a byte a second defeats, and looks
 * at no suspended connection. Each wait has one constant time-out, so each queue is sorted by itself.
 * Limits: connections_max of the options, by libmicrohttpd. Nothing here yields. */
#include "http/internal.h"
#include "http/tls_inside.h"

#include "base/log.h"
#include "fiber/fiber.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection *connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void reaper_arm(struct http_server *s)
{
	int64_t at_ms = INT64_MAX;
	int64_t now_ms = (int64_t)uv_now(s->loop);

	for (size_t i = 0; i < WAITS; i++)
		if (!list_empty(&s->waits[i]))
			at_ms = MIN(at_ms, LIST_ENTRY(s->waits[i].next, struct connection, node)->deadline_ms);
	s->reap_at_ms = at_ms;
	if (at_ms < INT64_MAX)
		uv_timer_start(&s->reaper, connection_reap, (uint64_t)MAX(at_ms - now_ms, (int64_t)0), 0);
}

void connection_wait_set(struct connection *c, enum connection_wait wait)
{
	struct http_server *s = c->server;

	list_remove(&c->node);
	c->wait = wait;
	if (wait == WAIT_NONE)
		return;
	c->deadline_ms = (int64_t)uv_now(s->loop) + s->wait_ms[wait];
	list_push_back(&s->waits[wait], &c->node);
	if (c->deadline_ms < s->reap_at_ms)
		reaper_arm(s);
}

void connection_refuse(struct connection *c, const struct problem *p, const char *detail)
{
	const struct http_trust *trust = c->server->options.trust;
	struct context trace;
	struct buf body;
	struct buf out;

	/* Past the library is past its encryption too. */
	if (trust && trust->tls)
		return;
	trace_new(&trace);
	buf_init(&body, 1024);
	buf_init(&out, 2048);
	buf_addf(&body, "{\"type\":\"/docs#problem-%s\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"", p->code,
	         p->title, p->status, detail);
	buf_addf(&body, ",\"code\":\"%s\",\"trace_id\":\"%s\"}", p->code, trace.trace_id);
	buf_addf(&out, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: " PROBLEM_TYPE "\r\n", p->status,
	         p->title);
	buf_addf(&out, "Cache-Control: no-store\r\nX-Request-Id: %s\r\nContent-Length: %zu\r\n\r\n", trace.trace_id,
	         body.len);
	buf_add_str(&out, buf_str(&body));
	if (buf_error(&body) == 0 && buf_error(&out) == 0)
		(void)!send(c->fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	buf_done(&body);
	buf_done(&out);
}

static void overdue(struct connection *c)
{
	bool is_idle = c->wait == WAIT_IDLE || !c->request;

	connection_wait_set(c, WAIT_NONE);
	if (!is_idle)
		connection_refuse(c, &problem_request_timeout, "The request did not arrive in time.");
	/* libmicrohttpd sees the hang-up and closes. */
	shutdown(c->fd, SHUT_RDWR);
}

void connection_reap(uv_timer_t *timer)
{
	struct http_server *s = timer->data;
	int64_t now_ms = (int64_t)uv_now(s->loop);

	for (size_t i = 0; i < WAITS; i++) {
		while (!list_empty(&s->waits[i])) {
			struct connection *c = LIST_ENTRY(s->waits[i].next, struct connection, node);

			if (c->deadline_ms > now_ms)
				break;
			overdue(c);
		}
	}
	reaper_arm(s);
}

/* By TLS the peer is known at the end of its handshake (tls.c). */
static bool peer_is_refused(const struct http_trust *trust, int fd)
{
	uid_t uid = (uid_t)-1;

	if (!trust || trust->tls || identity_peer_is_known(trust, fd, &uid))
		return false;
	log_warning("a connection from a user who is not trusted was refused", LOG_INT("uid", uid));
	return true;
}

static void connection_open(struct http_server *s, struct MHD_Connection *mhd, void **socket_context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	const struct http_trust *trust = s->options.trust;
	struct connection *c = peer_is_refused(trust, info->connect_fd) ? NULL : malloc(sizeof(*c));

	if (!c) {
		(void)!shutdown(info->connect_fd, SHUT_RDWR);
		/* Without one no request begins: exchange_begin() gives up, and so the connection is closed. */
		*socket_context = NULL;
		return;
	}
	*c = (struct connection){ .server = s, .fd = info->connect_fd, .is_vouched = trust && !trust->tls };
	list_init(&c->node);
	if (trust && trust->tls && !tls_peer_expect(mhd, c))
		(void)!shutdown(c->fd, SHUT_RDWR);
	connection_wait_set(c, WAIT_HEAD);
	record_connections(1);
	*socket_context = c;
}

static void connection_close(struct connection *c)
{
	if (!c)
		return;
	/* In the middle of a head it is the library that has refused it. */
	if (c->must_linger || c->wait == WAIT_HEAD)
		linger_begin(c->server, c->fd);
	list_remove(&c->node);
	record_connections(-1);
	free(c);
}

void connection_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
                       enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		connection_open(cls, mhd, socket_context);
	else
		connection_close(*socket_context);
}

/* ---- clients that leave ---- */

static void watch_begin(struct request *req)
{
	struct epoll_event event = { .events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = req };

	/* Without the watch the answer is made for nobody, no more. */
	req->is_watched = epoll_ctl(req->server->gone_fd, EPOLL_CTL_ADD, req->connection->fd, &event) == 0;
}

static void watcher_arm(struct http_server *s)
{
	const struct request *first = LIST_ENTRY(s->to_watch.next, struct request, watch_node);
	int64_t delay_ms = first->watch_at_ms - (int64_t)uv_now(s->loop);

	uv_timer_start(&s->watcher, connection_watch_due, (uint64_t)MAX(delay_ms, (int64_t)1), 0);
}

void connection_watch_due(uv_timer_t *timer)
{
	struct http_server *s = timer->data;
	int64_t now_ms = (int64_t)uv_now(s->loop);

	while (!list_empty(&s->to_watch)) {
		struct request *req = LIST_ENTRY(s->to_watch.next, struct request, watch_node);

		request_assert_valid(req);
		if (req->watch_at_ms > now_ms) {
			watcher_arm(s);
			return;
		}
		list_remove(&req->watch_node);
		req->is_to_be_watched = false;
		watch_begin(req);
	}
}

void connection_watch(struct request *req)
{
	struct http_server *s = req->server;

	req->watch_at_ms = (int64_t)uv_now(s->loop) + WATCH_AFTER_MS;
	req->is_to_be_watched = true;
	list_push_back(&s->to_watch, &req->watch_node);
	/* Once armed it is left alone: what it then finds is not due, or nothing. */
	if (!uv_is_active((uv_handle_t *)&s->watcher))
		watcher_arm(s);
}

void connection_unwatch(struct request *req)
{
	if (req->is_to_be_watched) {
		list_remove(&req->watch_node);
		req->is_to_be_watched = false;
	}
	if (!req->is_watched)
		return;
	epoll_ctl(req->server->gone_fd, EPOLL_CTL_DEL, req->connection->fd, NULL);
	req->is_watched = false;
}

void connection_gone(uv_poll_t *poll, int status, int events)
{
	struct http_server *s = poll->data;
	struct epoll_event gone[64];
	int n;

	(void)status;
	(void)events;
	n = epoll_wait(s->gone_fd, gone, (int)ARRAY_SIZE(gone), 0);
	/* Cancelling runs nothing, so the requests of the batch stay. */
	for (int i = 0; i < n; i++) {
		struct request *req = gone[i].data.ptr;

		request_assert_valid(req);
		req->client_gone = true;
		fiber_cancel(req->fiber);
	}
}
