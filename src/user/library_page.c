/* A page is one range of one index: the statement is chosen by the sort, the place to begin by the cursor, and filters
 * only leave out rows on the way. One row more than asked for tells whether there is a next page. Owns nothing;
 * library_page_read() yields. */
#include "user/library_page.h"

#include "base/clock.h"
#include "user/cursor.h"
#include "user/statements.h"

#include <errno.h>
#include <math.h>

enum { PAGE_KEY = ENTRY_COLUMNS, PAGE_TOTAL }; /* columns with the sort's key and the collection's count */

/* Above every title key and every id: U+10FFFF is no letter. */
#define TEXT_LAST "\xf4\x8f\xbf\xbf"

struct order {
	const char *name;
	const char *sql;
	bool is_text;
	bool is_descending;
};

static const struct order orders[] = {
	{ "added", sql_library_page_added_asc, false, false },
	{ "-added", sql_library_page_added_desc, false, true },
	{ "title", sql_library_page_title_asc, true, false },
	{ "-title", sql_library_page_title_desc, true, true },
	{ "year", sql_library_page_year_asc, false, false },
	{ "-year", sql_library_page_year_desc, false, true },
	{ "rating", sql_library_page_rating_asc, false, false },
	{ "-rating", sql_library_page_rating_desc, false, true },
	{ "watched_on", sql_library_page_watched_on_asc, true, false },
	{ "-watched_on", sql_library_page_watched_on_desc, true, true },
	{ "position", sql_library_page_position_asc, false, false },
	{ "-position", sql_library_page_position_desc, false, true },
};

static const struct order *order_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		if (str_equal(name, str_from(orders[i].name)))
			return &orders[i];
	return NULL;
}

/* ---- rows ---- */

static struct str or_null(struct str s)
{
	return s.len > 0 ? s : STR_NULL;
}

int library_entry_from_row(struct arena *a, const struct store_rows *rows, size_t row, struct library_entry *ret)
{
	int64_t rating = store_int(rows, row, ENTRY_RATING);
	struct library_entry e = {
		.movie_id = store_int(rows, row, ENTRY_MOVIE_ID),
		.movie_title = store_text(rows, row, ENTRY_TITLE),
		.movie_year = { !store_is_null(rows, row, ENTRY_YEAR), store_int(rows, row, ENTRY_YEAR) },
		.poster_path = store_text(rows, row, ENTRY_POSTER),
		.state = store_bool(rows, row, ENTRY_PENDING) ? STR("pending") : STR("settled"),
		.rating = { rating > 0, library_rating_points(rating) },
		.id = or_null(store_text(rows, row, ENTRY_ITEM_ID)),
		.watched_on = or_null(store_text(rows, row, ENTRY_WATCHED_ON)),
		.note = store_text(rows, row, ENTRY_NOTE),
	};
	int r = clock_text(a, store_int(rows, row, ENTRY_ADDED_MS), &e.created_at);

	if (r == 0)
		r = clock_text(a, store_int(rows, row, ENTRY_CHANGED_MS), &e.updated_at);
	if (r == 0)
		*ret = e;
	return r;
}

/* ---- the cursor ---- */

static struct str scope_of(struct arena *a, const struct library_source *from, const struct order *o)
{
	return arena_printf(a, "%.*s %.*s %s", STR_ARGS(from->user_id),
	                    STR_ARGS(library_collection_name(from->collection, from->list_id)), o->name);
}

/* Before the first row of that order. */
static struct cursor beginning(const struct order *o)
{
	bool down = o->is_descending;

	return (struct cursor){
		.is_text = o->is_text,
		.number = down ? INT64_MAX : INT64_MIN,
		.text = down ? STR(TEXT_LAST) : STR(""),
		.id = down ? INT64_MAX : INT64_MIN,
		.item = down ? STR(TEXT_LAST) : STR(""),
	};
}

static int place_find(struct request *req, const struct library_source *from, const struct order *o, struct str cursor,
                      struct cursor *ret)
{
	struct str scope = scope_of(request_arena(req), from, o);
	int r;

	*ret = beginning(o);
	if (!cursor.data)
		return 0;
	if (!scope.data)
		return -ENOMEM;
	r = cursor_read(user_state()->secret_seal, scope, cursor, request_arena(req), ret);
	if (r == -EBADMSG) {
		violations_add(request_violation_list(req), "query", "cursor", "value_error",
		               "Value should be the next_cursor of the page before, of this list in this order");
		return request_violations(req);
	}
	return r;
}

