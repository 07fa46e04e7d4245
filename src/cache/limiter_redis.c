/* One run of limiter.lua: its arguments as texts of numbers, its answer into structs. An answer of any other shape is
 * none (-EAGAIN): this process decides then. */
#include "cache/limiter_inside.h"

#include <errno.h>
#include <stdio.h>

enum {
	NUMBERS = 10, /* of each key in the answer */
	NUMBER_LEN = 21,
	TERMS_SIZE = 17 * NUMBER_LEN + 1,
	ANSWER_SIZE = 16 << 10,
};

struct request_room {
	struct arena *arena;
	char now[NUMBER_LEN];
	char terms[LIMITER_KEYS_MAX][TERMS_SIZE];
};

static void terms_write(const struct limiter_terms *t, const struct limiter_untold *u, char ret[TERMS_SIZE])
{
	const struct limiter_state *s = &u->state;
	const int64_t numbers[] = { t->kind == LIMITER_RATE,
		                    t->success_clears,
		                    t->interval,
		                    t->burst,
		                    t->cost,
		                    t->free,
		                    t->delay,
		                    t->delay_max,
		                    t->decay,
		                    t->consecutive_max,
		                    t->forget,
		                    s->tat,
		                    s->failures,
		                    s->consecutive,
		                    s->last_at,
		                    s->drained_at,
		                    u->n };
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		at += (size_t)snprintf(ret + at, TERMS_SIZE - at, "%lld ", (long long)numbers[i]);
	assert(at < TERMS_SIZE);
}

static bool is_list_of_integers(const struct redis_answer *answer, size_t n)
{
	if (answer->kind != REDIS_ANSWER_LIST || answer->n_items != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (answer->items[i].kind != REDIS_ANSWER_INTEGER || answer->items[i].integer < 0)
			return false;
	return true;
}

static void key_read(const struct redis_answer *numbers, struct limiter_state *ret_state, struct limiter_say *ret_say)
{
	*ret_say = (struct limiter_say){
		.is_allowed = numbers[0].integer != 0,
		.is_at_ceiling = numbers[1].integer != 0,
		.wait = numbers[2].integer,
		.remaining = numbers[3].integer,
		.reset = numbers[4].integer,
	};
	*ret_state = (struct limiter_state){
		.tat = numbers[5].integer,
		.failures = numbers[6].integer,
		.consecutive = numbers[7].integer,
		.last_at = numbers[8].integer,
		.drained_at = numbers[9].integer,
	};
}

/* Yields. */
static int run(struct redis *r, struct redis_script *script, struct str op, const struct limiter_question *q,
               struct request_room *room, struct redis_answer *ret)
{
	struct str args[2 + LIMITER_KEYS_MAX] = { op, str_from(room->now) };

	for (size_t i = 0; i < q->n; i++) {
		terms_write(&q->terms[i], &q->untold[i], room->terms[i]);
		args[2 + i] = str_from(room->terms[i]);
	}
	return redis_eval(r, script, q->names, q->n, args, 2 + q->n, room->arena, ret);
}

int limiter_redis_run(struct redis *r, struct redis_script *script, struct str op, struct limiter_question *q,
                      int64_t *now)
{
	struct arena *arena CLEANUP(arena_free) = NULL;
	struct request_room room;
	struct redis_answer answer;
	int rc = arena_new(ANSWER_SIZE, &arena);

	if (rc < 0)
		return -EAGAIN;
	room.arena = arena;
	snprintf(room.now, sizeof(room.now), "%lld", (long long)*now);
	rc = run(r, script, op, q, &room, &answer);
	if (rc < 0)
		return rc == -EMSGSIZE ? -EAGAIN : rc;
	if (!is_list_of_integers(&answer, 1 + NUMBERS * q->n))
		return -EAGAIN;
	*now = answer.items[0].integer;
	for (size_t i = 0; i < q->n; i++)
		key_read(&answer.items[1 + NUMBERS * i], &q->states[i], &q->says[i]);
	return 0;
}
