/* What the files of the cache-aside policy share. For aside*.c and their tests only. */
#ifndef CINESYNC_CACHE_ASIDE_INTERNAL_H
#define CINESYNC_CACHE_ASIDE_INTERNAL_H

#include "base/buf.h"
#include "base/map.h"
#include "cache/aside.h"
#include "fiber/flight.h"
#include "telemetry/trace.h"

#define ASIDE_VALIDATOR_MAX 200
#define ASIDE_SPARE_MAX 64
#define ASIDE_STATES (ASIDE_STALE + 1)

/* Where the policy's time comes from; tests set their own. Waits are the fiber layer's and take real time. */
struct aside_clock {
	int64_t (*mono_ms)(void);
	int64_t (*real_ms)(void);
};
extern struct aside_clock aside_clock;

/* ---- what is kept of a key (aside_entry.c) ---- */

/* In the order in which an entry passes through them. */
enum aside_window { ASIDE_WINDOW_FRESH, ASIDE_WINDOW_STALE, ASIDE_WINDOW_ERROR, ASIDE_WINDOW_OVER };

struct aside_entry {
	unsigned refs;
	const struct aside_ops *ops;
	void *value;            /* a reference; NULL: the source has no such thing */
	int64_t created_ms;     /* real: when the source said it, here or in another process */
	int64_t born_ms;        /* the same moment, mono */
	struct aside_life life; /* capped, jitter applied */
	int64_t delta_ms;       /* how long the load took, at least 1 */
	int64_t retry_ms;       /* mono: no background refresh before */
	uint64_t epoch;         /* of another one than the cache's: somebody may have changed the key unseen */
	bool is_failed;         /* its last refresh did */
	bool is_early;          /* an early refresh was drawn and is to be begun */
	uint8_t validator_len;  /* 0: none */
	char validator[];
};

/* The life to keep: none of its parts negative, all together within ASIDE_AGE_MAX_MS, the fresh one shortened by up to
 * `jitter` of it. u: uniform in [0, 1). */
struct aside_life aside_life_draw(const struct aside_life *life, double jitter, double u);
int64_t aside_life_sum(const struct aside_life *life);

/* Said by the source right now. Takes over the reference to the value (NULL: absent), not on failure. NULL: no memory.
 */
struct aside_entry *aside_entry_new(const struct aside_ops *ops, void *value, const struct aside_life *life,
                                    struct str validator, int64_t delta_ms);
struct aside_entry *aside_entry_ref(struct aside_entry *e);
/* Takes NULL, leaves NULL. */
void aside_entry_unref(struct aside_entry **e);
size_t aside_entry_size(const struct aside_entry *e);
struct str aside_entry_validator(const struct aside_entry *e);
enum aside_window aside_entry_window(const struct aside_entry *e, int64_t now_ms);
int64_t aside_entry_end_ms(const struct aside_entry *e);

/* The form of an entry in L2. Errors stick in the buffer. */
void aside_entry_encode(const struct aside_entry *e, struct str key, struct buf *out);
/* -EBADMSG: not what aside_entry_encode() wrote for this key, or from the future; -ESTALE: past its end; -ENOMEM. */
int aside_entry_decode(const struct aside_ops *ops, struct str key, struct str bytes,
                       struct aside_entry **ret) MUST_CHECK;

/* ---- the cache ---- */

struct aside {
	uint32_t magic;
	struct aside_options options; /* .prefix is `prefix` */
	const struct aside_ops *ops;
	char *prefix;
	struct local_cache *l1;
	struct redis *redis; /* NULL: no L2 */
	struct flight_group *group;
	struct map *flights;     /* key -> struct aside_flight, exactly those of the group */
	struct map *refreshes;   /* key -> struct aside_refresh */
	struct fiber_queue idle; /* woken whenever a flight or a refresh ends */
	bool is_watching;        /* Redis tells what others change */
	uint64_t changes;        /* counts what was changed here or told as changed */
	uint64_t epoch;          /* counts the times at which changes by others may have been missed */
	bool is_closing;
	size_t n_spare;
	struct arena *spare[ASIDE_SPARE_MAX]; /* for what is read of L2, kept with their first block */
	struct aside_stats stats;
	struct span_preset looks[ASIDE_STATES][2]; /* of the spans of each kind of answer, from L1 and from L2 */
};

struct aside_question {
	struct str key;
	const struct aside_source *source;
	const void *ask;
};

/* Keeps an entry that the source has just said on both levels. */
void aside_keep(struct aside *c, struct str key, struct aside_entry *e);

/* ---- L2 (aside_l2.c) ---- */

bool aside_l2_is_up(const struct aside *c);
/* Yields. 0; -ENOENT: it has none; -EAGAIN: that is not known; -ETIMEDOUT, -ECANCELED. What is no entry of ours is
 * deleted and counted. */
