/* /users/me/lists: named lists, but for their items. */
#include "user/library_lists.h"

#include "base/clock.h"
#include "user/cursor.h"
#include "user/statements.h"

#include <errno.h>

#define ID_LAST "ffffffff-ffff-ffff-ffff-ffffffffffff"
#define HEAD_LISTS 6 /* a column of library_head */

int list_from_row(struct arena *a, const struct store_rows *rows, size_t row, struct list_reply *ret)
{
	struct list_reply l = {
		.id = store_text(rows, row, LIST_ID),
		.name = store_text(rows, row, LIST_NAME),
		.description = store_text(rows, row, LIST_DESCRIPTION),
		.items = store_int(rows, row, LIST_ITEMS),
		.is_shared = !store_is_null(rows, row, LIST_NONCE),
	};
	int r = clock_text(a, store_int(rows, row, LIST_CREATED_MS), &l.created_at);

	if (r == 0)
		r = clock_text(a, store_int(rows, row, LIST_UPDATED_MS), &l.updated_at);
	if (r == 0)
		*ret = l;
	return r;
}

static int no_list(struct request *req)
{
	return request_problem(req, &problem_list_not_found, "No list of this account has that id.");
}

int list_find(struct request *req, struct str list_id, struct store_rows *ret)
{
	int r = store_read(user_state()->store, sql_list_get,
	                   STORE_ARGS(STORE_S(request_user(req)->id), STORE_S(list_id)), request_arena(req), ret);

	if (r < 0)
		return user_store_failed(req, r, "read a list");
	return ret->n == 0 ? no_list(req) : 0;
}

static int answer_list(struct request *req, struct str list_id)
{
	struct store_rows rows;
	struct list_reply out;
	int r = list_find(req, list_id, &rows);

	if (r == 0)
		r = list_from_row(request_arena(req), &rows, 0, &out);
	return r < 0 ? r : library_respond_cached(req, &list_reply_schema, &out);
}

/* ---- changes ---- */

enum { CHANGE_AT = 1, CHANGE_STATEMENTS = 4 };

/* The change of a list between the lock and the count. With also, one more statement. */
static int list_change(struct request *req, struct str list_id, int64_t delta, const struct store_statement *change,
                       const struct store_statement *also, struct store_rows *ret)
{
	struct str user_id = request_user(req)->id;
	const struct store_value lock[] = { STORE_S(user_id) };
	const struct store_value count[] = { STORE_S(user_id), STORE_S(list_id), STORE_I(delta) };
	struct store_statement statements[CHANGE_STATEMENTS] = {
		{ sql_library_lock, lock, ARRAY_SIZE(lock) },
		*change,
		{ sql_list_count, count, ARRAY_SIZE(count) },
	};
	struct store_rows rows[CHANGE_STATEMENTS];
	size_t n = CHANGE_STATEMENTS - 1;
	int r;

	if (also)
		statements[n++] = *also;
	r = store_batch(user_state()->store, statements, n, request_arena(req), rows);
	if (r < 0)
		return library_failed(req, r, "change a list");
	*ret = rows[CHANGE_AT];
	return 0;
}

struct new_list {
	char id[UUID_SIZE];
	struct list_create in;
	int64_t now_ms;
};

static int list_insert(struct request *req, struct store_tx *tx, const struct new_list *l)
{
	struct str user_id = request_user(req)->id;
	struct arena *a = request_arena(req);
	struct store_rows rows;
	int r = store_tx_query(tx, sql_library_lock, STORE_ARGS(STORE_S(user_id)), a, NULL);

	if (r == 0)
		r = store_tx_query(tx, sql_list_insert,
		                   STORE_ARGS(STORE_S(user_id), STORE_S(str_from(l->id)), STORE_S(l->in.name),
		                              STORE_S(l->in.description), STORE_I(l->now_ms),
		                              STORE_I(user_state()->config->lists_max)),
		                   a, &rows);
	if (r == 0 && rows.n == 0)
		return request_problem(req, &problem_library_full, "An account has at most %lld lists.",
		                       (long long)user_state()->config->lists_max);
	if (r == 0)
		r = store_tx_query(tx, sql_list_count,
		                   STORE_ARGS(STORE_S(user_id), STORE_S(str_from(l->id)), STORE_I(1)), a, NULL);
	return r < 0 ? library_failed(req, r, "make a list") : 0;
}

