/* The relay: one fiber looks for subjects with due events and starts a worker fiber for each, up to WORKERS_MAX; a
 * worker delivers its subject's events one by one, so their order holds, and stops at the first that fails. A row is
 * marked as sent after the receiver has it: a crash in between delivers it again.
 *
 * The relay owns its workers and ends after them; the store and the transport are the caller's. Only outbox_stop()
 * waits for it. Everything here runs on the loop's thread; statements and deliveries yield.
 * Limits: WORKERS_MAX deliveries at once, DELIVERY_MS each, `batch` events before a subject lets others have a turn.
 *
 * Nobody calls the relay, so it logs itself: when deliveries begin to fail and when all is well again, and each event
 * that is set aside. */
#include "event/outbox.h"

#include "base/fault.h"
#include "base/log.h"
#include "event/backoff.h"
#include "event/outbox_rows.h"
#include "fiber/fiber.h"
#include "store/lease.h"
#include "telemetry/metrics.h"
#include "telemetry/trace.h"

#include <errno.h>
#include <stdlib.h>

#define OUTBOX_MAGIC 0xe0e47001u
#define WORKERS_MAX 8
#define DELIVERY_MS 10000
#define STOP_GRACE_MS 2000
#define RETRY_SLACK_MS 2 /* the row's time is on another clock than the wait */
#define PRUNE_EVERY_MS 60000
#define SENT_KEPT_MS (INT64_C(7) * 24 * 60 * 60 * 1000)
#define LEASE_MS 6000
#define LOOK_ARENA_MAX 65536
#define SCRATCH_ARENA_MAX (8 * EVENT_SIZE_MAX)

struct outbox {
	unsigned magic;
	struct outbox_options options;
	struct fiber *fiber;
	struct fiber_queue wake; /* the relay's fiber, waiting for news */
	bool kicked;
	bool stopping;
	struct list workers;
	size_t n_workers;
	int64_t retry_at_ms; /* mono: when the first failed event is due again */
	int64_t count_at_ms;
	int64_t prune_at_ms;
	int64_t store_errors; /* since the store last worked */
	bool failing;         /* said so, and not yet that it is over */
	struct store_lease lease;
	struct outbox_stats stats;
	struct metric_cell *pending;
	struct metric_cell *oldest;
	struct metric_cell *delivered;
	struct metric_cell *failed;
	struct metric_cell *refused;
};

struct worker {
	struct list node;
	struct outbox *outbox;
	struct fiber *fiber;
	struct arena *rows;    /* and the subject */
	struct arena *scratch; /* one event's worth */
	struct str subject;
};

static struct outbox_due due_now(const struct outbox *o)
{
	int64_t now_ms = clock_real_ms();

	return (struct outbox_due){ .now_ms = now_ms, .horizon_ms = now_ms + o->options.backoff_max_ms };
}

void outbox_kick(struct outbox *o)
{
	assert(o->magic == OUTBOX_MAGIC);
	o->kicked = true;
	(void)fiber_queue_wake_one(&o->wake, 0);
}

/* ---- saying how it goes ---- */

static void store_failed(struct outbox *o, int r)
{
	if (o->stopping || o->store_errors++ > 0)
		return;
	log_warning("the outbox cannot be read or written, trying again", LOG_ERR(r),
	            LOG_STR("reason", store_error(o->options.store)));
}

static void store_works(struct outbox *o)
{
	if (o->store_errors == 0)
		return;
	o->store_errors = 0;
	log_info("the outbox can be read and written again");
}

static void delivery_failed(struct outbox *o, const struct outbox_row *row, int r)
{
	o->stats.failed++;
	metric_add(o->failed, 1);
	if (o->failing)
		return;
	o->failing = true;
	log_warning("events are not delivered, trying again", LOG_STR("transport", o->options.transport->name),
	            LOG_ERR(r), LOG_STRN("event_id", row->event_id), LOG_STRN("event_type", row->type));
}

static void delivery_refused(struct outbox *o, const struct outbox_row *row, int r)
{
	o->stats.refused++;
	metric_add(o->refused, 1);
	log_error("an event was refused and is set aside", LOG_STR("transport", o->options.transport->name), LOG_ERR(r),
	          LOG_STRN("event_id", row->event_id), LOG_STRN("event_type", row->type));
}

