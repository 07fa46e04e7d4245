/* The outbox table: the relay's statements on it (an operator's: outbox_desk.c). Private to this room; all yield. */
#ifndef CINESYNC_EVENT_OUTBOX_ROWS_H
#define CINESYNC_EVENT_OUTBOX_ROWS_H

#include "store/store.h"

/* Due: the time has come, or lies further ahead than any backoff reaches, since the clock was set back. */
struct outbox_due {
	int64_t now_ms;
	int64_t horizon_ms;
};

struct outbox_row {
	int64_t sequence;
	struct str event_id;
	struct str subject;
	struct str type;
	struct str envelope;
	int64_t attempts;
	int64_t next_attempt_ms;
	bool is_followed; /* by others of its subject */
};

struct outbox_counts {
	int64_t pending;
	int64_t oldest_ms; /* when it was written; 0: none */
	int64_t retrying;  /* failed at least once */
};

enum outbox_fate {
	OUTBOX_SENT,
	OUTBOX_FAILED,  /* to be tried again */
	OUTBOX_REFUSED, /* set aside */
	OUTBOX_UNTRIED, /* nothing but the claim is given back */
};

/* What came of a row. */
struct outbox_outcome {
	int64_t sequence;
	enum outbox_fate fate;
	const char *error;       /* failed or refused: why, static text */
	int64_t next_attempt_ms; /* failed */
};

/* What one transaction holds: so many outcomes that were sent, and that each other one stands for so many of them. */
#define OUTBOX_SENT_MAX 256
#define OUTBOX_OTHER_WEIGHT 16

/* The first pending row of each subject, where it is due, the oldest first. Where other processes may ask too
 * (PostgreSQL) the rows are claimed for claim_ms: nobody else gets them before they are recorded or that time is over.
 * On SQLite the caller knows itself what it has in work, and is told of it again. */
int outbox_rows_claim(struct store *s, struct outbox_due due, int64_t claim_ms, size_t limit, struct arena *a,
                      struct store_rows *ret) MUST_CHECK;
/* What follows a row, in order. */
int outbox_rows_after(struct store *s, const struct outbox_row *row, size_t limit, struct arena *a,
                      struct store_rows *ret) MUST_CHECK;
struct outbox_row outbox_row_at(const struct store_rows *rows, size_t i);
bool outbox_row_is_due(const struct outbox_row *row, struct outbox_due due);
/* Whether other processes may be at the same table. */
bool outbox_rows_are_shared(const struct store *s);

/* All or nothing, and harmless when it was done before. */
int outbox_rows_record(struct store *s, const struct outbox_outcome *outcomes, size_t n, struct arena *a) MUST_CHECK;

int outbox_rows_count(struct store *s, struct arena *a, struct outbox_counts *ret) MUST_CHECK;
/* Removes at most 1,000 rows that were sent before that time; *ret_more: there may be others. */
int outbox_rows_prune(struct store *s, int64_t before_ms, struct arena *a, bool *ret_more) MUST_CHECK;

#endif