static int next_write(struct request *req, const struct library_source *from, const struct order *o,
                      const struct store_rows *rows, size_t last, struct str *ret)
{
	struct str scope = scope_of(request_arena(req), from, o);
	struct cursor c = {
		.is_text = o->is_text,
		.id = store_int(rows, last, ENTRY_MOVIE_ID),
		.item = store_text(rows, last, ENTRY_ITEM_ID),
	};

	if (!scope.data)
		return -ENOMEM;
	if (o->is_text)
		c.text = store_text(rows, last, PAGE_KEY);
	else
		c.number = store_int(rows, last, PAGE_KEY);
	return cursor_write(user_state()->secret_seal, scope, &c, request_arena(req), ret);
}

/* ---- filters ---- */

struct filters {
	int64_t year_min, year_max;
	int64_t rating_min, rating_max;
	struct str title;
	int64_t state;
};

/* What is unknown lies at 0, and is left out by either bound. */
static int filters_make(struct request *req, const struct library_query *q, struct filters *ret)
{
	bool has_year = q->year_min.is_set || q->year_max.is_set;
	bool has_rating = q->rating_min.is_set || q->rating_max.is_set;
	struct filters f = {
		.year_min = q->year_min.is_set ? q->year_min.value : has_year,
		.year_max = q->year_max.is_set ? q->year_max.value : INT32_MAX,
		.rating_min = q->rating_min.is_set ? (int64_t)ceil(q->rating_min.value * 2) : has_rating,
		.rating_max = q->rating_max.is_set ? (int64_t)floor(q->rating_max.value * 2) : LIBRARY_RATING_MAX,
		.title = STR("%"),
		.state = str_equal(q->state, STR("pending"))   ? 1
		         : str_equal(q->state, STR("settled")) ? 2
		                                               : 0,
	};
	struct str part;
	int r = 0;

	if (q->title.data) {
		r = library_title_part(q->title, request_arena(req), &part);
		if (r < 0)
			return r;
		f.title = arena_printf(request_arena(req), "%%%.*s%%", STR_ARGS(part)); /* it has no % and no _ */
		r = f.title.data ? 0 : -ENOMEM;
	}
	if (r == 0)
		*ret = f;
	return r;
}

/* ---- the page ---- */

static int rows_read(struct request *req, const struct library_source *from, const struct order *o,
                     const struct cursor *at, const struct library_query *q, struct store_rows *ret)
{
	struct filters f;
	int r = filters_make(req, q, &f);

	if (r < 0)
		return r;
	r = store_read(user_state()->store, o->sql,
	               STORE_ARGS(STORE_S(from->user_id),
	                          STORE_S(library_collection_name(from->collection, from->list_id)),
	                          o->is_text ? STORE_S(at->text) : STORE_I(at->number), STORE_I(at->id),
	                          STORE_S(at->item), STORE_I(f.year_min), STORE_I(f.year_max), STORE_I(f.rating_min),
	                          STORE_I(f.rating_max), STORE_S(f.title), STORE_I(f.state), STORE_I(q->limit + 1)),
	               request_arena(req), ret);
	return r < 0 ? user_store_failed(req, r, "read a page of the library") : 0;
}

static int results_make(struct arena *a, const struct store_rows *rows, size_t n, struct schema_array *ret)
{
	struct library_entry *items = arena_array(a, n, sizeof(*items));
	int r = items ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		r = library_entry_from_row(a, rows, i, &items[i]);
	if (r == 0)
		*ret = (struct schema_array){ n, items };
	return r;
}

int library_page_read(struct request *req, const struct library_source *from, const struct library_query *q,
                      struct library_page *ret)
{
	const struct order *o = order_of(q->sort);
	struct store_rows rows;
	struct cursor at;
	size_t n;
	int r;

	assert(o);
	r = place_find(req, from, o, q->cursor, &at);
	if (r == 0)
		r = rows_read(req, from, o, &at, q, &rows);
	if (r < 0)
		return r;
	*ret = (struct library_page){ 0 };
	n = MIN(rows.n, (size_t)q->limit);
	if (rows.n > n)
		r = next_write(req, from, o, &rows, n - 1, &ret->next_cursor);
	if (n > 0)
		ret->total_results = store_int(&rows, 0, PAGE_TOTAL);
	return r < 0 ? r : results_make(request_arena(req), &rows, n, &ret->results);
}
