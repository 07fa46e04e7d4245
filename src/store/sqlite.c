/* The SQLite engine: a file beside the service, no server. One connection writes (and holds its transaction from the
 * first statement to the end), pool_max others read beside it, as WAL allows; every call into SQLite is made on a pool
 * thread while the fiber waits. synchronous=FULL: a commit that was answered is on the disk.
 *
 * The store owns its connections, the pools lend them to fibers. ":memory:" lives in the writer alone, so reads go
 * through it. BEGIN IMMEDIATE travels with the first statement and saves a trip to the pool threads; it cannot find
 * another writer, as the pool has just one and the file is locked against other processes (sqlite_file.c). */
#include "base/fault.h"
#include "fiber/offload.h"
#include "store/pool.h"
#include "store/sqlite_conn.h"
#include "store/sqlite_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define URL_PREFIX "sqlite:"
#define IN_MEMORY ":memory:"

struct sqlite_store {
	struct store base;
	struct store_pool writer; /* of one */
	struct store_pool readers;
	int lock_fd; /* -1: none, in memory */
};

struct sqlite_tx {
	struct store_tx base;
	struct sqlite_conn *conn;
	bool began;
};

static struct sqlite_store *sqlite_of(struct store *s)
{
	assert(s->magic == STORE_MAGIC && s->driver == &store_sqlite_driver);
	return CONTAINER_OF(s, struct sqlite_store, base);
}

/* ---- work on a pool thread ---- */

struct job {
	struct sqlite_conn *conn;
	const struct store_call *call;
	struct str script;
	bool begin;
	struct store_rows *ret;
};

static int work_query(void *arg)
{
	struct job *job = arg;

	return sqlite_conn_query(job->conn, job->call, job->begin, job->ret);
}

static int work_script(void *arg)
{
	struct job *job = arg;

	return sqlite_conn_script(job->conn, job->script, job->begin);
}

static int work_commit(void *arg)
{
	struct job *job = arg;

	return sqlite_conn_commit(job->conn);
}

static int work_rollback(void *arg)
{
	struct job *job = arg;

	sqlite_conn_rollback(job->conn);
	return 0;
}

static void job_interrupt(void *arg)
{
	struct job *job = arg;

	sqlite_conn_stop(job->conn);
}

static int job_run(struct store *s, struct job *job, int (*work)(void *))
{
	const struct offload offload = { .work = work, .interrupt = job_interrupt, .arg = job };
	int r;

	sqlite_conn_arm(job->conn);
	r = offload_run(&offload);
	if (r == -EINTR)
		r = clock_mono_ms() >= fiber_deadline() ? -ETIMEDOUT : -ECANCELED;
	if (r == -ETIMEDOUT || r == -ECANCELED)
		store_say(s, "stopped: the deadline passed or the caller went away");
	else if (r < 0)
		store_say(s, "%s", sqlite_conn_words(job->conn));
	return r;
}

static int job_run_bounded(struct store *s, struct job *job)
{
	int64_t outer = store_deadline_narrow(s->options.statement_timeout_ms);
	int r;

	r = job_run(s, job, work_query);
	fiber_deadline_set(outer);
	return r;
}

static int conn_take(struct store *s, struct store_pool *pool, struct sqlite_conn **ret)
{
	void *conn;
	int r;

	r = store_pool_take(pool, &conn);
	if (r < 0) {
		store_say(s, "no connection came free in time, or too many wait for one");
		return r;
	}
	*ret = conn;
	return 0;
}

/* ---- statements and transactions ---- */

static int sqlite_query(struct store *s, const struct store_call *call, struct store_rows *ret)
{
	struct sqlite_store *sqlite = sqlite_of(s);
	struct store_pool *pool = call->reads && sqlite->readers.n > 0 ? &sqlite->readers : &sqlite->writer;
	struct job job = { .call = call, .ret = ret };
	int r;

	r = conn_take(s, pool, &job.conn);
	if (r < 0)
		return r;
	r = job_run_bounded(s, &job);
	store_pool_give(pool, job.conn);
	return r;
}

static int sqlite_begin(struct store *s, struct store_tx **ret)
{
	struct sqlite_tx *tx;
	int r;

	tx = fault_hit("alloc") ? NULL : calloc(1, sizeof(*tx));
	if (!tx) {
		store_say(s, "out of memory");
		return -ENOMEM;
	}
	r = conn_take(s, &sqlite_of(s)->writer, &tx->conn);
	if (r < 0) {
		free(tx);
		return r;
	}
	*ret = &tx->base;
	return 0;
}

static struct sqlite_tx *tx_of(struct store_tx *tx)
{
	return CONTAINER_OF(tx, struct sqlite_tx, base);
}

/* A statement that fails or never ran may have begun the transaction; a rollback of nothing does no harm. */
static bool tx_begins(struct sqlite_tx *tx)
{
	bool begins = !tx->began;

	tx->began = true;
	return begins;
}

static int sqlite_tx_query(struct store_tx *tx, const struct store_call *call, struct store_rows *ret)
{
	struct sqlite_tx *t = tx_of(tx);
	struct job job = { .conn = t->conn, .call = call, .ret = ret, .begin = tx_begins(t) };

	return job_run_bounded(tx->store, &job);
}

