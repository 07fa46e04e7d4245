/* What the files of this room share about the runtime and its fibers. Not for other rooms. */
#ifndef CINESYNC_FIBER_RUNTIME_H
#define CINESYNC_FIBER_RUNTIME_H

#include "base/context.h"
#include "fiber/fiber.h"
#include "fiber/stack.h"
#include "fiber/wake_heap.h"

#include <uv.h>

enum fiber_state {
	FIBER_READY,    /* in a run queue; goes on with `result` */
	FIBER_RUNNING,  /* the current one */
	FIBER_WAITING,  /* in fiber_pause() */
	FIBER_FINISHED, /* its stack is gone */
};

struct fiber {
	uint32_t magic;
	enum fiber_state state;
	unsigned refs;
	unsigned shields;
	bool cancelled;
	bool woken_early; /* fiber_wake() came before its fiber_suspend() */
	int result;       /* what the wait it is in, or comes back from, returns */
	int wake_result;  /* what it returns when wake.at_ms comes first */
	const char *name;
	void (*entry)(void *);
	void *arg;
	struct stack *stack;
	struct context *context; /* context_current while it does not run */
	int64_t deadline_ms;
	struct wake_entry wake;
	struct list node; /* in a run queue */
	struct fiber_queue joiners;
};

struct runtime {
	uint32_t magic;
	uv_loop_t *loop;
	uv_timer_t timer; /* for the first of `wakes` */
	uv_check_t check; /* runs what is ready, after the loop's callbacks */
	uv_idle_t idle;   /* keeps the loop from sleeping while something is ready */
	unsigned n_handles_open;
	int64_t timer_at_ms; /* DEADLINE_NONE: not armed */
	struct fiber *current;
	struct switch_side side;
	struct stack_pool stacks;
	struct wake_heap wakes;
	struct list ready;
	struct list yielded; /* ready from the loop's next turn on */
	struct fiber_limits limits;
	struct fiber_stats stats;
	struct lane *offload; /* NULL before the first offload_run() */
	int64_t warned_at_ms;
	uint64_t n_unwarned; /* slow slices not logged since then */
};

/* The thread's; asserts that there is one. */
struct runtime *runtime_get(void);
/* A fiber of that runtime's is ready: puts it in line and keeps the loop awake. */
void runtime_enqueue(struct runtime *rt, struct list *line, struct fiber *f);
/* Arms the timer for the first of rt->wakes, and lets it hold the loop only while there is one. */
void runtime_timer_update(struct runtime *rt);
/* Counts a slice on the loop, and logs it when it was too long. */
void runtime_slice_ended(struct runtime *rt, const struct fiber *f, int64_t start_ms);

/* Every stack's entry. */
void fiber_main(void *stack);
/* Runs it until its next wait or its end. From the loop. */
void fiber_run(struct runtime *rt, struct fiber *f);
void fiber_assert_valid(const struct fiber *f);

/* Gives the loop back until somebody makes the running fiber ready; its result. */
int fiber_leave(struct runtime *rt, struct fiber *f);
/* Yields until made ready, its deadline, its cancellation, or wake_ms, when it returns `at_wake`. */
int fiber_pause(int64_t wake_ms, int at_wake);
/* Ends a wait with that result; the fiber must be waiting. */
void fiber_make_ready(struct runtime *rt, struct fiber *f, int result);

#endif
