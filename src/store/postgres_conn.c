/* A connection. libpq does the protocol; its socket is waited for as fibers wait for descriptors. libpq is never let
 * block on the loop: connecting happens on a pool thread (it looks names up as well), everything after it without
 * waiting. The keeper owns the connections and lends each to one fiber at a time. */
#include "store/postgres_conn.h"

#include "base/fault.h"
#include "base/random.h"
#include "fiber/fiber.h"
#include "store/postgres_target.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <uv.h>

#define CONN_MAGIC UINT32_C(0x50474343)

/* ---- making and ending ---- */

/* An idle session that is ended is told so by an error nobody asked for, which libpq gives out as a notice. */
static void on_notice(void *arg, const PGresult *result)
{
	struct postgres_conn *c = arg;
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
		c->is_broken = true;
}

/* The first line of libpq's words. It names host, port, user and database, never the password. */
static void connect_words(const PGconn *pg, struct store_words *words)
{
	const char *said = PQerrorMessage(pg);

	store_words_set(words, "cannot connect to PostgreSQL: %.*s", (int)MIN(strcspn(said, "\n"), (size_t)200), said);
}

int postgres_conn_open(const struct postgres_target *target, int64_t life_ms, struct store_words *words,
                       struct postgres_conn **ret)
{
	struct postgres_conn *c CLEANUP(postgres_conn_close) = fault_hit("alloc") ? NULL : calloc(1, sizeof(*c));

	store_words_set(words, "out of memory");
	if (!c)
		return -ENOMEM;
	c->magic = CONN_MAGIC;
	c->pg = postgres_target_connect(target);
	if (!c->pg)
		return -ENOMEM;
	if (PQstatus(c->pg) != CONNECTION_OK || PQsetnonblocking(c->pg, 1) != 0 || PQenterPipelineMode(c->pg) != 1) {
		connect_words(c->pg, words);
		return -ENOTCONN;
	}
	PQsetNoticeReceiver(c->pg, on_notice, c);
	c->used_ms = clock_mono_ms();
	/* Not all at once. */
	c->ends_ms = c->used_ms + life_ms - (int64_t)random_below((uint64_t)life_ms / 4 + 1);
	*ret = STEAL(c);
	return 0;
}

void postgres_conn_close(struct postgres_conn **c)
{
	struct postgres_conn *conn = STEAL(*c);

	if (!conn)
		return;
	assert(conn->magic == CONN_MAGIC);
	conn->magic = 0;
	PQfinish(conn->pg);
	postgres_statements_done(&conn->statements);
	free(conn);
}

/* ---- waiting ---- */

int postgres_conn_lost(struct postgres_conn *c, struct store_words *words)
{
	c->is_broken = true;
	store_words_set(words, "the connection to the server was lost");
	return -ENOTCONN;
}

/* Until the socket is ready for one of the events. -ETIMEDOUT, -ECANCELED. */
static int socket_wait(struct postgres_conn *c, int events, int64_t until_ms)
{
	int r = fiber_wait_fd_until(PQsocket(c->pg), events, until_ms);

	return r == 0 ? -ETIMEDOUT : MIN(r, 0);
}

/* Reads meanwhile, since a server whose answers nobody reads does not read either. */
int postgres_conn_flush(struct postgres_conn *c, int64_t until_ms, struct store_words *words)
{
	int left;
	int r;

	while ((left = PQflush(c->pg)) == 1) {
		r = socket_wait(c, UV_READABLE | UV_WRITABLE, until_ms);
		if (r < 0)
			return r;
		if (!PQconsumeInput(c->pg))
			return postgres_conn_lost(c, words);
	}
	return left < 0 ? postgres_conn_lost(c, words) : 0;
}

int postgres_conn_result(struct postgres_conn *c, int64_t until_ms, struct store_words *words, PGresult **ret)
{
	int r;

	assert(c->magic == CONN_MAGIC);
	while (PQisBusy(c->pg)) {
		r = socket_wait(c, UV_READABLE, until_ms);
		if (r < 0)
			return r;
		if (!PQconsumeInput(c->pg))
			return postgres_conn_lost(c, words);
	}
	*ret = PQgetResult(c->pg);
	return 0;
}

/* ---- looking at it ---- */

bool postgres_conn_is_broken(const struct postgres_conn *c)
{
	assert(c->magic == CONN_MAGIC);
	return c->is_broken || PQstatus(c->pg) != CONNECTION_OK;
}

bool postgres_conn_is_dead(struct postgres_conn *c)
{
	struct pollfd p = { .fd = PQsocket(c->pg), .events = POLLIN | POLLRDHUP };

	if (postgres_conn_is_broken(c))
		return true;
	if (poll(&p, 1, 0) <= 0)
		return false;
	if ((p.revents & (POLLHUP | POLLRDHUP | POLLERR)) || !PQconsumeInput(c->pg))
		return true;
	/* Nothing is to come unasked but a changed setting, a notice, or the end; looking for notifications reads it.
	 */
	PQfreemem(PQnotifies(c->pg));
	return postgres_conn_is_broken(c);
}

bool postgres_conn_in_transaction(const struct postgres_conn *c)
{
	return PQtransactionStatus(c->pg) != PQTRANS_IDLE;
}

int64_t postgres_conn_ends_ms(const struct postgres_conn *c)
{
	return c->ends_ms;
}

int64_t postgres_conn_used_ms(const struct postgres_conn *c)
{
	return c->used_ms;
}
