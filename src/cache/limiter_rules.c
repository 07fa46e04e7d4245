/* One key's arithmetic, in whole microseconds, and the verdict over several keys. limiter.lua does the same sums in the
 * same order for what Redis keeps (its numbers are doubles: everything stays far below 2^53); a test holds the two
 * against each other. Pure. */
#include "cache/limiter_inside.h"

enum { US_PER_MS = 1000, COUNT_MAX = 1000000, DOUBLINGS_MAX = 30 };

#define TIME_MAX_MS (INT64_C(366) * 24 * 3600 * 1000)
/* Of what a burst or a cost may come to: in 2^53 with the time of day. */
#define SPAN_MAX_US (TIME_MAX_MS * US_PER_MS * 10)

/* ---- terms ---- */

static void name_assert(const char *name)
{
	size_t len = strlen(name);

	assert(len >= 1 && len <= LIMITER_NAME_MAX);
	assert(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len);
}

static int64_t time_us(int64_t ms, int64_t min_ms)
{
	assert(ms >= min_ms && ms <= TIME_MAX_MS);
	return ms * US_PER_MS;
}

static int64_t counted(int64_t count, int64_t min)
{
	assert(count >= min && count <= COUNT_MAX);
	return count;
}

static int64_t span_us(int64_t interval, int64_t n)
{
	return n > SPAN_MAX_US / interval ? SPAN_MAX_US : interval * n;
}

static void rate_terms(const struct limiter_key *key, struct limiter_terms *ret)
{
	const struct limiter_policy *p = key->policy;
	int64_t quota = counted(p->quota, 1);

	/* Rounded up: never more than the quota. */
	ret->interval = (time_us(p->window_ms, 1) + quota - 1) / quota;
	ret->burst = span_us(ret->interval, p->burst ? counted(p->burst, 1) : quota);
	ret->cost = span_us(ret->interval, key->cost ? counted(key->cost, 1) : 1);
}

static void failure_terms(const struct limiter_policy *p, struct limiter_terms *ret)
{
	ret->success_clears = p->success_clears;
	ret->free = counted(p->free, 0);
	ret->delay = time_us(p->delay_ms, 1);
	ret->delay_max = time_us(p->delay_max_ms, p->delay_ms);
	ret->decay = time_us(p->decay_ms, 0);
	ret->consecutive_max = counted(p->consecutive_max, 0);
	ret->forget = time_us(p->forget_ms, p->delay_max_ms);
}

void limiter_terms_of(const struct limiter_key *key, struct limiter_terms *ret)
{
	name_assert(key->policy->name);
	*ret = (struct limiter_terms){ .kind = key->policy->kind };
	if (ret->kind == LIMITER_RATE)
		rate_terms(key, ret);
	else
		failure_terms(key->policy, ret);
}

/* ---- rates ---- */

/* A time stamp further off than the burst allows was made by a clock that has been set back since. */
static struct limiter_say rate_judge(const struct limiter_terms *t, struct limiter_state *s, int64_t now)
{
	struct limiter_say say = { 0 };

	s->tat = MIN(MAX(s->tat, now), now + t->burst);
	say.wait = MAX(s->tat + t->cost - t->burst - now, (int64_t)0);
	say.is_allowed = say.wait == 0;
	say.remaining = (t->burst - (s->tat - now)) / t->interval;
	say.reset = s->tat - now;
	return say;
}

static void rate_count(const struct limiter_terms *t, struct limiter_state *s, int64_t now, struct limiter_say *say)
{
	s->tat += t->cost;
	say->remaining = (t->burst - (s->tat - now)) / t->interval;
	say->reset = s->tat - now;
}

/* ---- failures ---- */

/* Of the attempt after that many. */
static int64_t delay_of(const struct limiter_terms *t, int64_t failures)
{
	int64_t delay = t->delay;

	if (failures == 0 || failures < t->free)
		return 0;
	for (int64_t i = t->free; i < failures && delay < t->delay_max; i++)
		delay *= 2;
	return MIN(delay, t->delay_max);
}

