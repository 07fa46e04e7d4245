/* The PostgreSQL engine: a pool of connections to a server, statements in pipelines, nothing that blocks the loop.
 *
 * The store owns its connections; a fiber of its own, the keeper (postgres_keeper.c), makes and ends them, so that a
 * statement never waits for more than a connection that comes free. What was lost with a connection is repeated only
 * when the server cannot have done it; a write that it may have done is -EIO, for the caller to look for under its
 * unique key. BEGIN travels with the first statement. */
#include "store/postgres.h"

#include "base/fault.h"
#include "store/postgres_conn.h"
#include "store/postgres_pipeline.h"
#include "store/postgres_target.h"

#include <errno.h>
#include <stdlib.h>

enum {
	TRIES_MAX = 3,
	SLACK_MS = 500, /* the server's own time limit comes first */
	ROLLBACK_MS = 1000,
	SCRIPT_MS = 3600 * 1000,
};

struct postgres_tx {
	struct store_tx base;
	struct postgres_conn *conn;
	bool began;
};

static struct postgres_tx *tx_of(struct store_tx *tx)
{
	return CONTAINER_OF(tx, struct postgres_tx, base);
}

static int64_t until_ms(const struct store *s)
{
	return MIN(fiber_deadline(), clock_deadline_in(s->options.statement_timeout_ms + SLACK_MS));
}

/* ---- connections ---- */

static int command_run(struct store *s, struct postgres_conn *conn, const char *command, int64_t ms,
                       enum postgres_fate *ret_fate)
{
	const struct postgres_item item = { .command = command };

	return postgres_pipeline_run(conn, &item, 1, clock_deadline_in(ms), &s->words, ret_fate);
}

/* Yields, shielded, when a transaction is still open in it. Says nothing: the words are the failure's. */
static void conn_give(struct store *s, struct postgres_conn *conn)
{
	struct store_words words = s->words;
	enum postgres_fate fate;
	bool is_good = !postgres_conn_is_broken(conn);

	if (is_good && postgres_conn_in_transaction(conn)) {
		fiber_shield();
		is_good = command_run(s, conn, "ROLLBACK", ROLLBACK_MS, &fate) == 0;
		fiber_unshield();
		s->words = words;
	}
	postgres_keeper_give(postgres_of(s), conn, is_good && !postgres_conn_is_broken(conn));
}

/* Is it to be tried again, on another connection? */
static bool may_repeat(int r, const struct postgres_conn *conn, enum postgres_fate fate, bool reads, int tries)
{
	return r == -ENOTCONN && postgres_conn_is_broken(conn) && (fate == POSTGRES_NOTHING || reads) &&
	       tries < TRIES_MAX;
}

/* The error of a write of which nobody knows whether it was done. */
static int unknown(struct store *s, int r, enum postgres_fate fate, bool reads)
{
	struct store_words said = s->words;

	if (r >= 0 || fate != POSTGRES_UNKNOWN || reads)
		return r;
	store_say(s, "not known whether this was done: %.200s", said.text);
	return -EIO;
}

/* ---- statements ---- */

static int items_run(struct store *s, const struct postgres_item *items, size_t n, bool reads)
{
	struct postgres_conn *conn;
	enum postgres_fate fate = POSTGRES_NOTHING;
	bool again = true;
	int r = 0;

	for (int tries = 1; again; tries++) {
		r = postgres_keeper_take(postgres_of(s), &conn);
		if (r < 0)
			return r;
		r = postgres_pipeline_run(conn, items, n, until_ms(s), &s->words, &fate);
		again = may_repeat(r, conn, fate, reads, tries);
		conn_give(s, conn);
	}
	return unknown(s, r, fate, reads);
}

static int postgres_query(struct store *s, const struct store_call *call, struct store_rows *ret)
{
	const struct postgres_item item = { .call = call, .ret = ret };

	return items_run(s, &item, 1, call->reads);
}

static int postgres_batch(struct store *s, const struct store_call *calls, size_t n, struct store_rows *ret_rows)
{
	struct postgres_item items[STORE_BATCH_MAX + 2] = { { .command = "BEGIN" } };

	for (size_t i = 0; i < n; i++)
		items[i + 1] = (struct postgres_item){ .call = &calls[i], .ret = ret_rows ? &ret_rows[i] : NULL };
	items[n + 1] = (struct postgres_item){ .command = "COMMIT" };
	return items_run(s, items, n + 2, false);
}

/* ---- transactions ---- */

static int postgres_begin(struct store *s, struct store_tx **ret)
{
	struct postgres_tx *tx = fault_hit("alloc") ? NULL : calloc(1, sizeof(*tx));
	int r;

	if (!tx) {
		store_say(s, "out of memory");
		return -ENOMEM;
	}
	r = postgres_keeper_take(postgres_of(s), &tx->conn);
	if (r < 0) {
		free(tx);
		return r;
	}
	*ret = &tx->base;
	return 0;
}

