/* Events in: POST /internal/events takes one CloudEvent. It is answered 204 only once what it asks for is durable, so
 * the sender may forget it; the event's id is the primary key, so an event that comes twice asks for nothing more.
 * Types and versions this service does not know are taken and counted: a newer sender must not be stopped by an older
 * receiver. */
#include "base/clock.h"
#include "base/random.h"
#include "event/event.h"
#include "notification/mailer.h"
#include "notification/notification.h"
#include "notification/statements.h"
#include "telemetry/metrics.h"

#include <errno.h>

/* What we read of com.cinesync.user.created.v1. */
struct user_created {
	struct str user_id;
	struct str email;
	struct str display_name;
	struct str language;
};

static const struct schema_field user_created_fields[] = {
	{ .name = "user_id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_REQUIRED,
	  .offset = offsetof(struct user_created, user_id),
	  .doc = "Who." },
	{ .name = "email",
	  .type = SCHEMA_EMAIL,
	  .flags = SCHEMA_REQUIRED,
	  .min = 3,
	  .max = 254,
	  .offset = offsetof(struct user_created, email),
	  .doc = "Where to write to." },
	{ .name = "display_name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .min = 1,
	  .max = 80,
	  .offset = offsetof(struct user_created, display_name),
	  .doc = "How to address this person." },
	{ .name = "language",
	  .type = SCHEMA_LANGUAGE,
	  .def = "\"en\"",
	  .offset = offsetof(struct user_created, language),
	  .doc = "Language to write in." },
};
static const struct schema user_created_schema =
        SCHEMA("UserCreated", struct user_created, user_created_fields, "Somebody has registered.");

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

/* Yields. The mail to write, durable; an event that is known already changes nothing. */
static int delivery_add(struct request *req, const struct event *e, const struct user_created *u)
{
	struct notification_state *s = notification_state();
	struct store_rows rows;
	int r = store_query(s->store, sql_delivery_insert,
	                    STORE_ARGS(STORE_S(e->id), STORE_S(e->type), STORE_S(u->user_id), STORE_S(STR("welcome")),
	                               STORE_S(u->language), STORE_S(u->email), STORE_S(u->display_name),
	                               STORE_S(e->traceparent), STORE_I(clock_real_ms())),
	                    request_arena(req), &rows);

	if (r < 0) {
		log_error("database", LOG_STR("doing", "store a delivery"), LOG_ERR(r),
		          LOG_STR("detail", store_error(s->store)));
		return request_problem_retry(req, &problem_unavailable, 2,
		                             "The event could not be stored; send it again.");
	}
	count(rows.affected > 0 ? "accepted" : "duplicate");
	if (rows.affected > 0)
		mailer_kick(s->mailer);
	return 0;
}

static int user_created(struct request *req, const struct event *e)
{
	struct user_created data;
	int r = event_data(e, &user_created_schema, request_arena(req), &data, request_violation_list(req));

	if (r == 0 && !uuid_is_valid(e->id)) {
		violations_add(request_violation_list(req), "body", "id", "uuid_parsing",
		               "Input should be a valid UUID");
		r = -EINVAL;
	}
	if (r == -EINVAL) {
		count("malformed");
		return request_violations(req);
	}
	return r < 0 ? r : delivery_add(req, e, &data);
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
	if (str_equal(e.type, STR("com.cinesync.user.created.v1"))) {
		r = user_created(req, &e);
	} else {
		count("unknown-type");
		log_info("event of a type not known here", LOG_STRN("event_type", e.type), LOG_STRN("event_id", e.id));
	}
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