static int sqlite_tx_script(struct store_tx *tx, struct str script)
{
	struct sqlite_tx *t = tx_of(tx);
	struct job job = { .conn = t->conn, .script = script, .begin = tx_begins(t) };

	return job_run(tx->store, &job, work_script);
}

static int tx_end(struct store_tx *tx, int (*work)(void *))
{
	struct sqlite_tx *t = tx_of(tx);
	struct job job = { .conn = t->conn };
	struct store *s = tx->store;
	int r = 0;

	if (t->began)
		r = job_run(s, &job, work);
	store_pool_give(&sqlite_of(s)->writer, t->conn);
	free(t);
	return r;
}

static int sqlite_commit(struct store_tx *tx)
{
	return tx_end(tx, work_commit);
}

static void sqlite_rollback(struct store_tx *tx)
{
	(void)tx_end(tx, work_rollback);
}

/* ---- opening and closing ---- */

/* Only a path may follow: what SQLite would take for its own (":memory:", "file:…", "") must not get there by chance.
 */
static int path_of(const char *url, char *ret, size_t size, struct store_words *words)
{
	const char *path = url + strlen(URL_PREFIX);
	const char *here = *path == '/' || strcmp(path, IN_MEMORY) == 0 ? "" : "./";

	if (*path && snprintf(ret, size, "%s%s", here, path) < (int)size)
		return 0;
	store_words_set(words, "a SQLite URL looks like sqlite:/path/to/file.db");
	return -EINVAL;
}

static int add_conn(struct store_pool *pool, const char *path, enum sqlite_role role)
{
	struct sqlite_conn *conn;
	int r;

	r = sqlite_conn_new(path, role, &conn);
	if (r == 0)
		store_pool_add(pool, conn);
	return r;
}

static int add_conns(struct sqlite_store *sqlite, const char *path)
{
	const struct store_options *options = &sqlite->base.options;
	size_t readers = strcmp(path, IN_MEMORY) == 0 ? 0 : options->pool_max;
	int r;

	r = store_pool_init(&sqlite->writer, 1, options, "sqlite", "writer");
	if (r == 0)
		r = store_pool_init(&sqlite->readers, readers, options, "sqlite", "readers");
	if (r == 0)
		r = add_conn(&sqlite->writer, path, SQLITE_WRITER);
	for (size_t i = 0; r == 0 && i < readers; i++)
		r = add_conn(&sqlite->readers, path, SQLITE_READER);
	return r;
}

struct open_job {
	struct sqlite_store *sqlite;
	const char *path;
	struct store_words *words;
};

static int work_open(void *arg)
{
	struct open_job *job = arg;
	struct sqlite_conn *writer = job->sqlite->writer.idle[0];
	int r;

	if (strcmp(job->path, IN_MEMORY) != 0) {
		r = sqlite_file_claim(job->path, job->words, &job->sqlite->lock_fd);
		if (r < 0)
			return r;
	}
	r = sqlite_conn_open(writer);
	if (r < 0)
		store_words_set(job->words, "cannot open the database %s: %s", job->path, sqlite_conn_words(writer));
	return r;
}

/* The writer last: so it is the one that checkpoints. */
static int work_close(void *arg)
{
	struct sqlite_store *sqlite = arg;
	struct sqlite_conn *conn;

	while ((conn = store_pool_remove(&sqlite->readers)))
		sqlite_conn_free(&conn);
	while ((conn = store_pool_remove(&sqlite->writer)))
		sqlite_conn_free(&conn);
	if (sqlite->lock_fd >= 0)
		close(sqlite->lock_fd);
	return 0;
}

static void sqlite_close(struct store *s)
{
	struct sqlite_store *sqlite = sqlite_of(s);
	const struct offload offload = { .work = work_close, .arg = sqlite };

	if (offload_run(&offload) < 0)
		(void)work_close(sqlite);
	store_pool_done(&sqlite->readers);
	store_pool_done(&sqlite->writer);
	s->magic = 0;
	free(sqlite);
}

static int sqlite_open(const struct store_options *options, struct store_words *words, struct store **ret)
{
	char path[PATH_MAX];
	struct open_job job = { .path = path, .words = words };
	const struct offload offload = { .work = work_open, .arg = &job };
	int r;

	store_words_set(words, "the deadline passed, the caller went away, or no memory");
	r = path_of(options->url, path, sizeof(path), words);
	if (r < 0)
		return r;
	job.sqlite = fault_hit("alloc") ? NULL : calloc(1, sizeof(*job.sqlite));
	if (!job.sqlite)
		return -ENOMEM;
	job.sqlite->lock_fd = -1;
	store_init(&job.sqlite->base, &store_sqlite_driver, options);
	r = add_conns(job.sqlite, path);
	if (r == 0)
		r = offload_run(&offload);
	if (r < 0) {
		fiber_shield();
		sqlite_close(&job.sqlite->base);
		fiber_unshield();
		return r;
	}
	*ret = &job.sqlite->base;
	return 0;
}

const struct store_driver store_sqlite_driver = {
	.scheme = "sqlite",
	.system = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.query = sqlite_query,
	.begin = sqlite_begin,
	.tx_query = sqlite_tx_query,
	.tx_script = sqlite_tx_script,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
};
