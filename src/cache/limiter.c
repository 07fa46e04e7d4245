/* Who decides: Redis, or this process while there is none. What Redis has said of a key is kept here too, so that this
 * process goes on from there when Redis goes away; what was counted meanwhile goes along with the next run of the
 * script about that key. A key's time is Redis' time throughout: `ahead` is how far its clock was ahead of ours
 * when it last answered.
 *
 * Yields only in limiter_redis_run(); every change of memory is between two yields. */
#include "cache/limiter_inside.h"

#include "base/clock.h"
#include "base/embed.h"
#include "base/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMITER_MAGIC UINT32_C(0x4c494d49)

extern const struct embedded_file limiter_scripts[];
extern const size_t limiter_scripts_n;

struct limiter {
	uint32_t magic;
	struct redis *redis; /* NULL: none */
	struct redis_script script;
	struct limiter_memory memory;
	char prefix[LIMITER_PREFIX_MAX + 1];
	int64_t (*clock_us)(void *arg);
	void *clock_arg;
	int64_t ahead; /* of clock_mono_us() */
	struct limiter_stats stats;
};

/* ---- life ---- */

int limiter_new(const struct limiter_options *options, struct limiter **ret)
{
	struct limiter *l = fault_hit("alloc") ? NULL : calloc(1, sizeof(*l));
	int r;

	assert(strlen(options->prefix) <= LIMITER_PREFIX_MAX);
	if (!l)
		return -ENOMEM;
	l->magic = LIMITER_MAGIC;
	l->redis = options->redis;
	l->script.text = embedded_find(limiter_scripts, limiter_scripts_n, "limiter.lua");
	snprintf(l->prefix, sizeof(l->prefix), "%s", options->prefix);
	l->clock_us = options->clock_us;
	l->clock_arg = options->clock_arg;
	l->ahead = clock_real_ms() * 1000 - clock_mono_us();
	r = limiter_memory_init(&l->memory, options->keys_max);
	if (r < 0) {
		free(l);
		return r;
	}
	*ret = l;
	return 0;
}

void limiter_free(struct limiter **lp)
{
	struct limiter *l = STEAL(*lp);

	if (!l)
		return;
	assert(l->magic == LIMITER_MAGIC);
	limiter_memory_done(&l->memory);
	l->magic = 0;
	free(l);
}

void limiter_stats_get(const struct limiter *l, struct limiter_stats *ret)
{
	assert(l->magic == LIMITER_MAGIC);
	*ret = l->stats;
	ret->evicted = l->memory.evicted;
	ret->keys = map_count(l->memory.entries);
}

static int64_t now_of(const struct limiter *l)
{
	return l->clock_us ? l->clock_us(l->clock_arg) : clock_mono_us() + l->ahead;
}

/* ---- the question ---- */

static void name_make(const struct limiter *l, const struct limiter_key *key, char room[LIMITER_KEY_SIZE],
                      struct str *ret)
{
	int len = snprintf(room, LIMITER_KEY_SIZE, "%s%s:", l->prefix, key->policy->name);

	assert(key->id.len >= 1 && key->id.len <= LIMITER_ID_MAX);
	memcpy(room + len, key->id.data, key->id.len);
	*ret = (struct str){ room, (size_t)len + key->id.len };
}

static void question_make(const struct limiter *l, const struct limiter_key *keys, size_t n, struct limiter_question *q)
{
	assert(l->magic == LIMITER_MAGIC && n >= 1 && n <= LIMITER_KEYS_MAX);
	q->n = n;
	for (size_t i = 0; i < n; i++) {
		limiter_terms_of(&keys[i], &q->terms[i]);
		name_make(l, &keys[i], q->room[i], &q->names[i]);
	}
}

/* ---- with Redis ---- */

/* Taken out, so that a question asked meanwhile does not tell it again. */
static void untold_take(struct limiter *l, struct limiter_question *q)
{
	for (size_t i = 0; i < q->n; i++) {
		struct limiter_entry *e = limiter_memory_find(&l->memory, q->names[i]);

		q->untold[i] = (struct limiter_untold){ 0 };
		if (!e || e->n_untold == 0)
			continue;
		q->untold[i] = (struct limiter_untold){ e->state, e->n_untold };
		e->n_untold = 0;
	}
}

static void untold_return(struct limiter *l, const struct limiter_question *q)
{
	for (size_t i = 0; i < q->n; i++) {
		struct limiter_entry *e = q->untold[i].n > 0 ? limiter_memory_find(&l->memory, q->names[i]) : NULL;

		if (e)
			e->n_untold += q->untold[i].n;
	}
}

static void entry_set(struct limiter_entry *e, const struct limiter_terms *t, const struct limiter_state *s)
{
	e->state = *s;
	e->end = limiter_state_end(t, s);
}

