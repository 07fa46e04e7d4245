/* Copies rows into the caller's arena. The fiber that owns the arena waits meanwhile, so this thread has it to itself.
 * The values grow in memory of their own and move to the arena once, at their final size.
 * Limits: STORE_ROWS_MAX rows, the arena. */
#include "store/sqlite_rows.h"

#include "base/fault.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

#define VALUES_FIRST 64

struct growing {
	struct store_value *values;
	size_t n;
	size_t cap;
};

static int growing_room(struct growing *g, size_t more)
{
	size_t cap = MAX(g->cap, (size_t)VALUES_FIRST);
	struct store_value *values;

	while (cap < g->n + more)
		cap *= 2;
	if (cap == g->cap)
		return 0;
	values = fault_hit("alloc") ? NULL : realloc(g->values, cap * sizeof(*values));
	if (!values)
		return -ENOMEM;
	g->values = values;
	g->cap = cap;
	return 0;
}

static void growing_done(struct growing *g)
{
	free(g->values);
}

/* An empty blob has no address in SQLite, but is not NULL. */
static int copy_bytes(struct arena *a, const void *data, int size, struct str *ret)
{
	return arena_copy(a, (struct str){ data ? data : "", (size_t)size }, ret);
}

static int copy_value(sqlite3_stmt *stmt, int column, struct arena *a, struct store_value *ret)
{
	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_INTEGER:
		*ret = STORE_I(sqlite3_column_int64(stmt, column));
		return 0;
	case SQLITE_FLOAT:
		*ret = STORE_D(sqlite3_column_double(stmt, column));
		return 0;
	case SQLITE_TEXT:
		ret->type = STORE_TEXT;
		return copy_bytes(a, sqlite3_column_text(stmt, column), sqlite3_column_bytes(stmt, column),
		                  &ret->value.text);
	case SQLITE_BLOB:
		ret->type = STORE_BLOB;
		return copy_bytes(a, sqlite3_column_blob(stmt, column), sqlite3_column_bytes(stmt, column),
		                  &ret->value.text);
	default:
		*ret = STORE_N;
		return 0;
	}
}

static int copy_row(sqlite3_stmt *stmt, size_t columns, struct arena *a, struct growing *g)
{
	int r;

	r = growing_room(g, columns);
	for (size_t i = 0; r == 0 && i < columns; i++)
		r = copy_value(stmt, (int)i, a, &g->values[g->n++]);
	return r;
}

static int rows_move(const struct growing *g, size_t n, size_t columns, struct arena *a, struct store_rows *ret)
{
	struct store_value *values = arena_array(a, MAX(g->n, (size_t)1), sizeof(*values));

	if (!values)
		return -ENOMEM;
	if (g->n > 0)
		memcpy(values, g->values, g->n * sizeof(*values));
	*ret = (struct store_rows){ .n = n, .columns = columns, .values = values };
	return 0;
}

int sqlite_rows_fetch(sqlite3_stmt *stmt, struct arena *a, int *ret_rc, struct store_rows *ret)
{
	struct growing g CLEANUP(growing_done) = { 0 };
	size_t columns;
	size_t n = 0;
	int r;

	while ((*ret_rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		columns = (size_t)sqlite3_column_count(stmt);
		r = n == STORE_ROWS_MAX ? -EMSGSIZE : copy_row(stmt, columns, a, &g);
		if (r < 0) {
			*ret_rc = SQLITE_OK;
			return r;
		}
		n++;
	}
	if (*ret_rc != SQLITE_DONE)
		return -EIO;
	/* Not asked before the first step, which may have prepared the statement anew. */
	return rows_move(&g, n, (size_t)sqlite3_column_count(stmt), a, ret);
}
