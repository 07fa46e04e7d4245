/* A fixed set of connections that fibers take and give back. Private to this room. */
#ifndef CINESYNC_STORE_POOL_H
#define CINESYNC_STORE_POOL_H

#include "fiber/fiber.h"
#include "store/driver.h"

struct store_pool {
	struct fiber_semaphore permits;
	void **idle; /* a stack: the one used last is warm */
	size_t n_idle;
	size_t n;
	int64_t wait_ms;
	struct metric_cell *waits;
	struct metric_cell *used; /* these ask the pool until it is done */
	struct metric_cell *unused;
	struct metric_cell *waiting;
};

/* options: wait_ms, waiters_max. The pool is empty: store_pool_add() each item once. name: "writer", for the metric. */
int store_pool_init(struct store_pool *p, size_t items_max, const struct store_options *options, const char *system,
                    const char *name) MUST_CHECK;
/* Frees the pool, not the items; all must be back. */
void store_pool_done(struct store_pool *p);
void store_pool_add(struct store_pool *p, void *item);
/* Any item out of the idle ones, for taking the pool apart; NULL when there is none. */
void *store_pool_remove(struct store_pool *p);

/* The idle one at that place, for ending it; only while a permit is available: others are promised to somebody. */
void *store_pool_remove_at(struct store_pool *p, size_t place);
/* One that was taken will not come back. */
void store_pool_lost(struct store_pool *p);

/* Yields. -EBUSY: none came free within wait_ms, or the line is full; -ETIMEDOUT, -ECANCELED: the fiber's own. */
int store_pool_take(struct store_pool *p, void **ret) MUST_CHECK;
void store_pool_give(struct store_pool *p, void *item);

/* The counter of failures by kind, by db_system_name and error; those an operator looks for are there from the start.
 */
struct metric *store_errors_metric(const char *system);

#endif
