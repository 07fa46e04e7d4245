/* /admin/users: finding accounts, looking at them, changing them. */
#include "base/clock.h"
#include "base/utf8.h"
#include "user/admin.h"
#include "user/audit.h"
#include "user/cursor.h"
#include "user/messages_admin.h"
#include "user/messages_session.h"
#include "user/session.h"
#include "user/session_list.h"
#include "user/statements.h"

#include <errno.h>

const struct problem problem_user_not_found = { 404, "user-not-found", "There is no such account", LOG_INFO };
const struct problem problem_last_admin = { 409, "last-admin", "This is the last administrator", LOG_INFO };

#define SCOPE STR("admin-users")
#define ID_LAST STR("ffffffff-ffff-ffff-ffff-ffffffffffff")

/* Columns of sql_admin_users and sql_admin_user; the latter has one more. */
enum {
	USER_ID,
	USER_EMAIL,
	USER_NAME,
	USER_LANGUAGE,
	USER_ROLE,
	USER_ACTIVE,
	USER_CREATED,
	USER_VERIFIED,
	USER_DELETE_AT,
	USER_SESSIONS
};

static int user_from_row(struct arena *a, const struct store_rows *rows, size_t row, struct admin_user *ret)
{
	int r;

	*ret = (struct admin_user){
		.id = store_text(rows, row, USER_ID),
		.email = store_text(rows, row, USER_EMAIL),
		.display_name = store_text(rows, row, USER_NAME),
		.language = store_text(rows, row, USER_LANGUAGE),
		.role = store_text(rows, row, USER_ROLE),
		.is_active = store_bool(rows, row, USER_ACTIVE),
		.email_verified = !store_is_null(rows, row, USER_VERIFIED),
	};
	if (rows->columns > USER_SESSIONS)
		ret->sessions = (struct schema_int){ true, store_int(rows, row, USER_SESSIONS) };
	r = clock_text(a, store_int(rows, row, USER_CREATED), &ret->created_at);
	if (r == 0 && !store_is_null(rows, row, USER_DELETE_AT))
		r = clock_text(a, store_int(rows, row, USER_DELETE_AT), &ret->delete_at);
	return r;
}

/* ---- the list ---- */

/* A pattern for LIKE with '!' before what would be special. ASCII is folded; the rest is as the store's lower() has it.
 */
static int pattern_of(struct arena *a, struct str q, struct str *ret)
{
	struct buf text CLEANUP(buf_done);

	*ret = STR_NULL;
	buf_init(&text, 2048);
	if (str_is_null(q) || q.len == 0)
		return 0;
	buf_addc(&text, '%');
	for (size_t i = 0; i < q.len; i++) {
		char c = q.data[i];

		if (c == '%' || c == '_' || c == '!')
			buf_addc(&text, '!');
		buf_addc(&text, c);
	}
	buf_addc(&text, '%');
	return buf_error(&text) < 0 ? buf_error(&text) : arena_copy(a, buf_str(&text), ret);
}

static int cursor_of(struct request *req, struct str text, struct cursor *ret)
{
	int r;

	*ret = (struct cursor){ .number = INT64_MAX, .item = ID_LAST };
	if (str_is_null(text))
		return 0;
	r = cursor_read(user_state()->secret_seal, SCOPE, text, request_arena(req), ret);
	if (r != -EBADMSG)
		return r;
	violations_add(request_violation_list(req), "query", "cursor", "value_error", "This is no cursor of this list");
	return request_violations(req);
}

static int64_t choice(const struct schema_bool *b)
{
	return b->is_set ? b->value : -1;
}

static int users_respond(struct request *req, const struct store_rows *rows, size_t limit)
{
	struct arena *a = request_arena(req);
	size_t n = MIN(rows->n, limit);
	struct admin_user *items = arena_array(a, MAX(n, (size_t)1), sizeof(*items));
	struct admin_users_page out = { .results = { n, items } };
	int r = items ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		r = user_from_row(a, rows, i, &items[i]);
	if (r == 0 && rows->n > n)
		r = cursor_write(
		        user_state()->secret_seal, SCOPE,
		        &(struct cursor){ .number = store_int(rows, n - 1, USER_CREATED), .item = items[n - 1].id }, a,
		        &out.next_cursor);
	return r < 0 ? r : respond(req, 200, &admin_users_page_schema, &out);
}

static int users_list(struct request *req)
{
	struct admin_users_query q;
	struct store_rows rows;
	struct cursor from;
	struct str pattern;
	int r = request_parse(req, NULL, &q, NULL);

	if (r == 0)
		r = cursor_of(req, q.cursor, &from);
	if (r == 0)
		r = pattern_of(request_arena(req), q.q, &pattern);
	if (r < 0)
		return r;
	r = store_read(user_state()->store, sql_admin_users,
	               STORE_ARGS(STORE_I(from.number), STORE_S(from.item), STORE_S(pattern), STORE_S(q.role),
	                          STORE_I(choice(&q.is_active)), STORE_I(choice(&q.email_verified)),
	                          STORE_I(q.limit + 1)),
	               request_arena(req), &rows);
	return r < 0 ? user_store_failed(req, r, "list accounts") : users_respond(req, &rows, (size_t)q.limit);
}

/* ---- one account ---- */

