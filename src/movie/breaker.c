/* The breaker. The window is a ring of SLOTS counters, each a fiftieth of it wide: what is older than the window never
 * counts, what is younger by a fiftieth always does. Each change of state begins a new era; a result of another era is
 * dropped, so that calls begun while it was sick neither close it nor open it again. Owns its counters and the places
 * of the probes; never yields, no allocation after breaker_new(). Limits: PROBES_MAX probes. */
#include "movie/breaker.h"

#include "base/fault.h"
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>

#define BREAKER_MAGIC UINT32_C(0x42524b52)

enum { SLOTS = 50, PROBES_MAX = 1000, PROBE_RETRY_MS = 1000 };

struct slot {
	int64_t number; /* which fiftieth since time began */
	int64_t calls, failures, slow;
};

struct breaker {
	uint32_t magic;
	struct breaker_options options;
	enum breaker_state state;
	enum breaker_cause cause;
	uint64_t era;
	uint64_t trips[BREAKER_CAUSES];
	uint64_t rejected;
	int64_t slot_ms;
	int64_t backoff_ms; /* the next opening's time, without jitter */
	int64_t until_ms;   /* while open */
	int64_t n_succeeded;
	size_t n_out; /* probes under way */
	struct slot slots[SLOTS];
	int64_t probes[]; /* when each of them began */
};

static bool options_are_valid(const struct breaker_options *o)
{
	return o->window_ms >= 1 && o->calls_min >= 1 && o->failure_percent >= 1 && o->failure_percent <= 100 &&
	       o->slow_percent >= 1 && o->slow_percent <= 100 && o->slow_ms >= 1 && o->open_ms >= 1 &&
	       o->open_max_ms >= o->open_ms && o->probes_max >= 1 && o->probes_max <= PROBES_MAX;
}

static void window_clear(struct breaker *b)
{
	for (size_t i = 0; i < SLOTS; i++)
		b->slots[i] = (struct slot){ .number = -1 };
}

int breaker_new(const struct breaker_options *options, struct breaker **ret)
{
	struct breaker *b;

	if (!options_are_valid(options))
		return -EINVAL;
	b = fault_hit("alloc") ? NULL : calloc(1, sizeof(*b) + (size_t)options->probes_max * sizeof(b->probes[0]));
	if (!b)
		return -ENOMEM;
	b->magic = BREAKER_MAGIC;
	b->options = *options;
	b->slot_ms = (options->window_ms + SLOTS - 1) / SLOTS;
	b->backoff_ms = options->open_ms;
	window_clear(b);
	*ret = b;
	return 0;
}

void breaker_free(struct breaker **b)
{
	if (!*b)
		return;
	assert((*b)->magic == BREAKER_MAGIC);
	(*b)->magic = 0;
	free(*b);
	*b = NULL;
}

/* ---- the window ---- */

static void window_add(struct breaker *b, int64_t now_ms, bool is_failure, bool is_slow)
{
	int64_t number = now_ms / b->slot_ms;
	struct slot *s = &b->slots[number % SLOTS];

	if (s->number != number)
		*s = (struct slot){ .number = number };
	s->calls++;
	s->failures += is_failure;
	s->slow += is_slow;
}

static struct slot window_sum(const struct breaker *b, int64_t now_ms)
{
	int64_t number = now_ms / b->slot_ms;
	struct slot sum = { .number = number };

	for (size_t i = 0; i < SLOTS; i++) {
		const struct slot *s = &b->slots[i];

		if (s->number < 0 || s->number <= number - SLOTS)
			continue;
		sum.calls += s->calls;
		sum.failures += s->failures;
		sum.slow += s->slow;
	}
	return sum;
}

static enum breaker_cause window_verdict(const struct breaker *b, int64_t now_ms)
{
	const struct breaker_options *o = &b->options;
	struct slot sum = window_sum(b, now_ms);

	if (sum.calls < o->calls_min)
		return BREAKER_NONE;
	if (sum.failures * 100 >= o->failure_percent * sum.calls)
		return BREAKER_FAILURES;
	return sum.slow * 100 >= o->slow_percent * sum.calls ? BREAKER_SLOW : BREAKER_NONE;
}

/* ---- changes of state ---- */

static void change(struct breaker *b, enum breaker_state to, enum breaker_cause cause, int64_t open_ms)
{
	enum breaker_state from = b->state;

	b->state = to;
	b->era++;
	b->n_out = 0;
	b->n_succeeded = 0;
	if (b->options.changed)
		b->options.changed(from, to, cause, open_ms, b->options.arg);
}

/* From closed for exactly open_ms; after probes twice as long each time, give or take a fifth, so that many processes
 * do not probe in step. */
static int64_t open_time(struct breaker *b)
{
	const struct breaker_options *o = &b->options;
	double jittered;

	if (b->state == BREAKER_CLOSED) {
		b->backoff_ms = o->open_ms;
		return o->open_ms;
	}
	if (b->state == BREAKER_HALF_OPEN)
		b->backoff_ms = b->backoff_ms > o->open_max_ms / 2 ? o->open_max_ms : b->backoff_ms * 2;
	jittered = (double)b->backoff_ms * (0.8 + 0.4 * random_unit());
	return MAX(o->open_ms, MIN((int64_t)jittered, o->open_max_ms));
}

