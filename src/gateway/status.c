/* `cinesync_status`: the gateway's metrics for Prometheus. Counted in shared memory from the first place that shows
 * them on; without one nothing is counted. A reload keeps the numbers. */
#include "gateway/module.h"

#include "base/clock.h"
#include "gateway/counters.h"

#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define SLAB_ROOM (128 * 1024) /* what nginx keeps beside */

/* Limits and states of the cache name themselves. */
static void names_fill(struct counters_names *ret)
{
	*ret = (struct counters_names){ .of[COUNTED_AUTH] = {
		                                [AUTH_NO_TOKEN] = "none",
		                                [AUTH_ACCEPTED] = "accepted",
		                                [AUTH_REFUSED] = "refused",
		                                [AUTH_UNCHECKED] = "unchecked",
		                        } };
	for (unsigned i = 0; i < LIMITS; i++)
		ret->of[COUNTED_LIMIT][i] = limits_name((enum limit)i);
	for (unsigned i = 0; i < COUNTERS_KINDS_MAX; i++)
		ret->of[COUNTED_CACHE][i] = cache_state_name(i);
}

/* ---- the memory ---- */

static ngx_int_t zone_init(ngx_shm_zone_t *zone, void *before)
{
	ngx_slab_pool_t *pool = (ngx_slab_pool_t *)(void *)zone->shm.addr;

	zone->data = before;
	if (zone->data)
		return NGX_OK;
	zone->data = ngx_slab_alloc(pool, counters_size());
	if (!zone->data)
		return NGX_ERROR;
	counters_init(zone->data);
	return NGX_OK;
}

char *status_set(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
	struct gateway_settings *s = ngx_http_conf_get_module_main_conf(cf, ngx_http_cinesync_module);
	ngx_http_core_loc_conf_t *core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
	ngx_str_t name = ngx_string("cinesync_status");

	(void)command;
	(void)conf;
	core->handler = status_handle;
	if (s->counters)
		return NGX_CONF_OK;
	s->counters = ngx_shared_memory_add(cf, &name, counters_size() + SLAB_ROOM, &ngx_http_cinesync_module);
	if (!s->counters)
		return NGX_CONF_ERROR;
	s->counters->init = zone_init;
	return NGX_CONF_OK;
}

/* ---- counting ---- */

static struct counters_cell *cell_get(ngx_shm_zone_t *zone, const struct counters_key *key)
{
	ngx_slab_pool_t *pool = (ngx_slab_pool_t *)(void *)zone->shm.addr;
	struct counters_cell *cell = counters_find(zone->data, key);

	if (cell)
		return cell;
	/* The master lets it go for a worker that dies with it. */
	ngx_shmtx_lock(&pool->mutex);
	cell = counters_make(zone->data, key);
	ngx_shmtx_unlock(&pool->mutex);
	return cell;
}

/* -1: no upstream was asked. */
static int64_t upstream_us(ngx_http_request_t *req, const struct gateway_request *of)
{
	const ngx_http_upstream_state_t *states = req->upstream_states ? req->upstream_states->elts : NULL;
	int64_t sum_us = 0;

	if (!states)
		return -1;
	if (of->client && of->client->end_mono_ns != 0)
		return (of->client->end_mono_ns - of->client->start_mono_ns) / 1000;
	for (ngx_uint_t i = 0; i < req->upstream_states->nelts; i++)
		if (states[i].peer && states[i].response_time != (ngx_msec_t)-1)
			sum_us += (int64_t)states[i].response_time * 1000;
	return sum_us;
}

