/* /users/me/imports: a file comes in, is read at once (so that what is wrong with it is told at once), and stands in
 * the database until the keeper has worked through it. What could be read is kept when the answer goes out. */
#include "base/clock.h"
#include "fiber/fiber.h"
#include "user/idempotency.h"
#include "user/import_job.h"
#include "user/import_keeper.h"
#include "user/import_web.h"
#include "user/library_page.h"
#include "user/limit.h"
#include "user/messages_library.h"
#include "user/statements.h"

#include <errno.h>

enum { KEPT_MAX = 10 /* imports of one person that are done with */ };

/* Columns of import_get and imports_page. */
enum {
	GET_ID,
	GET_FORMAT,
	GET_STATE,
	GET_DRY_RUN,
	GET_REPLACES,
	GET_ROWS,
	GET_POSITION,
	GET_ADDED,
	GET_CHANGED,
	GET_UNCHANGED,
	GET_UNMATCHED,
	GET_REFUSED,
	GET_UNREADABLE,
	GET_SKIPPED,
	GET_WAITS_FOR,
	GET_FAILURE,
	GET_CREATED_MS,
	GET_FINISHED_MS
};

static const struct problem problem_import_unreadable = { 422, "import-unreadable", "This file cannot be imported",
	                                                  LOG_INFO };
static const struct problem problem_import_too_large = { 413, "import-too-large", "This file holds too much",
	                                                 LOG_INFO };
static const struct problem problem_import_running = { 409, "import-running", "Another import is not done yet",
	                                               LOG_INFO };
static const struct problem problem_import_not_found = { 404, "import-not-found", "There is no such import", LOG_INFO };
const struct problem problem_import_not_ready = { 409, "import-not-ready", "This import is not at that point",
	                                          LOG_INFO };

/* ---- answers ---- */

static int import_from_row(struct arena *a, const struct store_rows *rows, size_t row, struct import_reply *ret)
{
	struct import_counts *counts = arena_alloc(a, sizeof(*counts));
	int r;

	if (!counts)
		return -ENOMEM;
	*counts = (struct import_counts){
		.added = store_int(rows, row, GET_ADDED),
		.changed = store_int(rows, row, GET_CHANGED),
		.unchanged = store_int(rows, row, GET_UNCHANGED),
		.unmatched = store_int(rows, row, GET_UNMATCHED),
		.refused = store_int(rows, row, GET_REFUSED),
		.unreadable = store_int(rows, row, GET_UNREADABLE),
		.skipped = store_int(rows, row, GET_SKIPPED),
	};
	*ret = (struct import_reply){
		.id = store_text(rows, row, GET_ID),
		.format = store_text(rows, row, GET_FORMAT),
		.state = store_text(rows, row, GET_STATE),
		.dry_run = store_bool(rows, row, GET_DRY_RUN),
		.existing = store_bool(rows, row, GET_REPLACES) ? STR("replace") : STR("keep"),
		.rows = store_int(rows, row, GET_ROWS),
		.rows_done = store_int(rows, row, GET_POSITION),
		.counts = counts,
		.waits_for = store_text(rows, row, GET_WAITS_FOR),
		.failure = store_text(rows, row, GET_FAILURE),
	};
	r = clock_text(a, store_int(rows, row, GET_CREATED_MS), &ret->created_at);
	if (r == 0 && !store_is_null(rows, row, GET_FINISHED_MS))
		r = clock_text(a, store_int(rows, row, GET_FINISHED_MS), &ret->finished_at);
	return r;
}

int import_find(struct request *req, struct str import_id, struct import_reply *ret)
{
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_import_get,
	                   STORE_ARGS(STORE_S(request_user(req)->id), STORE_S(import_id)), request_arena(req), &rows);

	if (r < 0)
		return user_store_failed(req, r, "read an import");
	if (rows.n == 0)
		return request_problem(req, &problem_import_not_found, "No import of this account has that id.");
	return import_from_row(request_arena(req), &rows, 0, ret);
}

