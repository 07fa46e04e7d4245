/* The OpenAPI document. Everything in it comes from the tables that the router and the parsers read, so it cannot say
 * anything else than what the service does. Written straight into a buffer, in the tables' order: the same tables give
 * the same bytes. */
#include "http/openapi.h"

#include "base/map.h"
#include "http/problem.h"
#include "http/router.h"

#include <stdio.h>

#define PREFIX "/api/v1"

enum { STATUSES_MAX = 24, PATHS_MAX = 512 };

static void string_add(struct buf *out, const char *text)
{
	buf_add_json(out, str_from(text));
}

static void member_add(struct buf *out, const char *name, const char *text)
{
	if (!text)
		return;
	buf_addf(out, ",\"%s\":", name);
	string_add(out, text);
}

/* ---- operations ---- */

/* "/api/v1/movies/{movie_id}" and GET: "get_movies_movie_id". */
static void operation_id_write(const struct route *route, struct buf *out)
{
	static const char *const lower[HTTP_METHODS] = { "get", "post", "put", "patch", "delete" };
	struct str path = str_from(route->path);
	bool gap = true;

	if (str_starts(path, STR(PREFIX)))
		path = str_slice(path, sizeof(PREFIX) - 1, path.len);
	buf_addf(out, "\"%s", lower[route->method]);
	for (size_t i = 0; i < path.len; i++) {
		char c = path.data[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (!word) {
			gap = true;
			continue;
		}
		if (gap)
			buf_addc(out, '_');
		buf_addc(out, c);
		gap = false;
	}
	buf_addc(out, '"');
}

static void parameter_write(const struct schema_field *f, const char *in, struct buf *out)
{
	bool required = strcmp(in, "path") == 0 || (f->flags & SCHEMA_REQUIRED);

	buf_adds(out, "{\"name\":");
	string_add(out, f->name);
	buf_addf(out, ",\"in\":\"%s\",\"required\":%s", in, required ? "true" : "false");
	member_add(out, "description", f->doc);
	if (f->type == SCHEMA_ARRAY)
		buf_adds(out, ",\"style\":\"form\",\"explode\":false");
	buf_adds(out, ",\"schema\":");
	schema_describe_field(f, out);
	buf_addc(out, '}');
}

static bool parameters_of(const struct schema *s, const char *in, bool comma, struct buf *out)
{
	for (size_t i = 0; s && i < s->n_fields; i++) {
		if (comma)
			buf_addc(out, ',');
		parameter_write(&s->fields[i], in, out);
		comma = true;
	}
	return comma;
}

static void parameters_write(const struct route *route, struct buf *out)
{
	bool any;

	if (!route->path_params && !route->query && !route->headers)
		return;
	buf_adds(out, ",\"parameters\":[");
	any = parameters_of(route->path_params, "path", false, out);
	any = parameters_of(route->query, "query", any, out);
	(void)parameters_of(route->headers, "header", any, out);
	buf_addc(out, ']');
}

static void content_write(const char *type, const struct schema *s, struct buf *out)
{
	string_add(out, type);
	if (s)
		buf_addf(out, ":{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}", s->name);
	else
		buf_adds(out, ":{}");
}

/* As OpenAPI 3.1 has a body that is a file: a media type without a schema. */
static void uploads_write(const struct route *route, struct buf *out)
{
	buf_adds(out, ",\"requestBody\":{\"required\":true,\"content\":{");
	for (size_t i = 0; route->uploads[i]; i++) {
		if (i > 0)
			buf_addc(out, ',');
		content_write(route->uploads[i], NULL, out);
	}
	buf_adds(out, "}}");
}

static void body_write(const struct route *route, struct buf *out)
{
	if (route->uploads) {
		uploads_write(route, out);
		return;
	}
	if (!route->body)
		return;
	buf_addf(out, ",\"requestBody\":{\"required\":%s,\"content\":{", route->body_optional ? "false" : "true");
	content_write(route->body_type ? route->body_type : "application/json", route->body, out);
	if (route->body_form) {
		buf_addc(out, ',');
		content_write("application/x-www-form-urlencoded", route->body, out);
	}
	buf_adds(out, "}}");
}

/* ---- answers ---- */

struct statuses {
	size_t n;
	int items[STATUSES_MAX];
};

/* Kept ascending, each once. */
static void status_add(struct statuses *s, int status)
{
	size_t at = 0;

	while (at < s->n && s->items[at] < status)
		at++;
	if (at < s->n && s->items[at] == status)
		return;
	assert(s->n < STATUSES_MAX);
	for (size_t i = s->n++; i > at; i--)
		s->items[i] = s->items[i - 1];
	s->items[at] = status;
}

/* Those the table names, and those that follow from what the route takes. */
static struct statuses errors_of(const struct route *route)
{
	struct statuses s = { 0 };

	for (size_t i = 0; i < ROUTE_ERRORS_MAX && route->errors[i]; i++)
		status_add(&s, route->errors[i]);
	status_add(&s, 400);
	if (route->auth != HTTP_AUTH_NONE)
		status_add(&s, 401);
	if (route->auth == HTTP_AUTH_ADMIN)
		status_add(&s, 403);
	if (route->body || route->uploads) {
		status_add(&s, 413);
		status_add(&s, 415);
	}
	if (route->body || route->uploads || route->query || route->path_params)
		status_add(&s, 422);
	status_add(&s, 503);
	return s;
}

static const char *status_title(int status)
{
	for (const struct problem *const *p = problem_list(); *p; p++) {
		if ((*p)->status == status)
			return (*p)->title;
	}
	return "A problem";
}

static void problem_write(const char *status, const char *title, struct buf *out)
{
	buf_addf(out, ",\"%s\":{\"description\":", status);
	string_add(out, title);
	buf_adds(out, ",\"content\":{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/"
	              "Problem\"}}}}");
}

static void success_write(const struct route *route, int status, const char *doc, struct buf *out)
{
	buf_addf(out, "\"%d\":{\"description\":", status);
	string_add(out, doc ? doc : "Done.");
	if (route->reply.schema || route->reply.type) {
		buf_adds(out, ",\"content\":{");
		content_write(route->reply.type ? route->reply.type : "application/json", route->reply.schema, out);
		if (route->reply.other_type) {
			buf_addc(out, ',');
			content_write(route->reply.other_type, NULL, out);
		}
		buf_addc(out, '}');
	}
	buf_addc(out, '}');
}

static void successes_write(const struct route *route, struct buf *out)
{
	success_write(route, route->reply.status, route->reply.doc, out);
	for (size_t i = 0; i < ROUTE_ALSO_MAX && route->also[i].status; i++) {
		buf_addc(out, ',');
		success_write(route, route->also[i].status, route->also[i].doc, out);
	}
	if (route->cacheable)
		buf_adds(out, ",\"304\":{\"description\":\"What the client has, by If-None-Match, is still right.\"}");
}

static void answers_write(const struct route *route, struct buf *out)
{
	struct statuses errors = errors_of(route);
	char status[12];

	buf_adds(out, ",\"responses\":{");
	successes_write(route, out);
	for (size_t i = 0; i < errors.n; i++) {
		snprintf(status, sizeof(status), "%d", errors.items[i]);
		problem_write(status, status_title(errors.items[i]), out);
	}
	problem_write("default", "Any other problem", out);
	buf_addc(out, '}');
}

static void operation_write(const struct route *route, struct buf *out)
{
	static const char *const lower[HTTP_METHODS] = { "get", "post", "put", "patch", "delete" };

	buf_addf(out, "\"%s\":{\"operationId\":", lower[route->method]);
	operation_id_write(route, out);
	buf_adds(out, ",\"tags\":[");
	string_add(out, route->tag ? route->tag : "other");
	buf_addc(out, ']');
	member_add(out, "summary", route->summary);
	member_add(out, "description", route->doc);
	parameters_write(route, out);
	body_write(route, out);
	answers_write(route, out);
	if (route->auth == HTTP_AUTH_OPTIONAL)
		buf_adds(out, ",\"security\":[{},{\"bearerAuth\":[]},{\"password\":[]}]");
	else if (route->auth > HTTP_AUTH_OPTIONAL)
		buf_adds(out, ",\"security\":[{\"bearerAuth\":[]},{\"password\":[]}]");
	buf_addc(out, '}');
}

/* ---- paths ---- */

/* Calls visit for every route that is not internal. */
static void routes_visit(const struct route *const *tables, void (*visit)(const struct route *route, void *arg),
                         void *arg)
{
	for (; *tables; tables++) {
		for (const struct route *route = *tables; route->path; route++) {
			if (!route->internal)
				visit(route, arg);
		}
	}
}

struct path_writing {
	const char *path;
	struct buf *out;
	bool comma;
};

static void path_operation_write(const struct route *route, void *arg)
{
	struct path_writing *w = arg;

	if (strcmp(route->path, w->path) != 0)
		return;
	if (w->comma)
		buf_addc(w->out, ',');
	operation_write(route, w->out);
	w->comma = true;
}

struct writing {
	const struct route *const *tables;
	struct buf *out;
	struct map *seen; /* paths, tags or messages that are written */
	bool comma;
	int error;
};

/* True the first time. */
static bool is_new(struct writing *w, const char *name)
{
	int r;

	if (map_get(w->seen, str_from(name)))
		return false;
	r = map_put(w->seen, str_from(name), w, NULL);
	if (r < 0)
		w->error = r;
	if (w->comma)
		buf_addc(w->out, ',');
	w->comma = true;
	return true;
}

static void path_write(const struct route *route, void *arg)
{
	struct writing *w = arg;
	struct path_writing operations = { .path = route->path, .out = w->out };

	if (!is_new(w, route->path))
		return;
	string_add(w->out, route->path);
	buf_adds(w->out, ":{");
	routes_visit(w->tables, path_operation_write, &operations);
	buf_addc(w->out, '}');
}

static void tag_write(const struct route *route, void *arg)
{
	struct writing *w = arg;

	if (!route->tag || !is_new(w, route->tag))
		return;
	buf_adds(w->out, "{\"name\":");
	string_add(w->out, route->tag);
	buf_addc(w->out, '}');
}

/* ---- components ---- */

static int message_write(const struct schema *s, void *arg)
{
	struct writing *w = arg;

	if (!is_new(w, s->name))
		return 0;
	string_add(w->out, s->name);
	buf_addc(w->out, ':');
	schema_describe(s, w->out);
	return w->error;
}

static void messages_write(const struct route *route, void *arg)
{
	const struct schema *both[] = { route->body, route->reply.schema };
	struct writing *w = arg;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		r = both[i] ? schema_visit(both[i], message_write, w) : 0;
		if (r < 0)
			w->error = r;
	}
}