static void open_up(struct breaker *b, int64_t now_ms, enum breaker_cause cause)
{
	int64_t open_ms = open_time(b);

	b->until_ms = now_ms + open_ms;
	b->cause = cause;
	b->trips[cause]++;
	change(b, BREAKER_OPEN, cause, open_ms);
}

static void close_down(struct breaker *b)
{
	window_clear(b);
	b->backoff_ms = b->options.open_ms;
	change(b, BREAKER_CLOSED, BREAKER_NONE, 0);
}

void breaker_trip(struct breaker *b, int64_t now_ms, enum breaker_cause cause)
{
	assert(b->magic == BREAKER_MAGIC && cause > BREAKER_NONE && cause < BREAKER_CAUSES);
	/* Of many calls that find out the same thing the first one opens it. */
	if (b->state != BREAKER_OPEN || b->cause != cause)
		open_up(b, now_ms, cause);
}

/* ---- probes ---- */

/* A probe that did not come back in the longest open time is taken for lost. */
static bool probe_is_lost(const struct breaker *b, size_t i, int64_t now_ms)
{
	return now_ms - b->probes[i] > b->options.open_max_ms;
}

static int64_t probes_left(const struct breaker *b, int64_t now_ms)
{
	int64_t left = b->options.probes_max - b->n_succeeded;

	for (size_t i = 0; i < b->n_out; i++)
		left -= !probe_is_lost(b, i, now_ms);
	return left;
}

static void probe_remove(struct breaker *b, size_t i)
{
	b->probes[i] = b->probes[--b->n_out];
}

static void probe_add(struct breaker *b, int64_t now_ms)
{
	for (size_t i = b->n_out; i-- > 0;)
		if (probe_is_lost(b, i, now_ms))
			probe_remove(b, i);
	assert((int64_t)b->n_out < b->options.probes_max);
	b->probes[b->n_out++] = now_ms;
}

/* Two that began in the same millisecond are as good as each other. False: it was given up for lost. */
static bool probe_take_back(struct breaker *b, int64_t start_ms)
{
	for (size_t i = 0; i < b->n_out; i++) {
		if (b->probes[i] != start_ms)
			continue;
		probe_remove(b, i);
		return true;
	}
	return false;
}

static void probe_end(struct breaker *b, int64_t now_ms, bool is_good)
{
	if (!is_good)
		open_up(b, now_ms, BREAKER_PROBE);
	else if (++b->n_succeeded == b->options.probes_max)
		close_down(b);
}

/* ---- calls ---- */

bool breaker_is_open(const struct breaker *b, int64_t now_ms, int64_t *ret_retry_ms)
{
	assert(b->magic == BREAKER_MAGIC);
	if (b->state == BREAKER_OPEN && now_ms < b->until_ms) {
		*ret_retry_ms = b->until_ms - now_ms;
		return true;
	}
	if (b->state == BREAKER_HALF_OPEN && probes_left(b, now_ms) <= 0) {
		*ret_retry_ms = MIN(b->options.open_ms, (int64_t)PROBE_RETRY_MS);
		return true;
	}
	return false;
}

int breaker_enter(struct breaker *b, int64_t now_ms, struct breaker_permit *ret, int64_t *ret_retry_ms)
{
	if (breaker_is_open(b, now_ms, ret_retry_ms)) {
		b->rejected++;
		return -EAGAIN;
	}
	if (b->state == BREAKER_OPEN)
		change(b, BREAKER_HALF_OPEN, b->cause, 0);
	if (b->state == BREAKER_HALF_OPEN)
		probe_add(b, now_ms);
	*ret = (struct breaker_permit){ .era = b->era, .start_ms = now_ms, .is_probe = b->state == BREAKER_HALF_OPEN };
	return 0;
}

void breaker_leave(struct breaker *b, int64_t now_ms, const struct breaker_permit *p, enum breaker_outcome outcome)
{
	bool is_slow = now_ms - p->start_ms > b->options.slow_ms;
	bool is_failure = outcome == BREAKER_FAILURE;
	enum breaker_cause cause;

	assert(b->magic == BREAKER_MAGIC);
	if (p->era != b->era || (p->is_probe && !probe_take_back(b, p->start_ms)) || outcome == BREAKER_ABANDONED)
		return;
	if (p->is_probe) {
		probe_end(b, now_ms, !is_failure && !is_slow);
		return;
	}
	window_add(b, now_ms, is_failure, is_slow);
	cause = window_verdict(b, now_ms);
	if (cause != BREAKER_NONE)
		open_up(b, now_ms, cause);
}

/* ---- telling ---- */

void breaker_stats_get(struct breaker *b, int64_t now_ms, struct breaker_stats *ret)
{
	struct slot sum = window_sum(b, now_ms);

	assert(b->magic == BREAKER_MAGIC);
	*ret = (struct breaker_stats){
		.state = b->state,
		.cause = b->cause,
		.rejected = b->rejected,
		.calls = sum.calls,
		.failures = sum.failures,
		.slow = sum.slow,
	};
	memcpy(ret->trips, b->trips, sizeof(ret->trips));
}

const char *breaker_state_name(enum breaker_state s)
{
	static const char *const names[] = { "closed", "half-open", "open" };

	assert(s < ARRAY_SIZE(names));
	return names[s];
}

const char *breaker_cause_name(enum breaker_cause c)
{
	static const char *const names[] = { "none", "failures", "slow-calls", "probe", "credentials" };

	assert(c < ARRAY_SIZE(names));
	return names[c];
}
