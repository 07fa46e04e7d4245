/* A lane: threads of its own for work that would hold the loop, waited for by fibers. The common one is offload.h's;
 * one in the background is for long pieces of pure computation (password hashes), a rush of which would otherwise hold
 * up the short work of everybody else, and, on a busy machine, the loop. */
#ifndef CINESYNC_FIBER_LANE_H
#define CINESYNC_FIBER_LANE_H

#include "fiber/offload.h"

struct lane;

#define LANE_THREADS_MAX 1024

struct lane_options {
	const char *name;   /* the threads': up to 15 bytes */
	size_t threads;     /* 1..LANE_THREADS_MAX */
	size_t waiting_max; /* calls in line for a thread; SIZE_MAX: the callers bound it */
	/* The threads take what others leave: they have niceness 10 at least and, while they work, yield every half
	 * millisecond to whoever waits for their processor (SIGURG is used for it, whose handler is the process's). */
	bool is_background;
};

struct lane_stats {
	size_t threads;
	size_t waiting;   /* calls in line for a thread */
	size_t running;   /* calls that have one */
	uint64_t ended;   /* calls that were run to their end */
	uint64_t refused; /* calls for which the line was full, or too long for their deadline */
	int64_t wait_us;  /* of the ended ones together: in line */
	int64_t work_us;  /* on a thread */
};

/* Of the thread with the runtime; does not yield. Starts the threads. -EAGAIN, -ENOMEM, -EMFILE, -ENFILE. */
int lane_new(const struct lane_options *options, struct lane **ret) MUST_CHECK;
/* Ends the threads, which have nothing to do: no lane_run() may be under way. Closes its loop handle: run the loop once
 * more afterwards. Takes NULL, leaves NULL. */
void lane_free(struct lane **l);

/* Yields until the work is done on a thread of the lane and returns its value. While it still stands in line, the
 * deadline and cancellation end the wait (-ETIMEDOUT, -ECANCELED) and it never runs; once it runs it is interrupted, if
 * it can be, and waited for. -EBUSY at once: the line is full. */
int lane_run(struct lane *l, const struct offload *job) MUST_CHECK;
/* Does not yield. 0: a call made now would be done by then, going by how many stand before it and how long the last
 * ones took (a smoothed mean as RFC 6298's SRTT, meaningful where all calls are alike), or nobody stands before it.
 * -EBUSY: it would not, or the line is full; that counts as refused. */
int lane_check(struct lane *l, int64_t deadline_ms) MUST_CHECK;

/* Does not yield. */
void lane_stats_get(struct lane *l, struct lane_stats *ret);
/* Of the runtime's common lane (offload.h). Does not yield. */
void offload_stats_get(struct lane_stats *ret);

#endif
