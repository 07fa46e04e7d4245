/* What the cache and the index of films seen count, as Prometheus metrics, read when /metrics is rendered. (The
 * upstream declares its own.) */
#include "movie/state.h"

#include "movie/seen.h"
#include "telemetry/metrics.h"

/* One number of one of the stats structs. */
struct reading {
	const char *name;
	const char *help;
	enum metric_type type;
	enum { READ_U64, READ_SIZE, READ_I64, READ_BOOL } kind;
	size_t offset;
	bool of_seen; /* else of the cache */
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
		.offset = offsetof(struct seen_stats, member_), .of_seen = true                          \
	}
#define COUNT(member_, name_, help_) CACHE(member_, READ_U64, METRIC_COUNTER, name_, help_)

static struct reading readings[] = {
	COUNT(hits_l1, "cache_hits_l1_total", "Answers from memory, fresh."),
	COUNT(hits_l2, "cache_hits_l2_total", "Answers from Redis, fresh."),
	COUNT(misses, "cache_misses_total", "Answers the source was asked for."),
	COUNT(revalidated, "cache_revalidated_total", "Answers the source confirmed."),
	COUNT(stale_l1, "cache_stale_l1_total", "Answers from memory, stale."),
	COUNT(stale_l2, "cache_stale_l2_total", "Answers from Redis, stale."),
	COUNT(stale_error, "cache_stale_if_error_total", "Of the stale ones: given because the source failed."),
	COUNT(failed, "cache_failed_total", "Questions without an answer, because the source failed."),
	COUNT(loads, "cache_loads_total", "Questions put to the source."),
	COUNT(loads_failed, "cache_loads_failed_total", "Of these, the ones that failed."),
	COUNT(refreshes, "cache_refreshes_total", "Renewals in the background."),
	COUNT(early, "cache_refreshes_early_total", "Of these, the ones before the answer's end (XFetch)."),
	COUNT(lease_waits, "cache_lease_waits_total", "Questions another replica was at already."),
	COUNT(invalidated, "cache_invalidated_total", "Answers dropped because another replica has newer ones."),
	COUNT(broken, "cache_broken_total", "Values in Redis that could not be read, and were deleted."),
	COUNT(l1.evicted, "cache_evictions_total", "Answers that had to make room in memory."),
	CACHE(flights, READ_SIZE, METRIC_GAUGE, "cache_flights", "Questions under way."),
	CACHE(l1.entries, READ_SIZE, METRIC_GAUGE, "cache_entries", "Answers in memory."),
	CACHE(l1.bytes, READ_SIZE, METRIC_GAUGE, "cache_bytes", "Memory of these answers."),
	CACHE(redis.is_up, READ_BOOL, METRIC_GAUGE, "redis_up", "Whether Redis is in use."),
	CACHE(redis.is_watching, READ_BOOL, METRIC_GAUGE, "redis_watching",
	      "Whether Redis tells what other replicas change."),
	COUNT(redis.calls, "redis_calls_total", "Commands sent to Redis."),
	COUNT(redis.failures, "redis_failures_total", "Of these, the ones without a good answer."),
	COUNT(redis.skipped, "redis_skipped_total", "Commands not sent while Redis was away."),
	COUNT(redis.connects, "redis_connects_total", "Connections to Redis made."),
	CACHE(redis.pending, READ_SIZE, METRIC_GAUGE, "redis_pending", "Commands not answered yet."),
	SEEN(films, READ_I64, METRIC_GAUGE, "films", "Films in the index of films seen."),
	SEEN(written, READ_U64, METRIC_COUNTER, "written_total", "Films written to it."),
	SEEN(dropped, READ_U64, METRIC_COUNTER, "dropped_total", "Films for which its queue had no room."),
	SEEN(failed, READ_U64, METRIC_COUNTER, "failed_total", "Batches that could not be written to it."),
	SEEN(queued, READ_SIZE, METRIC_GAUGE, "queued", "Films waiting to be written to it."),
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

static double read_value(void *arg)
{
	const struct reading *r = arg;
	struct seen_stats seen = { 0 };
	struct aside_stats cache;

	if (r->of_seen) {
		if (r->movies->seen)
			seen_stats_get(r->movies->seen, &seen);
		return value_at(r, &seen);
	}
	aside_stats_get(r->movies->cache, &cache);
	return value_at(r, &cache);
}

void movie_metrics_begin(struct movie_state *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(readings); i++) {
		readings[i].movies = m;
		metric_callback(readings[i].name, readings[i].help, readings[i].type, read_value, &readings[i]);
	}
}
