/* Rows out of a running SQLite statement into an arena. Private to this room; blocks. */
#ifndef CINESYNC_STORE_SQLITE_ROWS_H
#define CINESYNC_STORE_SQLITE_ROWS_H

#include "store/driver.h"

struct sqlite3_stmt;

/* Steps the statement to its end. *ret_rc is SQLite's last result code whatever comes back. 0 (then *ret holds the
 * rows, not `affected`); -EMSGSIZE: over STORE_ROWS_MAX; -ENOMEM; -EIO: see *ret_rc. */
int sqlite_rows_fetch(struct sqlite3_stmt *stmt, struct arena *a, int *ret_rc, struct store_rows *ret) MUST_CHECK;

#endif
