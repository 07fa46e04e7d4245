/* Connections handed out first come, first served. Owned by a driver's store; taking yields, giving does not.
 * Limits: the number of items, wait_ms and waiters_max of the store's options. */
#include "store/pool.h"

#include "base/fault.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

/* ---- what is counted ---- */

static double used(void *arg)
{
	const struct store_pool *p = arg;

	return (double)(p->n - p->n_idle);
}

static double unused(void *arg)
{
	return (double)((const struct store_pool *)arg)->n_idle;
}

static double waiting(void *arg)
{
	return (double)((const struct store_pool *)arg)->permits.queue.count;
}

/* A pool of that name that is there already, in another database of this process, is not shown any more. */
static void metrics_begin(struct store_pool *p, const char *system, const char *name)
{
	static const char *const labels[] = { "db_system_name", "pool", NULL };
	static const char *const states[] = { "db_system_name", "pool", "state", NULL };
	const char *const values[] = { system, name };
	struct metric *connections =
	        metric_new(METRIC_GAUGE, "cinesync_store_connections",
	                   "Connections to the database that are open, by whether one is in use.", states, NULL, 0);

	p->waits = metric_cell(metric_new(METRIC_HISTOGRAM, "cinesync_store_pool_wait_seconds",
	                                  "How long a statement or transaction waited for its connection.", labels,
	                                  NULL, 0),
	                       values);
	p->waiting = metric_cell(metric_new(METRIC_GAUGE, "cinesync_store_pool_waiting",
	                                    "Statements and transactions that wait for a connection.", labels, NULL, 0),
	                         values);
	p->used = metric_cell(connections, (const char *const[]){ system, name, "used" });
	p->unused = metric_cell(connections, (const char *const[]){ system, name, "idle" });
	metric_cell_callback(p->waiting, waiting, p);
	metric_cell_callback(p->used, used, p);
	metric_cell_callback(p->unused, unused, p);
}

static void metrics_end(struct store_pool *p)
{
	metric_cell_callback_end(p->waiting, p);
	metric_cell_callback_end(p->used, p);
	metric_cell_callback_end(p->unused, p);
}

struct metric *store_errors_metric(const char *system)
{
	static const char *const labels[] = { "db_system_name", "error", NULL };
	static const int kinds[] = { ENOTCONN, EBUSY, EIO, ETIMEDOUT };
	struct metric *m =
	        metric_new(METRIC_COUNTER, "cinesync_store_errors_total",
	                   "Statements and transactions that failed, by the kind of error.", labels, NULL, 0);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		(void)metric_cell(m, (const char *const[]){ system, error_name(kinds[i]) });
	return m;
}

/* ---- its life ---- */

int store_pool_init(struct store_pool *p, size_t items_max, const struct store_options *options, const char *system,
                    const char *name)
{
	void **idle = fault_hit("alloc") ? NULL : calloc(MAX(items_max, (size_t)1), sizeof(*idle));

	if (!idle)
		return -ENOMEM;
	*p = (struct store_pool){ .idle = idle, .wait_ms = options->wait_ms };
	fiber_semaphore_init(&p->permits, 0, options->waiters_max);
	metrics_begin(p, system, name);
	return 0;
}

void store_pool_done(struct store_pool *p)
{
	assert(p->n_idle == p->n);
	if (p->idle)
		metrics_end(p);
	free(p->idle);
	*p = (struct store_pool){ 0 };
}

void store_pool_add(struct store_pool *p, void *item)
{
	p->n++;
	store_pool_give(p, item);
}

void *store_pool_remove(struct store_pool *p)
{
	return p->n_idle == 0 ? NULL : store_pool_remove_at(p, p->n_idle - 1);
}

void *store_pool_remove_at(struct store_pool *p, size_t place)
{
	void *item = p->idle[place];

	assert(place < p->n_idle && p->permits.available > 0);
	p->permits.available--;
	p->n--;
	p->n_idle--;
	memmove(&p->idle[place], &p->idle[place + 1], (p->n_idle - place) * sizeof(*p->idle));
	return item;
}

void store_pool_lost(struct store_pool *p)
{
	assert(p->n > p->n_idle);
	p->n--;
}

int store_pool_take(struct store_pool *p, void **ret)
{
	int64_t began_us = clock_mono_us();
	int64_t outer = store_deadline_narrow(p->wait_ms);
	int r;

	r = fiber_semaphore_acquire(&p->permits);
	fiber_deadline_set(outer);
	metric_observe(p->waits, (double)(clock_mono_us() - began_us) / 1e6);
	if (r == -ETIMEDOUT && clock_mono_ms() < outer)
		return -EBUSY;
	if (r < 0)
		return r;
	assert(p->n_idle > 0);
	*ret = p->idle[--p->n_idle];
	return 0;
}

void store_pool_give(struct store_pool *p, void *item)
{
	assert(p->n_idle < p->n);
	p->idle[p->n_idle++] = item;
	fiber_semaphore_release(&p->permits);
}