static void counted(struct outbox *o, const struct outbox_counts *c)
{
	int64_t age_ms = c->pending ? clock_real_ms() - c->oldest_ms : 0;

	o->stats.pending = (size_t)c->pending;
	o->stats.oldest_age_ms = MAX(age_ms, (int64_t)0);
	metric_set(o->pending, (double)c->pending);
	metric_set(o->oldest, (double)o->stats.oldest_age_ms / 1000);
	if (!o->failing || c->retrying > 0)
		return;
	o->failing = false;
	log_info("events are delivered again", LOG_STR("transport", o->options.transport->name));
}

/* ---- a worker: one subject's events, in order ---- */

static int deliver_traced(struct outbox *o, const struct event *e, struct str envelope)
{
	struct context parent;
	struct span span;
	int r;

	span_start(&span, "event deliver", SPAN_PRODUCER,
	           trace_parse(e->traceparent, e->tracestate, &parent) ? &parent : NULL);
	span_set_str(&span, "messaging.system", str_from(o->options.transport->name));
	span_set_str(&span, "cloudevents.event_id", e->id);
	span_set_str(&span, "cloudevents.event_type", e->type);
	fiber_deadline_set(clock_deadline_in(DELIVERY_MS));
	r = o->options.transport->deliver(o->options.transport, e, envelope);
	fiber_deadline_set(DEADLINE_NONE);
	assert(r <= 0);
	if (r < 0)
		span_fail(&span, error_name(r));
	span_end(&span);
	return r;
}

static int deliver(struct worker *w, const struct outbox_row *row)
{
	struct violations v;
	struct event e;
	int r;

	violations_init(&v, w->scratch);
	r = event_parse(row->envelope, w->scratch, &e, &v);
	if (r < 0)
		return r == -EINVAL ? -EBADMSG : r;
	return deliver_traced(w->outbox, &e, row->envelope);
}

static int record_failure(struct worker *w, const struct outbox_row *row, int why)
{
	struct outbox *o = w->outbox;
	int64_t delay_ms = backoff_ms(row->attempts + 1, o->options.backoff_min_ms, o->options.backoff_max_ms);

	delivery_failed(o, row, why);
	o->retry_at_ms = MIN(o->retry_at_ms, clock_deadline_in(delay_ms + RETRY_SLACK_MS));
	return outbox_row_failed(o->options.store, row->sequence, clock_real_ms() + delay_ms, error_name(why),
	                         w->scratch);
}

static int record(struct worker *w, const struct outbox_row *row, int outcome)
{
	struct outbox *o = w->outbox;

	if (outcome == -EBADMSG) {
		delivery_refused(o, row, outcome);
		return outbox_row_refused(o->options.store, row->sequence, error_name(outcome), w->scratch);
	}
	if (outcome < 0)
		return record_failure(w, row, outcome);
	o->stats.delivered++;
	metric_add(o->delivered, 1);
	return outbox_row_sent(o->options.store, row->sequence, w->scratch);
}

/* 0: done with this one; < 0: the subject has to wait. */
static int worker_row(struct worker *w, const struct outbox_row *row)
{
	int outcome;
	int r;

	arena_reset(w->scratch);
	outcome = deliver(w, row);
	if (outcome < 0 && w->outbox->stopping)
		return -ECANCELED;
	/* What has been delivered is written down, even when the stop came meanwhile. */
	fiber_shield();
	r = record(w, row, outcome);
	fiber_unshield();
	if (r < 0) {
		store_failed(w->outbox, r);
		return r;
	}
	store_works(w->outbox);
	return outcome == 0 || outcome == -EBADMSG ? 0 : outcome;
}

static void worker_rows(struct worker *w)
{
	struct outbox *o = w->outbox;
	struct store_rows rows;
	int r;

	r = outbox_rows_of(o->options.store, w->subject, o->options.batch, w->rows, &rows);
	if (r < 0) {
		store_failed(o, r);
		return;
	}
	for (size_t i = 0; r == 0 && i < rows.n && !o->stopping && store_lease_is_held(&o->lease); i++) {
		struct outbox_row row = outbox_row_at(&rows, i);

		r = outbox_row_is_due(&row, due_now(o)) ? worker_row(w, &row) : -EAGAIN;
	}
}

