/* What an engine brings: one driver a file (sqlite.c), chosen by the scheme of the URL. Private to this room.
 *
 * A driver's functions run on fibers of the loop's thread and may wait in any way a fiber can: on a pool thread
 * (SQLite) or on a socket (an asynchronous PostgreSQL client). store.c has done the checking of arguments, spans,
 * metrics and fault points, and keeps the rule that a transaction with an error in it only rolls back; pool.h hands out
 * connections. A driver puts `struct store` and `struct store_tx` first in its own structs. */
#ifndef CINESYNC_STORE_DRIVER_H
#define CINESYNC_STORE_DRIVER_H

#include "store/store.h"
#include "telemetry/metrics.h"

#include <stdarg.h>

#define STORE_MAGIC 0x5702e001u
#define STORE_TX_MAGIC 0x5702e002u
#define STORE_ROWS_MAX 10000
#define STORE_ARGS_MAX 64
#define STORE_VALUE_SIZE_MAX ((size_t)16 << 20)
#define STORE_WORDS_SIZE 256

struct store_words {
	char text[STORE_WORDS_SIZE];
};

struct store_call {
	const char *sql; /* static text */
	const struct store_value *args;
	size_t n_args;
	bool reads; /* promised by the caller */
	struct arena *arena;
};

struct store_driver {
	const char *scheme; /* what its URLs begin with: "sqlite" */
	const char *system; /* OpenTelemetry db.system.name */
	/* NULL when it can read this URL, else what one looks like; NULL: any will do. */
	const char *(*check_url)(const char *url);
	/* options have no defaults left to fill in. On failure the words say why. */
	int (*open)(const struct store_options *options, struct store_words *words, struct store **ret);
	/* Shielded. Frees the store. */
	void (*close)(struct store *s);
	/* One statement by itself. Bounds its own wait for a connection (wait_ms) and the statement
	 * (statement_timeout_ms). *ret is untouched on failure; so in all below. */
	int (*query)(struct store *s, const struct store_call *call, struct store_rows *ret);
	/* Several in one transaction of their own; NULL: store.c does it with what follows. */
	int (*batch)(struct store *s, const struct store_call *calls, size_t n, struct store_rows *ret_rows);
	int (*begin)(struct store *s, struct store_tx **ret);
	int (*tx_query)(struct store_tx *tx, const struct store_call *call, struct store_rows *ret);
	/* Several statements without arguments, for migrations. They must leave the transaction open. */
	int (*tx_script)(struct store_tx *tx, struct str script);
	/* Both are called shielded and free tx. */
	int (*commit)(struct store_tx *tx);
	void (*rollback)(struct store_tx *tx);
	/* Keeps other processes from migrating the same database meanwhile; NULL where the store itself is such a lock.
	 */
	int (*migrate_lock)(struct store *s);
	void (*migrate_unlock)(struct store *s);
};

struct store {
	unsigned magic;
	const struct store_driver *driver;
	struct store_options options; /* filled in; url is not kept */
	size_t transactions;          /* open now */
	struct store_words words;     /* about the last error */
	struct metric *errors;
};

struct store_tx {
	unsigned magic;
	struct store *store;
	int failed; /* the first error, or 0 */
};

extern const struct store_driver store_sqlite_driver;
extern const struct store_driver store_postgres_driver;

/* Part of a driver's open(): the common head. */
void store_init(struct store *s, const struct store_driver *driver, const struct store_options *options);

void store_words_set(struct store_words *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* For a driver, before it returns an error. */
void store_say(struct store *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Brings the running fiber's deadline down to at most delay_ms from now; gives the one it had, to be put back with
 * fiber_deadline_set(). */
int64_t store_deadline_narrow(int64_t delay_ms);

/* For migrate.c: a script within the transaction, under the same rules as store_tx_query(). */
int store_tx_script(struct store_tx *tx, struct str script) MUST_CHECK;

#endif
