/* The HTTP/1.1 server and what a handler sees of it.
 *
 * libmicrohttpd parses and frames; this room refuses what it is too lenient about, routes, runs each request's handler
 * on a fiber under the request's deadline, and answers problems. One table of routes a service is read by the router,
 * the OpenAPI document and the tests. A handler answers once, with a respond_*() function, and returns 0; or returns a
 * negative error, which becomes a problem. Everything a request allocates is in its arena and goes with it. */
#ifndef CINESYNC_HTTP_SERVER_H
#define CINESYNC_HTTP_SERVER_H

#include "base/arena.h"
#include "http/address.h"
#include "http/problem.h"
#include "http/reply.h"
#include "schema/schema.h"

#include <sys/types.h>

struct request;
struct http_server;
struct http_tls;
struct uv_loop_s;

/* HEAD is answered wherever GET is, OPTIONS everywhere. */
enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_METHODS };

enum http_auth {
	HTTP_AUTH_NONE,
	/* For everybody, and the answer is the same for all; but a bearer token that is sent must be good, when
	 * there is an authenticate() to say so. Other schemes are passed over. */
	HTTP_AUTH_IF_GIVEN,
	HTTP_AUTH_OPTIONAL, /* for everybody, but the handler looks who it is */
	HTTP_AUTH_USER,
	HTTP_AUTH_ADMIN,
};

#define ROUTE_ERRORS_MAX 8
#define ROUTE_ALSO_MAX 2

struct route {
	enum http_method method;
	const char *path; /* template: "/api/v1/movies/{movie_id}"; a literal segment wins over a parameter */
	int (*handler)(struct request *req);
	enum http_auth auth;
	/* One field a {name}; with a SECRET one, logs and spans have the template only. */
	const struct schema *path_params;
	const struct schema *query;   /* NULL: none allowed */
	const struct schema *headers; /* for the document: what else is read, by the handler itself */
	const struct schema *body;    /* NULL: none read */
	bool body_optional;           /* an empty one counts as {} */
	bool body_form;               /* application/x-www-form-urlencoded is taken too */
	const char *body_type;        /* another media type than application/json ("application/cloudevents+json") */
	/* A file is taken, as it is (request_body_raw()), of one of these media types; NULL-terminated. Larger than
	 * other bodies may be (upload_max), so only few at once, and only from clients that send a token. */
	const char *const *uploads;
	struct {
		int status;
		const struct schema *schema; /* NULL: no content, or .type */
		const char *type;            /* media type when there is no schema ("text/html; charset=utf-8") */
		const char *doc;
		const char *other_type; /* that of the same answer in another form, which the query asks for */
	} reply;
	struct {
		int status; /* 0: no more */
		const char *doc;
	} also[ROUTE_ALSO_MAX];       /* other successes, with the same content */
	int errors[ROUTE_ERRORS_MAX]; /* statuses it may answer beside the general ones */
	const char *summary;
	const char *doc;
	const char *tag;
	bool internal;  /* served, but in no document and never through the gateway */
	bool cacheable; /* GET: documented with ETag and 304 */
	bool is_polled; /* asked all the time by what watches over the service: begins no trace */
};

struct http_user {
	struct str id;
	struct str session_id;
	struct str role;
};

#define HTTP_UNIX_PREFIX "unix:"

/* Of a listener for peers that have verified an access token before they pass a request on, and are believed about it:
 * on such a connection, and nowhere else, X-User-Id, X-User-Role and X-Session-Id stand for a token (identity.c). A
 * peer is known by the user it runs as, on a unix socket; by its certificate, elsewhere. Who is neither is not served.
 */
struct http_trust {
	/* Of a unix socket: */
	gid_t group; /* whose members may connect; (gid_t)-1: nobody's but our own user's */
	const uid_t *uids;
	size_t n_uids;
	/* Of TCP: */
	struct http_tls *tls;
	/* What is named may be: no more than the looks of it. Does not yield. */
	bool (*is_sound)(const struct http_user *named);
	/* All that authenticate() looks at behind the token itself: whether the session goes on, what the user may. As
	 * authenticate(); may yield. */
	int (*confirm)(struct request *req, const struct http_user *named, void *arg, struct http_user *ret,
	               const char **ret_reason);
};

struct http_server_options {
	/* "127.0.0.1:8081", "[::1]:8081", "0.0.0.0:0" (any free port); with trust also "unix:/run/x/x.sock" */
	const char *address;
	const struct http_trust *trust;    /* NULL: nobody is believed; kept by pointer */
	const struct route *const *tables; /* NULL-terminated tables, each ended by a route with path NULL */
	/* Checks the Authorization header of a route that wants it. 0 with *ret filled (in the request's arena);
	 * -EACCES with *ret_reason (for WWW-Authenticate's error_description); another error becomes its problem. May
	 * yield. NULL: no route needs it. */
	int (*authenticate)(struct request *req, struct str token, void *arg, struct http_user *ret,
	                    const char **ret_reason);
	void *authenticate_arg;
	/* Somebody who is no administrator asked for what is for administrators, and is about to get a 403. May yield.
	 * NULL: nobody wants to know. */
	void (*forbidden)(struct request *req);
	size_t connections_max;
	size_t requests_max;                 /* in flight; more get 503 at once */
	size_t body_max;                     /* bytes */
	size_t upload_max;                   /* bytes of a file, on routes that take one */
	size_t uploads_max;                  /* of them at once; one more gets 503 */
	size_t header_max;                   /* bytes of request line and headers, 8..16 KiB */
	size_t arena_max;                    /* bytes a request */
	int64_t deadline_ms;                 /* a request's, unless X-Request-Deadline-Ms is less */
	int64_t head_timeout_ms;             /* first byte to end of headers */
	int64_t body_timeout_ms;             /* end of headers to end of body */
	int64_t idle_timeout_ms;             /* keep-alive */
	struct address_list trusted_proxies; /* whose X-Forwarded-For is believed (http/address.h) */
	bool access_log;                     /* one log line a request */
	int64_t access_log_omit_percent;     /* of those that did not fail and were not slow, so many have none */
	int64_t access_log_slow_ms;          /* from which on one is slow */
	bool check_replies;                  /* test builds: a reply that breaks its schema aborts */
};

