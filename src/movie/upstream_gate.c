/* What a call has to pass before it goes over the wire. Whoever waits here is asked again afterwards, and is sent away
 * at once when the breaker opens or a pause begins. Limits: queue_max wait for a place; those who wait for their turn
 * hold one, so they are calls_max at most. Every wait ends with the passage's deadline. */
#include "movie/upstream_internal.h"

#include <errno.h>

static int refuse(struct passage *p, enum upstream_gate gate, int64_t retry_ms)
{
	metric_add(p->upstream->metrics.rejected[gate], 1);
	p->answer.retry_after_ms = retry_ms;
	return -EAGAIN;
}

static int breaker_ask(struct upstream *u, int64_t now_ms, struct breaker_permit *ret, int64_t *ret_retry_ms)
{
	struct breaker_stats stats;
	struct span span;
	int r;

	if (!span_is_wanted())
		return breaker_enter(u->breaker, now_ms, ret, ret_retry_ms);
	span_start(&span, "circuit breaker", SPAN_INTERNAL, NULL);
	r = breaker_enter(u->breaker, now_ms, ret, ret_retry_ms);
	breaker_stats_get(u->breaker, now_ms, &stats);
	span_set_str(&span, "cinesync.breaker.state", str_from(breaker_state_name(stats.state)));
	span_set_bool(&span, "cinesync.breaker.permitted", r == 0);
	span_end(&span);
	return r;
}

/* Whether calls may go at all. Asking breaker_ask() when it is open has the refusal counted. */
static int gate_check(struct passage *p)
{
	struct upstream *u = p->upstream;
	int64_t now_ms = clock_mono_ms();
	struct breaker_permit none;
	int64_t retry_ms;

	if (breaker_is_open(u->breaker, now_ms, &retry_ms) && breaker_ask(u, now_ms, &none, &retry_ms) < 0)
		return refuse(p, GATE_BREAKER, retry_ms);
	retry_ms = pause_left_ms(&u->pause, now_ms);
	return retry_ms > 0 ? refuse(p, GATE_PAUSE, retry_ms) : 0;
}

/* After a wait that failed: what to say. */
static int gave_up(struct passage *p, enum upstream_gate gate, int r)
{
	if (r == -ECANCELED)
		return r;
	if (r == -EAGAIN)
		r = gate_check(p);
	return r == -EAGAIN ? r : refuse(p, gate, UPSTREAM_RETRY_MS);
}

static int place_take(struct passage *p)
{
	struct upstream *u = p->upstream;
	int r;

	metric_add(u->metrics.waiting, 1);
	r = fiber_semaphore_acquire(&u->places);
	metric_add(u->metrics.waiting, -1);
	return r < 0 ? gave_up(p, GATE_BULKHEAD, r) : 0;
}

int gate_sleep(struct upstream *u, int64_t delay_ms)
{
	int64_t outer_ms = fiber_deadline();
	/* The clock's present millisecond is partly over. */
	int64_t wake_ms = clock_deadline_in(delay_ms + 1);
	int r;

	if (wake_ms < outer_ms)
		fiber_deadline_set(wake_ms);
	metric_add(u->metrics.waiting, 1);
	r = fiber_queue_wait(&u->sleepers);
	metric_add(u->metrics.waiting, -1);
	fiber_deadline_set(outer_ms);
	return r == -ETIMEDOUT && wake_ms < outer_ms ? 0 : r;
}

static int turn_wait(struct passage *p)
{
	struct upstream *u = p->upstream;
	int64_t left_ms = passage_left_ms(p);
	int64_t wait_ms;
	int r;

	if (left_ms <= 0)
		return refuse(p, GATE_BULKHEAD, UPSTREAM_RETRY_MS);
	if (bucket_take(&u->bucket, clock_mono_ms(), MIN(u->options.rate_wait_ms, left_ms), &wait_ms) < 0)
		return refuse(p, GATE_RATE, wait_ms);
	if (wait_ms == 0)
		return 0;
	r = gate_sleep(u, wait_ms);
	return r < 0 ? gave_up(p, GATE_RATE, r) : 0;
}

int gate_pass(struct passage *p)
{
	int r = gate_check(p);

	if (r == 0)
		r = place_take(p);
	if (r < 0)
		return r;
	r = gate_check(p);
	if (r == 0)
		r = turn_wait(p);
	if (r < 0)
		gate_leave(p->upstream);
	return r;
}

int gate_permit(struct passage *p, struct breaker_permit *ret)
{
	struct upstream *u = p->upstream;
	int64_t retry_ms;
	int r = gate_check(p);

	if (r == 0 && passage_left_ms(p) <= 0)
		r = refuse(p, GATE_RATE, UPSTREAM_RETRY_MS);
	if (r == 0 && breaker_ask(u, clock_mono_ms(), ret, &retry_ms) < 0)
		r = refuse(p, GATE_BREAKER, retry_ms);
	return r;
}

bool gate_pass_at_once(struct passage *p, struct breaker_permit *ret)
{
	struct upstream *u = p->upstream;
	int64_t now_ms = clock_mono_ms();
	struct breaker_stats stats;
	int64_t unused_ms;

	breaker_stats_get(u->breaker, now_ms, &stats);
	if (stats.state != BREAKER_CLOSED || pause_left_ms(&u->pause, now_ms) > 0 || u->places.available == 0 ||
	    passage_left_ms(p) <= 0)
		return false;
	if (!retry_budget_take(&u->budget) || bucket_take(&u->bucket, now_ms, 0, &unused_ms) < 0 ||
	    breaker_enter(u->breaker, now_ms, ret, &unused_ms) < 0)
		return false;
	/* One is free, so this neither waits nor fails. */
	return fiber_semaphore_acquire(&u->places) == 0;
}

void gate_leave(struct upstream *u)
{
	fiber_semaphore_release(&u->places);
}

/* Those in line for a place need no call: each place given back now, the next one's first of all, goes to somebody who
 * finds the gate shut and passes it on. */
void gate_shut(struct upstream *u)
{
	fiber_queue_wake_all(&u->sleepers, -EAGAIN);
}
