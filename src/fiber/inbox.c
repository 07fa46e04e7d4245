/* The mutex guards the list; nodes belong to whoever took them out of it. The writer of the first node writes to the
 * eventfd, so that many nodes cost one wake-up. */
#include "fiber/inbox.h"

#include "fiber/runtime.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define INBOX_MAGIC UINT32_C(0x1b01b01b)

struct inbox {
	uint32_t magic;
	void (*take)(struct list *node, void *arg);
	void *arg;
	int fd; /* the eventfd: the list is not empty any more */
	uv_poll_t poll;
	pthread_mutex_t mutex;
	struct list nodes;
};

void inbox_post(struct inbox *i, struct list *node)
{
	bool is_first;

	pthread_mutex_lock(&i->mutex);
	is_first = list_empty(&i->nodes);
	list_push_back(&i->nodes, node);
	pthread_mutex_unlock(&i->mutex);
	if (is_first)
		(void)!write(i->fd, &(uint64_t){ 1 }, sizeof(uint64_t));
}

static struct list *node_take(struct inbox *i)
{
	struct list *node;

	pthread_mutex_lock(&i->mutex);
	node = list_pop_front(&i->nodes);
	pthread_mutex_unlock(&i->mutex);
	return node;
}

void inbox_empty(struct inbox *i)
{
	struct list *node;

	assert(i->magic == INBOX_MAGIC);
	while ((node = node_take(i)))
		i->take(node, i->arg);
}

static void on_posted(uv_poll_t *poll, int status, int events)
{
	struct inbox *i = poll->data;
	uint64_t told;

	(void)status;
	(void)events;
	(void)!read(i->fd, &told, sizeof(told));
	inbox_empty(i);
}

void inbox_hold(struct inbox *i)
{
	uv_ref((uv_handle_t *)&i->poll);
}

void inbox_let_go(struct inbox *i)
{
	uv_unref((uv_handle_t *)&i->poll);
}

static void inbox_release(struct inbox *i)
{
	if (i->fd >= 0)
		close(i->fd);
	pthread_mutex_destroy(&i->mutex);
	free(i);
}

static void on_closed(uv_handle_t *handle)
{
	inbox_release(handle->data);
}

static int watch(struct inbox *i)
{
	int r;

	i->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (i->fd < 0)
		return -errno;
	r = uv_poll_init(fiber_loop(), &i->poll, i->fd);
	if (r < 0)
		return r;
	i->poll.data = i;
	r = uv_poll_start(&i->poll, UV_READABLE, on_posted);
	assert(r == 0); /* fails only for a handle that is closing */
	uv_unref((uv_handle_t *)&i->poll);
	return 0;
}

int inbox_new(void (*take)(struct list *node, void *arg), void *arg, struct inbox **ret)
{
	struct inbox *i = calloc(1, sizeof(*i));
	int r;

	if (!i)
		return -ENOMEM;
	*i = (struct inbox){ .magic = INBOX_MAGIC, .take = take, .arg = arg, .fd = -1 };
	list_init(&i->nodes);
	pthread_mutex_init(&i->mutex, NULL);
	r = watch(i);
	if (r < 0) {
		inbox_release(i);
		return r;
	}
	*ret = i;
	return 0;
}

void inbox_free(struct inbox **i)
{
	struct inbox *inbox = STEAL(*i);

	if (!inbox)
		return;
	assert(inbox->magic == INBOX_MAGIC && list_empty(&inbox->nodes));
	inbox->magic = 0;
	uv_close((uv_handle_t *)&inbox->poll, on_closed);
}
