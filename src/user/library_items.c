/* /users/me/lists/{list_id}/items: the films of a list, in their owner's order. */
#include "base/clock.h"
#include "user/library_lists.h"
#include "user/statements.h"

#include <errno.h>

#define GAP INT64_C(4294967296) /* between two positions at first */

static int items_list(struct request *req)
{
	struct library_source from = { request_user(req)->id, LIBRARY_LIST, STR_NULL };
	struct library_query q;
	struct library_page out = { 0 };
	struct store_rows rows;
	struct list_path path;
	int r = request_parse(req, &path, &q, NULL);

	if (r == 0)
		r = list_find(req, path.list_id, &rows);
	if (r < 0)
		return r;
	from.list_id = path.list_id;
	r = library_page_read(req, &from, &q, &out);
	out.total_results = store_int(&rows, 0, LIST_ITEMS);
	return r < 0 ? r : library_respond_cached(req, &list_items_page_schema, &out);
}

static struct library_change change_of(enum library_action action, const struct list_item_path *path, struct str note)
{
	return (struct library_change){
		.action = action,
		.collection = LIBRARY_LIST,
		.list_id = path->list_id,
		.movie_id = path->movie_id,
		.note = note,
	};
}

static int item_get(struct request *req)
{
	struct list_item_path path;
	struct library_change key;
	struct library_entry out;
	int r = request_parse(req, &path, NULL, NULL);

	if (r < 0)
		return r;
	key = change_of(LIBRARY_PUT, &path, STR_NULL);
	r = library_entry_now(req, NULL, &key, &out);
	return r < 0 ? r : library_respond_cached(req, &list_item_schema, &out);
}

static int item_put(struct request *req)
{
	struct list_item_path path;
	struct list_item_put in;
	struct library_change c;
	struct library_entry out;
	struct movie_brief film;
	int r = request_parse(req, &path, NULL, &in);

	if (r == 0)
		r = library_may_write(req);
	if (r < 0)
		return r;
	c = change_of(LIBRARY_PUT, &path, in.note);
	r = library_film_find(req, &c, &film);
	if (r == 0)
		r = library_change_one(req, NULL, &c);
	if (r == 0)
		r = library_entry_now(req, NULL, &c, &out);
	return r < 0 ? r : library_respond_change(req, &c, &list_item_schema, &out);
}

static int item_remove(struct request *req)
{
	struct list_item_path path;
	struct library_change c;
	int r = request_parse(req, &path, NULL, NULL);

	if (r == 0)
		r = library_may_write(req);
	if (r < 0)
		return r;
	c = change_of(LIBRARY_REMOVE, &path, STR_NULL);
	r = library_change_one(req, NULL, &c);
	return r < 0 ? r : respond_empty(req, 204);
}

static int new_item(struct request *req, struct idempotency *key)
{
	struct list_path path;
	struct list_item_add in;
	struct library_change c;
	struct movie_brief film;
	int r = request_parse(req, &path, NULL, &in);

	if (r == 0)
		r = library_may_write(req);
	if (r == 0)
		r = idempotency_begin(req, key);
	if (r != 0)
		return r < 0 ? r : 0;
	c = change_of(LIBRARY_PUT, &(struct list_item_path){ path.list_id, in.movie_id }, in.note);
	r = library_film_find(req, &c, &film);
	return r < 0 ? r
	             : library_answer_new(req, key, &c,
	                                  arena_printf(request_arena(req), "/api/v1/users/me/lists/%.*s/items/%lld",
	                                               STR_ARGS(path.list_id), (long long)in.movie_id),
	                                  &list_item_schema);
}

static int item_add(struct request *req)
{
	struct idempotency key CLEANUP(idempotency_release) = { 0 };

	return new_item(req, &key);
}

/* ---- its order ---- */

struct move {
	struct request *req;
	struct store_tx *tx;
	struct str user_id;
	struct list_item_path path;
	struct schema_int after;
};

static int position_find(const struct move *m, int64_t movie_id, int64_t *ret)
{
	struct store_rows rows;
	int r = store_tx_query(m->tx, sql_list_item_position,
	                       STORE_ARGS(STORE_S(m->user_id), STORE_S(m->path.list_id), STORE_I(movie_id)),
	                       request_arena(m->req), &rows);

	if (r < 0)
		return library_failed(m->req, r, "find a film in a list");
	if (rows.n == 0)
		return request_problem(m->req, &problem_entry_not_found, "The film %lld is not in this list.",
		                       (long long)movie_id);
	*ret = store_int(&rows, 0, 0);
	return 0;
}

/* 1 with a place between its neighbours to be, 0 when there is no room between them. */
static int place_between(const struct move *m, int64_t *ret)
{
	struct store_rows rows;
	int64_t low = INT64_MIN;
	int r = m->after.is_set ? position_find(m, m->after.value, &low) : 0;

	if (r < 0)
		return r;
	r = store_tx_query(
	        m->tx, sql_list_item_next,
	        STORE_ARGS(STORE_S(m->user_id), STORE_S(m->path.list_id), STORE_I(low), STORE_I(m->path.movie_id)),
	        request_arena(m->req), &rows);
	if (r < 0)
		return library_failed(m->req, r, "find a place in a list");
	if (store_is_null(&rows, 0, 0))
		*ret = m->after.is_set ? low + GAP : GAP;
	else if (!m->after.is_set)
		*ret = store_int(&rows, 0, 0) - GAP;
	else
		*ret = low + (store_int(&rows, 0, 0) - low) / 2;
	return !m->after.is_set || *ret > low;
}

