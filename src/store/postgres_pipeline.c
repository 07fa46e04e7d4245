/* Running statements. What is known of a pipeline that fails (enum postgres_fate) rests on two things: the server makes
 * nothing last before a COMMIT or, without one, the sync; and it answers in order, so an error in the place of an
 * earlier answer says that nothing of it lasts.
 *
 * Everything yields and is bounded by until_ms; giving up takes DRAIN_MS more at most, shielded.
 * Limits: POSTGRES_ITEMS_MAX items, STORE_ROWS_MAX rows each. */
#include "store/postgres_pipeline.h"

#include "fiber/fiber.h"
#include "store/postgres_cancel.h"
#include "store/postgres_error.h"
#include "store/postgres_value.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	DRAIN_MS = 1000, /* how long a cancelled statement may take to end */
	NAME_SIZE = 16,
};

/* One item of the pipeline under way. */
struct sending {
	const struct postgres_item *item;
	int number;    /* of its statement */
	bool prepares; /* the statement is prepared first */
};

struct pipeline {
	struct postgres_conn *conn;
	int64_t until_ms;
	struct store_words *words;
	struct sending items[POSTGRES_ITEMS_MAX];
	size_t n;
	bool is_in_tx;           /* it goes on with a transaction */
	bool is_sent;            /* something of it may have reached the server */
	const char *command;     /* of the present item, or NULL */
	bool is_fresh;           /* the present item was prepared in this pipeline, or is a command */
	bool is_done;            /* the present statement has succeeded */
	bool is_refused;         /* the server has said that nothing of it lasts */
	bool is_committed;       /* its COMMIT has succeeded */
	struct store_rows *rows; /* of the present item */
	int error;               /* the first */
};

/* libpq takes results that are not constant where it only looks. */
static PGresult *plain(const PGresult *result)
{
	return (PGresult *)(uintptr_t)result;
}

static bool is_commit(const char *command)
{
	return command && strcmp(command, "COMMIT") == 0;
}

/* ---- sending ---- */

static int call_prepare(struct pipeline *p, struct sending *s)
{
	struct postgres_statements *statements = &p->conn->statements;
	int r = postgres_statements_find(statements, s->item->call);

	s->prepares = r == -ENOENT;
	if (s->prepares)
		r = postgres_statements_add(statements, s->item->call);
	/* Full: another connection has room. */
	if (r == -ENOSPC)
		return postgres_conn_lost(p->conn, p->words);
	if (r < 0)
		return r;
	s->number = r;
	return 0;
}

static int call_send(struct pipeline *p, struct sending *s)
{
	const struct store_call *call = s->item->call;
	PGconn *pg = p->conn->pg;
	struct postgres_params params;
	char name[NAME_SIZE];
	int r;

	r = postgres_params_make(call->args, call->n_args, call->arena, &params);
	if (r == 0)
		r = call_prepare(p, s);
	if (r < 0)
		return r;
	(void)snprintf(name, sizeof(name), "s%d", s->number);
	if (s->prepares && !PQsendPrepare(pg, name, call->sql, (int)call->n_args, params.types))
		return postgres_conn_lost(p->conn, p->words);
	if (!PQsendQueryPrepared(pg, name, (int)call->n_args, params.values, params.lengths, params.formats, 1))
		return postgres_conn_lost(p->conn, p->words);
	return 0;
}

static int item_send(struct pipeline *p, struct sending *s)
{
	if (!s->item->command)
		return call_send(p, s);
	if (!PQsendQueryParams(p->conn->pg, s->item->command, 0, NULL, NULL, NULL, NULL, 1))
		return postgres_conn_lost(p->conn, p->words);
	return 0;
}

