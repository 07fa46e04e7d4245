/* GET /users/me/library/export. The file is built outside the request's arena, a page of rows at a time, up to
 * EXPORT_SIZE_MAX. Its ETag is the library's version, so that a copy that is up to date costs one row. */
#include "user/library_export.h"

#include "base/clock.h"
#include "user/account_export.h"
#include "user/library_web.h"
#include "user/limit.h"
#include "user/statements.h"

#include <errno.h>
#include <stdio.h>

enum { PAGE_ARENA_MAX = 8 << 20, PAGE_ROWS = 500, ITEM_SIZE = 40, TAG_SIZE = 96 };

/* Columns of the statements with entries; of export_list_names. */
enum { ROW_MOVIE, ROW_ITEM, ROW_TITLE, ROW_YEAR, ROW_RATING, ROW_WATCHED_ON, ROW_NOTE, ROW_ADDED_MS, ROW_POSITION };
enum { NAME_ID, NAME_NAME, NAME_DESCRIPTION };

struct library_export_query {
	struct str format;
	struct schema_array collections; /* struct str */
};

static const char *const formats[] = { "json", "csv", "letterboxd", NULL };
static const char *const collections[] = { "favorites", "watchlist", "ratings", "watched", "lists", NULL };

static const struct schema_field query_fields[] = {
	{ .name = "format",
	  .type = SCHEMA_ENUM,
	  .values = formats,
	  .def = "\"json\"",
	  .offset = offsetof(struct library_export_query, format),
	  .doc = "json or csv: all of it, and POST /users/me/imports takes it back. letterboxd: what was watched and "
	         "rated, as "
	         "Letterboxd's importer takes it; without the notes, which would be reviews there." },
	{ .name = "collections",
	  .type = SCHEMA_ARRAY,
	  .item = SCHEMA_ENUM,
	  .values = collections,
	  .max = 5,
	  .offset = offsetof(struct library_export_query, collections),
	  .doc = "Only these, parted by commas; without it all. Not for letterboxd.",
	  .example = "[\"ratings\",\"watched\"]" },
};
static const struct schema library_export_query_schema =
        SCHEMA("LibraryExportQuery", struct library_export_query, query_fields, "What to export, and how.");

struct export
{
	struct request *req;
	struct str user_id;
	struct library_export_query in;
	struct export_file file;
	struct store_rows lists;
	struct export_list *names;
};

/* Where a page ended. */
struct place {
	int64_t added_ms;
	int64_t movie_id;
	int64_t position;
	char item[ITEM_SIZE];
};

static bool wants(const struct export *x, const char *collection)
{
	const struct str *chosen = x->in.collections.items;

	for (size_t i = 0; i < x->in.collections.n; i++)
		if (str_equal(chosen[i], str_from(collection)))
			return true;
	return x->in.collections.n == 0;
}

/* ---- entries ---- */

static void rows_add(struct export *x, const struct store_rows *rows, struct str collection, struct str list)
{
	bool has_rating = str_equal(collection, STR("ratings")) || x->file.format == EXPORT_LETTERBOXD;

	for (size_t i = 0; i < rows->n; i++)
		export_add(&x->file,
		           &(struct export_entry){
		                   .collection = collection,
		                   .list = list,
		                   .movie_id = store_int(rows, i, ROW_MOVIE),
		                   .title = store_text(rows, i, ROW_TITLE),
		                   .year = { !store_is_null(rows, i, ROW_YEAR), store_int(rows, i, ROW_YEAR) },
		                   .rating = has_rating ? store_int(rows, i, ROW_RATING) : 0,
		                   .watched_on = store_text(rows, i, ROW_WATCHED_ON),
		                   .note = store_text(rows, i, ROW_NOTE),
		                   .added_at_ms = store_int(rows, i, ROW_ADDED_MS),
		           });
}

static void place_keep(const struct store_rows *rows, struct place *p)
{
	size_t last = rows->n - 1;

	p->added_ms = store_int(rows, last, ROW_ADDED_MS);
	p->movie_id = store_int(rows, last, ROW_MOVIE);
	p->position = rows->columns > ROW_POSITION ? store_int(rows, last, ROW_POSITION) : 0;
	(void)snprintf(p->item, sizeof(p->item), "%.*s", STR_ARGS(store_text(rows, last, ROW_ITEM)));
}

/* A page of a list (by position) or of another collection (by when it was added). */
static int page_read(struct export *x, const char *sql, struct str id, const struct place *p, struct arena *a,
                     struct store_rows *ret)
{
	const struct store_value by_position[] = { STORE_S(x->user_id), STORE_S(id), STORE_I(p->position),
		                                   STORE_I(p->movie_id) };
	const struct store_value by_time[] = { STORE_S(x->user_id), STORE_S(id), STORE_I(p->added_ms),
		                               STORE_I(p->movie_id), STORE_S(str_from(p->item)) };

	if (sql == sql_export_list_items)
		return store_read(user_state()->store, sql, by_position, ARRAY_SIZE(by_position), a, ret);
	return store_read(user_state()->store, sql, by_time, ARRAY_SIZE(by_time), a, ret);
}

static int collection_add(struct export *x, const char *sql, struct str id, struct str collection, struct str list)
{
	struct place place = { .added_ms = INT64_MIN, .position = INT64_MIN };
	struct store_rows rows = { .n = PAGE_ROWS };
	struct arena *a CLEANUP(arena_free) = NULL;
	int r = arena_new(PAGE_ARENA_MAX, &a);

	while (r == 0 && rows.n == PAGE_ROWS) {
		arena_reset(a);
		r = page_read(x, sql, id, &place, a, &rows);
		if (r < 0)
			break;
		rows_add(x, &rows, collection, list);
		r = buf_error(x->file.out);
		if (rows.n > 0)
			place_keep(&rows, &place);
	}
	return r;
}

