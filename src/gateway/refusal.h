/* What somebody is told whose access token is missing or bad: the services' words, byte for byte (http/problem.c,
 * http/exchange.c), which the gateway's room cannot include. tests/system/test_gateway_module.py compares them. */
#ifndef CINESYNC_GATEWAY_REFUSAL_H
#define CINESYNC_GATEWAY_REFUSAL_H

#include "base/buf.h"

#define REFUSAL_SIZE_MAX 16384
#define REFUSAL_TYPE "application/problem+json"

enum refusal {
	REFUSAL_TOKEN_MISSING, /* 401 */
	REFUSAL_TOKEN_BAD,     /* 401, with the reason */
	REFUSAL_NO_KEYS,       /* 503 */
};

int refusal_status(enum refusal why);
/* The problem document (RFC 9457). reason: of TOKEN_BAD, a stable word ("expired"), else NULL; path: of the request,
 * without its query. */
void refusal_write(enum refusal why, const char *reason, struct str path, const char *trace_id, struct buf *out);
/* The value of WWW-Authenticate (RFC 6750); nothing for a 503. */
void refusal_challenge(enum refusal why, const char *reason, struct buf *out);

#endif
