/* Judges a request when its head is complete, before a byte of its body is read: framing, target, route, size, media
 * type, load. Nothing here yields. */
#include "http/internal.h"

#include "fiber/fiber.h"

#include <errno.h>

/* Since 1.0 libmicrohttpd's own parser refuses what the look at the raw lines is for. */
#define PARSER_IS_LENIENT (MHD_VERSION < 0x00097701)

static enum MHD_Result header_take(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                   const char *value, size_t value_len)
{
	(void)kind;
	head_add(cls, (struct str){ name, name_len }, (struct str){ value, value ? value_len : 0 });
	return MHD_YES;
}

#if PARSER_IS_LENIENT
/* The parser works in place: method, target, version and the lines after them lie one behind the other. */
static bool raw_is_sound(const struct request *req, const char *method, const char *version)
{
	const union MHD_ConnectionInfo *info =
	        MHD_get_connection_info(req->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	const char *lines = version + strlen("HTTP/1.1");
	size_t size = info ? info->header_size : 0;

	if (version < method || (size_t)(lines - method) + 2 > size)
		return false;
	/* One blank on each side of the target, no NUL in it. */
	if (req->uri_at != method + req->method_name.len + 1 || req->uri_at + req->raw.len + 1 != version)
		return false;
	if (lines[0] != '\0' || lines[1] != '\0')
		return false;
	return head_lines_are_sound((struct str){ lines + 2, size - (size_t)(lines + 2 - method) });
}
#else
static bool raw_is_sound(const struct request *req, const char *method, const char *version)
{
	(void)req;
	(void)method;
	(void)version;
	return true;
}
#endif

static const struct problem *problem_with(const struct problem *p, const char *detail, const char **ret_detail)
{
	*ret_detail = detail;
	return p;
}

static const struct problem *admit_size(const struct request *req, const char **ret_detail)
{
	size_t size_max = req->server->options.header_max;

	if (req->raw.len > size_max)
		return problem_with(&problem_uri_too_long, "The target is longer than is taken here.", ret_detail);
	if (req->raw.len + req->head.size > size_max)
		return problem_with(&problem_header_fields_too_large,
		                    "The target and the headers are longer than is taken here.", ret_detail);
	return NULL;
}

static const struct problem *admit_framing(struct request *req, const char *method, const char *version,
                                           const char **ret_detail)
{
	const struct problem *p;

	MHD_get_connection_values_n(req->mhd, MHD_HEADER_KIND, header_take, &req->head);
	if (!raw_is_sound(req, method, version))
		p = problem_with(&problem_malformed_request, "The request's head is not as HTTP/1.1 has it.",
		                 ret_detail);
	else
		p = admit_size(req, ret_detail);
	if (!p)
		p = head_check(&req->head, strcmp(version, "HTTP/1.0") == 0, &req->framing, ret_detail);
	if (!p)
		p = identity_admit(req, ret_detail);
	if (p)
		req->answer.must_close = true;
	return p;
}

static void method_find(struct request *req)
{
	struct str name = req->method_name;

	req->is_head = str_equal(name, STR("HEAD"));
	req->is_options = str_equal(name, STR("OPTIONS"));
	if (req->is_head)
		name = STR("GET");
	for (enum http_method m = 0; m < HTTP_METHODS; m++)
		if (str_equal(name, str_from(router_method_name(m))))
			req->method = m;
}

static const struct problem *admit_method(struct request *req, const char *method, const char **ret_detail)
{
	if (!head_is_token(req->method_name))
		return problem_with(&problem_malformed_request, "The method is not a token.", ret_detail);
	if (req->method_name.len > HEAD_METHOD_LEN_MAX)
		return problem_with(&problem_not_implemented, "There is no such method.", ret_detail);
	req->method_name = arena_str(req->arena, str_from(method));
	if (!req->method_name.data)
		return problem_with(&problem_overloaded, "There is no memory left.", ret_detail);
	method_find(req);
	/* TRACE is known, and not allowed anywhere. */
	if (req->method == HTTP_METHODS && !req->is_options && !str_equal(req->method_name, STR("TRACE")))
		return problem_with(&problem_not_implemented, "There is no such method.", ret_detail);
	return NULL;
}

static const struct problem *admit_route(struct request *req, const char **ret_detail)
{
	static const unsigned all_methods = (1u << HTTP_METHODS) - 1;
	int r = target_parse(req->raw, &req->target);

	if (r >= 0)
		r = router_find(req->server->router, req->method, &req->target, req->arena, &req->match);
	if (r == -ENOMEM)
		return problem_with(&problem_overloaded, "There is no memory left.", ret_detail);
	if (r < 0)
		return problem_with(&problem_malformed_request, "The request target is not valid.", ret_detail);
	if (req->is_options && str_equal(req->target.path, STR("*")))
		req->match.allowed = all_methods;
	if (req->match.allowed == 0)
		return problem_with(&problem_not_found, "No resource has this path.", ret_detail);
	if (!req->match.entry && !req->is_options)
		return problem_with(&problem_method_not_allowed, "See Allow for the methods of this resource.",
		                    ret_detail);
	return NULL;
}

/* The media type in lower case; "" without a Content-Type. */
static struct str body_type_find(struct request *req)
{
	struct str type = arena_str(req->arena, head_media_type(req->head.content_type));

	for (size_t i = 0; i < type.len; i++)
		if (type.data[i] >= 'A' && type.data[i] <= 'Z')
			((char *)(uintptr_t)type.data)[i] += 'a' - 'A';
	return type.data ? type : STR("");
}

static bool body_type_is_taken(const struct request *req, const struct route *route)
{
	if (!head_charset_is_utf8(req->head.content_type))
		return false;
	if (route->body_form && str_equal(req->body_type, STR(FORM_TYPE)))
		return true;
	for (size_t i = 0; route->uploads && route->uploads[i]; i++)
		if (str_equal(req->body_type, str_from(route->uploads[i])))
			return true;
	if (route->uploads)
		return false;
	return str_equal(req->body_type, str_from(route->body_type ? route->body_type : "application/json"));
}

static const char *types_wanted(const struct request *req, const struct route *route)
{
	struct buf out CLEANUP(buf_done);
	struct str kept;

	buf_init(&out, 1024);
	if (!route->uploads)
		return route->body_type ? route->body_type : "The body should be application/json in UTF-8.";
	buf_adds(&out, "The body should be a file, with its Content-Type:");
	for (size_t i = 0; route->uploads[i]; i++)
		buf_addf(&out, "%s %s", i ? "," : "", route->uploads[i]);
	kept = buf_error(&out) < 0 ? STR_NULL : arena_str(req->arena, buf_str(&out));
	return kept.data ? kept.data : "";
}

/* A file takes much memory, which strangers do not get: who has no token is refused before its first byte. */
static const struct problem *admit_upload(struct request *req, const char **ret_detail)
{
	struct http_server *s = req->server;

	if (!req->head.authorization.data && !req->named.id.data && req->match.entry->route->auth >= HTTP_AUTH_USER)
		return problem_with(&problem_unauthorized, "Send an access token as Authorization: Bearer.",
		                    ret_detail);
	if (s->uploads >= s->options.uploads_max)
		return problem_with(&problem_overloaded, "Too many files are on their way here; try again in a moment.",
		                    ret_detail);
	s->uploads++;
	req->is_upload = true;
	buf_init(&req->body, s->options.upload_max);
	return NULL;
}

size_t admit_body_max(const struct request *req)
{
	const struct http_server_options *options = &req->server->options;

	return req->match.entry->route->uploads ? options->upload_max : options->body_max;
}

static const struct problem *admit_body(struct request *req, const char **ret_detail)
{
	const struct route *route = req->match.entry->route;

	if (req->framing.length > (int64_t)admit_body_max(req))
		return problem_with(&problem_content_too_large, "The request body is larger than is taken here.",
		                    ret_detail);
	if (!req->framing.is_expected || (!route->body && !route->body_type && !route->uploads))
		return NULL;
	req->body_type = body_type_find(req);
	if (!body_type_is_taken(req, route))
		return problem_with(&problem_unsupported_media_type, types_wanted(req, route), ret_detail);
	return route->uploads ? admit_upload(req, ret_detail) : NULL;
}

static void deadline_find(struct request *req)
{
	int64_t limit_ms = req->server->options.deadline_ms;
	int64_t asked_ms;

	if (req->head.deadline.data && str_to_int64(req->head.deadline, 0, limit_ms, &asked_ms) >= 0)
		limit_ms = asked_ms;
	req->deadline_ms = clock_deadline_in(limit_ms);
}

const struct problem *admit_head(struct request *req, const char *method, const char *version, const char **ret_detail)
{
	const struct problem *p;

	req->method_name = str_from(method);
	p = admit_framing(req, method, version, ret_detail);
	if (!p)
		p = admit_method(req, method, ret_detail);
	if (!p)
		p = admit_route(req, ret_detail);
	if (p)
		return p;
	if (req->is_options)
		return NULL;
	if (req->server->in_flight >= req->server->options.requests_max)
		return problem_with(&problem_overloaded, "Too many requests are under way here.", ret_detail);
	deadline_find(req);
	return admit_body(req, ret_detail);
}
