/* /users/me/imports/{import_id}/rows and …/matches: what did not go into the library, and telling which film it is. */
#include "base/clock.h"
#include "user/cursor.h"
#include "user/import_apply.h"
#include "user/import_job.h"
#include "user/import_web.h"
#include "user/library.h"
#include "user/limit.h"
#include "user/messages_library.h"
#include "user/movies.h"
#include "user/statements.h"

#include <errno.h>

/* Columns of import_report_page and import_report_of_film. */
enum {
	ROW_NO,
	ROW_REASON,
	ROW_DETAIL,
	ROW_FILE,
	ROW_LINE,
	ROW_KEY,
	ROW_COLLECTION,
	ROW_LIST,
	ROW_MOVIE_ID,
	ROW_IMDB_ID,
	ROW_TITLE,
	ROW_YEAR,
	ROW_RATING,
	ROW_WATCHED_ON,
	ROW_NOTE,
	ROW_ADDED_MS,
	ROW_CANDIDATES
};

static const struct problem problem_import_row_not_found = { 404, "import-row-not-found",
	                                                     "There is no such row to be matched", LOG_INFO };

/* ---- the report ---- */

static struct schema_int int_at(const struct store_rows *rows, size_t row, size_t column)
{
	return (struct schema_int){ !store_is_null(rows, row, column), store_int(rows, row, column) };
}

static int candidates_from_row(struct arena *a, const struct store_rows *rows, size_t row, struct schema_array *ret)
{
	struct str json = store_text(rows, row, ROW_CANDIDATES);
	struct import_candidates c = { 0 };
	struct violations v;
	int r;

	violations_init(&v, a);
	r = json.data ? schema_parse(&import_candidates_schema, json, a, &c, &v) : 0;
	if (r == 0)
		*ret = c.candidates;
	return r;
}

static int row_from_row(struct arena *a, const struct store_rows *rows, size_t row, struct import_row_reply *ret)
{
	*ret = (struct import_row_reply){
		.row = store_int(rows, row, ROW_NO),
		.reason = store_text(rows, row, ROW_REASON),
		.detail = store_text(rows, row, ROW_DETAIL),
		.file = store_text(rows, row, ROW_FILE),
		.line = store_int(rows, row, ROW_LINE),
		.collection = store_text(rows, row, ROW_COLLECTION),
		.list = store_text(rows, row, ROW_LIST),
		.movie_id = int_at(rows, row, ROW_MOVIE_ID),
		.imdb_id = store_text(rows, row, ROW_IMDB_ID),
		.title = store_text(rows, row, ROW_TITLE),
		.year = int_at(rows, row, ROW_YEAR),
		.rating = { !store_is_null(rows, row, ROW_RATING),
		            library_rating_points(store_int(rows, row, ROW_RATING)) },
		.watched_on = store_text(rows, row, ROW_WATCHED_ON),
	};
	return candidates_from_row(a, rows, row, &ret->candidates);
}

static int cursor_of(struct request *req, struct str scope, struct str text, int64_t *ret_after)
{
	struct cursor c;
	int r = 0;

	*ret_after = 0;
	if (text.data)
		r = cursor_read(user_state()->link_seal, scope, text, request_arena(req), &c);
	if (r == -EBADMSG) {
		violations_add(request_violation_list(req), "query", "cursor", "value_error",
		               "Value error, not a cursor of this list");
		return request_violations(req);
	}
	if (r == 0 && text.data)
		*ret_after = c.number;
	return r;
}

static int page_read(struct request *req, const struct import_path *path, const struct import_rows_query *q,
                     struct store_rows *ret)
{
	struct str scope = arena_printf(request_arena(req), "import %.*s", STR_ARGS(path->import_id));
	int64_t after;
	int r = str_is_null(scope) ? -ENOMEM : cursor_of(req, scope, q->cursor, &after);

	if (r < 0)
		return r;
	r = store_read(user_state()->store, sql_import_report_page,
	               STORE_ARGS(STORE_S(request_user(req)->id), STORE_S(path->import_id), STORE_I(after),
	                          STORE_S(q->reason), STORE_I(q->limit + 1)),
	               request_arena(req), ret);
	return r < 0 ? user_store_failed(req, r, "read an import's report") : 0;
}

static int page_make(struct request *req, const struct import_path *path, int64_t limit, const struct store_rows *rows,
                     struct import_rows_page *ret)
{
	struct arena *a = request_arena(req);
	size_t n = MIN(rows->n, (size_t)limit);
	struct import_row_reply *items = arena_array(a, MAX(n, (size_t)1), sizeof(*items));
	struct str scope = arena_printf(a, "import %.*s", STR_ARGS(path->import_id));
	int r = 0;

