/* The spans of a request: the server's from its first byte to its line in the log, the client's from when the upstream
 * is about to be asked until its last byte is here.
 *
 * Many requests are under way on one thread, so that none of their spans stays current: it is made so where one begins
 * or ends. All tries of an upstream are one span, as they are sent the same traceparent. Attributes are those of
 * OpenTelemetry's stable conventions, where it has one. */
#include "gateway/module.h"

#include "base/clock.h"

#include <stdio.h>

enum { USER_AGENT_LEN_MAX = 100 };

/* "GET /docs" or "GET", which lives as long as the request. */
static const char *name_make(ngx_http_request_t *req, const char *method, struct str of)
{
	size_t size = strlen(method) + 1 + of.len + 1;
	char *name = of.len > 0 ? ngx_pnalloc(req->pool, size) : NULL;

	if (!name)
		return method;
	snprintf(name, size, "%s %.*s", method, STR_ARGS(of));
	return name;
}

static const char *method_of(ngx_http_request_t *req)
{
	return route_method_name(route_method_from(str_of(req->method_name)));
}

/* "503", which lives as long as the request. */
static const char *status_word(ngx_http_request_t *req, ngx_uint_t status)
{
	char *word = ngx_pnalloc(req->pool, 8);

	if (!word)
		return "_OTHER";
	snprintf(word, 8, "%u", (unsigned)(status % 1000));
	return word;
}

/* "example.org", "example.org:8080", "[::1]:8080", "unix:/run/x". */
static void address_describe(struct span *span, struct str address)
{
	ptrdiff_t colon = (ptrdiff_t)address.len - 1;
	int64_t port;

	if (str_starts(address, STR("unix:"))) {
		span_set_str(span, "server.address", str_slice(address, 5, address.len));
		return;
	}
	while (colon >= 0 && address.data[colon] >= '0' && address.data[colon] <= '9')
		colon--;
	if (colon > 0 && address.data[colon] == ':' &&
	    str_to_int64(str_slice(address, (size_t)colon + 1, address.len), 1, 65535, &port) == 0) {
		span_set_int(span, "server.port", port);
		address = str_slice(address, 0, (size_t)colon);
	}
	span_set_str(span, "server.address", address);
}

/* ---- the upstream's ---- */

static void time_describe(struct span *span, const char *key, ngx_msec_t time_ms)
{
	if (time_ms != (ngx_msec_t)-1)
		span_set_int(span, key, (int64_t)time_ms);
}

static void state_describe(ngx_http_request_t *req, struct span *span, const ngx_http_upstream_state_t *state)
{
	if (state->status > 0)
		span_set_int(span, "http.response.status_code", (int64_t)state->status);
	if (state->status >= 500)
		span_fail(span, status_word(req, state->status));
	if (state->peer)
		address_describe(span, str_of(*state->peer));
	time_describe(span, "cinesync.upstream.connect_ms", state->connect_time);
	time_describe(span, "cinesync.upstream.header_ms", state->header_time);
	time_describe(span, "cinesync.upstream.body_ms", state->response_time);
	span_set_int(span, "cinesync.upstream.bytes_sent", state->bytes_sent);
	span_set_int(span, "cinesync.upstream.bytes_received", state->bytes_received);
}

static void client_describe(ngx_http_request_t *req, struct gateway_request *of)
{
	const ngx_http_upstream_state_t *states = req->upstream_states ? req->upstream_states->elts : NULL;
	const ngx_http_upstream_state_t *last = NULL;
	ngx_uint_t n = req->upstream_states ? req->upstream_states->nelts : 0;
	int64_t n_tries = 0;

	/* What has no peer stands between two upstreams. */
	for (ngx_uint_t i = of->n_states_before; i < n; i++) {
		if (!states[i].peer)
			continue;
		last = &states[i];
		n_tries++;
	}
	span_set_str(of->client, "http.request.method", str_from(method_of(req)));
	if (n_tries > 1)
		span_set_int(of->client, "http.request.resend_count", n_tries - 1);
	if (last)
		state_describe(req, of->client, last);
	else
		span_fail(of->client, "unavailable");
}

/* As the configuration calls it. */
static struct str upstream_name(const ngx_http_upstream_t *u)
{
	if (u->upstream && u->upstream->host.len > 0)
		return str_of(u->upstream->host);
	return u->resolved ? str_of(u->resolved->host) : STR("");
}

static void client_end(ngx_http_request_t *req, struct gateway_request *of)
{
	struct span *client = of->client;

	if (!client || client->end_mono_ns != 0)
		return;
	if (client->is_recording) {
		client->name = name_make(req, method_of(req), upstream_name(of->upstream));
		client_describe(req, of);
	}
	context_current = &client->context;
	span_end_at(client, of->client_end_ns > 0 ? of->client_end_ns : clock_mono_ns());
	context_current = NULL;
}

const struct context *spans_upstream(ngx_http_request_t *req, struct gateway_request *of)
{
	ngx_http_upstream_t *upstream = req->main->upstream;

	/* A renewal behind an answer that was given already is a part of the request, not of its wait. */
	if (req != req->main)
		return &of->server.context;
	if (!of->is_span_open || !upstream || upstream == of->upstream)
		return of->client ? &of->client->context : &of->server.context;
	client_end(req->main, of);
	of->client = ngx_palloc(req->main->pool, sizeof(*of->client));
	if (!of->client)
		return &of->server.context;
	of->upstream = upstream;
	of->client_end_ns = 0;
	of->n_states_before = req->main->upstream_states ? req->main->upstream_states->nelts : 0;
	context_current = &of->server.context;
	span_start(of->client, "HTTP", SPAN_CLIENT, NULL);
	context_current = NULL;
	return &of->client->context;
}

