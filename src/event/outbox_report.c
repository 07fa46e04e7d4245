/* What the relay says of itself. Nobody calls it, so it logs: when deliveries begin to fail and when all is well again,
 * and each event that is set aside; the figures are metrics. */
#include "event/outbox_inside.h"

#include "base/log.h"
#include "telemetry/metrics.h"

void outbox_store_failed(struct outbox *o, int r)
{
	if (o->stopping || o->store_errors++ > 0)
		return;
	log_warning("the outbox cannot be read or written, trying again", LOG_ERR(r),
	            LOG_STR("reason", store_error(o->options.store)));
}

void outbox_store_works(struct outbox *o)
{
	if (o->store_errors == 0)
		return;
	o->store_errors = 0;
	log_info("the outbox can be read and written again");
}

const char *outbox_reason(const struct outbox *o, int result)
{
	const struct event_transport *t = o->options.transport;
	const char *words = t->reason ? t->reason(result) : NULL;

	return words ? words : error_name(result);
}

static void failed(struct outbox *o, const struct outbox_row *row, int r)
{
	o->stats.failed++;
	metric_add(o->failed, 1);
	if (o->failing)
		return;
	o->failing = true;
	log_warning("events are not delivered, trying again", LOG_STR("transport", o->options.transport->name),
	            LOG_ERR(r), LOG_STR("reason", outbox_reason(o, r)), LOG_STRN("event_id", row->event_id),
	            LOG_STRN("event_type", row->type));
}

static void refused(struct outbox *o, const struct outbox_row *row, int r)
{
	o->stats.refused++;
	metric_add(o->refused, 1);
	log_error("an event was refused and is set aside", LOG_STR("transport", o->options.transport->name), LOG_ERR(r),
	          LOG_STR("reason", outbox_reason(o, r)), LOG_STRN("event_id", row->event_id),
	          LOG_STRN("event_type", row->type));
}

static void delivered(struct outbox *o, const struct outbox_row *row)
{
	o->stats.delivered++;
	log_debug("event delivered", LOG_STR("transport", o->options.transport->name),
	          LOG_STRN("event_id", row->event_id), LOG_STRN("event_type", row->type));
	metric_add(o->delivered, 1);
}

void outbox_report(struct outbox *o, const struct outbox_row *row, enum outbox_fate fate, int result)
{
	switch (fate) {
	case OUTBOX_SENT:
		delivered(o, row);
		break;
	case OUTBOX_FAILED:
		failed(o, row, result);
		break;
	case OUTBOX_REFUSED:
		refused(o, row, result);
		break;
	case OUTBOX_UNTRIED:
		break;
	}
}

void outbox_counted(struct outbox *o, const struct outbox_counts *c)
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

void outbox_metrics_find(struct outbox *o)
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