	if (!items || str_is_null(scope))
		return -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++)
		r = row_from_row(a, rows, i, &items[i]);
	ret->results = (struct schema_array){ n, items };
	if (r == 0 && rows->n > n)
		r = cursor_write(user_state()->link_seal, scope, &(struct cursor){ .number = items[n - 1].row }, a,
		                 &ret->next_cursor);
	return r;
}

static int import_rows_get(struct request *req)
{
	struct import_rows_page out = { 0 };
	struct import_rows_query q;
	struct import_reply import;
	struct import_path path;
	struct store_rows rows;
	int r = request_parse(req, &path, &q, NULL);

	if (r == 0)
		r = import_find(req, path.import_id, &import);
	if (r == 0)
		r = page_read(req, &path, &q, &rows);
	if (r == 0)
		r = page_make(req, &path, q.limit, &rows, &out);
	if (r == 0)
		r = respond_header_static(req, "Cache-Control", "private, no-store");
	return r < 0 ? r : respond(req, 200, &import_rows_page_schema, &out);
}

/* ---- matching by hand ---- */

struct matching {
	struct request *req;
	struct str import_id;
	struct import_reply import;
	struct movie_brief film;
	struct store_rows rows; /* all that have the same film */
	struct import_row *import_rows;
	struct import_item *items;
};

static int items_make(struct matching *m)
{
	struct arena *a = request_arena(m->req);

	m->import_rows = arena_array(a, m->rows.n, sizeof(*m->import_rows));
	m->items = arena_array(a, m->rows.n, sizeof(*m->items));
	if (!m->import_rows || !m->items)
		return -ENOMEM;
	for (size_t i = 0; i < m->rows.n; i++) {
		struct str name = store_text(&m->rows, i, ROW_COLLECTION);

		m->import_rows[i] = (struct import_row){
			.collection = import_collection_from(name),
			.list_name = store_text(&m->rows, i, ROW_LIST),
			.rating = store_int(&m->rows, i, ROW_RATING),
			.watched_on = store_text(&m->rows, i, ROW_WATCHED_ON),
			.note = store_text(&m->rows, i, ROW_NOTE),
			.added_at_ms = store_int(&m->rows, i, ROW_ADDED_MS),
		};
		m->items[i] = (struct import_item){ .row = &m->import_rows[i], .film = m->film };
	}
	return 0;
}

static int put(struct matching *m, struct store_tx *tx)
{
	struct import_lists none = { 0 };

	return import_apply(tx, request_user(m->req)->id, str_equal(m->import.existing, STR("replace")), &none,
	                    m->items, m->rows.n, request_arena(m->req));
}

static int try_out(struct matching *m)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r = store_begin(user_state()->store, &tx);

	return r < 0 ? r : put(m, tx);
}

/* A row that has no room stays in the report, for that reason. */
static int report_settle(struct matching *m, struct store_tx *tx)
{
	struct arena *a = request_arena(m->req);
	int r = 0;

	for (size_t i = 0; i < m->rows.n && r == 0; i++) {
		struct store_rows gone;

		r = store_tx_query(tx, sql_import_report_drop,
		                   STORE_ARGS(STORE_S(m->import_id), STORE_I(store_int(&m->rows, i, ROW_NO))), a,
		                   &gone);
		if (r == 0 && gone.n == 0)
			return -ESTALE; /* somebody else matched it just now */
	}
	return r;
}

static int refused_report(struct matching *m, struct store_tx *tx)
{
	int r = 0;

	for (size_t i = 0; i < m->rows.n && r == 0; i++) {
		struct import_row row = m->import_rows[i];

		if (m->items[i].outcome != IMPORT_REFUSED)
			continue;
		row.file = store_text(&m->rows, i, ROW_FILE);
		row.line = store_int(&m->rows, i, ROW_LINE);
		row.movie_id = m->film.id;
		row.title = m->film.title;
		row.year = m->film.year.is_set ? m->film.year.value : 0;
		r = import_report_add(tx, m->import_id, store_int(&m->rows, i, ROW_NO), &row, STR("library-full"),
		                      store_text(&m->rows, i, ROW_KEY), request_arena(m->req));
	}
	return r;
}

/* First, since it locks the import: what follows is done by one alone. -ESTALE: it is at work again, or gone. */
static int hold(struct matching *m, struct store_tx *tx)
{
	struct store_rows held;
	int r = store_tx_query(
	        tx, sql_import_match_hold,
	        STORE_ARGS(STORE_S(request_user(m->req)->id), STORE_S(m->import_id), STORE_I(clock_real_ms())),
	        request_arena(m->req), &held);

	return r == 0 && held.n == 0 ? -ESTALE : r;
}

