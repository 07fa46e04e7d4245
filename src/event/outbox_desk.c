/* Statements an operator gives; the relay's own are in outbox_rows.c. */
#include "event/outbox_desk.h"

#include "base/clock.h"

#define UNDELIVERED "sent_ms IS NULL"

static const char sql_list[] = "SELECT event_id, type, subject, last_error, attempts, created_ms, "
                               "CASE WHEN refused_ms IS NULL THEN 0 ELSE 1 END "
                               "FROM outbox WHERE " UNDELIVERED " ORDER BY sequence LIMIT $1";
/* The claim stays: whoever has it in work writes down what came of it, and until then nobody else may begin. */
static const char sql_replay[] = "UPDATE outbox SET refused_ms = NULL, next_attempt_ms = $2 "
                                 "WHERE event_id = COALESCE($1, event_id) AND " UNDELIVERED;
static const char sql_drop[] = "DELETE FROM outbox WHERE event_id = $1 AND " UNDELIVERED;

int outbox_desk_list(struct store *s, size_t limit, struct arena *a, struct store_rows *ret)
{
	return store_read(s, sql_list, STORE_ARGS(STORE_I(limit)), a, ret);
}

struct outbox_entry outbox_entry_at(const struct store_rows *rows, size_t i)
{
	return (struct outbox_entry){
		.event_id = store_text(rows, i, 0),
		.type = store_text(rows, i, 1),
		.subject = store_text(rows, i, 2),
		.last_error = store_text(rows, i, 3),
		.attempts = store_int(rows, i, 4),
		.created_ms = store_int(rows, i, 5),
		.is_refused = store_int(rows, i, 6) != 0,
	};
}

int outbox_desk_replay(struct store *s, struct str event_id, struct arena *a, int64_t *ret_n)
{
	struct store_rows rows;
	int r = store_query(s, sql_replay, STORE_ARGS(STORE_S(event_id), STORE_I(clock_real_ms())), a, &rows);

	if (r == 0)
		*ret_n = rows.affected;
	return r;
}

int outbox_desk_drop(struct store_tx *tx, struct str event_id, struct arena *a, int64_t *ret_n)
{
	struct store_rows rows;
	int r = store_tx_query(tx, sql_drop, STORE_ARGS(STORE_S(event_id)), a, &rows);

	if (r == 0)
		*ret_n = rows.affected;
	return r;
}
