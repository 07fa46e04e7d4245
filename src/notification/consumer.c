/* Events in: POST /internal/events takes one CloudEvent. It is answered 204 only once what it asks for is durable, so
 * the sender may forget it; the event's id is the primary key, so an event that comes twice asks for nothing more.
 * Types and versions this service does not know are taken and counted: a newer sender must not be stopped by an older
 * receiver. */
#include "base/clock.h"
#include "base/random.h"
#include "notification/mailer.h"
#include "notification/notice.h"
#include "notification/sink.h"
#include "notification/statements.h"
#include "telemetry/metrics.h"

#include <errno.h>

static struct metric *events_metric;

void consumer_init(void)
{
	static const char *const labels[] = { "result", NULL };

	events_metric = metric_new(METRIC_COUNTER, "cinesync_events_received_total",
	                           "Events received, by what came of them.", labels, NULL, 0);
}

static void count(const char *result)
{
	metric_add(metric_cell(events_metric, (const char *const[]){ result }), 1);
}

int notification_store_failed(struct request *req, int r, const char *doing)
{
	if (r == -ENOMEM || r == -ETIMEDOUT || r == -ECANCELED)
		return r;
	log_error("database", LOG_STR("doing", doing), LOG_ERR(r),
	          LOG_STR("detail", store_error(notification_state()->store)));
	return request_problem_retry(req, &problem_unavailable, 2, "Ask again in a moment.");
}

/* In the transaction: everything we know of a person, but for the mail that says goodbye; the rows stay as a memory of
 * the events. */
static int person_forget(struct store_tx *tx, struct request *req, const struct event *e, const struct notice *n)
{
	return store_tx_query(tx, sql_deliveries_forget, STORE_ARGS(STORE_S(n->user_id), STORE_S(e->id)),
	                      request_arena(req), NULL);
}

static int delivery_insert(struct store_tx *tx, struct request *req, const struct event *e, const struct notice *n,
                           bool *ret_is_new)
{
	struct store_rows rows;
	int r = store_tx_query(tx, sql_delivery_insert,
	                       STORE_ARGS(STORE_S(e->id), STORE_S(e->type), STORE_S(n->user_id),
	                                  STORE_S(str_from(n->template)), STORE_S(n->language), STORE_S(n->email),
	                                  STORE_S(n->display_name), STORE_S(e->traceparent), STORE_I(clock_real_ms()),
	                                  STORE_S(e->data)),
	                       request_arena(req), &rows);

	if (r == 0)
		*ret_is_new = rows.affected > 0;
	return r;
}

/* Yields. The files of mails already sent: before the rows forget which they were, so that a crash in between only
 * means that it is done once more. */
static int mails_forget(struct request *req, const struct notice *n)
{
	struct mail_sink *sink = notification_state()->sink;
	struct store_rows rows;
	int r;

	if (!sink->forget)
		return 0;
	r = store_read(notification_state()->store, sql_deliveries_sent_to, STORE_ARGS(STORE_S(n->user_id)),
	               request_arena(req), &rows);
	for (size_t i = 0; r == 0 && i < rows.n; i++)
		r = sink->forget(sink, store_text(&rows, i, 0));
	return r;
}

/* Yields. The mail to write, durable; an event that is known already changes nothing. */
static int delivery_add(struct request *req, const struct event *e, const struct notice *n)
{
	struct notification_state *s = notification_state();
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	bool is_new = false;
	int r = n->is_farewell ? mails_forget(req, n) : 0;

	if (r == 0)
		r = store_begin(s->store, &tx);
	if (r == 0 && n->is_farewell)
		r = person_forget(tx, req, e, n);
	if (r == 0)
		r = delivery_insert(tx, req, e, n, &is_new);
	if (r == 0)
		r = store_commit(&tx);
	if (r < 0)
		return notification_store_failed(req, r, "store a delivery");
	count(is_new ? "accepted" : "duplicate");
	if (is_new)
		mailer_kick(s->mailer);
	return 0;
}

static int notice_take(struct request *req, const struct event *e)
{
	struct notice n;
	int r = notice_read(e, request_arena(req), &n, request_violation_list(req));

	if (r == -ENOENT) {
		count("unknown-type");
		log_info("event of a type not known here", LOG_STRN("event_type", e->type),
		         LOG_STRN("event_id", e->id));
		return 0;
	}
	if (r == 0 && !uuid_is_valid(e->id)) {
		violations_add(request_violation_list(req), "body", "id", "uuid_parsing",
		               "Input should be a valid UUID");
		r = -EINVAL;
	}
	if (r == -EINVAL) {
		count("malformed");
		return request_violations(req);
	}
	return r < 0 ? r : delivery_add(req, e, &n);
}

static int event_take(struct request *req)
{
	struct event e;
	int r = event_parse(request_body_raw(req), request_arena(req), &e, request_violation_list(req));

	if (r == -EINVAL) {
		count("malformed");
		return request_violations(req);
	}
	if (r < 0)
		return r;
	r = notice_take(req, &e);
	return r < 0 ? r : respond_empty(req, 204);
}

const struct route event_routes[] = {
	{ .method = HTTP_POST,
	  .path = "/internal/events",
	  .handler = event_take,
	  .internal = true,
	  .body = &event_schema,
	  .body_type = EVENT_MEDIA_TYPE,
	  .reply = { .status = 204 },
	  .errors = { 503 },
	  .summary = "Take an event" },
	{ 0 },
};
