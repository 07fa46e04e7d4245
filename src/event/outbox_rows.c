/* The outbox table in SQL that SQLite and PostgreSQL both take, but for the claim, which SQLite does not need. Nothing
 * is owned; rows live in the caller's arena. */
#include "event/outbox_rows.h"

#include "base/clock.h"
#include "event/outbox.h"

#include <errno.h>

#define PRUNE_MAX 1000
#define SENT_A_STATEMENT 16
#define PENDING "sent_ms IS NULL AND refused_ms IS NULL"

_Static_assert(OUTBOX_SENT_MAX == SENT_A_STATEMENT * STORE_BATCH_MAX, "as many as one batch holds");
_Static_assert(OUTBOX_OTHER_WEIGHT == SENT_A_STATEMENT, "each other one takes a statement");

static const char sql_add[] = "INSERT INTO outbox (event_id, subject, type, envelope, next_attempt_ms, created_ms) "
                              "VALUES ($1, $2, $3, $4, $5, $5)";

#define COLUMNS(t)                                                                                               \
	t ".sequence, " t ".event_id, " t ".subject, " t ".type, " t ".envelope, " t ".attempts, " t             \
	  ".next_attempt_ms, EXISTS (SELECT 1 FROM outbox f WHERE f.subject = " t ".subject AND f.sequence > " t \
	  ".sequence AND f.sent_ms IS NULL AND f.refused_ms IS NULL)"
/* `sequence > 0` is what the index outbox_pending asks for, and the question after the subject's others does not say: a
 * planner that has no statistics yet takes that index for them too, and reads all that is pending for each row. For the
 * same reason a head is found by its subject's first and not by NOT EXISTS, which may become a join of all with all. */
#define IS_HEAD_AND_DUE                                                                                  \
	"o.sequence > 0 AND o.sent_ms IS NULL AND o.refused_ms IS NULL AND (o.next_attempt_ms <= $1 OR " \
	"o.next_attempt_ms > $2) "                                                                       \
	"AND o.sequence = (SELECT p.sequence FROM outbox p WHERE p.subject = o.subject "                 \
	"AND p.sequence <= o.sequence AND p.sent_ms IS NULL AND p.refused_ms IS NULL "                   \
	"ORDER BY p.sequence LIMIT 1)"
static const char sql_heads[] =
        "SELECT " COLUMNS("o") " FROM outbox o WHERE " IS_HEAD_AND_DUE " ORDER BY o.sequence LIMIT $3";
/* Heads that another is just claiming are passed over. A claim that lasts twice as long as any (clocks may differ) was
 * made before the clock was set back. Materialised, lest the planner asks for the locks more than once. */
static const char sql_claim[] =
        "WITH due AS MATERIALIZED (SELECT o.sequence FROM outbox o WHERE " IS_HEAD_AND_DUE
        " AND (o.claimed_until_ms IS NULL OR o.claimed_until_ms NOT BETWEEN $1::bigint + 1 AND $1::bigint + 2 * "
        "$4::bigint) "
        "ORDER BY o.sequence LIMIT $3 FOR UPDATE OF o SKIP LOCKED) "
        "UPDATE outbox o SET claimed_until_ms = $1::bigint + $4::bigint FROM due WHERE o.sequence = due.sequence "
        "RETURNING " COLUMNS("o");
static const char sql_after[] =
        "SELECT " COLUMNS("o") " FROM outbox o WHERE o.subject = $1 AND o.sequence > $2 AND "
                               "o.sent_ms IS NULL AND o.refused_ms IS NULL ORDER BY o.sequence LIMIT $3";
static const char sql_sent[] =
        "UPDATE outbox SET sent_ms = $1, attempts = attempts + 1, claimed_until_ms = NULL WHERE sent_ms IS NULL AND "
        "sequence IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
static const char sql_failed[] = "UPDATE outbox SET next_attempt_ms = $2, last_error = $3, attempts = attempts + 1, "
                                 "claimed_until_ms = NULL WHERE sequence = $1 AND " PENDING;
static const char sql_refused[] = "UPDATE outbox SET refused_ms = $2, last_error = $3, attempts = attempts + 1, "
                                  "claimed_until_ms = NULL WHERE sequence = $1 AND " PENDING;
static const char sql_released[] = "UPDATE outbox SET claimed_until_ms = NULL WHERE sequence = $1";
static const char sql_count[] = "SELECT count(*), min(created_ms), count(CASE WHEN attempts > 0 THEN 1 END) "
                                "FROM outbox WHERE " PENDING;
static const char sql_prune[] = "DELETE FROM outbox WHERE sequence IN "
                                "(SELECT sequence FROM outbox WHERE sent_ms < $1 ORDER BY sent_ms LIMIT $2)";

int outbox_add(struct store_tx *tx, const struct event *e, struct arena *a)
{
	struct buf envelope CLEANUP(buf_done);
	int r;

	assert(!str_is_null(e->subject));
	buf_init(&envelope, EVENT_SIZE_MAX);
	r = event_write(e, &envelope);
	if (r < 0)
		return r == -ENOBUFS ? -EMSGSIZE : r;
	return store_tx_query(tx, sql_add,
	                      STORE_ARGS(STORE_S(e->id), STORE_S(e->subject), STORE_S(e->type),
	                                 STORE_S(buf_str(&envelope)), STORE_I(clock_real_ms())),
	                      a, NULL);
}

