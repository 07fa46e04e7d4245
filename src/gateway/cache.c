/* nginx's cache of the services' answers (proxy_cache), where nginx alone would get something wrong:
 *
 *  - It takes an answer's max-age from now on, whatever Age says; here the Age is taken off, so that nothing is older
 * than the service allows. What is not said to be public, or varies by what is not in the key, is not kept.
 *  - While the service fails (proxy_cache_use_stale) it gives what it has without end; here only as long as the
 * service's stale-if-error allows.
 *  - It gives the stored answer's headers as they are; here those of the request that fetched it are left out, and Age,
 *    X-Cache and Cache-Status (RFC 9211) say how this one was answered.
 *  - The headers a stored answer is asked for with have to be the key's, not the client's own: a 304 that answers the
 *    client's If-None-Match would renew another answer.
 *
 * Every wait is nginx's. Nothing here fails a request: without memory a header is missing, or nothing is stored. */
#include "gateway/module.h"

#include "gateway/storing.h"

#define STATUS_SIZE_MAX 128
#define HTTP_3 3000 /* NGX_HTTP_VERSION_30, which nginx before 1.25 has not */

/* Of the request that fetched the stored answer. */
static const char *const others_headers[] = { "Server-Timing", "RateLimit", "RateLimit-Policy" };

/* By HTTP/3 a host comes in no header, and nginx refuses who names none. */
static bool names_host(const ngx_http_request_t *req)
{
	if (req->headers_in.host)
		return req->headers_in.host->value.len > 0;
	return req->http_version >= HTTP_3 && req->headers_in.server.len > 0;
}

bool cache_is_passed_by(ngx_http_request_t *req)
{
	/* Whether a token is good, and its session goes on, the service has to say each time. And it refuses who names
	 * no host. */
	return req->headers_in.authorization || !names_host(req);
}

/* 0: none was looked at. */
unsigned cache_state(ngx_http_request_t *req)
{
	return req->upstream ? req->upstream->cache_status : 0;
}

const char *cache_state_name(unsigned state)
{
	static const char *const names[] = {
		[NGX_HTTP_CACHE_MISS] = "miss",         [NGX_HTTP_CACHE_BYPASS] = "bypass",
		[NGX_HTTP_CACHE_EXPIRED] = "expired",   [NGX_HTTP_CACHE_STALE] = "stale",
		[NGX_HTTP_CACHE_UPDATING] = "updating", [NGX_HTTP_CACHE_REVALIDATED] = "revalidated",
		[NGX_HTTP_CACHE_HIT] = "hit",
	};

	return state < ARRAY_SIZE(names) ? names[state] : NULL;
}

static void answer_read(ngx_list_t *headers, struct storing *ret)
{
	*ret = (struct storing){ 0 };
	for (ngx_list_part_t *part = &headers->part; part; part = part->next) {
		const ngx_table_elt_t *h = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++)
			storing_read(ret, str_of(h[i].key), str_of(h[i].value));
	}
}

/* ---- what a service is asked with ---- */

static bool is_for_cache(ngx_http_request_t *req)
{
	return req->cache && cache_state(req) != NGX_HTTP_CACHE_BYPASS;
}

/* The head of the stored answer, which is stale. */
static bool is_stored_aged(const ngx_http_cache_t *c)
{
	static const char name[] = "\nage:";
	const u_char *from, *to;

	if (!c->buf || c->header_start >= c->body_start || c->body_start > (size_t)(c->buf->end - c->buf->start))
		return true;
	from = c->buf->start + c->header_start;
	to = c->buf->start + c->body_start;
	return ngx_strlcasestrn((u_char *)(uintptr_t)from, (u_char *)(uintptr_t)to, (u_char *)(uintptr_t)name,
	                        sizeof(name) - 2) != NULL;
}

/* Between nginx's look into its cache and its question to the service: what is too old to be given when the service
 * fails is as if it were not there. */
static void stale_bound(ngx_http_request_t *req)
{
	if (cache_state(req) != NGX_HTTP_CACHE_EXPIRED)
		return;
	if (!req->cache->stale_error)
		req->upstream->cache_status = NGX_HTTP_CACHE_MISS;
	req->cache->stale_error = 0;
}

struct str cache_if_none_match(ngx_http_request_t *req)
{
	if (!is_for_cache(req))
		return req->headers_in.if_none_match ? str_of(req->headers_in.if_none_match->value) : STR("");
	stale_bound(req);
	/* What has an Age is fetched whole: nginx does not show the Age of a 304. */
	if (cache_state(req) != NGX_HTTP_CACHE_EXPIRED || is_stored_aged(req->cache))
		return STR("");
	return str_of(req->cache->etag);
}

struct str cache_accept_encoding(ngx_http_request_t *req)
{
	if (is_for_cache(req))
		return ngx_http_gzip_ok(req->main) == NGX_OK ? STR("gzip") : STR("");
	return req->headers_in.accept_encoding ? str_of(req->headers_in.accept_encoding->value) : STR("");
}

/* ---- what is stored ---- */

/* Fresh for life_s, of the full_s that the service allows. The rest is for when the service fails. */
static void life_bound(ngx_http_request_t *req, time_t life_s, time_t full_s)
{
	ngx_http_cache_t *c = req->cache;

	c->valid_sec = ngx_time() + life_s;
	c->error_sec += full_s - life_s;
	if (gateway_location(req)->cache_age_max_s > 0)
		c->updating_sec = MIN(c->updating_sec, gateway_location(req)->cache_age_max_s);
}