/* The log's phase. */
ngx_int_t status_count(ngx_http_request_t *req)
{
	ngx_shm_zone_t *zone = gateway_settings(req)->counters;
	struct gateway_request *of = zone ? request_get(req) : NULL;
	const char *route = of ? request_route(req, of) : NULL;
	struct counters_key key = { .route = route ? route : "none" };
	struct counters_cell *cell;
	int64_t us, end_ns;

	if (!of)
		return NGX_OK;
	key.method = route_method_from(str_of(req->method_name));
	key.status = (unsigned)request_status(req);
	cell = cell_get(zone, &key);
	end_ns = of->answer_end_ns > 0 ? of->answer_end_ns : clock_mono_ns();
	counters_duration(cell, (end_ns - of->server.start_mono_ns) / 1000);
	us = upstream_us(req, of);
	if (us >= 0)
		counters_upstream(cell, us);
	counters_kind(zone->data, COUNTED_AUTH, of->auth);
	counters_kind(zone->data, COUNTED_LIMIT, limits_refused(req));
	counters_kind(zone->data, COUNTED_CACHE, cache_state(req));
	return NGX_OK;
}

/* ---- showing ---- */

#if NGX_STAT_STUB
static void number_write(const char *name, const char *type, const char *help, const ngx_atomic_t *of, struct buf *out)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n%s %lu\n", name, help, name, type, name, (unsigned long)*of);
}

/* nginx's own numbers, of all its workers. */
static void connections_write(struct buf *out)
{
	static const char name[] = "cinesync_gateway_connections";

	number_write("cinesync_gateway_connections_accepted_total", "counter", "Connections that clients opened.",
	             ngx_stat_accepted, out);
	number_write("cinesync_gateway_connections_handled_total", "counter",
	             "Of the accepted connections, those that found a place in a worker.", ngx_stat_handled, out);
	number_write("cinesync_gateway_requests_total", "counter",
	             "Requests that came, those without an answer among them.", ngx_stat_requests, out);
	buf_addf(out, "# HELP %s Connections of clients, by what they are at.\n# TYPE %s gauge\n", name, name);
	buf_addf(out, "%s{state=\"reading\"} %lu\n", name, (unsigned long)*ngx_stat_reading);
	buf_addf(out, "%s{state=\"writing\"} %lu\n", name, (unsigned long)*ngx_stat_writing);
	buf_addf(out, "%s{state=\"waiting\"} %lu\n", name, (unsigned long)*ngx_stat_waiting);
}
#else
static void connections_write(struct buf *out)
{
	(void)out;
}
#endif

static void buf_drop(void *data)
{
	buf_done(data);
}

static ngx_int_t text_send(ngx_http_request_t *req, const struct buf *text)
{
	ngx_buf_t *b = ngx_calloc_buf(req->pool);
	ngx_chain_t out = { .buf = b, .next = NULL };
	ngx_int_t r;

	if (!b)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	b->pos = b->start = (u_char *)text->data;
	b->last = b->end = b->pos + text->len;
	b->memory = 1;
	b->last_buf = 1;
	b->last_in_chain = 1;
	req->headers_out.status = NGX_HTTP_OK;
	ngx_str_set(&req->headers_out.content_type, CONTENT_TYPE);
	req->headers_out.content_type_len = req->headers_out.content_type.len;
	req->headers_out.content_length_n = (off_t)text->len;
	r = ngx_http_send_header(req);
	return r == NGX_ERROR || r > NGX_OK || req->header_only ? r : ngx_http_output_filter(req, &out);
}

ngx_int_t status_handle(ngx_http_request_t *req)
{
	struct counters_names names;
	ngx_pool_cleanup_t *cleanup;
	struct buf *text;
	ngx_int_t r;

	if (!(req->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)))
		return NGX_HTTP_NOT_ALLOWED;
	r = ngx_http_discard_request_body(req);
	if (r != NGX_OK)
		return r;
	cleanup = ngx_pool_cleanup_add(req->pool, sizeof(*text));
	if (!cleanup)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	text = cleanup->data;
	buf_init(text, COUNTERS_TEXT_SIZE_MAX);
	cleanup->handler = buf_drop;
	names_fill(&names);
	counters_write(gateway_settings(req)->counters->data, &names, text);
	connections_write(text);
	return buf_error(text) < 0 ? NGX_HTTP_INTERNAL_SERVER_ERROR : text_send(req, text);
}
