/* The movie service from inside: its settings, its state, its routes. */
#ifndef CINESYNC_MOVIE_MOVIE_H
#define CINESYNC_MOVIE_MOVIE_H

#include "base/config.h"
#include "cache/aside.h"
#include "http/server.h"
#include "movie/question.h"
#include "movie/upstream.h"

struct bearer;
struct seen;
struct store;

struct movie_config {
	/* the source */
	char *tmdb_token;
	char *tmdb_api_key;
	char *tmdb_base_url;
	char *tmdb_image_url;
	char *tmdb_ca_file;
	char *tmdb_language;
	int64_t tmdb_connect_timeout_ms;
	int64_t tmdb_timeout_ms;
	int64_t tmdb_answer_max;
	int64_t tmdb_rate;
	int64_t tmdb_burst;
	int64_t tmdb_rate_wait_ms;
	int64_t tmdb_calls_max;
	int64_t tmdb_queue_max;
	int64_t tmdb_retry_percent;
	int64_t tmdb_retry_delay_ms;
	int64_t tmdb_pause_ms;
	int64_t tmdb_pause_max_ms;
	bool tmdb_hedge;
	int64_t tmdb_max_age_min_ms;
	/* its breaker */
	int64_t breaker_window_ms;
	int64_t breaker_calls_min;
	int64_t breaker_failure_percent;
	int64_t breaker_slow_percent;
	int64_t breaker_slow_ms;
	int64_t breaker_open_ms;
	int64_t breaker_open_max_ms;
	int64_t breaker_probes_max;
	/* the cache */
	int64_t cache_entries_max;
	int64_t cache_bytes_max;
	int64_t cache_compress_min;
	char *redis_url;
	int64_t redis_timeout_ms;
	int64_t search_ttl_ms;
	int64_t list_ttl_ms; /* discover, popular and the like */
	int64_t details_ttl_ms;
	int64_t genres_ttl_ms; /* and the configuration */
	int64_t absent_ttl_ms;
	int64_t stale_ms;
	int64_t stale_if_error_ms;
	int64_t cache_early_percent;
	int64_t cache_jitter_percent;
	int64_t cache_lease_ms;
	int64_t cache_retry_ms;
	int64_t flights_max;
	/* access tokens */
	char *jwks_url;
	char *sessions_url;
	char *token_issuer;
	char *token_audience;
	/* the films seen */
	char *data_dir;
	int64_t seen_films_max;
	int64_t seen_queue_max;
	int64_t seen_age_max_ms;
};

extern const struct config_table movie_settings;

struct movie_state {
	const struct movie_config *config;
	struct catalogue *builtin;   /* owned */
	struct catalogue *catalogue; /* what is asked: TMDB, or the built-in one. Owned unless it is `builtin` */
	struct upstream *upstream;   /* owned; NULL without TMDB */
	struct http_client *client;  /* owned; to TMDB alone */
	struct seen *seen;           /* owned; NULL without TMDB, or without a place for it */
	struct aside *cache;         /* struct reply by question; owned */
	struct redis *redis;         /* owned; of the revoked sessions alone; NULL: none is to be asked */
	struct bearer *bearer;       /* owned; NULL: tokens are not looked at */
	int64_t retry_at_ms;         /* when the source said that asking is worth while again; 0: it did not */
};

/* What serves this process: main.c has it from the service room, tests make their own. */
struct movie_state *movie_state(void);

/* Makes the cache. The rest of *m is filled already. -EINVAL: a setting out of range; -ENOMEM. */
int movie_cache_new(struct movie_state *m, struct uv_loop_s *loop) MUST_CHECK;
/* Yields. No request may be under way. Takes a zeroed struct, leaves one. */
void movie_state_done(struct movie_state *m);

/* How a question's answer is fetched and kept: the cache's source. `ask` is a struct movie_ask. */
struct movie_ask {
	struct movie_state *movies;
	const struct question *question;
};
extern const struct aside_source movie_source;
extern const struct aside_ops movie_reply_ops;

/* Yields. Answers the request's question, which is normalised here. For the handlers. */
int movie_answer(struct request *req, struct question *q) MUST_CHECK;

extern const struct route movie_routes[];

#endif
