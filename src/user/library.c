/* Changes of a library. The statements of a change know nothing of each other's rows, so that one change is one batch:
 *
 *   film_upsert     what the movie service said, for all who keep the film
 *   library_lock    the person's row, until the end
 *   library_put     the entry takes the version after the library's, if anything changes
 *   library_count   if it did, the library takes that version and counts
 *
 * Owns nothing. library_apply() yields. */
#include "user/library.h"

#include "base/clock.h"
#include "user/statements.h"

#include <errno.h>
#include <stdlib.h>

enum {
	STATEMENTS_MAX = 8,
	VALUES_MAX = 13,
	FILM_AGE_MS = CLOCK_DAY_MS, /* a film's row that says the same is written at most once a day */
};

/* Columns of library_put's RETURNING and library_remove's, and of library_find. */
enum { ROW_VERSION, ROW_ADDED_VERSION, ROW_ADDED_MS, ROW_CHANGED_MS, ROW_PENDING, ROW_RATING, ROW_DELETED_MS };

struct plan {
	struct store_statement statements[STATEMENTS_MAX];
	struct store_value values[STATEMENTS_MAX][VALUES_MAX];
	size_t n;
	size_t change_at; /* which statement is the change itself */
};

static void plan_add(struct plan *p, const char *sql, const struct store_value *values, size_t n)
{
	assert(p->n < STATEMENTS_MAX && n <= VALUES_MAX);
	memcpy(p->values[p->n], values, n * sizeof(*values));
	p->statements[p->n] = (struct store_statement){ sql, p->values[p->n], n };
	p->n++;
}

/* ---- names ---- */

static const struct str names[] = {
	[LIBRARY_FAVORITES] = { "favorites", 9 },
	[LIBRARY_WATCHLIST] = { "watchlist", 9 },
	[LIBRARY_RATINGS] = { "ratings", 7 },
	[LIBRARY_WATCHED] = { "watched", 7 },
};

struct str library_collection_name(enum library_collection collection, struct str list_id)
{
	return collection == LIBRARY_LIST ? list_id : names[collection];
}

enum library_collection library_collection_from(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_equal(name, names[i]))
			return (enum library_collection)i;
	return LIBRARY_LIST;
}

static struct str collection_of(const struct library_change *c)
{
	return library_collection_name(c->collection, c->list_id);
}

static struct str item_of(const struct library_change *c)
{
	return c->collection == LIBRARY_WATCHED ? c->item_id : STR("");
}

/* ---- the statements of a change ---- */

#define ENTRY(user_id, c) STORE_S(user_id), STORE_I((c)->movie_id), STORE_S(collection_of(c)), STORE_S(item_of(c))

static struct store_value year_of(const struct movie_brief *film)
{
	return film->year.is_set ? STORE_I(film->year.value) : STORE_N;
}

static void plan_film(struct plan *p, const struct movie_brief *film, int64_t now_ms)
{
	plan_add(p, sql_film_upsert,
	         STORE_ARGS(STORE_I(film->id), STORE_S(film->title), year_of(film), STORE_S(film->poster_path),
	                    STORE_I(now_ms), STORE_I(now_ms - FILM_AGE_MS)));
}

static int plan_put(struct plan *p, struct str user_id, const struct library_change *c, int64_t now_ms, struct arena *a)
{
	int64_t year = c->film && c->film->year.is_set ? c->film->year.value : 0;
	int64_t added_ms = c->added_at_ms ? c->added_at_ms : now_ms;
	const struct user_config *limits = user_state()->config;
	struct str key = STR("");
	int r = c->film ? library_title_key(c->film->title, a, &key) : 0;

	if (r < 0)
		return r;
	if (c->collection == LIBRARY_LIST)
		plan_add(p, sql_library_item_put,
		         STORE_ARGS(ENTRY(user_id, c), STORE_B(!c->film), STORE_S(c->list_id),
		                    STORE_I(limits->list_items_max), STORE_S(c->note), STORE_S(key), STORE_I(year),
		                    STORE_I(added_ms), STORE_I(now_ms), STORE_I(limits->library_entries_max)));
	else
		plan_add(p, sql_library_put,
		         STORE_ARGS(ENTRY(user_id, c), STORE_B(!c->film), STORE_I(c->rating),
		                    STORE_S(c->watched_on.data ? c->watched_on : STR("")), STORE_S(c->note),
		                    STORE_S(key), STORE_I(year), STORE_I(added_ms), STORE_I(now_ms),
		                    STORE_I(limits->library_entries_max)));
	return 0;
}

