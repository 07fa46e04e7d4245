/* Waiting: one primitive, fiber_pause(), and the waits made of it. All of them yield, and all obey the running fiber's
 * deadline and cancellation unless it is shielded. The caller owns what it waits for. */
#include "fiber/fiber.h"
#include "fiber/runtime.h"

#include <errno.h>
#include <stdlib.h>

static struct fiber *fiber_running(void)
{
	struct fiber *f = fiber_self();

	fiber_assert_valid(f);
	return f;
}

int fiber_check(void)
{
	const struct fiber *f = fiber_running();

	if (f->shields > 0)
		return 0;
	if (f->cancelled)
		return -ECANCELED;
	if (f->deadline_ms != DEADLINE_NONE && clock_mono_ms() >= f->deadline_ms)
		return -ETIMEDOUT;
	return 0;
}

int fiber_leave(struct runtime *rt, struct fiber *f)
{
	switch_to(&f->stack->side, &rt->side);
	return f->result;
}

int fiber_pause(int64_t wake_ms, int at_wake)
{
	struct runtime *rt = runtime_get();
	struct fiber *f = fiber_running();
	int r;

	r = fiber_check();
	if (r < 0)
		return r;
	f->wake.at_ms = wake_ms;
	f->wake_result = at_wake;
	if (f->shields == 0 && f->deadline_ms <= wake_ms) {
		f->wake.at_ms = f->deadline_ms;
		f->wake_result = -ETIMEDOUT;
	}
	if (f->wake.at_ms != DEADLINE_NONE) {
		wake_heap_add(&rt->wakes, &f->wake);
		runtime_timer_update(rt);
	}
	f->state = FIBER_WAITING;
	return fiber_leave(rt, f);
}

void fiber_make_ready(struct runtime *rt, struct fiber *f, int result)
{
	assert(f->state == FIBER_WAITING);
	if (f->wake.place != 0) {
		wake_heap_remove(&rt->wakes, &f->wake);
		runtime_timer_update(rt);
	}
	f->state = FIBER_READY;
	f->result = result;
	runtime_enqueue(rt, &rt->ready, f);
}

int fiber_suspend(void)
{
	struct fiber *f = fiber_running();

	if (f->woken_early) {
		f->woken_early = false;
		return f->result;
	}
	return fiber_pause(DEADLINE_NONE, 0);
}

void fiber_wake(struct fiber *f, int result)
{
	fiber_assert_valid(f);
	if (f->state == FIBER_WAITING) {
		fiber_make_ready(runtime_get(), f, result);
	} else if (f->state == FIBER_RUNNING && !f->woken_early) {
		f->woken_early = true;
		f->result = result;
	}
}

int fiber_yield(void)
{
	struct runtime *rt = runtime_get();
	struct fiber *f = fiber_running();

	f->state = FIBER_READY;
	f->result = 0;
	runtime_enqueue(rt, &rt->yielded, f);
	(void)fiber_leave(rt, f);
	return fiber_check();
}

int fiber_sleep_ms(int64_t delay_ms)
{
	int64_t wake_ms;

	if (delay_ms <= 0)
		return fiber_yield();
	wake_ms = clock_deadline_in(delay_ms);
	/* The clock's present millisecond is partly over. */
	return fiber_pause(wake_ms < DEADLINE_NONE ? wake_ms + 1 : wake_ms, 0);
}

struct fd_wait {
	uv_poll_t poll;
	struct fiber *fiber;
	int wanted;
	int ready;
};

/* An error makes it ready for everything: the caller's own read, write or getsockopt(SO_ERROR) learns what it is. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct fd_wait *w = poll->data;

	w->ready = status < 0 ? w->wanted : events;
	uv_poll_stop(poll);
	fiber_wake(w->fiber, w->ready);
}

static void on_poll_closed(uv_handle_t *poll)
{
	free(poll->data);
}

/* A handle a wait, closed behind it: uv_close() takes the descriptor out of epoll at once, so that its owner may close
 * it any time after the wait; one that is kept would outlive it and watch whatever gets the same number next. */
static int fd_wait_new(int fd, int events, struct fd_wait **ret)
{
	struct fd_wait *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	r = uv_poll_init(fiber_loop(), &w->poll, fd);
	if (r < 0) {
		free(w);
		return r;
	}
	w->poll.data = w;
	w->fiber = fiber_running();
	w->wanted = events;
	*ret = w;
	return 0;
}

int fiber_wait_fd(int fd, int events)
{
	return fiber_wait_fd_until(fd, events, DEADLINE_NONE);
}

int fiber_wait_fd_until(int fd, int events, int64_t mono_ms)
{
	struct fd_wait *w;
	int r;

	assert(events != 0);
	r = fiber_check();
	if (r < 0)
		return r;
	r = fd_wait_new(fd, events, &w);
	if (r < 0)
		return r;
	r = uv_poll_start(&w->poll, events, on_poll);
	if (r == 0)
		r = fiber_pause(mono_ms, 0);
	if (w->ready != 0)
		r = w->ready;
	uv_close((uv_handle_t *)&w->poll, on_poll_closed);
	return r;
}
