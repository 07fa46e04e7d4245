/* A list that is walked: some seventy templates, most of which differ from a path in the number of their segments, cost
 * less than a microsecond a request. */
#include "gateway/routes.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#define ROUTES_MAGIC 0x67777274

static const char *const method_names[ROUTE_METHODS] = {
	[ROUTE_GET] = "GET",     [ROUTE_HEAD] = "HEAD",     [ROUTE_POST] = "POST",       [ROUTE_PUT] = "PUT",
	[ROUTE_PATCH] = "PATCH", [ROUTE_DELETE] = "DELETE", [ROUTE_OPTIONS] = "OPTIONS", [ROUTE_OTHER] = "_OTHER",
};

struct entry {
	struct route route;
	char *path; /* owned: route.path */
	size_t n_params;
	size_t n_segments;
	struct str segments[ROUTE_SEGMENTS_MAX]; /* of the template; a parameter's has len 0 and is no null str */
};

struct routes {
	unsigned magic;
	size_t n;
	struct entry *entries;
};

/* Into at most ROUTE_SEGMENTS_MAX; 0: no absolute path, or of more segments. */
static size_t split(struct str path, struct str ret[ROUTE_SEGMENTS_MAX])
{
	size_t n = 0, from = 1;

	if (path.len == 0 || path.data[0] != '/')
		return 0;
	for (;;) {
		ptrdiff_t slash = str_index(path, '/', from);
		size_t to = slash < 0 ? path.len : (size_t)slash;

		if (n == ROUTE_SEGMENTS_MAX)
			return 0;
		ret[n++] = str_slice(path, from, to);
		if (slash < 0)
			return n;
		from = to + 1;
	}
}

static bool is_param(struct str segment)
{
	return segment.len > 2 && segment.data[0] == '{' && segment.data[segment.len - 1] == '}';
}

static int entry_init(struct entry *e, const char *path)
{
	e->path = strdup(path);
	if (!e->path)
		return -ENOMEM;
	e->route.path = e->path;
	e->n_segments = split(str_from(e->path), e->segments);
	if (e->n_segments == 0 || strlen(e->path) > ROUTE_LEN_MAX)
		return -EINVAL;
	for (size_t i = 0; i < e->n_segments; i++) {
		if (!is_param(e->segments[i]))
			continue;
		e->n_params++;
		e->route.has_secret |= str_equal(e->segments[i], STR("{token}"));
		e->segments[i].len = 0;
	}
	return 0;
}

static void methods_take(struct route *route, json_t *operations)
{
	const char *name;
	json_t *operation;

	json_object_foreach(operations, name,
	                    operation) for (unsigned m = 0; m < ROUTE_OTHER;
	                                    m++) if (str_equal_nocase(str_from(name), str_from(method_names[m])))
	        route->methods |= 1u << m;
}

static int entries_take(struct routes *r, json_t *paths)
{
	const char *path;
	json_t *operations;
	int error;

	json_object_foreach(paths, path, operations)
	{
		struct entry *e = &r->entries[r->n++];

		error = entry_init(e, path);
		if (error < 0)
			return error;
		methods_take(&e->route, operations);
	}
	return 0;
}

int routes_parse(struct str document, struct routes **ret)
{
	struct routes *r CLEANUP(routes_free) = calloc(1, sizeof(*r));
	json_t *json = json_loadb(document.data, document.len, JSON_REJECT_DUPLICATES, NULL);
	json_t *paths = json_object_get(json, "paths");
	int error = r ? 0 : -ENOMEM;

	if (error == 0 && (!json_is_object(paths) || json_object_size(paths) > ROUTES_MAX))
		error = -EINVAL;
	if (error == 0) {
		r->magic = ROUTES_MAGIC;
		r->entries = calloc(MAX(json_object_size(paths), (size_t)1), sizeof(*r->entries));
		error = r->entries ? entries_take(r, paths) : -ENOMEM;
	}
	json_decref(json);
	if (error == 0)
		*ret = STEAL(r);
	return error;
}

void routes_free(struct routes **r)
{
	if (!r || !*r)
		return;
	for (size_t i = 0; (*r)->entries && i < (*r)->n; i++)
		free((*r)->entries[i].path);
	free((*r)->entries);
	(*r)->magic = 0;
	free(*r);
	*r = NULL;
}

static bool fits(const struct entry *e, const struct str *segments, size_t n)
{
	if (e->n_segments != n)
		return false;
	/* From the end, where they differ. */
	for (size_t i = n; i-- > 0;)
		if (e->segments[i].len == 0 ? segments[i].len == 0 : !str_equal(e->segments[i], segments[i]))
			return false;
	return true;
}

const struct route *routes_find(const struct routes *r, struct str path)
{
	struct str segments[ROUTE_SEGMENTS_MAX];
	const struct entry *best = NULL;
	size_t n = split(path, segments);

	assert(r && r->magic == ROUTES_MAGIC);
	for (size_t i = 0; n > 0 && i < r->n; i++)
		if (fits(&r->entries[i], segments, n) && (!best || r->entries[i].n_params < best->n_params))
			best = &r->entries[i];
	return best ? &best->route : NULL;
}

bool route_takes(const struct route *route, enum route_method method)
{
	return route->methods & 1u << (method == ROUTE_HEAD ? ROUTE_GET : method);
}

enum route_method route_method_from(struct str name)
{
	for (enum route_method m = 0; m < ROUTE_OTHER; m++)
		if (str_equal(name, str_from(method_names[m])))
			return m;
	return ROUTE_OTHER;
}

const char *route_method_name(enum route_method method)
{
	return method_names[method];
}
