/* Reading the audit trail: administrators everything, a person what concerns the own account. */
#include "base/clock.h"
#include "user/cursor.h"
#include "user/device.h"
#include "user/messages_admin.h"
#include "user/statements.h"
#include "user/user.h"

#include <errno.h>

/* Columns of sql_audit_page. */
enum {
	AT_SEQUENCE,
	AT_TIME,
	AT_ACTION,
	AT_RESULT,
	AT_ACTOR,
	AT_USER,
	AT_SESSION,
	AT_ADDRESS,
	AT_AGENT,
	AT_TRACE,
	AT_DETAIL
};

struct audit_filter {
	struct str user_id, actor_id, action, result, ip_address;
	int64_t since_ms, until_ms;
	int64_t limit;
	struct str cursor;
	struct str scope; /* what a cursor is good for */
};

static int entry_from_row(struct arena *a, const struct store_rows *rows, size_t row, struct audit_entry *ret)
{
	char at[CLOCK_ISO8601_SIZE], device[DEVICE_NAME_SIZE];
	int r;

	clock_format_iso8601(store_int(rows, row, AT_TIME), at);
	*ret = (struct audit_entry){
		.action = store_text(rows, row, AT_ACTION),
		.result = store_text(rows, row, AT_RESULT),
		.actor_id = store_text(rows, row, AT_ACTOR),
		.user_id = store_text(rows, row, AT_USER),
		.session_id = store_text(rows, row, AT_SESSION),
		.ip_address = store_text(rows, row, AT_ADDRESS),
		.user_agent = store_text(rows, row, AT_AGENT),
		.trace_id = store_text(rows, row, AT_TRACE),
		.detail = store_text(rows, row, AT_DETAIL),
	};
	r = arena_copy(a, str_from(at), &ret->at);
	if (r < 0 || str_is_null(ret->user_agent))
		return r;
	device_name(ret->user_agent, device);
	return arena_copy(a, str_from(device), &ret->device);
}

/* 422 for what is no cursor of ours. */
static int cursor_of(struct request *req, const struct audit_filter *f, int64_t *ret_sequence)
{
	struct cursor c;
	int r;

	*ret_sequence = INT64_MAX;
	if (str_is_null(f->cursor))
		return 0;
	r = cursor_read(user_state()->secret_seal, f->scope, f->cursor, request_arena(req), &c);
	if (r == -EBADMSG) {
		violations_add(request_violation_list(req), "query", "cursor", "value_error",
		               "This is no cursor of this list");
		return request_violations(req);
	}
	if (r == 0)
		*ret_sequence = c.number;
	return r;
}

static int rows_respond(struct request *req, const struct audit_filter *f, const struct store_rows *rows)
{
	struct arena *a = request_arena(req);
	size_t n = MIN(rows->n, (size_t)f->limit);
	struct audit_entry *items = arena_array(a, MAX(n, (size_t)1), sizeof(*items));
	struct audit_page out = { .results = { n, items } };
	int r = items ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		r = entry_from_row(a, rows, i, &items[i]);
	if (r == 0 && rows->n > n)
		r = cursor_write(user_state()->secret_seal, f->scope,
		                 &(struct cursor){ .number = store_int(rows, n - 1, AT_SEQUENCE) }, a,
		                 &out.next_cursor);
	return r < 0 ? r : respond(req, 200, &audit_page_schema, &out);
}

static int page_respond(struct request *req, const struct audit_filter *f)
{
	struct store_rows rows;
	int64_t before;
	int r = cursor_of(req, f, &before);

	if (r < 0)
		return r;
	r = store_read(user_state()->store, sql_audit_page,
	               STORE_ARGS(STORE_I(before), STORE_S(f->user_id), STORE_S(f->actor_id), STORE_S(f->action),
	                          STORE_S(f->result), STORE_S(f->ip_address), STORE_I(f->since_ms),
	                          STORE_I(f->until_ms), STORE_I(f->limit + 1)),
	               request_arena(req), &rows);
	return r < 0 ? user_store_failed(req, r, "read the audit trail") : rows_respond(req, f, &rows);
}

/* A time that the schema has found good; def when there is none. */
static int64_t time_of(struct str text, int64_t def)
{
	int64_t ms;

	return str_is_null(text) || clock_parse_iso8601(text, &ms) < 0 ? def : ms;
}

static int audit_list(struct request *req)
{
	struct audit_query q;
	struct audit_filter f;
	int r = request_parse(req, NULL, &q, NULL);

	if (r < 0)
		return r;
	f = (struct audit_filter){ .user_id = q.user_id,
		                   .actor_id = q.actor_id,
		                   .action = q.action,
		                   .result = q.result,
		                   .ip_address = q.ip_address,
		                   .since_ms = time_of(q.since, 0),
		                   .until_ms = time_of(q.until, INT64_MAX),
		                   .limit = q.limit,
		                   .cursor = q.cursor,
		                   .scope = STR("audit") };
	return page_respond(req, &f);
}

static int activity_list(struct request *req)
{
	struct activity_query q;
	struct audit_filter f;
	int r = request_parse(req, NULL, &q, NULL);

	if (r < 0)
		return r;
	f = (struct audit_filter){ .user_id = request_user(req)->id,
		                   .until_ms = INT64_MAX,
		                   .limit = q.limit,
		                   .cursor = q.cursor,
		                   .scope = request_user(req)->id };
	return page_respond(req, &f);
}

const struct route audit_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/admin/audit",
	  .handler = audit_list,
	  .tag = "admin",
	  .auth = HTTP_AUTH_ADMIN,
	  .query = &audit_query_schema,
	  .reply = { 200, &audit_page_schema, NULL, "One page, newest first." },
	  .errors = { 401, 403, 503 },
	  .summary = "Security events of everybody" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me/activity",
	  .handler = activity_list,
	  .tag = "users",
	  .auth = HTTP_AUTH_USER,
	  .query = &activity_query_schema,
	  .reply = { 200, &audit_page_schema, NULL, "One page, newest first." },
	  .errors = { 401, 503 },
	  .summary = "Security events of my account" },
	{ 0 },
};