static int spread(const struct move *m)
{
	struct arena *a = request_arena(m->req);
	int r = store_tx_query(m->tx, sql_list_items_spread,
	                       STORE_ARGS(STORE_S(m->user_id), STORE_S(m->path.list_id), STORE_I(clock_real_ms())), a,
	                       NULL);

	if (r == 0)
		r = store_tx_query(m->tx, sql_list_items_spread_count,
		                   STORE_ARGS(STORE_S(m->user_id), STORE_S(m->path.list_id)), a, NULL);
	return r < 0 ? library_failed(m->req, r, "spread a list") : 0;
}

static int place_find(const struct move *m, int64_t *ret)
{
	int r = place_between(m, ret);

	if (r != 0)
		return r < 0 ? r : 0;
	r = spread(m);
	if (r == 0)
		r = place_between(m, ret);
	return r < 0 ? r : 0;
}

static int move_to(const struct move *m, int64_t position)
{
	const struct store_value entry[] = {
		STORE_S(m->user_id),
		STORE_I(m->path.movie_id),
		STORE_S(m->path.list_id),
		STORE_S(STR("")),
	};
	struct arena *a = request_arena(m->req);
	int r = store_tx_query(m->tx, sql_list_item_move,
	                       STORE_ARGS(STORE_S(m->user_id), STORE_S(m->path.list_id), STORE_I(m->path.movie_id),
	                                  STORE_I(position), STORE_I(clock_real_ms())),
	                       a, NULL);

	if (r == 0)
		r = store_tx_query(m->tx, sql_library_count, entry, ARRAY_SIZE(entry), a, NULL);
	return r < 0 ? library_failed(m->req, r, "move a film") : 0;
}

static int move_in(const struct move *m)
{
	int64_t position;
	int r = store_tx_query(m->tx, sql_library_lock, STORE_ARGS(STORE_S(m->user_id)), request_arena(m->req), NULL);

	if (r < 0)
		return library_failed(m->req, r, "move a film");
	r = position_find(m, m->path.movie_id, &position);
	if (r < 0 || (m->after.is_set && m->after.value == m->path.movie_id))
		return r;
	r = place_find(m, &position);
	return r < 0 ? r : move_to(m, position);
}

static int item_move(struct request *req)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct move m = { .req = req, .user_id = request_user(req)->id };
	struct list_item_move in;
	int r = request_parse(req, &m.path, NULL, &in);

	if (r == 0)
		r = library_may_write(req);
	if (r < 0)
		return r;
	r = store_begin(user_state()->store, &tx);
	if (r < 0)
		return user_store_failed(req, r, "move a film");
	m.tx = tx;
	m.after = in.after;
	r = move_in(&m);
	if (r < 0)
		return r;
	r = store_commit(&tx);
	return r < 0 ? user_store_failed(req, r, "move a film") : respond_empty(req, 204);
}

#define TAG .tag = "lists", .auth = HTTP_AUTH_USER
#define ITEMS "/api/v1/users/me/lists/{list_id}/items"
#define PENDING                                                                           \
	{                                                                                 \
		202, "Taken as pending: nobody can say now whether there is such a film." \
	}

const struct route list_item_routes[] = {
	{ .method = HTTP_GET,
	  .path = ITEMS,
	  .handler = items_list,
	  TAG,
	  .path_params = &list_path_schema,
	  .query = &list_items_query_schema,
	  .reply = { 200, &list_items_page_schema, NULL, "One page." },
	  .errors = { 401, 404, 503 },
	  .cacheable = true,
	  .summary = "The films of a list" },
	{ .method = HTTP_POST,
	  .path = ITEMS,
	  .handler = item_add,
	  .headers = &post_headers_schema,
	  TAG,
	  .path_params = &list_path_schema,
	  .body = &list_item_add_schema,
	  .reply = { 201, &list_item_schema, NULL, "The film, at the end of the list." },
	  .also = { PENDING },
	  .errors = { 401, 404, 409, 429, 503 },
	  .summary = "Add a film to a list",
	  .doc = "Sent again with the same Idempotency-Key within 24 hours it takes effect once." },
	{ .method = HTTP_GET,
	  .path = ITEMS "/{movie_id}",
	  .handler = item_get,
	  TAG,
	  .path_params = &list_item_path_schema,
	  .reply = { 200, &list_item_schema, NULL, "The film." },
	  .errors = { 401, 404, 503 },
	  .cacheable = true,
	  .summary = "One film of a list" },
	{ .method = HTTP_PUT,
	  .path = ITEMS "/{movie_id}",
	  .handler = item_put,
	  .headers = &put_headers_schema,
	  TAG,
	  .path_params = &list_item_path_schema,
	  .body = &list_item_put_schema,
	  .reply = { 200, &list_item_schema, NULL, "The film with its note." },
	  .also = { { 201, "The film, new at the end of the list." }, PENDING },
	  .errors = { 401, 404, 409, 429, 503 },
	  .summary = "Have a film in a list",
	  .doc = "As often as one likes. A note that is left out is removed." },
	{ .method = HTTP_PUT,
	  .path = ITEMS "/{movie_id}/position",
	  .handler = item_move,
	  TAG,
	  .path_params = &list_item_path_schema,
	  .body = &list_item_move_schema,
	  .reply = { 204, NULL, NULL, "It stands there." },
	  .errors = { 401, 404, 429, 503 },
	  .summary = "Move a film within a list" },
	{ .method = HTTP_DELETE,
	  .path = ITEMS "/{movie_id}",
	  .handler = item_remove,
	  TAG,
	  .path_params = &list_item_path_schema,
	  .reply = { 204, NULL, NULL, "It is not in the list (any more)." },
	  .errors = { 401, 429, 503 },
	  .summary = "Remove a film from a list" },
	{ 0 },
};
