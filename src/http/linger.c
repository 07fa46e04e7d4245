/* Lingering: when a request is refused before its body is read, closing at once makes the kernel send a reset, which
 * may destroy the answer before the client has read it (RFC 9112 section 9.6). So a duplicate of the socket is kept,
 * and what still arrives is thrown away, for a little time. Whatever fails here is no more than an unlucky close.
 * Limits: LINGERS_MAX sockets, LINGER_MS each, LINGER_BYTES_MAX each. Nothing here yields. */
#include "http/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINGERS_MAX = 64, LINGER_MS = 2000, LINGER_BYTES_MAX = 64 << 20, LINGER_CHUNK = 64 << 10 };

struct lingering {
	struct list node;
	struct http_server *server; /* NULL once it is closing */
	int fd;
	int handles;
	size_t bytes;
	uv_poll_t poll;
	uv_timer_t timer;
};

static void on_handle_closed(uv_handle_t *handle)
{
	struct lingering *l = handle->data;

	if (--l->handles > 0)
		return;
	close(l->fd);
	free(l);
}

static void linger_end(struct lingering *l)
{
	if (!l->server)
		return;
	l->server->n_lingers--;
	l->server = NULL;
	list_remove(&l->node);
	uv_close((uv_handle_t *)&l->poll, on_handle_closed);
	uv_close((uv_handle_t *)&l->timer, on_handle_closed);
}

static void on_timeout(uv_timer_t *timer)
{
	linger_end(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	static char waste[LINGER_CHUNK]; /* of one thread: nobody reads it */
	struct lingering *l = poll->data;
	ssize_t n;

	(void)events;
	n = status < 0 ? 0 : recv(l->fd, waste, sizeof(waste), MSG_DONTWAIT);
	if (n > 0)
		l->bytes += (size_t)n;
	if (n == 0 || (n < 0 && errno != EAGAIN) || l->bytes > LINGER_BYTES_MAX)
		linger_end(l);
}

static bool handles_init(struct lingering *l)
{
	if (uv_poll_init(l->server->loop, &l->poll, l->fd) < 0)
		return false;
	uv_timer_init(l->server->loop, &l->timer);
	l->poll.data = l;
	l->timer.data = l;
	l->handles = 2;
	uv_poll_start(&l->poll, UV_READABLE, on_readable);
	uv_timer_start(&l->timer, on_timeout, LINGER_MS, 0);
	return true;
}

void linger_begin(struct http_server *s, int fd)
{
	struct lingering *l;

	if (s->n_lingers >= LINGERS_MAX)
		return;
	l = calloc(1, sizeof(*l));
	if (!l)
		return;
	l->server = s;
	l->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (l->fd < 0 || !handles_init(l)) {
		if (l->fd >= 0)
			close(l->fd);
		free(l);
		return;
	}
	/* The end of the answer, as the client has to see it. */
	shutdown(l->fd, SHUT_WR);
	s->n_lingers++;
	list_push_back(&s->lingers, &l->node);
}

void linger_close_all(struct http_server *s)
{
	while (!list_empty(&s->lingers))
		linger_end(LIST_ENTRY(s->lingers.next, struct lingering, node));
}
