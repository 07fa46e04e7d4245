/* The runtime: where fibers and the libuv loop meet. One a thread; it owns its handles, the stacks, and a reference to
 * every fiber alive.
 *
 * Ready fibers run from a check handle, so in the same turn of the loop as the callback that woke them, or right after
 * the expired waits in the timer's callback; while any is left, an idle handle keeps the loop from sleeping. A fiber
 * that yields stands in a second line, which joins the first at the next turn. All waits share one timer. It is moved
 * only to fire earlier, and when it fires for a wait that is long over it is armed anew: most waits end well before
 * their deadline.
 *
 * Limits: fibers_max alive; RUN_MAX fibers run before the loop sees to its descriptors again. */
#include "fiber/runtime.h"

#include "base/fault.h"
#include "base/log.h"
#include "fiber/lane.h"

#include <errno.h>
#include <stdlib.h>

#define RUNTIME_MAGIC 0x52554e54u
#define RUN_MAX 256
#define WARN_EVERY_MS 1000

/* Frames are several times larger under AddressSanitizer. */
#ifdef FIBER_ASAN
#define STACK_SIZE_DEFAULT ((size_t)256 * 1024)
#else
#define STACK_SIZE_DEFAULT ((size_t)64 * 1024)
#endif

static _Thread_local struct runtime *runtime;

static void on_timer(uv_timer_t *timer);

static void on_idle(uv_idle_t *idle)
{
	(void)idle;
}

struct runtime *runtime_get(void)
{
	assert(runtime && runtime->magic == RUNTIME_MAGIC);
	return runtime;
}

void runtime_enqueue(struct runtime *rt, struct list *line, struct fiber *f)
{
	list_push_back(line, &f->node);
	if (!uv_is_active((uv_handle_t *)&rt->idle))
		uv_idle_start(&rt->idle, on_idle);
}

static void runtime_run_ready(struct runtime *rt)
{
	struct list *node;

	assert(!rt->current);
	while ((node = list_pop_front(&rt->yielded)))
		list_push_back(&rt->ready, node);
	for (int i = 0; i < RUN_MAX && (node = list_pop_front(&rt->ready)); i++)
		fiber_run(rt, LIST_ENTRY(node, struct fiber, node));
	if (list_empty(&rt->ready) && list_empty(&rt->yielded))
		uv_idle_stop(&rt->idle);
}

static void on_check(uv_check_t *check)
{
	runtime_run_ready(check->data);
}

/* uv_timer_start() counts from the loop's cached time, which may be long past. */
static void timer_arm(struct runtime *rt, int64_t at_ms)
{
	int64_t delay_ms;

	uv_update_time(rt->loop);
	delay_ms = at_ms - clock_mono_ms();
	uv_timer_start(&rt->timer, on_timer, delay_ms > 0 ? (uint64_t)delay_ms : 0, 0);
	rt->timer_at_ms = at_ms;
}

void runtime_timer_update(struct runtime *rt)
{
	struct wake_entry *first = wake_heap_first(&rt->wakes);

	if (!first) {
		uv_unref((uv_handle_t *)&rt->timer);
		return;
	}
	uv_ref((uv_handle_t *)&rt->timer);
	if (first->at_ms < rt->timer_at_ms)
		timer_arm(rt, first->at_ms);
}

static void on_timer(uv_timer_t *timer)
{
	struct runtime *rt = timer->data;
	int64_t now_ms = clock_mono_ms();
	struct wake_entry *first;

	rt->timer_at_ms = DEADLINE_NONE;
	while ((first = wake_heap_first(&rt->wakes)) && first->at_ms <= now_ms) {
		struct fiber *f = CONTAINER_OF(first, struct fiber, wake);

		fiber_make_ready(rt, f, f->wake_result);
	}
	runtime_run_ready(rt);
	runtime_timer_update(rt);
}

