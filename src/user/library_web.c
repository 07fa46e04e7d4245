/* Shared by the handlers of the library. Owns nothing; all that yields says so in the header. */
#include "user/library_web.h"

#include "base/clock.h"
#include "user/library_keeper.h"
#include "user/limit.h"
#include "user/movies.h"
#include "user/statements.h"

#include <errno.h>

/* Columns of film_find, library_head. */
enum { FILM_TITLE, FILM_YEAR, FILM_POSTER, FILM_REFRESHED_MS };
enum { HEAD_VERSION, HEAD_FORGOTTEN, HEAD_COUNTS };

const struct problem problem_favorite_exists = { 409, "favorite-exists", "This film is among the favourites already",
	                                         LOG_INFO };
const struct problem problem_already_in_collection = { 409, "already-in-collection",
	                                               "This film is in the collection already", LOG_INFO };
const struct problem problem_entry_not_found = { 404, "entry-not-found", "It is not in this collection", LOG_INFO };
const struct problem problem_list_not_found = { 404, "list-not-found", "There is no such list", LOG_INFO };
const struct problem problem_library_full = { 409, "library-full", "There is no room for more", LOG_INFO };

int library_may_write(struct request *req)
{
	return limit_take(req, LIMIT_WRITE, request_user(req)->id);
}

/* ---- films ---- */

/* Tokens of a list, "respond-async; foo=bar" and all (RFC 7240, section 2). */
static bool prefers_async(struct request *req)
{
	struct str list = request_header(req, "Prefer");
	size_t from = 0;

	while (list.data && from <= list.len) {
		ptrdiff_t comma = str_index(list, ',', from);
		struct str one = str_slice(list, from, comma < 0 ? list.len : (size_t)comma);
		ptrdiff_t semicolon = str_index(one, ';', 0);

		if (semicolon >= 0)
			one = str_slice(one, 0, (size_t)semicolon);
		if (str_equal_nocase(str_trim(one), STR("respond-async")))
			return true;
		if (comma < 0)
			return false;
		from = (size_t)comma + 1;
	}
	return false;
}

bool library_wants_async(struct request *req)
{
	return user_state()->config->favorites_async || prefers_async(req);
}

static int film_from_snapshot(struct request *req, int64_t movie_id, struct movie_brief *ret, bool *ret_found)
{
	int64_t oldest_ms = clock_real_ms() - user_state()->config->snapshot_age_days * CLOCK_DAY_MS;
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_film_find, STORE_ARGS(STORE_I(movie_id)), request_arena(req),
	                   &rows);

	if (r < 0)
		return user_store_failed(req, r, "look for a film");
	*ret_found = rows.n > 0 && store_int(&rows, 0, FILM_REFRESHED_MS) >= oldest_ms;
	if (*ret_found)
		*ret = (struct movie_brief){
			.id = movie_id,
			.title = store_text(&rows, 0, FILM_TITLE),
			.year = { !store_is_null(&rows, 0, FILM_YEAR), store_int(&rows, 0, FILM_YEAR) },
			.poster_path = store_text(&rows, 0, FILM_POSTER),
		};
	return 0;
}

int library_film_find(struct request *req, struct library_change *c, struct movie_brief *ret)
{
	int64_t duration_us = 0;
	bool found = false;
	int r = 0;

	if (c->collection != LIBRARY_FAVORITES)
		r = film_from_snapshot(req, c->movie_id, ret, &found);
	if (r == 0 && !found)
		r = movies_ask(user_state(), c->movie_id, request_arena(req), ret, &duration_us);
	if (duration_us > 0)
		request_timing(req, "movie", duration_us);
	if (r == 0)
		c->film = ret;
	c->is_film_kept = found;
	if (r != -EHOSTDOWN || !library_wants_async(req))
		return movies_failed(req, r, c->movie_id);
	return prefers_async(req) ? respond_header_static(req, "Preference-Applied", "respond-async") : 0;
}

/* ---- changes ---- */

int library_exists(struct request *req, enum library_collection collection, int64_t movie_id)
{
	return request_problem(
	        req, collection == LIBRARY_FAVORITES ? &problem_favorite_exists : &problem_already_in_collection,
	        "The film %lld was added before.", (long long)movie_id);
}

/* Looked for before the movie service is asked, so that a repeat costs no call; the key decides in the end. */
int library_is_new(struct request *req, enum library_collection collection, int64_t movie_id)
{
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_library_entry,
	                   STORE_ARGS(STORE_S(request_user(req)->id), STORE_I(movie_id),
	                              STORE_S(library_collection_name(collection, STR_NULL)), STORE_S(STR(""))),
	                   request_arena(req), &rows);

	if (r < 0)
		return user_store_failed(req, r, "look for an entry");
	return rows.n > 0 ? library_exists(req, collection, movie_id) : 0;
}

int library_failed(struct request *req, int r, const char *doing)
{
	if (r == -ENOKEY) /* the account was deleted meanwhile */
		return request_problem(req, &problem_unauthorized, "This account is gone.");
	return user_store_failed(req, r, doing);
}

