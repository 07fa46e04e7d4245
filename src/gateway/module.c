/* nginx's dynamic module of the gateway: its directives, and where it takes part in a request.
 *
 *   cinesync_jwks FILE|$VAR;     the issuer's public keys; a file is read again whenever it changes
 *   cinesync_issuer, _audience TEXT;  cinesync_leeway SECONDS;
 *   cinesync_routes FILE;        the API's OpenAPI document
 *   cinesync_auth required | optional | off;
 *   cinesync_trace on | off;  cinesync_quick_ack on | off;
 *   cinesync_cache_age_max SECONDS;
 *   cinesync_status;             the location's content: metrics
 *
 * All are off by default, and then nothing is changed. Settings are read, and what is wrong with them said, before any
 * worker starts: `nginx -t` tells. The master never verifies, counts or sends anything. */
#include "gateway/module.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>

#define ROUTES_FILE_SIZE_MAX (4 * 1024 * 1024)

static ngx_http_output_header_filter_pt next_header_filter;
static ngx_http_output_body_filter_pt next_body_filter;

/* ---- what a request passes ---- */

static ngx_int_t header_filter(ngx_http_request_t *req)
{
	spans_header(req);
	cache_header(req);
	return next_header_filter(req);
}

static ngx_int_t body_filter(ngx_http_request_t *req, ngx_chain_t *in)
{
	spans_body(req, in);
	return next_body_filter(req, in);
}

static ngx_int_t handler_add(ngx_conf_t *cf, ngx_http_phases phase, ngx_http_handler_pt handler)
{
	ngx_http_core_main_conf_t *core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
	ngx_http_handler_pt *place = ngx_array_push(&core->phases[phase].handlers);

	if (!place)
		return NGX_ERROR;
	*place = handler;
	return NGX_OK;
}

static ngx_int_t hooks_add(ngx_conf_t *cf)
{
	if (handler_add(cf, NGX_HTTP_POST_READ_PHASE, quick_ack_handle) != NGX_OK ||
	    handler_add(cf, NGX_HTTP_POST_READ_PHASE, spans_begin) != NGX_OK ||
	    handler_add(cf, NGX_HTTP_REWRITE_PHASE, spans_locate) != NGX_OK ||
	    handler_add(cf, NGX_HTTP_ACCESS_PHASE, auth_handle) != NGX_OK ||
	    handler_add(cf, NGX_HTTP_LOG_PHASE, spans_end) != NGX_OK ||
	    handler_add(cf, NGX_HTTP_LOG_PHASE, status_count) != NGX_OK)
		return NGX_ERROR;
	next_header_filter = ngx_http_top_header_filter;
	ngx_http_top_header_filter = header_filter;
	next_body_filter = ngx_http_top_body_filter;
	ngx_http_top_body_filter = body_filter;
	return NGX_OK;
}

/* ---- settings ---- */

static void settings_done(void *data)
{
	struct gateway_settings *s = data;

	keys_close(&s->keys);
	routes_free(&s->routes);
	if (s->has_telemetry)
		config_done(telemetry_settings_table(), &s->telemetry);
	s->has_telemetry = false;
}

static void *settings_make(ngx_conf_t *cf)
{
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, sizeof(struct gateway_settings));
	struct gateway_settings *s;

	if (!cleanup)
		return NULL;
	s = cleanup->data;
	ngx_memzero(s, sizeof(*s));
	s->leeway_s = NGX_CONF_UNSET;
	s->jwks_variable = NGX_ERROR;
	cleanup->handler = settings_done;
	return s;
}

static char *telemetry_read(ngx_conf_t *cf, struct gateway_settings *s)
{
	struct buf complaint CLEANUP(buf_done);
	int r;

	buf_init(&complaint, 65536);
	r = config_load(telemetry_settings_table(), &s->telemetry, &complaint);
	s->has_telemetry = r == 0;
	if (r == 0)
		return NGX_CONF_OK;
	ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "cinesync_trace: %s",
	                   r == -EINVAL && buf_error(&complaint) == 0 ? buf_str(&complaint).data : error_name(r));
	return NGX_CONF_ERROR;
}