static int list_store(struct request *req, struct idempotency *key, const struct new_list *l, struct str location,
                      struct list_reply *ret)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r = store_begin(user_state()->store, &tx);

	if (r < 0)
		return user_store_failed(req, r, "make a list");
	*ret = (struct list_reply){ .id = str_from(l->id), .name = l->in.name, .description = l->in.description };
	r = clock_text(request_arena(req), l->now_ms, &ret->created_at);
	ret->updated_at = ret->created_at;
	if (r == 0)
		r = list_insert(req, tx, l);
	if (r < 0)
		return r;
	r = idempotency_finish(key, tx, 201, location, &list_reply_schema, ret);
	if (r == 0)
		r = store_commit(&tx);
	if (r < 0)
		return user_store_failed(req, r, "make a list");
	idempotency_kept(key);
	return 0;
}

static int new_list(struct request *req, struct idempotency *key)
{
	struct new_list l;
	struct list_reply out;
	struct str location;
	int r = request_parse(req, NULL, NULL, &l.in);

	if (r == 0)
		r = library_may_write(req);
	if (r == 0)
		r = idempotency_begin(req, key);
	if (r != 0)
		return r < 0 ? r : 0;
	uuid_v7(l.id);
	l.now_ms = clock_real_ms();
	location = arena_printf(request_arena(req), "/api/v1/users/me/lists/%s", l.id);
	r = location.data ? list_store(req, key, &l, location, &out) : -ENOMEM;
	if (r == 0)
		r = respond_header(req, "Location", location);
	return r < 0 ? r : respond(req, 201, &list_reply_schema, &out);
}

static int list_add(struct request *req)
{
	struct idempotency key CLEANUP(idempotency_release) = { 0 };

	return new_list(req, &key);
}

static int list_get(struct request *req)
{
	struct list_path path;
	int r = request_parse(req, &path, NULL, NULL);

	return r < 0 ? r : answer_list(req, path.list_id);
}

static int list_patch(struct request *req)
{
	struct list_path path;
	struct list_patch in;
	struct store_rows changed;
	int r = request_parse(req, &path, NULL, &in);

	if (r == 0)
		r = library_may_write(req);
	if (r == 0) {
		const struct store_value args[] = {
			STORE_S(request_user(req)->id),
			STORE_S(path.list_id),
			STORE_S(in.name),
			STORE_I(!!(in.present & LIST_PATCH_NAME)),
			STORE_S(in.description),
			STORE_I(!!(in.present & LIST_PATCH_DESCRIPTION)),
			STORE_I(clock_real_ms()),
		};
		const struct store_statement change = { sql_list_patch, args, ARRAY_SIZE(args) };

		r = list_change(req, path.list_id, 0, &change, NULL, &changed);
	}
	return r < 0 ? r : answer_list(req, path.list_id);
}

static int list_delete(struct request *req)
{
	struct list_path path;
	struct store_rows changed;
	int r = request_parse(req, &path, NULL, NULL);

	if (r == 0)
		r = library_may_write(req);
	if (r == 0) {
		const struct store_value args[] = {
			STORE_S(request_user(req)->id),
			STORE_S(path.list_id),
			STORE_I(clock_real_ms()),
		};
		const struct store_statement change = { sql_list_delete, args, ARRAY_SIZE(args) };
		const struct store_statement items = { sql_list_items_delete, args, ARRAY_SIZE(args) - 1 };

		r = list_change(req, path.list_id, -1, &change, &items, &changed);
	}
	return r < 0 ? r : respond_empty(req, 204);
}

/* ---- all of them ---- */

