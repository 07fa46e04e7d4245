/* A binary heap whose entries know their place, so that any can be taken out in O(log n). Owned by the runtime, entries
 * by the fibers. Limit: as many entries as were reserved. */
#include "fiber/wake_heap.h"

#include <errno.h>
#include <stdlib.h>

void wake_heap_done(struct wake_heap *h)
{
	free(h->entries);
	*h = (struct wake_heap){ 0 };
}

int wake_heap_reserve(struct wake_heap *h, size_t n)
{
	struct wake_entry **entries;
	size_t cap = MAX(h->cap * 2, (size_t)64);

	if (n <= h->cap)
		return 0;
	cap = MAX(cap, n);
	entries = reallocarray(h->entries, cap + 1, sizeof(struct wake_entry *));
	if (!entries)
		return -ENOMEM;
	h->entries = entries;
	h->cap = cap;
	return 0;
}

static void put(struct wake_heap *h, size_t place, struct wake_entry *e)
{
	h->entries[place] = e;
	e->place = place;
}

static void sift_up(struct wake_heap *h, size_t place, struct wake_entry *e)
{
	while (place > 1 && h->entries[place / 2]->at_ms > e->at_ms) {
		put(h, place, h->entries[place / 2]);
		place /= 2;
	}
	put(h, place, e);
}

static void sift_down(struct wake_heap *h, size_t place, struct wake_entry *e)
{
	while (place * 2 <= h->count) {
		size_t child = place * 2;

		if (child < h->count && h->entries[child + 1]->at_ms < h->entries[child]->at_ms)
			child++;
		if (h->entries[child]->at_ms >= e->at_ms)
			break;
		put(h, place, h->entries[child]);
		place = child;
	}
	put(h, place, e);
}

void wake_heap_add(struct wake_heap *h, struct wake_entry *e)
{
	assert(e->place == 0 && h->count < h->cap);
	h->count++;
	sift_up(h, h->count, e);
}

void wake_heap_remove(struct wake_heap *h, struct wake_entry *e)
{
	size_t place = e->place;
	struct wake_entry *last;

	if (place == 0)
		return;
	assert(h->entries[place] == e);
	e->place = 0;
	last = h->entries[h->count--];
	if (last == e)
		return;
	if (place > 1 && h->entries[place / 2]->at_ms > last->at_ms)
		sift_up(h, place, last);
	else
		sift_down(h, place, last);
}

struct wake_entry *wake_heap_first(const struct wake_heap *h)
{
	return h->count > 0 ? h->entries[1] : NULL;
}
