/* Who is to be woken when: a binary min-heap of fibers by time. */
#ifndef CINESYNC_FIBER_WAKE_HEAP_H
#define CINESYNC_FIBER_WAKE_HEAP_H

#include "base/clock.h"

/* Embedded in what is to be woken. */
struct wake_entry {
	int64_t at_ms;
	size_t place; /* in the heap, from 1; 0: not in it */
};

struct wake_heap {
	struct wake_entry **entries; /* from 1 */
	size_t count;
	size_t cap;
};

void wake_heap_done(struct wake_heap *h);
/* Room for n entries, so that adding cannot fail. -ENOMEM. */
int wake_heap_reserve(struct wake_heap *h, size_t n) MUST_CHECK;
void wake_heap_add(struct wake_heap *h, struct wake_entry *e);
/* Harmless when it is not in it. */
void wake_heap_remove(struct wake_heap *h, struct wake_entry *e);
/* The earliest; NULL when empty. */
struct wake_entry *wake_heap_first(const struct wake_heap *h);

#endif
