/* GET /internal/deliveries: what became of the mails, for operators. Not let through by the gateway. */
#include "base/clock.h"
#include "notification/notification.h"
#include "notification/statements.h"
#include "schema/schema.h"

#include <errno.h>

#define LIMIT_MAX 100
#define AT(type_, field_) .offset = offsetof(struct type_, field_)

static const char *const states[] = { "pending", "sent", "failed", NULL };

struct deliveries_query {
	struct str state;
	int64_t limit;
	struct str cursor;
};

struct delivery_reply {
	struct str event_id, event_type, template, language, recipient, state;
	int64_t attempts;
	struct str created_at, next_attempt_at, sent_at, last_answer;
};

struct deliveries_reply {
	struct schema_array results;
	struct str next_cursor;
};

static const struct schema_field query_fields[] = {
	{ .name = "state", .type = SCHEMA_ENUM, .values = states, AT(deliveries_query, state), .doc = "Only these." },
	{ .name = "limit",
	  .type = SCHEMA_INT,
	  .min = 1,
	  .max = LIMIT_MAX,
	  .def = "50",
	  AT(deliveries_query, limit),
	  .doc = "Items a page." },
	{ .name = "cursor",
	  .type = SCHEMA_UUID,
	  AT(deliveries_query, cursor),
	  .doc = "next_cursor of the page before." },
};
static const struct schema query_schema =
        SCHEMA("DeliveriesQuery", struct deliveries_query, query_fields, "Which mails.");

#define TEXT(name_, flags_, max_, doc_)                                                                    \
	{                                                                                                  \
		.name = #name_, .type = SCHEMA_STRING, .flags = SCHEMA_REQUIRED | (flags_), .max = (max_), \
		AT(delivery_reply, name_), .doc = (doc_)                                                   \
	}
#define TIME(name_, flags_, doc_)                                                             \
	{                                                                                     \
		.name = #name_, .type = SCHEMA_DATETIME, .flags = SCHEMA_REQUIRED | (flags_), \
		AT(delivery_reply, name_), .doc = (doc_)                                      \
	}
static const struct schema_field delivery_fields[] = {
	TEXT(event_id, 0, 64, "The event that asked for it; in the mail's Message-ID and X-Event-Id."),
	TEXT(event_type, 0, 200, "That event's type."),
	TEXT(template, 0, 64, "Which mail."),
	TEXT(language, 0, 35, "Its language."),
	TEXT(recipient, 0, 254, "To whom; empty: forgotten since."),
	{ .name = "state",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = states,
	  AT(delivery_reply, state),
	  .doc = "pending, sent or failed." },
	{ .name = "attempts",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 0,
	  .max = INT32_MAX,
	  AT(delivery_reply, attempts),
	  .doc = "How often it was tried." },
	TIME(created_at, 0, "When it was asked for."),
	TIME(next_attempt_at, SCHEMA_NULLABLE, "When it is tried next; null: it is not."),
	TIME(sent_at, SCHEMA_NULLABLE, "When the server took it."),
	TEXT(last_answer, SCHEMA_NULLABLE, 2048, "What was said to the last attempt."),
};
static const struct schema delivery_schema = SCHEMA("Delivery", struct delivery_reply, delivery_fields, "A mail.");

static const struct schema_field deliveries_fields[] = {
	{ .name = "results",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &delivery_schema,
	  .max = LIMIT_MAX,
	  AT(deliveries_reply, results),
	  .doc = "Newest first." },
	{ .name = "next_cursor",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  AT(deliveries_reply, next_cursor),
	  .doc = "For the next page; null: this is the last." },
};
static const struct schema deliveries_schema =
        SCHEMA("Deliveries", struct deliveries_reply, deliveries_fields, "A page of mails.");

/* Columns of sql_deliveries_page. */
enum {
	COLUMN_EVENT,
	COLUMN_TYPE,
	COLUMN_TEMPLATE,
	COLUMN_LANGUAGE,
	COLUMN_RECIPIENT,
	COLUMN_STATE,
	COLUMN_ATTEMPTS,
	COLUMN_NEXT,
	COLUMN_CREATED,
	COLUMN_SENT,
	COLUMN_ANSWER,
};

static int time_at(const struct store_rows *rows, size_t row, size_t column, struct arena *a, struct str *ret)
{
	return store_is_null(rows, row, column) ? 0 : clock_text(a, store_int(rows, row, column), ret);
}

static int delivery_at(const struct store_rows *rows, size_t row, struct arena *a, struct delivery_reply *ret)
{
	int r;

	*ret = (struct delivery_reply){
		.event_id = store_text(rows, row, COLUMN_EVENT),
		.event_type = store_text(rows, row, COLUMN_TYPE),
		.template = store_text(rows, row, COLUMN_TEMPLATE),
		.language = store_text(rows, row, COLUMN_LANGUAGE),
		.recipient = store_text(rows, row, COLUMN_RECIPIENT),
		.state = store_text(rows, row, COLUMN_STATE),
		.attempts = store_int(rows, row, COLUMN_ATTEMPTS),
		.last_answer = store_text(rows, row, COLUMN_ANSWER),
	};
	r = time_at(rows, row, COLUMN_CREATED, a, &ret->created_at);
	if (r == 0 && str_equal(ret->state, STR("pending")))
		r = time_at(rows, row, COLUMN_NEXT, a, &ret->next_attempt_at);
	if (r == 0)
		r = time_at(rows, row, COLUMN_SENT, a, &ret->sent_at);
	return r;
}

static int page_respond(struct request *req, const struct store_rows *rows, size_t limit)
{
	struct arena *a = request_arena(req);
	size_t n = MIN(rows->n, limit);
	struct delivery_reply *items = arena_array(a, MAX(n, (size_t)1), sizeof(*items));
	struct deliveries_reply out = { .results = { n, items } };
	int r = items ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		r = delivery_at(rows, i, a, &items[i]);
	if (rows->n > n)
		out.next_cursor = store_text(rows, n - 1, COLUMN_EVENT);
	return r < 0 ? r : respond(req, 200, &deliveries_schema, &out);
}

static int deliveries_list(struct request *req)
{
	struct deliveries_query q;
	struct store_rows rows;
	int r = request_parse(req, NULL, &q, NULL);

	if (r < 0)
		return r;
	r = store_read(notification_state()->store, sql_deliveries_page,
	               STORE_ARGS(STORE_S(q.state), STORE_S(q.cursor), STORE_I(q.limit + 1)), request_arena(req),
	               &rows);
	return r < 0 ? notification_store_failed(req, r, "read the deliveries")
	             : page_respond(req, &rows, (size_t)q.limit);
}

const struct route delivery_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/internal/deliveries",
	  .handler = deliveries_list,
	  .internal = true,
	  .query = &query_schema,
	  .reply = { 200, &deliveries_schema, NULL, "What became of the mails." },
	  .errors = { 503 },
	  .summary = "List deliveries" },
	{ 0 },
};