int import_answer(struct request *req, int status, struct str import_id)
{
	struct import_reply out;
	int r = import_find(req, import_id, &out);

	if (r == 0)
		r = respond_header_static(req, "Cache-Control", "private, no-store");
	return r < 0 ? r : respond(req, status, &import_reply_schema, &out);
}

static int import_get(struct request *req)
{
	struct import_path path;
	int r = request_parse(req, &path, NULL, NULL);

	return r < 0 ? r : import_answer(req, 200, path.import_id);
}

static int imports_get(struct request *req)
{
	struct arena *a = request_arena(req);
	struct import_reply *items;
	struct imports_reply out;
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_imports_page, STORE_ARGS(STORE_S(request_user(req)->id)), a, &rows);

	if (r < 0)
		return user_store_failed(req, r, "list imports");
	items = arena_array(a, MAX(rows.n, (size_t)1), sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < rows.n && r == 0; i++)
		r = import_from_row(a, &rows, i, &items[i]);
	if (r == 0)
		r = respond_header_static(req, "Cache-Control", "private, no-store");
	out.results = (struct schema_array){ rows.n, items };
	return r < 0 ? r : respond(req, 200, &imports_reply_schema, &out);
}

/* ---- a new one ---- */

struct new_import {
	char id[UUID_SIZE];
	struct import_query in;
	struct import_file file;
	int64_t now_ms;
};

static int read_failed(struct request *req, int r, const char *reason)
{
	if (r == -EINVAL) {
		violations_add(request_violation_list(req), "body", NULL, "value_error", "Value error, %s", reason);
		return request_problem(req, &problem_import_unreadable, "%s", reason);
	}
	if (r == -EFBIG || r == -ENOMEM)
		return request_problem(req, &problem_import_too_large, "%s",
		                       reason ? reason : "It is larger than can be read here.");
	if (r == -EBUSY)
		return request_problem_retry(req, &problem_overloaded, 5, "Other files are being read; try again.");
	return r;
}

/* What could not be read, behind all rows. */
static int faults_insert(struct store_tx *tx, const struct new_import *n, struct arena *a)
{
	int r = 0;

	for (size_t i = 0; i < n->file.n_faults && r == 0; i++) {
		const struct import_fault *f = &n->file.faults[i];

		r = store_tx_query(tx, sql_import_report_put,
		                   STORE_ARGS(STORE_S(str_from(n->id)), STORE_I(n->file.n_rows + i + 1),
		                              STORE_S(STR("unreadable")), STORE_S(str_from(f->reason)),
		                              STORE_S(f->file), STORE_I(f->line), STORE_N, STORE_N, STORE_N, STORE_N,
		                              STORE_N, STORE_N, STORE_N, STORE_N, STORE_N, STORE_N, STORE_N),
		                   a, NULL);
	}
	return r;
}

static int import_insert(struct request *req, struct store_tx *tx, const struct new_import *n)
{
	struct str user_id = request_user(req)->id, id = str_from(n->id);
	struct arena *a = request_arena(req);
	int r = store_tx_query(tx, sql_import_oldest_drop, STORE_ARGS(STORE_S(user_id), STORE_I(KEPT_MAX)), a, NULL);

	if (r == 0)
		r = store_tx_query(tx, sql_import_insert,
		                   STORE_ARGS(STORE_S(id), STORE_S(user_id),
		                              STORE_S(str_from(import_format_name(n->file.format))),
		                              STORE_S(STR("running")), STORE_B(n->in.dry_run),
		                              STORE_B(str_equal(n->in.existing, STR("replace"))),
		                              STORE_I(n->file.n_rows), STORE_I(n->file.n_faults + n->file.dropped),
		                              STORE_I(n->file.skipped), STORE_I(n->now_ms), STORE_S(n->in.into)),
		                   a, NULL);
	if (r == 0)
		r = store_tx_query(tx, sql_import_file_insert,
		                   STORE_ARGS(STORE_S(id), STORE_BYTES(request_body_raw(req))), a, NULL);
	return r < 0 ? r : faults_insert(tx, n, a);
}

