/* The HTTP client: libcurl's multi interface on the loop, a keep-alive pool, everything bounded. */
#ifndef CINESYNC_HTTP_CLIENT_H
#define CINESYNC_HTTP_CLIENT_H

#include "base/arena.h"

#define HTTP_CALL_TIMEOUT_MS 4000

struct http_client;
struct uv_loop_s;

struct http_client_options {
	size_t connections_max;      /* open at once, all hosts; 0: 64 */
	size_t connections_host_max; /* 0: 32 */
	const char *user_agent;      /* NULL: "cinesync/VERSION" */
	const char *ca_file;         /* PEM certificates to believe instead of the system's; NULL: the system's;
	                              * kept by pointer */
};

int http_client_new(struct uv_loop_s *loop, const struct http_client_options *options,
                    struct http_client **ret) MUST_CHECK;
/* No call may be under way. */
void http_client_free(struct http_client **c);

struct http_header {
	const char *name;
	struct str value;
};

struct http_call {
	const char *method; /* "GET" */
	const char *url;
	const char *span_name; /* static; NULL: the method */
	const struct http_header *headers;
	size_t n_headers;
	struct str body; /* null: none */
	const char *body_type;
	int64_t connect_timeout_ms; /* 0: 1,000 */
	int64_t timeout_ms;         /* whole call; 0: HTTP_CALL_TIMEOUT_MS; never past the fiber's deadline */
	size_t answer_max;          /* bytes of body; 0: 4 MiB */
	bool no_deadline_header;    /* do not send X-Request-Deadline-Ms (calls that leave the system) */
	bool no_trace_headers;      /* nor traceparent/tracestate */
	bool is_repeatable;         /* where a connection fails, or breaks off, up to twice more on others */
	int resend_count;           /* how often the same was asked before this call: for the span */
	bool multiplex;             /* over TLS: rather wait for an HTTP/2 connection to be made than open another */
};

struct http_answer {
	int status;
	struct str body; /* in the arena, decoded (gzip, deflate) */
	struct str content_type;
	struct str retry_after;
	struct str etag;
	struct str cache_control;
	struct str age;
	int http_version;    /* 10, 11, 20 */
	int64_t duration_us; /* of the attempt that was answered: its span's */
	bool reused;         /* the connection was kept alive from before */
};

/* Yields. Runs a client span an attempt, passes traceparent, tracestate and the time left in X-Request-Deadline-Ms. Any
 * status is a success. -ECONNREFUSED (no connection: refused, unreachable, name not found), -ETIMEDOUT, -ECONNRESET,
 * -EPROTO (TLS, garbage), -EMSGSIZE (over answer_max), -ECANCELED, -ENOMEM, -EINVAL (bad URL, CR/LF in a header).
 * Redirects are not followed; only http and https; no proxies from the environment. */
int http_client_call(struct http_client *c, const struct http_call *call, struct arena *a,
                     struct http_answer *ret) MUST_CHECK;

#endif
