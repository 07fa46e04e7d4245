/* Trace by trace: its spans sorted by id, so that each finds its parent; a call between services is a span whose parent
 * ran elsewhere. A client's span that nobody's span answers is a call to something that sends none. */
#include "trace/graph.h"

#include "base/map.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct graphing {
	struct graph *graph;
	struct arena *arena;
	struct map *nodes; /* by name */
	struct map *edges; /* by both nodes' addresses */
	int64_t since_ns;
	int64_t until_ns;
	/* Of the trace at hand. */
	const struct trace_span **sorted;
	bool *is_answered;
	size_t capacity;
	size_t n;
};

/* ---- times ---- */

static size_t bucket_of(uint64_t us)
{
	unsigned octave;
	size_t at;

	if (us < 8)
		return (size_t)us;
	octave = 63u - (unsigned)__builtin_clzll(us);
	at = (octave - 2) * 8 + ((us >> (octave - 3)) & 7);
	return MIN(at, (size_t)GRAPH_BUCKETS - 1);
}

/* The middle of what falls into it. */
static int64_t bucket_us(size_t bucket)
{
	size_t octave = bucket / 8 + 2;

	if (bucket < 8)
		return (int64_t)bucket;
	return (int64_t)((8 + bucket % 8) << (octave - 3)) + (octave > 3 ? (int64_t)1 << (octave - 4) : 0);
}

int64_t graph_quantile_us(const struct graph_times *times, double share)
{
	uint64_t wanted = (uint64_t)((double)times->n * share), sum = 0;

	for (size_t i = 0; i < GRAPH_BUCKETS; i++) {
		sum += times->buckets[i];
		if (sum > wanted || (sum == times->n && sum > 0))
			return bucket_us(i);
	}
	return 0;
}

static void times_add(struct graph_times *times, const struct trace_span *s)
{
	times->n++;
	times->errors += s->status == TRACE_STATUS_ERROR;
	times->buckets[bucket_of((uint64_t)(s->end_ns - s->start_ns) / 1000)]++;
}

const char *graph_kind_name(enum graph_kind kind)
{
	static const char *const names[] = { "service", "database", "broker", "external" };

	return names[kind];
}

/* ---- nodes and edges; NULL in *ret: there is no place for one more ---- */

static int node_get(struct graphing *g, struct str name, enum graph_kind kind, struct graph_node **ret)
{
	struct graph_node *node = map_get(g->nodes, name);

	*ret = node;
	if (node || g->graph->n_nodes == GRAPH_NODES_MAX)
		return 0;
	node = arena_alloc(g->arena, sizeof(*node));
	if (!node || arena_copy(g->arena, name, &node->name) < 0 || map_put(g->nodes, name, node, NULL) < 0)
		return -ENOMEM;
	node->kind = kind;
	g->graph->nodes[g->graph->n_nodes++] = node;
	*ret = node;
	return 0;
}

static int edge_add(struct graphing *g, struct graph_node *from, struct graph_node *to, const struct trace_span *s)
{
	struct graph_node *ends[2] = { from, to };
	struct str key = { (const char *)ends, sizeof(ends) };
	struct graph_edge *edge;

	if (!from || !to)
		return 0;
	edge = map_get(g->edges, key);
	if (!edge && g->graph->n_edges == GRAPH_EDGES_MAX)
		return 0;
	if (!edge) {
		edge = arena_alloc(g->arena, sizeof(*edge));
		if (!edge || map_put(g->edges, key, edge, NULL) < 0)
			return -ENOMEM;
		edge->from = from;
		edge->to = to;
		g->graph->edges[g->graph->n_edges++] = edge;
	}
	times_add(&edge->times, s);
	return 0;
}

/* ---- one trace ---- */

static int by_id(const void *a, const void *b)
{
	const struct trace_span *left = *(const struct trace_span *const *)a;
	const struct trace_span *right = *(const struct trace_span *const *)b;

	return memcmp(left->span_id, right->span_id, sizeof(left->span_id));
}

/* Where it stands among the sorted; SIZE_MAX: it is not there. */
static size_t position_of(const struct graphing *g, const uint8_t *id)
{
	struct trace_span wanted;
	const struct trace_span *key = &wanted, **found;

	memcpy(wanted.span_id, id, sizeof(wanted.span_id));
	found = bsearch(&key, g->sorted, g->n, sizeof(*g->sorted), by_id);
	return found ? (size_t)(found - g->sorted) : SIZE_MAX;
}

static int trace_sort(struct graphing *g, const struct trace *t)
{
	if (t->n > g->capacity) {
		g->capacity = MAX(2 * g->capacity, t->n);
		g->sorted = arena_array(g->arena, g->capacity, sizeof(*g->sorted));
		g->is_answered = arena_array(g->arena, g->capacity, sizeof(*g->is_answered));
	}
	if (!g->sorted || !g->is_answered)
		return -ENOMEM;
	memcpy(g->sorted, t->spans, t->n * sizeof(*g->sorted));
	memset(g->is_answered, 0, t->n * sizeof(*g->is_answered));
	g->n = t->n;
	qsort(g->sorted, g->n, sizeof(*g->sorted), by_id);
	return 0;
}

