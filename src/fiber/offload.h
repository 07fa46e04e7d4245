/* Blocking work on threads off the loop, waited for by a fiber: the runtime's common lane, made at the first use. */
#ifndef CINESYNC_FIBER_OFFLOAD_H
#define CINESYNC_FIBER_OFFLOAD_H

#include "fiber/fiber.h"

struct offload {
	/* Runs on a pool thread; its return value is the offload's. Must not touch fibers, the loop or context_current.
	 */
	int (*work)(void *arg);
	/* Called on the loop thread when the deadline passes or the fiber is cancelled while `work` runs, to make it
	 * end early (sqlite3_interrupt()), and again every 20 ms until it has ended, which the fiber waits for; it must
	 * be harmless just before the beginning and just after the end. May be NULL. */
	void (*interrupt)(void *arg);
	void *arg; /* stays the caller's; used until offload_run() returns, never after */
};

/* Yields until the work is done and returns its value. While it still stands in the pool's line, the deadline and
 * cancellation end the wait (-ETIMEDOUT, -ECANCELED) and the work never runs; once it runs it is waited for. The first
 * of a runtime's may fail as lane_new() does. The line before the threads is bounded by the callers (a semaphore). */
int offload_run(const struct offload *job) MUST_CHECK;

#endif