bool outbox_rows_are_shared(const struct store *s)
{
	return strcmp(store_system(s), "sqlite") != 0;
}

int outbox_rows_claim(struct store *s, struct outbox_due due, int64_t claim_ms, size_t limit, struct arena *a,
                      struct store_rows *ret)
{
	const struct store_value args[] = { STORE_I(due.now_ms), STORE_I(due.horizon_ms), STORE_I(limit),
		                            STORE_I(claim_ms) };

	if (outbox_rows_are_shared(s))
		return store_query(s, sql_claim, args, 4, a, ret);
	return store_read(s, sql_heads, args, 3, a, ret);
}

int outbox_rows_after(struct store *s, const struct outbox_row *row, size_t limit, struct arena *a,
                      struct store_rows *ret)
{
	return store_read(s, sql_after, STORE_ARGS(STORE_S(row->subject), STORE_I(row->sequence), STORE_I(limit)), a,
	                  ret);
}

struct outbox_row outbox_row_at(const struct store_rows *rows, size_t i)
{
	return (struct outbox_row){
		.sequence = store_int(rows, i, 0),
		.event_id = store_text(rows, i, 1),
		.subject = store_text(rows, i, 2),
		.type = store_text(rows, i, 3),
		.envelope = store_text(rows, i, 4),
		.attempts = store_int(rows, i, 5),
		.next_attempt_ms = store_int(rows, i, 6),
		.is_followed = store_bool(rows, i, 7),
	};
}

bool outbox_row_is_due(const struct outbox_row *row, struct outbox_due due)
{
	return row->next_attempt_ms <= due.now_ms || row->next_attempt_ms > due.horizon_ms;
}

/* ---- writing down ---- */

struct record {
	size_t n;
	struct store_statement statements[STORE_BATCH_MAX];
	struct store_value args[STORE_BATCH_MAX][SENT_A_STATEMENT + 1];
};

static struct store_value *record_next(struct record *to, const char *sql, size_t n_args)
{
	struct store_value *args = to->args[to->n];

	assert(to->n < STORE_BATCH_MAX);
	to->statements[to->n++] = (struct store_statement){ sql, args, n_args };
	return args;
}

static void record_sent(struct record *to, const struct outbox_outcome *outcomes, size_t n, int64_t now_ms)
{
	struct store_value *args = NULL;
	size_t used = SENT_A_STATEMENT;

	for (size_t i = 0; i < n; i++) {
		if (outcomes[i].fate != OUTBOX_SENT)
			continue;
		if (used == SENT_A_STATEMENT) {
			args = record_next(to, sql_sent, SENT_A_STATEMENT + 1);
			args[0] = STORE_I(now_ms);
			for (used = 0; used < SENT_A_STATEMENT; used++)
				args[1 + used] = STORE_I(0); /* nobody's sequence */
			used = 0;
		}
		args[1 + used++] = STORE_I(outcomes[i].sequence);
	}
}

static void record_other(struct record *to, const struct outbox_outcome *outcome, int64_t now_ms)
{
	bool is_refused = outcome->fate == OUTBOX_REFUSED;
	struct store_value *args;

	if (outcome->fate == OUTBOX_UNTRIED) {
		args = record_next(to, sql_released, 1);
		args[0] = STORE_I(outcome->sequence);
		return;
	}
	args = record_next(to, is_refused ? sql_refused : sql_failed, 3);
	args[0] = STORE_I(outcome->sequence);
	args[1] = STORE_I(is_refused ? now_ms : outcome->next_attempt_ms);
	args[2] = STORE_S(str_from(outcome->error));
}

int outbox_rows_record(struct store *s, const struct outbox_outcome *outcomes, size_t n, struct arena *a)
{
	int64_t now_ms = clock_real_ms();
	struct record to = { 0 };

	record_sent(&to, outcomes, n, now_ms);
	for (size_t i = 0; i < n; i++)
		if (outcomes[i].fate != OUTBOX_SENT)
			record_other(&to, &outcomes[i], now_ms);
	return to.n > 0 ? store_batch(s, to.statements, to.n, a, NULL) : 0;
}

/* ---- the rest ---- */

int outbox_rows_count(struct store *s, struct arena *a, struct outbox_counts *ret)
{
	struct store_rows rows;
	int r;

	r = store_read(s, sql_count, STORE_NO_ARGS, a, &rows);
	if (r < 0)
		return r;
	ret->pending = store_int(&rows, 0, 0);
	ret->oldest_ms = store_int(&rows, 0, 1);
	ret->retrying = store_int(&rows, 0, 2);
	return 0;
}

int outbox_rows_prune(struct store *s, int64_t before_ms, struct arena *a, bool *ret_more)
{
	struct store_rows rows;
	int r;

	r = store_query(s, sql_prune, STORE_ARGS(STORE_I(before_ms), STORE_I(PRUNE_MAX)), a, &rows);
	if (r == 0)
		*ret_more = rows.affected == PRUNE_MAX;
	return r;
}
