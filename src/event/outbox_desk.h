/* The outbox as an operator sees it: what waits, what was set aside and why, and what is to become of it. On PostgreSQL
 * beside running relays, which see the change at their next look. */
#ifndef CINESYNC_EVENT_OUTBOX_DESK_H
#define CINESYNC_EVENT_OUTBOX_DESK_H

#include "store/store.h"

struct outbox_entry {
	struct str event_id;
	struct str type;
	struct str subject;
	struct str last_error; /* null: it was not tried, or not in vain */
	int64_t attempts;
	int64_t created_ms;
	bool is_refused; /* set aside */
};

/* Yields. What was not delivered, the oldest first. */
int outbox_desk_list(struct store *s, size_t limit, struct arena *a, struct store_rows *ret) MUST_CHECK;
struct outbox_entry outbox_entry_at(const struct store_rows *rows, size_t i);
/* Yields. To be tried again at once: the one, or with a null id all. *ret_n: how many. */
int outbox_desk_replay(struct store *s, struct str event_id, struct arena *a, int64_t *ret_n) MUST_CHECK;
/* Yields. In the caller's transaction: gone, if it was not delivered; *ret_n: 1 or 0. What is just on its way may
 * arrive all the same. */
int outbox_desk_drop(struct store_tx *tx, struct str event_id, struct arena *a, int64_t *ret_n) MUST_CHECK;

#endif
