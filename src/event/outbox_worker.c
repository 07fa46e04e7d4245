/* A worker of the relay: a fiber that delivers one subject's events one by one, so that their order holds, and ends
 * with the first that is not delivered. It writes nothing down: the relay does, for many workers at once. */
#include "event/outbox_inside.h"

#include "base/context.h"
#include "base/fault.h"
#include "base/log.h"
#include "event/backoff.h"
#include "telemetry/trace.h"

#include <errno.h>
#include <stdlib.h>

#define SCRATCH_ARENA_MAX (8 * EVENT_SIZE_MAX)
#define RETRY_SLACK_MS 2 /* the row's time is on another clock than the wait */

static int deliver_traced(struct outbox *o, const struct event *e, struct str envelope)
{
	const struct event_transport *t = o->options.transport;
	struct context parent;
	struct span span;
	int r;

	span_start(&span, t->span_name, SPAN_PRODUCER,
	           trace_parse(e->traceparent, e->tracestate, &parent) ? &parent : NULL);
	span_set_str(&span, "messaging.system", str_from(t->name));
	span_set_str(&span, "messaging.operation.name", STR("publish"));
	span_set_str(&span, "messaging.operation.type", STR("send"));
	span_set_str(&span, "messaging.destination.name", str_from(t->destination));
	span_set_str(&span, "messaging.message.id", e->id);
	span_set_str(&span, "cloudevents.event_id", e->id);
	span_set_str(&span, "cloudevents.event_type", e->type);
	fiber_deadline_set(clock_deadline_in(o->delivery_ms));
	r = o->options.transport->deliver(o->options.transport, e, envelope);
	fiber_deadline_set(DEADLINE_NONE);
	assert(r <= 0);
	if (r < 0)
		span_fail(&span, error_name(r));
	span_end(&span);
	return r;
}

static int deliver(struct outbox_worker *w, const struct outbox_row *row)
{
	struct violations v;
	struct event e;
	int r;

	arena_reset(w->scratch);
	violations_init(&v, w->scratch);
	r = event_parse(row->envelope, w->scratch, &e, &v);
	if (r < 0)
		return r == -EINVAL ? -EBADMSG : r;
	return deliver_traced(w->outbox, &e, row->envelope);
}

static int64_t put_off(struct outbox *o, const struct outbox_row *row)
{
	int64_t delay_ms = backoff_ms(row->attempts + 1, o->options.backoff_min_ms, o->options.backoff_max_ms);

	o->retry_at_ms = MIN(o->retry_at_ms, clock_deadline_in(delay_ms + RETRY_SLACK_MS));
	return clock_real_ms() + delay_ms;
}

static enum outbox_fate fate_of(const struct outbox *o, int result)
{
	if (result == 0)
		return OUTBOX_SENT;
	if (o->stopping)
		return OUTBOX_UNTRIED;
	return result == -EBADMSG ? OUTBOX_REFUSED : OUTBOX_FAILED;
}

/* What it returns is < 0: the subject has to wait. */
static int worker_row(struct outbox_worker *w, const struct outbox_row *row)
{
	struct outbox *o = w->outbox;
	struct outbox_outcome *out = &w->outcomes[w->n++];
	int r = deliver(w, row);

	*out = (struct outbox_outcome){ .sequence = row->sequence,
		                        .fate = fate_of(o, r),
		                        .error = outbox_reason(o, r) };
	if (out->fate == OUTBOX_FAILED)
		out->next_attempt_ms = put_off(o, row);
	outbox_report(o, row, out->fate, r);
	return r;
}

static bool may_go_on(const struct outbox_worker *w)
{
	return !w->outbox->stopping && clock_mono_ms() < w->until_ms;
}

static void worker_rows(struct outbox_worker *w)
{
	struct outbox *o = w->outbox;
	struct store_rows rows;
	int r = worker_row(w, &w->head);

	if (r < 0 || !w->head.is_followed || o->options.batch == 1 || !may_go_on(w))
		return;
	r = outbox_rows_after(o->options.store, &w->head, o->options.batch - 1, w->rows, &rows);
	if (r < 0) {
		outbox_store_failed(o, r);
		return;
	}
	for (size_t i = 0; r == 0 && i < rows.n && may_go_on(w); i++) {
		struct outbox_row row = outbox_row_at(&rows, i);

		r = outbox_row_is_due(&row, outbox_due_now(o)) ? worker_row(w, &row) : -EAGAIN;
	}
}

static void worker_main(void *arg)
{
	struct outbox_worker *w = arg;
	struct outbox *o = w->outbox;

	worker_rows(w);
	w->is_done = true; /* from here on it is the relay's */
	o->n_done++;
	outbox_kick(o);
}

static int head_copy(struct outbox_worker *w, const struct outbox_row *head)
{
	int r = arena_copy(w->rows, head->event_id, &w->head.event_id);

	if (r == 0)
		r = arena_copy(w->rows, head->subject, &w->head.subject);
	if (r == 0)
		r = arena_copy(w->rows, head->type, &w->head.type);
	if (r == 0)
		r = arena_copy(w->rows, head->envelope, &w->head.envelope);
	return r;
}

static int worker_new(struct outbox *o, const struct outbox_row *head, struct outbox_worker **ret)
{
	size_t size = sizeof(struct outbox_worker) + o->options.batch * sizeof(struct outbox_outcome);
	struct outbox_worker *w CLEANUP(outbox_worker_free) = fault_hit("alloc") ? NULL : calloc(1, size);
	int r;

	if (!w)
		return -ENOMEM;
	w->outbox = o;
	w->head = *head;
	w->until_ms = clock_deadline_in(o->options.claim_ms - o->delivery_ms);
	r = arena_new((o->options.batch + 1) * (2 * EVENT_SIZE_MAX), &w->rows);
	if (r == 0)
		r = arena_new(SCRATCH_ARENA_MAX, &w->scratch);
	if (r == 0)
		r = head_copy(w, head);
	if (r == 0)
		*ret = STEAL(w);
	return r;
}

int outbox_worker_start(struct outbox *o, const struct outbox_row *head, struct outbox_worker **ret)
{
	struct outbox_worker *w CLEANUP(outbox_worker_free) = NULL;
	int r = worker_new(o, head, &w);

	if (r == 0)
		r = fiber_spawn("outbox worker", worker_main, w, &w->fiber);
	if (r == 0)
		*ret = STEAL(w);
	return r;
}

void outbox_worker_free(struct outbox_worker **w)
{
	struct outbox_worker *worker = STEAL(*w);

	if (!worker)
		return;
	arena_free(&worker->rows);
	arena_free(&worker->scratch);
	fiber_unref(&worker->fiber);
	free(worker);
}