static void worker_free(struct worker **w)
{
	struct worker *worker = STEAL(*w);

	if (!worker)
		return;
	arena_free(&worker->rows);
	arena_free(&worker->scratch);
	fiber_unref(&worker->fiber);
	free(worker);
}

static void worker_main(void *arg)
{
	struct worker *w = arg;
	struct outbox *o = w->outbox;

	worker_rows(w);
	list_remove(&w->node);
	o->n_workers--;
	worker_free(&w);
	outbox_kick(o);
}

static int worker_new(struct outbox *o, struct str subject, struct worker **ret)
{
	struct worker *w CLEANUP(worker_free) = fault_hit("alloc") ? NULL : calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->outbox = o;
	r = arena_new((o->options.batch + 1) * (2 * EVENT_SIZE_MAX), &w->rows);
	if (r == 0)
		r = arena_new(SCRATCH_ARENA_MAX, &w->scratch);
	if (r == 0)
		r = arena_copy(w->rows, subject, &w->subject);
	if (r == 0)
		*ret = STEAL(w);
	return r;
}

static int worker_start(struct outbox *o, struct str subject)
{
	struct worker *w CLEANUP(worker_free) = NULL;
	int r;

	r = worker_new(o, subject, &w);
	if (r == 0)
		r = fiber_spawn("outbox worker", worker_main, w, &w->fiber);
	if (r < 0)
		return r;
	list_push_back(&o->workers, &w->node);
	o->n_workers++;
	w = NULL;
	return 0;
}

static bool is_in_work(const struct outbox *o, struct str subject)
{
	for (const struct list *node = o->workers.next; node != &o->workers; node = node->next)
		if (str_equal(LIST_ENTRY(node, struct worker, node)->subject, subject))
			return true;
	return false;
}

/* ---- the relay ---- */

/* Twice as many subjects as can be in work, so that those which are do not hide the others. */
static int look_for_work(struct outbox *o, struct arena *a, size_t *ret_n)
{
	struct store_rows rows;
	int r;

	r = outbox_rows_subjects(o->options.store, due_now(o), WORKERS_MAX * 2, a, &rows);
	for (size_t i = 0; r == 0 && i < rows.n && o->n_workers < WORKERS_MAX; i++)
		if (!is_in_work(o, store_text(&rows, i, 0)))
			r = worker_start(o, store_text(&rows, i, 0));
	if (r == 0)
		*ret_n = rows.n;
	return r;
}

static int look_at_counts(struct outbox *o, struct arena *a)
{
	struct outbox_counts counts;
	int r;

	r = outbox_rows_count(o->options.store, a, &counts);
	if (r < 0)
		return r;
	o->count_at_ms = clock_deadline_in(o->options.poll_ms);
	counted(o, &counts);
	return 0;
}

static int prune(struct outbox *o, struct arena *a)
{
	bool more;
	int r;

	r = outbox_rows_prune(o->options.store, clock_real_ms() - SENT_KEPT_MS, a, &more);
	if (r < 0)
		return r;
	o->prune_at_ms = clock_deadline_in(more ? 0 : PRUNE_EVERY_MS);
	return 0;
}

/* Counting walks over all that is pending, so a busy relay does it now and then only. */
static int look_at_the_rest(struct outbox *o, bool is_idle, struct arena *a)
{
	int64_t now_ms = clock_mono_ms();
	int r = 0;

	if (is_idle || now_ms >= o->count_at_ms)
		r = look_at_counts(o, a);
	if (r == 0 && store_lease_is_held(&o->lease) && now_ms >= o->prune_at_ms)
		r = prune(o, a);
	return r;
}

static void look(struct outbox *o)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	bool is_idle;
	size_t n = 0;
	int r;

	if (clock_mono_ms() >= o->retry_at_ms)
		o->retry_at_ms = DEADLINE_NONE;
	r = arena_new(LOOK_ARENA_MAX, &a);
	if (r == 0)
		r = store_lease_hold(&o->lease, o->options.store, a);
	if (r == 1)
		r = look_for_work(o, a, &n);
	is_idle = n == 0 && o->n_workers == 0;
	if (r == 0)
		r = look_at_the_rest(o, is_idle, a);
	if (r < 0)
		store_failed(o, r);
	else if (is_idle)
		store_works(o);
}