static int refused(struct request *req, const struct library_change *c)
{
	const struct user_config *limits = user_state()->config;

	if (c->outcome == LIBRARY_NO_LIST)
		return request_problem(req, &problem_list_not_found, "No list of this account has that id.");
	if (c->outcome == LIBRARY_FULL)
		return request_problem(req, &problem_library_full,
		                       "A library has at most %lld entries, a list at most %lld films.",
		                       (long long)limits->library_entries_max, (long long)limits->list_items_max);
	return 0;
}

int library_change_one(struct request *req, struct store_tx *tx, struct library_change *c)
{
	int r = library_apply(tx, request_user(req)->id, c, 1, request_arena(req));

	return r < 0 ? library_failed(req, r, "change the library") : refused(req, c);
}

int library_status(const struct library_change *c)
{
	return c->is_pending ? 202 : c->outcome == LIBRARY_CREATED ? 201 : 200;
}

int library_respond_change(struct request *req, const struct library_change *c, const struct schema *schema,
                           const struct library_entry *out)
{
	if (c->is_pending)
		library_keeper_kick(user_state()->library_keeper);
	return respond(req, library_status(c), schema, out);
}

/* What was just put there is known without reading it again, unless nobody knows the film. */
static int entry_of_change(struct arena *a, const struct library_change *c, struct library_entry *ret)
{
	struct library_entry e = {
		.movie_id = c->movie_id,
		.movie_title = c->film->title,
		.movie_year = c->film->year,
		.poster_path = c->film->poster_path,
		.state = c->is_pending ? STR("pending") : STR("settled"),
		.rating = { c->kept_rating > 0, library_rating_points(c->kept_rating) },
		.id = c->item_id,
		.watched_on = c->watched_on,
		.note = c->note,
	};
	int r = clock_text(a, c->kept_added_ms, &e.created_at);

	if (r == 0)
		r = clock_text(a, c->kept_changed_ms, &e.updated_at);
	if (r == 0)
		*ret = e;
	return r;
}

int library_entry_now(struct request *req, struct store_tx *tx, const struct library_change *c,
                      struct library_entry *ret)
{
	const struct store_value key[] = {
		STORE_S(request_user(req)->id),
		STORE_I(c->movie_id),
		STORE_S(library_collection_name(c->collection, c->list_id)),
		STORE_S(c->collection == LIBRARY_WATCHED ? c->item_id : STR("")),
	};
	struct arena *a = request_arena(req);
	struct store_rows rows;
	int r;

	if (c->film)
		return entry_of_change(a, c, ret);
	r = tx ? store_tx_query(tx, sql_library_entry, key, ARRAY_SIZE(key), a, &rows)
	       : store_read(user_state()->store, sql_library_entry, key, ARRAY_SIZE(key), a, &rows);
	if (r < 0)
		return user_store_failed(req, r, "read an entry");
	if (rows.n == 0)
		return request_problem(req, &problem_entry_not_found, "It was removed in the same moment.");
	return library_entry_from_row(a, &rows, 0, ret);
}

static int store_new(struct request *req, struct idempotency *key, struct library_change *c, struct str location,
                     const struct schema *schema, struct library_entry *ret)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r = idempotency_is_on(key) ? store_begin(user_state()->store, &tx) : 0;

	if (r < 0)
		return user_store_failed(req, r, "change the library");
	r = library_change_one(req, tx, c);
	if (r == 0 && c->outcome != LIBRARY_CREATED)
		return library_exists(req, c->collection, c->movie_id);
	if (r == 0)
		r = library_entry_now(req, tx, c, ret);
	if (r < 0)
		return r;
	r = idempotency_finish(key, tx, library_status(c), location, schema, ret);
	if (r == 0 && tx)
		r = store_commit(&tx);
	if (r < 0)
		return user_store_failed(req, r, "store an answer");
	idempotency_kept(key);
	return 0;
}

int library_answer_new(struct request *req, struct idempotency *key, struct library_change *c, struct str location,
                       const struct schema *schema)
{
	struct library_entry out;
	int r = location.data ? store_new(req, key, c, location, schema, &out) : -ENOMEM;

	if (r == 0)
		r = respond_header(req, "Location", location);
	return r < 0 ? r : library_respond_change(req, c, schema, &out);
}

/* ---- pages ---- */

int library_respond_cached(struct request *req, const struct schema *schema, const void *value)
{
	int r = respond_header_static(req, "Cache-Control", "private, no-cache");

	return r < 0 ? r : respond(req, 200, schema, value);
}

static int count_read(struct request *req, enum library_collection collection, int64_t *ret)
{
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_library_head, STORE_ARGS(STORE_S(request_user(req)->id)),
	                   request_arena(req), &rows);

	if (r < 0)
		return user_store_failed(req, r, "count a collection");
	*ret = rows.n > 0 ? store_int(&rows, 0, HEAD_COUNTS + (size_t)collection) : 0;
	return 0;
}

int library_answer_page(struct request *req, enum library_collection collection, const struct schema *page)
{
	struct library_source from = { request_user(req)->id, collection, STR_NULL };
	struct library_query q;
	struct library_page out = { 0 };
	int r = request_parse(req, NULL, &q, NULL);

	if (r == 0)
		r = library_page_read(req, &from, &q, &out);
	if (r == 0 && out.results.n == 0)
		r = count_read(req, collection, &out.total_results);
	return r < 0 ? r : library_respond_cached(req, page, &out);
}
