/* Access tokens (RFC 9068) checked by a service that does not issue them: by the issuer's key set (RFC 7517), issuer
 * and audience, and by what is known of sessions that have ended (cache/revoked.h): through Redis, or by asking the
 * issuer about the session, or both, the issuer when Redis gives no answer.
 *
 * The key set is fetched when the first token comes, again every BEARER_REFRESH_MS while tokens come, and at once when
 * a token names a key that is not in it, though not more often than every BEARER_UNKNOWN_MS: anybody can make up names
 * of keys. While its source is away, the keys at hand are used on. One fetch at a time; who needs it waits, bounded by
 * BEARER_FETCH_MS, and everybody else goes on.
 *
 * One thread, one loop. Functions marked so yield and run on a fiber. */
#ifndef CINESYNC_SERVICE_BEARER_H
#define CINESYNC_SERVICE_BEARER_H

#include "http/server.h"

struct bearer;
struct http_client;
struct redis;
struct revoked;

#define BEARER_REFRESH_MS 300000
#define BEARER_UNKNOWN_MS 10000
#define BEARER_RETRY_MS 2000 /* after a fetch that failed */
#define BEARER_FETCH_MS 1500
#define BEARER_SESSION_MS 300 /* what the issuer may take to say whether a session has ended */

struct bearer_options {
	const char *jwks_url;
	const char *issuer;   /* required iss */
	const char *audience; /* required aud */
	size_t cache_max;     /* verified tokens remembered; 0: 10,000 */
	/* With neither, tokens end when they expire. */
	struct redis *redis;      /* NULL: not asked; must outlive it */
	const char *sessions_url; /* sessions_url/{id} answers 2xx: it goes on; 410: it has ended. NULL: not asked */
	struct http_client *(*client)(void); /* service_client(); NULL from it: the fetch fails */
	/* For tests: milliseconds of a clock that never jumps, for the times above. NULL: clock_mono_ms(). */
	int64_t (*clock_ms)(void);
};

struct bearer_stats {
	uint64_t accepted;
	uint64_t refused;
	uint64_t unchecked; /* for want of keys */
	uint64_t fetches;
	uint64_t failures; /* of the fetches */
	bool has_keys;
	bool is_fetching;
};

/* Texts are kept by pointer. -ENOMEM; -EAGAIN: no fiber can be had. */
int bearer_new(const struct bearer_options *options, struct bearer **ret) MUST_CHECK;
/* Yields until its fiber has ended. No call may be under way. Takes NULL, leaves NULL. */
void bearer_free(struct bearer **b);

/* Yields at times, see above. For a service's authenticate(): 0: *ret is whom the token names; -EACCES: *ret_reason is
 * why it is refused, in a stable word ("expired", "session-ended"); -EAGAIN: there are no keys to check it with, and
 * none can be had now; -ENOMEM; -ETIMEDOUT, -ECANCELED. */
int bearer_authenticate(struct bearer *b, struct request *req, struct str token, struct http_user *ret,
                        const char **ret_reason) MUST_CHECK;

/* Yields at times. The same for a token that somebody who is believed has verified, for a service's confirm(): only the
 * session is looked at. 0; -EACCES: *ret_reason, as above. */
int bearer_confirm(struct bearer *b, const struct http_user *named, const char **ret_reason) MUST_CHECK;

/* NULL: nobody is asked about sessions. */
const struct revoked *bearer_revoked(const struct bearer *b);
void bearer_stats_get(const struct bearer *b, struct bearer_stats *ret);

#endif