int aside_l2_read(struct aside *c, struct str key, struct aside_entry **ret) MUST_CHECK;
/* Does not wait. What does not fit is deleted instead, so that nothing older stays. */
void aside_l2_write(struct aside *c, struct str key, const struct aside_entry *e);
void aside_l2_delete(struct aside *c, struct str key);
/* Yields. As redis_lease(), on the lease of that key; -EAGAIN also without leases. */
int aside_l2_lease(struct aside *c, struct str key, char ret_token[REDIS_TOKEN_SIZE]) MUST_CHECK;
void aside_l2_lease_end(struct aside *c, struct str key, const char *token);

/* ---- looking into L2 (aside_inquiry.c) ---- */

/* What all callers of a flight get. */
struct aside_result {
	unsigned refs;
	struct aside_entry *entry;
	enum aside_state state;
	enum aside_level level;
	bool is_degraded; /* the source failed, at this flight */
};

/* What is known of a key short of asking the source. A flight has one; a caller that looks into L2 by itself has one on
 * its stack. */
struct aside_inquiry {
	struct aside *cache;
	struct str key;
	struct aside_entry *former; /* the best that is known, a reference; or NULL */
	enum aside_level level;     /* where that is from */
	struct aside_result *result;
	bool is_background; /* only what is newer than `former` counts */
	bool is_changed;    /* another process changed the key since `former` was read */
	bool is_alone;      /* nobody sets is_changed: whatever changed meanwhile may have been this key */
	uint64_t changes;   /* of the cache, when `former` was read */
	uint64_t epoch;     /* likewise */
};

/* What a step says besides errors. */
enum { ASIDE_NEXT, ASIDE_ANSWERED, ASIDE_WAIT };

/* former may be NULL. Allocates nothing. */
void aside_inquiry_init(struct aside_inquiry *in, struct aside *c, struct str key, struct aside_entry *former);
void aside_inquiry_done(struct aside_inquiry *in);
/* What it knows, for a flight that goes on from there and has its own key. */
void aside_inquiry_pass(const struct aside_inquiry *in, struct str key, struct aside_inquiry *ret);
/* Yields. ASIDE_ANSWERED with in->result filled, from L2 or from a `former` that L2 does not gainsay; ASIDE_NEXT: the
 * source is to be asked; -ETIMEDOUT, -ECANCELED. */
int aside_inquire(struct aside_inquiry *in) MUST_CHECK;
/* Yields. As that, but only a fresh entry of L2 will do. */
int aside_inquire_fresh(struct aside_inquiry *in) MUST_CHECK;
enum aside_window aside_inquiry_window(const struct aside_inquiry *in);
enum aside_state aside_inquiry_state(const struct aside_inquiry *in); /* of `former` */
/* Puts `former` into L1, unless it may have been changed since it was read. */
bool aside_inquiry_fill_l1(struct aside_inquiry *in);
void aside_inquiry_answer(struct aside_inquiry *in, struct aside_entry *e, enum aside_state state,
                          enum aside_level level);

/* ---- flights (aside_flight.c) ---- */

struct aside_flight {
	struct aside_inquiry in;
	const struct aside_source *source;
	void *arg;
	struct fiber *fiber; /* its own, while it runs */
	bool is_early;
	bool is_wanted; /* a caller waits for an answer: always, unless in the background */
	bool is_asked;  /* L2 was looked into just before it began */
	bool gave_up;   /* leaves the work to the process that holds the lease */
	bool has_lease;
	char token[REDIS_TOKEN_SIZE];
	char key[];
};

extern const struct flight_ops aside_result_ops;

/* Prepares a flight, not under way yet; it goes on from what `in` knows. -ENOMEM, or what prepare() returned. */
int aside_flight_new(const struct aside_inquiry *in, const struct aside_question *q,
                     struct aside_flight **ret) MUST_CHECK;
/* Takes NULL, leaves NULL. */
void aside_flight_free(struct aside_flight **f);
/* Yields: starts it, and waits for its result. No flight of that key may be under way. Takes the flight over. */
int aside_flight_do(struct aside_flight *f, struct aside_result **ret) MUST_CHECK;
/* Yields: waits for the flight of that key, which is under way. */
int aside_flight_join(struct aside *c, struct str key, struct aside_result **ret) MUST_CHECK;
void aside_result_unref(struct aside_result **r);

/* ---- the background (aside_refresh.c) ---- */

/* Begins a refresh unless one is under way, it is too early after a failure, or background_max are. */
void aside_refresh_begin(struct aside *c, const struct aside_question *q, struct aside_entry *e, bool is_early);

#endif
