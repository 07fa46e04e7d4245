/* The ghost queue of S3-FIFO as its paper suggests to build it (section 4.2): no queue at all, but a table of
 * fingerprints with the moment each was added; an entry is "in the queue" while fewer than `window` were added after
 * it. Buckets of four; in a full one the oldest gives way. Owns its table. */
#include "cache/ghost.h"

#include <errno.h>
#include <stdlib.h>

#define GHOST_MAGIC 0x6704057fu
#define WAYS 4

struct memory {
	uint32_t fingerprint;
	uint32_t added; /* value of `clock` then, modulo 2^32; 0: the slot is free */
};

struct ghost {
	unsigned magic;
	uint32_t clock; /* how many were added; never 0 once one was */
	size_t buckets; /* a power of two */
	struct memory *slots;
};

int ghost_new(size_t keys, struct ghost **ret)
{
	struct ghost *g = malloc(sizeof(*g));
	size_t buckets = 1;

	if (!g)
		return -ENOMEM;
	while (buckets * WAYS < keys)
		buckets *= 2;
	*g = (struct ghost){ .magic = GHOST_MAGIC, .buckets = buckets };
	g->slots = calloc(buckets * WAYS, sizeof(*g->slots));
	if (!g->slots) {
		free(g);
		return -ENOMEM;
	}
	*ret = g;
	return 0;
}

void ghost_free(struct ghost **g)
{
	if (!*g)
		return;
	assert((*g)->magic == GHOST_MAGIC);
	(*g)->magic = 0;
	free((*g)->slots);
	free(*g);
	*g = NULL;
}

static struct memory *bucket_of(const struct ghost *g, uint64_t hash)
{
	return g->slots + (size_t)(hash & (g->buckets - 1)) * WAYS;
}

static uint32_t fingerprint_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

/* The bucket's slot for the fingerprint: its own, else a free one, else the oldest. */
static struct memory *slot_for(const struct ghost *g, struct memory *bucket, uint32_t fingerprint)
{
	struct memory *oldest = bucket;

	for (size_t i = 0; i < WAYS; i++) {
		if (bucket[i].added && bucket[i].fingerprint == fingerprint)
			return &bucket[i];
		if (oldest->added && (!bucket[i].added || g->clock - bucket[i].added > g->clock - oldest->added))
			oldest = &bucket[i];
	}
	return oldest;
}

void ghost_add(struct ghost *g, uint64_t hash)
{
	struct memory *slot;

	assert(g->magic == GHOST_MAGIC);
	if (++g->clock == 0)
		g->clock = 1;
	slot = slot_for(g, bucket_of(g, hash), fingerprint_of(hash));
	*slot = (struct memory){ .fingerprint = fingerprint_of(hash), .added = g->clock };
}

bool ghost_take(struct ghost *g, uint64_t hash, size_t window)
{
	struct memory *slot = slot_for(g, bucket_of(g, hash), fingerprint_of(hash));
	bool found = slot->added && slot->fingerprint == fingerprint_of(hash) && g->clock - slot->added < window;

	assert(g->magic == GHOST_MAGIC);
	if (found)
		*slot = (struct memory){ 0 };
	return found;
}

void ghost_clear(struct ghost *g)
{
	assert(g->magic == GHOST_MAGIC);
	memset(g->slots, 0, g->buckets * WAYS * sizeof(*g->slots));
	g->clock = 0;
}
