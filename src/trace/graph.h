/* Who calls whom, how often, how long it takes and how often it fails: the map of the services, out of the spans kept.
 * Databases, brokers and other people's servers, which send no spans, are in it by what calls to them are called.
 * Nothing here yields. */
#ifndef CINESYNC_TRACE_GRAPH_H
#define CINESYNC_TRACE_GRAPH_H

#include "base/arena.h"
#include "trace/store.h"

enum {
	GRAPH_NODES_MAX = 100, /* further ones are left out */
	GRAPH_EDGES_MAX = 400,
	GRAPH_BUCKETS = 36 * 8, /* eight to each doubling of a microsecond: off by 9 % at most */
};

/* Of requests to a node, or of calls along an edge. */
struct graph_times {
	uint64_t n;
	uint64_t errors;
	uint32_t buckets[GRAPH_BUCKETS];
};

enum graph_kind { GRAPH_SERVICE, GRAPH_DATABASE, GRAPH_BROKER, GRAPH_EXTERNAL };

struct graph_node {
	struct str name;
	enum graph_kind kind;
	struct graph_times times;
};

struct graph_edge {
	struct graph_node *from;
	struct graph_node *to;
	struct graph_times times;
};

struct graph {
	struct graph_node *nodes[GRAPH_NODES_MAX];
	size_t n_nodes;
	struct graph_edge *edges[GRAPH_EDGES_MAX];
	size_t n_edges;
	int64_t first_ns; /* start of the earliest span in it; INT64_MAX: none */
};

/* Of the spans that started at or after since_ns, and not after until_ns. Everything is in the arena. -ENOMEM. */
int graph_make(const struct store *s, int64_t since_ns, int64_t until_ns, struct arena *a,
               struct graph **ret) MUST_CHECK;
/* The duration that this share (0..1) of them did not exceed; µs. 0: there were none. */
int64_t graph_quantile_us(const struct graph_times *times, double share);

const char *graph_kind_name(enum graph_kind kind);

#endif
