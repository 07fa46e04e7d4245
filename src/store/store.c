/* The SQL interface: picks the driver, and does for all of them what does not depend on the engine: checks of
 * arguments, spans, metrics, fault points, and the rule that a transaction with an error in it only rolls back.
 *
 * A store belongs to one loop's thread. Every function that runs SQL yields. Limits: STORE_ROWS_MAX rows,
 * STORE_ARGS_MAX arguments of STORE_VALUE_SIZE_MAX, and those of the options. */
#include "store/driver.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/utf8.h"
#include "fiber/fiber.h"
#include "store/pool.h"
#include "store/summary.h"
#include "telemetry/trace.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#define POOL_MAX_DEFAULT 4
#define WAIT_MS_DEFAULT 2000
#define WAITERS_MAX_DEFAULT 1024
#define STATEMENT_TIMEOUT_MS_DEFAULT 5000
#define IDLE_MS_DEFAULT 60000
#define LIFE_MS_DEFAULT 1800000
#define PING_MS 1000

static _Thread_local struct store_words open_words;

/* ---- for the drivers ---- */

void store_words_set(struct store_words *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(w->text, sizeof(w->text), fmt, ap);
	va_end(ap);
}

void store_say(struct store *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(s->words.text, sizeof(s->words.text), fmt, ap);
	va_end(ap);
}

void store_init(struct store *s, const struct store_driver *driver, const struct store_options *options)
{
	*s = (struct store){ .magic = STORE_MAGIC, .driver = driver, .options = *options };
	s->options.url = NULL;
	s->errors = store_errors_metric(driver->system);
}

int64_t store_deadline_narrow(int64_t delay_ms)
{
	int64_t outer = fiber_deadline();

	fiber_deadline_set(MIN(outer, clock_deadline_in(delay_ms)));
	return outer;
}

/* ---- opening and closing ---- */

