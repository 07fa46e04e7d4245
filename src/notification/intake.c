/* See intake.h. Nothing is owned; everything lives in the caller's arena. */
#include "notification/intake.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "notification/mailer.h"
#include "notification/sink.h"
#include "notification/statements.h"
#include "telemetry/metrics.h"

#include <errno.h>

static struct metric *events_metric;

void intake_init(void)
{
	static const char *const labels[] = { "result", NULL };

	events_metric = metric_new(METRIC_COUNTER, "cinesync_events_received_total",
	                           "Events received, by what came of them.", labels, NULL, 0);
}

static void count(const char *result)
{
	metric_add(metric_cell(events_metric, (const char *const[]){ result }), 1);
}

/* ---- reading ---- */

int intake_read(const struct event *e, struct arena *a, struct intake *ret, struct violations *v)
{
	int r = notice_read(e, a, &ret->notice, v);

	if (r == -ENOENT) {
		count("unknown-type");
		log_info("event of a type not known here", LOG_STRN("event_type", e->type),
		         LOG_STRN("event_id", e->id));
		return r;
	}
	if (r == 0 && !uuid_is_valid(e->id)) {
		violations_add(v, "body", "id", "uuid_parsing", "Input should be a valid UUID");
		r = -EINVAL;
	}
	if (r == -EINVAL)
		count("malformed");
	ret->event = *e;
	return r;
}

int intake_parse(struct str envelope, struct arena *a, struct intake *ret, struct violations *v)
{
	struct event e;
	int r = event_parse(envelope, a, &e, v);

	if (r == -EINVAL)
		count("malformed");
	return r < 0 ? r : intake_read(&e, a, ret, v);
}

/* ---- storing ---- */

/* Yields. The files of mails already sent: before the rows forget which they were, so that a crash in between only
 * means that it is done once more. */
static int mails_forget(const struct notice *n, struct arena *a)
{
	struct mail_sink *sink = notification_state()->sink;
	struct store_rows rows;
	int r;

	if (!sink->forget)
		return 0;
	r = store_read(notification_state()->store, sql_deliveries_sent_to, STORE_ARGS(STORE_S(n->user_id)), a, &rows);
	for (size_t i = 0; r == 0 && i < rows.n; i++)
		if (sink->forget(sink, store_text(&rows, i, 0)) < 0)
			r = -EREMOTEIO;
	return r;
}

enum { FORGET_ARGS = 2, INSERT_ARGS = 10 };

struct plan {
	size_t n;
	struct store_statement statements[STORE_BATCH_MAX];
	struct store_value args[STORE_BATCH_MAX][INSERT_ARGS];
	bool is_insert[STORE_BATCH_MAX];
};

/* Everything we know of a person, but for the mail that says goodbye; the rows stay as a memory of the events. */
static void plan_forget(struct plan *p, const struct intake *in)
{
	struct store_value *args = p->args[p->n];

	args[0] = STORE_S(in->notice.user_id);
	args[1] = STORE_S(in->event.id);
	p->statements[p->n++] = (struct store_statement){ sql_deliveries_forget, args, FORGET_ARGS };
}

static void plan_insert(struct plan *p, const struct intake *in)
{
	const struct event *e = &in->event;
	const struct notice *n = &in->notice;
	const struct store_value values[INSERT_ARGS] = { STORE_S(e->id),           STORE_S(e->type),
		                                         STORE_S(n->user_id),      STORE_S(str_from(n->template)),
		                                         STORE_S(n->language),     STORE_S(n->email),
		                                         STORE_S(n->display_name), STORE_S(e->traceparent),
		                                         STORE_I(clock_real_ms()), STORE_S(e->data) };

	memcpy(p->args[p->n], values, sizeof(values));
	p->is_insert[p->n] = true;
	p->statements[p->n] = (struct store_statement){ sql_delivery_insert, p->args[p->n], INSERT_ARGS };
	p->n++;
}

static void count_stored(const struct plan *p, const struct store_rows *rows)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->is_insert[i])
			count(rows[i].affected > 0 ? "accepted" : "duplicate");
}

int intake_store(struct intake *const *items, size_t n, struct arena *a)
{
	struct store_rows rows[STORE_BATCH_MAX];
	struct plan p = { 0 };
	int r = 0;

	assert(n >= 1 && n <= INTAKE_BATCH_MAX);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (items[i]->notice.is_farewell) {
			r = mails_forget(&items[i]->notice, a);
			plan_forget(&p, items[i]);
		}
		plan_insert(&p, items[i]);
	}
	if (r == 0)
		r = store_batch(notification_state()->store, p.statements, p.n, a, rows);
	if (r < 0)
		return r;
	count_stored(&p, rows);
	mailer_kick(notification_state()->mailer);
	return 0;
}
