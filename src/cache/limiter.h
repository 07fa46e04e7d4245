/* Limits on how often something may be tried: against flooding (a rate) and against guessing (a delay that grows with
 * each failure). Knows nothing of users or addresses: a key is some bytes under a policy, and one decision asks several
 * keys at once, all or nothing.
 *
 *   const struct limiter_key keys[] = { { &by_address, address }, { &by_account, account }, { &by_pair, pair } };
 *
 *   r = limiter_take(l, keys, ARRAY_SIZE(keys), &verdict);
 *   if (r < 0 || !verdict.is_allowed)
 *           …
 *   (check the password; when it was wrong, nothing is to be done)
 *   limiter_settle(l, keys, ARRAY_SIZE(keys), LIMITER_SUCCEEDED);
 *
 * An attempt is counted as a failure before it is made and taken back when it was none, so that parallel guesses cannot
 * outrun the counter, and a process that dies has counted too much rather than too little.
 *
 * With Redis one script decides (limiter.lua), atomically and by Redis' own clock, so that replicas whose clocks differ
 * agree. Without it, and whenever it is away, this process decides by the same rules in its own bounded memory: never
 * open, never shut for good. What Redis said is remembered there, so that it goes on from the last state seen; what was
 * counted while Redis was away is brought to it by the next decision about the same key.
 *
 * Rate: the generic cell rate algorithm, as virtual scheduling (ITU-T I.371, annex A): one time stamp a key, no window
 * edges. Failures: NIST SP 800-63B section 5.2.2 (at most 100 consecutive ones an account, growing delays).
 *
 * One thread, one loop. Functions marked so yield and run on a fiber. */
#ifndef CINESYNC_CACHE_LIMITER_H
#define CINESYNC_CACHE_LIMITER_H

#include "base/str.h"

struct limiter;
struct redis;

#define LIMITER_KEYS_MAX 8  /* of one decision */
#define LIMITER_NAME_MAX 32 /* bytes of a policy's name */
#define LIMITER_ID_MAX 256  /* bytes of a key's id */
#define LIMITER_NONE ((size_t)-1)

enum limiter_kind {
	LIMITER_RATE,
	LIMITER_FAILURES,
};

/* Must outlive the calls that name it. Times from 1 ms to 366 days, counts from 1 to 1,000,000, where nothing else is
 * said; what is outside is a bug (asserted), so a setting needs its own range. */
struct limiter_policy {
	const char *name; /* [a-z0-9-]; part of the key, and the policy's name in the RateLimit header */
	enum limiter_kind kind;
	/* LIMITER_RATE: `quota` in `window_ms` in the long run (the time between two is
	 * rounded up to a microsecond), `burst` at once after a pause (0: as many as quota). */
	int64_t quota;
	int64_t window_ms;
	int64_t burst;
	/* LIMITER_FAILURES: the first `free` attempts follow one another at once, the next one waits delay_ms from the
	 * last, and each one after that twice as long, up to delay_max_ms. Each decay_ms takes one failure off the
	 * delay (0: none is taken off). */
	int64_t free; /* from 0 */
	int64_t delay_ms;
	int64_t delay_max_ms; /* from delay_ms */
	int64_t decay_ms;     /* from 0 */
	/* At so many attempts in a row, decayed or not, none more is allowed until limiter_settle() forgets the key or
	 * forget_ms have passed since the last one. 0: no such end. */
	int64_t consecutive_max;
	int64_t forget_ms; /* so long after its last attempt a key is as new; at least delay_max_ms */
	/* What a success does to the key: start anew; false: only its own attempt is taken back (an address: whoever
	 * has one account could clear it at will). */
	bool success_clears;
};

struct limiter_key {
	const struct limiter_policy *policy;
	struct str id; /* 1..LIMITER_ID_MAX bytes; it is a name in Redis, so nothing secret or personal in clear */
	int64_t cost;  /* of a rate, what this attempt takes of it; 0: 1 */
};

struct limiter_verdict {
	bool is_allowed;
	bool is_at_ceiling; /* denied by consecutive_max: waiting is no help the client should be promised */
	bool is_shared;     /* Redis decided; false: this process did */
	size_t decided_by;  /* index of the key that denied it, the one with the longest wait; allowed: LIMITER_NONE */
	int64_t retry_after_ms; /* denied: when it is worth trying again, > 0; allowed: 0 */
	/* Of the rate with the least left, for the RateLimit header; LIMITER_NONE: no key has a rate. */
	size_t rate_by;
	int64_t rate_remaining; /* attempts left at once, this one taken off */
	int64_t rate_reset_ms;  /* until all of the burst is there again */
};

enum limiter_outcome {
	LIMITER_SUCCEEDED, /* it was no failure: see success_clears */
	LIMITER_WITHDRAWN, /* nothing was tried after all (the server was busy): each key of failures takes it back */
	LIMITER_FORGOTTEN, /* the keys are as new, whatever their kind (a password was reset) */
};

struct limiter_options {
	struct redis *redis; /* NULL: this process alone; must outlive the limiter */
	const char *prefix;  /* of the keys in Redis, "user:limit:"; at most 64 bytes */
	size_t keys_max;     /* remembered in this process, about 300 bytes each; 0: 20,000 */
	/* For tests: microseconds of one clock for Redis and this process alike. NULL: their own. */
	int64_t (*clock_us)(void *arg);
	void *clock_arg;
};

struct limiter_stats {
	uint64_t allowed;
	uint64_t denied;
	uint64_t alone;   /* of both: decided here, though there is a Redis */
	uint64_t evicted; /* keys that made room for others */
	size_t keys;
};

/* Options are copied, strings too. -ENOMEM. */
int limiter_new(const struct limiter_options *options, struct limiter **ret) MUST_CHECK;
/* No call may be under way. Takes NULL, leaves NULL. */
void limiter_free(struct limiter **l);

/* Yields, no longer than a call of Redis may take. Decides, and when it allows takes the attempt from every key;
 * denied, nothing is taken. n: 1..LIMITER_KEYS_MAX, each key once. 0: *ret is the verdict; -ENOMEM: neither allowed nor
 * denied (answer 503); -ETIMEDOUT, -ECANCELED: the fiber's own, and it may have been counted. */
int limiter_take(struct limiter *l, const struct limiter_key *keys, size_t n, struct limiter_verdict *ret) MUST_CHECK;
/* Yields, likewise. What became of an attempt that was allowed; a failure needs none. Names the same keys, or fewer, or
 * others to be forgotten. What cannot be told to Redis is settled here alone, and the key stays stricter there. */
void limiter_settle(struct limiter *l, const struct limiter_key *keys, size_t n, enum limiter_outcome outcome);

void limiter_stats_get(const struct limiter *l, struct limiter_stats *ret);

#endif
