/* $cinesync_*: what the module knows of a request, for the configuration's own use: whose it is, its trace, by what it
 * is limited, and what a cache asks the service with. */
#include "gateway/module.h"

#include <stdio.h>

enum { DURATION_SIZE = 32 };

enum variable {
	SUB,
	ROLE,
	SID,
	AUTH,
	USER_ID,
	USER_ROLE,
	SESSION_ID,
	AUTHORIZATION,
	ROUTE,
	TRACE_ID,
	TRACEPARENT,
	TRACESTATE,
	DURATION,
	UNCACHED,
	NONE_MATCH,
	ENCODING,
};

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

/* What a service that believes this gateway is told: who asks, or the client's own Authorization for the service to
 * verify, and never both. A token that says too little or too much for the headers goes on as it came. */
static ngx_int_t told_get(ngx_http_request_t *req, ngx_http_variable_value_t *v, uintptr_t which)
{
	const struct gateway_request *of = request_find(req);
	bool is_vouched = of && of->auth == AUTH_ACCEPTED && of->is_vouched;
	const ngx_table_elt_t *given = req->headers_in.authorization;

	if ((enum variable)which == AUTHORIZATION)
		return give(v, is_vouched || !given ? STR_NULL : str_of(given->value));
	if (!is_vouched)
		return give(v, STR_NULL);
	return give(v, str_of((enum variable)which == USER_ID     ? of->sub
	                      : (enum variable)which == USER_ROLE ? of->role
	                                                          : of->sid));
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

static ngx_int_t cache_get(ngx_http_request_t *req, ngx_http_variable_value_t *v, uintptr_t which)
{
	switch ((enum variable)which) {
	case UNCACHED:
		return give(v, cache_is_passed_by(req) ? STR("1") : STR_NULL);
	case NONE_MATCH:
		return give(v, cache_if_none_match(req));
	case ENCODING:
		return give(v, cache_accept_encoding(req));
	default:
		return give(v, STR_NULL);
	}
}

static ngx_int_t limit_get(ngx_http_request_t *req, ngx_http_variable_value_t *v, uintptr_t which)
{
	return give(v, limits_key(req, (enum limit)which));
}

static ngx_int_t refused_get(ngx_http_request_t *req, ngx_http_variable_value_t *v, uintptr_t which)
{
	(void)which;
	return give(v, str_from(limits_name(limits_refused(req))));
}

ngx_int_t variables_add(ngx_conf_t *cf)
{
	static const struct {
		ngx_str_t name;
		ngx_http_get_variable_pt get;
		uintptr_t which;
	} list[] = {
		{ ngx_string("cinesync_sub"), identity_get, SUB },
		{ ngx_string("cinesync_role"), identity_get, ROLE },
		{ ngx_string("cinesync_sid"), identity_get, SID },
		{ ngx_string("cinesync_auth"), identity_get, AUTH },
		{ ngx_string("cinesync_user_id"), told_get, USER_ID },
		{ ngx_string("cinesync_user_role"), told_get, USER_ROLE },
		{ ngx_string("cinesync_session_id"), told_get, SESSION_ID },
		{ ngx_string("cinesync_authorization"), told_get, AUTHORIZATION },
		{ ngx_string("cinesync_route"), trace_get, ROUTE },
		{ ngx_string("cinesync_trace_id"), trace_get, TRACE_ID },
		{ ngx_string("cinesync_traceparent"), trace_get, TRACEPARENT },
		{ ngx_string("cinesync_tracestate"), trace_get, TRACESTATE },
		{ ngx_string("cinesync_uncached"), cache_get, UNCACHED },
		{ ngx_string("cinesync_if_none_match"), cache_get, NONE_MATCH },
		{ ngx_string("cinesync_accept_encoding"), cache_get, ENCODING },
		{ ngx_string("cinesync_limit_address"), limit_get, LIMIT_ADDRESS },
		{ ngx_string("cinesync_limit_user"), limit_get, LIMIT_USER },
		{ ngx_string("cinesync_limit_login"), limit_get, LIMIT_LOGIN },
		{ ngx_string("cinesync_limit_connections"), limit_get, LIMIT_CONNECTIONS },
		{ ngx_string("cinesync_limit_uploads"), limit_get, LIMIT_UPLOADS },
		{ ngx_string("cinesync_limit_all_uploads"), limit_get, LIMIT_ALL_UPLOADS },
		{ ngx_string("cinesync_limited"), refused_get, 0 },
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
