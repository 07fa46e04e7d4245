/* Snapshots of films are asked for anew when they are old, the oldest first, a few at a time. When a title or a year
 * changed, the sort keys of all entries of the film follow. And what is older than anybody needs is forgotten. */
#include "base/clock.h"
#include "user/library.h"
#include "user/library_keeper.h"
#include "user/movies.h"
#include "user/statements.h"

#include <errno.h>

enum { ALIGN_FILMS = 500, ALIGN_PAGE = 200, FORGET_PAGE = 500, FORGET_PAGES = 1000, ARENA_MAX = 1 << 20 };

/* Columns of films_out_of_line. */
enum { FILM_ID, FILM_TITLE, FILM_YEAR };

/* ---- asking anew ---- */

/* One that the movie service cannot tell about comes again in a day, behind the others. */
static int film_refresh(struct user_state *u, int64_t movie_id, struct arena *a)
{
	int64_t now_ms = clock_real_ms();
	int64_t later_ms = now_ms - (u->config->snapshot_age_days - 1) * CLOCK_DAY_MS;
	struct movie_brief film;
	int r = movies_ask(u, movie_id, a, &film, NULL);

	if (r == 0)
		return library_film_keep(&film, a);
	if (r == -ENOENT)
		return store_query(u->store, sql_film_gone, STORE_ARGS(STORE_I(movie_id), STORE_I(now_ms)), a, NULL);
	if (r == -EHOSTDOWN)
		return store_query(u->store, sql_film_later, STORE_ARGS(STORE_I(movie_id), STORE_I(later_ms)), a, NULL);
	return r;
}

static int films_ask(struct user_state *u, size_t n)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	int64_t oldest_ms = clock_real_ms() - u->config->snapshot_age_days * CLOCK_DAY_MS;
	struct store_rows rows;
	int r = arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = store_read(u->store, sql_films_due, STORE_ARGS(STORE_I(oldest_ms), STORE_I(n)), a, &rows);
	if (r < 0)
		return r;
	for (size_t i = 0; i < rows.n && r == 0; i++)
		r = film_refresh(u, store_int(&rows, i, 0), a);
	return r;
}

/* ---- sort keys ---- */

/* Each entry by itself: whoever holds many rows of many libraries would wait for somebody who waits for them. 1: there
 * may be more. */
static int align_page(struct user_state *u, int64_t movie_id, struct str key, int64_t year)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows rows;
	int r = arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = store_read(u->store, sql_entries_out_of_line,
		               STORE_ARGS(STORE_I(movie_id), STORE_S(key), STORE_I(year), STORE_I(ALIGN_PAGE)), a,
		               &rows);
	if (r < 0)
		return r;
	for (size_t i = 0; i < rows.n && r == 0; i++)
		r = store_query(u->store, sql_entry_align,
		                STORE_ARGS(STORE_S(store_text(&rows, i, 0)), STORE_I(movie_id),
		                           STORE_S(store_text(&rows, i, 1)), STORE_S(store_text(&rows, i, 2)),
		                           STORE_S(key), STORE_I(year)),
		                a, NULL);
	return r < 0 ? r : rows.n == ALIGN_PAGE;
}

static int film_align(struct user_state *u, const struct store_rows *films, size_t row, struct arena *a)
{
	int64_t movie_id = store_int(films, row, FILM_ID), year = store_int(films, row, FILM_YEAR);
	struct str title = store_text(films, row, FILM_TITLE), key;
	struct store_value year_value = store_is_null(films, row, FILM_YEAR) ? STORE_N : STORE_I(year);
	int r = library_title_key(title, a, &key);

	if (r < 0)
		return r;
	while ((r = align_page(u, movie_id, key, year)) == 1)
		;
	return r < 0 ? r
	             : store_query(u->store, sql_film_aligned,
	                           STORE_ARGS(STORE_I(movie_id), STORE_S(title), year_value), a, NULL);
}

static int films_align(struct user_state *u, size_t n)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows rows;
	int r = arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = store_read(u->store, sql_films_out_of_line, STORE_ARGS(STORE_I(n)), a, &rows);
	if (r < 0)
		return r;
	for (size_t i = 0; i < rows.n && r == 0; i++)
		r = film_align(u, &rows, i, a);
	return r;
}

int library_films_refresh(struct user_state *u, size_t n)
{
	int r = films_ask(u, n);

	return r < 0 ? r : films_align(u, ALIGN_FILMS);
}

/* ---- forgetting ---- */

/* First the library remembers up to where it forgets, so that nobody asks for what is gone. */
static int library_forget_one(struct str user_id, int64_t before_ms, struct arena *a)
{
	const struct store_value args[] = { STORE_S(user_id), STORE_I(before_ms) };
	const struct store_statement statements[] = {
		{ sql_library_lock, args, 1 },
		{ sql_tombstones_remember, args, ARRAY_SIZE(args) },
		{ sql_tombstones_forget, args, ARRAY_SIZE(args) },
		{ sql_list_tombstones_forget, args, ARRAY_SIZE(args) },
	};
	struct store_rows rows[ARRAY_SIZE(statements)];
	int r = store_batch(user_state()->store, statements, ARRAY_SIZE(statements), a, rows);

	return r == -ENOKEY ? 0 : r;
}

/* 1: there may be more. */
static int forget_page(struct user_state *u, int64_t before_ms)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows rows;
	int r = arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = store_read(u->store, sql_tombstones_due, STORE_ARGS(STORE_I(before_ms), STORE_I(FORGET_PAGE)), a,
		               &rows);
	if (r < 0)
		return r;
	for (size_t i = 0; i < rows.n && r == 0; i++)
		r = library_forget_one(store_text(&rows, i, 0), before_ms, a);
	return r < 0 ? r : rows.n > 0;
}

int library_forget(struct user_state *u)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	int64_t now_ms = clock_real_ms(), before_ms = now_ms - u->config->tombstone_days * CLOCK_DAY_MS;
	int r = arena_new(4096, &a);

	if (r == 0)
		r = store_query(u->store, sql_idempotency_forget, STORE_ARGS(STORE_I(now_ms - CLOCK_DAY_MS)), a, NULL);
	if (r < 0)
		return r;
	for (int page = 0; page < FORGET_PAGES && (r = forget_page(u, before_ms)) == 1; page++)
		;
	return r < 0 ? r : 0;
}
