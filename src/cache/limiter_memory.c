/* The keys of this process: a map, and a ring from the one used last to the one not used for longest. When it is full,
 * of the few not used for longest one that is as new goes, or else the one with the fewest failures: so that a stranger
 * who makes up keys by the thousand does not push out those that are worth remembering. Never yields. */
#include "cache/limiter_inside.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>

enum { KEYS_MAX = 20000, LOOKED_AT_MAX = 16 };

int limiter_memory_init(struct limiter_memory *m, size_t keys_max)
{
	*m = (struct limiter_memory){ .keys_max = keys_max ? keys_max : KEYS_MAX };
	list_init(&m->order);
	return map_new(m->keys_max, &m->entries);
}

void limiter_memory_drop(struct limiter_memory *m, struct limiter_entry *e)
{
	map_remove(m->entries, (struct str){ e->name, e->name_len });
	list_remove(&e->node);
	free(e);
}

void limiter_memory_done(struct limiter_memory *m)
{
	struct list *node;

	if (!m->entries)
		return;
	while ((node = list_pop_front(&m->order)))
		free(LIST_ENTRY(node, struct limiter_entry, node));
	map_free(&m->entries);
}

struct limiter_entry *limiter_memory_find(struct limiter_memory *m, struct str name)
{
	struct limiter_entry *e = map_get(m->entries, name);

	if (!e)
		return NULL;
	list_remove(&e->node);
	list_push_front(&m->order, &e->node);
	return e;
}

static void room_make(struct limiter_memory *m, int64_t now)
{
	struct limiter_entry *victim = NULL;
	struct list *pos = m->order.prev;

	for (int i = 0; i < LOOKED_AT_MAX && pos != &m->order; i++, pos = pos->prev) {
		struct limiter_entry *e = LIST_ENTRY(pos, struct limiter_entry, node);

		if (e->end <= now) {
			limiter_memory_drop(m, e);
			return;
		}
		if (!victim || e->state.consecutive < victim->state.consecutive)
			victim = e;
	}
	limiter_memory_drop(m, victim);
	m->evicted++;
}

static struct limiter_entry *entry_new(struct str name)
{
	struct limiter_entry *e = fault_hit("alloc") ? NULL : calloc(1, sizeof(*e) + name.len);

	if (!e)
		return NULL;
	memcpy(e->name, name.data, name.len);
	e->name_len = name.len;
	return e;
}

struct limiter_entry *limiter_memory_make(struct limiter_memory *m, struct str name, int64_t now)
{
	struct limiter_entry *e = limiter_memory_find(m, name);

	if (e)
		return e;
	if (map_count(m->entries) >= m->keys_max)
		room_make(m, now);
	e = entry_new(name);
	if (!e)
		return NULL;
	if (map_put(m->entries, name, e, NULL) < 0) {
		free(e);
		return NULL;
	}
	list_push_front(&m->order, &e->node);
	return e;
}
