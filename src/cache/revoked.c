/* What is known here: a map of ids and two rings, of those revoked and of those that were not when last asked about,
 * each from the newest to the oldest. Full, the oldest of the latter goes first. Beside them the line of the unsent,
 * which a fiber empties into Redis.
 *
 * After each yield the map is looked at anew: a revocation may have come meanwhile, and wins. */
#include "cache/revoked.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/list.h"
#include "base/map.h"
#include "cache/redis.h"
#include "fiber/fiber.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define REVOKED_MAGIC UINT32_C(0x5245564f)
#define PREFIX "revoked:"

enum {
	IDS_MAX = 50000,
	UNSENT_MAX = 10000,
	GOOD_MS = 3000, /* with REVOKED_SEEN_MS in view: the rest is for the call that finds out */
	RETRY_MS = 100,
	LOOK_MS = 1000, /* whether Redis has been away */
	KEY_SIZE = sizeof(PREFIX) + REVOKED_ID_MAX,
};

/* What Redis keeps without an end has been put there by hand. */
#define FOREVER_MS (INT64_C(366) * 24 * 3600 * 1000)

struct entry {
	struct list node;
	int64_t end_ms;
	bool is_revoked;
	size_t id_len;
	char id[];
};

struct unsent {
	struct list node;
	int64_t end_ms;
	size_t id_len;
	char id[];
};

struct revoked {
	uint32_t magic;
	struct redis *redis; /* NULL: none */
	struct map *entries;
	struct list good;
	struct list ended;
	size_t ids_max;
	struct list unsent;
	size_t unsent_max;
	struct fiber *sender; /* NULL without Redis */
	struct fiber_queue sender_idle;
	uint64_t connects;                                          /* of Redis, when last looked at */
	int (*ask)(void *arg, struct str id, int64_t *ret_left_ms); /* NULL: nobody */
	void *ask_arg;
	int64_t (*clock_ms)(void *arg);
	void *clock_arg;
	struct revoked_stats stats;
};

static int64_t now_of(const struct revoked *v)
{
	return v->clock_ms ? v->clock_ms(v->clock_arg) : clock_mono_ms();
}

static struct str key_make(struct str id, char room[KEY_SIZE])
{
	memcpy(room, PREFIX, strlen(PREFIX));
	memcpy(room + strlen(PREFIX), id.data, id.len);
	return (struct str){ room, strlen(PREFIX) + id.len };
}

/* ---- what is known here ---- */

static void entry_drop(struct revoked *v, struct entry *e)
{
	map_remove(v->entries, (struct str){ e->id, e->id_len });
	list_remove(&e->node);
	free(e);
}

/* NULL: nothing, any more. */
static struct entry *entry_find(struct revoked *v, struct str id, int64_t now_ms)
{
	struct entry *e = map_get(v->entries, id);

	if (!e || e->end_ms > now_ms)
		return e;
	entry_drop(v, e);
	return NULL;
}

static void room_make(struct revoked *v, int64_t now_ms)
{
	struct entry *e = LIST_ENTRY(list_empty(&v->good) ? v->ended.prev : v->good.prev, struct entry, node);

	v->stats.lost += e->is_revoked && e->end_ms > now_ms && !v->redis;
	entry_drop(v, e);
}

static struct entry *entry_new(struct revoked *v, struct str id)
{
	struct entry *e = fault_hit("alloc") ? NULL : calloc(1, sizeof(*e) + id.len);

	if (!e)
		return NULL;
	list_init(&e->node);
	memcpy(e->id, id.data, id.len);
	e->id_len = id.len;
	if (map_put(v->entries, id, e, NULL) < 0) {
		free(e);
		return NULL;
	}
	return e;
}

/* -ENOMEM. */
static int entry_keep(struct revoked *v, struct str id, bool is_revoked, int64_t end_ms, int64_t now_ms)
{
	struct entry *e = map_get(v->entries, id);

	if (!e && map_count(v->entries) >= v->ids_max)
		room_make(v, now_ms);
	if (!e)
		e = entry_new(v, id);
	if (!e)
		return -ENOMEM;
	e->is_revoked = is_revoked;
	e->end_ms = end_ms;
	list_remove(&e->node);
	list_push_front(is_revoked ? &v->ended : &v->good, &e->node);
	return 0;
}

