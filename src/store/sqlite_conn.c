/* One SQLite connection: settings, prepared statements, values in and rows out. Owned by sqlite.c, which sees to it
 * that one thread at a time is in here. Blocks; never yields.
 *
 * A job is stopped through a flag that SQLite's progress handler asks every PROGRESS_OPS steps of its machine, not by
 * sqlite3_interrupt(): that one is lost when it comes before the statement's first step.
 * Limits: SQLITE_STATEMENTS_MAX statements kept, the least recently used goes; VALUE_SIZE_MAX a value and statement. */
#include "store/sqlite_conn.h"

#include "base/fault.h"
#include "store/sqlite_error.h"
#include "store/sqlite_rows.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CONN_MAGIC 0x5702e003u
#define PROGRESS_OPS 1000
#define BUSY_TIMEOUT_MS 1000
/* Of a whole row too. */
#define VALUE_SIZE_MAX (2 * (int)STORE_VALUE_SIZE_MAX)

struct statement {
	const char *sql; /* the key, with its address */
	sqlite3_stmt *stmt;
	uint64_t used; /* the connection's count when last wanted */
	size_t n_args;
	int n_params;
	uint8_t arg_of[STORE_ARGS_MAX]; /* parameter i (from 0) takes argument arg_of[i] (from 0) */
};

struct sqlite_conn {
	unsigned magic;
	enum sqlite_role role;
	char *path;
	sqlite3 *db; /* NULL: not open */
	atomic_bool stop;
	uint64_t uses;
	size_t n_statements;
	struct statement statements[SQLITE_STATEMENTS_MAX];
	struct store_words words;
};

int sqlite_conn_new(const char *path, enum sqlite_role role, struct sqlite_conn **ret)
{
	struct sqlite_conn *c = fault_hit("alloc") ? NULL : calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->path = strdup(path);
	if (!c->path) {
		free(c);
		return -ENOMEM;
	}
	c->magic = CONN_MAGIC;
	c->role = role;
	*ret = c;
	return 0;
}

static void conn_close(struct sqlite_conn *c)
{
	int rc;

	for (size_t i = 0; i < c->n_statements; i++)
		sqlite3_finalize(c->statements[i].stmt);
	c->n_statements = 0;
	rc = sqlite3_close(c->db);
	assert(rc == SQLITE_OK);
	(void)rc;
	c->db = NULL;
}

void sqlite_conn_free(struct sqlite_conn **c)
{
	struct sqlite_conn *conn = STEAL(*c);

	if (!conn)
		return;
	assert(conn->magic == CONN_MAGIC);
	conn_close(conn);
	conn->magic = 0;
	free(conn->path);
	free(conn);
}

void sqlite_conn_arm(struct sqlite_conn *c)
{
	assert(c->magic == CONN_MAGIC);
	atomic_store(&c->stop, false);
	c->words.text[0] = '\0';
}

void sqlite_conn_stop(struct sqlite_conn *c)
{
	atomic_store(&c->stop, true);
}

const char *sqlite_conn_words(const struct sqlite_conn *c)
{
	return c->words.text;
}

static int conn_fail(struct sqlite_conn *c, int rc, enum sqlite_stage stage)
{
	return sqlite_error(c->db, rc, stage, &c->words);
}

/* ---- opening ---- */

static int on_progress(void *arg)
{
	struct sqlite_conn *c = arg;

	return atomic_load_explicit(&c->stop, memory_order_relaxed);
}

static int conn_exec(struct sqlite_conn *c, const char *sql)
{
	int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : conn_fail(c, rc, SQLITE_STAGE_OWN);
}

static int on_journal_mode(void *arg, int n, char **values, char **names)
{
	bool *is_wal = arg;

	(void)names;
	*is_wal = n == 1 && values[0] && strcmp(values[0], "wal") == 0;
	return 0;
}

/* A file system without shared memory leaves another mode, in which readers would stop the writer. */
static int conn_journal(struct sqlite_conn *c)
{
	bool is_wal = false;
	int rc;

	if (c->role == SQLITE_READER || strcmp(c->path, ":memory:") == 0)
		return 0;
	rc = sqlite3_exec(c->db, "PRAGMA journal_mode = WAL", on_journal_mode, &is_wal, NULL);
	if (rc != SQLITE_OK)
		return conn_fail(c, rc, SQLITE_STAGE_OWN);
	if (is_wal)
		return 0;
	store_words_set(&c->words, "%s: the file system does not take a write-ahead log", c->path);
	return -EOPNOTSUPP;
}

