/* /users/me/favorites, /users/me/watchlist, /users/me/ratings: the collections in which a film stands once. Adding a
 * favourite asks the movie service first, always; the others trust what it said lately. */
#include "user/idempotency.h"
#include "user/library_web.h"

#include <errno.h>

/* ---- one entry ---- */

static int entry_get(struct request *req, enum library_collection collection)
{
	struct library_path path;
	struct library_entry out;
	struct library_change key = { .collection = collection };
	int r = request_parse(req, &path, NULL, NULL);

	if (r < 0)
		return r;
	key.movie_id = path.movie_id;
	r = library_entry_now(req, NULL, &key, &out);
	return r < 0 ? r : library_respond_cached(req, &library_entry_schema, &out);
}

static int entry_remove(struct request *req, enum library_collection collection)
{
	struct library_change c = { .action = LIBRARY_REMOVE, .collection = collection };
	struct library_path path;
	int r = request_parse(req, &path, NULL, NULL);

	if (r == 0)
		r = library_may_write(req);
	if (r < 0)
		return r;
	c.movie_id = path.movie_id;
	r = library_change_one(req, NULL, &c);
	return r < 0 ? r : respond_empty(req, 204);
}

/* c has all but the film. */
static int entry_put(struct request *req, struct library_change *c)
{
	struct movie_brief film;
	struct library_entry out;
	int r = library_may_write(req);

	if (r == 0)
		r = library_film_find(req, c, &film);
	if (r == 0)
		r = library_change_one(req, NULL, c);
	if (r == 0)
		r = library_entry_now(req, NULL, c, &out);
	return r < 0 ? r : library_respond_change(req, c, &library_entry_schema, &out);
}

static int flag_put(struct request *req, enum library_collection collection)
{
	struct library_change c = { .action = LIBRARY_PUT, .collection = collection };
	struct library_path path;
	int r = request_parse(req, &path, NULL, NULL);

	if (r < 0)
		return r;
	c.movie_id = path.movie_id;
	return entry_put(req, &c);
}

static int rating_put(struct request *req)
{
	struct library_change c = { .action = LIBRARY_PUT, .collection = LIBRARY_RATINGS };
	struct library_path path;
	struct rating_put in;
	int r = request_parse(req, &path, NULL, &in);

	if (r < 0)
		return r;
	c.movie_id = path.movie_id;
	c.rating = library_rating_halves(in.rating);
	return entry_put(req, &c);
}

/* ---- POST: new ones only ---- */

static int new_entry(struct request *req, enum library_collection collection, struct idempotency *key)
{
	struct library_change c = { .action = LIBRARY_PUT, .collection = collection };
	struct movie_brief film;
	struct library_add in;
	struct str location;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = library_may_write(req);
	if (r == 0)
		r = idempotency_begin(req, key);
	if (r != 0)
		return r < 0 ? r : 0;
	c.movie_id = in.movie_id;
	r = library_is_new(req, collection, c.movie_id);
	if (r == 0)
		r = library_film_find(req, &c, &film);
	if (r < 0)
		return r;
	location = arena_printf(request_arena(req), "%s/%lld", request_route(req)->path, (long long)c.movie_id);
	return library_answer_new(req, key, &c, location, &library_entry_schema);
}

static int entry_add(struct request *req, enum library_collection collection)
{
	struct idempotency key CLEANUP(idempotency_release) = { 0 };

	return new_entry(req, collection, &key);
}

/* ---- routes ---- */

#define COLLECTION(name, collection, get_page)        \
	static int name##_list(struct request *req)   \
	{                                             \
		return get_page;                      \
	}                                             \
	static int name##_get(struct request *req)    \
	{                                             \
		return entry_get(req, collection);    \
	}                                             \
	static int name##_remove(struct request *req) \
	{                                             \
		return entry_remove(req, collection); \
	}

#define FLAG(name, collection)                                                                   \
	COLLECTION(name, collection, library_answer_page(req, collection, &library_page_schema)) \
	static int name##_add(struct request *req)                                               \
	{                                                                                        \
		return entry_add(req, collection);                                               \
	}                                                                                        \
	static int name##_put(struct request *req)                                               \
	{                                                                                        \
		return flag_put(req, collection);                                                \
	}

FLAG(favorites, LIBRARY_FAVORITES)
FLAG(watchlist, LIBRARY_WATCHLIST)
COLLECTION(ratings, LIBRARY_RATINGS, library_answer_page(req, LIBRARY_RATINGS, &library_page_schema))

#define ASYNC                                                                                                     \
	"While the movie service is away it is 503; with `Prefer: respond-async` it is taken as pending instead " \
	"(202), "                                                                                                 \
	"and settled or removed once that can be asked. "