/* A pipeline that was not queued whole is never synced, so nothing of it lasts; but nobody can use the connection. */
static int pipeline_send(struct pipeline *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n; i++) {
		r = item_send(p, &p->items[i]);
		if (r == 0 || r == -ENOTCONN)
			continue;
		store_words_set(p->words, "no memory for the arguments");
		p->conn->is_broken |= i > 0;
	}
	if (r < 0)
		return r;
	p->is_sent = true;
	if (!PQpipelineSync(p->conn->pg))
		return postgres_conn_lost(p->conn, p->words);
	return postgres_conn_flush(p->conn, p->until_ms, p->words);
}

/* ---- receiving ---- */

static void fail(struct pipeline *p, int r)
{
	if (p->error == 0)
		p->error = r;
}

/* A COMMIT of a transaction that had failed is answered "ROLLBACK". */
static void command_take(struct pipeline *p, const PGresult *result)
{
	if (!p->command || strcmp(PQcmdStatus(plain(result)), p->command) == 0)
		return;
	store_words_set(p->words, "the server has not done as it was told");
	fail(p, -EIO);
}

/* Of a SELECT too libpq says how many rows. */
static int64_t affected(const PGresult *last)
{
	const char *tuples = PQcmdTuples(plain(last));
	int64_t n = 0;

	if (strncmp(PQcmdStatus(plain(last)), "SELECT", strlen("SELECT")) != 0 && *tuples)
		(void)!str_to_int64(str_from(tuples), 0, INT64_MAX, &n);
	return n;
}

/* Rows come one by one, and then an empty end. rows: NULL when there are none to keep. */
static void rows_take(struct pipeline *p, const PGresult *result, struct postgres_rows *rows)
{
	bool is_last = PQresultStatus(result) != PGRES_SINGLE_TUPLE;
	int r = 0;

	p->is_done |= is_last;
	p->is_committed |= is_last && is_commit(PQcmdStatus(plain(result)));
	if (p->error < 0)
		return;
	if (!rows) {
		command_take(p, result);
		return;
	}
	r = postgres_rows_add(rows, result, p->words);
	if (r == 0 && is_last)
		r = postgres_rows_move(rows, affected(result), p->words, p->rows);
	if (r < 0)
		fail(p, r);
}

/* "cached plan must not change result type" has the code of everything that the server cannot do. */
static int refusal_errno(const struct pipeline *p, const PGresult *result, struct store_words *words)
{
	int r = postgres_error(result, words);

	return r == -ESTALE && p->is_fresh ? -EPROTO : r;
}

static void refusal_take(struct pipeline *p, const PGresult *result)
{
	struct store_words ignored;
	bool is_first = p->error == 0;

	fail(p, refusal_errno(p, result, is_first ? p->words : &ignored));
	if (is_first && !p->is_done && !is_commit(p->command) && PQresultErrorField(result, PG_DIAG_SQLSTATE))
		p->is_refused = true;
}

static void result_take(struct pipeline *p, const PGresult *result, struct postgres_rows *rows)
{
	switch (PQresultStatus(result)) {
	case PGRES_SINGLE_TUPLE:
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		rows_take(p, result, rows);
		return;
	case PGRES_PIPELINE_ABORTED:
		return;
	case PGRES_EMPTY_QUERY:
		store_words_set(p->words, "not exactly one statement");
		fail(p, -EPROTO);
		return;
	case PGRES_COPY_IN:
	case PGRES_COPY_OUT:
	case PGRES_COPY_BOTH:
		store_words_set(p->words, "COPY has no place here");
		p->conn->is_broken = true;
		fail(p, -EPROTO);
		return;
	default:
		refusal_take(p, result);
		return;
	}
}

/* Rows over the limit are not waited for where nothing is lost by stopping: in a read, and in a transaction, which the
 * error ends in any case. */
static bool is_to_be_stopped(const struct pipeline *p, const struct postgres_rows *rows)
{
	const struct postgres_item *first = p->items[0].item;

	return p->error == -EMSGSIZE && rows && !p->is_done && (first->command || first->call->reads || p->is_in_tx);
}

