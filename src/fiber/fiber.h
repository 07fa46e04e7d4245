/* Fibers on the libuv loop: handlers read straight down and every wait is bounded.
 *
 * One runtime a thread, one loop, one core. A fiber runs until it waits, and never leaves its thread. Every function
 * below marked "yields" may run other fibers before it returns: after it, re-validate what you looked up, or hold a
 * reference. A wait ends with its result, -ETIMEDOUT (the fiber's deadline has passed) or -ECANCELED (fiber_cancel());
 * once a fiber is past its deadline or cancelled, every further wait says so at once, except under fiber_shield().
 * Stacks are mapped with a guard page below them, pooled, and their high-water mark is measured. */
#ifndef CINESYNC_FIBER_FIBER_H
#define CINESYNC_FIBER_FIBER_H

#include "base/clock.h"
#include "base/list.h"

struct fiber;
struct uv_loop_s;

struct fiber_limits {
	size_t stack_size;      /* bytes, 16 KiB to 16 MiB, rounded up to pages; 0: 64 KiB (256 KiB under ASan) */
	size_t fibers_max;      /* alive at once; 0: 20,000 */
	size_t stacks_kept;     /* free stacks kept for the next fiber; 0: 256 */
	int64_t slice_warn_ms;  /* a slice on the loop longer than this is logged; 0: 20 */
	size_t offload_threads; /* of offload.h, 1 to 1024; 0: 4 */
};

struct fiber_stats {
	size_t alive;
	size_t alive_max;
	uint64_t started;
	size_t stacks_pooled;
	size_t stack_high_water; /* bytes of the deepest stack seen among finished fibers */
	uint64_t slow_slices;
};

/* Makes the calling thread's runtime on that loop. limits may be NULL. -EBUSY: it has one; -ENOMEM. */
int fiber_runtime_init(struct uv_loop_s *loop, const struct fiber_limits *limits) MUST_CHECK;
/* Frees it; no fiber may be alive. Closes its loop handles: run the loop once more afterwards. */
void fiber_runtime_done(void);
struct uv_loop_s *fiber_loop(void);
void fiber_stats_get(struct fiber_stats *ret);

/* A fiber that starts in the loop's next turn. name is kept by pointer. When ret is not NULL the caller gets a
 * reference, to be dropped with fiber_unref(). -EAGAIN: fibers_max are alive; -ENOMEM. */
int fiber_spawn(const char *name, void (*entry)(void *), void *arg, struct fiber **ret) MUST_CHECK;
/* As fiber_spawn(), but runs it at once until its first wait. Only from the loop, never from a fiber. */
int fiber_start(const char *name, void (*entry)(void *), void *arg, struct fiber **ret) MUST_CHECK;
struct fiber *fiber_ref(struct fiber *f);
void fiber_unref(struct fiber **f);

/* NULL when the loop itself runs. */
struct fiber *fiber_self(void);
const char *fiber_name(const struct fiber *f);

/* Makes its present or next wait, and all after that, fail with -ECANCELED. */
void fiber_cancel(struct fiber *f);
/* Yields until f has finished. 0, -ETIMEDOUT, -ECANCELED. */
int fiber_join(struct fiber *f) MUST_CHECK;
/* Yields, shielded: cancels it, waits until it has finished and drops the reference. Takes NULL, leaves NULL. */
void fiber_end(struct fiber **f);

/* The running fiber's absolute deadline (clock_mono_ms()); DEADLINE_NONE at its start. */
void fiber_deadline_set(int64_t mono_ms);
int64_t fiber_deadline(void);
/* >= 0; INT64_MAX without a deadline, and under fiber_shield(). */
int64_t fiber_time_left_ms(void);

/* While the count of shields is above zero, waits ignore the deadline and cancellation: for rollbacks and other work
 * that has to be finished once begun, and is bounded by itself. */
void fiber_shield(void);
void fiber_unshield(void);

/* 0; -ETIMEDOUT or -ECANCELED: what every wait of the running fiber would answer at once. Does not yield. */
int fiber_check(void) MUST_CHECK;
/* Yields: lets the others run and the loop see to its descriptors, always. Then 0, -ETIMEDOUT, -ECANCELED. */
int fiber_yield(void);
/* Yields for at least that long. 0, -ETIMEDOUT, -ECANCELED. */
int fiber_sleep_ms(int64_t delay_ms);
/* Yields until the descriptor is ready for UV_READABLE, UV_WRITABLE or UV_DISCONNECT. The ready events (> 0; an error
 * on the descriptor makes it ready for all that was asked), or < 0: -ETIMEDOUT, -ECANCELED, -EBADF, -EPERM: a plain
 * file, -EEXIST: another fiber or handle of the loop waits for it, -ENOMEM. Makes it non-blocking. The caller may close
 * it any time after, not during, the wait. */
int fiber_wait_fd(int fd, int events) MUST_CHECK;
/* The same for no longer than until that time (clock_mono_ms()), which holds under fiber_shield() too: 0 when it came.
 */
int fiber_wait_fd_until(int fd, int events, int64_t mono_ms) MUST_CHECK;

/* The primitive under all waits. Yields until fiber_wake(self, result) and returns that result, or -ETIMEDOUT or
 * -ECANCELED, after which the caller must see to it that nobody wakes it for this wait any more. */
int fiber_suspend(void) MUST_CHECK;
/* From the loop or another fiber of the thread, once per suspend; a second wake before it runs is ignored. A fiber that
 * is running may be woken by what it calls: its next fiber_suspend() then returns at once. Not for a fiber that waits
 * in any other way than fiber_suspend(). */
void fiber_wake(struct fiber *f, int result);

/* ---- waiting in line ---- */

/* Fibers waiting for something to happen. Embedded in its owner; init with fiber_queue_init(). */
struct fiber_queue {
	struct list waiters;
	size_t count;
};

void fiber_queue_init(struct fiber_queue *q);
/* Yields until woken: 0, or the result given to the wake; -ETIMEDOUT, -ECANCELED. */
int fiber_queue_wait(struct fiber_queue *q) MUST_CHECK;
/* Wakes the first; false when nobody waits. */
bool fiber_queue_wake_one(struct fiber_queue *q, int result);
void fiber_queue_wake_all(struct fiber_queue *q, int result);

/* Counted permits, first come first served, with a bounded line. */
struct fiber_semaphore {
	struct fiber_queue queue;
	size_t available;
	size_t waiters_max;
};

void fiber_semaphore_init(struct fiber_semaphore *s, size_t permits, size_t waiters_max);
/* Yields while none is free; takes a free one without looking at deadline or cancellation. 0; -EBUSY at once: the line
 * is full; -ETIMEDOUT, -ECANCELED. */
int fiber_semaphore_acquire(struct fiber_semaphore *s) MUST_CHECK;
void fiber_semaphore_release(struct fiber_semaphore *s);

#endif
