/* The in-process cache. Owns its entries, the copies of the keys and one reference to each value. One thread at a time;
 * never yields. Limits: entries_max and bytes_max of the options, kept after every call.
 *
 * Eviction is S3-FIFO (Yang, Zhang, Qiu, Yue, Vigfusson: "FIFO queues are all you need for cache eviction", SOSP
 * 2023). A new key enters a small queue that holds a tenth of the room; at its end it moves to the main queue if it was
 * read more than once on the way, and otherwise leaves, remembered by the ghost for as long as there are entries; a key
 * that comes back while remembered goes straight into the main queue, whose end gives another round to what was read
 * since. So the many keys asked for once (crawlers, typing, paging) pass through a tenth of the cache and cannot push
 * out what people share, where an LRU lets one scan empty it; and a hit writes one small counter, where an LRU relinks
 * its list. */
#include "cache/local.h"

#include "base/fault.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"
#include "cache/ghost.h"

#include <errno.h>
#include <stdlib.h>

#define CACHE_MAGIC 0x10ca1cacu
#define ENTRIES_LIMIT ((size_t)1 << 30)
#define VALUE_SHARE 8  /* one value may take this fraction of the bytes */
#define SMALL_SHARE 10 /* the small queue's fraction of the room; the paper finds 10 % best over 6,594 traces */
#define READS_MAX 3    /* the counter saturates: what was read often long ago still has to leave some day */

struct queue {
	struct list head; /* newest first */
	size_t entries;
	size_t bytes;
};

struct entry {
	struct list link;    /* in its queue */
	struct entry *chain; /* same bucket of the hash table */
	uint64_t hash;
	void *value;
	int64_t expires_ms;
	size_t bytes; /* of the value, the key and this struct */
	struct queue *queue;
	uint32_t key_len;
	uint8_t reads; /* since it entered its queue, up to READS_MAX */
	char key[];
};

struct local_cache {
	unsigned magic;
	struct local_cache_options options;
	struct local_cache_stats stats;
	struct queue small;
	struct queue main;
	struct ghost *ghost;
	struct entry **buckets;
	size_t buckets_mask;
	int64_t now_ms; /* the latest time a caller told */
	uint8_t hash_key[16];
};

static size_t buckets_for(size_t entries)
{
	size_t n = 16;

	while (n < entries)
		n *= 2;
	return n;
}

int local_cache_new(const struct local_cache_options *options, struct local_cache **ret)
{
	struct local_cache *c CLEANUP(local_cache_free) = NULL;
	size_t n_buckets;

	if (options->entries_max < 1 || options->entries_max > ENTRIES_LIMIT || options->bytes_max < 1)
		return -EINVAL;
	n_buckets = buckets_for(options->entries_max);
	c = fault_hit("alloc") ? NULL : calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->magic = CACHE_MAGIC;
	c->options = *options;
	c->buckets_mask = n_buckets - 1;
	c->now_ms = INT64_MIN;
	list_init(&c->small.head);
	list_init(&c->main.head);
	random_fill(c->hash_key, sizeof(c->hash_key));
	c->buckets = calloc(n_buckets, sizeof(struct entry *));
	if (!c->buckets || ghost_new(options->entries_max, &c->ghost) < 0)
		return -ENOMEM;
	*ret = STEAL(c);
	return 0;
}

/* The link that points at the key's entry, or the NULL at the end of its bucket. */
static struct entry **find(const struct local_cache *c, uint64_t hash, struct str key)
{
	struct entry **at = &c->buckets[hash & c->buckets_mask];

	while (*at && ((*at)->hash != hash || (*at)->key_len != key.len || memcmp((*at)->key, key.data, key.len) != 0))
		at = &(*at)->chain;
	return at;
}

static uint64_t hash_of(const struct local_cache *c, struct str key)
{
	return map_siphash(key.data, key.len, c->hash_key);
}

static void enqueue(struct queue *q, struct entry *e)
{
	list_push_front(&q->head, &e->link);
	e->queue = q;
	e->reads = 0;
	q->entries++;
	q->bytes += e->bytes;
}

static void dequeue(struct entry *e)
{
	list_remove(&e->link);
	e->queue->entries--;
	e->queue->bytes -= e->bytes;
}

static void drop(struct local_cache *c, struct entry **at)
{
	struct entry *e = *at;

	*at = e->chain;
	dequeue(e);
	c->options.unref(e->value);
	free(e);
}

static void evict(struct local_cache *c, struct entry *e)
{
	drop(c, find(c, e->hash, (struct str){ e->key, e->key_len }));
	c->stats.evicted++;
}

static struct entry *oldest(struct queue *q)
{
	return LIST_ENTRY(q->head.prev, struct entry, link);
}

static bool expired(const struct local_cache *c, const struct entry *e)
{
	return c->now_ms >= e->expires_ms;
}

static size_t entries_of(const struct local_cache *c)
{
	return c->small.entries + c->main.entries;
}

static size_t bytes_of(const struct local_cache *c)
{
	return c->small.bytes + c->main.bytes;
}

/* One step at the end of the small queue: on to the main queue, or out and remembered. */
static void evict_small(struct local_cache *c)
{
	struct entry *e = oldest(&c->small);

	if (e->reads > 1 && !expired(c, e)) {
		dequeue(e);
		enqueue(&c->main, e);
		return;
	}
	ghost_add(c->ghost, e->hash);
	evict(c, e);
}