static char *settings_check(ngx_conf_t *cf, void *conf)
{
	struct gateway_settings *s = conf;

	if (s->leeway_s == NGX_CONF_UNSET)
		s->leeway_s = 5;
	if (s->issuer.len == 0)
		ngx_str_set(&s->issuer, "cinesync");
	if (s->audience.len == 0)
		ngx_str_set(&s->audience, "cinesync");
	if (s->is_asked_auth && !s->keys && s->jwks_variable == NGX_ERROR) {
		ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "cinesync_auth needs cinesync_jwks");
		return NGX_CONF_ERROR;
	}
	return s->is_traced ? telemetry_read(cf, s) : NGX_CONF_OK;
}

static void *location_make(ngx_conf_t *cf)
{
	struct gateway_location *l = ngx_pcalloc(cf->pool, sizeof(*l));

	if (!l)
		return NULL;
	l->auth = NGX_CONF_UNSET_UINT;
	l->trace = NGX_CONF_UNSET;
	l->quick_ack = NGX_CONF_UNSET;
	l->cache_age_max_s = NGX_CONF_UNSET;
	return l;
}

static char *location_merge(ngx_conf_t *cf, void *outer, void *inner)
{
	const struct gateway_location *from = outer;
	struct gateway_location *l = inner;

	(void)cf;
	ngx_conf_merge_uint_value(l->auth, from->auth, AUTH_OFF);
	ngx_conf_merge_value(l->trace, from->trace, 0);
	ngx_conf_merge_value(l->quick_ack, from->quick_ack, 0);
	ngx_conf_merge_sec_value(l->cache_age_max_s, from->cache_age_max_s, 0);
	return NGX_CONF_OK;
}

/* ---- directives ---- */

static ngx_str_t *words_of(ngx_conf_t *cf)
{
	return cf->args->elts;
}

/* Who sends a request must not send the keys as well. */
static bool is_of_the_client(struct str name)
{
	static const char *const begins[] = { "arg",  "http_",        "cookie_",      "request",
		                              "uri",  "document_uri", "query_string", "remote_user",
		                              "host", "content_",     "ssl_" };

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (str_starts(name, str_from(begins[i])))
			return true;
	return false;
}

static char *jwks_variable_set(ngx_conf_t *cf, struct gateway_settings *s)
{
	ngx_str_t name = { s->jwks.len - 1, s->jwks.data + 1 };

	if (is_of_the_client(str_of(name)))
		return "is a variable that the client sets: anybody could bring keys of their own";
	s->jwks_variable = ngx_http_get_variable_index(cf, &name);
	return s->jwks_variable == NGX_ERROR ? NGX_CONF_ERROR : NGX_CONF_OK;
}

static char *jwks_set(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
	struct gateway_settings *s = conf;
	int r;

	(void)command;
	if (s->jwks.len > 0)
		return "is duplicate";
	s->jwks = words_of(cf)[1];
	if (s->jwks.len > 1 && s->jwks.data[0] == '$')
		return jwks_variable_set(cf, s);
	if (ngx_conf_full_name(cf->cycle, &s->jwks, 1) != NGX_OK)
		return NGX_CONF_ERROR;
	r = keys_open((const char *)s->jwks.data, &s->keys);
	if (r == 0)
		return NGX_CONF_OK;
	ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "the folder of \"%V\" cannot be opened (%s)", &s->jwks, error_name(r));
	return NGX_CONF_ERROR;
}

static int path_read(const char *path, struct buf *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = file_read(fd, ret);
	close(fd);
	return r;
}

