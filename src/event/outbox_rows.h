/* The outbox table: every statement on it. Private to this room; all yield. */
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
	struct str type;
	struct str envelope;
	int64_t attempts;
	int64_t next_attempt_ms;
};

struct outbox_counts {
	int64_t pending;
	int64_t oldest_ms; /* when it was written; 0: none */
	int64_t retrying;  /* failed at least once */
};

/* The subjects whose first pending row is due, the oldest first, one a row. */
int outbox_rows_subjects(struct store *s, struct outbox_due due, size_t limit, struct arena *a,
                         struct store_rows *ret) MUST_CHECK;
/* A subject's pending rows in order, for outbox_row_at(). */
int outbox_rows_of(struct store *s, struct str subject, size_t limit, struct arena *a,
                   struct store_rows *ret) MUST_CHECK;
struct outbox_row outbox_row_at(const struct store_rows *rows, size_t i);
bool outbox_row_is_due(const struct outbox_row *row, struct outbox_due due);

int outbox_row_sent(struct store *s, int64_t sequence, struct arena *a) MUST_CHECK;
int outbox_row_failed(struct store *s, int64_t sequence, int64_t next_attempt_ms, const char *error,
                      struct arena *a) MUST_CHECK;
int outbox_row_refused(struct store *s, int64_t sequence, const char *error, struct arena *a) MUST_CHECK;

int outbox_rows_count(struct store *s, struct arena *a, struct outbox_counts *ret) MUST_CHECK;
/* Removes at most 1,000 rows that were sent before that time; *ret_more: there may be others. */
int outbox_rows_prune(struct store *s, int64_t before_ms, struct arena *a, bool *ret_more) MUST_CHECK;

#endif
