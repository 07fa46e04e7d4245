/* Stacks for fibers: mapped with a guard below, kept in a pool, their depth measured by sampling. */
#ifndef CINESYNC_FIBER_STACK_H
#define CINESYNC_FIBER_STACK_H

#include "base/list.h"
#include "fiber/switch.h"

#include <stdint.h>

struct fiber;

struct stack {
	struct list node;
	struct switch_side side;
	struct fiber *fiber; /* who runs on it at present */
	char *base;          /* lowest usable byte */
	size_t size;
	unsigned valgrind_id;
};

struct stack_pool {
	struct list free;
	size_t n_free;
	size_t kept_max;
	size_t stack_size;
	void (*entry)(void *); /* runs on every stack, with its struct stack; never returns */
	size_t high_water;     /* bytes; of the stacks looked at */
	unsigned n_releases;
};

/* stack_size: bytes, rounded up to pages. */
void stack_pool_init(struct stack_pool *p, size_t stack_size, size_t kept_max, void (*entry)(void *));
void stack_pool_done(struct stack_pool *p);

/* One from the pool, its entry asleep in switch_to_last(), or a new one. -ENOMEM: no memory, or no more mappings
 * (vm.max_map_count; a stack takes two). */
int stack_acquire(struct stack_pool *p, struct stack **ret) MUST_CHECK;
/* Its fiber has ended. Must not be called while running on it. */
void stack_release(struct stack_pool *p, struct stack *s);

/* Looks at all stacks in the pool and gives the deepest use seen so far, in bytes. 0 under valgrind. */
size_t stack_pool_high_water(struct stack_pool *p);

#endif