static char *routes_set(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
	struct gateway_settings *s = conf;
	ngx_str_t path = words_of(cf)[1];
	struct buf text CLEANUP(buf_done);
	int r;

	(void)command;
	buf_init(&text, ROUTES_FILE_SIZE_MAX);
	if (s->routes)
		return "is duplicate";
	if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK)
		return NGX_CONF_ERROR;
	r = path_read((const char *)path.data, &text);
	if (r == 0)
		r = routes_parse(buf_str(&text), &s->routes);
	if (r == 0)
		return NGX_CONF_OK;
	ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" is no OpenAPI document that can be read (%s)", &path,
	                   error_name(r));
	return NGX_CONF_ERROR;
}

static ngx_conf_enum_t auth_words[] = {
	{ ngx_string("off"), AUTH_OFF },
	{ ngx_string("optional"), AUTH_OPTIONAL },
	{ ngx_string("required"), AUTH_REQUIRED },
	{ ngx_null_string, 0 },
};

static char *auth_set(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
	struct gateway_settings *s = ngx_http_conf_get_module_main_conf(cf, ngx_http_cinesync_module);
	struct gateway_location *l = conf;
	char *complaint = ngx_conf_set_enum_slot(cf, command, conf);

	if (complaint == NGX_CONF_OK && l->auth != AUTH_OFF)
		s->is_asked_auth = true;
	return complaint;
}

static char *trace_set(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
	struct gateway_settings *s = ngx_http_conf_get_module_main_conf(cf, ngx_http_cinesync_module);
	struct gateway_location *l = conf;
	char *complaint = ngx_conf_set_flag_slot(cf, command, conf);

	if (complaint == NGX_CONF_OK && l->trace)
		s->is_traced = true;
	return complaint;
}

static ngx_conf_num_bounds_t leeway_bounds = { ngx_conf_check_num_bounds, 0, 300 };

#define MAIN(name, set_, field, post_)                                                                  \
	{                                                                                               \
		ngx_string(name), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_, NGX_HTTP_MAIN_CONF_OFFSET, \
		        offsetof(struct gateway_settings, field), post_                                 \
	}
#define ANYWHERE (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF)

static ngx_command_t commands[] = {
	MAIN("cinesync_jwks", jwks_set, jwks, NULL),
	MAIN("cinesync_issuer", ngx_conf_set_str_slot, issuer, NULL),
	MAIN("cinesync_audience", ngx_conf_set_str_slot, audience, NULL),
	MAIN("cinesync_leeway", ngx_conf_set_num_slot, leeway_s, &leeway_bounds),
	MAIN("cinesync_routes", routes_set, routes, NULL),
	{ ngx_string("cinesync_auth"), ANYWHERE | NGX_CONF_TAKE1, auth_set, NGX_HTTP_LOC_CONF_OFFSET,
	  offsetof(struct gateway_location, auth), auth_words },
	{ ngx_string("cinesync_trace"), ANYWHERE | NGX_CONF_FLAG, trace_set, NGX_HTTP_LOC_CONF_OFFSET,
	  offsetof(struct gateway_location, trace), NULL },
	{ ngx_string("cinesync_quick_ack"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_CONF_FLAG,
	  ngx_conf_set_flag_slot, NGX_HTTP_LOC_CONF_OFFSET, offsetof(struct gateway_location, quick_ack), NULL },
	{ ngx_string("cinesync_cache_age_max"), ANYWHERE | NGX_CONF_TAKE1, ngx_conf_set_sec_slot,
	  NGX_HTTP_LOC_CONF_OFFSET, offsetof(struct gateway_location, cache_age_max_s), NULL },
	{ ngx_string("cinesync_status"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, status_set, NGX_HTTP_LOC_CONF_OFFSET, 0,
	  NULL },
	ngx_null_command,
};

static ngx_http_module_t context = {
	.preconfiguration = variables_add,
	.postconfiguration = hooks_add,
	.create_main_conf = settings_make,
	.init_main_conf = settings_check,
	.create_loc_conf = location_make,
	.merge_loc_conf = location_merge,
};

ngx_module_t ngx_http_cinesync_module = {
	NGX_MODULE_V1,
	.ctx = &context,
	.commands = commands,
	.type = NGX_HTTP_MODULE,
	.init_process = worker_begin,
	.exit_process = worker_end,
};
