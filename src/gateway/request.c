/* What the module keeps of a request, from its first header to its line in the log.
 *
 * nginx forgets a module's word about a request at each internal redirect; it is found again by the pool's cleanup. */
#include "gateway/module.h"

#define TRACESTATE_READ_MAX 8192 /* bytes of all its headers together; of more nothing is believed */

struct gateway_settings *gateway_settings(ngx_http_request_t *req)
{
	return ngx_http_get_module_main_conf(req, ngx_http_cinesync_module);
}

struct gateway_location *gateway_location(ngx_http_request_t *req)
{
	return ngx_http_get_module_loc_conf(req, ngx_http_cinesync_module);
}

/* It never came to its end: a connection that was lost before anything was known of it. */
static void request_done(void *data)
{
	struct gateway_request *of = data;

	if (!of->is_span_open)
		return;
	of->is_span_open = false;
	if (of->client && of->client->end_mono_ns == 0) {
		context_current = &of->client->context;
		span_drop(of->client);
	}
	context_current = &of->server.context;
	span_drop(&of->server);
	context_current = NULL;
}

struct gateway_request *request_find(ngx_http_request_t *req)
{
	struct gateway_request *of;

	req = req->main;
	of = ngx_http_get_module_ctx(req, ngx_http_cinesync_module);
	if (of || !(req->internal || req->filter_finalize))
		return of;
	for (ngx_pool_cleanup_t *c = req->pool->cleanup; c; c = c->next) {
		if (c->handler != request_done)
			continue;
		ngx_http_set_ctx(req, c->data, ngx_http_cinesync_module);
		return c->data;
	}
	return NULL;
}

/* ---- the trace that it came with ---- */

struct trace_headers {
	size_t n_parents;
	struct str parent;
	char state[TRACESTATE_READ_MAX];
	size_t state_len;
	bool is_too_long;
};

static void state_join(struct trace_headers *t, struct str value)
{
	if (t->state_len + 1 + value.len > sizeof(t->state)) {
		t->is_too_long = true;
		return;
	}
	if (t->state_len > 0)
		t->state[t->state_len++] = ',';
	memcpy(t->state + t->state_len, value.data, value.len);
	t->state_len += value.len;
}

static void trace_headers_read(ngx_http_request_t *req, struct trace_headers *t)
{
	t->n_parents = t->state_len = 0;
	t->is_too_long = false;
	for (ngx_list_part_t *part = &req->headers_in.headers.part; part; part = part->next) {
		const ngx_table_elt_t *headers = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			struct str name = str_of(headers[i].key);

			if (str_equal_nocase(name, STR("traceparent"))) {
				t->n_parents++;
				t->parent = str_of(headers[i].value);
			} else if (str_equal_nocase(name, STR("tracestate"))) {
				state_join(t, str_of(headers[i].value));
			}
		}
	}
}

static bool parent_read(ngx_http_request_t *req, struct context *ret)
{
	struct trace_headers t;
	struct str state;

	trace_headers_read(req, &t);
	state = t.is_too_long ? STR_NULL : (struct str){ t.state, t.state_len };
	return t.n_parents == 1 && trace_parse(t.parent, state, ret);
}

/* When its first byte came, as exactly as nginx knows. */
static void start_correct(ngx_http_request_t *req, struct span *s)
{
	const ngx_time_t *now = ngx_timeofday();
	int64_t waited_ms =
	        ((int64_t)now->sec - req->start_sec) * 1000 + ((int64_t)now->msec - (int64_t)req->start_msec);

	span_began_at(s, s->start_mono_ns - waited_ms * 1000000);
}

struct gateway_request *request_get(ngx_http_request_t *req)
{
	struct gateway_request *of = request_find(req);
	ngx_pool_cleanup_t *cleanup;
	struct context parent;

	if (of)
		return of;
	req = req->main;
	cleanup = ngx_pool_cleanup_add(req->pool, sizeof(*of));
	if (!cleanup)
		return NULL;
	of = cleanup->data;
	ngx_memzero(of, sizeof(*of));
	context_current = NULL;
	span_start(&of->server, "HTTP", SPAN_SERVER, parent_read(req, &parent) ? &parent : NULL);
	context_current = NULL;
	start_correct(req, &of->server);
	of->is_span_open = true;
	cleanup->handler = request_done;
	ngx_http_set_ctx(req, of, ngx_http_cinesync_module);
	return of;
}

/* ---- what it asks for ---- */

struct str request_path(ngx_http_request_t *req)
{
	struct str target = str_of(req->main->unparsed_uri);
	ptrdiff_t question = target.data ? str_index(target, '?', 0) : -1;

	return question < 0 ? target : str_slice(target, 0, (size_t)question);
}

void request_route_find(ngx_http_request_t *req, struct gateway_request *of)
{
	const struct routes *routes = gateway_settings(req)->routes;
	struct str path = request_path(req);

	if (of->is_route_known)
		return;
	of->is_route_known = true;
	if (routes && path.data)
		of->route = routes_find(routes, path);
}

const char *request_route(ngx_http_request_t *req, struct gateway_request *of)
{
	request_route_find(req, of);
	if (of->route)
		return of->route->path;
	return of->location.len > 0 ? (const char *)of->location.data : NULL;
}

ngx_uint_t request_status(ngx_http_request_t *req)
{
	return req->err_status ? req->err_status : req->headers_out.status;
}

void request_answer_drop(ngx_http_request_t *req, struct str name)
{
	for (ngx_list_part_t *part = &req->headers_out.headers.part; part; part = part->next) {
		ngx_table_elt_t *headers = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++)
			if (str_equal_nocase(str_of(headers[i].key), name))
				headers[i].hash = 0;
	}
}

bool request_answer_header(ngx_http_request_t *req, const char *name, struct str value, ngx_table_elt_t **ret)
{
	ngx_table_elt_t *h;
	u_char *copy;

	request_answer_drop(req, str_from(name));
	h = ngx_list_push(&req->headers_out.headers);
	copy = ngx_pnalloc(req->pool, value.len + 1);
	if (!h)
		return false;
	ngx_memzero(h, sizeof(*h));
	if (!copy)
		return false;
	memcpy(copy, value.data, value.len);
	h->hash = 1;
	h->key = (ngx_str_t){ strlen(name), (u_char *)(uintptr_t)name };
	h->value = (ngx_str_t){ value.len, copy };
	if (ret)
		*ret = h;
	return true;
}
