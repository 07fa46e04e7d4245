/* /users/me/favorites: the films somebody keeps. Adding one asks the movie service first. */
#include "base/clock.h"
#include "user/messages.h"
#include "user/movies.h"
#include "user/statements.h"
#include "user/user.h"

#include <errno.h>

const struct problem problem_favorite_exists = { 409, "favorite-exists", "This film is among the favourites already",
	                                         LOG_INFO };

static int exists(struct request *req, int64_t movie_id)
{
	return request_problem(req, &problem_favorite_exists, "The film %lld was added before.", (long long)movie_id);
}

/* Looked for before the movie service is asked, so that a repeat costs no call; the primary key decides in the end. */
static int favorite_is_new(struct request *req, int64_t movie_id)
{
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_favorite_exists,
	                   STORE_ARGS(STORE_S(request_user(req)->id), STORE_I(movie_id)), request_arena(req), &rows);

	if (r < 0)
		return user_store_failed(req, r, "look for a favourite");
	return rows.n > 0 ? exists(req, movie_id) : 0;
}

static int favorite_store(struct request *req, const struct movie_brief *movie, int64_t now_ms)
{
	struct store_value year = movie->year.is_set ? STORE_I(movie->year.value) : STORE_N;
	struct store_rows rows;
	int r = store_query(user_state()->store, sql_favorite_insert,
	                    STORE_ARGS(STORE_S(request_user(req)->id), STORE_I(movie->id), STORE_S(movie->title), year,
	                               STORE_S(movie->poster_path), STORE_I(now_ms)),
	                    request_arena(req), &rows);

	if (r == -EEXIST)
		return exists(req, movie->id);
	if (r == -ENOKEY) /* the account was deleted meanwhile */
		return request_problem(req, &problem_unauthorized, "This account is gone.");
	return r < 0 ? user_store_failed(req, r, "store a favourite") : 0;
}

static int favorite_add(struct request *req)
{
	int64_t now_ms = clock_real_ms();
	char created_at[CLOCK_ISO8601_SIZE];
	struct favorite_create in;
	struct movie_brief movie;
	struct favorite out;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = favorite_is_new(req, in.movie_id);
	if (r == 0)
		r = movies_brief(req, in.movie_id, &movie);
	if (r == 0)
		r = favorite_store(req, &movie, now_ms);
	if (r < 0)
		return r;
	clock_format_iso8601(now_ms, created_at);
	out = (struct favorite){ movie.id, movie.title, movie.year, movie.poster_path, str_from(created_at) };
	r = respond_header(req, "Location",
	                   arena_printf(request_arena(req), "/api/v1/users/me/favorites/%lld", (long long)movie.id));
	return r < 0 ? r : respond(req, 201, &favorite_schema, &out);
}

static int favorite_from_row(struct arena *a, const struct store_rows *rows, size_t row, struct favorite *ret)
{
	char created_at[CLOCK_ISO8601_SIZE];
	struct str text;
	int r;

	clock_format_iso8601(store_int(rows, row, 4), created_at);
	r = arena_copy(a, str_from(created_at), &text);
	if (r < 0)
		return r;
	*ret = (struct favorite){
		.movie_id = store_int(rows, row, 0),
		.movie_title = store_text(rows, row, 1),
		.movie_year = { !store_is_null(rows, row, 2), store_int(rows, row, 2) },
		.poster_path = store_text(rows, row, 3),
		.created_at = text,
	};
	return 0;
}

static int favorites_count(struct request *req, int64_t *ret)
{
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_favorites_count, STORE_ARGS(STORE_S(request_user(req)->id)),
	                   request_arena(req), &rows);

	if (r == 0)
		*ret = store_int(&rows, 0, 0);
	return r;
}

static int favorites_read(struct request *req, const struct favorites_query *q, struct favorites_page *ret)
{
	struct favorite *items;
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_favorites_page,
	                   STORE_ARGS(STORE_S(request_user(req)->id), STORE_I(q->page_size),
	                              STORE_I((q->page - 1) * q->page_size)),
	                   request_arena(req), &rows);

	if (r < 0)
		return r;
	items = arena_array(request_arena(req), rows.n, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < rows.n && r == 0; i++)
		r = favorite_from_row(request_arena(req), &rows, i, &items[i]);
	if (r == 0)
		ret->results = (struct schema_array){ rows.n, items };
	return r;
}

static int favorites_list(struct request *req)
{
	struct favorites_query q;
	struct favorites_page out = { 0 };
	int r = request_parse(req, NULL, &q, NULL);

	if (r < 0)
		return r;
	r = favorites_count(req, &out.total_results);
	if (r == 0)
		r = favorites_read(req, &q, &out);
	if (r < 0)
		return user_store_failed(req, r, "read the favourites");
	out.page = q.page;
	out.page_size = q.page_size;
	out.total_pages = (out.total_results + q.page_size - 1) / q.page_size;
	return respond(req, 200, &favorites_page_schema, &out);
}

static int favorite_remove(struct request *req)
{
	struct favorite_path path;
	struct store_rows rows;
	int r = request_parse(req, &path, NULL, NULL);

	if (r < 0)
		return r;
	r = store_query(user_state()->store, sql_favorite_delete,
	                STORE_ARGS(STORE_S(request_user(req)->id), STORE_I(path.movie_id)), request_arena(req), &rows);
	if (r < 0)
		return user_store_failed(req, r, "remove a favourite");
	return respond_empty(req, 204);
}

#define TAG .tag = "favorites", .auth = HTTP_AUTH_USER

const struct route favorite_routes[] = {
	{ .method = HTTP_POST,
	  .path = "/api/v1/users/me/favorites",
	  .handler = favorite_add,
	  TAG,
	  .body = &favorite_create_schema,
	  .reply = { 201, &favorite_schema, NULL, "The film, as it is kept." },
	  .errors = { 401, 404, 409, 503 },
	  .summary = "Add a film to the favourites",
	  .doc = "The movie service is asked whether the film exists and what it is called." },
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me/favorites",
	  .handler = favorites_list,
	  TAG,
	  .query = &favorites_query_schema,
	  .reply = { 200, &favorites_page_schema, NULL, "One page, newest first." },
	  .errors = { 401, 503 },
	  .summary = "My favourites" },
	{ .method = HTTP_DELETE,
	  .path = "/api/v1/users/me/favorites/{movie_id}",
	  .handler = favorite_remove,
	  TAG,
	  .path_params = &favorite_path_schema,
	  .reply = { 204, NULL, NULL, "It is not among the favourites (any more)." },
	  .errors = { 401, 503 },
	  .summary = "Remove a film from the favourites" },
	{ 0 },
};
