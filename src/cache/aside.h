/* Cache-aside over two levels: in process (L1, local.h) and, when there is one, Redis (L2, redis.h).
 *
 * Order: L1, then L2, then the source, by one flight a key in this process and, through a short lease in Redis, about
 * one over all processes; then both are filled. An entry is fresh for a while (with jitter), then stale but served at
 * once while one background flight refreshes it (stale-while-revalidate, RFC 5861), then served only when the source
 * fails (stale-if-error), and after that never again. A fresh one is refreshed early with a probability that grows to 1
 * towards its end (XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB
 * 2015). The source may say that the former value still stands, which renews the entry without a new one.
 *
 * Knows nothing of films or HTTP: values are counted and opaque. One thread; functions marked so yield. */
#ifndef CINESYNC_CACHE_ASIDE_H
#define CINESYNC_CACHE_ASIDE_H

#include "base/clock.h"
#include "cache/local.h"
#include "cache/redis.h"

struct aside;
struct buf;

/* Nothing is kept longer than this after the source said it, whatever the lives say: six months less a week. */
#define ASIDE_AGE_MAX_MS (175 * CLOCK_DAY_MS)

/* How long what the source said is good for, each counted from the end of the one before. */
struct aside_life {
	int64_t fresh_ms; /* served as it is */
	int64_t stale_ms; /* served at once, refreshed in the background */
	int64_t error_ms; /* served only when the source fails */
};

/* What a load brings back. */
struct aside_loaded {
	void *value;       /* one reference, now the cache's; NULL with is_absent or is_unchanged */
	bool is_absent;    /* the source knows for certain that there is no such thing: kept as that, -ENOENT */
	bool is_unchanged; /* the former value still stands, for another life */
	struct aside_life life;
	struct str validator; /* the source's own tag of this version, to ask with next time; null: none. Up to 200
	                       * bytes, else it is not kept. Must live until the load's arg is released */
};

/* How one kind of thing is asked for. Static. */
struct aside_source {
	/* A copy of `ask` that outlives the caller: called on the caller's fiber, only when a flight is to start. */
	int (*prepare)(const void *ask, void **ret_arg);
	/* On the flight's own fiber, within load_ms; yields. validator: of the former value, or null. 0, or an error:
	 * the source failed. -ENOENT is such an error too, and passed on as -EPROTO: is_absent says that there is no
	 * such thing. */
	int (*load)(void *arg, struct str validator, struct aside_loaded *ret);
	void (*release)(void *arg);
};

/* How values are counted, weighed and written for L2. Static. None may yield. */
struct aside_ops {
	void *(*ref)(void *value);
	void (*unref)(void *value);
	size_t (*size)(const void *value); /* bytes it occupies */
	void (*encode)(const void *value, struct buf *out);
	/* -EBADMSG: no value of ours; -ENOMEM. */
	int (*decode)(struct str bytes, const struct aside_life *life, void **ret_value);
};

struct aside_options {
	size_t entries_max;
	size_t bytes_max;
	struct redis_options redis; /* .url NULL: no L2. prefix, changed, watching and arg are set by the cache */
	const char *prefix;    /* of all its keys in Redis, version of the values included: "cinesync:movie:1:". Not
	                        * empty with a Redis, and unlike "lease:", which the names of leases begin with */
	size_t flights_max;    /* keys asked of L2 and source at once, background ones included */
	size_t background_max; /* refreshes in the background at once; 0: a quarter of flights_max */
	int64_t load_ms;       /* deadline of a flight */
	int64_t lease_ms;      /* life of a lease in Redis, and how long others wait for its holder; 0: none */
	int64_t retry_ms;      /* pause after a failed refresh of a stale key before the next, with jitter */
	double beta;           /* of XFetch: 1 is the paper's; 0: never early */
	double jitter;         /* a life's fresh time is drawn from 1 - jitter … 1 of it; 0..0.5 */
};

enum aside_state {
	ASIDE_HIT,         /* fresh */
	ASIDE_MISS,        /* loaded for this caller */
	ASIDE_REVALIDATED, /* the source confirmed the former value for this caller */
	ASIDE_STALE,       /* past its fresh time */
};
enum aside_level { ASIDE_L1, ASIDE_L2, ASIDE_SOURCE };

struct aside_found {
	void *value; /* a reference of the caller's; NULL with -ENOENT and on failure */
	enum aside_state state;
	enum aside_level level; /* where this answer was found */
	int64_t age_ms;         /* since the source said it */
	bool is_degraded;       /* stale because the source failed: at this question, or at the last refresh */
	struct aside_life life; /* as kept: jitter applied */
	int64_t took_us;        /* aside_get() alone, and when it fails too: as long as its span, if it has one */
};

struct aside_stats {
	struct local_cache_stats l1;
	struct redis_stats redis;
	uint64_t hits_l1; /* answers by level and state */
	uint64_t hits_l2;
	uint64_t misses;
	uint64_t revalidated;
	uint64_t stale_l1;
	uint64_t stale_l2;
	uint64_t stale_error; /* of the stale ones: served because the source failed at this question */
	uint64_t failed;      /* no answer: the source failed, or could not be asked or waited for */
	uint64_t loads;       /* calls of the source */
	uint64_t loads_failed;
	uint64_t refreshes;   /* background flights begun */
	uint64_t early;       /* of these: by XFetch, while fresh */
	uint64_t lease_waits; /* flights that found another process at it */
	uint64_t invalidated; /* entries dropped because another process had changed them */
	uint64_t broken;      /* values of L2 that did not parse and were deleted */
	size_t flights;
	size_t background;
};

/* -EINVAL: an option out of range; -ENOMEM. */
int aside_new(struct uv_loop_s *loop, const struct aside_options *options, const struct aside_ops *ops,
              struct aside **ret) MUST_CHECK;
/* Yields: cancels and awaits its background work. No aside_get() may be under way. Takes NULL, leaves NULL. */
void aside_free(struct aside **c);

/* The fast path alone: true and *ret filled when L1 has a value of the key, fresh, and no early refresh is due; else
 * false, also for what is absent, and aside_get() is to be asked. Never yields, allocates nothing. */
bool aside_peek(struct aside *c, struct str key, struct aside_found *ret);
/* Yields. 0 with *ret; -ENOENT with *ret (state, level, age, life): the source has no such thing; -EBUSY: flights_max;
 * -EAGAIN, -ENOMEM, -ETIMEDOUT, -ECANCELED; or what load() returned when nothing may be served instead. */
int aside_get(struct aside *c, struct str key, const struct aside_source *source, const void *ask,
              struct aside_found *ret) MUST_CHECK;
void aside_stats_get(const struct aside *c, struct aside_stats *ret);

/* The XFetch draw: whether an entry with left_ms to go, whose load took delta_ms, is to be refreshed now; true with
 * probability e^(-left / (delta * beta)). u: uniform in [0, 1). Pure. */
bool aside_early(int64_t left_ms, int64_t delta_ms, double beta, double u);

#endif
