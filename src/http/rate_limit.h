/* What a client is told of the limits on it: RateLimit and RateLimit-Policy, structured fields (RFC 9651) of
 * draft-ietf-httpapi-ratelimit-headers.
 *
 *   RateLimit-Policy: "login";q=10;w=60
 *   RateLimit: "login";r=3;t=25 */
#ifndef CINESYNC_HTTP_RATE_LIMIT_H
#define CINESYNC_HTTP_RATE_LIMIT_H

#include "http/server.h"

#define RATE_POLICIES_MAX 8

struct rate_policy {
	const char *name;  /* printable ASCII without '"' and '\', at most 64 bytes */
	int64_t quota;     /* >= 0 */
	int64_t window_ms; /* > 0; told in seconds, rounded up */
};

/* Adds both: the policies in their order, 1..RATE_POLICIES_MAX, and of one of them what is left of it and when there
 * is all of it again (or, when nothing is left, something). -ENOBUFS, -ENOMEM: as respond_header(). */
int respond_rate_limit(struct request *req, const struct rate_policy *policies, size_t n, size_t told,
                       int64_t remaining, int64_t reset_ms) MUST_CHECK;

#endif