static void drain(const struct limiter_terms *t, struct limiter_state *s, int64_t now)
{
	int64_t n = t->decay > 0 ? (now - s->drained_at) / t->decay : 0;

	if (n >= s->failures) {
		s->failures = 0;
		s->drained_at = now;
		return;
	}
	s->failures -= n;
	s->drained_at += n * t->decay;
}

static struct limiter_say failures_judge(const struct limiter_terms *t, struct limiter_state *s, int64_t now)
{
	struct limiter_say say = { 0 };

	s->last_at = MIN(s->last_at, now);
	s->drained_at = MIN(s->drained_at, now);
	if (now - s->last_at >= t->forget)
		*s = (struct limiter_state){ .last_at = now, .drained_at = now };
	drain(t, s, now);
	say.is_at_ceiling = t->consecutive_max > 0 && s->consecutive >= t->consecutive_max;
	say.wait = s->last_at + (say.is_at_ceiling ? t->forget : delay_of(t, s->failures)) - now;
	say.wait = MAX(say.wait, (int64_t)0);
	say.is_allowed = say.wait == 0;
	return say;
}

/* More failures than the longest delay needs would only take longer to decay. */
static void failures_count(const struct limiter_terms *t, struct limiter_state *s, int64_t now)
{
	s->failures = MIN(s->failures + 1, t->free + DOUBLINGS_MAX);
	s->consecutive++;
	s->last_at = now;
}

/* ---- both ---- */

struct limiter_say limiter_judge(const struct limiter_terms *t, struct limiter_state *s, int64_t now)
{
	return t->kind == LIMITER_RATE ? rate_judge(t, s, now) : failures_judge(t, s, now);
}

void limiter_count(const struct limiter_terms *t, struct limiter_state *s, int64_t now, struct limiter_say *say)
{
	if (t->kind == LIMITER_RATE)
		rate_count(t, s, now, say);
	else
		failures_count(t, s, now);
}

void limiter_outcome_apply(const struct limiter_terms *t, struct limiter_state *s, enum limiter_outcome outcome)
{
	if (outcome == LIMITER_FORGOTTEN || (outcome == LIMITER_SUCCEEDED && t->success_clears)) {
		*s = (struct limiter_state){ 0 };
		return;
	}
	if (t->kind == LIMITER_RATE)
		return;
	s->failures = MAX(s->failures - 1, (int64_t)0);
	s->consecutive = MAX(s->consecutive - 1, (int64_t)0);
	if (s->consecutive == 0)
		*s = (struct limiter_state){ 0 };
}

bool limiter_state_is_new(const struct limiter_state *s)
{
	return s->tat == 0 && s->consecutive == 0;
}

int64_t limiter_state_end(const struct limiter_terms *t, const struct limiter_state *s)
{
	return t->kind == LIMITER_RATE ? s->tat : s->last_at + t->forget;
}

void limiter_sum_up(const struct limiter_terms *terms, const struct limiter_say *says, size_t n,
                    struct limiter_verdict *ret)
{
	struct limiter_verdict v = { .is_allowed = true, .decided_by = LIMITER_NONE, .rate_by = LIMITER_NONE };
	int64_t wait = 0;

	for (size_t i = 0; i < n; i++) {
		if (!says[i].is_allowed && says[i].wait > wait) {
			v.is_allowed = false;
			v.decided_by = i;
			v.is_at_ceiling = says[i].is_at_ceiling;
			wait = says[i].wait;
		}
		if (terms[i].kind != LIMITER_RATE)
			continue;
		if (v.rate_by != LIMITER_NONE && says[i].remaining >= v.rate_remaining)
			continue;
		v.rate_by = i;
		v.rate_remaining = says[i].remaining;
		v.rate_reset_ms = (says[i].reset + US_PER_MS - 1) / US_PER_MS;
	}
	v.retry_after_ms = (wait + US_PER_MS - 1) / US_PER_MS;
	*ret = v;
}
