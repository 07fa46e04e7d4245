/* See intake.h. Nothing is owned; everything lives in the caller's arena. */
#include "notification/intake.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "notification/mailer.h"
#include "notification/sink.h"
#include "notification/statements.h"
#include "telemetry/metrics.h"
#include "telemetry/trace.h"

#include <errno.h>

static struct metric *events_metric;

void intake_init(void)
{
	static const char *const labels[] = { "result", NULL };

	events_metric = metric_new(METRIC_COUNTER, "cinesync_events_received_total",
	                           "Events received, by what came of them.", labels, NULL, 0);
}

static void count(const char *result, size_t n)
{
	metric_add(metric_cell(events_metric, (const char *const[]){ result }), (double)n);
}

/* ---- reading ---- */

int intake_read(const struct event *e, struct arena *a, struct intake *ret, struct violations *v)
{
	int r = notice_read(e, a, &ret->notice, v);

	if (r == -ENOENT) {
		count("unknown-type", 1);
		log_info("event of a type not known here", LOG_STRN("event_type", e->type),
		         LOG_STRN("event_id", e->id));
		return r;
	}
	if (r == 0 && !uuid_is_valid(e->id)) {
		violations_add(v, "body", "id", "uuid_parsing", "Input should be a valid UUID");
		r = -EINVAL;
	}
	if (r == -EINVAL)
		count("malformed", 1);
	ret->event = *e;
	return r;
}

/* What follows from the event belongs to what received it. */
static int trace_take_over(struct arena *a, struct event *e)
{
	char traceparent[TRACEPARENT_SIZE];

	if (!context_current)
		return 0;
	trace_format(context_current, traceparent);
	return arena_copy(a, str_from(traceparent), &e->traceparent);
}

int intake_parse(struct str envelope, struct arena *a, struct intake *ret, struct violations *v)
{
	struct event e;
	int r = event_parse(envelope, a, &e, v);

	if (r == -EINVAL)
		count("malformed", 1);
	if (r == 0)
		r = trace_take_over(a, &e);
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

enum { ROW_ARGS = 9, FORGET_ARGS = 2, SEVEN = 7 };

/* With a farewell. */
_Static_assert(1 + INTAKE_BATCH_MAX / SEVEN + SEVEN - 1 <= STORE_BATCH_MAX, "a run fits one transaction");

/* Statements of one transaction, with their arguments in the arena. */
struct plan {
	struct arena *arena;
	size_t n;
	size_t n_rows; /* to be inserted */
	struct store_statement statements[STORE_BATCH_MAX];
	bool is_insert[STORE_BATCH_MAX];
};

static int plan_add(struct plan *p, const char *sql, size_t n_args, struct store_value **ret)
{
	*ret = arena_array(p->arena, n_args, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	assert(p->n < STORE_BATCH_MAX);
	p->statements[p->n++] = (struct store_statement){ sql, *ret, n_args };
	return 0;
}

/* Everything we know of a person, but for the mail that says goodbye; the rows stay as a memory of the events. */
static int plan_forget(struct plan *p, const struct intake *in)
{
	struct store_value *args;
	int r = plan_add(p, sql_deliveries_forget, FORGET_ARGS, &args);

	if (r < 0)
		return r;
	args[0] = STORE_S(in->notice.user_id);
	args[1] = STORE_S(in->event.id);
	return 0;
}

static struct str or_empty(struct str s)
{
	return str_is_null(s) ? STR("") : s;
}

static int plan_insert(struct plan *p, struct intake *const *items, size_t n)
{
	struct store_value *args;
	int r = plan_add(p, n == 1 ? sql_delivery_insert : sql_deliveries_insert_seven, 1 + n * ROW_ARGS, &args);

	assert(n == 1 || n == SEVEN);
	if (r < 0)
		return r;
	args[0] = STORE_I(clock_real_ms());
	for (size_t i = 0; i < n; i++) {
		const struct event *e = &items[i]->event;
		const struct notice *notice = &items[i]->notice;
		const struct store_value row[ROW_ARGS] = { STORE_S(e->id),
			                                   STORE_S(e->type),
			                                   STORE_S(notice->user_id),
			                                   STORE_S(str_from(notice->template)),
			                                   STORE_S(notice->language),
			                                   STORE_S(notice->email),
			                                   STORE_S(or_empty(notice->display_name)),
			                                   STORE_S(or_empty(e->traceparent)),
			                                   STORE_S(e->data) };

		memcpy(args + 1 + i * ROW_ARGS, row, sizeof(row));
	}
	p->is_insert[p->n - 1] = true;
	p->n_rows += n;
	return 0;
}

static void count_stored(const struct plan *p, const struct store_rows *rows)
{
	size_t n_accepted = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->is_insert[i])
			n_accepted += (size_t)rows[i].affected;
	count("accepted", n_accepted);
	count("duplicate", p->n_rows - n_accepted);
}

/* Yields. One transaction: only its first may be a farewell. */
static int run_store(struct intake *const *items, size_t n, struct arena *a)
{
	struct store_rows rows[STORE_BATCH_MAX];
	struct plan p = { .arena = a };
	int r = 0;

	if (items[0]->notice.is_farewell) {
		r = mails_forget(&items[0]->notice, a);
		if (r == 0)
			r = plan_forget(&p, items[0]);
	}
	for (size_t done = 0, step; r == 0 && done < n; done += step) {
		step = n - done >= SEVEN ? SEVEN : 1;
		r = plan_insert(&p, items + done, step);
	}
	if (r == 0)
		r = store_batch(notification_state()->store, p.statements, p.n, a, rows);
	if (r == 0)
		count_stored(&p, rows);
	return r;
}

/* How many go with the first: what a person is told before the farewell is to be there when they are forgotten. */
static size_t run_length(struct intake *const *items, size_t n)
{
	size_t len = 1;

	while (len < n && !items[len]->notice.is_farewell)
		len++;
	return len;
}

int intake_store(struct intake *const *items, size_t n, struct arena *a)
{
	int r = 0;

	assert(n >= 1 && n <= INTAKE_BATCH_MAX);
	for (size_t done = 0, len; r == 0 && done < n; done += len) {
		len = run_length(items + done, n - done);
		r = run_store(items + done, len, a);
	}
	mailer_kick(notification_state()->mailer);
	return r;
}