/* Listens at once (so a taken port fails here: -EADDRINUSE), serves when the loop runs. Options are copied, the strings
 * and tables kept by pointer. -EINVAL: bad address, trust without a way to know the peer, or a table with two routes of
 * the same method and path; of a unix socket also the errors of socket_file_listen(). */
int http_server_new(struct uv_loop_s *loop, const struct http_server_options *options,
                    struct http_server **ret) MUST_CHECK;
int http_server_port(const struct http_server *s);
/* From now on answers carry `Connection: close`, so that clients who keep connections go elsewhere. */
void http_server_leave(struct http_server *s);
/* Whether somebody has connected who was not accepted yet. Does not yield. */
bool http_server_has_arrivals(const struct http_server *s);
/* As http_server_leave(), and new connections are refused: those not accepted yet are reset. */
void http_server_drain(struct http_server *s);
/* Connections that were accepted and whose request is not here yet: new ones, not those kept after an answer. */
bool http_server_expects_requests(const struct http_server *s);
/* Requests accepted and not yet answered completely. */
size_t http_server_in_flight(const struct http_server *s);
/* Resumes and closes everything. No fiber of a request may be alive: drain, or cancel with http_server_cancel_all(). */
void http_server_free(struct http_server **s);
void http_server_cancel_all(struct http_server *s);

/* ---- what a handler reads ---- */

struct arena *request_arena(struct request *req);
const struct route *request_route(const struct request *req);
/* Set for routes with auth; .id is null on HTTP_AUTH_IF_GIVEN and _OPTIONAL without a token. */
const struct http_user *request_user(const struct request *req);
/* Null str when absent. Names are case-blind. */
struct str request_header(const struct request *req, const char *name);
/* The client's address in its canonical text; from X-Forwarded-For as far back as trusted proxies vouch for it. "": the
 * peer has none. */
struct str request_client_address(const struct request *req);
/* Path and query as the client sent them. */
struct str request_target(const struct request *req);
struct str request_body_raw(const struct request *req);
/* The media type of the body, lower case, without parameters. */
struct str request_body_type(const struct request *req);

/* Parses and checks path, query and body against the route's schemas; pass NULL for what the route does not have. All
 * violations together: 422. 0, or an error to return from the handler as it is. */
int request_parse(struct request *req, void *ret_path, void *ret_query, void *ret_body) MUST_CHECK;

/* ---- how it answers ---- */

/* value per schema, as JSON. Adds a strong ETag to a 200 of a cacheable route and answers If-None-Match. */
int respond(struct request *req, int status, const struct schema *schema, const void *value);
/* 204, 202, 205: no body. */
int respond_empty(struct request *req, int status);
/* A prepared reply that others share; its reference count is raised. Answers If-None-Match by its ETag. */
int respond_shared(struct request *req, struct reply *reply);
/* Whether If-None-Match names this entity tag (with its quotes): for a handler that knows the tag before the answer,
 * and then sets the ETag header and answers 304 by respond_empty(). Only GET and HEAD. */
bool request_none_match(const struct request *req, const char *etag);
/* Text of any type, copied. */
int respond_text(struct request *req, int status, const char *type, struct str text);
/* Adds a header to the answer, whichever it will be; refused (-EINVAL) if it holds a control character. */
int respond_header(struct request *req, const char *name, struct str value);
/* The same with a value that is a constant of the program, which is neither checked nor copied. */
int respond_header_static(struct request *req, const char *name, const char *value);

/* Sets the problem to answer and gives a negative error to return: `return request_problem(req, &problem_x, "…", …);`
 * detail is for the client: no secrets. */
int request_problem(struct request *req, const struct problem *p, const char *detail, ...) PRINTF_LIKE(3, 4) MUST_CHECK;
/* As that, with Retry-After. */
int request_problem_retry(struct request *req, const struct problem *p, int64_t retry_after_s, const char *detail, ...)
        PRINTF_LIKE(4, 5) MUST_CHECK;
/* The list that a handler may add violations of its own to, then `return request_violations(req);` (422). */
struct violations *request_violation_list(struct request *req);
int request_violations(struct request *req) MUST_CHECK;

/* Adds a Server-Timing metric ("db", 1.5 ms). name is a static token. */
void request_timing(struct request *req, const char *name, int64_t duration_us);

#endif
