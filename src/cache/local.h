/* The in-process cache (L1): bounded by bytes and by entries, with a life time each entry. Holds counted values; does
 * no I/O; never yields. One thread at a time. What leaves when it is full is decided by S3-FIFO: see local.c. */
#ifndef CINESYNC_CACHE_LOCAL_H
#define CINESYNC_CACHE_LOCAL_H

#include "base/str.h"

struct local_cache;

struct local_cache_options {
	size_t entries_max; /* 1..2^30 */
	size_t bytes_max;   /* keys, values and the cache's own book-keeping of each entry, together; > 0 */
	/* Both must not call the cache. */
	void *(*ref)(void *value);
	void (*unref)(void *value);
};

struct local_cache_stats {
	uint64_t hits;
	uint64_t misses;  /* expired ones too */
	uint64_t expired; /* found, but past their time */
	uint64_t evicted; /* had to make room */
	size_t entries;
	size_t bytes;
};

/* -EINVAL: a bound out of range; -ENOMEM. */
int local_cache_new(const struct local_cache_options *options, struct local_cache **ret) MUST_CHECK;
/* Drops every reference. Takes NULL, leaves NULL. */
void local_cache_free(struct local_cache **c);

/* A new reference to the value, or NULL: absent or expired. now_ms: clock_mono_ms(). */
void *local_cache_get(struct local_cache *c, struct str key, int64_t now_ms);
/* Keeps the value under a copy of the key until expires_ms (mono), instead of what was there before. Takes a reference
 * of its own. size: bytes the value occupies. 0; -E2BIG: with its key larger than an eighth of bytes_max, so that one
 * value cannot empty the cache; -ENOMEM. On an error nothing is kept under the key, not even the former value. */
int local_cache_put(struct local_cache *c, struct str key, void *value, size_t size, int64_t expires_ms);
void local_cache_remove(struct local_cache *c, struct str key);
/* Empties it and forgets the departed keys; the counters stay. */
void local_cache_clear(struct local_cache *c);
void local_cache_stats_get(const struct local_cache *c, struct local_cache_stats *ret);

#endif
