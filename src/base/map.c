/* The hash map: entries lie in one array of slots and hang in chains by index; a removed slot goes to a free list, so
 * the others stay where they are and a walk by map_next() survives removing. The map owns the slots and the copies of
 * the keys. One thread at a time; never yields. Limit: entries_max of each map. */
#include "base/map.h"

#include "base/fault.h"
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>

#define MAP_MAGIC 0x3a9b0c4du
#define SLOTS_FIRST 16
#define NONE UINT32_MAX

struct slot {
	char *key; /* owned; NULL: the slot is free */
	size_t key_len;
	void *value;
	uint64_t hash;
	uint32_t next; /* in the chain, or in the free list */
};

struct map {
	unsigned magic;
	uint32_t free_slot;
	size_t entries_max;
	size_t count;
	size_t n_slots;   /* allocated, a power of two, as many as chains */
	size_t n_touched; /* slots at or behind this were never used */
	struct slot *slots;
	uint32_t *chains;
	uint8_t key[16];
};

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static uint64_t load64(const uint8_t *bytes, size_t len)
{
	uint64_t x = 0;

	for (size_t i = 0; i < len; i++)
		x |= (uint64_t)bytes[i] << (8 * i);
	return x;
}

static void sip_rounds(uint64_t v[4], int n)
{
	for (int i = 0; i < n; i++) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32) + v[3];
		v[2] += v[1];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
}

uint64_t map_siphash(const void *data, size_t len, const uint8_t key[16])
{
	const uint8_t *bytes = data;
	uint64_t k0 = load64(key, 8), k1 = load64(key + 8, 8);
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
		          k1 ^ 0x7465646279746573 };
	size_t whole = len & ~(size_t)7;

	for (size_t i = 0; i < whole; i += 8)
		sip_word(v, load64(bytes + i, 8));
	sip_word(v, (uint64_t)len << 56 | (len > whole ? load64(bytes + whole, len - whole) : 0));
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

int map_new(size_t entries_max, struct map **ret)
{
	struct map *m = fault_hit("alloc") ? NULL : malloc(sizeof(*m));

	if (!m)
		return -ENOMEM;
	*m = (struct map){ .magic = MAP_MAGIC, .free_slot = NONE, .entries_max = MIN(entries_max, (size_t)1 << 31) };
	random_fill(m->key, sizeof(m->key));
	*ret = m;
	return 0;
}

void map_free(struct map **m)
{
	if (!m || !*m)
		return;
	assert((*m)->magic == MAP_MAGIC);
	for (size_t i = 0; i < (*m)->n_touched; i++)
		free((*m)->slots[i].key);
	free((*m)->slots);
	free((*m)->chains);
	(*m)->magic = 0;
	free(*m);
	*m = NULL;
}

static uint32_t *map_chain(const struct map *m, uint64_t hash)
{
	return &m->chains[hash & (m->n_slots - 1)];
}

/* Where the index of the key's slot is kept; it holds NONE when the key is absent. The map is not empty. */
static uint32_t *map_find(const struct map *m, struct str key, uint64_t hash)
{
	uint32_t *link = map_chain(m, hash);

	while (*link != NONE) {
		struct slot *slot = &m->slots[*link];

		if (slot->hash == hash && slot->key_len == key.len && memcmp(slot->key, key.data, key.len) == 0)
			break;
		link = &slot->next;
	}
	return link;
}

static void map_rechain(struct map *m)
{
	/* Every byte of NONE is 0xff. */
	memset(m->chains, 0xff, m->n_slots * sizeof(*m->chains));
	for (size_t i = 0; i < m->n_touched; i++) {
		uint32_t *chain = map_chain(m, m->slots[i].hash);

		m->slots[i].next = *chain;
		*chain = (uint32_t)i;
	}
}

/* Doubles the slots; all of those there are taken. */
static int map_grow(struct map *m)
{
	size_t n = m->n_slots ? m->n_slots * 2 : SLOTS_FIRST;
	struct slot *slots;
	uint32_t *chains;

	chains = fault_hit("alloc") ? NULL : calloc(n, sizeof(*chains));
	if (!chains)
		return -ENOMEM;
	slots = fault_hit("alloc") ? NULL : reallocarray(m->slots, n, sizeof(*slots));
	if (!slots) {
		free(chains);
		return -ENOMEM;
	}
	free(m->chains);
	m->chains = chains;
	m->slots = slots;
	m->n_slots = n;
	map_rechain(m);
	return 0;
}

static uint32_t map_take_slot(struct map *m)
{
	uint32_t index = m->free_slot;

	if (index == NONE)
		return (uint32_t)m->n_touched++;
	m->free_slot = m->slots[index].next;
	return index;
}

static int map_insert(struct map *m, struct str key, uint64_t hash, void *value)
{
	uint32_t index, *chain;
	char *copy;

	if (m->count >= m->entries_max)
		return -ENOSPC;
	if (m->count == m->n_slots && map_grow(m) < 0)
		return -ENOMEM;
	copy = fault_hit("alloc") || key.len == SIZE_MAX ? NULL : malloc(key.len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, key.data, key.len);
	copy[key.len] = '\0';
	index = map_take_slot(m);
	chain = map_chain(m, hash);
	m->slots[index] =
	        (struct slot){ .key = copy, .key_len = key.len, .value = value, .hash = hash, .next = *chain };
	*chain = index;
	m->count++;
	return 0;
}

int map_put(struct map *m, struct str key, void *value, void **ret_old)
{
	uint64_t hash;
	uint32_t index;

	assert(m->magic == MAP_MAGIC && key.data && value);
	hash = map_siphash(key.data, key.len, m->key);
	index = m->count > 0 ? *map_find(m, key, hash) : NONE;
	if (index == NONE)
		return map_insert(m, key, hash, value);
	if (ret_old)
		*ret_old = m->slots[index].value;
	m->slots[index].value = value;
	return 1;
}

void *map_get(const struct map *m, struct str key)
{
	uint32_t index;

	assert(m->magic == MAP_MAGIC);
	if (m->count == 0 || !key.data)
		return NULL;
	index = *map_find(m, key, map_siphash(key.data, key.len, m->key));
	return index == NONE ? NULL : m->slots[index].value;
}

void *map_remove(struct map *m, struct str key)
{
	struct slot *slot;
	uint32_t *link, index;
	void *value;

	assert(m->magic == MAP_MAGIC);
	if (m->count == 0 || !key.data)
		return NULL;
	link = map_find(m, key, map_siphash(key.data, key.len, m->key));
	index = *link;
	if (index == NONE)
		return NULL;
	slot = &m->slots[index];
	value = slot->value;
	*link = slot->next;
	free(slot->key);
	*slot = (struct slot){ .next = m->free_slot };
	m->free_slot = index;
	m->count--;
	return value;
}

size_t map_count(const struct map *m)
{
	assert(m->magic == MAP_MAGIC);
	return m->count;
}

bool map_next(const struct map *m, size_t *cursor, struct str *ret_key, void **ret_value)
{
	assert(m->magic == MAP_MAGIC);
	while (*cursor < m->n_touched) {
		const struct slot *slot = &m->slots[(*cursor)++];

		if (!slot->key)
			continue;
		if (ret_key)
			*ret_key = (struct str){ slot->key, slot->key_len };
		if (ret_value)
			*ret_value = slot->value;
		return true;
	}
	return false;
}
