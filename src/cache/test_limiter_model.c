/* The limiter in memory against a naive one that remembers every attempt, over random attempts, outcomes and pauses.
 * Rates there are the other form of the algorithm, a leaky bucket (ITU-T I.371, annex A: both decide alike); failures
 * decay tick by tick. Time is told, never slept. TEST_SEED repeats a run. */
#include "base/test_rounds.h"
#include "cache/limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

enum { EVENTS = 400, POLICIES = 4, IDS = 3, KEYS = POLICIES * IDS };

static const struct limiter_policy policies[POLICIES] = {
	{ "rate", LIMITER_RATE, .quota = 5, .window_ms = 60000 },
	{ "burst", LIMITER_RATE, .quota = 10, .window_ms = 10000, .burst = 2 },
	{ "clearing", LIMITER_FAILURES, .free = 3, .delay_ms = 1000, .delay_max_ms = 30000, .decay_ms = 7000,
	  .consecutive_max = 25, .forget_ms = 3600000, .success_clears = true },
	{ "returning", LIMITER_FAILURES, .free = 0, .delay_ms = 500, .delay_max_ms = 4000, .forget_ms = 600000 },
};

struct model {
	const struct limiter_policy *policy;
	int64_t attempts[EVENTS]; /* of a rate: when they were allowed */
	size_t n;
	int64_t failures, consecutive, last_ms, tick_ms;
};

static int64_t now_ms;

static int64_t clock_us(void *arg)
{
	(void)arg;
	return now_ms * 1000;
}

/* ---- the naive one ---- */

static int64_t capacity_of(const struct limiter_policy *p)
{
	return (p->burst ? p->burst : p->quota) * (p->window_ms / p->quota);
}

static int64_t bucket_level(const struct model *m)
{
	int64_t level = 0, at = 0;

	for (size_t i = 0; i < m->n; i++) {
		level = MAX(level - (m->attempts[i] - at), (int64_t)0) + m->policy->window_ms / m->policy->quota;
		at = m->attempts[i];
	}
	return MAX(level - (now_ms - at), (int64_t)0);
}

static int64_t rate_wait(const struct model *m)
{
	return MAX(bucket_level(m) + m->policy->window_ms / m->policy->quota - capacity_of(m->policy), (int64_t)0);
}

static void model_age(struct model *m)
{
	if (m->consecutive > 0 && now_ms - m->last_ms >= m->policy->forget_ms)
		m->failures = m->consecutive = 0;
	while (m->policy->decay_ms > 0 && m->failures > 0 && m->tick_ms <= now_ms) {
		m->failures--;
		m->tick_ms += m->policy->decay_ms;
	}
}

static bool is_at_ceiling(const struct model *m)
{
	return m->policy->consecutive_max > 0 && m->consecutive >= m->policy->consecutive_max;
}

static int64_t failures_wait(struct model *m)
{
	const struct limiter_policy *p = m->policy;
	double delay = (double)p->delay_ms;

	model_age(m);
	if (is_at_ceiling(m))
		return m->last_ms + p->forget_ms - now_ms;
	if (m->failures == 0 || m->failures < p->free)
		return 0;
	for (int64_t i = p->free; i < m->failures; i++)
		delay *= 2;
	return MAX(m->last_ms + (int64_t)MIN(delay, (double)p->delay_max_ms) - now_ms, (int64_t)0);
}

static int64_t model_wait(struct model *m)
{
	return m->policy->kind == LIMITER_RATE ? rate_wait(m) : failures_wait(m);
}

static void model_count(struct model *m)
{
	if (m->policy->kind == LIMITER_RATE) {
		m->attempts[m->n++] = now_ms;
		return;
	}
	if (m->failures == 0)
		m->tick_ms = now_ms + m->policy->decay_ms;
	m->failures++;
	m->consecutive++;
	m->last_ms = now_ms;
}

static void model_settle(struct model *m, enum limiter_outcome outcome)
{
	if (outcome == LIMITER_FORGOTTEN || (outcome == LIMITER_SUCCEEDED && m->policy->success_clears)) {
		m->n = 0;
		m->failures = m->consecutive = 0;
		return;
	}
	m->consecutive = MAX(m->consecutive - 1, (int64_t)0);
	m->failures = m->consecutive == 0 ? 0 : MAX(m->failures - 1, (int64_t)0);
}

