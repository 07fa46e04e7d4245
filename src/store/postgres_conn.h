/* One connection to a PostgreSQL server. Private to the driver. Used by one fiber at a time. */
#ifndef CINESYNC_STORE_POSTGRES_CONN_H
#define CINESYNC_STORE_POSTGRES_CONN_H

#include "store/driver.h"
#include "store/postgres_statements.h"

struct pg_conn;
struct pg_result;
struct postgres_target;

struct postgres_conn {
	uint32_t magic;
	struct pg_conn *pg;
	bool is_broken; /* no more to be used: lost, or in a state nobody knows */
	int64_t ends_ms;
	int64_t used_ms;
	struct postgres_statements statements;
};

/* Blocks: for a pool thread. Connects and sets the session up. -ENOTCONN with words (never the password); -ENOMEM. */
int postgres_conn_open(const struct postgres_target *target, int64_t life_ms, struct store_words *words,
                       struct postgres_conn **ret) MUST_CHECK;
/* Says goodbye to the server without waiting. Takes NULL. */
void postgres_conn_close(struct postgres_conn **c);

bool postgres_conn_is_broken(const struct postgres_conn *c);
/* Looks, without waiting, whether the server has ended an idle session, or has said that it will. */
bool postgres_conn_is_dead(struct postgres_conn *c);
bool postgres_conn_in_transaction(const struct postgres_conn *c);

/* When it is to be replaced, and when it was used last (clock_mono_ms()). */
int64_t postgres_conn_ends_ms(const struct postgres_conn *c);
int64_t postgres_conn_used_ms(const struct postgres_conn *c);

/* For postgres_pipeline.c. until_ms: a time (clock_mono_ms()) that holds under a shield too. */

/* Marks it as broken: -ENOTCONN with words. */
int postgres_conn_lost(struct postgres_conn *c, struct store_words *words);
/* Yields until all is sent. -ETIMEDOUT, -ECANCELED, -ENOTCONN. */
int postgres_conn_flush(struct postgres_conn *c, int64_t until_ms, struct store_words *words) MUST_CHECK;
/* Yields. The next result, the caller's to PQclear(); NULL between the results of two statements. Errors as above. */
int postgres_conn_result(struct postgres_conn *c, int64_t until_ms, struct store_words *words,
                         struct pg_result **ret) MUST_CHECK;

#endif
