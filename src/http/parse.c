/* Path, query and body of a request against its route's schemas, with all that is wrong in one list. What cannot be
 * decoded at all is a 400, what decodes to something else than was asked for a 422. Nothing here yields. */
#include "http/internal.h"

#include <errno.h>

struct violations *request_violation_list(struct request *req)
{
	request_assert_valid(req);
	if (!req->violations.arena)
		violations_init(&req->violations, req->arena);
	return &req->violations;
}

int request_violations(struct request *req)
{
	size_t n = request_violation_list(req)->n + req->violations.dropped;

	if (n == 1)
		return request_problem(req, &problem_validation_failed, "One part of the input is not valid.");
	return request_problem(req, &problem_validation_failed, "%zu parts of the input are not valid.", n);
}

/* What the caller does not want to have is parsed all the same. */
static void *place_for(struct request *req, const struct schema *s, void *wanted)
{
	return wanted ? wanted : arena_alloc(req->arena, s->size);
}

static int pairs_parse(struct request *req, const struct schema *s, const char *where, const struct schema_pair *pairs,
                       size_t n, void *ret)
{
	void *to = place_for(req, s, ret);
	int r = to ? schema_parse_pairs(s, where, pairs, n, req->arena, to, request_violation_list(req)) : -ENOMEM;

	return r == -EINVAL ? 0 : r;
}

static int path_parse(struct request *req, const struct schema *s, void *ret)
{
	const struct router_entry *e = req->match.entry;
	struct schema_pair pairs[ROUTER_PARAMS_MAX];

	for (size_t i = 0; i < e->n_params; i++) {
		struct str value = req->match.params[i];
		int r;

		/* The router decodes a path only when one of its escapes says so. */
		r = req->target.is_encoded ? arena_copy(req->arena, value, &pairs[i].value)
		                           : target_decode(value, false, req->arena, &pairs[i].value);
		if (r < 0)
			return r;
		pairs[i].name = e->param_names[i];
	}
	return pairs_parse(req, s, "path", pairs, e->n_params, ret);
}

static int query_parse(struct request *req, const struct schema *s, void *ret)
{
	static const struct schema nothing = { .name = "Nothing", .present_offset = SIZE_MAX };
	struct schema_pair *pairs;
	size_t n;
	int r;

	r = target_pairs(req->target.query, req->arena, &pairs, &n);
	if (r == -EINVAL)
		return request_problem(req, &problem_malformed_request,
		                       "The query holds a bad escape, a NUL or bytes that are not UTF-8.");
	if (r == -E2BIG)
		return request_problem(req, &problem_malformed_request, "The query has too many parameters.");
	if (r < 0)
		return r;
	if (!s)
		s = &nothing;
	return pairs_parse(req, s, "query", pairs, n, ret);
}

static int form_parse(struct request *req, const struct schema *s, void *ret)
{
	struct schema_pair *pairs;
	size_t n;
	int r = target_pairs(buf_str(&req->body), req->arena, &pairs, &n);

	if (r == -ENOMEM)
		return r;
	if (r >= 0)
		return pairs_parse(req, s, "body", pairs, n, ret);
	violations_add(request_violation_list(req), "body", NULL, "value_error", "The form cannot be decoded.");
	return 0;
}

static int body_parse(struct request *req, const struct schema *s, void *ret)
{
	struct violations *v = request_violation_list(req);
	struct str body = buf_str(&req->body);
	void *to;
	int r;

	if (body.len == 0 && req->match.entry->route->body_optional) {
		body = STR("{}");
	} else if (body.len == 0) {
		violations_add(v, "body", NULL, "missing", "Field required");
		return 0;
	}
	if (str_equal(req->body_type, STR(FORM_TYPE)))
		return form_parse(req, s, ret);
	to = place_for(req, s, ret);
	r = to ? schema_parse(s, body, req->arena, to, v) : -ENOMEM;
	return r == -EINVAL ? 0 : r;
}

static int parts_parse(struct request *req, void *ret_path, void *ret_query, void *ret_body)
{
	const struct route *route = req->match.entry->route;
	int r = 0;

	if (route->path_params)
		r = path_parse(req, route->path_params, ret_path);
	if (r >= 0)
		r = query_parse(req, route->query, ret_query);
	if (r >= 0 && route->body)
		r = body_parse(req, route->body, ret_body);
	return r;
}

int request_parse(struct request *req, void *ret_path, void *ret_query, void *ret_body)
{
	int r;

	request_assert_valid(req);
	r = parts_parse(req, ret_path, ret_query, ret_body);
	/* It is the input that fills a request's memory. */
	if (r == -ENOMEM)
		return request_problem(req, &problem_content_too_large,
		                       "The request takes more memory to read than one may.");
	if (r < 0)
		return r;
	return request_violation_list(req)->n > 0 ? request_violations(req) : 0;
}
