/* Settling: the movie service is asked about each film that somebody waits for; then every entry of it becomes settled,
 * or a tombstone, in a transaction of its library. For a favourite an event goes with it. */
#include "base/clock.h"
#include "user/contracts.h"
#include "user/library_keeper.h"
#include "user/library_page.h"
#include "user/movies.h"
#include "user/statements.h"

#include <errno.h>

enum { FILMS_A_PAGE = 50, ENTRIES_A_PAGE = 200, AWAY_MAX = 3, ARENA_MAX = 1 << 20 };

/* Columns of pending_entries. */
enum { PENDING_USER, PENDING_COLLECTION, PENDING_ITEM };

struct verdict {
	int64_t movie_id;
	const struct movie_brief *film; /* NULL: there is no such film */
	struct str title_key;
	int64_t year_key;
};

static int event_add(struct store_tx *tx, struct str user_id, const struct verdict *v, int64_t version, int64_t now_ms,
                     struct arena *a)
{
	struct favorite_settled data = {
		.user_id = user_id,
		.movie_id = v->movie_id,
		.movie_title = v->film ? v->film->title : STR_NULL,
		.version = version,
	};
	struct event event;
	int r = clock_text(a, now_ms, &data.occurred_at);

	if (r == 0)
		r = user_event_make(a, v->film ? USER_EVENT_FAVORITE_SETTLED : USER_EVENT_FAVORITE_REMOVED, user_id,
		                    &data, &event);
	return r < 0 ? r : outbox_add(tx, &event, a);
}

static int entry_change(struct store_tx *tx, const struct store_value entry[4], const struct verdict *v, int64_t now_ms,
                        struct arena *a, struct store_rows *ret)
{
	if (!v->film)
		return store_tx_query(tx, sql_library_refuse,
		                      STORE_ARGS(entry[0], entry[1], entry[2], entry[3], STORE_I(now_ms)), a, ret);
	return store_tx_query(tx, sql_library_settle,
	                      STORE_ARGS(entry[0], entry[1], entry[2], entry[3], STORE_S(v->title_key),
	                                 STORE_I(v->year_key), STORE_I(now_ms)),
	                      a, ret);
}

static int list_count(struct store_tx *tx, const struct store_value entry[4], struct str collection, struct arena *a)
{
	if (library_collection_from(collection) != LIBRARY_LIST)
		return 0;
	return store_tx_query(tx, sql_library_item_count,
	                      STORE_ARGS(entry[0], entry[1], entry[2], entry[3], STORE_S(collection)), a, NULL);
}

static int settle_one(struct user_state *u, const struct store_rows *rows, size_t row, const struct verdict *v,
                      struct arena *a)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct str user_id = store_text(rows, row, PENDING_USER),
	           collection = store_text(rows, row, PENDING_COLLECTION);
	const struct store_value entry[4] = {
		STORE_S(user_id),
		STORE_I(v->movie_id),
		STORE_S(collection),
		STORE_S(store_text(rows, row, PENDING_ITEM)),
	};
	int64_t now_ms = clock_real_ms();
	struct store_rows changed;
	int r = store_begin(u->store, &tx);

	if (r == 0)
		r = store_tx_query(tx, sql_library_lock, STORE_ARGS(STORE_S(user_id)), a, NULL);
	if (r == 0)
		r = entry_change(tx, entry, v, now_ms, a, &changed);
	if (r == 0 && changed.n == 0) /* removed, or settled by somebody else */
		return 0;
	if (r == 0)
		r = list_count(tx, entry, collection, a);
	if (r == 0)
		r = store_tx_query(tx, sql_library_count, entry, ARRAY_SIZE(entry), a, NULL);
	if (r == 0 && library_collection_from(collection) == LIBRARY_FAVORITES)
		r = event_add(tx, user_id, v, store_int(&changed, 0, 0), now_ms, a);
	if (r == 0)
		r = store_commit(&tx);
	if (r == 0)
		outbox_kick(u->outbox);
	return r == -ENOKEY ? 0 : r; /* the account went meanwhile */
}

/* 1: there may be more of them. */
static int settle_page(struct user_state *u, const struct verdict *v)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows rows;
	int r = arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = store_read(u->store, sql_pending_entries, STORE_ARGS(STORE_I(v->movie_id), STORE_I(ENTRIES_A_PAGE)),
		               a, &rows);
	for (size_t i = 0; i < rows.n && r == 0; i++)
		r = settle_one(u, &rows, i, v, a);
	return r < 0 ? r : rows.n == ENTRIES_A_PAGE;
}

static int film_settle(struct user_state *u, int64_t movie_id)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct verdict v = { .movie_id = movie_id };
	struct movie_brief film;
	int r = arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = movies_ask(u, movie_id, a, &film, NULL);
	if (r == 0) {
		v.film = &film;
		v.year_key = film.year.is_set ? film.year.value : 0;
		r = library_title_key(film.title, a, &v.title_key);
		if (r == 0)
			r = library_film_keep(&film, a);
	} else if (r == -ENOENT) {
		r = 0;
	}
	while (r == 0) {
		r = settle_page(u, &v);
		if (r != 1)
			break;
		r = 0;
	}
	return r;
}

/* A film that the movie service cannot tell about must not hold up the others; when it cannot tell about several in a
 * row it is away. */
static int films_settle(struct user_state *u, const struct store_rows *films, int *away, int *ret_first)
{
	int r = 0;

	for (size_t i = 0; i < films->n && *away < AWAY_MAX; i++) {
		r = film_settle(u, store_int(films, i, 0));
		*away = r == -EHOSTDOWN ? *away + 1 : 0;
		if (r < 0 && *ret_first == 0)
			*ret_first = r;
		if (r < 0 && r != -EHOSTDOWN)
			return r;
	}
	return *away == AWAY_MAX ? -EHOSTDOWN : 0;
}

int library_pending_settle(struct user_state *u)
{
	int64_t last = 0;
	int away = 0, first = 0, r;
	size_t n;

	do {
		struct arena *a CLEANUP(arena_free) = NULL;
		struct store_rows films;

		r = arena_new(ARENA_MAX, &a);
		if (r == 0)
			r = store_read(u->store, sql_pending_films, STORE_ARGS(STORE_I(last), STORE_I(FILMS_A_PAGE)), a,
			               &films);
		if (r < 0)
			return r;
		n = films.n;
		last = n > 0 ? store_int(&films, n - 1, 0) : last;
		r = films_settle(u, &films, &away, &first);
	} while (n == FILMS_A_PAGE && r == 0);
	return r < 0 ? r : first;
}
