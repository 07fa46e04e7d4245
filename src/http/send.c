/* From an answer to libmicrohttpd's response: headers, conditional requests, the body without a copy. The response
 * owns the body from then on: a shared reply's reference is dropped, memory freed, when the library is done with it.
 * Nothing here yields. */
#include "http/internal.h"

#include <stdlib.h>

static void body_free(void *data)
{
	free(data);
}

static void body_unref(void *reply)
{
	struct reply *r = reply;

	reply_unref(&r);
}

static struct MHD_Response *response_new(struct answer *a)
{
	struct MHD_Response *response;

	if (a->shared) {
		struct str body = a->is_gzip ? reply_gzip(a->shared) : reply_body(a->shared);

		/* The library only reads what it sends. */
		response = MHD_create_response_from_buffer_with_free_callback_cls(
		        body.len, (void *)(uintptr_t)body.data, body_unref, a->shared);
		if (response)
			a->shared = NULL;
		return response;
	}
	if (a->len == 0)
		return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
	response = MHD_create_response_from_buffer_with_free_callback(a->len, a->data, body_free);
	if (response)
		a->data = NULL;
	return response;
}

/* At most "9999999.999"; milliseconds. Returns the end. */
static char *duration_put(char *at, int64_t us)
{
	char digits[20];
	size_t n = 0;

	us = MIN(MAX(us, (int64_t)0), INT64_C(9999999999));
	do {
		digits[n++] = (char)('0' + us % 10);
		us /= 10;
	} while (us > 0 || n < 4);
	while (n > 0) {
		*at++ = digits[--n];
		if (n == 3)
			*at++ = '.';
	}
	return at;
}

static char *timing_put(char *at, const char *end, const char *name, int64_t duration_us)
{
	size_t len = strlen(name);

	if (len + 32 > (size_t)(end - at))
		return at;
	memcpy(at, name, len);
	memcpy(at + len, ";dur=", 5);
	return duration_put(at + len + 5, duration_us);
}

static void timing_add(const struct request *req, struct MHD_Response *response)
{
	const struct answer *a = &req->answer;
	char text[512];
	const char *end = text + sizeof(text);
	char *at = timing_put(text, end, "total", req->duration_us);

	for (size_t i = 0; i < a->n_timings && end - at > 64; i++) {
		*at++ = ',';
		*at++ = ' ';
		at = timing_put(at, end, a->timings[i].name, a->timings[i].duration_us);
	}
	*at = '\0';
	MHD_add_response_header(response, "Server-Timing", text);
}

static bool header_is(const struct answer_header *h, struct str name)
{
	return str_equal_nocase(str_from(h->name), name);
}

/* What one person alone may see can be kept by that person's client, which asks before each use whether it still holds.
 */
static const char *cache_control_of(const struct request *req)
{
	const struct route *route = request_route(req);
	bool is_private = route && route->cacheable && route->auth >= HTTP_AUTH_USER;

	return is_private && (req->answer.status == 200 || req->answer.status == 304) ? "private, no-cache"
	                                                                              : "no-store";
}

static void headers_add(const struct request *req, struct MHD_Response *response)
{
	const struct answer *a = &req->answer;
	const char *cache_control = a->cache_control ? a->cache_control : cache_control_of(req);
	const char *type = a->type;
	const char *etag = a->etag;

	for (size_t i = 0; i < a->n_headers; i++) {
		const struct answer_header *h = &a->headers[i];

		/* Most begin with another letter. */
		if ((h->name[0] | 0x20) != 'c' && (h->name[0] | 0x20) != 'e')
			;
		else if (header_is(h, STR("Cache-Control")))
			cache_control = NULL;
		else if (header_is(h, STR("Content-Type")))
			type = NULL;
		else if (header_is(h, STR("ETag")))
			etag = "";
		MHD_add_response_header(response, h->name, h->value);
	}
	if (type)
		MHD_add_response_header(response, "Content-Type", type);
	if (cache_control)
		MHD_add_response_header(response, "Cache-Control", cache_control);
	if (etag[0])
		MHD_add_response_header(response, "ETag", etag);
	if (a->varies_by_encoding)
		MHD_add_response_header(response, "Vary", "Accept-Encoding");
	if (a->is_gzip)
		MHD_add_response_header(response, "Content-Encoding", "gzip");
	MHD_add_response_header(response, "X-Request-Id", req->span.context.trace_id);
	timing_add(req, response);
	if (a->must_close || req->server->is_leaving)
		MHD_add_response_header(response, "Connection", "close");
}

/* Who has the other form is not sent this one: that form is then the one chosen. */
static bool is_unchanged_otherwise(struct request *req)
{
	struct answer *a = &req->answer;

	if (!a->varies_by_encoding || !etag_matches(req->head.if_none_match, a->etag_other))
		return false;
	memcpy(a->etag, a->etag_other, ETAG_SIZE);
	a->is_gzip = !a->is_gzip;
	return true;
}

bool request_none_match(const struct request *req, const char *etag)
{
	request_assert_valid(req);
	return req->method == HTTP_GET && req->head.if_none_match.data && etag_matches(req->head.if_none_match, etag);
}

static bool is_unchanged(struct request *req)
{
	const struct answer *a = &req->answer;

	return a->status == 200 && a->etag[0] && req->head.if_none_match.data && req->method == HTTP_GET &&
	       (etag_matches(req->head.if_none_match, a->etag) || is_unchanged_otherwise(req));
}

enum MHD_Result send_answer(struct request *req)
{
	struct MHD_Response *response = response_new(&req->answer);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	/* A 304 has the headers of the 200 and none of its body, which the library sees to. */
	if (is_unchanged(req))
		req->answer.status = 304;
	headers_add(req, response);
	result = MHD_queue_response(req->mhd, (unsigned)req->answer.status, response);
	MHD_destroy_response(response);
	return result;
}
