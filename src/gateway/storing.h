/* What a cache that many share has to know of a service's answer, and what it says of its own: RFC 9111, RFC 9211.
 * nginx keeps the answers; it does not know of Age, and of two Vary headers older ones see one. */
#ifndef CINESYNC_GATEWAY_STORING_H
#define CINESYNC_GATEWAY_STORING_H

#include "base/buf.h"

/* All zero at first; then every header of an answer is read. */
struct storing {
	bool is_public;         /* the service says that it is for everybody */
	bool varies_by_unknown; /* by something that is not in the key */
	bool is_aged;           /* it has an Age */
	bool is_age_bad;
	int64_t age_s;
};

void storing_read(struct storing *s, struct str name, struct str value);
bool storing_is_allowed(const struct storing *s);
/* How long it may be given, of the life that nginx found in it; at most max_s, 0: no such bound. <= 0: it is too old.
 */
int64_t storing_life(const struct storing *s, int64_t life_s, int64_t max_s);

/* How an answer came about. */
enum served {
	SERVED_HIT,         /* out of the cache; when it is stale, it is renewed behind */
	SERVED_MISS,        /* the service's, as there was none */
	SERVED_EXPIRED,     /* the service's, as it was stale */
	SERVED_REVALIDATED, /* out of the cache: the service says it is still good */
	SERVED_DEGRADED,    /* out of the cache, stale: the service failed */
	SERVED_BYPASS,      /* the service's: the cache is not for this request */
};

/* The value of Cache-Status. ttl_s: seconds that are left; not of what is neither out of the cache nor stored. */
void storing_status_write(enum served how, bool is_stored, int64_t ttl_s, struct buf *out);
/* As the movie service's X-Cache has it; NULL: its own words stand. */
const char *storing_words(enum served how, int64_t ttl_s);

#endif
