/* What the limiter's files share. Not for other rooms, nor for the other files of this one.
 *
 *   limiter.c         who decides, Redis or this process; what each tells the other
 *   limiter_rules.c   one key's arithmetic; limiter.lua has the same
 *   limiter_memory.c  the keys of this process, bounded
 *   limiter_redis.c   one run of the script: its arguments and its answer */
#ifndef CINESYNC_CACHE_LIMITER_INSIDE_H
#define CINESYNC_CACHE_LIMITER_INSIDE_H

#include "base/list.h"
#include "base/map.h"
#include "cache/limiter.h"
#include "cache/redis.h"

#define LIMITER_PREFIX_MAX 64
#define LIMITER_KEY_SIZE (LIMITER_PREFIX_MAX + LIMITER_NAME_MAX + 1 + LIMITER_ID_MAX)

/* All times in microseconds. */

/* What is kept of a key; all zero: it is as new. */
struct limiter_state {
	int64_t tat;         /* LIMITER_RATE: theoretical arrival time of the next attempt */
	int64_t failures;    /* decayed, as of drained_at */
	int64_t consecutive; /* not decayed */
	int64_t last_at;     /* of the last attempt */
	int64_t drained_at;
};

/* A policy in the numbers of the rules, for one attempt. */
struct limiter_terms {
	enum limiter_kind kind;
	bool success_clears;
	int64_t interval; /* of a rate: the time one attempt takes */
	int64_t burst;    /* the time that all of the burst takes */
	int64_t cost;     /* the time that this attempt takes */
	int64_t free;
	int64_t delay;
	int64_t delay_max;
	int64_t decay;
	int64_t consecutive_max;
	int64_t forget;
};

/* What one key says. */
struct limiter_say {
	bool is_allowed;
	bool is_at_ceiling;
	int64_t wait;      /* denied */
	int64_t remaining; /* of a rate */
	int64_t reset;     /* of a rate */
};

/* What Redis has not been told of a key; n 0: nothing. */
struct limiter_untold {
	struct limiter_state state;
	int64_t n;
};

/* One call's keys, worked out. */
struct limiter_question {
	size_t n;
	struct str names[LIMITER_KEYS_MAX];
	struct limiter_terms terms[LIMITER_KEYS_MAX];
	struct limiter_untold untold[LIMITER_KEYS_MAX];
	struct limiter_state states[LIMITER_KEYS_MAX];
	struct limiter_say says[LIMITER_KEYS_MAX];
	char room[LIMITER_KEYS_MAX][LIMITER_KEY_SIZE];
};

/* limiter_rules.c */
void limiter_terms_of(const struct limiter_key *key, struct limiter_terms *ret);
/* The state as it is now, and what it says; then, if that was yes to all, the attempt is taken from it. */
struct limiter_say limiter_judge(const struct limiter_terms *t, struct limiter_state *s, int64_t now);
void limiter_count(const struct limiter_terms *t, struct limiter_state *s, int64_t now, struct limiter_say *say);
void limiter_outcome_apply(const struct limiter_terms *t, struct limiter_state *s, enum limiter_outcome outcome);
bool limiter_state_is_new(const struct limiter_state *s);
/* When it will be as new. */
int64_t limiter_state_end(const struct limiter_terms *t, const struct limiter_state *s);
/* The verdict of what the keys said. */
void limiter_sum_up(const struct limiter_terms *terms, const struct limiter_say *says, size_t n,
                    struct limiter_verdict *ret);

/* limiter_memory.c */
struct limiter_entry {
	struct list node; /* from the one used last */
	struct limiter_state state;
	int64_t end;      /* when it is as new */
	int64_t n_untold; /* attempts counted here that Redis has not been told of */
	size_t name_len;
	char name[];
};

struct limiter_memory {
	struct map *entries;
	struct list order;
	size_t keys_max;
	uint64_t evicted;
};

int limiter_memory_init(struct limiter_memory *m, size_t keys_max) MUST_CHECK;
void limiter_memory_done(struct limiter_memory *m);
/* NULL: none. It counts as used. */
struct limiter_entry *limiter_memory_find(struct limiter_memory *m, struct str name);
/* Finds or makes it, perhaps in the place of another. NULL: out of memory. */
struct limiter_entry *limiter_memory_make(struct limiter_memory *m, struct str name, int64_t now);
void limiter_memory_drop(struct limiter_memory *m, struct limiter_entry *e);

/* limiter_redis.c */
/* Yields. op: "take", or the outcome's name. Fills the question's states and says. *now: 0: Redis' own clock;
 * afterwards what it was. 0; -EAGAIN, -ETIMEDOUT, -ECANCELED, and then the question's states and says are unchanged. */
int limiter_redis_run(struct redis *r, struct redis_script *script, struct str op, struct limiter_question *q,
                      int64_t *now) MUST_CHECK;

#endif