static const char problem_components[] =
        "\"Problem\":{\"type\":\"object\",\"description\":\"Problem details (RFC "
        "9457).\",\"required\":[\"type\",\"title\","
        "\"status\",\"detail\",\"instance\",\"code\",\"trace_id\"],\"properties\":{"
        "\"type\":{\"type\":\"string\",\"format\":\"uri-reference\",\"description\":\"Where the problem is "
        "explained.\"},"
        "\"title\":{\"type\":\"string\",\"description\":\"The same words for every occurrence.\"},"
        "\"status\":{\"type\":\"integer\",\"description\":\"The HTTP status.\"},"
        "\"detail\":{\"type\":\"string\",\"description\":\"What to do about this occurrence.\"},"
        "\"instance\":{\"type\":\"string\",\"format\":\"uri-reference\",\"description\":\"The path asked for.\"},"
        "\"code\":{\"type\":\"string\",\"description\":\"Stable and machine-readable.\"},"
        "\"trace_id\":{\"type\":\"string\",\"description\":\"The trace to look for in the logs.\"},"
        "\"degraded\":{\"type\":\"boolean\",\"description\":\"True: a part behind this one is away; without it there "
        "was "
        "nothing to answer with.\"},"
        "\"errors\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Violation\"},"
        "\"description\":\"With status 422: everything that is wrong.\"}}},"
        "\"Violation\":{\"type\":\"object\",\"required\":[\"loc\",\"msg\",\"type\"],\"properties\":{"
        "\"loc\":{\"type\":\"array\",\"items\":{\"type\":[\"string\",\"integer\"]},\"description\":\"Where.\"},"
        "\"msg\":{\"type\":\"string\",\"description\":\"What, for people.\"},"
        "\"type\":{\"type\":\"string\",\"description\":\"What, for programs: missing, string_too_short, …\"}}}";