static int64_t next_look_ms(const struct outbox *o)
{
	int64_t at = clock_deadline_in(o->options.poll_ms);

	if (o->store_errors > 0)
		return clock_deadline_in(
		        backoff_ms(o->store_errors, o->options.backoff_min_ms, o->options.backoff_max_ms));
	return MIN(at, o->retry_at_ms);
}

/* A kick ends the wait, but does not hurry a store that is away. */
static void wait_for_news(struct outbox *o)
{
	bool heeds_kicks = o->store_errors == 0;

	fiber_deadline_set(next_look_ms(o));
	while (!o->stopping && !(heeds_kicks && o->kicked))
		if (fiber_queue_wait(&o->wake) < 0)
			break;
	fiber_deadline_set(DEADLINE_NONE);
	o->kicked = false;
}

static void cancel_workers(struct outbox *o)
{
	for (struct list *node = o->workers.next; node != &o->workers; node = node->next)
		fiber_cancel(LIST_ENTRY(node, struct worker, node)->fiber);
}

static void end_workers(struct outbox *o)
{
	fiber_deadline_set(clock_deadline_in(STOP_GRACE_MS));
	while (o->n_workers > 0) {
		if (fiber_queue_wait(&o->wake) == 0)
			continue;
		fiber_deadline_set(DEADLINE_NONE);
		cancel_workers(o);
	}
}

static void relay_main(void *arg)
{
	struct outbox *o = arg;

	while (!o->stopping) {
		look(o);
		wait_for_news(o);
	}
	end_workers(o);
	store_lease_drop(&o->lease, o->options.store);
}

/* ---- starting and stopping ---- */

static void metrics_find(struct outbox *o)
{
	static const char *const labels[] = { "transport", "outcome", NULL };
	struct metric *deliveries = metric_new(METRIC_COUNTER, "cinesync_outbox_deliveries_total",
	                                       "Attempts to deliver an event, by what came of them.", labels, NULL, 0);
	const char *name = o->options.transport->name;

	o->pending = metric_cell(metric_new(METRIC_GAUGE, "cinesync_outbox_pending",
	                                    "Events not yet delivered, as of the last look.", NULL, NULL, 0),
	                         NULL);
	o->oldest = metric_cell(metric_new(METRIC_GAUGE, "cinesync_outbox_oldest_age_seconds",
	                                   "Age of the oldest event not yet delivered.", NULL, NULL, 0),
	                        NULL);
	o->delivered = metric_cell(deliveries, (const char *[]){ name, "delivered" });
	o->failed = metric_cell(deliveries, (const char *[]){ name, "failed" });
	o->refused = metric_cell(deliveries, (const char *[]){ name, "refused" });
}

int outbox_start(const struct outbox_options *options, struct outbox **ret)
{
	struct outbox *o = fault_hit("alloc") ? NULL : calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	*o = (struct outbox){ .magic = OUTBOX_MAGIC, .options = *options, .retry_at_ms = DEADLINE_NONE };
	o->options.batch = options->batch ? options->batch : 64;
	o->options.poll_ms = options->poll_ms ? options->poll_ms : 1000;
	o->options.backoff_min_ms = options->backoff_min_ms ? options->backoff_min_ms : 200;
	o->options.backoff_max_ms = options->backoff_max_ms ? options->backoff_max_ms : 30000;
	store_lease_init(&o->lease, "outbox", LEASE_MS, options->competes);
	fiber_queue_init(&o->wake);
	list_init(&o->workers);
	metrics_find(o);
	r = fiber_spawn("outbox relay", relay_main, o, &o->fiber);
	if (r < 0) {
		free(o);
		return r;
	}
	*ret = o;
	return 0;
}

void outbox_stop(struct outbox **o)
{
	struct outbox *outbox = STEAL(*o);
	int r;

	if (!outbox)
		return;
	outbox->stopping = true;
	outbox_kick(outbox);
	fiber_shield();
	r = fiber_join(outbox->fiber);
	fiber_unshield();
	assert(r == 0);
	(void)r;
	fiber_unref(&outbox->fiber);
	outbox->magic = 0;
	free(outbox);
}

void outbox_stats_get(const struct outbox *o, struct outbox_stats *ret)
{
	assert(o->magic == OUTBOX_MAGIC);
	*ret = o->stats;
}
