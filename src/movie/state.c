/* What serves the process: made once at start, ended once at stop. Yields while it opens and closes the index of films
 * seen and the connections to Redis. */
#include "movie/state.h"

#include "http/client.h"
#include "movie/builtin.h"
#include "movie/observed.h"
#include "movie/seen.h"
#include "movie/tmdb.h"
#include "service/bearer.h"
#include "service/database.h"

#include <errno.h>

#define CONNECTIONS_SPARE 8 /* beyond calls_max: kept alive while others are made */

bool movie_has_tmdb(const struct movie_config *config)
{
	return config->tmdb_token || config->tmdb_api_key;
}

/* ---- TMDB ---- */

static int client_new(struct movie_state *m, struct uv_loop_s *loop)
{
	struct http_client_options options = {
		.connections_host_max = (size_t)m->config->tmdb_calls_max + CONNECTIONS_SPARE,
		.ca_file = m->config->tmdb_ca_file,
	};

	return http_client_new(loop, &options, &m->client);
}

static struct breaker_options breaker_options_of(const struct movie_config *config)
{
	return (struct breaker_options){
		.window_ms = config->breaker_window_ms,
		.calls_min = config->breaker_calls_min,
		.failure_percent = config->breaker_failure_percent,
		.slow_percent = config->breaker_slow_percent,
		.slow_ms = config->breaker_slow_ms,
		.open_ms = config->breaker_open_ms,
		.open_max_ms = MAX(config->breaker_open_ms, config->breaker_open_max_ms),
		.probes_max = config->breaker_probes_max,
	};
}

static int upstream_make(struct movie_state *m)
{
	const struct movie_config *config = m->config;
	struct upstream_options options = {
		.client = m->client,
		.base_url = config->tmdb_base_url,
		.token = config->tmdb_token,
		.api_key = config->tmdb_api_key,
		.connect_timeout_ms = config->tmdb_connect_timeout_ms,
		.timeout_ms = config->tmdb_timeout_ms,
		.answer_max = (size_t)config->tmdb_answer_max,
		.rate_per_s = config->tmdb_rate,
		.burst = config->tmdb_burst,
		.rate_wait_ms = config->tmdb_rate_wait_ms,
		.calls_max = (size_t)config->tmdb_calls_max,
		.queue_max = (size_t)config->tmdb_queue_max,
		.retry_percent = config->tmdb_retry_percent,
		.retry_delay_ms = config->tmdb_retry_delay_ms,
		.pause_ms = config->tmdb_pause_ms,
		.pause_max_ms = MAX(config->tmdb_pause_ms, config->tmdb_pause_max_ms),
		.hedge = config->tmdb_hedge,
		.breaker = breaker_options_of(config),
	};

	return upstream_new(&options, &m->upstream);
}

/* The index is a help: without a place for it the service serves on, and says so. */
static void seen_open(struct movie_state *m, struct service_run *run)
{
	struct service_database database = {
		.data_dir = m->config->data_dir,
		.file = "seen.db",
		.sqlite = { seen_migrations, seen_migrations_n },
	};
	struct seen_options options = {
		.films_max = (size_t)m->config->seen_films_max,
		.queue_max = (size_t)m->config->seen_queue_max,
		.age_max_ms = m->config->seen_age_max_ms,
		.builtin = m->builtin,
	};
	int r;

	if (m->config->seen_films_max == 0)
		return;
	r = service_database_open(run, &database, &options.store);
	if (r == 0)
		r = seen_new(&options, &m->seen);
	else
		store_close(&options.store);
	if (r < 0)
		log_error("no index of films seen: searches have no answer while TMDB is away", LOG_ERR(r));
}

static int tmdb_open(struct movie_state *m, struct service_run *run)
{
	struct catalogue *tmdb CLEANUP(catalogue_free) = NULL;
	int r = client_new(m, service_loop(run));

	if (r == 0)
		r = upstream_make(m);
	if (r == 0)
		r = tmdb_new(m->upstream, m->builtin, m->config->tmdb_base_url, m->config->tmdb_image_url, &tmdb);
	if (r < 0)
		return r;
	seen_open(m, run);
	if (m->seen)
		return observed_new(&tmdb, m->seen, &m->catalogue);
	m->catalogue = STEAL(tmdb);
	return 0;
}

/* ---- access tokens ---- */

static void revoked_turned(bool is_up, const char *why, void *arg)
{
	(void)arg;
	if (is_up)
		log_info("redis: asked for sessions that ended");
	else
		log_warning("redis: sessions that ended are not known until it answers again", LOG_STR("why", why));
}

/* A connection of its own: the cache's belongs to the cache, which has none for the built-in films. */
static int redis_open(struct movie_state *m, struct service_run *run)
{
	const struct redis_options redis = { .url = m->config->redis_url,
		                             .timeout_ms = m->config->redis_timeout_ms,
		                             .turned = revoked_turned };

	return redis_new(service_loop(run), &redis, &m->redis);
}

static int tokens_open(struct movie_state *m, struct service_run *run)
{
	struct bearer_options options = {
		.jwks_url = m->config->jwks_url,
		.issuer = m->config->token_issuer,
		.audience = m->config->token_audience,
		.sessions_url = m->config->sessions_url,
		.client = service_client,
	};
	int r = 0;

	if (!m->config->jwks_url)
		return 0;
	if (m->config->redis_url)
		r = redis_open(m, run);
	options.redis = m->redis;
	return r < 0 ? r : bearer_new(&options, &m->bearer);
}

/* ---- life ---- */

int movie_state_open(struct movie_state *m, struct service_run *run, const struct movie_config *config)
{
	int r;

	m->config = config;
	r = builtin_new(&m->builtin);
	if (r == 0 && movie_has_tmdb(config))
		r = tmdb_open(m, run);
	if (r == 0 && !m->catalogue)
		m->catalogue = m->builtin;
	if (r == 0)
		r = tokens_open(m, run);
	return r < 0 ? r : movie_cache_new(m, service_loop(run));
}

void movie_state_done(struct movie_state *m)
{
	aside_free(&m->cache);
	bearer_free(&m->bearer);
	redis_free(&m->redis);
	if (m->catalogue != m->builtin)
		catalogue_free(&m->catalogue);
	m->catalogue = NULL;
	seen_free(&m->seen);
	upstream_free(&m->upstream);
	http_client_free(&m->client);
	catalogue_free(&m->builtin);
}