/* ---- both ---- */

struct pick {
	size_t n;
	struct limiter_key keys[LIMITER_KEYS_MAX];
	struct model *models[LIMITER_KEYS_MAX];
};

static void keys_pick(struct model models[KEYS], struct pick *ret)
{
	static const char *const ids[IDS] = { "a", "b", "c" };

	ret->n = 0;
	for (size_t i = 0; i < KEYS && ret->n < LIMITER_KEYS_MAX; i++) {
		if (random() % KEYS > 1)
			continue;
		ret->models[ret->n] = &models[i];
		ret->keys[ret->n++] = (struct limiter_key){ &policies[i % POLICIES], str_from(ids[i / POLICIES]) };
	}
}

/* What was right there, for the next pause to end at, or just before. */
static int64_t take_both(struct limiter *l, struct pick *p)
{
	struct limiter_verdict v;
	int64_t wait = 0;
	bool at_ceiling = false;

	for (size_t i = 0; i < p->n; i++) {
		int64_t one = model_wait(p->models[i]);

		if (one > wait)
			at_ceiling = p->models[i]->policy->kind == LIMITER_FAILURES && is_at_ceiling(p->models[i]);
		wait = MAX(wait, one);
	}
	assert_int_equal(limiter_take(l, p->keys, p->n, &v), 0);
	assert_int_equal(v.retry_after_ms, wait);
	assert_int_equal(v.is_allowed, wait == 0);
	assert_int_equal(v.is_at_ceiling, at_ceiling);
	for (size_t i = 0; wait == 0 && i < p->n; i++)
		model_count(p->models[i]);
	if (v.rate_by != LIMITER_NONE) {
		const struct model *m = p->models[v.rate_by];

		assert_int_equal(v.rate_reset_ms, bucket_level(m));
		assert_int_equal(v.rate_remaining, (capacity_of(m->policy) - bucket_level(m)) /
		                                           (m->policy->window_ms / m->policy->quota));
	}
	return wait;
}

static void settle_both(struct limiter *l, struct pick *p)
{
	enum limiter_outcome outcome = (enum limiter_outcome)(random() % 3);

	for (size_t i = 0; i < p->n; i++)
		if (p->models[i]->policy->kind == LIMITER_FAILURES || outcome == LIMITER_FORGOTTEN)
			model_settle(p->models[i], outcome);
	limiter_settle(l, p->keys, p->n, outcome);
}

static int64_t pause_pick(int64_t wait_ms)
{
	switch (random() % 8) {
	case 0:
		return wait_ms;
	case 1:
		return MAX(wait_ms - 1, (int64_t)0);
	case 2:
		return random() % 20000;
	case 3:
		return random() % 50 == 0 ? random() % 4000000 : 1;
	default:
		return random() % 2000;
	}
}

static void run(unsigned seed)
{
	const struct limiter_options options = { .prefix = "", .clock_us = clock_us };
	struct limiter *l CLEANUP(limiter_free) = NULL;
	struct model models[KEYS] = { 0 };
	struct pick p;

	srandom(seed);
	now_ms = 1800000000000;
	assert_int_equal(limiter_new(&options, &l), 0);
	for (size_t i = 0; i < KEYS; i++)
		models[i].policy = &policies[i % POLICIES];
	for (int i = 0; i < EVENTS; i++) {
		int64_t wait = 0;

		keys_pick(models, &p);
		if (p.n > 0 && random() % 10 == 0)
			settle_both(l, &p);
		else if (p.n > 0)
			wait = take_both(l, &p);
		now_ms += pause_pick(wait);
	}
}

static void decides_as_one_that_remembers_everything(void **state)
{
	const char *given = getenv("TEST_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

	(void)state;
	for (long i = 0; i < test_rounds(200, 20000); i++, seed++) {
		if (i == 0)
			print_message("TEST_SEED=%u and further\n", seed);
		run(seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_as_one_that_remembers_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