static int all_add(struct export *x)
{
	static const char *const plain[] = { "favorites", "watchlist", "ratings", "watched" };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(plain) && r == 0; i++)
		if (wants(x, plain[i]))
			r = collection_add(x, sql_export_collection, str_from(plain[i]), str_from(plain[i]), STR_NULL);
	for (size_t i = 0; i < x->lists.n && r == 0; i++)
		r = collection_add(x, sql_export_list_items, store_text(&x->lists, i, NAME_ID), STR("list"),
		                   x->names[i].name);
	return r;
}

static int watched_add(struct export *x)
{
	int r = collection_add(x, sql_export_collection, STR("watched"), STR("watched"), STR_NULL);

	return r < 0 ? r : collection_add(x, sql_export_unwatched_ratings, STR("ratings"), STR("ratings"), STR_NULL);
}

/* ---- the file ---- */

static int lists_read(struct export *x)
{
	struct arena *a = request_arena(x->req);
	int r = store_read(user_state()->store, sql_export_list_names, STORE_ARGS(STORE_S(x->user_id)), a, &x->lists);

	if (r < 0)
		return r;
	x->names = arena_array(a, MAX(x->lists.n, (size_t)1), sizeof(*x->names));
	if (!x->names)
		return -ENOMEM;
	for (size_t i = 0; i < x->lists.n; i++)
		x->names[i] = (struct export_list){ store_text(&x->lists, i, NAME_NAME),
			                            store_text(&x->lists, i, NAME_DESCRIPTION) };
	return 0;
}

static int file_write(struct export *x)
{
	bool is_letterboxd = x->file.format == EXPORT_LETTERBOXD;
	int r = wants(x, "lists") && !is_letterboxd ? lists_read(x) : 0;

	if (r < 0)
		return r;
	export_begin(&x->file, x->names, x->lists.n, clock_real_ms());
	r = is_letterboxd ? watched_add(x) : all_add(x);
	export_end(&x->file);
	return r < 0 ? r : buf_error(x->file.out);
}

static enum export_format format_of(struct str name)
{
	if (str_equal(name, STR("json")))
		return EXPORT_JSON;
	return str_equal(name, STR("csv")) ? EXPORT_CSV : EXPORT_LETTERBOXD;
}

static int respond_file(struct request *req, enum export_format format, struct str content)
{
	struct reply *reply = NULL;
	int r = reply_new(200, format == EXPORT_JSON ? "application/json" : "text/csv; charset=utf-8", content, &reply);

	if (r < 0)
		return r;
	r = respond_header_static(req, "Content-Disposition",
	                          format == EXPORT_JSON  ? "attachment; filename=\"cinesync-library.json\""
	                          : format == EXPORT_CSV ? "attachment; filename=\"cinesync-library.csv\""
	                                                 : "attachment; filename=\"cinesync-letterboxd.csv\"");
	if (r == 0)
		r = respond_shared(req, reply);
	reply_unref(&reply);
	return r;
}

/* ---- what the client has already ---- */

static int etag_make(struct export *x, char ret[TAG_SIZE])
{
	unsigned chosen = 0;
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_library_head, STORE_ARGS(STORE_S(x->user_id)),
	                   request_arena(x->req), &rows);

	if (r < 0)
		return user_store_failed(x->req, r, "read a library's version");
	for (unsigned i = 0; collections[i]; i++)
		chosen |= (unsigned)wants(x, collections[i]) << i;
	(void)snprintf(ret, TAG_SIZE, "\"%.*s-%lld-%.*s-%x\"",
	               STR_ARGS(str_slice(x->user_id, x->user_id.len - 12, x->user_id.len)),
	               (long long)(rows.n > 0 ? store_int(&rows, 0, 0) : 0), STR_ARGS(x->in.format), chosen);
	return 0;
}

static int library_export(struct request *req)
{
	struct export x = { .req = req, .user_id = request_user(req)->id };
	struct buf out CLEANUP(buf_done);
	char etag[TAG_SIZE];
	int r = request_parse(req, NULL, &x.in, NULL);

	buf_init(&out, (size_t)user_state()->config->export_size_max);
	if (r == 0)
		r = etag_make(&x, etag);
	if (r == 0)
		r = respond_header(req, "ETag", str_from(etag));
	if (r == 0)
		r = respond_header_static(req, "Cache-Control", "private, no-cache");
	if (r < 0)
		return r;
	if (request_none_match(req, etag))
		return respond_empty(req, 304);
	r = limit_take(req, LIMIT_EXPORT, x.user_id);
	if (r < 0)
		return r;
	x.file = (struct export_file){ .format = format_of(x.in.format), .out = &out };
	r = file_write(&x);
	if (r == -ENOBUFS)
		return request_problem(req, &problem_export_too_large,
		                       "Ask for some collections only, or the operator to raise EXPORT_SIZE_MAX.");
	if (r < 0)
		return user_store_failed(req, r, "export a library");
	return respond_file(req, x.file.format, buf_str(&out));
}

const struct route library_export_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me/library/export",
	  .handler = library_export,
	  .query = &library_export_query_schema,
	  .tag = "library",
	  .auth = HTTP_AUTH_USER,
	  .cacheable = true,
	  .reply = { 200, NULL, "application/json", "The library as a file.", "text/csv" },
	  .errors = { 401, 413, 429, 503 },
	  .summary = "My library as a file",
	  .doc = "What is in the library now: favourites, watchlist, ratings, watches and lists, with dates and notes. "
	         "As "
	         "JSON, or as CSV (RFC 4180)." },
	{ 0 },
};
