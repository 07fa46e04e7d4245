/* Which keys left the cache not long ago: a set of hashes in which each is forgotten once enough others came after it.
 * Approximate (32-bit fingerprints); fixed size; never yields. */
#ifndef CINESYNC_CACHE_GHOST_H
#define CINESYNC_CACHE_GHOST_H

#include "base/str.h"

struct ghost;

/* Room for about `keys` hashes: 8 bytes each, touched as they are used. -ENOMEM. */
int ghost_new(size_t keys, struct ghost **ret) MUST_CHECK;
void ghost_free(struct ghost **g);

void ghost_add(struct ghost *g, uint64_t hash);
/* Whether the hash was among the last `window` added; it is forgotten by asking. */
bool ghost_take(struct ghost *g, uint64_t hash, size_t window);
void ghost_clear(struct ghost *g);

#endif