/* Without memory for it, it is not remembered: Redis has it. */
static void shared_keep(struct limiter *l, const struct limiter_question *q, int64_t now)
{
	for (size_t i = 0; i < q->n; i++) {
		struct limiter_entry *e;

		if (limiter_state_is_new(&q->states[i])) {
			e = limiter_memory_find(&l->memory, q->names[i]);
			if (e)
				limiter_memory_drop(&l->memory, e);
			continue;
		}
		e = limiter_memory_make(&l->memory, q->names[i], now);
		if (!e)
			continue;
		entry_set(e, &q->terms[i], &q->states[i]);
	}
}

/* Yields. -EAGAIN: Redis does not decide. */
static int redis_run(struct limiter *l, struct limiter_question *q, const char *op)
{
	int64_t now = l->clock_us ? l->clock_us(l->clock_arg) : 0;
	int r;

	if (!l->redis || !redis_is_up(l->redis))
		return -EAGAIN;
	untold_take(l, q);
	r = limiter_redis_run(l->redis, &l->script, str_from(op), q, &now);
	if (r < 0) {
		untold_return(l, q);
		return r;
	}
	if (!l->clock_us)
		l->ahead = now - clock_mono_us();
	shared_keep(l, q, now);
	return 0;
}

/* ---- alone ---- */

/* -ENOMEM, and nothing is counted. */
static int entries_make(struct limiter *l, const struct limiter_question *q, int64_t now,
                        struct limiter_entry *ret[LIMITER_KEYS_MAX])
{
	for (size_t i = 0; i < q->n; i++)
		if (!limiter_memory_make(&l->memory, q->names[i], now))
			return -ENOMEM;
	/* Only now: making one may have evicted another, when the memory is that small. */
	for (size_t i = 0; i < q->n; i++) {
		ret[i] = limiter_memory_find(&l->memory, q->names[i]);
		if (!ret[i])
			return -ENOMEM;
	}
	return 0;
}

static int take_alone(struct limiter *l, struct limiter_question *q)
{
	struct limiter_entry *entries[LIMITER_KEYS_MAX];
	int64_t now = now_of(l);
	bool is_allowed = true;
	int r = entries_make(l, q, now, entries);

	if (r < 0)
		return r;
	for (size_t i = 0; i < q->n; i++) {
		q->states[i] = entries[i]->state;
		q->says[i] = limiter_judge(&q->terms[i], &q->states[i], now);
		is_allowed = is_allowed && q->says[i].is_allowed;
	}
	for (size_t i = 0; is_allowed && i < q->n; i++) {
		limiter_count(&q->terms[i], &q->states[i], now, &q->says[i]);
		entry_set(entries[i], &q->terms[i], &q->states[i]);
		entries[i]->n_untold++;
	}
	return 0;
}

static void settle_alone(struct limiter *l, const struct limiter_question *q, enum limiter_outcome outcome)
{
	for (size_t i = 0; i < q->n; i++) {
		struct limiter_entry *e = limiter_memory_find(&l->memory, q->names[i]);

		if (!e)
			continue;
		limiter_outcome_apply(&q->terms[i], &e->state, outcome);
		if (q->terms[i].kind == LIMITER_FAILURES)
			e->n_untold = MAX(e->n_untold - 1, (int64_t)0);
		if (limiter_state_is_new(&e->state))
			limiter_memory_drop(&l->memory, e);
		else
			e->end = limiter_state_end(&q->terms[i], &e->state);
	}
}

/* ---- calls ---- */

int limiter_take(struct limiter *l, const struct limiter_key *keys, size_t n, struct limiter_verdict *ret)
{
	struct limiter_question q;
	bool is_shared;
	int r;

	question_make(l, keys, n, &q);
	r = redis_run(l, &q, "take");
	is_shared = r == 0;
	if (r == -EAGAIN)
		r = take_alone(l, &q);
	if (r < 0)
		return r;
	limiter_sum_up(q.terms, q.says, n, ret);
	ret->is_shared = is_shared;
	l->stats.allowed += ret->is_allowed;
	l->stats.denied += !ret->is_allowed;
	l->stats.alone += l->redis && !is_shared;
	return 0;
}

void limiter_settle(struct limiter *l, const struct limiter_key *keys, size_t n, enum limiter_outcome outcome)
{
	static const char *const ops[] = {
		[LIMITER_SUCCEEDED] = "succeeded", [LIMITER_WITHDRAWN] = "withdrawn", [LIMITER_FORGOTTEN] = "forgotten"
	};
	struct limiter_question q;

	question_make(l, keys, n, &q);
	if (redis_run(l, &q, ops[outcome]) < 0)
		settle_alone(l, &q, outcome);
}
