/* Intrusive doubly linked ring list. A head and a lone node point at themselves. */
#ifndef CINESYNC_BASE_LIST_H
#define CINESYNC_BASE_LIST_H

#include "base/macro.h"

#include <stdbool.h>

struct list {
	struct list *prev;
	struct list *next;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}

static inline void list_init(struct list *l)
{
	l->prev = l;
	l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_insert_between_(struct list *node, struct list *prev, struct list *next)
{
	next->prev = node;
	node->next = next;
	node->prev = prev;
	prev->next = node;
}

static inline void list_push_front(struct list *head, struct list *node)
{
	list_insert_between_(node, head, head->next);
}

static inline void list_push_back(struct list *head, struct list *node)
{
	list_insert_between_(node, head->prev, head);
}

/* Takes the node out; it then points at itself, so removing twice is harmless. */
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* First node, taken out; NULL when empty. */
static inline struct list *list_pop_front(struct list *head)
{
	struct list *node = head->next;

	if (node == head)
		return NULL;
	list_remove(node);
	return node;
}

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

/* The body may remove `pos`, not its neighbours. */
#define LIST_FOREACH_SAFE(pos, tmp, head) \
	for ((pos) = (head)->next, (tmp) = (pos)->next; (pos) != (head); (pos) = (tmp), (tmp) = (pos)->next)

#endif
