/* Where a store's connections go: the URL, looked at once. Private to the driver. Nothing here yields or blocks. */
#ifndef CINESYNC_STORE_POSTGRES_TARGET_H
#define CINESYNC_STORE_POSTGRES_TARGET_H

#include "store/driver.h"

struct pg_conn;
struct postgres_target;

/* NULL when libpq can read the URL, else what one looks like. libpq's own words would repeat parts of it, a password
 * that was not percent-encoded among them. */
const char *postgres_target_check(const char *url);

/* Copies what it needs. -EINVAL: see postgres_target_check(); -ENOMEM. */
int postgres_target_new(const struct store_options *options, struct store_words *words,
                        struct postgres_target **ret) MUST_CHECK;
/* Wipes it. Takes NULL. */
void postgres_target_free(struct postgres_target **t);

/* Blocks: for a pool thread. libpq's connection, good or bad; NULL: no memory. The caller's to PQfinish(). */
struct pg_conn *postgres_target_connect(const struct postgres_target *t);

#endif
