/* See the header. Owns its items and clients; the calls that yield in redis.h yield here too. */
#include "cache/test_redis_double.h"

#include "base/map.h"
#include "cache/aside_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CLIENTS_MAX 4
#define ITEMS_MAX 100000

struct item {
	int64_t expires_ms;
	size_t len;
	char bytes[];
};

struct redis {
	size_t number;
	struct redis_options options;
};

struct redis_double redis_double;
static struct map *items;
static struct map *leases;
static struct redis *clients[CLIENTS_MAX];
static uint64_t tokens;

void redis_double_up(void)
{
	redis_double = (struct redis_double){ 0 };
	tokens = 0;
	assert(map_new(ITEMS_MAX, &items) == 0 && map_new(ITEMS_MAX, &leases) == 0);
}

static void map_clear(struct map **m)
{
	size_t cursor = 0;
	struct str key;
	void *value;

	while (map_next(*m, &cursor, &key, &value))
		free(value);
	map_free(m);
}

void redis_double_down(void)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		assert(!clients[i]);
	map_clear(&items);
	map_clear(&leases);
}

static bool drop(struct map *m, struct str name)
{
	void *former = map_remove(m, name);

	free(former);
	return former;
}

static void keep(struct map *m, struct str name, struct str value, int64_t expires_ms)
{
	struct item *item = malloc(sizeof(*item) + value.len);

	assert(item);
	item->expires_ms = expires_ms;
	item->len = value.len;
	memcpy(item->bytes, value.data, value.len);
	drop(m, name);
	if (map_put(m, name, item, NULL) < 0)
		free(item);
}

static struct str find(struct map *m, struct str name)
{
	struct item *item = map_get(m, name);

	if (!item || item->expires_ms <= aside_clock.mono_ms())
		return STR_NULL;
	return (struct str){ item->bytes, item->len };
}

struct str redis_double_find(const char *name)
{
	return find(items, str_from(name));
}

void redis_double_store(const char *name, struct str value)
{
	keep(items, str_from(name), value, INT64_MAX);
}

bool redis_double_remove(const char *name)
{
	return drop(items, str_from(name));
}

void redis_double_hold_lease(const char *name)
{
	keep(leases, str_from(name), STR("somebody else's"), INT64_MAX);
}

void redis_double_end_lease(const char *name)
{
	drop(leases, str_from(name));
}

void redis_double_tell_changed(size_t i, struct str name)
{
	clients[i]->options.changed(name, clients[i]->options.arg);
}

void redis_double_tell_watching(size_t i, bool is_watching)
{
	clients[i]->options.watching(is_watching, clients[i]->options.arg);
}

static void tell_others(const struct redis *r, struct str name)
{
	for (size_t i = 0; i < CLIENTS_MAX && redis_double.tells; i++)
		if (clients[i] && clients[i] != r && str_starts(name, str_from(clients[i]->options.prefix)))
			redis_double_tell_changed(i, name);
}

int redis_new(struct uv_loop_s *loop, const struct redis_options *options, struct redis **ret)
{
	struct redis *r = calloc(1, sizeof(*r));

	(void)loop;
	assert(r);
	r->options = *options;
	while (clients[r->number])
		assert(++r->number < CLIENTS_MAX);
	clients[r->number] = r;
	*ret = r;
	return 0;
}

void redis_free(struct redis **r)
{
	struct redis *old = STEAL(*r);

	if (!old)
		return;
	(void)fiber_yield();
	clients[old->number] = NULL;
	free(old);
}

const char *redis_check_url(const char *url)
{
	(void)url;
	return NULL;
}

bool redis_is_up(const struct redis *r)
{
	(void)r;
	return !redis_double.is_down;
}

void redis_stats_get(const struct redis *r, struct redis_stats *ret)
{
	*ret = (struct redis_stats){ .is_up = redis_is_up(r), .calls = (uint64_t)redis_double.gets };
}

/* Yields: the way to Redis and back. */
static int travel(void)
{
	int r;

	r = fiber_yield();
	if (r == 0 && redis_double.slow_ms > 0)
		r = fiber_sleep_ms(redis_double.slow_ms);
	return r < 0 ? r : redis_double.is_down ? -EAGAIN : 0;
}

int redis_get(struct redis *r, struct str key, struct arena *a, struct str *ret)
{
	struct str found, value;
	int outcome;

	(void)r;
	redis_double.gets++;
	found = find(items, key);
	value = arena_str(a, found);
	if (found.data && !value.data)
		return -EMSGSIZE;
	if (redis_double.on_get)
		redis_double.on_get();
	outcome = travel();
	if (outcome == 0)
		outcome = redis_double.get_answers;
	if (outcome < 0)
		return outcome;
	if (!value.data)
		return -ENOENT;
	*ret = value;
	return 0;
}

void redis_set(struct redis *r, struct str key, struct str value, int64_t ttl_ms)
{
	redis_double.sets++;
	redis_double.last_ttl_ms = ttl_ms;
	if (redis_double.is_down || redis_double.takes_no_writes)
		return;
	keep(items, key, value, aside_clock.mono_ms() + ttl_ms);
	tell_others(r, key);
}

void redis_delete(struct redis *r, struct str key)
{
	redis_double.deletes++;
	if (drop(items, key))
		tell_others(r, key);
}

int redis_lease(struct redis *r, struct str name, int64_t ttl_ms, char ret_token[REDIS_TOKEN_SIZE])
{
	int outcome;

	(void)r;
	redis_double.leases++;
	snprintf(redis_double.last_lease, sizeof(redis_double.last_lease), "%.*s", STR_ARGS(name));
	outcome = travel();
	if (outcome < 0)
		return outcome;
	if (redis_double.takes_no_writes)
		return -EAGAIN;
	if (find(leases, name).data)
		return 0;
	snprintf(ret_token, REDIS_TOKEN_SIZE, "%032llu", (unsigned long long)++tokens);
	keep(leases, name, str_from(ret_token), aside_clock.mono_ms() + ttl_ms);
	tell_others(r, name);
	return 1;
}

void redis_lease_end(struct redis *r, struct str name, const char *token)
{
	redis_double.leases_ended++;
	if (!str_equal(find(leases, name), str_from(token)))
		return;
	drop(leases, name);
	tell_others(r, name);
}
