/* The life of a fiber: made, run, cancelled, joined, freed. A fiber alive holds one reference to itself; its stack goes
 * back to the pool when its entry returns, the struct when the last reference is dropped.
 * Limits: fibers_max alive at once. */
#include "fiber/fiber.h"

#include "base/fault.h"
#include "fiber/runtime.h"

#include <errno.h>
#include <stdlib.h>

#define FIBER_MAGIC 0x46494252u

void fiber_assert_valid(const struct fiber *f)
{
	assert(f && f->magic == FIBER_MAGIC);
}

/* Runs on a stack of ours, one fiber after the other. */
void fiber_main(void *stack)
{
	struct stack *s = stack;

	for (;;) {
		struct fiber *f = s->fiber;

		f->entry(f->arg);
		f->state = FIBER_FINISHED;
		switch_to_last(&s->side, &runtime_get()->side);
	}
}

static void fiber_finish(struct runtime *rt, struct fiber *f)
{
	assert(f->shields == 0);
	stack_release(&rt->stacks, STEAL(f->stack));
	rt->stats.alive--;
	fiber_queue_wake_all(&f->joiners, 0);
	fiber_unref(&f);
}

void fiber_run(struct runtime *rt, struct fiber *f)
{
	struct context *loop_context = context_current;
	int64_t start_ms = clock_mono_ms();

	assert(!rt->current && f->state == FIBER_READY);
	rt->current = f;
	f->state = FIBER_RUNNING;
	context_current = f->context;
	switch_to(&rt->side, &f->stack->side);
	rt->current = NULL;
	runtime_slice_ended(rt, f, start_ms);
	f->context = context_current;
	context_current = loop_context;
	if (f->state == FIBER_FINISHED)
		fiber_finish(rt, f);
}

static int fiber_new(struct runtime *rt, struct fiber **ret)
{
	struct fiber *f;
	int r;

	if (rt->stats.alive >= rt->limits.fibers_max)
		return -EAGAIN;
	r = wake_heap_reserve(&rt->wakes, rt->stats.alive + 1);
	if (r < 0)
		return r;
	f = fault_hit("fiber.alloc") ? NULL : calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	r = stack_acquire(&rt->stacks, &f->stack);
	if (r < 0) {
		free(f);
		return r;
	}
	f->stack->fiber = f;
	f->magic = FIBER_MAGIC;
	f->refs = 1;
	f->deadline_ms = DEADLINE_NONE;
	list_init(&f->node);
	fiber_queue_init(&f->joiners);
	*ret = f;
	return 0;
}

static int fiber_make(const char *name, void (*entry)(void *), void *arg, struct fiber **ret)
{
	struct runtime *rt = runtime_get();
	struct fiber *f;
	int r;

	r = fiber_new(rt, &f);
	if (r < 0)
		return r;
	f->state = FIBER_READY;
	f->name = name;
	f->entry = entry;
	f->arg = arg;
	rt->stats.alive++;
	rt->stats.started++;
	rt->stats.alive_max = MAX(rt->stats.alive_max, rt->stats.alive);
	*ret = f;
	return 0;
}

int fiber_spawn(const char *name, void (*entry)(void *), void *arg, struct fiber **ret)
{
	struct runtime *rt = runtime_get();
	struct fiber *f;
	int r;

	r = fiber_make(name, entry, arg, &f);
	if (r < 0)
		return r;
	if (ret)
		*ret = fiber_ref(f);
	runtime_enqueue(rt, &rt->ready, f);
	return 0;
}

int fiber_start(const char *name, void (*entry)(void *), void *arg, struct fiber **ret)
{
	struct runtime *rt = runtime_get();
	struct fiber *f;
	int r;

	assert(!rt->current);
	r = fiber_make(name, entry, arg, &f);
	if (r < 0)
		return r;
	if (ret)
		*ret = fiber_ref(f);
	fiber_run(rt, f);
	return 0;
}

struct fiber *fiber_ref(struct fiber *f)
{
	fiber_assert_valid(f);
	f->refs++;
	return f;
}

void fiber_unref(struct fiber **f)
{
	struct fiber *old = *f;

	if (!old)
		return;
	fiber_assert_valid(old);
	*f = NULL;
	if (--old->refs > 0)
		return;
	assert(old->state == FIBER_FINISHED);
	old->magic = 0;
	free(old);
}

const char *fiber_name(const struct fiber *f)
{
	fiber_assert_valid(f);
	return f->name;
}

void fiber_cancel(struct fiber *f)
{
	fiber_assert_valid(f);
	f->cancelled = true;
	if (f->state == FIBER_WAITING && f->shields == 0)
		fiber_make_ready(runtime_get(), f, -ECANCELED);
}

int fiber_join(struct fiber *f)
{
	int r;

	fiber_assert_valid(f);
	assert(f != fiber_self());
	if (f->state == FIBER_FINISHED)
		return 0;
	fiber_ref(f);
	r = fiber_queue_wait(&f->joiners);
	fiber_unref(&f);
	return r;
}

void fiber_end(struct fiber **f)
{
	if (!*f)
		return;
	fiber_shield();
	fiber_cancel(*f);
	(void)!fiber_join(*f); /* shielded, it comes back for nothing else */
	fiber_unshield();
	fiber_unref(f);
}

void fiber_deadline_set(int64_t mono_ms)
{
	struct fiber *f = fiber_self();

	fiber_assert_valid(f);
	f->deadline_ms = mono_ms;
}

int64_t fiber_deadline(void)
{
	const struct fiber *f = fiber_self();

	return f ? f->deadline_ms : DEADLINE_NONE;
}

int64_t fiber_time_left_ms(void)
{
	const struct fiber *f = fiber_self();
	int64_t left_ms;

	if (!f || f->shields > 0 || f->deadline_ms == DEADLINE_NONE)
		return INT64_MAX;
	left_ms = f->deadline_ms - clock_mono_ms();
	return left_ms > 0 ? left_ms : 0;
}

void fiber_shield(void)
{
	struct fiber *f = fiber_self();

	fiber_assert_valid(f);
	f->shields++;
}

void fiber_unshield(void)
{
	struct fiber *f = fiber_self();

	fiber_assert_valid(f);
	assert(f->shields > 0);
	f->shields--;
}