/* All results of one statement, up to the NULL behind them. */
static int statement_receive(struct pipeline *p, struct postgres_rows *rows)
{
	PGresult *result;
	int r;

	p->is_done = false;
	do {
		r = postgres_conn_result(p->conn, p->until_ms, p->words, &result);
		if (r < 0)
			return r;
		if (result)
			result_take(p, result, rows);
		PQclear(result);
		if (postgres_conn_is_broken(p->conn)) {
			p->conn->is_broken = true;
			return p->error < 0 ? -ENOTCONN : postgres_conn_lost(p->conn, p->words);
		}
		if (is_to_be_stopped(p, rows))
			return -EMSGSIZE;
	} while (result);
	return 0;
}

static int item_receive(struct pipeline *p, const struct sending *s)
{
	struct postgres_rows rows CLEANUP(postgres_rows_done) = { 0 };
	struct store_rows ret = { 0 };
	bool is_call = !s->item->command;
	int r;

	p->command = s->item->command;
	p->is_fresh = !is_call || s->prepares;
	if (s->prepares) {
		r = statement_receive(p, NULL);
		if (r < 0 || !p->is_done)
			postgres_statements_forget(&p->conn->statements, s->number);
		if (r < 0)
			return r;
	}
	/* One row at a time: a statement that gives millions takes no memory here. */
	(void)PQsetSingleRowMode(p->conn->pg);
	if (is_call)
		rows.arena = s->item->call->arena;
	p->rows = &ret;
	r = statement_receive(p, is_call ? &rows : NULL);
	if (r == 0 && p->error == 0 && is_call && s->item->ret)
		*s->item->ret = ret;
	return r;
}

/* The end of the pipeline: only now is for good what it did without a COMMIT of its own. */
static int sync_receive(struct pipeline *p)
{
	PGresult *result;
	bool is_over = false;
	int r;

	p->is_done = true;
	while (!is_over) {
		r = postgres_conn_result(p->conn, p->until_ms, p->words, &result);
		if (r < 0)
			return r;
		is_over = result && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		if (result && !is_over)
			refusal_take(p, result);
		PQclear(result);
		if (!is_over && postgres_conn_is_broken(p->conn))
			return postgres_conn_lost(p->conn, p->words);
	}
	return 0;
}

static int pipeline_receive(struct pipeline *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n; i++)
		r = item_receive(p, &p->items[i]);
	if (r < 0)
		return r;
	r = sync_receive(p);
	/* Committed is committed. */
	if (r < 0 && p->is_committed && p->error == 0) {
		p->conn->is_broken = true;
		return 0;
	}
	return r;
}

/* ---- giving up ---- */

/* Reads and throws away everything up to the end of the pipeline. */
static int drain(struct pipeline *p, int64_t until_ms)
{
	struct store_words ignored;
	bool is_over = false;
	PGresult *result;
	int r;

	while (!is_over) {
		r = postgres_conn_flush(p->conn, until_ms, &ignored);
		if (r == 0)
			r = postgres_conn_result(p->conn, until_ms, &ignored, &result);
		if (r < 0)
			return r;
		is_over = result && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		p->is_refused |= result && PQresultStatus(result) == PGRES_FATAL_ERROR;
		p->is_committed |= result && is_commit(PQcmdStatus(result));
		PQclear(result);
		if (!is_over && postgres_conn_is_broken(p->conn))
			return -ENOTCONN;
	}
	return 0;
}

/* What waits for its answer when the pipeline is given up. */
static void unanswered_forget(struct pipeline *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].prepares && p->items[i].number >= 0)
			postgres_statements_forget(&p->conn->statements, p->items[i].number);
}

