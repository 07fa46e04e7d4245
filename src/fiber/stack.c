/* Stacks. The runtime owns the pool; a stack belongs to the pool or to one fiber. Nothing yields.
 *
 * Depth: fresh pages are zero, so the lowest word that is not zero tells how deep a stack was used. mincore(2) says
 * which pages were touched at all, so that looking touches none itself. One release in STACK_LOOK_EVERY looks, and so
 * does every stack that leaves the pool; what was used deeply gives its lower pages back to the kernel.
 *
 * Limits: kept_max stacks in the pool; those alive are bounded by the runtime's fibers_max. */
#include "fiber/stack.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_STACK_REGISTER(start, end) 0
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

/* Address space only. Wide, because libraries built without stack clash protection may step over one page. */
#define STACK_GUARD ((size_t)64 * 1024)
#define STACK_LOOK_EVERY 256
#define STACK_SIZE_MIN ((size_t)16 * 1024)
#define STACK_PAGES_MAX 4096

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

void stack_pool_init(struct stack_pool *p, size_t stack_size, size_t kept_max, void (*entry)(void *))
{
	size_t page = page_size();

	stack_size = (stack_size + page - 1) / page * page;
	assert(stack_size >= STACK_SIZE_MIN && stack_size / page <= STACK_PAGES_MAX);
	*p = (struct stack_pool){ .kept_max = kept_max, .stack_size = stack_size, .entry = entry };
	list_init(&p->free);
}

/* Reserves guard and stack in one mapping, then opens the stack. */
static char *stack_map(size_t size)
{
	char *map;

	if (fault_hit("fiber.stack"))
		return NULL;
	map = mmap(NULL, STACK_GUARD + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	if (mprotect(map + STACK_GUARD, size, PROT_READ | PROT_WRITE) < 0) {
		munmap(map, STACK_GUARD + size);
		return NULL;
	}
	return map + STACK_GUARD;
}

static int stack_new(const struct stack_pool *p, struct stack **ret)
{
	struct stack *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->base = stack_map(p->stack_size);
	if (!s->base) {
		free(s);
		return -ENOMEM;
	}
	s->size = p->stack_size;
	s->valgrind_id = VALGRIND_STACK_REGISTER(s->base, s->base + s->size);
	list_init(&s->node);
	switch_side_init(&s->side, s->base, s->size, p->entry, s);
	*ret = s;
	return 0;
}

static void stack_free(struct stack *s)
{
	VALGRIND_STACK_DEREGISTER(s->valgrind_id);
	munmap(s->base - STACK_GUARD, STACK_GUARD + s->size);
	free(s);
}

/* Offset of the lowest page that was touched; 0 when the kernel does not say. */
static size_t lowest_touched(const struct stack *s)
{
	unsigned char resident[STACK_PAGES_MAX];
	size_t n = s->size / page_size();
	size_t i = 0;

	if (mincore(s->base, s->size, resident) < 0)
		return 0;
	while (i < n && !(resident[i] & 1))
		i++;
	return i * page_size();
}

__attribute__((no_sanitize("address"))) static size_t stack_depth(const struct stack *s)
{
	const uintptr_t *word = (const uintptr_t *)(const void *)(s->base + lowest_touched(s));
	const uintptr_t *end = (const uintptr_t *)(const void *)(s->base + s->size);

	while (word < end && *word == 0)
		word++;
	return (size_t)(end - word) * sizeof(*word);
}

static void stack_look(struct stack_pool *p, struct stack *s)
{
	size_t keep = MAX(s->size / 4 / page_size(), (size_t)2) * page_size();
	size_t depth;

	/* What lies below the top of a stack is undefined to memcheck, rightly. */
	if (RUNNING_ON_VALGRIND)
		return;
	depth = stack_depth(s);
	p->high_water = MAX(p->high_water, depth);
	if (depth > keep && keep < s->size)
		madvise(s->base, s->size - keep, MADV_DONTNEED);
}

int stack_acquire(struct stack_pool *p, struct stack **ret)
{
	struct list *node = list_pop_front(&p->free);

	if (!node)
		return stack_new(p, ret);
	p->n_free--;
	*ret = LIST_ENTRY(node, struct stack, node);
	return 0;
}

void stack_release(struct stack_pool *p, struct stack *s)
{
	bool full = p->n_free >= p->kept_max;

	s->fiber = NULL;
	if (++p->n_releases % STACK_LOOK_EVERY == 0)
		stack_look(p, s);
	if (full) {
		stack_free(s);
		return;
	}
	list_push_front(&p->free, &s->node);
	p->n_free++;
}

size_t stack_pool_high_water(struct stack_pool *p)
{
	struct list *pos;
	struct list *tmp;

	LIST_FOREACH_SAFE(pos, tmp, &p->free)
	stack_look(p, LIST_ENTRY(pos, struct stack, node));
	return p->high_water;
}

void stack_pool_done(struct stack_pool *p)
{
	struct list *pos;
	struct list *tmp;

	LIST_FOREACH_SAFE(pos, tmp, &p->free)
	stack_free(LIST_ENTRY(pos, struct stack, node));
	list_init(&p->free);
	p->n_free = 0;
}
