/* Hedging ("The Tail at Scale"): when the first attempt has no answer after the time that nineteen of twenty take, a
 * second one is made, and the first good answer is taken. Each attempt has a fiber of its own; the passage's fiber
 * cancels whoever is left and waits until it has ended before it returns, so all of a race may lie on its stack and in
 * its arena. Limits: two attempts; the second needs a free place, a token and a share of the retry budget, and never
 * waits for them. */
#include "base/context.h"
#include "movie/upstream_internal.h"

#include <errno.h>

struct race;

struct racer {
	struct race *race;
	struct attempt *attempt;
	struct fiber *fiber; /* NULL: never started */
	bool is_done;
	bool is_settled;
};

struct race {
	struct passage *passage;
	struct context *context;
	struct fiber_queue finish;
	struct racer racers[2];
	struct attempt second;
};

static void racer_run(void *arg)
{
	struct racer *r = arg;

	context_current = r->race->context;
	fiber_deadline_set(r->race->passage->deadline_ms);
	attempt_run(r->attempt, r->race->passage);
	r->is_done = true;
	fiber_queue_wake_one(&r->race->finish, 0);
}

static int racer_start(struct race *race, size_t i, struct attempt *at)
{
	struct racer *r = &race->racers[i];

	r->race = race;
	r->attempt = at;
	return fiber_spawn("tmdb", racer_run, r, &r->fiber);
}

static void hedge(struct race *race)
{
	struct passage *p = race->passage;
	struct attempt *at = &race->second;
	struct breaker_permit permit;

	if (attempt_prepare(at, p) < 0 || !gate_pass_at_once(p, &permit))
		return;
	at->permit = permit;
	if (racer_start(race, 1, at) == 0) {
		metric_add(p->upstream->metrics.hedges, 1);
		return;
	}
	attempt_drop(at, p);
	gate_leave(p->upstream);
}

static struct racer *finished(struct race *race)
{
	for (size_t i = 0; i < ARRAY_SIZE(race->racers); i++)
		if (race->racers[i].is_done && !race->racers[i].is_settled)
			return &race->racers[i];
	return NULL;
}

static bool is_running(const struct race *race)
{
	for (size_t i = 0; i < ARRAY_SIZE(race->racers); i++)
		if (race->racers[i].fiber && !race->racers[i].is_done)
			return true;
	return false;
}

static void cancel_all(struct race *race)
{
	for (size_t i = 0; i < ARRAY_SIZE(race->racers); i++)
		if (race->racers[i].fiber && !race->racers[i].is_done)
			fiber_cancel(race->racers[i].fiber);
}

/* Until one has finished, or for hedge_ms at most (-1: no limit of its own). */
static int finish_wait(struct race *race, int64_t hedge_ms)
{
	int64_t outer_ms = fiber_deadline();
	int r = 0;

	if (hedge_ms >= 0)
		fiber_deadline_set(MIN(outer_ms, clock_deadline_in(hedge_ms)));
	while (r == 0 && !finished(race) && is_running(race))
		r = fiber_queue_wait(&race->finish);
	fiber_deadline_set(outer_ms);
	return r;
}

/* The first answer that is one, or the last failure. At the passage's deadline the racers come to theirs, and a
 * cancelled passage has cancelled them: either way they end by themselves, so this waits whatever happens. */
static struct verdict decide(struct race *race)
{
	struct verdict v = { .r = -EAGAIN, .outcome = BREAKER_ABANDONED, .end = END_ABANDONED };
	struct racer *r;

	while (finished(race) || is_running(race)) {
		if (finish_wait(race, -1) == -ECANCELED)
			cancel_all(race);
		fiber_shield();
		(void)finish_wait(race, -1);
		fiber_unshield();
		r = finished(race);
		if (!r)
			break;
		v = attempt_settle(r->attempt, race->passage);
		r->is_settled = true;
		if (v.outcome != BREAKER_FAILURE)
			break;
	}
	return v;
}

static void racer_end(struct race *race, size_t i)
{
	struct racer *r = &race->racers[i];
	int joined;

	if (!r->fiber)
		return;
	fiber_shield();
	joined = fiber_join(r->fiber);
	fiber_unshield();
	assert(joined == 0);
	fiber_unref(&r->fiber);
	if (!r->is_settled)
		attempt_drop(r->attempt, race->passage);
	/* The first one's place is the passage's own. */
	if (i > 0)
		gate_leave(race->passage->upstream);
}

struct verdict race_run(struct passage *p, struct attempt *first, int64_t hedge_ms)
{
	struct race race = { .passage = p, .context = context_current };
	struct verdict v;

	fiber_queue_init(&race.finish);
	if (racer_start(&race, 0, first) < 0) {
		attempt_run(first, p);
		return attempt_settle(first, p);
	}
	if (finish_wait(&race, hedge_ms) == -ETIMEDOUT)
		hedge(&race);
	v = decide(&race);
	/* The second one was the retry. */
	v.may_retry = v.may_retry && !race.racers[1].fiber;
	cancel_all(&race);
	for (size_t i = 0; i < ARRAY_SIZE(race.racers); i++)
		racer_end(&race, i);
	return v;
}
