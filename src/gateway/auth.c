/* Access tokens at the edge: verified by the same code as in the services, and refused with the same words, so that a
 * client cannot tell who refused it. What only a service knows, whether the session goes on, it still says itself.
 *
 * With `optional` a request is judged only where the API has its operation and it carries a bearer token: a path that
 * is not there is 404 with a bad token too. Costs a look into the worker's cache, or ~60 µs once a token. */
#include "gateway/module.h"

#include "token/identity.h"
#include "token/token.h"

#include <errno.h>

/* What the gateway alone may say about somebody. */
static const char *const identity_headers[] = { "x-user-id", "x-user-role", "x-session-id" };

static bool is_identity(const ngx_table_elt_t *h)
{
	for (size_t i = 0; i < ARRAY_SIZE(identity_headers); i++)
		if (str_equal_nocase(str_of(h->key), str_from(identity_headers[i])))
			return true;
	return false;
}

/* The client's own words about who it is. They cannot be taken out of nginx's list: others point into it, and nginx's
 * own loops fail on a part of it that is empty. So each becomes an empty Keep-Alive, which no proxy passes on. */
static void identity_drop(ngx_http_request_t *req)
{
	static u_char key[] = "Keep-Alive", lower[] = "keep-alive";

	for (ngx_list_part_t *part = &req->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *headers = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (!is_identity(&headers[i]))
				continue;
			headers[i].key = (ngx_str_t){ sizeof(key) - 1, key };
			headers[i].lowcase_key = lower;
			headers[i].hash = ngx_hash_key(lower, sizeof(lower) - 1);
			headers[i].value.len = 0;
		}
	}
}

/* ---- refusals ---- */

static ngx_int_t answer_send(ngx_http_request_t *req, struct str body)
{
	ngx_buf_t *b = ngx_create_temp_buf(req->pool, body.len);
	ngx_chain_t out = { .buf = b, .next = NULL };
	ngx_int_t r;

	if (!b)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	b->last = ngx_cpymem(b->last, body.data, body.len);
	b->last_buf = 1;
	b->last_in_chain = 1;
	ngx_str_set(&req->headers_out.content_type, REFUSAL_TYPE);
	req->headers_out.content_type_len = req->headers_out.content_type.len;
	req->headers_out.content_type_lowcase = NULL;
	req->headers_out.content_length_n = (off_t)body.len;
	r = ngx_http_send_header(req);
	if (r == NGX_ERROR || r > NGX_OK || req->header_only)
		return r;
	return ngx_http_output_filter(req, &out);
}

static bool headers_add(ngx_http_request_t *req, enum refusal why, const char *reason, const char *trace_id)
{
	struct buf challenge CLEANUP(buf_done);

	buf_init(&challenge, 1024);
	refusal_challenge(why, reason, &challenge);
	if (buf_error(&challenge) < 0)
		return false;
	if (challenge.len > 0 &&
	    !request_answer_header(req, "WWW-Authenticate", buf_str(&challenge), &req->headers_out.www_authenticate))
		return false;
	return request_answer_header(req, "X-Request-Id", str_from(trace_id), NULL);
}

/* Answers, and is done with the request. */
static ngx_int_t refuse(ngx_http_request_t *req, struct gateway_request *of, enum refusal why, const char *reason)
{
	const char *trace_id = of->server.context.trace_id;
	struct buf body CLEANUP(buf_done);
	ngx_int_t r;

	/* Nobody is asked to send a body that nobody reads. */
	req->expect_tested = 1;
	r = ngx_http_discard_request_body(req);
	if (r != NGX_OK)
		return r;
	buf_init(&body, REFUSAL_SIZE_MAX);
	refusal_write(why, reason, request_path(req), trace_id, &body);
	if (buf_error(&body) < 0 || !headers_add(req, why, reason, trace_id))
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	req->headers_out.status = (ngx_uint_t)refusal_status(why);
	ngx_http_finalize_request(req, answer_send(req, buf_str(&body)));
	return NGX_DONE;
}

/* ---- the check ---- */

static bool copy(ngx_http_request_t *req, struct str from, ngx_str_t *ret)
{
	ret->len = from.len;
	if (!from.data)
		return true;
	ret->data = ngx_pnalloc(req->pool, from.len + 1);
	if (!ret->data)
		return false;
	memcpy(ret->data, from.data, from.len);
	return true;
}

