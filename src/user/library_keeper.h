/* The library's work in the background: pending films are settled, snapshots refreshed, tombstones and old idempotency
 * keys forgotten. */
#ifndef CINESYNC_USER_LIBRARY_KEEPER_H
#define CINESYNC_USER_LIBRARY_KEEPER_H

#include "user/user.h"

/* Starts the fibers. -EAGAIN, -ENOMEM. */
int library_keeper_start(struct user_state *u, struct library_keeper **ret) MUST_CHECK;
/* Somebody was told that a film is pending: looked at soon. Does not yield. */
void library_keeper_kick(struct library_keeper *k);
/* Yields until they have ended. Takes NULL. */
void library_keeper_stop(struct library_keeper **k);

/* ---- one round each, for the keeper and its tests; all yield ---- */

/* Asks the movie service about every pending film. 0: nothing is pending any more; -EHOSTDOWN: it cannot say. */
int library_pending_settle(struct user_state *u) MUST_CHECK;
/* Asks again about films that are known longest, at most n; then puts their entries' sort keys in line. */
int library_films_refresh(struct user_state *u, size_t n) MUST_CHECK;
/* Deletes tombstones older than TOMBSTONE_DAYS and idempotency keys older than a day. */
int library_forget(struct user_state *u) MUST_CHECK;

#endif
