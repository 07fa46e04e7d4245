/* The movie service: settings, start, stop. It has no data of its own: films come from a catalogue, answers stay in the
 * in-process cache, and both are made anew at each start. */
#include "movie/movie.h"

#include "base/config.h"
#include "movie/builtin.h"
#include "service/service.h"
#include "telemetry/metrics.h"

#include <errno.h>
#include <stdlib.h>

#define SETTING(name_, field_, min_, max_, def_, unit_, doc_)                                                      \
	{                                                                                                          \
		.name = (name_), .type = CONFIG_INT, .min = (min_), .max = (max_), .def = (def_), .unit = (unit_), \
		.doc = (doc_), .offset = offsetof(struct movie_config, field_)                                     \
	}

#define DAY_MS 86400000

static const struct config_entry entries[] = {
	SETTING("CACHE_ENTRIES_MAX", cache_entries_max, 1, 10000000, "200000", "answers",
	        "Answers kept in memory at most."),
	SETTING("CACHE_BYTES_MAX", cache_bytes_max, 65536, (int64_t)1 << 36, "67108864", "bytes",
	        "Memory for these answers at most."),
	SETTING("SEARCH_TTL_MS", search_ttl_ms, 0, DAY_MS, "3600000", "ms",
	        "How long the answer to a search or discover stays in memory."),
	SETTING("DETAILS_TTL_MS", details_ttl_ms, 0, 30LL * DAY_MS, "86400000", "ms",
	        "How long a film's details stay in memory."),
	SETTING("GENRES_TTL_MS", genres_ttl_ms, 0, 30LL * DAY_MS, "86400000", "ms",
	        "How long the list of genres stays in memory."),
	SETTING("FLIGHTS_MAX", flights_max, 1, 100000, "1000", "questions",
	        "Different questions put to the source of films at once; one more is answered 503."),
};

static const struct config_table table = {
	.title = "Settings of the movie service",
	.entries = entries,
	.n_entries = ARRAY_SIZE(entries),
};

struct movie_state *movie_state(void)
{
	return service_state();
}

/* ---- metrics ---- */

static struct local_cache_stats stats_of(void *state)
{
	struct local_cache_stats stats;

	local_cache_stats_get(((struct movie_state *)state)->cache, &stats);
	return stats;
}

static double cache_hits(void *state)
{
	return (double)stats_of(state).hits;
}

static double cache_misses(void *state)
{
	return (double)stats_of(state).misses;
}

static double cache_evicted(void *state)
{
	return (double)stats_of(state).evicted;
}

static double cache_entries(void *state)
{
	return (double)stats_of(state).entries;
}

static double cache_bytes(void *state)
{
	return (double)stats_of(state).bytes;
}

static void metrics_begin(struct movie_state *m)
{
	metric_callback("cinesync_movie_cache_hits_total", "Answers found in memory.", METRIC_COUNTER, cache_hits, m);
	metric_callback("cinesync_movie_cache_misses_total", "Answers not found in memory.", METRIC_COUNTER,
	                cache_misses, m);
	metric_callback("cinesync_movie_cache_evictions_total", "Answers that had to make room.", METRIC_COUNTER,
	                cache_evicted, m);
	metric_callback("cinesync_movie_cache_entries", "Answers in memory.", METRIC_GAUGE, cache_entries, m);
	metric_callback("cinesync_movie_cache_bytes", "Memory of these answers.", METRIC_GAUGE, cache_bytes, m);
}

/* ---- life ---- */

static int start(struct service_run *run, const void *config, void **ret_state)
{
	struct movie_state *m = calloc(1, sizeof(*m));
	struct catalogue *catalogue CLEANUP(catalogue_free) = NULL;
	int r = m ? 0 : -ENOMEM;

	if (r == 0)
		r = builtin_new(&catalogue);
	if (r == 0)
		r = movie_state_init(config, &catalogue, m);
	if (r < 0) {
		log_alert("cannot open the catalogue of films", LOG_ERR(r));
		free(m);
		return r;
	}
	metrics_begin(m);
	service_mode_set(run, "catalogue", m->catalogue->describe(m->catalogue));
	service_mode_set(run, "cache", "in-process");
	*ret_state = m;
	return 0;
}

static void stop(void *state)
{
	movie_state_done(state);
	free(state);
}

static int catalogue_check(void *state, struct buf *ret_reason)
{
	struct movie_state *m = state;
	struct arena *a CLEANUP(arena_free) = NULL;
	struct movie_genres genres;
	int r = arena_new((size_t)1 << 16, &a);

	if (r == 0)
		r = m->catalogue->genres(m->catalogue, STR_NULL, a, &genres);
	if (r < 0)
		buf_addf(ret_reason, "the source of films gives no answer (%s)", error_name(r));
	return r;
}

static const struct service_check checks[] = {
	{ .name = "catalogue", .required = true, .check = catalogue_check },
	{ 0 },
};

static const struct route *const routes[] = { movie_routes, NULL };

int main(int argc, char **argv)
{
	static const struct service service = {
		.name = "movie",
		.title = "CineSync movie service",
		.summary = "Finds films and answers with what is known of them.",
		.listen = "127.0.0.1:8081",
		.config = &table,
		.config_size = sizeof(struct movie_config),
		.routes = routes,
		.checks = checks,
		.start = start,
		.stop = stop,
	};

	return service_main(argc, argv, &service);
}
