/* Inside the relay: what it and its workers share. Private to this room. */
#ifndef CINESYNC_EVENT_OUTBOX_INSIDE_H
#define CINESYNC_EVENT_OUTBOX_INSIDE_H

#include "base/list.h"
#include "event/outbox.h"
#include "event/outbox_rows.h"
#include "fiber/fiber.h"

struct metric_cell;

struct outbox {
	unsigned magic;
	struct outbox_options options;
	int64_t delivery_ms; /* a delivery's deadline */
	struct fiber *fiber;
	struct fiber_queue wake; /* the relay's fiber, waiting for news */
	bool kicked;
	bool stopping;
	struct list workers; /* struct outbox_worker */
	size_t n_workers;
	size_t n_done;       /* of them: only to be written down */
	int64_t retry_at_ms; /* mono: when the first failed event is due again */
	int64_t count_at_ms;
	int64_t prune_at_ms;
	int64_t store_errors; /* since the store last worked */
	bool failing;         /* said so, and not yet that it is over */
	struct outbox_stats stats;
	struct metric_cell *pending;
	struct metric_cell *oldest;
	struct metric_cell *delivered;
	struct metric_cell *failed;
	struct metric_cell *refused;
};

/* One subject's turn. The fiber ends with is_done; the relay writes down what came of it and frees it. */
struct outbox_worker {
	struct list node;
	struct outbox *outbox;
	struct fiber *fiber;
	struct arena *rows;    /* the head, and what follows it */
	struct arena *scratch; /* one event's worth */
	struct outbox_row head;
	int64_t until_ms; /* mono: no delivery begins later, for the claim would not last */
	bool is_done;
	size_t n;
	struct outbox_outcome outcomes[]; /* options.batch of them */
};

/* Does not yield. Starts the fiber that delivers from that row on; the row is copied. -EAGAIN, -ENOMEM. */
int outbox_worker_start(struct outbox *o, const struct outbox_row *head, struct outbox_worker **ret) MUST_CHECK;
/* It is done, or its fiber never ran. Takes NULL. */
void outbox_worker_free(struct outbox_worker **w);

/* Said once until it is over, whoever notices. */
void outbox_store_failed(struct outbox *o, int r);
void outbox_store_works(struct outbox *o);
/* What came of an attempt; result: why, if it did not succeed. */
void outbox_report(struct outbox *o, const struct outbox_row *row, enum outbox_fate fate, int result);
/* In words, static text; of what did not fail, too. */
const char *outbox_reason(const struct outbox *o, int result);
void outbox_counted(struct outbox *o, const struct outbox_counts *c);
void outbox_metrics_find(struct outbox *o);
struct outbox_due outbox_due_now(const struct outbox *o);

#endif
