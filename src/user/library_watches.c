/* /users/me/watched: each time that a film was seen. A watch has an id, which its maker may choose. */
#include "base/clock.h"
#include "user/library_web.h"
#include "user/statements.h"

#include <errno.h>

enum { WATCH_DELETED_MS = ENTRY_COLUMNS }; /* a column of library_watch */

const struct problem problem_watch_of_another_film = { 409, "watch-of-another-film", "This watch is of another film",
	                                               LOG_INFO };

static int watch_find(struct request *req, struct str watch_id, struct store_rows *ret)
{
	int r = store_read(user_state()->store, sql_library_watch,
	                   STORE_ARGS(STORE_S(request_user(req)->id), STORE_S(watch_id)), request_arena(req), ret);

	return r < 0 ? user_store_failed(req, r, "look for a watch") : 0;
}

static int watch_get(struct request *req)
{
	struct watch_path path;
	struct library_entry out;
	struct store_rows rows;
	int r = request_parse(req, &path, NULL, NULL);

	if (r == 0)
		r = watch_find(req, path.watch_id, &rows);
	if (r < 0)
		return r;
	if (rows.n == 0 || !store_is_null(&rows, 0, WATCH_DELETED_MS))
		return request_problem(req, &problem_entry_not_found, "There is no such watch.");
	r = library_entry_from_row(request_arena(req), &rows, 0, &out);
	return r < 0 ? r : library_respond_cached(req, &watch_schema, &out);
}

/* The day is today when none is given. */
static int change_of(struct request *req, const struct watch_create *in, struct str id, struct library_change *ret)
{
	struct library_change c = {
		.action = LIBRARY_PUT,
		.collection = LIBRARY_WATCHED,
		.item_id = id,
		.movie_id = in->movie_id,
		.watched_on = in->watched_on,
		.note = in->note,
	};
	struct str now;
	int r = 0;

	if (!(in->present & WATCH_WATCHED_ON)) {
		r = clock_text(request_arena(req), clock_real_ms(), &now);
		if (r == 0)
			c.watched_on = str_slice(now, 0, sizeof("YYYY-MM-DD") - 1);
	}
	if (r == 0)
		*ret = c;
	return r;
}

static int new_watch(struct request *req, struct idempotency *key)
{
	char id[UUID_SIZE];
	struct library_change c;
	struct movie_brief film;
	struct watch_create in;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = library_may_write(req);
	if (r == 0)
		r = idempotency_begin(req, key);
	if (r != 0)
		return r < 0 ? r : 0;
	uuid_v7(id);
	r = change_of(req, &in, str_from(id), &c);
	if (r == 0)
		r = library_film_find(req, &c, &film);
	return r < 0 ? r
	             : library_answer_new(req, key, &c,
	                                  arena_printf(request_arena(req), "/api/v1/users/me/watched/%s", id),
	                                  &watch_schema);
}

static int watch_add(struct request *req)
{
	struct idempotency key CLEANUP(idempotency_release) = { 0 };

	return new_watch(req, &key);
}

static int is_of_this_film(struct request *req, const struct watch_path *path, int64_t movie_id)
{
	struct store_rows rows;
	int r = watch_find(req, path->watch_id, &rows);

	if (r < 0)
		return r;
	if (rows.n > 0 && store_int(&rows, 0, ENTRY_MOVIE_ID) != movie_id)
		return request_problem(req, &problem_watch_of_another_film, "It is one of the film %lld.",
		                       (long long)store_int(&rows, 0, ENTRY_MOVIE_ID));
	return 0;
}

static int watch_put(struct request *req)
{
	struct library_change c;
	struct library_entry out;
	struct watch_create in;
	struct movie_brief film;
	struct watch_path path;
	int r = request_parse(req, &path, NULL, &in);

	if (r == 0)
		r = library_may_write(req);
	if (r == 0)
		r = is_of_this_film(req, &path, in.movie_id);
	if (r == 0)
		r = change_of(req, &in, path.watch_id, &c);
	if (r == 0)
		r = library_film_find(req, &c, &film);
	if (r == 0)
		r = library_change_one(req, NULL, &c);
	if (r == 0)
		r = library_entry_now(req, NULL, &c, &out);
	return r < 0 ? r : library_respond_change(req, &c, &watch_schema, &out);
}

static int watch_remove(struct request *req)
{
	struct library_change c = { .action = LIBRARY_REMOVE, .collection = LIBRARY_WATCHED };
	struct watch_path path;
	struct store_rows rows;
	int r = request_parse(req, &path, NULL, NULL);

	if (r == 0)
		r = library_may_write(req);
	if (r == 0)
		r = watch_find(req, path.watch_id, &rows);
	if (r < 0)
		return r;
	if (rows.n > 0) {
		c.item_id = path.watch_id;
		c.movie_id = store_int(&rows, 0, ENTRY_MOVIE_ID);
		r = library_change_one(req, NULL, &c);
	}
	return r < 0 ? r : respond_empty(req, 204);
}

static int watched_list(struct request *req)
{
	return library_answer_page(req, LIBRARY_WATCHED, &watch_page_schema);
}

#define TAG .tag = "watched", .auth = HTTP_AUTH_USER
#define PENDING                                                                           \
	{                                                                                 \
		202, "Taken as pending: nobody can say now whether there is such a film." \
	}

const struct route watched_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me/watched",
	  .handler = watched_list,
	  TAG,
	  .query = &watched_query_schema,
	  .reply = { 200, &watch_page_schema, NULL, "One page." },
	  .errors = { 401, 503 },
	  .cacheable = true,
	  .summary = "My history",
	  .doc = "Each time that a film was seen. A film of which nobody remembers when comes last in -watched_on." },
	{ .method = HTTP_POST,
	  .path = "/api/v1/users/me/watched",
	  .handler = watch_add,
	  .headers = &post_headers_schema,
	  TAG,
	  .body = &watch_create_schema,
	  .reply = { 201, &watch_schema, NULL, "The watch." },
	  .also = { PENDING },
	  .errors = { 401, 404, 409, 429, 503 },
	  .summary = "Add a film to the history",
	  .doc = "As often as it was seen. Sent again with the same Idempotency-Key within 24 hours it takes effect "
	         "once." },
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me/watched/{watch_id}",
	  .handler = watch_get,
	  TAG,
	  .path_params = &watch_path_schema,
	  .reply = { 200, &watch_schema, NULL, "The watch." },
	  .errors = { 401, 404, 503 },
	  .cacheable = true,
	  .summary = "One watch" },
	{ .method = HTTP_PUT,
	  .path = "/api/v1/users/me/watched/{watch_id}",
	  .handler = watch_put,
	  .headers = &put_headers_schema,
	  TAG,
	  .path_params = &watch_path_schema,
	  .body = &watch_create_schema,
	  .reply = { 200, &watch_schema, NULL, "The watch as it is now." },
	  .also = { { 201, "A new watch with this id." }, PENDING },
	  .errors = { 401, 404, 409, 429, 503 },
	  .summary = "Set a watch",
	  .doc = "Changes its day and note; with an id that is not there yet, a UUID of the client's own, it adds "
	         "one." },
	{ .method = HTTP_DELETE,
	  .path = "/api/v1/users/me/watched/{watch_id}",
	  .handler = watch_remove,
	  TAG,
	  .path_params = &watch_path_schema,
	  .reply = { 204, NULL, NULL, "It is not there (any more)." },
	  .errors = { 401, 429, 503 },
	  .summary = "Remove a watch" },
	{ 0 },
};
