/* The movie service: start, stop, health. Films come from TMDB when there is a key, else from the built-in catalogue;
 * answers stay in the two-level cache. What it keeps on disk, the index of films seen, is a help and can be lost. */
#include "movie/state.h"

#include "service/bearer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct movie_state *movie_state(void)
{
	return service_state();
}

/* ---- life ---- */

static void modes_set(struct service_run *run, const struct movie_state *m)
{
	bool is_shared = m->config->redis_url && !m->catalogue->is_local;

	service_mode_set(run, "catalogue", m->catalogue->describe(m->catalogue));
	service_mode_set(run, "cache", is_shared ? "in-process, Redis behind" : "in-process");
	service_mode_set(run, "access tokens", m->bearer ? "checked when sent" : "not looked at");
	if (m->config->redis_url && !is_shared && !m->redis)
		log_info("REDIS_URL is not used: built-in films are answered from memory");
	if (m->upstream)
		service_mode_set(run, "search without TMDB", m->seen ? "films seen, built-in films" : "none");
}

static int start(struct service_run *run, const void *config, void **ret_state)
{
	struct movie_state *m = calloc(1, sizeof(*m));
	int r = m ? movie_state_open(m, run, config) : -ENOMEM;

	if (r < 0) {
		log_alert("cannot open the catalogue of films", LOG_ERR(r));
		if (m)
			movie_state_done(m);
		free(m);
		return r;
	}
	movie_metrics_begin(m);
	modes_set(run, m);
	*ret_state = m;
	return 0;
}

static void stop(void *state)
{
	movie_state_done(state);
	free(state);
}

/* ---- access tokens ---- */

/* Films are for everybody, so a token that nobody can check now shuts nobody out. */
static int authenticate(struct request *req, struct str token, void *arg, struct http_user *ret,
                        const char **ret_reason)
{
	struct movie_state *m = arg;
	int r = m->bearer ? bearer_authenticate(m->bearer, req, token, ret, ret_reason) : 0;

	return r == -EAGAIN ? 0 : r;
}

static int confirm(struct request *req, const struct http_user *named, void *arg, struct http_user *ret,
                   const char **ret_reason)
{
	struct movie_state *m = arg;
	int r = m->bearer ? bearer_confirm(m->bearer, named, ret_reason) : 0;

	(void)req;
	if (r == 0)
		*ret = *named;
	return r;
}

/* ---- health ---- */

/* Of the built-in films, which are there in every mode: the process is in working order. */
static int catalogue_check(void *state, struct buf *ret_reason)
{
	static const struct question question = { .kind = QUESTION_GENRES };
	struct movie_state *m = state;
	struct arena *a CLEANUP(arena_free) = NULL;
	struct catalogue_meta meta = { 0 };
	struct movie_genres genres;
	int r = arena_new((size_t)1 << 16, &a);

	if (r == 0)
		r = m->builtin->ask(m->builtin, &question, a, &genres, &meta);
	if (r < 0)
		buf_addf(ret_reason, "the built-in films give no answer (%s)", error_name(r));
	return r;
}

static bool has_upstream(void *state)
{
	return ((struct movie_state *)state)->upstream;
}

static int upstream_check(void *state, struct buf *ret_reason)
{
	struct movie_state *m = state;
	struct breaker_stats stats;

	upstream_breaker_stats(m->upstream, &stats);
	if (stats.state == BREAKER_CLOSED)
		return 0;
	buf_addf(ret_reason, "TMDB is not asked: the circuit breaker is %s (%s)", breaker_state_name(stats.state),
	         breaker_cause_name(stats.cause));
	return -EAGAIN;
}

static bool has_redis(void *state)
{
	const struct movie_state *m = state;

	return m->redis || (m->config->redis_url && !m->catalogue->is_local);
}

static int redis_check(void *state, struct buf *ret_reason)
{
	struct movie_state *m = state;
	struct aside_stats stats;

	if (m->redis && !redis_is_up(m->redis)) {
		buf_adds(ret_reason, "Redis is away; it cannot be asked for sessions that ended");
		return -EAGAIN;
	}
	aside_stats_get(m->cache, &stats);
	if (m->catalogue->is_local || stats.redis.is_up)
		return 0;
	buf_adds(ret_reason, "Redis is away; answers are kept in memory alone");
	return -EAGAIN;
}

static const struct service_check checks[] = {
	{ .name = "catalogue", .required = true, .check = catalogue_check },
	{ .name = "tmdb", .applies = has_upstream, .check = upstream_check },
	{ .name = "redis", .applies = has_redis, .check = redis_check },
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
		.config = &movie_settings,
		.config_size = sizeof(struct movie_config),
		.routes = routes,
		.checks = checks,
		.start = start,
		.stop = stop,
		.authenticate = authenticate,
		.confirm = confirm,
	};

	return service_main(argc, argv, &service);
}
