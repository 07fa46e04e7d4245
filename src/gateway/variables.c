/* $cinesync_*: what the module knows of a request, for the configuration's own use: whose it is, and its trace. */
#include "gateway/module.h"

#include <stdio.h>

enum { DURATION_SIZE = 32 };

enum variable { SUB, ROLE, SID, AUTH, ROUTE, TRACE_ID, TRACEPARENT, TRACESTATE, DURATION };

static ngx_int_t give(ngx_http_variable_value_t *v, struct str value)
{
	if (!value.data || value.len == 0) {
		v->not_found = 1;
		return NGX_OK;
	}
	v->len = (unsigned)value.len & 0xfffffff;
	v->data = (u_char *)(uintptr_t)value.data;
	v->valid = 1;
	v->no_cacheable = 0;
	v->not_found = 0;
	return NGX_OK;
}

static const char *const auth_words[AUTH_RESULTS] = {
	[AUTH_NOT_ASKED] = "",      [AUTH_NO_TOKEN] = "none",       [AUTH_ACCEPTED] = "accepted",
	[AUTH_REFUSED] = "refused", [AUTH_UNCHECKED] = "unchecked",
};

static ngx_int_t identity_get(ngx_http_request_t *req, ngx_http_variable_value_t *v, uintptr_t which)
{
	struct gateway_request *of = request_find(req);

	if (!of)
		return give(v, STR_NULL);
	switch ((enum variable)which) {
	case SUB:
		return give(v, str_of(of->sub));
	case ROLE:
		return give(v, str_of(of->role));
	case SID:
		return give(v, str_of(of->sid));
	case AUTH:
		return give(v, str_from(auth_words[of->auth]));
	default:
		return give(v, STR_NULL);
	}
}

/* Where nothing is traced nothing is passed on; an id there is all the same, for who writes it down. */
static ngx_int_t trace_get(ngx_http_request_t *req, ngx_http_variable_value_t *v, uintptr_t which)
{
	struct gateway_request *of = request_get(req);
	bool is_traced = gateway_location(req)->trace;

	if (!of)
		return NGX_ERROR;
	switch ((enum variable)which) {
	case ROUTE:
		return give(v, str_from(request_route(req, of)));
	case TRACE_ID:
		return give(v, str_from(of->server.context.trace_id));
	case TRACEPARENT:
		if (!is_traced)
			return give(v, STR_NULL);
		trace_format(spans_upstream(req, of), of->traceparent);
		return give(v, str_from(of->traceparent));
	case TRACESTATE:
		return give(v, is_traced ? str_from(of->server.context.tracestate) : STR_NULL);
	default:
		return give(v, STR_NULL);
	}
}

/* "12.345": milliseconds since its span began. */
static ngx_int_t duration_get(ngx_http_request_t *req, ngx_http_variable_value_t *v, uintptr_t which)
{
	struct gateway_request *of = request_get(req);
	char *text = ngx_pnalloc(req->pool, DURATION_SIZE);
	int64_t us;

	(void)which;
	if (!of || !text)
		return NGX_ERROR;
	us = span_duration_us(&of->server);
	snprintf(text, DURATION_SIZE, "%lld.%03d", (long long)(us / 1000), (int)(us % 1000));
	return give(v, str_from(text));
}

ngx_int_t variables_add(ngx_conf_t *cf)
{
	static const struct {
		ngx_str_t name;
		ngx_http_get_variable_pt get;
		enum variable which;
	} list[] = {
		{ ngx_string("cinesync_sub"), identity_get, SUB },
		{ ngx_string("cinesync_role"), identity_get, ROLE },
		{ ngx_string("cinesync_sid"), identity_get, SID },
		{ ngx_string("cinesync_auth"), identity_get, AUTH },
		{ ngx_string("cinesync_route"), trace_get, ROUTE },
		{ ngx_string("cinesync_trace_id"), trace_get, TRACE_ID },
		{ ngx_string("cinesync_traceparent"), trace_get, TRACEPARENT },
		{ ngx_string("cinesync_tracestate"), trace_get, TRACESTATE },
		{ ngx_string("cinesync_duration"), duration_get, DURATION },
	};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		ngx_str_t name = list[i].name;
		ngx_http_variable_t *v = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);

		if (!v)
			return NGX_ERROR;
		v->get_handler = list[i].get;
		v->data = list[i].which;
	}
	return NGX_OK;
}
