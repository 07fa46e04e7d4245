/* The arena: memory freed in one go. The arena owns every block; its own struct lies at the head of the first one, so
 * an arena that stays small is one malloc(3). One thread at a time; never yields. Limit: size_max of each arena,
 * counted in rounded-up bytes.
 *
 * Blocks hang in a list whose last, `current`, is the one being filled. A request too big for a share of a normal block
 * gets a block of its own, put before `current` so that its room is not lost. */
#include "base/arena.h"

#include "base/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define ARENA_ASAN 1
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define RED_ZONE 16 /* kept poisoned behind each piece */
#else
#define RED_ZONE 0
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

#define ARENA_MAGIC 0xa4e7a5a1u
#define ALIGNMENT 16
#define BLOCK_SIZE_FIRST 4096
#define BLOCK_SIZE_MAX 65536 /* of a normal block: sizes double up to here */

struct block {
	struct block *next; /* older */
	size_t size;        /* of the room behind the header */
	size_t used;
};

struct arena {
	unsigned magic;
	size_t size_max;
	size_t used;
	size_t block_size; /* of the next normal block, header included */
	struct block *current;
	struct block *first;
};

#define ROUND_UP(n) (((n) + (ALIGNMENT - 1)) & ~(size_t)(ALIGNMENT - 1))
#define BLOCK_HEADER ROUND_UP(sizeof(struct block))
#define ARENA_HEADER ROUND_UP(sizeof(struct arena))

static unsigned char *block_room(struct block *block)
{
	return (unsigned char *)block + BLOCK_HEADER;
}

static void block_init(struct block *block, size_t size)
{
	*block = (struct block){ .size = size };
	ASAN_POISON_MEMORY_REGION(block_room(block), size);
}

int arena_new(size_t size_max, struct arena **ret)
{
	struct arena *a = fault_hit("alloc") ? NULL : malloc(BLOCK_SIZE_FIRST);

	if (!a)
		return -ENOMEM;
	/* Half the address space is no limit for anybody, and keeps the sums below from wrapping. */
	size_max = ROUND_UP(MIN(size_max, SIZE_MAX / 2));
	*a = (struct arena){ .magic = ARENA_MAGIC, .size_max = size_max, .block_size = BLOCK_SIZE_FIRST * 2 };
	a->first = (struct block *)(void *)((unsigned char *)a + ARENA_HEADER);
	a->current = a->first;
	block_init(a->first, BLOCK_SIZE_FIRST - ARENA_HEADER - BLOCK_HEADER);
	*ret = a;
	return 0;
}

static void blocks_free(struct arena *a)
{
	struct block *block = a->current;

	while (block) {
		struct block *next = block->next;

		ASAN_UNPOISON_MEMORY_REGION(block_room(block), block->size);
		if (block != a->first)
			free(block);
		block = next;
	}
}

void arena_free(struct arena **a)
{
	if (!a || !*a)
		return;
	assert((*a)->magic == ARENA_MAGIC);
	blocks_free(*a);
	(*a)->magic = 0;
	free(*a);
	*a = NULL;
}

void arena_reset(struct arena *a)
{
	assert(a->magic == ARENA_MAGIC);
	blocks_free(a);
	a->current = a->first;
	a->used = 0;
	a->block_size = BLOCK_SIZE_FIRST * 2;
	block_init(a->first, a->first->size);
}

void arena_wipe(struct arena *a)
{
	assert(a->magic == ARENA_MAGIC);
	for (struct block *block = a->current; block; block = block->next) {
		ASAN_UNPOISON_MEMORY_REGION(block_room(block), block->used);
		explicit_bzero(block_room(block), block->used);
	}
}

static struct block *block_new(size_t room)
{
	struct block *block = fault_hit("alloc") ? NULL : malloc(BLOCK_HEADER + room);

	if (block)
		block_init(block, room);
	return block;
}

/* A block with room for `size`: its own when the piece is big, else the next one to fill. */
static struct block *arena_grow(struct arena *a, size_t size)
{
	bool oversize = size > a->block_size / 4;
	struct block *block = block_new(oversize ? size : a->block_size - BLOCK_HEADER);

	if (!block)
		return NULL;
	if (oversize) {
		block->next = a->current->next;
		a->current->next = block;
		return block;
	}
	block->next = a->current;
	a->current = block;
	a->block_size = MIN(a->block_size * 2, (size_t)BLOCK_SIZE_MAX);
	return block;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct block *block = a->current;
	size_t rounded;
	void *piece;

	assert(a->magic == ARENA_MAGIC);
	if (size > a->size_max)
		return NULL;
	rounded = ROUND_UP(MAX(size, (size_t)1));
	if (rounded > a->size_max - a->used)
		return NULL;
	if (rounded + RED_ZONE > block->size - block->used) {
		block = arena_grow(a, rounded + RED_ZONE);
		if (!block)
			return NULL;
	}
	piece = block_room(block) + block->used;
	block->used += rounded + RED_ZONE;
	a->used += rounded;
	ASAN_UNPOISON_MEMORY_REGION(piece, size);
	memset(piece, 0, size);
	return piece;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	return arena_alloc(a, total);
}

int arena_copy(struct arena *a, struct str s, struct str *ret)
{
	char *data;

	if (!s.data) {
		*ret = STR_NULL;
		return 0;
	}
	data = s.len < SIZE_MAX ? arena_alloc(a, s.len + 1) : NULL;
	if (!data)
		return -ENOMEM;
	memcpy(data, s.data, s.len);
	*ret = (struct str){ data, s.len };
	return 0;
}

struct str arena_str(struct arena *a, struct str s)
{
	struct str copy;

	return arena_copy(a, s, &copy) < 0 ? STR_NULL : copy;
}

static PRINTF_LIKE(2, 0) struct str arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *data;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return STR_NULL;
	data = arena_alloc(a, (size_t)n + 1);
	if (!data)
		return STR_NULL;
	vsnprintf(data, (size_t)n + 1, fmt, ap);
	return (struct str){ data, (size_t)n };
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	struct str s;
	va_list ap;

	va_start(ap, fmt);
	s = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}

size_t arena_used(const struct arena *a)
{
	assert(a->magic == ARENA_MAGIC);
	return a->used;
}
