/* For this room's tests: an outbox on the database at test_url() (store/test_support.h), and a receiver that checks
 * what it gets. */
#ifndef CINESYNC_EVENT_TEST_SUPPORT_H
#define CINESYNC_EVENT_TEST_SUPPORT_H

#include "event/outbox.h"

#define SUBJECTS_MAX 64
#define EVENTS_MAX 256

/* Events are numbered from 1 in their subject; subject and number are in the id: "3-17". */
struct receiver {
	struct event_transport base;
	/* what it does */
	unsigned fail_percent;
	unsigned lose_answer_percent; /* has it, but says it failed */
	int64_t delay_ms;             /* at most */
	bool hangs;
	bool is_down;
	int hanging_subject; /* 0: none */
	int failing_subject; /* 0: none */
	const char *refuses; /* the id */
	void (*on_deliver)(void);
	/* what it has seen */
	int64_t last[SUBJECTS_MAX];
	unsigned seen[SUBJECTS_MAX][EVENTS_MAX];
	bool busy[SUBJECTS_MAX];
	size_t distinct;
	size_t calls;
	size_t at_once;
	size_t at_once_max;
	bool is_out_of_order;
	int64_t last_call_ms;
	bool has_trace;
};

void receiver_init(struct receiver *r);

/* A store with an empty outbox table; and the same once more, with what is in it. */
struct store *outbox_store(void);
struct store *outbox_store_again(void);
/* One transaction with these events of a subject. */
void outbox_put(struct store *s, int subject, int64_t first, int64_t n);
/* Yields until so many rows are neither sent nor refused; false after limit_ms. */
bool outbox_pending_becomes(struct store *s, int64_t wanted, int64_t limit_ms);
/* Yields until distinct events were received; false after limit_ms. */
bool receiver_wait(const struct receiver *r, size_t distinct, int64_t limit_ms);
/* A relay with short times: polls every 20 ms, backs off 1 to 8 ms. */
struct outbox *outbox_of(struct store *s, struct receiver *r, int64_t poll_ms);

#endif
