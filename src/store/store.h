/* One small SQL interface over the engines: SQLite (a file, no server) and PostgreSQL.
 *
 * Statements use $1, $2 … on every engine and come from .sql files. A store is used from fibers of one loop; every call
 * that runs SQL yields. Rows and their text live in the caller's arena. Errors that mean something are told apart:
 * -EEXIST unique violation, -ENOKEY foreign key or no parent, -EINVAL check or not-null violation, -EBUSY pool or lock
 * wait over, or a deadlock (nothing happened: may be tried again), -ETIMEDOUT, -ECANCELED, -ENOTCONN the engine cannot
 * be reached or takes no writes (nothing happened), -EPROTO the engine does not take the statement, or a column's type
 * has no place here (a bug), -ENOSPC the disk is full, -ENOMEM the caller's arena is, -EIO and others: broken, and of a
 * write nobody knows whether it was done: re-read under its unique key. store_error() says it in words for the log
 * (never parameter values).
 *
 * Text is UTF-8 without U+0000 on every engine, since PostgreSQL takes no other: anything else is -EINVAL. So is a
 * double that is no number, which SQLite would keep as NULL; infinite ones are taken. Blobs hold any bytes. A text
 * or blob of more than 16 MiB is -EMSGSIZE. */
#ifndef CINESYNC_STORE_STORE_H
#define CINESYNC_STORE_STORE_H

#include "base/arena.h"

struct store;
struct store_tx;

struct store_options {
	/* "sqlite:/path/to/file.db", "sqlite::memory:"; PostgreSQL in all of libpq's forms: "postgres://…",
	 * "postgresql://…", "host=… dbname=…"; what it says there wins over our own defaults. */
	const char *url;
	size_t pool_max;              /* connections (SQLite: readers; there is one writer); 0: 4 */
	size_t pool_min;              /* PostgreSQL: kept open though idle; 0: 1 */
	int64_t idle_ms;              /* PostgreSQL: others are closed when idle for so long; 0: 60,000 */
	int64_t life_ms;              /* PostgreSQL: replaced at that age, with jitter; 0: 1,800,000 */
	const char *application;      /* PostgreSQL: application_name; NULL: "cinesync" */
	int64_t wait_ms;              /* longest wait for a connection, inside the fiber's deadline; 0: 2,000 */
	size_t waiters_max;           /* fibers in line for one; 0: 1,024 */
	int64_t statement_timeout_ms; /* 0: 5,000 */
};

/* For a config_entry's check: NULL when an engine is known for this URL and can read it, else the URLs that are. */
const char *store_check_url(const char *url);
/* Yields (fiber). Opens and checks the engine. The file is made with mode 0600 in an existing folder, and locked: it
 * serves one process at a time. -EPROTONOSUPPORT: no engine for that URL; -EBUSY: another process has the file;
 * -EINVAL: the engine cannot read the URL; -ENOENT, -EACCES, -ENOTCONN …: store_error(NULL) says it in words, never
 * with a password. */
int store_open(const struct store_options *options, struct store **ret) MUST_CHECK;
/* Yields (shielded). No transaction may be open and no call under way. Checkpoints and closes. Takes NULL. */
void store_close(struct store **s);

enum store_type { STORE_NULL, STORE_INT, STORE_DOUBLE, STORE_TEXT, STORE_BLOB, STORE_BOOL };

struct store_value {
	enum store_type type;
	union {
		int64_t integer;
		double number;
		bool boolean;
		struct str text; /* TEXT and BLOB */
	} value;
};

#define STORE_I(i) ((struct store_value){ .type = STORE_INT, .value.integer = (int64_t)(i) })
#define STORE_D(d) ((struct store_value){ .type = STORE_DOUBLE, .value.number = (d) })
#define STORE_B(b) ((struct store_value){ .type = STORE_BOOL, .value.boolean = (b) })
#define STORE_S(s) ((struct store_value){ .type = (s).data ? STORE_TEXT : STORE_NULL, .value.text = (s) })
#define STORE_BYTES(s) ((struct store_value){ .type = (s).data ? STORE_BLOB : STORE_NULL, .value.text = (s) })
#define STORE_N ((struct store_value){ .type = STORE_NULL })
#define STORE_ARGS(...) \
	(const struct store_value[]){ __VA_ARGS__ }, ARRAY_SIZE(((const struct store_value[]){ __VA_ARGS__ }))
