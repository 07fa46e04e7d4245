/* Single flight. The group maps a key to its flight while the work goes on; the flight is counted: one reference is its
 * fiber's, one each waiting caller's, so that whoever leaves last frees it and the result it still holds.
 * Limits: flights_max keys at once; callers are fibers and bounded as such. */
#include "fiber/flight.h"

#include "base/fault.h"
#include "base/map.h"
#include "fiber/runtime.h"

#include <errno.h>
#include <stdlib.h>

#define GROUP_MAGIC 0x464c4754u

struct flight_group {
	uint32_t magic;
	struct map *flights;
	const struct flight_ops *ops;
};

struct flight {
	unsigned refs;
	struct flight_group *group; /* used only while the work goes on */
	const struct flight_ops *ops;
	int64_t deadline_ms;
	int (*work)(void *arg, void **ret_result);
	void *arg;
	void (*arg_free)(void *arg);
	bool done;
	int outcome;
	void *result; /* the flight's own reference; may be NULL */
	struct fiber *fiber;
	struct fiber_queue waiters;
	struct context context; /* the first caller's, who may be gone before the end */
	bool has_context;
	size_t key_len;
	char key[];
};

int flight_group_new(size_t flights_max, const struct flight_ops *ops, struct flight_group **ret)
{
	struct flight_group *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return -ENOMEM;
	r = map_new(flights_max, &g->flights);
	if (r < 0) {
		free(g);
		return r;
	}
	g->magic = GROUP_MAGIC;
	g->ops = ops;
	*ret = g;
	return 0;
}

void flight_group_free(struct flight_group **g)
{
	struct flight_group *old = STEAL(*g);

	if (!old)
		return;
	assert(old->magic == GROUP_MAGIC && map_count(old->flights) == 0);
	map_free(&old->flights);
	old->magic = 0;
	free(old);
}

size_t flight_count(const struct flight_group *g)
{
	assert(g->magic == GROUP_MAGIC);
	return map_count(g->flights);
}

static void flight_unref(struct flight *f)
{
	if (--f->refs > 0)
		return;
	if (f->result)
		f->ops->unref(f->result);
	fiber_unref(&f->fiber);
	free(f);
}

static void arg_done(void *arg, void (*arg_free)(void *arg))
{
	if (arg_free)
		arg_free(arg);
}

static void flight_main(void *arg)
{
	struct flight *f = arg;
	void *result = NULL;

	context_current = f->has_context ? &f->context : NULL;
	fiber_deadline_set(f->deadline_ms);
	f->outcome = f->work(f->arg, &result);
	if (f->outcome >= 0)
		f->result = result;
	f->done = true;
	map_remove(f->group->flights, (struct str){ f->key, f->key_len });
	f->group = NULL;
	arg_done(f->arg, f->arg_free);
	fiber_queue_wake_all(&f->waiters, 0);
	context_current = NULL;
	flight_unref(f);
}

/* One reference, for the fiber to come. */
static struct flight *flight_new(struct flight_group *g, struct str key, int64_t work_ms)
{
	struct flight *f = fault_hit("fiber.alloc") ? NULL : calloc(1, sizeof(*f) + key.len + 1);

	if (!f)
		return NULL;
	f->refs = 1;
	f->group = g;
	f->ops = g->ops;
	f->deadline_ms = clock_deadline_in(work_ms);
	fiber_queue_init(&f->waiters);
	f->key_len = key.len;
	memcpy(f->key, key.data, key.len);
	f->has_context = context_current;
	if (f->has_context)
		f->context = *context_current;
	f->context.span = NULL; /* which is the caller's */
	return f;
}

static int flight_launch(struct flight_group *g, struct str key, struct flight *f)
{
	int r;

	r = map_put(g->flights, key, f, NULL);
	if (r < 0)
		return r == -ENOSPC ? -EBUSY : r;
	r = fiber_spawn("flight", flight_main, f, &f->fiber);
	if (r < 0)
		map_remove(g->flights, key);
	return r;
}

/* Yields. */
static int flight_wait(struct flight *f, void **ret_result)
{
	int r;

	assert(f->fiber != fiber_self());
	f->refs++;
	r = fiber_queue_wait(&f->waiters);
	if (r == 0)
		r = f->outcome;
	if (r >= 0 && f->done)
		*ret_result = f->result ? f->ops->ref(f->result) : NULL;
	flight_unref(f);
	return r;
}

static int flight_first(struct flight_group *g, struct str key, struct flight *f, void **ret_result)
{
	int r;

	r = flight_launch(g, key, f);
	if (r < 0) {
		arg_done(f->arg, f->arg_free);
		flight_unref(f);
		return r;
	}
	return flight_wait(f, ret_result);
}

int flight_do(struct flight_group *g, struct str key, int64_t work_ms, int (*work)(void *arg, void **ret_result),
              void *arg, void (*arg_free)(void *arg), void **ret_result, bool *ret_shared)
{
	struct flight *f;
	int r;

	assert(g->magic == GROUP_MAGIC && !str_is_null(key));
	r = fiber_check();
	f = r < 0 ? NULL : map_get(g->flights, key);
	if (ret_shared && r == 0)
		*ret_shared = f;
	if (r < 0 || f) {
		arg_done(arg, arg_free);
		return r < 0 ? r : flight_wait(f, ret_result);
	}
	f = flight_new(g, key, work_ms);
	if (!f) {
		arg_done(arg, arg_free);
		return -ENOMEM;
	}
	f->work = work;
	f->arg = arg;
	f->arg_free = arg_free;
	return flight_first(g, key, f, ret_result);
}
