/* One fiber for what is pending, woken when there is something, and one for all that has time. Of several replicas only
 * one does that, by a lease; when two do it for a moment all the same, each step says in its statement what it expects,
 * so that the second one changes nothing. What another replica takes as pending is seen at the next look. */
#include "user/library_keeper.h"

#include "base/clock.h"
#include "base/random.h"
#include "fiber/fiber.h"
#include "store/lease.h"

#include <errno.h>
#include <stdlib.h>

enum {
	LEASE_MS = 30000,
	LOOK_MS = 10000, /* between two looks for what is pending, for what other replicas took */
	FILMS_A_ROUND = 10,
	FORGET_ROUNDS = 60, /* rounds between two looks for what to forget */
	AWAY_FACTOR = 4,    /* times the wait when the movie service stays away */
};

struct library_keeper {
	struct user_state *u;
	struct fiber *settler;
	struct fiber *refresher;
	struct store_lease lease;
	bool was_kicked;
	struct fiber_queue queue;
};

/* Around the value, so that replicas do not ask all at once. */
static int64_t jitter(int64_t ms)
{
	return ms - ms / 4 + (int64_t)random_below((uint64_t)ms / 2 + 1);
}

static void tell(const char *what, int r, struct user_state *u)
{
	if (r < 0 && r != -ECANCELED && r != -EHOSTDOWN)
		log_warning("work on the libraries failed", LOG_STR("doing", what), LOG_ERR(r),
		            LOG_STR("detail", store_error(u->store)));
}

/* 1: the work is ours; 0: another replica's. */
static int is_ours(struct library_keeper *k)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	int r = arena_new(65536, &a);

	return r < 0 ? r : store_lease_hold(&k->lease, k->u->store, a);
}

/* ---- what is pending ---- */

static int settle(struct library_keeper *k)
{
	int r = is_ours(k);

	return r == 1 ? library_pending_settle(k->u) : r;
}

/* Waits until there may be something: told, or the long wait is over. */
static int wait_for_kick(struct library_keeper *k)
{
	int r = 0;

	if (!k->was_kicked) {
		fiber_deadline_set(clock_deadline_in(jitter(LOOK_MS)));
		r = fiber_queue_wait(&k->queue);
		fiber_deadline_set(DEADLINE_NONE);
	}
	k->was_kicked = false;
	return r == -ETIMEDOUT ? 0 : r;
}

static void settler(void *arg)
{
	struct library_keeper *k = arg;
	int64_t retry_ms = k->u->config->pending_retry_ms;
	int64_t wait_ms = retry_ms;
	int r = 0;

	k->was_kicked = true; /* a start: there may be something from before */
	while (r != -ECANCELED) {
		r = wait_for_kick(k);
		wait_ms = retry_ms;
		while (r == 0 && (r = settle(k)) < 0 && r != -ECANCELED) {
			tell("settle what is pending", r, k->u);
			r = fiber_sleep_ms(jitter(wait_ms));
			wait_ms = MIN(wait_ms * 2, retry_ms * AWAY_FACTOR);
		}
	}
}

void library_keeper_kick(struct library_keeper *k)
{
	k->was_kicked = true;
	(void)fiber_queue_wake_one(&k->queue, 0);
}

/* ---- what has time ---- */

static void refresher(void *arg)
{
	struct library_keeper *k = arg;
	unsigned round = 0;

	while (fiber_sleep_ms(jitter(k->u->config->snapshot_round_ms)) == 0) {
		if (is_ours(k) != 1)
			continue;
		tell("refresh films", library_films_refresh(k->u, FILMS_A_ROUND), k->u);
		if (round++ % FORGET_ROUNDS == 0)
			tell("forget what is old", library_forget(k->u), k->u);
	}
}

/* ---- start and stop ---- */

int library_keeper_start(struct user_state *u, struct library_keeper **ret)
{
	struct library_keeper *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->u = u;
	fiber_queue_init(&k->queue);
	store_lease_init(&k->lease, "library-keeper", LEASE_MS, strcmp(store_system(u->store), "sqlite") != 0);
	r = fiber_spawn("library-settler", settler, k, &k->settler);
	if (r == 0)
		r = fiber_spawn("library-refresher", refresher, k, &k->refresher);
	if (r < 0) {
		library_keeper_stop(&k);
		return r;
	}
	*ret = k;
	return 0;
}

void library_keeper_stop(struct library_keeper **k)
{
	if (!*k)
		return;
	fiber_end(&(*k)->settler);
	fiber_end(&(*k)->refresher);
	store_lease_drop(&(*k)->lease, (*k)->u->store);
	free(*k);
	*k = NULL;
}