static int counts_settle(struct matching *m, struct store_tx *tx)
{
	int64_t counts[IMPORT_OUTCOMES] = { 0 };

	for (size_t i = 0; i < m->rows.n; i++)
		counts[m->items[i].outcome]++;
	return store_tx_query(tx, sql_import_settle_rows,
	                      STORE_ARGS(STORE_S(m->import_id), STORE_I(m->rows.n), STORE_I(counts[IMPORT_ADDED]),
	                                 STORE_I(counts[IMPORT_CHANGED]), STORE_I(counts[IMPORT_UNCHANGED]),
	                                 STORE_I(counts[IMPORT_REFUSED])),
	                      request_arena(m->req), NULL);
}

static int match_commit(struct matching *m)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct arena *a = request_arena(m->req);
	int r = store_begin(user_state()->store, &tx);

	if (r == 0)
		r = hold(m, tx);
	if (r == 0)
		r = report_settle(m, tx);
	if (r == 0 && !m->import.dry_run)
		r = put(m, tx);
	if (r == 0)
		r = refused_report(m, tx);
	if (r == 0)
		r = counts_settle(m, tx);
	if (r == 0)
		r = store_tx_query(tx, sql_import_film_put,
		                   STORE_ARGS(STORE_S(m->import_id), STORE_S(store_text(&m->rows, 0, ROW_KEY)),
		                              STORE_I(m->film.id), STORE_N, STORE_N),
		                   a, NULL);
	return r < 0 ? r : store_commit(&tx);
}

static int match(struct matching *m)
{
	int r = items_make(m);

	if (r == 0)
		r = library_film_keep(&m->film, request_arena(m->req));
	if (r == 0 && m->import.dry_run)
		r = try_out(m);
	if (r == 0)
		r = match_commit(m);
	if (r == -ESTALE)
		return request_problem(m->req, &problem_import_not_ready, "Somebody changed it just now; look again.");
	return r < 0 ? user_store_failed(m->req, r, "match a row") : 0;
}

static int rows_find(struct matching *m, int64_t row_no)
{
	int r = store_read(user_state()->store, sql_import_report_of_film,
	                   STORE_ARGS(STORE_S(request_user(m->req)->id), STORE_S(m->import_id), STORE_I(row_no)),
	                   request_arena(m->req), &m->rows);

	if (r < 0)
		return user_store_failed(m->req, r, "look for a row");
	if (m->rows.n == 0)
		return request_problem(m->req, &problem_import_row_not_found,
		                       "No row of the report that has no film yet has that number.");
	return 0;
}

static int import_match_post(struct request *req)
{
	struct matching m = { .req = req };
	struct import_match_create in;
	struct import_path path;
	int r = request_parse(req, &path, NULL, &in);

	if (r == 0)
		r = limit_take(req, LIMIT_WRITE, request_user(req)->id);
	if (r == 0)
		r = import_find(req, path.import_id, &m.import);
	if (r < 0)
		return r;
	m.import_id = path.import_id;
	if (str_equal(m.import.state, STR("running")))
		return request_problem(req, &problem_import_not_ready, "Wait until it is done.");
	r = rows_find(&m, in.row);
	if (r < 0)
		return r;
	r = movies_ask(user_state(), in.movie_id, request_arena(req), &m.film, NULL);
	if (r < 0)
		return movies_failed(req, r, in.movie_id);
	r = match(&m);
	return r < 0 ? r : import_answer(req, 200, path.import_id);
}

/* ---- routes ---- */

const struct route import_report_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me/imports/{import_id}/rows",
	  .handler = import_rows_get,
	  .path_params = &import_path_schema,
	  .query = &import_rows_query_schema,
	  .tag = "imports",
	  .auth = HTTP_AUTH_USER,
	  .reply = { 200, &import_rows_page_schema, NULL, "What did not go into the library, and why." },
	  .errors = { 401, 404, 503 },
	  .summary = "An import's report" },
	{ .method = HTTP_POST,
	  .path = "/api/v1/users/me/imports/{import_id}/matches",
	  .handler = import_match_post,
	  .path_params = &import_path_schema,
	  .body = &import_match_create_schema,
	  .tag = "imports",
	  .auth = HTTP_AUTH_USER,
	  .reply = { 200, &import_reply_schema, NULL, "Matched: this row, and all that mean the same film." },
	  .errors = { 401, 404, 409, 429, 503 },
	  .summary = "Tell which film a row means",
	  .doc = "After a dry run the match is kept for POST …/apply; after an import the rows go into the library "
	         "now." },
	{ 0 },
};
