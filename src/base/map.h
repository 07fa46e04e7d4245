/* A hash map from byte strings to pointers. The hash is SipHash-2-4 (Aumasson, Bernstein, 2012) keyed at random per
 * map, so that a client cannot choose colliding keys. Keys are copied, values are not owned. Not thread-safe. */
#ifndef CINESYNC_BASE_MAP_H
#define CINESYNC_BASE_MAP_H

#include "base/str.h"

struct map;

/* entries_max: map_put() of one more answers -ENOSPC. */
int map_new(size_t entries_max, struct map **ret) MUST_CHECK;
void map_free(struct map **m);

/* NULL when absent. */
void *map_get(const struct map *m, struct str key);
/* Sets the value (not NULL). 0: new, 1: replaced, the old value in *ret_old (may be NULL); -ENOSPC, -ENOMEM. */
int map_put(struct map *m, struct str key, void *value, void **ret_old) MUST_CHECK;
/* The value that was there, or NULL. */
void *map_remove(struct map *m, struct str key);
size_t map_count(const struct map *m);
/* Visits each entry in no order; *cursor starts at 0; false at the end. The body may remove the entry it was given. */
bool map_next(const struct map *m, size_t *cursor, struct str *ret_key, void **ret_value);

uint64_t map_siphash(const void *data, size_t len, const uint8_t key[16]);

#endif
