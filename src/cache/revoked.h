/* Which sessions have ended although their tokens have not: a set of ids, shared through Redis, so that every service
 * stops taking a session's access tokens within REVOKED_SEEN_MS of its end.
 *
 * A revocation is a key of Redis (`revoked:{id}`) that lives as long as the session's last token could. This process
 * keeps what it knows in bounded memory: a session it has seen revoked for that whole time, one that is not for
 * REVOKED_SEEN_MS less what a call may take. Without an answer of Redis somebody else may be asked (the service that
 * has the sessions' own rows). Without any, revoked is what is known here, and everybody else goes on, so that a loss
 * logs nobody out; the service with the rows must look there too. A revocation that Redis did not take is known here at
 * once, kept (bounded) and written when Redis is back; then the others known here are written again too, since a Redis
 * that went may come back empty. What is unsent when the process ends is lost with it: an owner with the sessions' rows
 * adds the recent ones again at its start.
 *
 * One thread, one loop. Functions marked so yield and run on a fiber. */
#ifndef CINESYNC_CACHE_REVOKED_H
#define CINESYNC_CACHE_REVOKED_H

#include "base/str.h"

struct redis;
struct revoked;

#define REVOKED_SEEN_MS 5000
#define REVOKED_ID_MAX 128 /* bytes of an id */

struct revoked_options {
	struct redis *redis; /* NULL: this process alone; must outlive it */
	size_t ids_max;      /* remembered here, revoked or not, about 200 bytes each; 0: 50,000 */
	size_t unsent_max;   /* revocations kept until Redis takes them; 0: 10,000 */
	/* Yields, bounded. Whom to ask when Redis gives no answer, or there is none: 1: it has ended, and is to be
	 * known so for *ret_left_ms (> 0); 0: it has not; negative: no answer. NULL: nobody. */
	int (*ask)(void *arg, struct str id, int64_t *ret_left_ms);
	void *ask_arg;
	/* For tests: milliseconds of a clock that never jumps. NULL: clock_mono_ms(). */
	int64_t (*clock_ms)(void *arg);
	void *clock_arg;
};

struct revoked_stats {
	uint64_t checks;
	uint64_t asked;  /* of them: those that were not known here */
	uint64_t unsure; /* of them: those that nobody gave an answer to */
	uint64_t lost;   /* revocations that neither memory nor the line of the unsent had room for */
	size_t ids;
	size_t unsent;
};

/* On a fiber or not; its own fiber for what is unsent starts when there is a Redis. Options are copied. -ENOMEM,
 * -EAGAIN: no fiber can be had. */
int revoked_new(const struct revoked_options *options, struct revoked **ret) MUST_CHECK;
/* Yields until its fiber has ended. No call may be under way. Takes NULL, leaves NULL. */
void revoked_free(struct revoked **v);

/* Yields, no longer than a call of Redis may take. From now on, for ttl_ms (> 0: the longest that a token of that
 * session can still be good), it is revoked: here at once, elsewhere within REVOKED_SEEN_MS. 0: Redis has it, or there
 * is none; -EAGAIN: known here, and kept to be written later; -ENOSPC: neither Redis nor the line of the unsent took
 * it, it is known here alone. -ENOMEM: as that, and not even here. id: 1..REVOKED_ID_MAX bytes. */
int revoked_add(struct revoked *v, struct str id, int64_t ttl_ms);
/* Yields only when it is not known here, no longer than a call of Redis and then the ask() may take, and never fails:
 * true: it is revoked. An id
 * longer than REVOKED_ID_MAX, or empty, is of no session of ours, and revoked. */
bool revoked_check(struct revoked *v, struct str id);

void revoked_stats_get(const struct revoked *v, struct revoked_stats *ret);

#endif
