/* Inside the http room: from method and path to a route. Built once from the tables; looking up allocates nothing for
 * a path without escapes. */
#ifndef CINESYNC_HTTP_ROUTER_H
#define CINESYNC_HTTP_ROUTER_H

#include "http/server.h"
#include "http/target.h"

#define ROUTER_PARAMS_MAX 8
#define ROUTER_SEGMENTS_MAX 16

struct router;
struct metric_cell;
struct span_preset;

/* How a request's outcome is counted and traced: looked up once for each method and status of a route. */
struct router_cell {
	int status;
	bool is_head;
	struct metric_cell *duration;
	struct span_preset *preset; /* owned; NULL: not made yet */
};

#define ROUTER_CELLS_MAX 24

/* A route as the server keeps it. */
struct router_entry {
	const struct route *route;
	char *span_name;         /* "GET /movies/{movie_id}" */
	struct str *param_names; /* in the path's order */
	size_t n_params;
	struct router_cell cells[ROUTER_CELLS_MAX];
	size_t n_cells;
};

struct router_match {
	struct router_entry *entry;           /* NULL: no route for the method */
	unsigned allowed;                     /* bit 1 << method for each that the path has; 0: no such path */
	struct str params[ROUTER_PARAMS_MAX]; /* decoded; into the target or the arena */
	size_t n_params;
};

/* -EINVAL: two routes of one method and path, or a template that is none; -ENOMEM. */
int router_new(const struct route *const *tables, struct router **ret) MUST_CHECK;
void router_free(struct router **r);

/* 0 with *ret filled (also when nothing matches); -EINVAL: the path cannot be decoded; -ENOMEM. method may be
 * HTTP_METHODS for "none of ours". */
int router_find(const struct router *r, enum http_method method, const struct target *target, struct arena *a,
                struct router_match *ret) MUST_CHECK;

const char *router_method_name(enum http_method method);

#endif