/* The statement is ended at the server, and the connection made good again, or given up too. */
static void pipeline_abandon(struct pipeline *p)
{
	struct postgres_cancel *cancel CLEANUP(postgres_cancel_unref) = NULL;
	int64_t until_ms = clock_deadline_in(DRAIN_MS);

	unanswered_forget(p);
	if (postgres_conn_is_broken(p->conn))
		return;
	fiber_shield();
	(void)!postgres_cancel_start(p->conn->pg, &cancel);
	if (drain(p, until_ms) < 0 || (cancel && !postgres_cancel_wait(cancel, until_ms))) {
		p->conn->is_broken = true;
		p->is_refused = false;
	}
	fiber_unshield();
}

/* ---- running ---- */

static int pipeline_go(struct pipeline *p)
{
	int r;

	r = pipeline_send(p);
	if (r == 0)
		r = pipeline_receive(p);
	if (r == -ETIMEDOUT || r == -ECANCELED)
		store_words_set(p->words, "stopped: the deadline passed or the caller went away");
	if (r == -ETIMEDOUT || r == -ECANCELED || r == -EMSGSIZE)
		pipeline_abandon(p);
	p->conn->used_ms = clock_mono_ms();
	return r;
}

static enum postgres_fate fate_of(const struct pipeline *p, int r)
{
	if (r == 0 && p->error == 0)
		return POSTGRES_KNOWN;
	if (p->is_committed)
		return POSTGRES_UNKNOWN;
	if (!p->is_sent || p->is_refused || r == 0)
		return POSTGRES_NOTHING;
	return POSTGRES_UNKNOWN;
}

/* What a statement failed with, as the caller is to see it. */
static int error_final(struct postgres_conn *c, int r)
{
	if (r == -ESTALE) { /* its prepared form no longer fits: a fresh connection knows none */
		c->is_broken = true;
		return -ENOTCONN;
	}
	return r == -EINTR ? -ETIMEDOUT : r; /* statement_timeout */
}

int postgres_pipeline_run(struct postgres_conn *c, const struct postgres_item *items, size_t n, int64_t until_ms,
                          struct store_words *words, enum postgres_fate *ret_fate)
{
	struct pipeline p = { .conn = c, .until_ms = until_ms, .words = words, .n = n };
	int r;

	assert(n >= 1 && n <= POSTGRES_ITEMS_MAX);
	for (size_t i = 0; i < n; i++)
		p.items[i] = (struct sending){ .item = &items[i], .number = -1 };
	p.is_in_tx = postgres_conn_in_transaction(c);
	*ret_fate = POSTGRES_NOTHING;
	if (postgres_conn_is_broken(c))
		return postgres_conn_lost(c, words);
	r = fiber_check();
	if (r < 0) {
		store_words_set(words, "not begun: the deadline has passed or the caller went away");
		return r;
	}
	r = pipeline_go(&p);
	*ret_fate = fate_of(&p, r);
	return r == 0 && p.error < 0 ? error_final(c, p.error) : r;
}

/* Ends the script at the server, if it can be told; the connection is used no more. */
static int script_abandon(struct postgres_conn *c, int r)
{
	struct postgres_cancel *cancel CLEANUP(postgres_cancel_unref) = NULL;

	c->is_broken = true;
	(void)!postgres_cancel_start(c->pg, &cancel);
	return r < 0 ? r : -ENOTCONN;
}

int postgres_pipeline_script(struct postgres_conn *c, struct str script, int64_t until_ms, struct store_words *words)
{
	struct pipeline p = { .conn = c, .until_ms = until_ms, .words = words, .is_fresh = true };
	int r;

	assert(script.data[script.len] == '\0');
	if (postgres_conn_is_broken(c))
		return postgres_conn_lost(c, words);
	r = PQexitPipelineMode(c->pg) && PQsendQuery(c->pg, script.data) ? 0 : postgres_conn_lost(c, words);
	if (r == 0)
		r = postgres_conn_flush(c, until_ms, words);
	if (r == 0)
		r = statement_receive(&p, NULL);
	if (r < 0 || !PQenterPipelineMode(c->pg))
		return script_abandon(c, r);
	c->used_ms = clock_mono_ms();
	return p.error == 0 ? 0 : error_final(c, p.error);
}