void runtime_slice_ended(struct runtime *rt, const struct fiber *f, int64_t start_ms)
{
	int64_t now_ms = clock_mono_ms();
	int64_t slice_ms = now_ms - start_ms;

	if (slice_ms <= rt->limits.slice_warn_ms)
		return;
	rt->stats.slow_slices++;
	if (rt->warned_at_ms != 0 && now_ms - rt->warned_at_ms < WARN_EVERY_MS) {
		rt->n_unwarned++;
		return;
	}
	log_warning("fiber held the loop too long", LOG_STR("fiber", f->name), LOG_INT("ms", slice_ms),
	            LOG_INT("more_since_last", rt->n_unwarned));
	rt->warned_at_ms = now_ms;
	rt->n_unwarned = 0;
}

static void runtime_limits_set(struct runtime *rt, const struct fiber_limits *limits)
{
	struct fiber_limits given = limits ? *limits : (struct fiber_limits){ 0 };

	rt->limits = (struct fiber_limits){
		.stack_size = given.stack_size ? given.stack_size : STACK_SIZE_DEFAULT,
		.fibers_max = given.fibers_max ? given.fibers_max : 20000,
		.stacks_kept = given.stacks_kept ? given.stacks_kept : 256,
		.slice_warn_ms = given.slice_warn_ms ? given.slice_warn_ms : 20,
		.offload_threads = given.offload_threads ? given.offload_threads : 4,
	};
}

/* None of these calls can fail once the loop is there. */
static void runtime_handles_init(struct runtime *rt)
{
	uv_timer_init(rt->loop, &rt->timer);
	uv_check_init(rt->loop, &rt->check);
	uv_idle_init(rt->loop, &rt->idle);
	rt->timer.data = rt;
	rt->check.data = rt;
	rt->idle.data = rt;
	uv_check_start(&rt->check, on_check);
	uv_unref((uv_handle_t *)&rt->check);
	uv_unref((uv_handle_t *)&rt->timer);
	rt->n_handles_open = 3;
}

int fiber_runtime_init(struct uv_loop_s *loop, const struct fiber_limits *limits)
{
	struct runtime *rt;

	if (runtime)
		return -EBUSY;
	rt = fault_hit("fiber.alloc") ? NULL : calloc(1, sizeof(*rt));
	if (!rt)
		return -ENOMEM;
	rt->magic = RUNTIME_MAGIC;
	rt->loop = loop;
	rt->timer_at_ms = DEADLINE_NONE;
	list_init(&rt->ready);
	list_init(&rt->yielded);
	runtime_limits_set(rt, limits);
	switch_side_init_thread(&rt->side);
	stack_pool_init(&rt->stacks, rt->limits.stack_size, rt->limits.stacks_kept, fiber_main);
	runtime_handles_init(rt);
	runtime = rt;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct runtime *rt = handle->data;

	if (--rt->n_handles_open == 0)
		free(rt);
}

void fiber_runtime_done(void)
{
	struct runtime *rt = runtime_get();

	assert(rt->stats.alive == 0 && !rt->current);
	lane_free(&rt->offload);
	stack_pool_done(&rt->stacks);
	wake_heap_done(&rt->wakes);
	rt->magic = 0;
	runtime = NULL;
	uv_close((uv_handle_t *)&rt->timer, on_closed);
	uv_close((uv_handle_t *)&rt->check, on_closed);
	uv_close((uv_handle_t *)&rt->idle, on_closed);
}

struct uv_loop_s *fiber_loop(void)
{
	return runtime_get()->loop;
}

struct fiber *fiber_self(void)
{
	return runtime ? runtime->current : NULL;
}

void fiber_stats_get(struct fiber_stats *ret)
{
	struct runtime *rt = runtime_get();

	rt->stats.stack_high_water = stack_pool_high_water(&rt->stacks);
	rt->stats.stacks_pooled = rt->stacks.n_free;
	*ret = rt->stats;
}