#define ONCE "Sent again with the same Idempotency-Key within 24 hours it takes effect once, and is answered the same."
#define PENDING                                                                           \
	{                                                                                 \
		202, "Taken as pending: nobody can say now whether there is such a film." \
	}

#define ONE(name, tag_, url)                                                                              \
	{ .method = HTTP_GET,                                                                             \
	  .path = url "/{movie_id}",                                                                      \
	  .handler = name##_get,                                                                          \
	  .tag = tag_,                                                                                    \
	  .auth = HTTP_AUTH_USER,                                                                         \
	  .path_params = &library_path_schema,                                                            \
	  .reply = { 200, &library_entry_schema, NULL, "The film, as it is kept." },                      \
	  .errors = { 401, 404, 503 },                                                                    \
	  .cacheable = true,                                                                              \
	  .summary = "One film of them" },                                                                \
	{                                                                                                 \
		.method = HTTP_DELETE, .path = url "/{movie_id}", .handler = name##_remove, .tag = tag_,  \
		.auth = HTTP_AUTH_USER, .path_params = &library_path_schema,                              \
		.reply = { 204, NULL, NULL, "It is not there (any more)." }, .errors = { 401, 429, 503 }, \
		.summary = "Remove a film"                                                                \
	}

#define FLAGS(name, tag_, url, words)                                                                           \
	{ .method = HTTP_GET,                                                                                   \
	  .path = url,                                                                                          \
	  .handler = name##_list,                                                                               \
	  .tag = tag_,                                                                                          \
	  .auth = HTTP_AUTH_USER,                                                                               \
	  .query = &library_query_schema,                                                                       \
	  .reply = { 200, &library_page_schema, NULL, "One page." },                                            \
	  .errors = { 401, 503 },                                                                               \
	  .cacheable = true,                                                                                    \
	  .summary = "My " words,                                                                               \
	  .doc = "next_cursor leads to the next page, whatever is added or removed meanwhile." },               \
	        { .method = HTTP_POST,                                                                          \
		  .path = url,                                                                                  \
		  .handler = name##_add,                                                                        \
		  .tag = tag_,                                                                                  \
		  .auth = HTTP_AUTH_USER,                                                                       \
		  .body = &library_add_schema,                                                                  \
		  .headers = &post_headers_schema,                                                              \
		  .reply = { 201, &library_entry_schema, NULL, "The film, as it is kept." },                    \
		  .also = { PENDING },                                                                          \
		  .errors = { 401, 404, 409, 429, 503 },                                                        \
		  .summary = "Add a film to the " words,                                                        \
		  .doc = "The movie service says whether the film exists and what it is called. " ASYNC ONCE }, \
	        { .method = HTTP_PUT,                                                                           \
		  .path = url "/{movie_id}",                                                                    \
		  .handler = name##_put,                                                                        \
		  .headers = &put_headers_schema,                                                               \
		  .tag = tag_,                                                                                  \
		  .auth = HTTP_AUTH_USER,                                                                       \
		  .path_params = &library_path_schema,                                                          \
		  .reply = { 200, &library_entry_schema, NULL, "The film, as it was there." },                  \
		  .also = { { 201, "The film, as it is kept from now on." }, PENDING },                         \
		  .errors = { 401, 404, 409, 429, 503 },                                                        \
		  .summary = "Have a film among the " words,                                                    \
		  .doc = "As often as one likes. " ASYNC },                                                     \
	        ONE(name, tag_, url)

const struct route library_routes[] = {
	FLAGS(favorites, "favorites", "/api/v1/users/me/favorites", "favourites"),
	FLAGS(watchlist, "watchlist", "/api/v1/users/me/watchlist", "watchlist"),
	ONE(ratings, "ratings", "/api/v1/users/me/ratings"),
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me/ratings",
	  .handler = ratings_list,
	  .tag = "ratings",
	  .auth = HTTP_AUTH_USER,
	  .query = &ratings_query_schema,
	  .reply = { 200, &library_page_schema, NULL, "One page." },
	  .errors = { 401, 503 },
	  .cacheable = true,
	  .summary = "My ratings" },
	{ .method = HTTP_PUT,
	  .path = "/api/v1/users/me/ratings/{movie_id}",
	  .handler = rating_put,
	  .headers = &put_headers_schema,
	  .tag = "ratings",
	  .auth = HTTP_AUTH_USER,
	  .path_params = &library_path_schema,
	  .body = &rating_put_schema,
	  .reply = { 200, &library_entry_schema, NULL, "The film with its new rating." },
	  .also = { { 201, "The film with its first rating." }, PENDING },
	  .errors = { 401, 404, 409, 429, 503 },
	  .summary = "Rate a film",
	  .doc = "The rating is shown with the film in every collection. " ASYNC },
	{ 0 },
};