static int plan_change(struct plan *p, struct str user_id, const struct library_change *c, int64_t now_ms,
                       struct arena *a)
{
	int r = 0;

	p->change_at = p->n;
	if (c->action == LIBRARY_PUT)
		r = plan_put(p, user_id, c, now_ms, a);
	else
		plan_add(p, sql_library_remove, STORE_ARGS(ENTRY(user_id, c), STORE_I(now_ms)));
	if (r < 0)
		return r;
	if (c->collection == LIBRARY_LIST)
		plan_add(p, sql_library_item_count, STORE_ARGS(ENTRY(user_id, c), STORE_S(c->list_id)));
	plan_add(p, sql_library_count, STORE_ARGS(ENTRY(user_id, c)));
	if (c->collection == LIBRARY_RATINGS)
		plan_add(p, sql_library_rating_copy, STORE_ARGS(STORE_S(user_id), STORE_I(c->movie_id)));
	return 0;
}

/* ---- what came of it ---- */

static int look(struct store_tx *tx, const char *sql, const struct store_value *args, size_t n, struct arena *a,
                struct store_rows *ret)
{
	return tx ? store_tx_query(tx, sql, args, n, a, ret) : store_read(user_state()->store, sql, args, n, a, ret);
}

static void keep(struct library_change *c, const struct store_rows *row)
{
	c->version = store_int(row, 0, ROW_VERSION);
	c->kept_added_ms = store_int(row, 0, ROW_ADDED_MS);
	c->kept_changed_ms = store_int(row, 0, ROW_CHANGED_MS);
	c->kept_rating = store_int(row, 0, ROW_RATING);
	c->is_pending = store_bool(row, 0, ROW_PENDING);
}

/* Nothing changed: since it was there just so, or since it may not be. */
static int outcome_find(struct store_tx *tx, struct str user_id, struct library_change *c, struct arena *a)
{
	struct store_rows rows;
	int r = 0;

	c->outcome = LIBRARY_UNCHANGED;
	if (c->action == LIBRARY_PUT)
		r = look(tx, sql_library_find, STORE_ARGS(ENTRY(user_id, c)), a, &rows);
	if (r < 0 || c->action == LIBRARY_REMOVE)
		return r;
	if (rows.n > 0 && store_is_null(&rows, 0, ROW_DELETED_MS)) {
		keep(c, &rows);
		return 0;
	}
	c->outcome = LIBRARY_FULL;
	if (c->collection != LIBRARY_LIST)
		return 0;
	r = look(tx, sql_list_is_there, STORE_ARGS(STORE_S(user_id), STORE_S(c->list_id)), a, &rows);
	if (r == 0 && rows.n == 0)
		c->outcome = LIBRARY_NO_LIST;
	return r;
}

static void outcome_keep(struct library_change *c, const struct store_rows *row)
{
	if (c->action == LIBRARY_REMOVE) {
		c->outcome = LIBRARY_REMOVED;
		c->version = store_int(row, 0, ROW_VERSION);
		return;
	}
	keep(c, row);
	c->outcome = store_int(row, 0, ROW_ADDED_VERSION) == c->version ? LIBRARY_CREATED : LIBRARY_CHANGED;
}

static int outcome_set(struct store_tx *tx, struct str user_id, struct library_change *c,
                       const struct store_rows *changed, struct arena *a)
{
	if (changed->n == 0)
		return outcome_find(tx, user_id, c, a);
	outcome_keep(c, changed);
	return 0;
}

/* ---- running ---- */

static int plan_run(struct store_tx *tx, const struct plan *p, struct arena *a, struct store_rows *ret_changed)
{
	struct store_rows rows;
	int r = 0;

	for (size_t i = 0; i < p->n && r == 0; i++) {
		const struct store_statement *s = &p->statements[i];

		r = store_tx_query(tx, s->sql, s->args, s->n_args, a, &rows);
		if (r == 0 && i == p->change_at)
			*ret_changed = rows;
	}
	return r;
}

int library_film_keep(const struct movie_brief *film, struct arena *a)
{
	int64_t now_ms = clock_real_ms();

	return store_query(user_state()->store, sql_film_upsert,
	                   STORE_ARGS(STORE_I(film->id), STORE_S(film->title), year_of(film),
	                              STORE_S(film->poster_path), STORE_I(now_ms), STORE_I(now_ms)),
	                   a, NULL);
}