/* The import as it begins. */
static int reply_of(struct request *req, const struct new_import *n, struct import_reply *ret)
{
	struct import_counts *counts = arena_alloc(request_arena(req), sizeof(*counts));

	if (!counts)
		return -ENOMEM;
	*counts = (struct import_counts){ .unreadable = (int64_t)(n->file.n_faults + n->file.dropped),
		                          .skipped = (int64_t)n->file.skipped };
	*ret = (struct import_reply){
		.id = str_from(n->id),
		.format = str_from(import_format_name(n->file.format)),
		.state = STR("running"),
		.dry_run = n->in.dry_run,
		.existing = n->in.existing,
		.rows = (int64_t)n->file.n_rows,
		.counts = counts,
	};
	return clock_text(request_arena(req), n->now_ms, &ret->created_at);
}

static int import_store(struct request *req, struct idempotency *key, const struct new_import *n, struct str location,
                        const struct import_reply *out)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r = store_begin(user_state()->store, &tx);

	if (r == 0)
		r = import_insert(req, tx, n);
	if (r == 0)
		r = idempotency_finish(key, tx, 202, location, &import_reply_schema, out);
	if (r == 0)
		r = store_commit(&tx);
	if (r == -EIO)
		r = user_settle(req, sql_import_get,
		                STORE_ARGS(STORE_S(request_user(req)->id), STORE_S(str_from(n->id))));
	if (r == -EEXIST)
		return request_problem(req, &problem_import_running,
		                       "Wait until it is done, or DELETE it; see /api/v1/users/me/imports.");
	if (r == -ENOKEY)
		return request_problem(req, &problem_unauthorized, "This account is gone.");
	if (r < 0)
		return user_store_failed(req, r, "keep a file to import");
	idempotency_kept(key);
	return 0;
}

static int import_keep(struct request *req, struct idempotency *key, struct new_import *n)
{
	struct import_reply out;
	struct str location;
	int r;

	uuid_v7(n->id);
	n->now_ms = clock_real_ms();
	location = arena_printf(request_arena(req), "/api/v1/users/me/imports/%s", n->id);
	if (str_is_null(location))
		return -ENOMEM;
	r = reply_of(req, n, &out);
	if (r == 0)
		r = import_store(req, key, n, location, &out);
	if (r == 0)
		r = respond_header(req, "Location", location);
	if (r < 0)
		return r;
	import_keeper_kick(user_state()->import_keeper);
	return respond(req, 202, &import_reply_schema, &out);
}

static int import_create(struct request *req, struct idempotency *key, struct arena **rows_arena)
{
	struct new_import n = { 0 };
	const char *reason = NULL;
	int r = request_parse(req, NULL, &n.in, NULL);

	if (r == 0)
		r = limit_take(req, LIMIT_IMPORT, request_user(req)->id);
	if (r == 0)
		r = idempotency_begin(req, key);
	if (r != 0)
		return r < 0 ? r : 0;
	r = import_read_aside(request_body_raw(req), n.in.into, rows_arena, &n.file, &reason);
	return r < 0 ? read_failed(req, r, reason) : import_keep(req, key, &n);
}

static int imports_post(struct request *req)
{
	struct idempotency key CLEANUP(idempotency_release) = { 0 };
	struct arena *rows_arena CLEANUP(arena_free) = NULL;

	return import_create(req, &key, &rows_arena);
}

/* ---- going on, and taking back ---- */

static int begin_again(struct request *req, struct str import_id, bool *ret_begun)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct arena *a = request_arena(req);
	struct store_rows rows;
	int r = store_begin(user_state()->store, &tx);

	*ret_begun = false;
	if (r == 0)
		r = store_tx_query(
		        tx, sql_import_begin_again,
		        STORE_ARGS(STORE_S(request_user(req)->id), STORE_S(import_id), STORE_I(clock_real_ms())), a,
		        &rows);
	if (r < 0 || rows.n == 0)
		return r;
	r = store_tx_query(tx, sql_import_report_clear, STORE_ARGS(STORE_S(import_id)), a, NULL);
	if (r == 0)
		r = store_commit(&tx);
	*ret_begun = r == 0;
	return r;
}

