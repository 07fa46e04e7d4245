/* Waiting in line. A waiter stands on its fiber's stack and takes itself out; the queue's owner must outlive the waits.
 * Who was woken keeps what it was woken with, even when its deadline passed or it was cancelled before it ran: so a
 * permit handed over is never lost. Limit: a semaphore's waiters_max; a bare queue is bounded by the number of fibers.
 */
#include "fiber/fiber.h"
#include "fiber/runtime.h"

#include <errno.h>

struct waiter {
	struct list node;
	struct fiber *fiber;
	bool woken;
	int result;
};

void fiber_queue_init(struct fiber_queue *q)
{
	list_init(&q->waiters);
	q->count = 0;
}

int fiber_queue_wait(struct fiber_queue *q)
{
	struct waiter w = { .fiber = fiber_self() };
	int r;

	list_push_back(&q->waiters, &w.node);
	q->count++;
	r = fiber_pause(DEADLINE_NONE, 0);
	if (w.woken)
		return w.result;
	list_remove(&w.node);
	q->count--;
	return r;
}

bool fiber_queue_wake_one(struct fiber_queue *q, int result)
{
	struct list *node = list_pop_front(&q->waiters);
	struct waiter *w;

	if (!node)
		return false;
	q->count--;
	w = LIST_ENTRY(node, struct waiter, node);
	w->woken = true;
	w->result = result;
	fiber_wake(w->fiber, result);
	return true;
}

void fiber_queue_wake_all(struct fiber_queue *q, int result)
{
	while (fiber_queue_wake_one(q, result))
		;
}

void fiber_semaphore_init(struct fiber_semaphore *s, size_t permits, size_t waiters_max)
{
	fiber_queue_init(&s->queue);
	s->available = permits;
	s->waiters_max = waiters_max;
}

int fiber_semaphore_acquire(struct fiber_semaphore *s)
{
	if (s->available > 0) {
		s->available--;
		return 0;
	}
	if (s->queue.count >= s->waiters_max)
		return -EBUSY;
	return fiber_queue_wait(&s->queue);
}

void fiber_semaphore_release(struct fiber_semaphore *s)
{
	if (!fiber_queue_wake_one(&s->queue, 0))
		s->available++;
}
