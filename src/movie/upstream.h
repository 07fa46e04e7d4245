/* The guarded way to TMDB: one call here passes, in this order, the breaker, the pause after a 429, the bulkhead, the
 * rate limiter, and then HTTP, with at most one retry. Everything that waits is bounded and inside the fiber's
 * deadline. Knows TMDB's errors, nothing of its messages. */
#ifndef CINESYNC_MOVIE_UPSTREAM_H
#define CINESYNC_MOVIE_UPSTREAM_H

#include "base/arena.h"
#include "movie/breaker.h"

struct http_client;
struct upstream;

struct upstream_options {
	struct http_client *client;     /* not owned */
	const char *base_url;           /* "https://api.themoviedb.org/3", no slash at the end */
	const char *token;              /* v4 read token (Bearer), or NULL */
	const char *api_key;            /* v3 key (api_key=), or NULL; token wins */
	int64_t connect_timeout_ms;     /* 1,000 */
	int64_t timeout_ms;             /* of the whole call, waits and retry included: 4,000 */
	size_t answer_max;              /* bytes of body: 4 MiB */
	int64_t rate_per_s;             /* 40 */
	int64_t burst;                  /* 40 */
	int64_t rate_wait_ms;           /* longest wait for the limiter: 1,000 */
	size_t calls_max;               /* in flight: 64 */
	size_t queue_max;               /* waiting for one of these places: 256 */
	int64_t retry_percent;          /* budget: 20 */
	int64_t retry_delay_ms;         /* most of the full jitter before a retry: 200 */
	int64_t pause_ms;               /* first pause after a 429 without Retry-After: 1,000 */
	int64_t pause_max_ms;           /* 60,000 */
	bool hedge;                     /* a second call after the observed p95 */
	struct breaker_options breaker; /* .changed and .arg are the upstream's own */
};

struct upstream_call {
	struct str path;      /* "/search/movie": our own text, never a client's */
	struct str query;     /* encoded, without '?' and without the key; may be empty */
	struct str validator; /* for If-None-Match, or null */
	/* Reads the body of a 200 into the caller's answer; -EBADMSG: it is not what TMDB sends, which counts as a
	 * failure of TMDB; -ENOMEM. Does not yield. */
	int (*read)(void *arg, struct str body, struct arena *a);
	void *arg;
};

struct upstream_answer {
	bool is_unchanged;      /* 304 */
	struct str validator;   /* its ETag, or null */
	int64_t max_age_ms;     /* Cache-Control: max-age less Age; 0: not said or 0 */
	int64_t retry_after_ms; /* with -EAGAIN */
	int attempts;           /* calls made over the wire */
};

/* Declares its metrics (one upstream a process) and logs each transition of the breaker. -EINVAL, -ENOMEM. */
int upstream_new(const struct upstream_options *options, struct upstream **ret) MUST_CHECK;
/* No call may be under way. Takes NULL, leaves NULL. */
void upstream_free(struct upstream **u);

/* Yields; not to be called under fiber_shield(). 0: read() took a 200, or it is unchanged; -ENOENT: TMDB knows for
 * certain that there is no such thing (404 with its code 34 or 6, or any 404 with its error shape); -EAGAIN: away,
 * sick, not to be called now (retry_after_ms), or no answer before the fiber's own deadline; -EACCES: our credentials
 * are refused; -EPROTO: another 4xx, our bug, logged; -ENOMEM; -ECANCELED. Filled in every case: ret->attempts,
 * ret->retry_after_ms. */
int upstream_get(struct upstream *u, const struct upstream_call *call, struct arena *a,
                 struct upstream_answer *ret) MUST_CHECK;

/* For /readyz and the tests. */
void upstream_breaker_stats(struct upstream *u, struct breaker_stats *ret);

#endif