static bool is_within(const struct graphing *g, const struct trace_span *s)
{
	return s->start_ns >= g->since_ns && s->start_ns <= g->until_ns;
}

/* A request to a service, and the call it came by. */
static int request_add(struct graphing *g, const struct trace_span *s)
{
	size_t at = trace_span_is_root(s) ? SIZE_MAX : position_of(g, s->parent_id);
	const struct trace_span *parent = at == SIZE_MAX ? NULL : g->sorted[at];
	bool is_call = parent && !str_equal(parent->process->service, s->process->service);
	struct graph_node *node, *from;
	int r;

	/* By its own service too, as a publisher's is that sends by HTTP. */
	if (parent)
		g->is_answered[at] = true;
	if (!is_within(g, s) ||
	    !(is_call || trace_span_is_root(s) || s->kind == TRACE_SERVER || s->kind == TRACE_CONSUMER))
		return 0;
	r = node_get(g, s->process->service, GRAPH_SERVICE, &node);
	if (r < 0)
		return r;
	g->graph->first_ns = MIN(g->graph->first_ns, s->start_ns);
	if (node)
		times_add(&node->times, s);
	if (!is_call)
		return 0;
	r = node_get(g, parent->process->service, GRAPH_SERVICE, &from);
	return r < 0 ? r : edge_add(g, from, node, s);
}

static struct str peer_of(const struct trace_span *s, enum graph_kind *ret_kind)
{
	static const struct {
		struct str key;
		enum graph_kind kind;
	} keys[] = { { { "db.system.name", 14 }, GRAPH_DATABASE },
		     { { "db.system", 9 }, GRAPH_DATABASE },
		     { { "messaging.system", 16 }, GRAPH_BROKER },
		     { { "peer.service", 12 }, GRAPH_EXTERNAL },
		     { { "server.address", 14 }, GRAPH_EXTERNAL } };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct trace_attribute *a = trace_attribute_find(s->attributes, s->n_attributes, keys[i].key);

		if (!a || a->kind != TRACE_TEXT || a->text.len == 0 || utf8_has_control(a->text))
			continue;
		*ret_kind = keys[i].kind;
		return str_slice(a->text, 0, utf8_cut(a->text, TRACE_NAME_MAX));
	}
	return STR_NULL;
}

/* A call to something that sends no spans. Each service has a database of its own, whatever it is called. */
static int peer_add(struct graphing *g, size_t at)
{
	const struct trace_span *s = g->sorted[at];
	char own[2 * TRACE_NAME_MAX + 2];
	struct graph_node *from, *to;
	enum graph_kind kind;
	struct str peer;
	int r;

	if (g->is_answered[at] || !is_within(g, s) || (s->kind != TRACE_CLIENT && s->kind != TRACE_PRODUCER))
		return 0;
	peer = peer_of(s, &kind);
	if (!peer.data)
		return 0;
	if (kind == GRAPH_DATABASE) {
		snprintf(own, sizeof(own), "%.*s %.*s", STR_ARGS(s->process->service), STR_ARGS(peer));
		peer = str_from(own);
	}
	r = node_get(g, s->process->service, GRAPH_SERVICE, &from);
	if (r == 0)
		r = node_get(g, peer, kind, &to);
	if (r < 0)
		return r;
	if (to && to->kind != GRAPH_SERVICE)
		times_add(&to->times, s);
	return edge_add(g, from, to, s);
}

static int trace_add(struct graphing *g, const struct trace *t)
{
	int r = trace_sort(g, t);

	for (size_t i = 0; r == 0 && i < t->n; i++)
		r = request_add(g, t->spans[i]);
	for (size_t i = 0; r == 0 && i < g->n; i++)
		r = peer_add(g, i);
	return r;
}

int graph_make(const struct store *s, int64_t since_ns, int64_t until_ns, struct arena *a, struct graph **ret)
{
	struct graphing g = { .arena = a, .since_ns = since_ns, .until_ns = until_ns };
	const struct trace *t;
	size_t cursor = 0;
	int r;

	g.graph = arena_alloc(a, sizeof(*g.graph));
	r = g.graph ? map_new(GRAPH_NODES_MAX, &g.nodes) : -ENOMEM;
	if (r == 0)
		r = map_new(GRAPH_EDGES_MAX, &g.edges);
	if (r == 0)
		g.graph->first_ns = INT64_MAX;
	while (r == 0 && (t = store_next(s, &cursor)))
		if (t->end_ns >= since_ns && t->start_ns <= until_ns)
			r = trace_add(&g, t);
	map_free(&g.nodes);
	map_free(&g.edges);
	if (r == 0)
		*ret = g.graph;
	return r;
}
