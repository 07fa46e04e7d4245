/* libpq's cancelling blocks: it connects, and a server that hangs takes the connection and says nothing. So each runs
 * on a thread of its own, which nobody has to wait for; it is shared by that thread and the fiber, and says by a
 * descriptor that it is over: the server closes the connection after the signal has been sent, and a signal that is
 * still to come would end the next statement.
 * Limit: CANCELS_MAX threads in the process. */
#include "store/postgres_cancel.h"

#include "base/fault.h"
#include "fiber/fiber.h"

#include <errno.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

#define CANCELS_MAX 16

struct postgres_cancel {
	atomic_int refs;
	int fd;
	PGcancel *cancel;
};

static atomic_int cancels;

void postgres_cancel_unref(struct postgres_cancel **c)
{
	struct postgres_cancel *cancel = STEAL(*c);

	if (!cancel || atomic_fetch_sub(&cancel->refs, 1) > 1)
		return;
	PQfreeCancel(cancel->cancel);
	if (cancel->fd >= 0)
		close(cancel->fd);
	free(cancel);
}

static void *cancel_main(void *arg)
{
	struct postgres_cancel *c = arg;
	char ignored[256];

	(void)!PQcancel(c->cancel, ignored, sizeof(ignored));
	(void)eventfd_write(c->fd, 1);
	postgres_cancel_unref(&c);
	atomic_fetch_sub(&cancels, 1);
	return NULL;
}

static int thread_start(struct postgres_cancel *c)
{
	pthread_t thread;

	if (atomic_fetch_add(&cancels, 1) < CANCELS_MAX) {
		atomic_fetch_add(&c->refs, 1);
		if (pthread_create(&thread, NULL, cancel_main, c) == 0) {
			pthread_detach(thread);
			return 0;
		}
		atomic_fetch_sub(&c->refs, 1);
	}
	atomic_fetch_sub(&cancels, 1);
	return -EAGAIN;
}

int postgres_cancel_start(PGconn *pg, struct postgres_cancel **ret)
{
	struct postgres_cancel *c CLEANUP(postgres_cancel_unref) = fault_hit("alloc") ? NULL : calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	atomic_init(&c->refs, 1);
	c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->cancel = PQgetCancel(pg);
	if (c->fd < 0 || !c->cancel)
		return -EAGAIN;
	r = thread_start(c);
	if (r < 0)
		return r;
	*ret = STEAL(c);
	return 0;
}

bool postgres_cancel_wait(struct postgres_cancel *c, int64_t until_ms)
{
	return fiber_wait_fd_until(c->fd, UV_READABLE, until_ms) > 0;
}
