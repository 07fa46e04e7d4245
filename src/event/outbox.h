/* The transactional outbox: events are rows written in the same transaction as the change they tell of; the relay
 * delivers them at least once, in order per subject, with backoff and jitter, and never in a request's way.
 *
 * The table is the service's own; its migrations make it:
 *
 *   CREATE TABLE outbox (
 *       sequence        INTEGER PRIMARY KEY AUTOINCREMENT,  -- BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY
 *       event_id        TEXT NOT NULL UNIQUE,
 *       subject         TEXT NOT NULL,                      -- the key of order
 *       type            TEXT NOT NULL,
 *       envelope        TEXT NOT NULL,
 *       attempts        INTEGER NOT NULL DEFAULT 0,         -- INTEGER is BIGINT in PostgreSQL, all of them
 *       next_attempt_ms INTEGER NOT NULL,
 *       created_ms      INTEGER NOT NULL,
 *       sent_ms         INTEGER,                            -- delivered; removed 7 days later
 *       refused_ms      INTEGER,                            -- set aside for good; stays for a person to look at
 *       last_error      TEXT,
 *       claimed_until_ms INTEGER                            -- PostgreSQL: a replica has it in work
 *   ) STRICT;                                               -- STRICT is SQLite's
 *   CREATE INDEX outbox_pending ON outbox (sequence) WHERE sequence > 0 AND sent_ms IS NULL AND refused_ms IS NULL;
 *   CREATE INDEX outbox_subject ON outbox (subject, sequence) WHERE sent_ms IS NULL AND refused_ms IS NULL;
 *   CREATE INDEX outbox_sent ON outbox (sent_ms) WHERE sent_ms IS NOT NULL;
 *
 * Replicas of a service on one PostgreSQL share the work, subject by subject, and keep each subject's order; their
 * clocks must agree to within a fraction of claim_ms. */
#ifndef CINESYNC_EVENT_OUTBOX_H
#define CINESYNC_EVENT_OUTBOX_H

#include "event/event.h"
#include "store/store.h"

/* Yields. Writes the row in the caller's transaction; the event needs its subject. After the commit: outbox_kick().
 * -EMSGSIZE: the envelope is over EVENT_SIZE_MAX; else as store_tx_query(). */
int outbox_add(struct store_tx *tx, const struct event *e, struct arena *a) MUST_CHECK;

/* How events leave: direct.c, rabbit.c. */
struct event_transport {
	const char *name;
	const char *destination; /* for spans: where it goes, and what that is called: "publish …" */
	const char *span_name;
	size_t at_once;         /* deliveries it takes at once, for different subjects */
	int64_t backoff_max_ms; /* 0: 30,000 */
	/* Yields. 0: the receiver has it durably. -EBADMSG: refused for good (recorded, set aside). Other errors: try
	 * again later. On a fiber with a deadline of 10 s; the event's trace is current. */
	int (*deliver)(struct event_transport *t, const struct event *e, struct str envelope);
	/* What such an error of deliver() means here, static text; NULL, or a NULL function: its name says it. */
	const char *(*reason)(int error);
	/* Whether trying has any sense; while it has none the relay leaves the events where they are, untried. NULL:
	 * nobody knows without trying. Does not yield. */
	bool (*is_up)(const struct event_transport *t);
	/* The relay sets these: to be called when is_up() has come to be true. */
	void (*came_up)(void *arg);
	void *came_up_arg;
	void (*free)(struct event_transport *t); /* may yield */
};

struct outbox_options {
	struct store *store;
	struct event_transport *transport; /* stays the caller's */
	size_t batch;                      /* events of a subject in one go, up to 240; 0: 64 */
	int64_t poll_ms;                   /* how often it looks without being told; 0: 1,000 */
	int64_t backoff_min_ms;            /* 0: 200 */
	int64_t backoff_max_ms;            /* 0: the transport's */
	int64_t claim_ms;                  /* so long the claims of a replica that died last; 0: 20,000 */
};

struct outbox;

struct outbox_stats {
	size_t pending; /* as of the last look */
	int64_t oldest_age_ms;
	uint64_t delivered;
	uint64_t failed; /* attempts that will be made again */
	uint64_t refused;
};

/* Starts the relay's fiber. -EAGAIN, -ENOMEM. */
int outbox_start(const struct outbox_options *options, struct outbox **ret) MUST_CHECK;
/* Tells it that a transaction with an event has been committed. Does not yield. */
void outbox_kick(struct outbox *o);
/* Yields (shielded) until the relay has ended; what is being delivered gets 2 s to finish, then it is given up and
 * will be delivered again after the next start. Takes NULL. */
void outbox_stop(struct outbox **o);
void outbox_stats_get(const struct outbox *o, struct outbox_stats *ret);

#endif
