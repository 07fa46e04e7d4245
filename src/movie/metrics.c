/* What the cache, the index of films seen and the check of access tokens count, as Prometheus metrics, read when
 * /metrics is rendered. (The upstream declares its own.) */
#include "movie/state.h"

#include "cache/revoked.h"
#include "movie/seen.h"
#include "service/bearer.h"
#include "telemetry/metrics.h"

/* One number of one of the stats structs. */
struct reading {
	const char *name;
	const char *help;
	enum metric_type type;
	enum { READ_U64, READ_SIZE, READ_I64, READ_BOOL } kind;
	size_t offset;
	enum { OF_CACHE, OF_SEEN, OF_TOKENS, OF_REVOKED } of;
	struct movie_state *movies;
};

#define CACHE(member_, kind_, type_, name_, help_)                                                  \
	{                                                                                           \
		.name = "cinesync_movie_" name_, .help = (help_), .type = (type_), .kind = (kind_), \
		.offset = offsetof(struct aside_stats, member_)                                     \
	}
#define SEEN(member_, kind_, type_, name_, help_)                                                        \
	{                                                                                                \
		.name = "cinesync_movie_seen_" name_, .help = (help_), .type = (type_), .kind = (kind_), \
		.offset = offsetof(struct seen_stats, member_), .of = OF_SEEN                            \
	}
#define TOKENS(member_, name_, help_)                                                     \
	{                                                                                 \
		.name = "cinesync_movie_" name_, .help = (help_), .type = METRIC_COUNTER, \
		.offset = offsetof(struct bearer_stats, member_), .of = OF_TOKENS         \
	}
#define REVOKED(member_, name_, help_)                                                            \
	{                                                                                         \
		.name = "cinesync_movie_revoked_" name_, .help = (help_), .type = METRIC_COUNTER, \
		.offset = offsetof(struct revoked_stats, member_), .of = OF_REVOKED               \
	}
#define COUNT(member_, name_, help_) CACHE(member_, READ_U64, METRIC_COUNTER, name_, help_)

