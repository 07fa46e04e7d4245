/* Threads for long computations. A call stands on its fiber's stack, which is why the fiber never leaves before its
 * call is out of the line: at once when it was still in it, else when the work has ended. The mutex guards the two
 * lists and `stopping`; the loop is told by one uv_async_t, which holds it only while there are calls. */
#include "fiber/lane.h"

#include "base/list.h"
#include "fiber/runtime.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define LANE_MAGIC UINT32_C(0x1a9e1a9e)

struct lane {
	uint32_t magic;
	int niceness;
	uv_async_t async;
	size_t calls; /* under way; of the loop's thread */
	struct fiber *closer;
	bool is_closed;
	pthread_mutex_t mutex;
	pthread_cond_t more;
	struct list waiting; /* struct lane_call */
	struct list ended;
	bool stopping;
	size_t n_threads;
	pthread_t threads[LANE_THREADS_MAX];
};

struct lane_call {
	struct list node;
	const struct offload *job;
	struct fiber *fiber;
	int result;
	bool is_taken; /* by a thread; under the mutex */
	bool is_done;  /* of the loop's thread */
};

static struct lane_call *call_take(struct lane *l)
{
	struct list *node;
	struct lane_call *call = NULL;

	pthread_mutex_lock(&l->mutex);
	while (list_empty(&l->waiting) && !l->stopping)
		pthread_cond_wait(&l->more, &l->mutex);
	node = list_pop_front(&l->waiting);
	if (node) {
		call = LIST_ENTRY(node, struct lane_call, node);
		call->is_taken = true;
	}
	pthread_mutex_unlock(&l->mutex);
	return call;
}

static void *thread_main(void *arg)
{
	struct lane *l = arg;
	struct lane_call *call;

	/* On Linux niceness is a thread's own. Failing, it only competes more. */
	(void)!setpriority(PRIO_PROCESS, (id_t)gettid(), l->niceness);
	while ((call = call_take(l))) {
		call->result = call->job->work(call->job->arg);
		pthread_mutex_lock(&l->mutex);
		list_push_back(&l->ended, &call->node);
		pthread_mutex_unlock(&l->mutex);
		uv_async_send(&l->async);
	}
	return NULL;
}

static void on_ended(uv_async_t *async)
{
	struct lane *l = async->data;
	struct list *node;

	for (;;) {
		struct lane_call *call;

		pthread_mutex_lock(&l->mutex);
		node = list_pop_front(&l->ended);
		pthread_mutex_unlock(&l->mutex);
		if (!node)
			return;
		call = LIST_ENTRY(node, struct lane_call, node);
		call->is_done = true;
		fiber_wake(call->fiber, 0);
	}
}

static void call_enter(struct lane *l, struct lane_call *call)
{
	if (l->calls++ == 0)
		uv_ref((uv_handle_t *)&l->async);
	pthread_mutex_lock(&l->mutex);
	list_push_back(&l->waiting, &call->node);
	pthread_cond_signal(&l->more);
	pthread_mutex_unlock(&l->mutex);
}

static void call_leave(struct lane *l)
{
	if (--l->calls == 0)
		uv_unref((uv_handle_t *)&l->async);
}

/* Out of the line, if no thread has taken it yet. */
static bool call_withdraw(struct lane *l, struct lane_call *call)
{
	bool is_withdrawn;

	pthread_mutex_lock(&l->mutex);
	is_withdrawn = !call->is_taken;
	if (is_withdrawn)
		list_remove(&call->node);
	pthread_mutex_unlock(&l->mutex);
	return is_withdrawn;
}

int lane_run(struct lane *l, const struct offload *job)
{
	struct lane_call call = { .job = job, .fiber = fiber_self() };
	int r = fiber_check();

	assert(l->magic == LANE_MAGIC);
	if (r < 0)
		return r;
	list_init(&call.node);
	call_enter(l, &call);
	while (r >= 0 && !call.is_done)
		r = fiber_pause(DEADLINE_NONE, 0);
	if (!call.is_done && !call_withdraw(l, &call)) {
		fiber_shield();
		while (!call.is_done)
			(void)fiber_pause(DEADLINE_NONE, 0);
		fiber_unshield();
	}
	call_leave(l);
	return call.is_done ? call.result : r;
}

static void on_closed(uv_handle_t *handle)
{
	struct lane *l = handle->data;

	l->is_closed = true;
	if (l->closer)
		fiber_wake(l->closer, 0);
}

/* Yields. What lane_new() has made so far. */
static void lane_end(struct lane *l)
{
	pthread_mutex_lock(&l->mutex);
	l->stopping = true;
	pthread_cond_broadcast(&l->more);
	pthread_mutex_unlock(&l->mutex);
	for (size_t i = 0; i < l->n_threads; i++)
		pthread_join(l->threads[i], NULL);
	l->closer = fiber_self();
	uv_close((uv_handle_t *)&l->async, on_closed);
	fiber_shield();
	while (!l->is_closed)
		(void)fiber_pause(DEADLINE_NONE, 0);
	fiber_unshield();
	pthread_cond_destroy(&l->more);
	pthread_mutex_destroy(&l->mutex);
	l->magic = 0;
	free(l);
}

int lane_new(const char *name, size_t threads, int niceness, struct lane **ret)
{
	struct lane *l = calloc(1, sizeof(*l));
	int r;

	assert(threads >= 1 && threads <= LANE_THREADS_MAX && niceness >= 0 && niceness <= 19);
	if (!l)
		return -ENOMEM;
	l->magic = LANE_MAGIC;
	l->niceness = niceness;
	list_init(&l->waiting);
	list_init(&l->ended);
	pthread_mutex_init(&l->mutex, NULL);
	pthread_cond_init(&l->more, NULL);
	r = uv_async_init(fiber_loop(), &l->async, on_ended);
	if (r < 0) {
		free(l);
		return r;
	}
	l->async.data = l;
	uv_unref((uv_handle_t *)&l->async);
	for (size_t i = 0; i < threads && r == 0; i++) {
		r = -pthread_create(&l->threads[i], NULL, thread_main, l);
		if (r == 0) {
			pthread_setname_np(l->threads[i], name);
			l->n_threads++;
		}
	}
	if (r < 0)
		lane_end(l);
	else
		*ret = l;
	return r;
}

void lane_free(struct lane **l)
{
	if (!*l)
		return;
	assert((*l)->magic == LANE_MAGIC && (*l)->calls == 0);
	lane_end(*l);
	*l = NULL;
}
