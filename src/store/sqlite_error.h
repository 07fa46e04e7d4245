/* SQLite's result codes in our errors and words. Private to this room. */
#ifndef CINESYNC_STORE_SQLITE_ERROR_H
#define CINESYNC_STORE_SQLITE_ERROR_H

#include "store/driver.h"

struct sqlite3;

/* What was being done: when a statement runs, SQLite's own message may hold parameter values, which belong in no log.
 */
enum sqlite_stage {
	SQLITE_STAGE_OWN,     /* our pragmas, BEGIN, COMMIT */
	SQLITE_STAGE_PREPARE, /* parsing SQL, or a migration's script */
	SQLITE_STAGE_RUN,
};

/* The error for an (extended) result code, and the words for it. -EINTR for SQLITE_INTERRUPT. */
int sqlite_error(struct sqlite3 *db, int rc, enum sqlite_stage stage, struct store_words *words);

#endif