/* One step at the end of the main queue: another round, or out. */
static void evict_main(struct local_cache *c)
{
	struct entry *e = oldest(&c->main);
	uint8_t reads = e->reads;

	if (reads == 0 || expired(c, e)) {
		evict(c, e);
		return;
	}
	dequeue(e);
	enqueue(&c->main, e);
	e->reads = (uint8_t)(reads - 1);
}

/* A lone entry never is: it has just come, and may be larger than the whole share. */
static bool small_is_over_its_share(const struct local_cache *c)
{
	return c->small.entries > 1 && (c->small.entries > c->options.entries_max / SMALL_SHARE ||
	                                c->small.bytes > c->options.bytes_max / SMALL_SHARE);
}

/* Every step of the main queue uses up a read, so this ends. */
static void make_room(struct local_cache *c)
{
	while (entries_of(c) > c->options.entries_max || bytes_of(c) > c->options.bytes_max) {
		if (c->small.entries > 0 && (small_is_over_its_share(c) || c->main.entries == 0))
			evict_small(c);
		else
			evict_main(c);
	}
}

void *local_cache_get(struct local_cache *c, struct str key, int64_t now_ms)
{
	struct entry **at, *e;

	assert(c->magic == CACHE_MAGIC);
	c->now_ms = MAX(c->now_ms, now_ms);
	at = find(c, hash_of(c, key), key);
	e = *at;
	if (e && now_ms >= e->expires_ms) {
		drop(c, at);
		c->stats.expired++;
		e = NULL;
	}
	if (!e) {
		c->stats.misses++;
		return NULL;
	}
	if (e->reads < READS_MAX)
		e->reads++;
	c->stats.hits++;
	return c->options.ref(e->value);
}

static struct entry *entry_new(struct str key, uint64_t hash, size_t bytes)
{
	struct entry *e = fault_hit("alloc") ? NULL : malloc(sizeof(*e) + key.len);

	if (!e)
		return NULL;
	*e = (struct entry){ .hash = hash, .bytes = bytes, .key_len = (uint32_t)key.len };
	memcpy(e->key, key.data, key.len);
	return e;
}

/* In the place of the former value: its turn in the queue and what is known of its use stay. */
static void replace(struct local_cache *c, struct entry *e, void *value, size_t bytes, int64_t expires_ms)
{
	void *former = e->value;

	e->value = c->options.ref(value);
	c->options.unref(former);
	e->queue->bytes += bytes - e->bytes;
	e->bytes = bytes;
	e->expires_ms = expires_ms;
}

static int insert(struct local_cache *c, struct str key, uint64_t hash, void *value, size_t bytes, int64_t expires_ms)
{
	struct entry *e = entry_new(key, hash, bytes);
	struct entry **bucket = &c->buckets[hash & c->buckets_mask];

	if (!e)
		return -ENOMEM;
	e->value = c->options.ref(value);
	e->expires_ms = expires_ms;
	e->chain = *bucket;
	*bucket = e;
	enqueue(ghost_take(c->ghost, hash, entries_of(c)) ? &c->main : &c->small, e);
	return 0;
}

int local_cache_put(struct local_cache *c, struct str key, void *value, size_t size, int64_t expires_ms)
{
	size_t most, overhead = sizeof(struct entry) + key.len;
	struct entry **at;
	uint64_t hash;
	int r = 0;

	assert(c->magic == CACHE_MAGIC);
	assert(value && key.len <= UINT32_MAX);
	most = c->options.bytes_max / VALUE_SHARE;
	hash = hash_of(c, key);
	at = find(c, hash, key);
	if (overhead > most || size > most - overhead) {
		if (*at)
			drop(c, at);
		return -E2BIG;
	}
	if (*at)
		replace(c, *at, value, overhead + size, expires_ms);
	else
		r = insert(c, key, hash, value, overhead + size, expires_ms);
	make_room(c);
	return r;
}

void local_cache_remove(struct local_cache *c, struct str key)
{
	struct entry **at;

	assert(c->magic == CACHE_MAGIC);
	at = find(c, hash_of(c, key), key);
	if (*at)
		drop(c, at);
}

static void empty(struct local_cache *c, struct queue *q)
{
	struct list *node;

	while ((node = list_pop_front(&q->head))) {
		struct entry *e = LIST_ENTRY(node, struct entry, link);

		c->options.unref(e->value);
		free(e);
	}
	q->entries = 0;
	q->bytes = 0;
}

void local_cache_clear(struct local_cache *c)
{
	assert(c->magic == CACHE_MAGIC);
	empty(c, &c->small);
	empty(c, &c->main);
	memset(c->buckets, 0, (c->buckets_mask + 1) * sizeof(struct entry *));
	ghost_clear(c->ghost);
}

void local_cache_free(struct local_cache **c)
{
	struct local_cache *old = *c;

	if (!old)
		return;
	assert(old->magic == CACHE_MAGIC);
	empty(old, &old->small);
	empty(old, &old->main);
	ghost_free(&old->ghost);
	free(old->buckets);
	old->magic = 0;
	free(old);
	*c = NULL;
}

void local_cache_stats_get(const struct local_cache *c, struct local_cache_stats *ret)
{
	assert(c->magic == CACHE_MAGIC);
	*ret = c->stats;
	ret->entries = entries_of(c);
	ret->bytes = bytes_of(c);
}