static int import_apply_post(struct request *req)
{
	struct import_reply before;
	struct import_path path;
	bool begun;
	int r = request_parse(req, &path, NULL, NULL);

	if (r == 0)
		r = import_find(req, path.import_id, &before);
	if (r < 0)
		return r;
	r = begin_again(req, path.import_id, &begun);
	if (r == -EEXIST)
		return request_problem(req, &problem_import_running,
		                       "Wait until it is done, or DELETE it; see /api/v1/users/me/imports.");
	if (r < 0)
		return user_store_failed(req, r, "begin an import");
	if (!begun && (before.dry_run || !str_equal(before.state, STR("running"))))
		return request_problem(req, &problem_import_not_ready, "Only a dry run that is ready can be applied.");
	import_keeper_kick(user_state()->import_keeper);
	return import_answer(req, 202, path.import_id);
}

static int import_delete(struct request *req)
{
	struct import_path path;
	int r = request_parse(req, &path, NULL, NULL);

	if (r < 0)
		return r;
	r = store_query(user_state()->store, sql_import_delete,
	                STORE_ARGS(STORE_S(request_user(req)->id), STORE_S(path.import_id)), request_arena(req), NULL);
	return r < 0 ? user_store_failed(req, r, "delete an import") : respond_empty(req, 204);
}

/* ---- routes ---- */

static const char *const file_types[] = { "application/zip",  "application/x-zip-compressed",
	                                  "text/csv",         "application/csv",
	                                  "application/json", "application/octet-stream",
	                                  "text/plain",       NULL };

const struct route import_routes[] = {
	{ .method = HTTP_POST,
	  .path = "/api/v1/users/me/imports",
	  .handler = imports_post,
	  .query = &import_query_schema,
	  .headers = &once_headers_schema,
	  .uploads = file_types,
	  .tag = "imports",
	  .auth = HTTP_AUTH_USER,
	  .reply = { 202, &import_reply_schema, NULL, "Read and kept; the work goes on behind it." },
	  .errors = { 401, 409, 429, 503 },
	  .summary = "Bring a library from elsewhere",
	  .doc = "The file is the body: what Letterboxd (zip, or one of its CSV files), Trakt (JSON, or a zip of it) "
	         "or "
	         "IMDb (CSV) gives its people, or our own export (JSON, CSV); its content tells which. Films are found "
	         "by "
	         "their ids, else by title and year. What is in the library already stays. With dry_run=true nothing "
	         "is "
	         "changed, and POST …/apply does it later." },
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me/imports",
	  .handler = imports_get,
	  .tag = "imports",
	  .auth = HTTP_AUTH_USER,
	  .reply = { 200, &imports_reply_schema, NULL, "My imports, the newest first." },
	  .errors = { 401, 503 },
	  .summary = "My imports" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me/imports/{import_id}",
	  .handler = import_get,
	  .path_params = &import_path_schema,
	  .tag = "imports",
	  .auth = HTTP_AUTH_USER,
	  .reply = { 200, &import_reply_schema, NULL, "How far it is." },
	  .errors = { 401, 404, 503 },
	  .summary = "One import's progress" },
	{ .method = HTTP_POST,
	  .path = "/api/v1/users/me/imports/{import_id}/apply",
	  .handler = import_apply_post,
	  .path_params = &import_path_schema,
	  .tag = "imports",
	  .auth = HTTP_AUTH_USER,
	  .reply = { 202, &import_reply_schema, NULL, "It is at work." },
	  .errors = { 401, 404, 409, 503 },
	  .summary = "Do what a dry run found" },
	{ .method = HTTP_DELETE,
	  .path = "/api/v1/users/me/imports/{import_id}",
	  .handler = import_delete,
	  .path_params = &import_path_schema,
	  .tag = "imports",
	  .auth = HTTP_AUTH_USER,
	  .reply = { 204, NULL, NULL, "It is gone, with its file and its report; what it put into the library stays." },
	  .errors = { 401, 503 },
	  .summary = "Stop an import, or forget it" },
	{ 0 },
};
