/* The breaker against a naive one that remembers every call, over random events. Time is told, never slept. */
#include "movie/breaker.h"

#include "base/test_rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

static const struct breaker_options defaults = {
	.window_ms = 10000,
	.calls_min = 20,
	.failure_percent = 50,
	.slow_percent = 80,
	.slow_ms = 2000,
	.open_ms = 5000,
	.open_max_ms = 60000,
	.probes_max = 3,
};

/* Far from zero, as a real clock is. */
#define T0 INT64_C(1000000)

enum { EVENTS = 400, PENDING = 64 };

struct result {
	int64_t at_ms;
	bool is_failure, is_slow;
};

/* Remembers each result, and counts them all again each time. Learns from the real one only how long it is open. */
struct model {
	enum breaker_state state;
	uint64_t era;
	int64_t until_ms;
	struct result results[EVENTS];
	size_t n_results;
	int64_t probes_out, probes_good;
};

static void model_change(struct model *m, enum breaker_state to)
{
	m->state = to;
	m->era++;
	m->n_results = 0;
	m->probes_out = m->probes_good = 0;
}

static bool model_enter(struct model *m, int64_t now_ms)
{
	if (m->state == BREAKER_OPEN && now_ms < m->until_ms)
		return false;
	if (m->state == BREAKER_HALF_OPEN && m->probes_out + m->probes_good >= defaults.probes_max)
		return false;
	if (m->state == BREAKER_OPEN)
		model_change(m, BREAKER_HALF_OPEN);
	m->probes_out += m->state == BREAKER_HALF_OPEN;
	return true;
}

static bool model_must_open(const struct model *m, int64_t now_ms)
{
	int64_t n = 0, failures = 0, slow = 0, slot_ms = defaults.window_ms / 50;

	for (size_t i = 0; i < m->n_results; i++) {
		const struct result *r = &m->results[i];

		if (r->at_ms / slot_ms <= now_ms / slot_ms - 50)
			continue;
		n++;
		failures += r->is_failure;
		slow += r->is_slow;
	}
	return n >= defaults.calls_min && (failures * 2 >= n || slow * 5 >= n * 4);
}

static void model_leave(struct model *m, int64_t now_ms, uint64_t era, bool is_slow, enum breaker_outcome outcome)
{
	if (era != m->era)
		return;
	m->probes_out -= m->state == BREAKER_HALF_OPEN;
	if (outcome == BREAKER_ABANDONED)
		return;
	if (m->state == BREAKER_HALF_OPEN) {
		if (outcome == BREAKER_FAILURE || is_slow)
			model_change(m, BREAKER_OPEN);
		else if (++m->probes_good == defaults.probes_max)
			model_change(m, BREAKER_CLOSED);
		return;
	}
	m->results[m->n_results++] = (struct result){ now_ms, outcome == BREAKER_FAILURE, is_slow };
	if (model_must_open(m, now_ms))
		model_change(m, BREAKER_OPEN);
}

struct pending {
	struct breaker_permit permit;
	uint64_t era;
};

static enum breaker_state state_of(struct breaker *b, int64_t now_ms)
{
	struct breaker_stats stats;

	breaker_stats_get(b, now_ms, &stats);
	return stats.state;
}

static bool may_enter(struct breaker *b, int64_t now_ms, struct breaker_permit *ret)
{
	int64_t unused_ms;

	return breaker_enter(b, now_ms, ret, &unused_ms) == 0;
}

static int64_t open_left(const struct breaker *b, int64_t now_ms)
{
	int64_t left_ms = 0;

	return breaker_is_open(b, now_ms, &left_ms) ? left_ms : 0;
}

struct trial {
	struct breaker *breaker;
	struct model model;
	struct pending pending[PENDING];
	size_t n;
	int64_t now_ms;
	unsigned seed;
	int failure_percent;
};

static int drawn(struct trial *t, int below)
{
	return rand_r(&t->seed) % below;
}

static void trial_enter(struct trial *t)
{
	struct pending *p = &t->pending[t->n];
	bool is_in = may_enter(t->breaker, t->now_ms, &p->permit);

	assert_int_equal(is_in, model_enter(&t->model, t->now_ms));
	p->era = t->model.era;
	t->n += is_in;
}

static void trial_leave(struct trial *t)
{
	size_t i = (size_t)drawn(t, (int)t->n);
	struct pending p = t->pending[i];
	enum breaker_outcome outcome = drawn(t, 100) < t->failure_percent ? BREAKER_FAILURE : BREAKER_SUCCESS;

	if (drawn(t, 10) == 0)
		outcome = BREAKER_ABANDONED;
	t->pending[i] = t->pending[--t->n];
	breaker_leave(t->breaker, t->now_ms, &p.permit, outcome);
	model_leave(&t->model, t->now_ms, p.era, t->now_ms - p.permit.start_ms > defaults.slow_ms, outcome);
	if (t->model.state == BREAKER_OPEN)
		t->model.until_ms = t->now_ms + open_left(t->breaker, t->now_ms);
}

static void trial_run(unsigned seed)
{
	struct trial *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	assert_int_equal(breaker_new(&defaults, &t->breaker), 0);
	t->now_ms = T0;
	t->seed = seed;
	t->failure_percent = drawn(t, 101);
	for (int i = 0; i < EVENTS; i++) {
		t->now_ms += drawn(t, 4) ? drawn(t, 60) : drawn(t, 1500);
		if (t->n < PENDING && (t->n == 0 || drawn(t, 2)))
			trial_enter(t);
		else
			trial_leave(t);
		assert_int_equal(state_of(t->breaker, t->now_ms), t->model.state);
	}
	breaker_free(&t->breaker);
	free(t);
}

static void test_it_does_what_a_naive_one_does(void **state)
{
	const char *given = getenv("TEST_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

	(void)state;
	printf("TEST_SEED=%u\n", seed);
	for (long i = 0; i < test_rounds(500, 50000); i++)
		trial_run(seed + (unsigned)i);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_does_what_a_naive_one_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
