/* The texts are constants of the program, so their addresses are their names. The same text is prepared once for each
 * set of argument types: the server fixes a parameter's type then, and would take it from the surroundings for a NULL.
 * Limit: POSTGRES_STATEMENTS_MAX, after which the connection is to be replaced. */
#include "store/postgres_statements.h"

#include "base/fault.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define ITEMS_FIRST 32

struct postgres_statement {
	const char *sql;
	int number;
	uint8_t n_args;
	uint8_t types[STORE_ARGS_MAX]; /* enum store_type */
};

void postgres_statements_done(struct postgres_statements *s)
{
	free(s->items);
	*s = (struct postgres_statements){ 0 };
}

/* A NULL fits a parameter of any type. */
static bool fits(const struct postgres_statement *s, const struct store_call *call)
{
	if (s->sql != call->sql || s->n_args != call->n_args)
		return false;
	for (size_t i = 0; i < call->n_args; i++)
		if (call->args[i].type != STORE_NULL && s->types[i] != call->args[i].type)
			return false;
	return true;
}

int postgres_statements_find(const struct postgres_statements *s, const struct store_call *call)
{
	for (size_t i = 0; i < s->n; i++)
		if (fits(&s->items[i], call))
			return s->items[i].number;
	return -ENOENT;
}

static int grow(struct postgres_statements *s)
{
	size_t cap = s->cap ? s->cap * 2 : ITEMS_FIRST;
	struct postgres_statement *items;

	if (s->n < s->cap)
		return 0;
	items = fault_hit("alloc") ? NULL : realloc(s->items, cap * sizeof(*items));
	if (!items)
		return -ENOMEM;
	s->items = items;
	s->cap = cap;
	return 0;
}

int postgres_statements_add(struct postgres_statements *s, const struct store_call *call)
{
	struct postgres_statement *added;
	int r;

	assert(call->n_args <= STORE_ARGS_MAX);
	if (s->n == POSTGRES_STATEMENTS_MAX || s->numbers == INT_MAX)
		return -ENOSPC;
	r = grow(s);
	if (r < 0)
		return r;
	added = &s->items[s->n++];
	*added = (struct postgres_statement){ .sql = call->sql,
		                              .number = s->numbers++,
		                              .n_args = (uint8_t)call->n_args };
	for (size_t i = 0; i < call->n_args; i++)
		added->types[i] = (uint8_t)call->args[i].type;
	return added->number;
}

void postgres_statements_forget(struct postgres_statements *s, int number)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->items[i].number != number)
			continue;
		s->items[i] = s->items[--s->n];
		return;
	}
}
