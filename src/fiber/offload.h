/* Blocking work on libuv's thread pool, waited for by a fiber. */
#ifndef CINESYNC_FIBER_OFFLOAD_H
#define CINESYNC_FIBER_OFFLOAD_H

#include "fiber/fiber.h"

struct offload {
	/* Runs on a pool thread; its return value is the offload's. Must not touch fibers, the loop or context_current.
	 */
	int (*work)(void *arg);
	/* Called on the loop thread when the deadline passes or the fiber is cancelled while `work` runs, to make it
	 * end early (sqlite3_interrupt()), and again every 20 ms until it has ended, which the fiber waits for; it must
	 * be harmless just after the end. May be NULL. */
	void (*interrupt)(void *arg);
	void *arg; /* stays the caller's; used until offload_run() returns, never after */
};

/* Yields until the work is done and returns its value. While it still stands in the pool's queue, the deadline and
 * cancellation end the wait (-ETIMEDOUT, -ECANCELED) and the work never runs; once it runs it is waited for. */
int offload_run(const struct offload *job) MUST_CHECK;

/* Sets the number of pool threads, before the first use in the process (UV_THREADPOOL_SIZE). */
void offload_threads_set(int threads);

#endif