/* ---- what Redis is to be told ---- */

/* -ENOSPC: neither room nor memory. */
static int unsent_add(struct revoked *v, struct str id, int64_t end_ms)
{
	struct unsent *u = NULL;

	if (v->stats.unsent < v->unsent_max && !fault_hit("alloc"))
		u = malloc(sizeof(*u) + id.len);
	if (!u) {
		v->stats.lost++;
		return -ENOSPC;
	}
	memcpy(u->id, id.data, id.len);
	u->id_len = id.len;
	u->end_ms = end_ms;
	list_push_back(&v->unsent, &u->node);
	v->stats.unsent++;
	fiber_queue_wake_one(&v->sender_idle, 0);
	return 0;
}

static void unsent_drop(struct revoked *v, struct unsent *u)
{
	list_remove(&u->node);
	free(u);
	v->stats.unsent--;
}

/* Yields. */
static int redis_write(struct revoked *v, struct str id, int64_t ttl_ms)
{
	struct redis_answer answer;
	char key[KEY_SIZE], ttl[24];

	snprintf(ttl, sizeof(ttl), "%lld", (long long)ttl_ms);
	return redis_ask(v->redis, (struct str[]){ STR("SET"), key_make(id, key), STR("1"), STR("PX"), str_from(ttl) },
	                 5, NULL, &answer);
}

/* Yields. 0: the first of them needs no more sending. */
static int unsent_send(struct revoked *v)
{
	struct unsent *u = LIST_ENTRY(v->unsent.next, struct unsent, node);
	int64_t left_ms = u->end_ms - now_of(v);
	int r = 0;

	if (left_ms > 0)
		r = redis_is_up(v->redis) ? redis_write(v, (struct str){ u->id, u->id_len }, left_ms) : -EAGAIN;
	if (r == 0)
		unsent_drop(v, u);
	return r;
}

/* A Redis that was away may have lost what it had: all that is known here goes there again, as far as the line has room
 * and not before what waits there already. */
static void known_send_again(struct revoked *v)
{
	struct redis_stats stats;
	const struct list *pos;

	redis_stats_get(v->redis, &stats);
	if (stats.connects == v->connects)
		return;
	/* What was said before the first connection is unsent in any case. */
	for (pos = v->ended.prev; stats.connects > 1 && pos != &v->ended; pos = pos->prev) {
		const struct entry *e = LIST_ENTRY(pos, struct entry, node);

		if (v->stats.unsent < v->unsent_max / 2)
			(void)!unsent_add(v, (struct str){ e->id, e->id_len }, e->end_ms);
	}
	v->connects = stats.connects;
}

/* Yields until something is unsent, or it is time to look after Redis. */
static int sender_wait(struct revoked *v)
{
	int r;

	fiber_deadline_set(clock_deadline_in(LOOK_MS));
	r = fiber_queue_wait(&v->sender_idle);
	fiber_deadline_set(DEADLINE_NONE);
	return r;
}

static void sender_run(void *arg)
{
	struct revoked *v = arg;
	int r = 0;

	while (r != -ECANCELED) {
		known_send_again(v);
		if (list_empty(&v->unsent)) {
			r = sender_wait(v);
			continue;
		}
		r = unsent_send(v);
		if (r == -EAGAIN)
			r = fiber_sleep_ms(RETRY_MS);
	}
}

/* ---- life ---- */

static void revoked_release(struct revoked *v)
{
	struct list *node;

	while ((node = list_pop_front(&v->good)) || (node = list_pop_front(&v->ended)))
		free(LIST_ENTRY(node, struct entry, node));
	while ((node = list_pop_front(&v->unsent)))
		free(LIST_ENTRY(node, struct unsent, node));
	map_free(&v->entries);
	v->magic = 0;
	free(v);
}

