/* A lane: threads of its own, of low priority, for long pieces of pure computation (password hashes). On the common
 * pool (offload.h) a rush of them would hold up the short blocking work of everybody else, and, on a busy machine, the
 * loop. */
#ifndef CINESYNC_FIBER_LANE_H
#define CINESYNC_FIBER_LANE_H

#include "fiber/offload.h"

struct lane;

#define LANE_THREADS_MAX 64

/* On a fiber; does not yield unless it fails. Starts the threads (1..LANE_THREADS_MAX) with that niceness (0..19);
 * name: theirs, up to 15 bytes. -EAGAIN, -ENOMEM. */
int lane_new(const char *name, size_t threads, int niceness, struct lane **ret) MUST_CHECK;
/* Yields (shielded): waits for the threads. No lane_run() may be under way. Takes NULL, leaves NULL. */
void lane_free(struct lane **l);

/* As offload_run(), on the lane: yields until the work is done and returns its value; while it still stands in line,
 * the deadline and cancellation end the wait and it never runs; once it runs it is waited for. interrupt is not used:
 * the work is expected to end by itself. The line before it is bounded by the caller (a semaphore). */
int lane_run(struct lane *l, const struct offload *job) MUST_CHECK;

#endif
