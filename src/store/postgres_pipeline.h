/* Statements on a connection, in pipelines: everything that is to be done, then a sync, then the answers; so BEGIN
 * travels with the first statement, and a batch is one round trip. A statement is prepared the first time it is met, in
 * the same pipeline. Private to the driver. */
#ifndef CINESYNC_STORE_POSTGRES_PIPELINE_H
#define CINESYNC_STORE_POSTGRES_PIPELINE_H

#include "store/postgres_conn.h"

/* What is sent in one go. */
struct postgres_item {
	const char *command; /* "BEGIN": without arguments or rows; else NULL, and: */
	const struct store_call *call;
	struct store_rows *ret; /* filled when the item succeeded */
};

enum postgres_fate {
	POSTGRES_NOTHING, /* the server has done none of it for good, and will not */
	POSTGRES_UNKNOWN, /* it may have, or may yet; or it has, but not all of its answer came to the caller */
	POSTGRES_KNOWN,   /* it has done it */
};

#define POSTGRES_ITEMS_MAX (STORE_BATCH_MAX + 2)

/* Yields. Runs the items in order; the first that fails ends it. until_ms: when to give up (clock_mono_ms()), which
 * holds under a shield too. *ret_fate: what is known of it when it fails. -ETIMEDOUT, -ECANCELED: the statement was
 * cancelled on the server. Other errors as store.h has them. */
int postgres_pipeline_run(struct postgres_conn *c, const struct postgres_item *items, size_t n, int64_t until_ms,
                          struct store_words *words, enum postgres_fate *ret_fate) MUST_CHECK;
/* Yields. Several statements in one text, without arguments (the simple protocol). */
int postgres_pipeline_script(struct postgres_conn *c, struct str script, int64_t until_ms,
                             struct store_words *words) MUST_CHECK;

#endif