/* The service's answer, before nginx stores it; false: it will not be. */
static bool store_prepare(ngx_http_request_t *req)
{
	ngx_http_cache_t *c = req->cache;
	struct storing answer;
	int64_t life_s, max_s = gateway_location(req)->cache_age_max_s;

	answer_read(&req->upstream->headers_in.headers, &answer);
	life_s = storing_life(&answer, c->valid_sec - ngx_time(), max_s);
	if (cache_is_passed_by(req) || req->upstream->headers_in.status_n != NGX_HTTP_OK || c->valid_sec == 0 ||
	    life_s <= 0 || !storing_is_allowed(&answer)) {
		req->upstream->cacheable = 0;
		return false;
	}
	life_bound(req, (time_t)life_s, (time_t)storing_life(&answer, c->valid_sec - ngx_time(), 0));
	return true;
}

/* After a 304 nginx has written its max-age into the stored answer, when nobody could be asked any more. */
static void renewed_bound(void *data)
{
	ngx_http_request_t *req = data;
	time_t left_s = req->cache->valid_sec - ngx_time(), max_s = gateway_location(req)->cache_age_max_s;

	if (left_s <= max_s)
		return;
	life_bound(req, max_s, left_s);
	ngx_http_file_cache_update_header(req);
}

static void renewed_watch(ngx_http_request_t *req)
{
	ngx_pool_cleanup_t *cleanup;

	if (gateway_location(req)->cache_age_max_s <= 0)
		return;
	cleanup = ngx_pool_cleanup_add(req->pool, 0);
	if (!cleanup)
		return;
	cleanup->data = req;
	cleanup->handler = renewed_bound;
}

/* ---- what is said of it ---- */

static enum served served(ngx_http_request_t *req)
{
	switch (cache_state(req)) {
	case NGX_HTTP_CACHE_HIT:
	case NGX_HTTP_CACHE_UPDATING:
		return SERVED_HIT;
	case NGX_HTTP_CACHE_STALE:
		/* Given at once, or when the service was asked in vain. */
		return req->upstream_states ? SERVED_DEGRADED : SERVED_HIT;
	case NGX_HTTP_CACHE_REVALIDATED:
		return SERVED_REVALIDATED;
	case NGX_HTTP_CACHE_EXPIRED:
		return SERVED_EXPIRED;
	case NGX_HTTP_CACHE_BYPASS:
		return SERVED_BYPASS;
	default:
		return SERVED_MISS;
	}
}

/* Of a stored answer the file's own head says it: nginx has read the max-age in it once more by now. */
static int64_t seconds_left(ngx_http_request_t *req)
{
	const ngx_http_cache_t *c = req->cache;
	const ngx_http_file_cache_header_t *head = (const void *)(c->buf ? c->buf->start : NULL);

	return (req->cached && head ? head->valid_sec : c->valid_sec) - ngx_time();
}

static void age_tell(ngx_http_request_t *req, enum served how)
{
	struct storing stored;
	char digits[24];
	int64_t age_s;

	answer_read(&req->upstream->headers_in.headers, &stored);
	age_s = stored.age_s + (how == SERVED_REVALIDATED ? 0 : MAX(ngx_time() - req->cache->date, (time_t)0));
	snprintf(digits, sizeof(digits), "%lld", (long long)age_s);
	(void)request_answer_header(req, "Age", str_from(digits), NULL);
}

/* As the movie service marks what it gives while its own source fails. */
static void degraded_tell(ngx_http_request_t *req)
{
	(void)request_answer_header(req, "X-Degraded", STR("true"), NULL);
	(void)request_answer_header(req, "Cache-Control", STR("no-store"), NULL);
}

static void stored_tell(ngx_http_request_t *req, enum served how, int64_t ttl_s)
{
	for (size_t i = 0; i < ARRAY_SIZE(others_headers); i++)
		request_answer_drop(req, str_from(others_headers[i]));
	age_tell(req, how);
	if (storing_words(how, ttl_s))
		(void)request_answer_header(req, "X-Cache", str_from(storing_words(how, ttl_s)), NULL);
	if (how == SERVED_DEGRADED)
		degraded_tell(req);
}

static void status_tell(ngx_http_request_t *req, enum served how, bool is_stored, int64_t ttl_s)
{
	struct buf text CLEANUP(buf_done);

	buf_init(&text, STATUS_SIZE_MAX);
	storing_status_write(how, is_stored, ttl_s, &text);
	if (buf_error(&text) == 0)
		(void)request_answer_header(req, "Cache-Status", buf_str(&text), NULL);
}

void cache_header(ngx_http_request_t *req)
{
	bool is_services = req->upstream && !req->cached && !req->err_status, is_stored;
	enum served how;
	int64_t ttl_s;

	if (!req->cache || !req->upstream)
		return;
	is_stored = is_services && req->upstream->cacheable && store_prepare(req);
	if (cache_state(req) == NGX_HTTP_CACHE_REVALIDATED)
		renewed_watch(req);
	if (req != req->main)
		return;
	how = served(req);
	ttl_s = seconds_left(req);
	if (req->cached)
		stored_tell(req, how, ttl_s);
	status_tell(req, how, is_stored, ttl_s);
}