/* The answer to the commit was lost. Was it kept? Then the entry has this very change. */
static int settle_lost(struct str user_id, struct library_change *c, int64_t now_ms, struct arena *a)
{
	struct store_rows rows;

	if (look(NULL, sql_library_find, STORE_ARGS(ENTRY(user_id, c)), a, &rows) < 0 || rows.n == 0 ||
	    store_int(&rows, 0, ROW_CHANGED_MS) != now_ms ||
	    store_is_null(&rows, 0, ROW_DELETED_MS) != (c->action == LIBRARY_PUT))
		return -EIO;
	outcome_keep(c, &rows);
	return 0;
}

static int by_film(const void *a, const void *b)
{
	int64_t left = (*(const struct movie_brief *const *)a)->id, right = (*(const struct movie_brief *const *)b)->id;

	return (left > right) - (left < right);
}

/* All films before everything else and in one order, so that two transactions never wait for each other. */
static int films_put(struct store_tx *tx, const struct library_change *changes, size_t n, int64_t now_ms,
                     struct arena *a)
{
	const struct movie_brief *films[LIBRARY_CHANGES_MAX];
	size_t n_films = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		if (changes[i].action == LIBRARY_PUT && changes[i].film && !changes[i].is_film_kept)
			films[n_films++] = changes[i].film;
	qsort(films, n_films, sizeof(films[0]), by_film);
	for (size_t i = 0; i < n_films && r == 0; i++) {
		struct plan p = { 0 };

		if (i > 0 && films[i]->id == films[i - 1]->id)
			continue;
		plan_film(&p, films[i], now_ms);
		r = store_tx_query(tx, p.statements[0].sql, p.statements[0].args, p.statements[0].n_args, a, NULL);
	}
	return r;
}

static int apply_in(struct store_tx *tx, struct str user_id, struct library_change *changes, size_t n, int64_t now_ms,
                    struct arena *a)
{
	int r = films_put(tx, changes, n, now_ms, a);

	if (r == 0)
		r = store_tx_query(tx, sql_library_lock, STORE_ARGS(STORE_S(user_id)), a, NULL);
	for (size_t i = 0; i < n && r == 0; i++) {
		struct store_rows changed = { 0 };
		struct plan p = { 0 };

		r = plan_change(&p, user_id, &changes[i], now_ms, a);
		if (r == 0)
			r = plan_run(tx, &p, a, &changed);
		if (r == 0)
			r = outcome_set(tx, user_id, &changes[i], &changed, a);
	}
	return r;
}

static int apply_alone(struct str user_id, struct library_change *changes, size_t n, int64_t now_ms, struct arena *a)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r = store_begin(user_state()->store, &tx);

	if (r == 0)
		r = apply_in(tx, user_id, changes, n, now_ms, a);
	return r < 0 ? r : store_commit(&tx);
}

/* One round trip. What is looked for after it may have gone meanwhile, so a refusal is made sure of under the lock. */
static int apply_single(struct str user_id, struct library_change *c, int64_t now_ms, struct arena *a)
{
	struct store_rows rows[STATEMENTS_MAX];
	struct plan p = { 0 };
	int r;

	if (c->action == LIBRARY_PUT && c->film && !c->is_film_kept)
		plan_film(&p, c->film, now_ms);
	plan_add(&p, sql_library_lock, STORE_ARGS(STORE_S(user_id)));
	r = plan_change(&p, user_id, c, now_ms, a);
	if (r < 0)
		return r;
	r = store_batch(user_state()->store, p.statements, p.n, a, rows);
	if (r == -EIO)
		return settle_lost(user_id, c, now_ms, a);
	if (r == 0)
		r = outcome_set(NULL, user_id, c, &rows[p.change_at], a);
	if (r == 0 && (c->outcome == LIBRARY_FULL || c->outcome == LIBRARY_NO_LIST))
		return apply_alone(user_id, c, 1, now_ms, a);
	return r;
}

int library_apply(struct store_tx *tx, struct str user_id, struct library_change *changes, size_t n, struct arena *a)
{
	int64_t now_ms = clock_real_ms();

	assert(n > 0 && n <= LIBRARY_CHANGES_MAX);
	for (size_t i = 0; i < n; i++) {
		struct library_change *c = &changes[i];

		c->outcome = LIBRARY_UNCHANGED;
		c->version = c->kept_added_ms = c->kept_changed_ms = c->kept_rating = 0;
		c->is_pending = false;
	}
	if (tx)
		return apply_in(tx, user_id, changes, n, now_ms, a);
	if (n == 1)
		return apply_single(user_id, &changes[0], now_ms, a);
	return apply_alone(user_id, changes, n, now_ms, a);
}
