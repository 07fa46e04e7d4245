/* Inside the mailer: the loop that picks what is due (mailer.c), and one delivery (delivery.c). */
#ifndef CINESYNC_NOTIFICATION_MAILER_INSIDE_H
#define CINESYNC_NOTIFICATION_MAILER_INSIDE_H

#include "base/list.h"
#include "fiber/fiber.h"
#include "notification/mailer.h"
#include "store/lease.h"

struct metric_cell;

struct mailer {
	uint32_t magic;
	struct notification_state *state;
	struct fiber *fiber;
	struct fiber_queue kicked;
	bool kick; /* something new since the last look */
	bool stopping;
	bool failing;     /* the store: said so, and not yet that it is over */
	struct list jobs; /* deliveries under way, each with its fiber */
	size_t n_jobs;
	struct store_lease lease; /* of replicas on one database, one sends */
	int64_t count_at_ms;      /* mono: when those that wait are counted again */
	struct metric_cell *sending;
	struct metric_cell *waiting;
	struct metric_cell *oldest;
	struct metric_cell *sent;
	struct metric_cell *retried;
	struct metric_cell *refused;
};

/* Said once until it is over, whoever notices. */
void mailer_store_failed(struct mailer *m, int r);
void mailer_store_works(struct mailer *m);

/* Yields. Renders and sends the mail of that event, and records what came of it, in the trace of the request that
 * caused it; none when it is not pending any more. Comes back when it is recorded, or the mailer stops. */
void delivery_attempt(struct mailer *m, struct str event_id);

#endif