static struct reading readings[] = {
	COUNT(hits_l1, "cache_hits_l1_total", "Answers from memory, fresh."),
	COUNT(hits_l2, "cache_hits_l2_total", "Answers from Redis, fresh."),
	COUNT(misses, "cache_misses_total", "Answers the source was asked for."),
	COUNT(revalidated, "cache_revalidated_total", "Answers the source confirmed."),
	COUNT(stale_l1, "cache_stale_l1_total", "Answers from memory, stale."),
	COUNT(stale_l2, "cache_stale_l2_total", "Answers from Redis, stale."),
	COUNT(stale_error, "cache_stale_if_error_total", "Stale answers given because the source failed."),
	COUNT(failed, "cache_failed_total", "Questions without an answer, because the source failed."),
	COUNT(loads, "cache_loads_total", "Questions put to the source."),
	COUNT(loads_failed, "cache_loads_failed_total", "Questions put to the source that failed."),
	COUNT(refreshes, "cache_refreshes_total", "Renewals in the background."),
	COUNT(early, "cache_refreshes_early_total", "Renewals in the background before the answer's end (XFetch)."),
	COUNT(lease_waits, "cache_lease_waits_total", "Questions another replica was at already."),
	COUNT(invalidated, "cache_invalidated_total", "Answers dropped because another replica has newer ones."),
	COUNT(broken, "cache_broken_total", "Values in Redis that could not be read, and were deleted."),
	COUNT(l1.evicted, "cache_evictions_total", "Answers that had to make room in memory."),
	CACHE(flights, READ_SIZE, METRIC_GAUGE, "cache_flights", "Questions under way."),
	CACHE(l1.entries, READ_SIZE, METRIC_GAUGE, "cache_entries", "Answers in memory."),
	CACHE(l1.bytes, READ_SIZE, METRIC_GAUGE, "cache_bytes", "Memory of the answers in it."),
	CACHE(redis.is_up, READ_BOOL, METRIC_GAUGE, "redis_up", "Whether Redis is in use."),
	CACHE(redis.is_watching, READ_BOOL, METRIC_GAUGE, "redis_watching",
	      "Whether Redis tells what other replicas change."),
	COUNT(redis.calls, "redis_calls_total", "Commands sent to Redis."),
	COUNT(redis.failures, "redis_failures_total", "Commands to Redis without a good answer."),
	COUNT(redis.skipped, "redis_skipped_total", "Commands not sent while Redis was away."),
	COUNT(redis.connects, "redis_connects_total", "Connections to Redis made."),
	CACHE(redis.pending, READ_SIZE, METRIC_GAUGE, "redis_pending", "Commands not answered yet."),
	SEEN(films, READ_I64, METRIC_GAUGE, "films", "Films in the index of films seen."),
	SEEN(written, READ_U64, METRIC_COUNTER, "written_total", "Films written to the index of films seen."),
	SEEN(dropped, READ_U64, METRIC_COUNTER, "dropped_total",
	     "Films for which the queue of the index of films seen had no room."),
	SEEN(failed, READ_U64, METRIC_COUNTER, "failed_total",
	     "Batches that could not be written to the index of films seen."),
	SEEN(queued, READ_SIZE, METRIC_GAUGE, "queued", "Films waiting to be written to the index of films seen."),
	TOKENS(accepted, "tokens_accepted_total", "Access tokens that were good."),
	TOKENS(refused, "tokens_refused_total", "Access tokens that were not."),
	TOKENS(unchecked, "tokens_unchecked_total", "Access tokens that could not be checked, for want of keys."),
	TOKENS(fetches, "jwks_fetches_total", "Times the key set was asked for."),
	TOKENS(failures, "jwks_failures_total", "Times the key set was asked for in vain."),
	REVOKED(checks, "checks_total", "Sessions looked at, whether they have ended."),
	REVOKED(asked, "asked_total", "Sessions that Redis or the user service had to be asked about."),
	REVOKED(unsure, "unsure_total", "Sessions that neither gave an answer about."),
};

static double value_at(const struct reading *r, const void *stats)
{
	const void *at = (const char *)stats + r->offset;

	switch (r->kind) {
	case READ_U64:
		return (double)*(const uint64_t *)at;
	case READ_SIZE:
		return (double)*(const size_t *)at;
	case READ_I64:
		return (double)*(const int64_t *)at;
	case READ_BOOL:
		return *(const bool *)at;
	}
	return 0;
}

/* What there is not in this mode counts nothing. */
static double read_value(void *arg)
{
	const struct reading *r = arg;
	const struct movie_state *m = r->movies;
	union {
		struct aside_stats cache;
		struct seen_stats seen;
		struct bearer_stats tokens;
		struct revoked_stats revoked;
	} stats;

	memset(&stats, 0, sizeof(stats));
	if (r->of == OF_CACHE)
		aside_stats_get(m->cache, &stats.cache);
	else if (r->of == OF_SEEN && m->seen)
		seen_stats_get(m->seen, &stats.seen);
	else if (r->of == OF_TOKENS && m->bearer)
		bearer_stats_get(m->bearer, &stats.tokens);
	else if (r->of == OF_REVOKED && m->bearer && bearer_revoked(m->bearer))
		revoked_stats_get(bearer_revoked(m->bearer), &stats.revoked);
	return value_at(r, &stats);
}

static double cache_limit(void *arg)
{
	return (double)((const struct movie_state *)arg)->config->cache_bytes_max;
}

void movie_metrics_begin(struct movie_state *m)
{
	metric_callback("cinesync_movie_cache_limit_bytes", "Memory that answers may take.", METRIC_GAUGE, cache_limit,
	                m);
	for (size_t i = 0; i < ARRAY_SIZE(readings); i++) {
		readings[i].movies = m;
		metric_callback(readings[i].name, readings[i].help, readings[i].type, read_value, &readings[i]);
	}
}