/* "postgres://…", "postgresql://…", or libpq's keywords and values. */
static bool is_postgres(const char *url)
{
	static const char *const beginnings[] = { "postgres://", "postgresql://", "host=",    "hostaddr=",
		                                  "dbname=",     "user=",         "service=", "port=",
		                                  "password=",   "passfile=",     "sslmode=" };

	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++)
		if (strncmp(url, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

static const struct store_driver *driver_find(const char *url)
{
	const char *colon = strchr(url, ':');

	if (is_postgres(url))
		return &store_postgres_driver;
	if (colon && str_equal((struct str){ url, (size_t)(colon - url) }, str_from(store_sqlite_driver.scheme)))
		return &store_sqlite_driver;
	return NULL;
}

const char *store_check_url(const char *url)
{
	const struct store_driver *driver = driver_find(url);

	if (!driver)
		return "a database that is known: sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE, or libpq's "
		       "host=HOST dbname=DATABASE …";
	return driver->check_url ? driver->check_url(url) : NULL;
}

static struct store_options options_filled(const struct store_options *options)
{
	struct store_options o = *options;

	o.pool_max = o.pool_max ? o.pool_max : POOL_MAX_DEFAULT;
	o.pool_min = MIN(o.pool_min ? o.pool_min : 1, o.pool_max);
	o.idle_ms = o.idle_ms ? o.idle_ms : IDLE_MS_DEFAULT;
	o.life_ms = o.life_ms ? o.life_ms : LIFE_MS_DEFAULT;
	o.wait_ms = o.wait_ms ? o.wait_ms : WAIT_MS_DEFAULT;
	o.waiters_max = o.waiters_max ? o.waiters_max : WAITERS_MAX_DEFAULT;
	o.statement_timeout_ms = o.statement_timeout_ms ? o.statement_timeout_ms : STATEMENT_TIMEOUT_MS_DEFAULT;
	return o;
}

int store_open(const struct store_options *options, struct store **ret)
{
	struct store_options filled = options_filled(options);
	const struct store_driver *driver = driver_find(options->url);

	assert(fiber_self());
	if (!driver) {
		/* Only the scheme: the rest of a URL may hold a password. */
		store_words_set(&open_words,
		                "no engine for a database URL that begins with \"%.*s:\"; known: sqlite:, "
		                "postgres:",
		                (int)MIN(strcspn(options->url, ":"), (size_t)32), options->url);
		return -EPROTONOSUPPORT;
	}
	return driver->open(&filled, &open_words, ret);
}

void store_close(struct store **s)
{
	struct store *store = STEAL(*s);

	if (!store)
		return;
	assert(store->magic == STORE_MAGIC && store->transactions == 0);
	fiber_shield();
	store->driver->close(store);
	fiber_unshield();
}

/* ---- values ---- */

static const struct store_value *value_at(const struct store_rows *r, size_t row, size_t column)
{
	assert(row < r->n && column < r->columns);
	return &r->values[row * r->columns + column];
}

int64_t store_int(const struct store_rows *r, size_t row, size_t column)
{
	const struct store_value *v = value_at(r, row, column);

	if (v->type == STORE_NULL)
		return 0;
	if (v->type == STORE_BOOL)
		return v->value.boolean;
	assert(v->type == STORE_INT);
	return v->value.integer;
}

double store_double(const struct store_rows *r, size_t row, size_t column)
{
	const struct store_value *v = value_at(r, row, column);

	if (v->type == STORE_NULL)
		return 0.0;
	if (v->type == STORE_INT)
		return (double)v->value.integer;
	assert(v->type == STORE_DOUBLE);
	return v->value.number;
}

bool store_bool(const struct store_rows *r, size_t row, size_t column)
{
	int64_t i = store_int(r, row, column);

	assert(i == 0 || i == 1);
	return i == 1;
}

struct str store_text(const struct store_rows *r, size_t row, size_t column)
{
	const struct store_value *v = value_at(r, row, column);

	if (v->type == STORE_NULL)
		return STR_NULL;
	assert(v->type == STORE_TEXT || v->type == STORE_BLOB);
	return v->value.text;
}

bool store_is_null(const struct store_rows *r, size_t row, size_t column)
{
	return value_at(r, row, column)->type == STORE_NULL;
}

/* ---- statements ---- */

static bool is_bytes(const struct store_value *v)
{
	return v->type == STORE_TEXT || v->type == STORE_BLOB;
}

/* 0, or an error and what is wrong with it. */
static int arg_check(const struct store_value *v, const char **ret_fault)
{
	struct str text = v->value.text;

	*ret_fault = "longer than 16 MiB";
	if (is_bytes(v) && text.len > STORE_VALUE_SIZE_MAX)
		return -EMSGSIZE;
	*ret_fault = "not a number";
	if (v->type == STORE_DOUBLE && isnan(v->value.number))
		return -EINVAL;
	*ret_fault = "text with U+0000 or with bytes that are not UTF-8";
	if (v->type == STORE_TEXT && (!utf8_is_valid(text) || memchr(text.data, '\0', text.len)))
		return -EINVAL;
	return 0;
}

static int args_check(struct store *s, const struct store_value *args, size_t n)
{
	const char *fault;
	int r;

	assert(n <= STORE_ARGS_MAX);
	for (size_t i = 0; i < n; i++) {
		r = arg_check(&args[i], &fault);
		if (r < 0) {
			store_say(s, "argument $%zu is %s", i + 1, fault);
			return r;
		}
	}
	return 0;
}

static void count_error(struct store *s, int r)
{
	const char *values[] = { s->driver->system, error_name(r) };

	metric_add(metric_cell(s->errors, values), 1);
}

static int call_run(struct store *s, struct store_tx *tx, const struct store_call *call, struct store_rows *ret)
{
	int64_t began_us = clock_mono_us();
	int r = args_check(s, call->args, call->n_args);

	if (r < 0)
		return r;
	if (fault_hit("store.statement")) {
		store_say(s, "fault injected at store.statement");
		return -EIO;
	}
	r = tx ? s->driver->tx_query(tx, call, ret) : s->driver->query(s, call, ret);
	sql_tell(call->sql, began_us, r);
	return r;
}

/* A span only where there is a trace to belong to: a poll in the background would make a trace of its own each time. */
static int call_traced(struct store *s, struct store_tx *tx, const struct store_call *call, struct store_rows *ret)
{
	char name[SQL_SPAN_NAME_SIZE];
	struct span span;
	int r;

	if (!span_is_wanted())
		return call_run(s, tx, call, ret);
	sql_span_start(&span, s->driver->system, call->sql, false, name);
	r = call_run(s, tx, call, ret);
	sql_span_end(&span, r);
	return r;
}

static int call_counted(struct store *s, struct store_tx *tx, const struct store_call *call, struct store_rows *ret)
{
	struct store_rows unwanted;
	int r;

	assert(s->magic == STORE_MAGIC && fiber_self());
	r = call_traced(s, tx, call, ret ? ret : &unwanted);
	if (r < 0)
		count_error(s, r);
	return r;
}

int store_query(struct store *s, const char *sql, const struct store_value *args, size_t n_args, struct arena *a,
                struct store_rows *ret)
{
	struct store_call call = { .sql = sql, .args = args, .n_args = n_args, .arena = a };

	return call_counted(s, NULL, &call, ret);
}

int store_read(struct store *s, const char *sql, const struct store_value *args, size_t n_args, struct arena *a,
               struct store_rows *ret)
{
	struct store_call call = { .sql = sql, .args = args, .n_args = n_args, .reads = true, .arena = a };

	return call_counted(s, NULL, &call, ret);
}

/* ---- transactions ---- */

int store_begin(struct store *s, struct store_tx **ret)
{
	int r;

	assert(s->magic == STORE_MAGIC && fiber_self());
	r = s->driver->begin(s, ret);
	if (r < 0) {
		count_error(s, r);
		return r;
	}
	(*ret)->magic = STORE_TX_MAGIC;
	(*ret)->store = s;
	(*ret)->failed = 0;
	s->transactions++;
	return 0;
}

int store_tx_query(struct store_tx *tx, const char *sql, const struct store_value *args, size_t n_args, struct arena *a,
                   struct store_rows *ret)
{
	struct store_call call = { .sql = sql, .args = args, .n_args = n_args, .arena = a };
	int r;

	assert(tx->magic == STORE_TX_MAGIC);
	if (tx->failed < 0)
		return tx->failed;
	r = call_counted(tx->store, tx, &call, ret);
	if (r < 0)
		tx->failed = r;
	return r;
}

int store_tx_script(struct store_tx *tx, struct str script)
{
	int r;

	assert(tx->magic == STORE_TX_MAGIC && tx->failed == 0);
	r = tx->store->driver->tx_script(tx, script);
	if (r < 0) {
		count_error(tx->store, r);
		tx->failed = r;
	}
	return r;
}

/* Takes the transaction out of its owner's hands: from here on it ends in one way or the other. */
static struct store_tx *tx_take(struct store_tx **tx)
{
	struct store_tx *t = STEAL(*tx);

	assert(t->magic == STORE_TX_MAGIC && t->store->transactions > 0);
	t->store->transactions--;
	t->magic = 0;
	return t;
}

static int tx_commit(struct store *s, struct store_tx *t)
{
	char name[SQL_SPAN_NAME_SIZE];
	bool has_span = span_is_wanted();
	struct span span;
	int r = t->failed;

	if (r == 0 && fault_hit("store.commit")) {
		store_say(s, "fault injected at store.commit");
		r = -EIO;
	}
	if (r < 0) {
		s->driver->rollback(t);
		return r;
	}
	/* As a statement's: it is where a transaction waits for the disk. */
	if (has_span)
		sql_span_start(&span, s->driver->system, "COMMIT", false, name);
	r = s->driver->commit(t);
	if (has_span)
		sql_span_end(&span, r);
	if (r == 0 && fault_hit("store.committed")) {
		store_say(s, "fault injected at store.committed");
		r = -EIO;
	}
	return r;
}

int store_commit(struct store_tx **tx)
{
	struct store *s = (*tx)->store;
	int r;

	fiber_shield();
	r = tx_commit(s, tx_take(tx));
	fiber_unshield();
	if (r < 0)
		count_error(s, r);
	return r;
}

void store_rollback(struct store_tx **tx)
{
	struct store_tx *t;

	if (!*tx)
		return;
	t = tx_take(tx);
	fiber_shield();
	t->store->driver->rollback(t);
	fiber_unshield();
}

/* ---- batches ---- */

static int batch_apart(struct store *s, const struct store_call *calls, size_t n, struct store_rows *ret_rows)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r = store_begin(s, &tx);

	for (size_t i = 0; i < n && r == 0; i++)
		r = store_tx_query(tx, calls[i].sql, calls[i].args, calls[i].n_args, calls[i].arena,
		                   ret_rows ? &ret_rows[i] : NULL);
	return r < 0 ? r : store_commit(&tx);
}

/* As call_traced(): one span for all of it. */
static int batch_together(struct store *s, const struct store_call *calls, size_t n, struct store_rows *ret_rows)
{
	char name[SQL_SPAN_NAME_SIZE];
	struct span span;
	int r;

	if (fault_hit("store.statement")) {
		store_say(s, "fault injected at store.statement");
		return -EIO;
	}
	if (!span_is_wanted())
		return s->driver->batch(s, calls, n, ret_rows);
	sql_span_start(&span, s->driver->system, calls[0].sql, true, name);
	span_set_int(&span, "db.operation.batch.size", (int64_t)n);
	r = s->driver->batch(s, calls, n, ret_rows);
	sql_span_end(&span, r);
	return r;
}

int store_batch(struct store *s, const struct store_statement *statements, size_t n, struct arena *a,
                struct store_rows *ret_rows)
{
	struct store_call calls[STORE_BATCH_MAX];
	int r = 0;

	assert(s->magic == STORE_MAGIC && fiber_self());
	if (n == 0 || n > STORE_BATCH_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n && r == 0; i++) {
		calls[i] = (struct store_call){
			.sql = statements[i].sql, .args = statements[i].args, .n_args = statements[i].n_args, .arena = a
		};
		r = args_check(s, statements[i].args, statements[i].n_args);
	}
	if (r < 0)
		return r;
	if (!s->driver->batch)
		return batch_apart(s, calls, n, ret_rows);
	r = batch_together(s, calls, n, ret_rows);
	if (r < 0)
		count_error(s, r);
	return r;
}

/* ---- the rest ---- */

const char *store_error(const struct store *s)
{
	return s ? s->words.text : open_words.text;
}

const char *store_system(const struct store *s)
{
	assert(s->magic == STORE_MAGIC);
	return s->driver->system;
}

int store_ping(struct store *s)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	int64_t outer;
	int r;

	r = arena_new(4096, &a);
	if (r < 0)
		return r;
	outer = store_deadline_narrow(PING_MS);
	r = store_read(s, "SELECT 1", STORE_NO_ARGS, a, NULL);
	fiber_deadline_set(outer);
	return r;
}