/* The first statement, with BEGIN before it. While nothing has happened another connection will do as well. */
static int tx_first(struct store *s, struct postgres_tx *t, const struct store_call *call, struct store_rows *ret)
{
	const struct postgres_item items[] = { { .command = "BEGIN" }, { .call = call, .ret = ret } };
	enum postgres_fate fate;
	int r;

	for (int tries = 1;; tries++) {
		r = postgres_pipeline_run(t->conn, items, ARRAY_SIZE(items), until_ms(s), &s->words, &fate);
		t->began = true;
		/* What a transaction did that was lost before its COMMIT is as good as not done. */
		if (!may_repeat(r, t->conn, POSTGRES_NOTHING, false, tries))
			return r;
		conn_give(s, STEAL(t->conn));
		t->began = false;
		r = postgres_keeper_take(postgres_of(s), &t->conn);
		if (r < 0)
			return r;
	}
}

static int postgres_tx_query(struct store_tx *tx, const struct store_call *call, struct store_rows *ret)
{
	struct postgres_tx *t = tx_of(tx);
	const struct postgres_item item = { .call = call, .ret = ret };
	enum postgres_fate fate;

	if (!t->began)
		return tx_first(tx->store, t, call, ret);
	return postgres_pipeline_run(t->conn, &item, 1, until_ms(tx->store), &tx->store->words, &fate);
}

static int script_run(struct store *s, struct postgres_conn *conn, struct str script)
{
	return postgres_pipeline_script(conn, script, clock_deadline_in(SCRIPT_MS), &s->words);
}

/* A migration takes as long as it takes. */
static int postgres_tx_script(struct store_tx *tx, struct str script)
{
	struct postgres_tx *t = tx_of(tx);
	struct store *s = tx->store;
	int r = 0;

	if (!t->began)
		r = script_run(s, t->conn, STR("BEGIN"));
	t->began = true;
	if (r == 0)
		r = script_run(s, t->conn, STR("SET LOCAL statement_timeout = 0"));
	if (r == 0)
		r = script_run(s, t->conn, script);
	if (r < 0 || postgres_conn_in_transaction(t->conn))
		return r;
	store_say(s, "the script ends its transaction by itself");
	return -EPROTO;
}

/* A session that has ended before it is asked has not committed. */
static int tx_commit(struct store *s, struct postgres_conn *conn)
{
	enum postgres_fate fate;
	int r;

	if (postgres_conn_is_dead(conn))
		return postgres_conn_lost(conn, &s->words);
	r = command_run(s, conn, "COMMIT", s->options.statement_timeout_ms + SLACK_MS, &fate);
	return unknown(s, r, fate, false);
}

static int postgres_commit(struct store_tx *tx)
{
	struct postgres_tx *t = tx_of(tx);
	int r = t->began ? tx_commit(tx->store, t->conn) : 0;

	conn_give(tx->store, t->conn);
	free(t);
	return r;
}

static void postgres_rollback(struct store_tx *tx)
{
	struct postgres_tx *t = tx_of(tx);

	if (t->conn)
		conn_give(tx->store, t->conn);
	free(t);
}

/* ---- migrations ---- */

static int postgres_migrate_lock(struct store *s)
{
	return postgres_keeper_lock(postgres_of(s));
}

static void postgres_migrate_unlock(struct store *s)
{
	postgres_keeper_unlock(postgres_of(s));
}

/* ---- opening and closing ---- */

static void postgres_close(struct store *s)
{
	struct postgres_store *p = postgres_of(s);

	postgres_keeper_stop(p);
	s->magic = 0;
	postgres_target_free(&p->target);
	free(p);
}

static int postgres_open(const struct store_options *options, struct store_words *words, struct store **ret)
{
	struct postgres_store *p = fault_hit("alloc") ? NULL : calloc(1, sizeof(*p));
	int r;

	store_words_set(words, "out of memory");
	if (!p)
		return -ENOMEM;
	r = postgres_target_new(options, words, &p->target);
	if (r < 0) {
		free(p);
		return r;
	}
	store_init(&p->base, &store_postgres_driver, options);
	r = postgres_keeper_start(p, words);
	if (r < 0) {
		fiber_shield();
		postgres_close(&p->base);
		fiber_unshield();
		return r;
	}
	*ret = &p->base;
	return 0;
}

struct postgres_store *postgres_of(struct store *s)
{
	assert(s->magic == STORE_MAGIC && s->driver == &store_postgres_driver);
	return CONTAINER_OF(s, struct postgres_store, base);
}

const struct store_driver store_postgres_driver = {
	.scheme = "postgres",
	.system = "postgresql",
	.check_url = postgres_target_check,
	.open = postgres_open,
	.close = postgres_close,
	.query = postgres_query,
	.batch = postgres_batch,
	.begin = postgres_begin,
	.tx_query = postgres_tx_query,
	.tx_script = postgres_tx_script,
	.commit = postgres_commit,
	.rollback = postgres_rollback,
	.migrate_lock = postgres_migrate_lock,
	.migrate_unlock = postgres_migrate_unlock,
};
