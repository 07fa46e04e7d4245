/* One SQLite connection with its prepared statements. Private to this room; knows no fibers: everything here blocks and
 * is called on a pool thread, by one thread at a time. */
#ifndef CINESYNC_STORE_SQLITE_CONN_H
#define CINESYNC_STORE_SQLITE_CONN_H

#include "store/driver.h"

#define SQLITE_STATEMENTS_MAX 128

struct sqlite_conn;

enum sqlite_role { SQLITE_WRITER, SQLITE_READER };

/* Opens nothing yet: that is done by the first call that needs the database. path is copied; ":memory:" is private to
 * this connection. Does not block. */
int sqlite_conn_new(const char *path, enum sqlite_role role, struct sqlite_conn **ret) MUST_CHECK;
/* Closes it; takes NULL. */
void sqlite_conn_free(struct sqlite_conn **c);

/* Opens it if it is not. All functions below do so too. */
int sqlite_conn_open(struct sqlite_conn *c) MUST_CHECK;
/* One statement; begin: starts a transaction first. -EINTR: stopped by sqlite_conn_stop(). Errors as store.h has them.
 */
int sqlite_conn_query(struct sqlite_conn *c, const struct store_call *call, bool begin,
                      struct store_rows *ret) MUST_CHECK;
/* Several statements in the transaction under way, or in one it begins. script has a NUL at its end. */
int sqlite_conn_script(struct sqlite_conn *c, struct str script, bool begin) MUST_CHECK;
/* The transaction has ended afterwards, whatever comes back. */
int sqlite_conn_commit(struct sqlite_conn *c) MUST_CHECK;
void sqlite_conn_rollback(struct sqlite_conn *c);

/* Does not block. Before each job on the connection: forgets an old stop and the words. */
void sqlite_conn_arm(struct sqlite_conn *c);
/* Does not block, from any thread: the job under way ends soon with -EINTR. */
void sqlite_conn_stop(struct sqlite_conn *c);
/* About the last failure, "" when there was none. */
const char *sqlite_conn_words(const struct sqlite_conn *c);

#endif