static int place_find(struct request *req, struct str cursor, struct cursor *ret)
{
	int r;

	*ret = (struct cursor){ .number = INT64_MAX, .item = STR(ID_LAST) };
	if (!cursor.data)
		return 0;
	r = cursor_read(user_state()->secret_seal, request_user(req)->id, cursor, request_arena(req), ret);
	if (r == -EBADMSG) {
		violations_add(request_violation_list(req), "query", "cursor", "value_error",
		               "Value should be the next_cursor of the page before");
		return request_violations(req);
	}
	return r;
}

static int page_make(struct request *req, const struct lists_query *q, const struct store_rows *rows,
                     struct lists_page *ret)
{
	size_t n = MIN(rows->n, (size_t)q->limit);
	struct list_reply *items = arena_array(request_arena(req), n, sizeof(*items));
	int r = items ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		r = list_from_row(request_arena(req), rows, i, &items[i]);
	if (r < 0)
		return r;
	ret->results = (struct schema_array){ n, items };
	if (rows->n > n) {
		struct cursor c = { .number = store_int(rows, n - 1, LIST_CREATED_MS), .item = items[n - 1].id };

		r = cursor_write(user_state()->secret_seal, request_user(req)->id, &c, request_arena(req),
		                 &ret->next_cursor);
	}
	return r;
}

static int lists_list(struct request *req)
{
	struct str user_id = request_user(req)->id;
	struct lists_page out = { 0 };
	struct store_rows rows, head;
	struct lists_query q;
	struct cursor at;
	int r = request_parse(req, NULL, &q, NULL);

	if (r == 0)
		r = place_find(req, q.cursor, &at);
	if (r < 0)
		return r;
	r = store_read(user_state()->store, sql_lists_page,
	               STORE_ARGS(STORE_S(user_id), STORE_I(at.number), STORE_S(at.item), STORE_I(q.limit + 1)),
	               request_arena(req), &rows);
	if (r == 0)
		r = store_read(user_state()->store, sql_library_head, STORE_ARGS(STORE_S(user_id)), request_arena(req),
		               &head);
	if (r < 0)
		return user_store_failed(req, r, "read the lists");
	out.total_results = head.n > 0 ? store_int(&head, 0, HEAD_LISTS) : 0;
	r = page_make(req, &q, &rows, &out);
	return r < 0 ? r : library_respond_cached(req, &lists_page_schema, &out);
}

#define TAG .tag = "lists", .auth = HTTP_AUTH_USER

const struct route list_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me/lists",
	  .handler = lists_list,
	  TAG,
	  .query = &lists_query_schema,
	  .reply = { 200, &lists_page_schema, NULL, "One page, newest first." },
	  .errors = { 401, 503 },
	  .cacheable = true,
	  .summary = "My lists" },
	{ .method = HTTP_POST,
	  .path = "/api/v1/users/me/lists",
	  .handler = list_add,
	  .headers = &once_headers_schema,
	  TAG,
	  .body = &list_create_schema,
	  .reply = { 201, &list_reply_schema, NULL, "The new list, empty and private." },
	  .errors = { 401, 409, 429, 503 },
	  .summary = "Make a list",
	  .doc = "Sent again with the same Idempotency-Key within 24 hours it makes one." },
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me/lists/{list_id}",
	  .handler = list_get,
	  TAG,
	  .path_params = &list_path_schema,
	  .reply = { 200, &list_reply_schema, NULL, "The list, without its films." },
	  .errors = { 401, 404, 503 },
	  .cacheable = true,
	  .summary = "One list" },
	{ .method = HTTP_PATCH,
	  .path = "/api/v1/users/me/lists/{list_id}",
	  .handler = list_patch,
	  TAG,
	  .path_params = &list_path_schema,
	  .body = &list_patch_schema,
	  .reply = { 200, &list_reply_schema, NULL, "The list after the change." },
	  .errors = { 401, 404, 429, 503 },
	  .summary = "Rename or describe a list" },
	{ .method = HTTP_DELETE,
	  .path = "/api/v1/users/me/lists/{list_id}",
	  .handler = list_delete,
	  TAG,
	  .path_params = &list_path_schema,
	  .reply = { 204, NULL, NULL, "It is not there (any more), nor is its link." },
	  .errors = { 401, 429, 503 },
	  .summary = "Delete a list" },
	{ 0 },
};