static const char security_components[] =
        "\"securitySchemes\":{\"bearerAuth\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"},"
        "\"password\":{\"type\":\"oauth2\",\"flows\":{\"password\":{\"tokenUrl\":\"" PREFIX "/auth/login\","
        "\"refreshUrl\":\"" PREFIX "/auth/refresh\",\"scopes\":{}}}}}";

static int part_write(const struct route *const *tables, void (*visit)(const struct route *, void *), bool comma,
                      struct buf *out)
{
	struct map *seen CLEANUP(map_free) = NULL;
	struct writing w = { .tables = tables, .out = out, .comma = comma };
	int r = map_new(PATHS_MAX, &seen);

	if (r < 0)
		return r;
	w.seen = seen;
	routes_visit(tables, visit, &w);
	return w.error;
}

static int document_write(const char *title, const char *version, const struct route *const *tables, struct buf *out)
{
	int r;

	buf_adds(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":");
	string_add(out, title);
	member_add(out, "version", version);
	buf_adds(out, "},\"tags\":[");
	r = part_write(tables, tag_write, false, out);
	buf_adds(out, "],\"paths\":{");
	if (r == 0)
		r = part_write(tables, path_write, false, out);
	buf_adds(out, "},\"components\":{");
	buf_adds(out, security_components);
	buf_adds(out, ",\"schemas\":{");
	buf_adds(out, problem_components);
	if (r == 0)
		r = part_write(tables, messages_write, true, out);
	buf_adds(out, "}}}");
	return r;
}

void openapi_write(const char *title, const char *version, const struct route *const *tables, struct buf *out)
{
	int r = document_write(title, version, tables, out);

	/* Errors stick to the buffer: -ENOMEM and too many names are the caller's -ENOMEM. */
	if (r < 0 && out->error == 0)
		out->error = r;
}
