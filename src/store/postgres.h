/* The PostgreSQL store and the keeper of its connections. Private to the driver. */
#ifndef CINESYNC_STORE_POSTGRES_H
#define CINESYNC_STORE_POSTGRES_H

#include "fiber/fiber.h"
#include "store/pool.h"

struct postgres_conn;
struct postgres_target;

struct postgres_store {
	struct store base;
	struct postgres_target *target;
	struct store_pool pool;
	struct fiber *keeper;
	struct fiber_queue kicked;
	bool is_kicked;
	bool is_stopping;
	bool is_away;                  /* the last try to connect failed */
	struct store_words away;       /* with these words */
	struct postgres_conn *lock;    /* holds the lock on migrations */
	struct metric_cell *connected; /* counters of tries */
	struct metric_cell *refused;
};

struct postgres_store *postgres_of(struct store *s);

/* Yields. Makes the first connection and starts the keeper. -ENOTCONN with words; -ENOMEM, -EAGAIN. */
int postgres_keeper_start(struct postgres_store *p, struct store_words *words) MUST_CHECK;
/* Yields (shielded). Ends the keeper and all connections; after a start that failed too. */
void postgres_keeper_stop(struct postgres_store *p);

/* Yields. A connection that was alive just now. -ENOTCONN at once while there is none and the server cannot be reached;
 * -EBUSY: none came free in time, or the line is full; -ETIMEDOUT, -ECANCELED. */
int postgres_keeper_take(struct postgres_store *p, struct postgres_conn **ret) MUST_CHECK;
void postgres_keeper_give(struct postgres_store *p, struct postgres_conn *conn, bool is_good);

/* Yields. Waits for the lock that keeps others from migrating the same database. */
int postgres_keeper_lock(struct postgres_store *p) MUST_CHECK;
void postgres_keeper_unlock(struct postgres_store *p);

#endif