static int user_read(struct request *req, struct admin_user *ret)
{
	struct admin_user_path path;
	struct store_rows rows;
	int r = request_parse(req, &path, NULL, NULL);

	if (r < 0)
		return r;
	r = store_read(user_state()->store, sql_admin_user, STORE_ARGS(STORE_S(path.user_id), STORE_I(clock_real_ms())),
	               request_arena(req), &rows);
	if (r < 0)
		return user_store_failed(req, r, "read an account");
	if (rows.n == 0)
		return request_problem(req, &problem_user_not_found, "It may have been deleted.");
	return user_from_row(request_arena(req), &rows, 0, ret);
}

static int user_get(struct request *req)
{
	struct admin_user out;
	int r = user_read(req, &out);

	return r < 0 ? r : respond(req, 200, &admin_user_schema, &out);
}

static int change(struct request *req, const struct admin_change *c)
{
	int r = admin_apply(req, request_arena(req), c);

	if (r == -ENOENT)
		return request_problem(req, &problem_user_not_found, "It may have been deleted.");
	if (r == -EPERM)
		return request_problem(req, &problem_last_admin, "Make somebody else an administrator first.");
	return r < 0 ? user_store_failed(req, r, "change an account") : 0;
}

static int user_patch(struct request *req)
{
	struct admin_user_patch in;
	struct admin_user_path path;
	struct admin_change c = { 0 };
	int r = request_parse(req, &path, NULL, &in);

	if (r < 0)
		return r;
	c.user_id = path.user_id;
	/* One after the other, so that each leaves its own entry in the trail. */
	if (!str_is_null(in.role)) {
		c.role = in.role;
		r = change(req, &c);
		c.role = STR_NULL;
	}
	if (r == 0 && in.is_active.is_set) {
		c.is_active = &in.is_active.value;
		r = change(req, &c);
	}
	return r < 0 ? r : user_get(req);
}

static int user_remove(struct request *req)
{
	struct admin_user user;
	int r = user_read(req, &user);

	if (r == 0)
		r = change(req, &(struct admin_change){ .user_id = user.id,
		                                        .is_deleted = true,
		                                        .email = user.email,
		                                        .display_name = user.display_name,
		                                        .language = user.language });
	return r < 0 ? r : respond_empty(req, 204);
}

/* ---- sessions ---- */

static int user_sessions(struct request *req)
{
	struct admin_user user;
	int r = user_read(req, &user);

	return r < 0 ? r : session_list_respond(req, user.id);
}

static int user_sessions_end(struct request *req)
{
	struct arena *a = request_arena(req);
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct audit_event event = { .action = "user.end-sessions", .actor_id = request_user(req)->id };
	struct store_rows ended;
	struct admin_user user;
	int r = user_read(req, &user);

	if (r < 0)
		return r;
	event.user_id = user.id;
	r = store_begin(user_state()->store, &tx);
	if (r == 0)
		r = session_end(tx, a, user.id, STR_NULL, SESSION_ALL, "ended_by_admin", &ended);
	if (r == 0)
		r = audit_add(req, tx, a, &event);
	if (r == 0)
		r = store_commit(&tx);
	if (r < 0)
		return user_store_failed(req, r, "end sessions");
	session_revoked_tell(&ended);
	audit_log(req, &event);
	return respond_empty(req, 204);
}

#define TAG .tag = "admin", .auth = HTTP_AUTH_ADMIN

const struct route admin_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/admin/users",
	  .handler = users_list,
	  TAG,
	  .query = &admin_users_query_schema,
	  .reply = { 200, &admin_users_page_schema, NULL, "One page, newest first." },
	  .errors = { 401, 403, 503 },
	  .summary = "Find accounts" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/admin/users/{user_id}",
	  .handler = user_get,
	  TAG,
	  .path_params = &admin_user_path_schema,
	  .reply = { 200, &admin_user_schema, NULL, "The account." },
	  .errors = { 401, 403, 404, 503 },
	  .summary = "One account" },
	{ .method = HTTP_PATCH,
	  .path = "/api/v1/admin/users/{user_id}",
	  .handler = user_patch,
	  TAG,
	  .path_params = &admin_user_path_schema,
	  .body = &admin_user_patch_schema,
	  .reply = { 200, &admin_user_schema, NULL, "The account after the change." },
	  .errors = { 401, 403, 404, 409, 503 },
	  .summary = "Activate, deactivate, change the role",
	  .doc = "Who is deactivated, or is no longer an administrator, is logged out everywhere. The last active "
	         "administrator stays one." },
	{ .method = HTTP_DELETE,
	  .path = "/api/v1/admin/users/{user_id}",
	  .handler = user_remove,
	  TAG,
	  .path_params = &admin_user_path_schema,
	  .reply = { 204, NULL, NULL, "The account is gone for good." },
	  .errors = { 401, 403, 404, 409, 503 },
	  .summary = "Delete an account at once" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/admin/users/{user_id}/sessions",
	  .handler = user_sessions,
	  TAG,
	  .path_params = &admin_user_path_schema,
	  .reply = { 200, &sessions_reply_schema, NULL, "The one used last comes first." },
	  .errors = { 401, 403, 404, 503 },
	  .summary = "Where somebody is logged in" },
	{ .method = HTTP_DELETE,
	  .path = "/api/v1/admin/users/{user_id}/sessions",
	  .handler = user_sessions_end,
	  TAG,
	  .path_params = &admin_user_path_schema,
	  .reply = { 204, NULL, NULL, "All of them have ended." },
	  .errors = { 401, 403, 404, 503 },
	  .summary = "Log somebody out everywhere" },
	{ 0 },
};
