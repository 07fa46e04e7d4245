/* How fast the upstream may be called: a token bucket, the pause that a 429 imposes, and the budget of retries. Pure:
 * the caller tells the time; never yields. */
#ifndef CINESYNC_MOVIE_PACE_H
#define CINESYNC_MOVIE_PACE_H

#include "base/str.h"

/* ---- token bucket, as a virtual schedule (GCRA, ITU-T I.371): calls get their times in the order they ask ---- */

struct bucket {
	double interval_ms; /* between calls in the long run */
	double tolerance_ms;
	double next_ms; /* theoretical arrival time of the next call */
};

/* rate_per_s, burst: >= 1. The burst is full at first. */
void bucket_init(struct bucket *b, int64_t rate_per_s, int64_t burst);
/* How long the next call has to wait, 0 or more; takes its place in the schedule when that is at most wait_max_ms, else
 * -EAGAIN with *ret_wait_ms = how long it would have been and nothing taken. */
int bucket_take(struct bucket *b, int64_t now_ms, int64_t wait_max_ms, int64_t *ret_wait_ms) MUST_CHECK;

/* ---- the pause after a 429 ---- */

struct pause {
	int64_t until_ms;
	int64_t base_ms; /* first pause without Retry-After */
	int64_t max_ms;
	unsigned failures; /* 429s in a row */
};

void pause_init(struct pause *p, int64_t base_ms, int64_t max_ms);
/* After a 429: nobody calls until Retry-After is over (seconds or an HTTP date, RFC 9110 section 10.2.3, at most
 * max_ms); without one, or with one that cannot be read or is over already, base * 2^n with full jitter on its upper
 * half. Never shortens a pause that is longer already; 429s that come during a pause are one with it, not more of them
 * in a row. real_ms: now, for dates. */
void pause_begin(struct pause *p, int64_t now_ms, int64_t real_ms, struct str retry_after);
/* A call was answered with something else. */
void pause_over(struct pause *p);
/* 0: calls may go; else how long they may not. */
int64_t pause_left_ms(const struct pause *p, int64_t now_ms);
/* Retry-After in ms from now (>= 0), or -EINVAL. Both forms. Pure. */
int retry_after_parse(struct str value, int64_t real_ms, int64_t *ret_ms) MUST_CHECK;

/* ---- the budget of retries: each call pays in a share, each retry takes a whole one out (Finagle's) ---- */

struct retry_budget {
	double balance;
	double share;
	double balance_max;
};

/* percent: 0..100 of the calls; reserve: retries allowed at the start and saved up at most. */
void retry_budget_init(struct retry_budget *b, int64_t percent, int64_t reserve);
void retry_budget_call(struct retry_budget *b);
bool retry_budget_take(struct retry_budget *b);

/* ---- the observed latencies, for hedging: a ring of the last calls ---- */

#define LATENCIES 256

struct latencies {
	uint32_t us[LATENCIES];
	uint32_t n; /* ever observed */
};

void latencies_add(struct latencies *l, int64_t duration_us);
/* The p-th percentile in ms of the last LATENCIES calls; -1: fewer than 20 have been seen. */
int64_t latencies_percentile_ms(const struct latencies *l, int percent);

#endif