int revoked_new(const struct revoked_options *options, struct revoked **ret)
{
	struct revoked *v = fault_hit("alloc") ? NULL : calloc(1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	v->magic = REVOKED_MAGIC;
	v->redis = options->redis;
	v->ids_max = options->ids_max ? options->ids_max : IDS_MAX;
	v->unsent_max = options->unsent_max ? options->unsent_max : UNSENT_MAX;
	v->ask = options->ask;
	v->ask_arg = options->ask_arg;
	v->clock_ms = options->clock_ms;
	v->clock_arg = options->clock_arg;
	list_init(&v->good);
	list_init(&v->ended);
	list_init(&v->unsent);
	fiber_queue_init(&v->sender_idle);
	r = map_new(v->ids_max, &v->entries);
	if (r == 0 && v->redis)
		r = fiber_spawn("revoked", sender_run, v, &v->sender);
	if (r < 0) {
		revoked_release(v);
		return r;
	}
	*ret = v;
	return 0;
}

void revoked_free(struct revoked **vp)
{
	struct revoked *v = STEAL(*vp);

	if (!v)
		return;
	assert(v->magic == REVOKED_MAGIC);
	fiber_end(&v->sender);
	revoked_release(v);
}

void revoked_stats_get(const struct revoked *v, struct revoked_stats *ret)
{
	assert(v->magic == REVOKED_MAGIC);
	*ret = v->stats;
	ret->ids = map_count(v->entries);
}

/* ---- calls ---- */

int revoked_add(struct revoked *v, struct str id, int64_t ttl_ms)
{
	int64_t now_ms = now_of(v);
	int kept, r;

	assert(v->magic == REVOKED_MAGIC && id.len >= 1 && id.len <= REVOKED_ID_MAX && ttl_ms > 0);
	kept = entry_keep(v, id, true, now_ms + ttl_ms, now_ms);
	if (!v->redis)
		return kept;
	r = redis_write(v, id, ttl_ms);
	if (r == 0)
		return 0;
	r = unsent_add(v, id, now_ms + ttl_ms);
	if (r == 0)
		return -EAGAIN;
	return kept < 0 ? kept : r;
}

/* Yields. As the ask() of the options. */
static int redis_says(struct revoked *v, struct str id, int64_t *ret_left_ms)
{
	struct redis_answer answer;
	char key[KEY_SIZE];
	int r = redis_ask(v->redis, (struct str[]){ STR("PTTL"), key_make(id, key) }, 2, NULL, &answer);

	if (r < 0 || answer.kind != REDIS_ANSWER_INTEGER)
		return r < 0 ? r : -EAGAIN;
	if (answer.integer == -2)
		return 0;
	*ret_left_ms = answer.integer >= 0 ? answer.integer : FOREVER_MS;
	return 1;
}

/* Yields. What is said is kept. */
static bool others_say(struct revoked *v, struct str id, int64_t asked_ms)
{
	const struct entry *e;
	int64_t left_ms = 0;
	int r = -EAGAIN;

	v->stats.asked++;
	if (v->redis)
		r = redis_says(v, id, &left_ms);
	if (r == -EAGAIN && v->ask)
		r = v->ask(v->ask_arg, id, &left_ms);
	e = entry_find(v, id, asked_ms);
	if (e && e->is_revoked)
		return true;
	if (r < 0) {
		v->stats.unsure++;
		return false;
	}
	(void)!entry_keep(v, id, r > 0, asked_ms + (r > 0 ? left_ms : GOOD_MS), asked_ms);
	return r > 0;
}

bool revoked_check(struct revoked *v, struct str id)
{
	int64_t now_ms = now_of(v);
	const struct entry *e;

	assert(v->magic == REVOKED_MAGIC);
	v->stats.checks++;
	if (id.len == 0 || id.len > REVOKED_ID_MAX)
		return true;
	e = entry_find(v, id, now_ms);
	if (e)
		return e->is_revoked;
	return v->redis || v->ask ? others_say(v, id, now_ms) : false;
}