/* As token_verify(); -EAGAIN: there are no keys. */
static int verify(ngx_http_request_t *req, struct gateway_request *of, struct str token, enum token_error *ret_error)
{
	struct token_verifier *verifier = worker_verifier(req);
	struct arena *a = worker_arena();
	struct token_claims claims;
	int r;

	if (!verifier || !a)
		return -EAGAIN;
	r = token_verify(verifier, token, ngx_time(), a, &claims, ret_error);
	/* The key may be newer than what was read last. */
	if (r == -EACCES && *ret_error == TOKEN_UNKNOWN_KEY && worker_keys_look())
		r = token_verify(worker_verifier(req), token, ngx_time(), a, &claims, ret_error);
	if (r == 0 && (!copy(req, claims.sub, &of->sub) || !copy(req, claims.role, &of->role) ||
	               !copy(req, claims.sid, &of->sid)))
		r = -ENOMEM;
	of->is_vouched = r == 0 && identity_is_sound(claims.sub, claims.role, claims.sid);
	arena_reset(a);
	return r;
}

static int verify_traced(ngx_http_request_t *req, struct gateway_request *of, struct str token,
                         enum token_error *ret_error)
{
	struct span span;
	int r;

	if (!gateway_location(req)->trace || !of->server.is_recording)
		return verify(req, of, token, ret_error);
	context_current = &of->server.context;
	span_start(&span, "verify access token", SPAN_INTERNAL, NULL);
	r = verify(req, of, token, ret_error);
	if (r < 0)
		span_fail(&span, r == -EACCES ? token_error_name(*ret_error) : "unavailable");
	span_end(&span);
	context_current = NULL;
	return r;
}

/* Once a request, by whoever asks first: a limit on its owner, in an earlier phase, or the check itself. */
static void find_out(ngx_http_request_t *req, struct gateway_request *of)
{
	struct str given = req->headers_in.authorization ? str_of(req->headers_in.authorization->value) : STR("");
	enum token_error error = TOKEN_OK;
	int r;

	if (of->auth != AUTH_NOT_ASKED)
		return;
	of->auth = AUTH_NO_TOKEN;
	if (!str_equal_nocase(str_slice(given, 0, 7), STR("Bearer ")))
		return;
	r = verify_traced(req, of, str_trim(str_slice(given, 7, given.len)), &error);
	of->auth = r == 0 ? AUTH_ACCEPTED : r == -EACCES ? AUTH_REFUSED : AUTH_UNCHECKED;
	of->auth_reason = token_error_name(error);
}

static ngx_int_t judge(ngx_http_request_t *req, struct gateway_request *of, bool is_required)
{
	find_out(req, of);
	if (of->auth == AUTH_REFUSED)
		return refuse(req, of, REFUSAL_TOKEN_BAD, of->auth_reason);
	if (of->auth == AUTH_ACCEPTED || !is_required)
		return NGX_OK;
	return refuse(req, of, of->auth == AUTH_NO_TOKEN ? REFUSAL_TOKEN_MISSING : REFUSAL_NO_KEYS, NULL);
}

/* The service answers better: it knows what is there. */
static bool is_the_services(ngx_http_request_t *req, struct gateway_request *of)
{
	if (!gateway_settings(req)->routes)
		return false;
	request_route_find(req, of);
	return !of->route || !route_takes(of->route, route_method_from(str_of(req->method_name)));
}

struct str auth_owner(ngx_http_request_t *req)
{
	struct gateway_location *location = gateway_location(req);
	struct gateway_request *of = location->auth == AUTH_OFF ? NULL : request_get(req);

	if (!of || (location->auth == AUTH_OPTIONAL && is_the_services(req, of)))
		return STR("");
	find_out(req, of);
	return of->auth == AUTH_ACCEPTED ? str_of(of->sub) : STR("");
}

ngx_int_t auth_handle(ngx_http_request_t *req)
{
	struct gateway_location *location = gateway_location(req);
	struct gateway_request *of;

	if (location->auth == AUTH_OFF || req != req->main)
		return NGX_DECLINED;
	of = request_get(req);
	if (!of)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	identity_drop(req);
	/* By an internal redirect, from where it was accepted. */
	if (of->auth == AUTH_ACCEPTED)
		return NGX_OK;
	if (location->auth == AUTH_OPTIONAL && is_the_services(req, of))
		return NGX_OK;
	return judge(req, of, location->auth == AUTH_REQUIRED);
}
