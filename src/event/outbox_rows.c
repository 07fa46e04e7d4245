/* The outbox table in SQL that SQLite and PostgreSQL both take. Nothing is owned; rows live in the caller's arena. */
#include "event/outbox_rows.h"

#include "base/clock.h"
#include "event/outbox.h"

#include <errno.h>

#define PRUNE_MAX 1000
#define PENDING "sent_ms IS NULL AND refused_ms IS NULL"

static const char sql_add[] = "INSERT INTO outbox (event_id, subject, type, envelope, next_attempt_ms, created_ms) "
                              "VALUES ($1, $2, $3, $4, $5, $5)";
static const char sql_subjects[] =
        "SELECT o.subject FROM outbox o WHERE o.sent_ms IS NULL AND o.refused_ms IS NULL "
        "AND (o.next_attempt_ms <= $1 OR o.next_attempt_ms > $2) "
        "AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.subject = o.subject AND p.sequence < o.sequence "
        "AND p.sent_ms IS NULL AND p.refused_ms IS NULL) ORDER BY o.sequence LIMIT $3";
static const char sql_rows_of[] = "SELECT sequence, event_id, type, envelope, attempts, next_attempt_ms FROM outbox "
                                  "WHERE subject = $1 AND " PENDING " ORDER BY sequence LIMIT $2";
static const char sql_sent[] = "UPDATE outbox SET sent_ms = $2, attempts = attempts + 1 WHERE sequence = $1";
static const char sql_failed[] =
        "UPDATE outbox SET next_attempt_ms = $2, last_error = $3, attempts = attempts + 1 WHERE sequence = $1";
static const char sql_refused[] =
        "UPDATE outbox SET refused_ms = $2, last_error = $3, attempts = attempts + 1 WHERE sequence = $1";
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

int outbox_rows_subjects(struct store *s, struct outbox_due due, size_t limit, struct arena *a, struct store_rows *ret)
{
	return store_read(s, sql_subjects, STORE_ARGS(STORE_I(due.now_ms), STORE_I(due.horizon_ms), STORE_I(limit)), a,
	                  ret);
}

int outbox_rows_of(struct store *s, struct str subject, size_t limit, struct arena *a, struct store_rows *ret)
{
	return store_read(s, sql_rows_of, STORE_ARGS(STORE_S(subject), STORE_I(limit)), a, ret);
}

struct outbox_row outbox_row_at(const struct store_rows *rows, size_t i)
{
	return (struct outbox_row){
		.sequence = store_int(rows, i, 0),
		.event_id = store_text(rows, i, 1),
		.type = store_text(rows, i, 2),
		.envelope = store_text(rows, i, 3),
		.attempts = store_int(rows, i, 4),
		.next_attempt_ms = store_int(rows, i, 5),
	};
}

bool outbox_row_is_due(const struct outbox_row *row, struct outbox_due due)
{
	return row->next_attempt_ms <= due.now_ms || row->next_attempt_ms > due.horizon_ms;
}

int outbox_row_sent(struct store *s, int64_t sequence, struct arena *a)
{
	return store_query(s, sql_sent, STORE_ARGS(STORE_I(sequence), STORE_I(clock_real_ms())), a, NULL);
}

int outbox_row_failed(struct store *s, int64_t sequence, int64_t next_attempt_ms, const char *error, struct arena *a)
{
	return store_query(s, sql_failed,
	                   STORE_ARGS(STORE_I(sequence), STORE_I(next_attempt_ms), STORE_S(str_from(error))), a, NULL);
}

int outbox_row_refused(struct store *s, int64_t sequence, const char *error, struct arena *a)
{
	return store_query(s, sql_refused,
	                   STORE_ARGS(STORE_I(sequence), STORE_I(clock_real_ms()), STORE_S(str_from(error))), a, NULL);
}

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
