/* Limits on a handler: the decision of a limiter (cache/limiter.h) as an answer to a client. */
#ifndef CINESYNC_SERVICE_THROTTLE_H
#define CINESYNC_SERVICE_THROTTLE_H

#include "cache/limiter.h"
#include "http/server.h"

/* Yields. limiter_take(), and whatever it decides goes into the answer: of the keys with a rate RateLimit and
 * RateLimit-Policy (keys of failures are not told: they would say what others did to an account). 0: allowed; otherwise
 * what the handler returns: 429 too-many-requests with Retry-After and that detail, in seconds that are rounded up; a
 * limiter's own error as it is. */
int throttle_take(struct request *req, struct limiter *l, const struct limiter_key *keys, size_t n,
                  const char *detail) MUST_CHECK;

/* The same for a verdict that is there already, for handlers that answer a refusal in their own way. 0; or an error. */
int throttle_tell(struct request *req, const struct limiter_key *keys, size_t n,
                  const struct limiter_verdict *v) MUST_CHECK;

/* A limiter's id of an address: as request_client_address() gives it, of IPv6 the first 64 bits alone, since that is
 * what one customer has at least. In the request's arena; "unknown" when there is none. */
struct str throttle_address_id(struct request *req);

#endif
