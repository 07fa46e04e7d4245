/* The names that are in use among the spans kept. Nothing here yields. */
#include "base/map.h"
#include "trace/trace.h"

#include <errno.h>
#include <stdlib.h>

enum { NAMES_MAX = 10000 }; /* further ones are left out */

struct gathering {
	struct map *seen;
	struct str *names;
	size_t n;
};

static int gathering_begin(struct gathering *g, struct arena *a)
{
	*g = (struct gathering){ .names = arena_array(a, NAMES_MAX, sizeof(struct str)) };
	return g->names ? map_new(NAMES_MAX, &g->seen) : -ENOMEM;
}

static int name_add(struct gathering *g, struct str name)
{
	int r;

	if (map_get(g->seen, name))
		return 0;
	r = map_put(g->seen, name, g, NULL);
	if (r < 0)
		return r == -ENOSPC ? 0 : r;
	g->names[g->n++] = name;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct str *left = a, *right = b;
	int order = memcmp(left->data, right->data, MIN(left->len, right->len));

	return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

static void gathering_end(struct gathering *g, struct schema_array *ret)
{
	qsort(g->names, g->n, sizeof(*g->names), by_name);
	*ret = (struct schema_array){ g->n, g->names };
}

/* Of one service, or the services themselves. */
static int trace_names(struct gathering *g, const struct trace *t, const struct str *service)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->n; i++) {
		const struct trace_span *s = t->spans[i];

		if (!service)
			r = name_add(g, s->process->service);
		else if (str_equal(s->process->service, *service))
			r = name_add(g, s->name);
	}
	return r;
}

static int names_gather(const struct store *s, const struct str *service, struct arena *a, struct schema_array *ret)
{
	const struct trace *t;
	struct gathering g;
	size_t cursor = 0;
	int r = gathering_begin(&g, a);

	while (r == 0 && (t = store_next(s, &cursor)))
		r = trace_names(&g, t, service);
	if (r == 0)
		gathering_end(&g, ret);
	map_free(&g.seen);
	return r;
}

int names_of_services(const struct store *s, struct arena *a, struct schema_array *ret)
{
	return names_gather(s, NULL, a, ret);
}

int names_of_operations(const struct store *s, struct str service, struct arena *a, struct schema_array *ret)
{
	return names_gather(s, &service, a, ret);
}
