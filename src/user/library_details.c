/* Asks slowly and keeps what it hears, a film a transaction. Owns nothing. */
#include "user/library_details.h"

#include "base/clock.h"
#include "store/lease.h"
#include "user/movies.h"
#include "user/statements.h"

#include <errno.h>

enum {
	LEASE_MS = 30000,
	LOOK_MS = 2000, /* between two looks when there was nothing */
	RETRY_MS = 5000,
	RETRY_MAX_MS = 60000,
	FILMS_A_LOOK = 50,
	TAGS_MAX = 20, /* of a kind */
	ARENA_MAX = 4 << 20,
};

/* ---- one film ---- */

static int tag_put(struct store_tx *tx, int64_t movie_id, const char *kind, struct str name, struct arena *a)
{
	return store_tx_query(tx, sql_film_tag_put,
	                      STORE_ARGS(STORE_I(movie_id), STORE_S(str_from(kind)), STORE_S(name)), a, NULL);
}

static int tags_put(struct store_tx *tx, int64_t movie_id, const struct movie_facts *f, struct arena *a)
{
	const struct movie_facts_genre *genres = f->genres.items;
	const struct str *directors = f->directors.items;
	int r = store_tx_query(tx, sql_film_tags_clear, STORE_ARGS(STORE_I(movie_id)), a, NULL);

	for (size_t i = 0; i < MIN(f->genres.n, (size_t)TAGS_MAX) && r == 0; i++)
		r = tag_put(tx, movie_id, "genre", genres[i].name, a);
	for (size_t i = 0; i < MIN(f->directors.n, (size_t)TAGS_MAX) && r == 0; i++)
		r = tag_put(tx, movie_id, "director", directors[i], a);
	return r;
}

static int facts_keep(struct user_state *u, int64_t movie_id, const struct movie_facts *f, struct arena *a)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	bool has_runtime = f->runtime.is_set && f->runtime.value > 0;
	int r = store_begin(u->store, &tx);

	if (r == 0)
		r = store_tx_query(tx, sql_details_keep,
		                   STORE_ARGS(STORE_I(movie_id), has_runtime ? STORE_I(f->runtime.value) : STORE_N,
		                              STORE_I(clock_real_ms())),
		                   a, NULL);
	if (r == 0)
		r = tags_put(tx, movie_id, f, a);
	return r < 0 ? r : store_commit(&tx);
}

static int film_ask(struct user_state *u, int64_t movie_id)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct movie_facts facts;
	int r = arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = movies_facts(u, movie_id, a, &facts);
	if (r == 0)
		return facts_keep(u, movie_id, &facts, a);
	if (r == -ENOENT)
		return store_query(u->store, sql_details_none, STORE_ARGS(STORE_I(movie_id), STORE_I(clock_real_ms())),
		                   a, NULL);
	return r;
}

/* ---- the fiber ---- */

/* Those of which nothing is known come first. */
static int films_due(struct user_state *u, struct arena *a, struct store_rows *ret)
{
	int64_t oldest_ms = clock_real_ms() - u->config->snapshot_age_days * CLOCK_DAY_MS;
	int r = store_read(u->store, sql_details_missing, STORE_ARGS(STORE_I(FILMS_A_LOOK)), a, ret);

	if (r < 0 || ret->n > 0)
		return r;
	return store_read(u->store, sql_details_old, STORE_ARGS(STORE_I(oldest_ms), STORE_I(FILMS_A_LOOK)), a, ret);
}

/* The number of films asked about. */
static int look(struct user_state *u, struct store_lease *lease)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows rows = { .n = 0 };
	int r = arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = store_lease_hold(lease, u->store, a);
	if (r == 1)
		r = films_due(u, a, &rows);
	for (size_t i = 0; i < rows.n && r == 0; i++) {
		r = film_ask(u, store_int(&rows, i, 0));
		if (r == 0)
			r = fiber_sleep_ms(1000 / u->config->details_calls_per_s);
	}
	return r < 0 ? r : (int)rows.n;
}

static void detailer(void *arg)
{
	struct user_state *u = arg;
	struct store_lease lease;
	int64_t retry_ms = RETRY_MS;
	int r = 0;

	store_lease_init(&lease, "film-details", LEASE_MS, strcmp(store_system(u->store), "sqlite") != 0);
	while (r != -ECANCELED) {
		r = look(u, &lease);
		if (r > 0)
			retry_ms = RETRY_MS;
		if (r < 0 && r != -EHOSTDOWN && r != -ECANCELED)
			log_warning("details of films cannot be kept; trying again", LOG_ERR(r),
			            LOG_STR("detail", store_error(u->store)));
		if (r == 0) {
			r = fiber_sleep_ms(LOOK_MS);
		} else if (r < 0 && r != -ECANCELED) {
			r = fiber_sleep_ms(retry_ms);
			retry_ms = MIN(retry_ms * 2, (int64_t)RETRY_MAX_MS);
		}
	}
	store_lease_drop(&lease, u->store);
}

int library_details_start(struct user_state *u, struct fiber **ret)
{
	return fiber_spawn("library-details", detailer, u, ret);
}
