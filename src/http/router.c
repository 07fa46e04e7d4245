/* The router: a tree of path segments. A literal child is tried before the parameter, and given up again when nothing
 * below it matches. The router owns its nodes and entries; routes stay the tables'. Nothing here yields. */
#include "http/router.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct node {
	struct str segment; /* into the route's path; null for a parameter */
	struct node *next;  /* sibling */
	struct node *children;
	struct node *param;
	struct router_entry *entries[HTTP_METHODS];
	unsigned allowed;
};

struct router {
	struct node root;
};

struct segments {
	struct str items[ROUTER_SEGMENTS_MAX];
	size_t n;
};

const char *router_method_name(enum http_method method)
{
	static const char *const names[HTTP_METHODS] = { "GET", "POST", "PUT", "PATCH", "DELETE" };

	return method < HTTP_METHODS ? names[method] : "other";
}

/* "/a/b" has two, "/" has one, which is empty. False: too many. */
static bool path_split(struct str path, struct segments *ret)
{
	size_t from = 1;

	ret->n = 0;
	for (;;) {
		ptrdiff_t slash = str_index(path, '/', from);
		size_t to = slash < 0 ? path.len : (size_t)slash;

		if (ret->n == ROUTER_SEGMENTS_MAX)
			return false;
		ret->items[ret->n++] = str_slice(path, from, to);
		if (slash < 0)
			return true;
		from = to + 1;
	}
}

static bool is_param(struct str segment)
{
	return segment.len > 2 && segment.data[0] == '{' && segment.data[segment.len - 1] == '}';
}

static void entry_free(struct router_entry *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->n_cells; i++)
		free(e->cells[i].preset);
	free(e->span_name);
	free(e->param_names);
	free(e);
}

static void node_done(struct node *n)
{
	struct node *next;

	for (struct node *child = n->children; child; child = next) {
		next = child->next;
		node_done(child);
		free(child);
	}
	if (n->param)
		node_done(n->param);
	free(n->param);
	for (size_t i = 0; i < HTTP_METHODS; i++)
		entry_free(n->entries[i]);
}

void router_free(struct router **r)
{
	if (!r || !*r)
		return;
	node_done(&(*r)->root);
	free(*r);
	*r = NULL;
}

static struct node *child_find(const struct node *n, struct str segment)
{
	for (struct node *child = n->children; child; child = child->next)
		if (str_equal(child->segment, segment))
			return child;
	return NULL;
}

static struct node *child_get(struct node *n, struct str segment)
{
	struct node *child = is_param(segment) ? n->param : child_find(n, segment);

	if (child)
		return child;
	child = calloc(1, sizeof(*child));
	if (!child)
		return NULL;
	if (is_param(segment)) {
		n->param = child;
		return child;
	}
	child->segment = segment;
	child->next = n->children;
	n->children = child;
	return child;
}

static int entry_names_set(struct router_entry *e, const struct segments *s)
{
	e->param_names = calloc(s->n + 1, sizeof(*e->param_names));
	if (!e->param_names ||
	    asprintf(&e->span_name, "%s %s", router_method_name(e->route->method), e->route->path) < 0) {
		e->span_name = e->param_names ? NULL : e->span_name;
		return -ENOMEM;
	}
	for (size_t i = 0; i < s->n; i++)
		if (is_param(s->items[i]))
			e->param_names[e->n_params++] = str_slice(s->items[i], 1, s->items[i].len - 1);
	return e->n_params > ROUTER_PARAMS_MAX ? -EINVAL : 0;
}

static int entry_new(const struct route *route, const struct segments *s, struct router_entry **ret)
{
	struct router_entry *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->route = route;
	r = entry_names_set(e, s);
	if (r < 0) {
		entry_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

static int route_add(struct router *r, const struct route *route)
{
	struct node *n = &r->root;
	struct segments s;

	if (route->path[0] != '/' || route->method >= HTTP_METHODS || !path_split(str_from(route->path), &s))
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		n = child_get(n, s.items[i]);
		if (!n)
			return -ENOMEM;
	}
	if (n->entries[route->method])
		return -EINVAL;
	n->allowed |= 1u << route->method;
	return entry_new(route, &s, &n->entries[route->method]);
}

int router_new(const struct route *const *tables, struct router **ret)
{
	struct router *r CLEANUP(router_free) = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	for (const struct route *const *table = tables; *table; table++) {
		for (const struct route *route = *table; route->path; route++) {
			int error = route_add(r, route);

			if (error < 0)
				return error;
		}
	}
	*ret = STEAL(r);
	return 0;
}

static const struct node *walk(const struct node *n, const struct segments *s, size_t at, struct router_match *m)
{
	const struct node *found = NULL;
	const struct node *literal;

	if (at == s->n)
		return n->allowed ? n : NULL;
	literal = child_find(n, s->items[at]);
	if (literal)
		found = walk(literal, s, at + 1, m);
	if (found || !n->param || s->items[at].len == 0 || m->n_params == ROUTER_PARAMS_MAX)
		return found;
	m->params[m->n_params++] = s->items[at];
	found = walk(n->param, s, at + 1, m);
	if (!found)
		m->n_params--;
	return found;
}

static int segments_decode(struct segments *s, struct arena *a)
{
	for (size_t i = 0; i < s->n; i++) {
		int r = target_decode(s->items[i], false, a, &s->items[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

int router_find(const struct router *r, enum http_method method, const struct target *target, struct arena *a,
                struct router_match *ret)
{
	struct router_match m = { 0 };
	const struct node *n;
	struct segments s;
	int error;

	if (!path_split(target->path, &s)) {
		*ret = m;
		return 0;
	}
	error = target->is_encoded ? segments_decode(&s, a) : 0;
	if (error < 0)
		return error;
	n = walk(&r->root, &s, 0, &m);
	if (n) {
		m.allowed = n->allowed;
		m.entry = method < HTTP_METHODS ? n->entries[method] : NULL;
	}
	*ret = m;
	return 0;
}