#define STORE_NO_ARGS NULL, 0

struct store_rows {
	size_t n; /* rows */
	size_t columns;
	int64_t affected;                 /* rows changed by INSERT, UPDATE, DELETE */
	const struct store_value *values; /* n * columns, row by row */
};

/* The value at (row, column); 0, 0.0, false or a null str when it is NULL. A type that does not fit is a bug (assert).
 */
int64_t store_int(const struct store_rows *r, size_t row, size_t column);
double store_double(const struct store_rows *r, size_t row, size_t column); /* integers fit as well */
bool store_bool(const struct store_rows *r, size_t row, size_t column);     /* engines without booleans: 0 and 1 */
struct str store_text(const struct store_rows *r, size_t row, size_t column);
bool store_is_null(const struct store_rows *r, size_t row, size_t column);

/* Yields. One statement by itself (autocommit). sql is static text: its address is the key of the prepared-statement
 * cache. args has as many values as the highest $N. The arena is filled on another thread, so nobody else may use it
 * meanwhile. More than 10,000 rows: -EMSGSIZE (what a statement with RETURNING changed stays changed). ret may be NULL
 * when the rows are not wanted. */
int store_query(struct store *s, const char *sql, const struct store_value *args, size_t n_args, struct arena *a,
                struct store_rows *ret) MUST_CHECK;
/* As store_query(), but promises to read only: SQLite uses a reader beside the writer. */
int store_read(struct store *s, const char *sql, const struct store_value *args, size_t n_args, struct arena *a,
               struct store_rows *ret) MUST_CHECK;

/* Yields. A transaction (SQLite: BEGIN IMMEDIATE; PostgreSQL: READ COMMITTED). Its fiber must not call store_query()
 * before the end of it: that would wait for the writer it holds itself. */
int store_begin(struct store *s, struct store_tx **ret) MUST_CHECK;
/* Yields. After an error the transaction can only be rolled back: what follows, and the commit, gives that first error
 * again (as PostgreSQL has it). Use ON CONFLICT where a conflict is expected. */
int store_tx_query(struct store_tx *tx, const char *sql, const struct store_value *args, size_t n_args, struct arena *a,
                   struct store_rows *ret) MUST_CHECK;
/* Yields (shielded from deadline and cancellation). Takes the transaction in every case. After an error nothing is
 * kept, except -EIO: unknown, re-read under the unique key. */
int store_commit(struct store_tx **tx) MUST_CHECK;
/* Yields (shielded). For CLEANUP(): takes NULL. */
void store_rollback(struct store_tx **tx);

/* Several statements that do not wait for each other's rows. */
struct store_statement {
	const char *sql; /* static text, as above */
	const struct store_value *args;
	size_t n_args;
};

#define STORE_BATCH_MAX 16

/* Yields. Runs them in order in one transaction of their own, and commits: one round trip where the engine can
 * (PostgreSQL's pipeline mode). ret_rows: one for each, or NULL. After an error nothing is kept, except -EIO as with
 * store_commit() (rows that found no room in the arena after the commit are such). -EINVAL: none, or more than
 * STORE_BATCH_MAX. */
int store_batch(struct store *s, const struct store_statement *statements, size_t n, struct arena *a,
                struct store_rows *ret_rows) MUST_CHECK;

/* Words about the last error on this store, for the log; valid until the next wait. NULL: about the last store_open()
 * of this thread that failed. */
const char *store_error(const struct store *s);
/* "sqlite" or "postgresql" (OpenTelemetry db.system.name). */
const char *store_system(const struct store *s);
/* Yields. 0 when it answers, within 1 s. For /readyz. */
int store_ping(struct store *s) MUST_CHECK;

#endif
