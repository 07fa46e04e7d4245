/* Verified tokens, so that the signature of a token is checked once and not at each request.
 *
 * Keyed by the SHA-256 of the whole text; only accepted tokens get in, and whoever reads one checks its times anew. One
 * entry is one allocation with its texts behind it, at most ENTRY_TEXT_SIZE_MAX of them. Bounded by a number of
 * entries; the least recently used leaves. Belongs to one thread, as its verifier does. */
#include "base/list.h"
#include "base/map.h"
#include "token/token_internal.h"

#include <errno.h>
#include <stdlib.h>

#define CACHE_MAGIC 0x746b6363
#define ENTRY_TEXT_SIZE_MAX 2048

struct token_cache {
	unsigned magic;
	size_t entries_max;
	struct map *by_digest;
	struct list recent; /* the front was used last */
};

struct entry {
	struct list node;
	uint8_t digest[DIGEST_SIZE];
	struct token_claims claims;
	char block[];
};

static struct str digest_key(const uint8_t digest[DIGEST_SIZE])
{
	return (struct str){ (const char *)digest, DIGEST_SIZE };
}

int token_cache_new(size_t entries_max, struct token_cache **ret)
{
	struct token_cache *c CLEANUP(token_cache_free) = calloc(1, sizeof(*c));
	int r;

	assert(entries_max > 0);
	if (!c)
		return -ENOMEM;
	c->magic = CACHE_MAGIC;
	c->entries_max = entries_max;
	list_init(&c->recent);
	r = map_new(entries_max, &c->by_digest);
	if (r < 0)
		return r;
	*ret = STEAL(c);
	return 0;
}

void token_cache_free(struct token_cache **c)
{
	if (!c || !*c)
		return;
	token_cache_clear(*c);
	map_free(&(*c)->by_digest);
	(*c)->magic = 0;
	free(*c);
	*c = NULL;
}

static void entry_drop(struct token_cache *c, struct entry *e)
{
	(void)map_remove(c->by_digest, digest_key(e->digest));
	list_remove(&e->node);
	free(e);
}

void token_cache_clear(struct token_cache *c)
{
	assert(c->magic == CACHE_MAGIC);
	while (!list_empty(&c->recent))
		entry_drop(c, LIST_ENTRY(c->recent.next, struct entry, node));
}

static struct entry *entry_find(const struct token_cache *c, const uint8_t digest[DIGEST_SIZE])
{
	assert(c->magic == CACHE_MAGIC);
	return map_get(c->by_digest, digest_key(digest));
}

const struct token_claims *token_cache_get(struct token_cache *c, const uint8_t digest[DIGEST_SIZE])
{
	struct entry *e = entry_find(c, digest);

	if (!e)
		return NULL;
	list_remove(&e->node);
	list_push_front(&c->recent, &e->node);
	return &e->claims;
}

void token_cache_put(struct token_cache *c, const uint8_t digest[DIGEST_SIZE], const struct token_claims *claims)
{
	size_t size = claims_text_size(claims);
	struct entry *e;
	void *old;

	if (size > ENTRY_TEXT_SIZE_MAX || entry_find(c, digest))
		return;
	e = calloc(1, sizeof(*e) + size);
	if (!e)
		return;
	while (map_count(c->by_digest) >= c->entries_max)
		entry_drop(c, LIST_ENTRY(c->recent.prev, struct entry, node));
	memcpy(e->digest, digest, DIGEST_SIZE);
	claims_copy(claims, e->block, &e->claims);
	if (map_put(c->by_digest, digest_key(digest), e, &old) < 0) {
		free(e);
		return;
	}
	list_push_front(&c->recent, &e->node);
}

void token_cache_remove(struct token_cache *c, const uint8_t digest[DIGEST_SIZE])
{
	struct entry *e = entry_find(c, digest);

	if (e)
		entry_drop(c, e);
}

size_t token_cache_count(const struct token_cache *c)
{
	return map_count(c->by_digest);
}