/* ---- the server's ---- */

ngx_int_t spans_begin(ngx_http_request_t *req)
{
	struct gateway_request *of;

	if (!gateway_location(req)->trace)
		return NGX_DECLINED;
	of = request_get(req);
	if (!of)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	of->is_answered = true;
	return NGX_DECLINED;
}

/* The location is known: that of the request itself, before anything sends it elsewhere. */
ngx_int_t spans_locate(ngx_http_request_t *req)
{
	ngx_http_core_loc_conf_t *core = ngx_http_get_module_loc_conf(req, ngx_http_core_module);
	bool is_wanted = gateway_location(req)->trace || gateway_settings(req)->counters;
	struct gateway_request *of = is_wanted ? request_get(req) : request_find(req);

	if (of && !of->is_located) {
		of->is_located = true;
		/* Names from the configuration end with a NUL. */
		if (core->exact_match && !req->internal)
			of->location = core->name;
	}
	return NGX_DECLINED;
}

static struct str protocol_version(const ngx_http_request_t *req)
{
	switch (req->http_version) {
	case NGX_HTTP_VERSION_10:
		return STR("1.0");
	case NGX_HTTP_VERSION_11:
		return STR("1.1");
	case NGX_HTTP_VERSION_20:
		return STR("2");
	case 3000: /* nginx 1.22 has no name for it */
		return STR("3");
	default:
		return STR("");
	}
}

/* As https://opentelemetry.io/docs/specs/semconv/http/http-spans/ has it. No query: there may be a name in it, or a
 * link's key. */
static void server_describe(ngx_http_request_t *req, struct gateway_request *of)
{
	const char *route = request_route(req, of);
	bool is_secret = of->route && of->route->has_secret;
	struct span *span = &of->server;
	ngx_uint_t status = request_status(req);

	span->name = name_make(req, method_of(req), str_from(route));
	span_set_str(span, "http.request.method", str_from(method_of(req)));
	if (route)
		span_set_str(span, "http.route", str_from(route));
	span_set_int(span, "http.response.status_code", (int64_t)status);
	span_set_str(span, "url.path", is_secret ? str_from(route) : request_path(req));
	span_set_str(span, "url.scheme", req->http_connection->ssl ? STR("https") : STR("http"));
	if (protocol_version(req).len > 0)
		span_set_str(span, "network.protocol.version", protocol_version(req));
	span_set_str(span, "client.address", str_of(req->connection->addr_text));
	if (req->headers_in.host)
		address_describe(span, str_of(req->headers_in.host->value));
	else if (req->headers_in.server.len > 0) /* by HTTP/3 it comes in no header */
		span_set_str(span, "server.address", str_of(req->headers_in.server));
	if (req->headers_in.user_agent)
		span_set_str(span, "user_agent.original",
		             str_slice(str_of(req->headers_in.user_agent->value), 0, USER_AGENT_LEN_MAX));
	span_set_int(span, "http.response.size", req->connection->sent);
	if (cache_state_name(cache_state(req)))
		span_set_str(span, "cinesync.cache", str_from(cache_state_name(cache_state(req))));
	if (limits_refused(req) != LIMIT_NONE)
		span_set_str(span, "cinesync.limit", str_from(limits_name(limits_refused(req))));
	if (status >= 500)
		span_fail(span, status_word(req, status));
}

/* The log's phase: the answer is sent, or nobody is there to take it. */
ngx_int_t spans_end(ngx_http_request_t *req)
{
	struct gateway_request *of = request_find(req);

	/* What is not to be traced request_done() drops. */
	if (!of || !of->is_span_open || !gateway_location(req)->trace)
		return NGX_OK;
	of->is_span_open = false;
	client_end(req, of);
	if (of->server.is_recording)
		server_describe(req, of);
	context_current = &of->server.context;
	span_end_at(&of->server, of->answer_end_ns > 0 ? of->answer_end_ns : clock_mono_ns());
	context_current = NULL;
	return NGX_OK;
}

/* ---- filters ---- */

void spans_header(ngx_http_request_t *req)
{
	char response[TRACEPARENT_SIZE];
	struct gateway_request *of;

	if (req != req->main)
		return;
	of = gateway_location(req)->trace ? request_get(req) : request_find(req);
	if (of && !of->is_answered && !gateway_location(req)->trace)
		return;
	/* Without memory the answer goes out without them. */
	if (of) {
		(void)request_answer_header(req, "X-Request-Id", str_from(of->server.context.trace_id), NULL);
		trace_format(&of->server.context, response);
		(void)request_answer_header(req, "traceresponse", str_from(response), NULL);
	}
}

void spans_body(ngx_http_request_t *req, ngx_chain_t *in)
{
	struct gateway_request *of = req == req->main ? request_find(req) : NULL;
	int64_t now_ns;

	while (in && !in->buf->last_buf)
		in = in->next;
	if (!of || !in)
		return;
	now_ns = clock_mono_ns();
	if (of->client && of->client_end_ns == 0)
		of->client_end_ns = now_ns;
	/* nginx ends the request when the renewal behind it has ended. */
	if (req->cached && req->cache && req->cache->background)
		of->answer_end_ns = now_ns;
}
