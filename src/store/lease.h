/* Named leases in the database: of several replicas only one does a piece of background work.
 *
 * The table is the service's own; its migrations make it:
 *
 *   CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, expires_at_ms BIGINT NOT NULL);
 *
 * Times are those of the replicas' clocks, which must agree to within a fraction of the lease's life; what a lease
 * guards must be harmless when two do it for a moment all the same. */
#ifndef CINESYNC_STORE_LEASE_H
#define CINESYNC_STORE_LEASE_H

#include "store/store.h"

/* Yields. Takes the lease, or renews it, for ttl_ms from now: 1: it is the holder's; 0: another holds it; errors as
 * store_query(). One atomic statement. holder: a text no other replica uses. */
int store_lease_take(struct store *s, const char *name, struct str holder, int64_t ttl_ms, struct arena *a) MUST_CHECK;
/* A lease that somebody wants to hold for as long as it can. */
struct store_lease {
	const char *name;
	char holder[40]; /* "": nobody competes, it is always held */
	int64_t ttl_ms;
	int64_t held_until_ms; /* clock_mono_ms(), with a margin for clocks that differ; 0: not held */
	int64_t asked_ms;      /* when it was taken or renewed, or was another's */
};

/* competes: false for a store that is one process's alone, where it is always held. */
void store_lease_init(struct store_lease *l, const char *name, int64_t ttl_ms, bool competes);
/* Yields, when it is to be asked for: a third of its life after the last time. 1: held; 0: another holds it; errors as
 * store_query(), with which it may still be held. */
int store_lease_hold(struct store_lease *l, struct store *s, struct arena *a) MUST_CHECK;
/* Yields. Gives it back if it is held, for the next to have it at once. */
void store_lease_drop(struct store_lease *l, struct store *s);
/* Does not yield. */
bool store_lease_is_held(const struct store_lease *l);

/* Yields. Gives it back before its end, if it is the holder's. */
int store_lease_release(struct store *s, const char *name, struct str holder, struct arena *a) MUST_CHECK;

#endif
