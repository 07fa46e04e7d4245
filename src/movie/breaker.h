/* A circuit breaker over a sliding window of time: closed, open, half-open (Nygard, "Release It!"; the window and the
 * slow-call rate as resilience4j has them). Pure: the caller tells the time; never yields, allocates nothing after
 * breaker_new(). */
#ifndef CINESYNC_MOVIE_BREAKER_H
#define CINESYNC_MOVIE_BREAKER_H

#include "base/macro.h"

#include <stdbool.h>
#include <stdint.h>

struct breaker;

enum breaker_state { BREAKER_CLOSED, BREAKER_HALF_OPEN, BREAKER_OPEN };

enum breaker_cause { BREAKER_NONE, BREAKER_FAILURES, BREAKER_SLOW, BREAKER_PROBE, BREAKER_CREDENTIALS, BREAKER_CAUSES };

struct breaker_options {
	int64_t window_ms;       /* 10,000 */
	int64_t calls_min;       /* fewer finished calls in the window decide nothing: 20 */
	int64_t failure_percent; /* opens at this share of failures: 50 */
	int64_t slow_percent;    /* or at this share of slow calls: 80 */
	int64_t slow_ms;         /* a call longer than this is slow: 2,000 */
	int64_t open_ms;         /* first time open: 5,000; doubles, with jitter, while probes fail, up to */
	int64_t open_max_ms;     /* 60,000 */
	int64_t probes_max;      /* calls let through while half-open: 3; all must succeed to close */
	/* Every transition, after it. May be NULL; must not call the breaker. */
	void (*changed)(enum breaker_state from, enum breaker_state to, enum breaker_cause cause, int64_t open_ms,
	                void *arg);
	void *arg;
};

/* One call's leave to pass; by value. */
struct breaker_permit {
	uint64_t era; /* the state's number when it was given: results of another era do not count */
	int64_t start_ms;
	bool is_probe;
};

enum breaker_outcome { BREAKER_SUCCESS, BREAKER_FAILURE, BREAKER_ABANDONED /* cancelled by us: counts as nothing */ };

struct breaker_stats {
	enum breaker_state state;
	enum breaker_cause cause;       /* of the last opening */
	uint64_t trips[BREAKER_CAUSES]; /* openings by cause */
	uint64_t rejected;              /* calls refused */
	int64_t calls, failures, slow;  /* in the window now */
};

int breaker_new(const struct breaker_options *options, struct breaker **ret) MUST_CHECK;
void breaker_free(struct breaker **b);

/* 0 with a permit, which must be given back by breaker_leave(); -EAGAIN: it is open, or all probes are out;
 * *ret_retry_ms
 * (>= 1): when to try again. An open one whose time is over turns half-open here. */
int breaker_enter(struct breaker *b, int64_t now_ms, struct breaker_permit *ret, int64_t *ret_retry_ms) MUST_CHECK;
void breaker_leave(struct breaker *b, int64_t now_ms, const struct breaker_permit *p, enum breaker_outcome outcome);
/* Opens it at once (BREAKER_CREDENTIALS). The permit of the call that showed it is left afterwards as usual. */
void breaker_trip(struct breaker *b, int64_t now_ms, enum breaker_cause cause);
/* Whether breaker_enter() would refuse now; changes nothing. */
bool breaker_is_open(const struct breaker *b, int64_t now_ms, int64_t *ret_retry_ms);
void breaker_stats_get(struct breaker *b, int64_t now_ms, struct breaker_stats *ret);
const char *breaker_state_name(enum breaker_state s); /* "closed", "half-open", "open" */
const char *breaker_cause_name(enum breaker_cause c); /* "none", "failures", "slow-calls", "probe", "credentials" */

#endif