/* Only the writer ever checkpoints: in SQLite below 3.51.3 two connections doing so at once may corrupt the database.
 */
static int conn_role(struct sqlite_conn *c)
{
	if (c->role == SQLITE_WRITER)
		return 0;
	(void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return conn_exec(c, "PRAGMA wal_autocheckpoint = 0; PRAGMA query_only = ON");
}

static int conn_settings(struct sqlite_conn *c)
{
	int r;

	(void)sqlite3_extended_result_codes(c->db, 1);
	(void)sqlite3_busy_timeout(c->db, BUSY_TIMEOUT_MS);
	(void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	(void)sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH, VALUE_SIZE_MAX);
	(void)sqlite3_limit(c->db, SQLITE_LIMIT_ATTACHED, 0);
	r = conn_journal(c);
	if (r < 0)
		return r;
	r = conn_exec(c, "PRAGMA synchronous = FULL; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; "
	                 "PRAGMA cell_size_check = ON");
	if (r < 0)
		return r;
	return conn_role(c);
}

int sqlite_conn_open(struct sqlite_conn *c)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	int rc;
	int r;

	assert(c->magic == CONN_MAGIC);
	if (c->db)
		return 0;
	rc = sqlite3_open_v2(c->path, &c->db, flags, NULL);
	r = rc == SQLITE_OK ? conn_settings(c) : conn_fail(c, rc, SQLITE_STAGE_OWN);
	if (r < 0) {
		conn_close(c);
		return r;
	}
	sqlite3_progress_handler(c->db, PROGRESS_OPS, on_progress, c);
	return 0;
}

/* ---- prepared statements ---- */

static struct statement *statement_cached(struct sqlite_conn *c, const char *sql)
{
	for (size_t i = 0; i < c->n_statements; i++) {
		struct statement *s = &c->statements[i];

		if (s->sql != sql)
			continue;
		/* An address whose text has changed would run another caller's statement. */
		assert(strncmp(sqlite3_sql(s->stmt), sql, strlen(sqlite3_sql(s->stmt))) == 0);
		return s;
	}
	return NULL;
}

static struct statement *statement_slot(struct sqlite_conn *c)
{
	struct statement *oldest = &c->statements[0];

	if (c->n_statements < SQLITE_STATEMENTS_MAX)
		return &c->statements[c->n_statements++];
	for (size_t i = 1; i < c->n_statements; i++)
		if (c->statements[i].used < oldest->used)
			oldest = &c->statements[i];
	sqlite3_finalize(oldest->stmt);
	return oldest;
}

/* SQLite takes $2 for a name, and numbers parameters as they first appear. */
static void statement_params(struct statement *s)
{
	s->n_params = sqlite3_bind_parameter_count(s->stmt);
	assert(s->n_params <= STORE_ARGS_MAX);
	for (int i = 0; i < s->n_params; i++) {
		const char *name = sqlite3_bind_parameter_name(s->stmt, i + 1);
		int64_t number = 0;
		int r;

		assert(name && name[0] == '$');
		r = str_to_int64(str_from(name + 1), 1, STORE_ARGS_MAX, &number);
		assert(r == 0);
		s->arg_of[i] = (uint8_t)(number - 1);
		s->n_args = MAX(s->n_args, (size_t)number);
	}
}

static bool is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n;")] == '\0';
}

static int statement_prepare(struct sqlite_conn *c, const char *sql, struct statement *ret)
{
	struct statement s = { .sql = sql };
	const char *tail = "";
	int rc;

	rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s.stmt, &tail);
	if (rc != SQLITE_OK)
		return conn_fail(c, rc, SQLITE_STAGE_PREPARE);
	if (!s.stmt || !is_blank(tail)) {
		sqlite3_finalize(s.stmt);
		store_words_set(&c->words, "not exactly one statement: %.60s", sql);
		return -EPROTO;
	}
	statement_params(&s);
	*ret = s;
	return 0;
}

