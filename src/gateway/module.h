/* What the parts of the nginx module share: its settings, and what it keeps of a request. Everything here runs in
 * nginx's workers, one thread each, and never waits. */
#ifndef CINESYNC_GATEWAY_MODULE_H
#define CINESYNC_GATEWAY_MODULE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "gateway/keys.h"
#include "gateway/refusal.h"
#include "gateway/routes.h"
#include "telemetry/settings.h"
#include "telemetry/trace.h"

extern ngx_module_t ngx_http_cinesync_module;

enum auth_mode { AUTH_OFF, AUTH_OPTIONAL, AUTH_REQUIRED };

/* What became of a request's token. */
enum auth_result {
	AUTH_NOT_ASKED, /* off here, or left to the service */
	AUTH_NO_TOKEN,
	AUTH_ACCEPTED,
	AUTH_REFUSED,
	AUTH_UNCHECKED, /* for want of keys or memory */
	AUTH_RESULTS,
};

/* The limits of requests, then those of connections, that the configuration sets by the keys of limits.c. */
enum limit {
	LIMIT_NONE,
	LIMIT_ADDRESS,
	LIMIT_USER,
	LIMIT_LOGIN,
	LIMIT_CONNECTIONS,
	LIMIT_UPLOADS,
	LIMIT_ALL_UPLOADS,
	LIMITS,
};

/* Of the http block. */
struct gateway_settings {
	ngx_str_t jwks;
	ngx_str_t issuer;
	ngx_str_t audience;
	ngx_int_t leeway_s;
	struct keys *keys;        /* NULL: cinesync_jwks names no file */
	ngx_int_t jwks_variable;  /* the index of the variable that it names; NGX_ERROR: none */
	struct routes *routes;    /* NULL: cinesync_routes is not set */
	bool is_asked_auth;       /* cinesync_auth is not off somewhere */
	bool is_traced;           /* cinesync_trace is on somewhere */
	ngx_shm_zone_t *counters; /* NULL: cinesync_status is nowhere */
	bool has_telemetry;       /* the next one is filled in */
	struct telemetry_settings telemetry;
};

struct gateway_location {
	ngx_uint_t auth; /* enum auth_mode */
	ngx_flag_t trace;
	ngx_flag_t quick_ack;
	time_t cache_age_max_s; /* 0: as long as the service allows */
};

/* In the request's pool; survives internal redirects. */
struct gateway_request {
	struct span server;
	struct span *client; /* of the upstream; NULL: none yet */
	ngx_http_upstream_t *upstream;
	ngx_uint_t n_states_before; /* of other upstreams */
	int64_t client_end_ns;      /* clock_mono; 0: it goes on */
	int64_t answer_end_ns;      /* clock_mono; 0: with the request itself */
	bool is_span_open;          /* the server's */
	bool is_route_known;        /* the route was looked for */
	bool is_located;
	bool is_answered;          /* with its id, also where it is not traced: it came to a server that traces */
	const struct route *route; /* NULL: none that the API's document has */
	ngx_str_t location;        /* of an exact location: its name */
	enum auth_result auth;
	const char *auth_reason; /* of AUTH_REFUSED */
	enum limit requests;     /* the limit whose key was asked for last: the one that refused, where one did */
	enum limit connections;
	ngx_str_t sub;
	ngx_str_t role;
	ngx_str_t sid;
	bool is_vouched; /* the three may stand for the token in headers */
	char traceparent[TRACEPARENT_SIZE];
};

static inline struct str str_of(ngx_str_t s)
{
	return (struct str){ (const char *)s.data, s.len };
}

struct gateway_settings *gateway_settings(ngx_http_request_t *req);
struct gateway_location *gateway_location(ngx_http_request_t *req);

/* NULL: there is none yet. */
struct gateway_request *request_find(ngx_http_request_t *req);
/* The same of the whole request, made when there is none; its server span begins. NULL: out of memory. */
struct gateway_request *request_get(ngx_http_request_t *req);
/* As the client sent it, without its query. */
struct str request_path(ngx_http_request_t *req);
/* The operation, or NULL; of an exact location its name. */
void request_route_find(ngx_http_request_t *req, struct gateway_request *of);
/* "/api/v1/movies/{movie_id}", "/docs"; NULL: a path that nobody named. NUL-terminated, in the pool. */
const char *request_route(ngx_http_request_t *req, struct gateway_request *of);
/* Of the answer; 0: there is none. */
ngx_uint_t request_status(ngx_http_request_t *req);
/* A header of the answer in the place of any that is there. False: out of memory. */
bool request_answer_header(ngx_http_request_t *req, const char *name, struct str value, ngx_table_elt_t **ret);

/* Drops a header of the answer. */
void request_answer_drop(ngx_http_request_t *req, struct str name);

/* Phase handlers and filters. */
ngx_int_t quick_ack_handle(ngx_http_request_t *req);
ngx_int_t auth_handle(ngx_http_request_t *req);
ngx_int_t spans_begin(ngx_http_request_t *req);
ngx_int_t spans_locate(ngx_http_request_t *req);
ngx_int_t spans_end(ngx_http_request_t *req);
ngx_int_t status_count(ngx_http_request_t *req);
void spans_header(ngx_http_request_t *req);
void spans_body(ngx_http_request_t *req, ngx_chain_t *in);
void cache_header(ngx_http_request_t *req);
/* Whose token it is, verified when nobody did yet; empty: nobody's, or it is not looked at here. */
struct str auth_owner(ngx_http_request_t *req);
/* The key that a limit counts by. */
struct str limits_key(ngx_http_request_t *req, enum limit limit);
/* LIMIT_NONE: none refused it. */
enum limit limits_refused(ngx_http_request_t *req);
const char *limits_name(enum limit limit);
/* What a service is asked with instead of the client's own words, where there is a cache. */
struct str cache_if_none_match(ngx_http_request_t *req);
struct str cache_accept_encoding(ngx_http_request_t *req);
/* Must neither be answered from the cache nor fill it. */
bool cache_is_passed_by(ngx_http_request_t *req);
/* "hit", "miss" …; NULL: it was not looked for there. */
const char *cache_state_name(unsigned state);
unsigned cache_state(ngx_http_request_t *req);
/* The client span of the upstream that is about to be asked, begun when there is none; the server's without one. */
const struct context *spans_upstream(ngx_http_request_t *req, struct gateway_request *of);

/* The directive cinesync_status, and its content. */
char *status_set(ngx_conf_t *cf, ngx_command_t *command, void *conf);
ngx_int_t status_handle(ngx_http_request_t *req);

/* A worker's own: keys, exporter. */
ngx_int_t worker_begin(ngx_cycle_t *cycle);
void worker_end(ngx_cycle_t *cycle);
/* NULL: there are no keys yet. */
struct token_verifier *worker_verifier(ngx_http_request_t *req);
/* Emptied by whoever uses it. */
struct arena *worker_arena(void);
/* Looks at once whether the key file is another; at most every WORKER_LOOK_MS. True: it is. */
bool worker_keys_look(void);

#define WORKER_LOOK_MS 50
#define WORKER_POLL_MS 1000

ngx_int_t variables_add(ngx_conf_t *cf);

#endif