static int statement_get(struct sqlite_conn *c, const char *sql, struct statement **ret)
{
	struct statement *s = statement_cached(c, sql);
	struct statement fresh;
	int r;

	if (!s) {
		r = statement_prepare(c, sql, &fresh);
		if (r < 0)
			return r;
		s = statement_slot(c);
		*s = fresh;
	}
	s->used = ++c->uses;
	*ret = s;
	return 0;
}

/* ---- running ---- */

static int bind_value(sqlite3_stmt *stmt, int i, const struct store_value *v)
{
	switch (v->type) {
	case STORE_NULL:
		return sqlite3_bind_null(stmt, i);
	case STORE_INT:
		return sqlite3_bind_int64(stmt, i, v->value.integer);
	case STORE_BOOL:
		return sqlite3_bind_int64(stmt, i, v->value.boolean);
	case STORE_DOUBLE:
		return sqlite3_bind_double(stmt, i, v->value.number);
	case STORE_TEXT:
		return sqlite3_bind_text64(stmt, i, v->value.text.data, v->value.text.len, SQLITE_STATIC, SQLITE_UTF8);
	case STORE_BLOB:
		return sqlite3_bind_blob64(stmt, i, v->value.text.data, v->value.text.len, SQLITE_STATIC);
	}
	abort();
}

static int statement_run(struct sqlite_conn *c, struct statement *s, const struct store_call *call,
                         struct store_rows *ret)
{
	int64_t total = sqlite3_total_changes64(c->db);
	struct store_rows rows = { 0 };
	int rc = SQLITE_OK;
	int r;

	assert(call->n_args == s->n_args);
	for (int i = 0; rc == SQLITE_OK && i < s->n_params; i++)
		rc = bind_value(s->stmt, i + 1, &call->args[s->arg_of[i]]);
	if (rc != SQLITE_OK)
		return conn_fail(c, rc, SQLITE_STAGE_RUN);
	r = sqlite_rows_fetch(s->stmt, call->arena, &rc, &rows);
	if (rc != SQLITE_OK && rc != SQLITE_DONE)
		return conn_fail(c, rc, SQLITE_STAGE_RUN);
	if (r < 0) {
		store_words_set(&c->words, r == -EMSGSIZE ? "more rows than the limit" : "no memory for the rows");
		return r;
	}
	/* SQLite's count is that of the last statement which changed anything: perhaps not this one. */
	if (sqlite3_total_changes64(c->db) != total)
		rows.affected = sqlite3_changes64(c->db);
	*ret = rows;
	return 0;
}

static int conn_ready(struct sqlite_conn *c, bool begin)
{
	int r;

	r = sqlite_conn_open(c);
	if (r < 0 || !begin)
		return r;
	return conn_exec(c, "BEGIN IMMEDIATE");
}

int sqlite_conn_query(struct sqlite_conn *c, const struct store_call *call, bool begin, struct store_rows *ret)
{
	struct statement *s;
	int r;

	r = conn_ready(c, begin);
	if (r < 0)
		return r;
	r = statement_get(c, call->sql, &s);
	if (r < 0)
		return r;
	r = statement_run(c, s, call, ret);
	(void)sqlite3_reset(s->stmt);
	(void)sqlite3_clear_bindings(s->stmt);
	return r;
}

int sqlite_conn_script(struct sqlite_conn *c, struct str script, bool begin)
{
	int rc;
	int r;

	assert(script.data[script.len] == '\0');
	r = conn_ready(c, begin);
	if (r < 0)
		return r;
	rc = sqlite3_exec(c->db, script.data, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return conn_fail(c, rc, SQLITE_STAGE_PREPARE);
	if (!sqlite3_get_autocommit(c->db))
		return 0;
	store_words_set(&c->words, "the script ends its transaction by itself");
	return -EPROTO;
}

/* ---- ending a transaction ---- */

void sqlite_conn_rollback(struct sqlite_conn *c)
{
	/* Some errors have rolled it back already. */
	if (!c->db || sqlite3_get_autocommit(c->db))
		return;
	if (sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
		conn_close(c);
}

int sqlite_conn_commit(struct sqlite_conn *c)
{
	int r;

	assert(c->db && !sqlite3_get_autocommit(c->db));
	r = conn_exec(c, "COMMIT");
	if (r < 0)
		sqlite_conn_rollback(c);
	return r;
}
