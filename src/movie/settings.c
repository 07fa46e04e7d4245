/* The settings of the movie service: one table, read by config_load(), printed by --help and in the README. */
#include "movie/movie.h"

#include "base/clock.h"
#include "service/service.h"

#include <string.h>

#define NUMBER(name_, field_, min_, max_, def_, unit_, doc_)                                                       \
	{                                                                                                          \
		.name = (name_), .type = CONFIG_INT, .min = (min_), .max = (max_), .def = (def_), .unit = (unit_), \
		.doc = (doc_), .offset = offsetof(struct movie_config, field_)                                     \
	}
#define TEXT(name_, field_, type_, def_, check_, doc_)                                             \
	{                                                                                          \
		.name = (name_), .type = (type_), .def = (def_), .check = (check_), .doc = (doc_), \
		.offset = offsetof(struct movie_config, field_)                                    \
	}

#define SECOND_MS 1000LL
#define MINUTE_MS (60 * SECOND_MS)
#define SIX_MONTHS_MS ASIDE_AGE_MAX_MS

static const char *language_check(const char *value)
{
	struct arena *a CLEANUP(arena_free) = NULL;

	if (arena_new(4096, &a) < 0 || !question_accept_language(str_from(value), a).data || strpbrk(value, ",;"))
		return "a language tag (BCP 47), \"en-US\"";
	return NULL;
}

/* A v4 read token is a JWT, which a v3 key never is; either in the place of the other is refused by TMDB. */
static const char *token_check(const char *value)
{
	return strchr(value, '.') ? NULL
	                          : "a v4 read access token (a key of 32 hexadecimal digits goes into TMDB_API_KEY)";
}

static const char *key_check(const char *value)
{
	return strlen(value) == 32 && strspn(value, "0123456789abcdefABCDEF") == 32
	               ? NULL
	               : "a v3 key of 32 hexadecimal digits (a v4 read access token goes into TMDB_TOKEN)";
}

static const struct config_entry entries[] = {
	TEXT("TMDB_TOKEN", tmdb_token, CONFIG_SECRET, NULL, token_check,
	     "TMDB's v4 read access token. With it, or with TMDB_API_KEY, films come from TMDB; without both, from the "
	     "built-in catalogue."),
	TEXT("TMDB_API_KEY", tmdb_api_key, CONFIG_SECRET, NULL, key_check, "TMDB's v3 key, when there is no token."),
	TEXT("TMDB_BASE_URL", tmdb_base_url, CONFIG_STRING, "https://api.themoviedb.org/3", service_check_http_url,
	     "Base URL of TMDB's API, or of a proxy before it."),
	TEXT("TMDB_IMAGE_URL", tmdb_image_url, CONFIG_STRING, "https://image.tmdb.org/t/p", service_check_http_url,
	     "Base URL of the pictures in the answers."),
	TEXT("TMDB_CA_FILE", tmdb_ca_file, CONFIG_STRING, NULL, NULL,
	     "PEM certificates to believe for TMDB_BASE_URL instead of the system's."),
	TEXT("TMDB_LANGUAGE", tmdb_language, CONFIG_STRING, "en-US", language_check,
	     "Language of titles and texts when a client asks for none."),
	NUMBER("TMDB_CONNECT_TIMEOUT_MS", tmdb_connect_timeout_ms, 10, MINUTE_MS, "1000", "ms",
	       "How long a connection to TMDB may take."),
	NUMBER("TMDB_TIMEOUT_MS", tmdb_timeout_ms, 50, MINUTE_MS, "4000", "ms",
	       "How long a question to TMDB may take in all, waits and a retry included."),
	NUMBER("TMDB_ANSWER_MAX", tmdb_answer_max, 65536, 64LL << 20, "4194304", "bytes", "Largest answer of TMDB's."),
	NUMBER("TMDB_RATE", tmdb_rate, 1, 100000, "40", "calls/s", "Calls to TMDB a second in the long run."),
	NUMBER("TMDB_BURST", tmdb_burst, 1, 100000, "40", "calls", "Calls at once after a quiet time."),
	NUMBER("TMDB_RATE_WAIT_MS", tmdb_rate_wait_ms, 0, MINUTE_MS, "1000", "ms",
	       "How long a call may wait for its turn; one that would wait longer fails at once."),
	NUMBER("TMDB_CALLS_MAX", tmdb_calls_max, 1, 1000, "64", "calls", "Calls to TMDB in flight."),
	NUMBER("TMDB_QUEUE_MAX", tmdb_queue_max, 0, 100000, "256", "calls",
	       "Calls waiting for one of these places; one more fails at once."),
	NUMBER("TMDB_RETRY_PERCENT", tmdb_retry_percent, 0, 100, "20", "%",
	       "Retries, as a share of the calls. Only lost connections, 502, 503 and 504 are tried again, once."),
	NUMBER("TMDB_RETRY_DELAY_MS", tmdb_retry_delay_ms, 0, 10 * SECOND_MS, "200", "ms",
	       "Longest pause before a retry; the pause is drawn between 0 and this."),
	NUMBER("TMDB_PAUSE_MS", tmdb_pause_ms, 1, MINUTE_MS, "1000", "ms",
	       "First pause of all calls after a 429 without Retry-After; doubles with each further one."),
	NUMBER("TMDB_PAUSE_MAX_MS", tmdb_pause_max_ms, 1, 60 * MINUTE_MS, "60000", "ms", "Longest such pause."),
	{ .name = "TMDB_HEDGE",
	  .type = CONFIG_BOOL,
	  .def = "false",
	  .offset = offsetof(struct movie_config, tmdb_hedge),
	  .doc = "Ask a second time when an answer takes longer than 95 of 100 did, and take the first to come; paid "
	         "from "
	         "the retries." },
	NUMBER("TMDB_MAX_AGE_MIN_MS", tmdb_max_age_min_ms, 0, CLOCK_DAY_MS, "60000", "ms",
	       "An answer is asked for again (revalidated) when TMDB's own max-age is over, but not before this."),
	NUMBER("BREAKER_WINDOW_MS", breaker_window_ms, 100, 10 * MINUTE_MS, "10000", "ms",
	       "Over which time the circuit breaker before TMDB counts calls."),
	NUMBER("BREAKER_CALLS_MIN", breaker_calls_min, 1, 100000, "20", "calls", "Fewer calls in it decide nothing."),
	NUMBER("BREAKER_FAILURE_PERCENT", breaker_failure_percent, 1, 100, "50", "%",
	       "The breaker opens at this share of failures."),
	NUMBER("BREAKER_SLOW_PERCENT", breaker_slow_percent, 1, 100, "80", "%", "Or at this share of slow calls."),
	NUMBER("BREAKER_SLOW_MS", breaker_slow_ms, 1, MINUTE_MS, "2000", "ms", "A call that takes longer is slow."),
	NUMBER("BREAKER_OPEN_MS", breaker_open_ms, 1, 10 * MINUTE_MS, "5000", "ms",
	       "How long it stays open at first; doubles, with jitter, while probes fail."),
	NUMBER("BREAKER_OPEN_MAX_MS", breaker_open_max_ms, 1, 60 * MINUTE_MS, "60000", "ms",
	       "How long it stays open at most."),
	NUMBER("BREAKER_PROBES_MAX", breaker_probes_max, 1, 100, "3", "calls",
	       "Calls let through to see whether TMDB has recovered; all must succeed."),
	NUMBER("CACHE_ENTRIES_MAX", cache_entries_max, 1, 10000000, "200000", "answers",
	       "Answers kept in memory at most."),
	NUMBER("CACHE_BYTES_MAX", cache_bytes_max, 65536, (int64_t)1 << 36, "67108864", "bytes",
	       "Memory for these answers at most."),
	NUMBER("CACHE_COMPRESS_MIN", cache_compress_min, 0, 64LL << 20, "4096", "bytes",
	       "Answers from this size on are kept compressed as well, and compressed alone in Redis."),
	TEXT("REDIS_URL", redis_url, CONFIG_SECRET, NULL, redis_check_url,
	     "Redis behind the cache in memory, shared by all replicas: redis://[[user]:password@]host[:port][/db]. It "
	     "may go "
	     "away at any time. The built-in films have no use for it; access tokens have: see JWKS_URL."),
	NUMBER("REDIS_TIMEOUT_MS", redis_timeout_ms, 1, 5 * SECOND_MS, "50", "ms",
	       "How long Redis may take to answer before it is done without."),
	NUMBER("SEARCH_TTL_MS", search_ttl_ms, 0, CLOCK_DAY_MS, "3600000", "ms",
	       "How long the answer to a search is fresh."),
	NUMBER("LIST_TTL_MS", list_ttl_ms, 0, CLOCK_DAY_MS, "3600000", "ms",
	       "How long the lists (discover, popular, trending, recommendations …) are fresh."),
	NUMBER("DETAILS_TTL_MS", details_ttl_ms, 0, 30 * CLOCK_DAY_MS, "86400000", "ms",
	       "How long a film's details are fresh."),
	NUMBER("GENRES_TTL_MS", genres_ttl_ms, 0, 30 * CLOCK_DAY_MS, "604800000", "ms",
	       "How long the genres and the image configuration are fresh."),
	NUMBER("ABSENT_TTL_MS", absent_ttl_ms, 0, CLOCK_DAY_MS, "300000", "ms",
	       "How long it is remembered that there is no such film."),
	NUMBER("STALE_MS", stale_ms, 0, 30 * CLOCK_DAY_MS, "86400000", "ms",
	       "How long after that an answer of TMDB's is still given at once, and renewed in the background."),
	NUMBER("STALE_IF_ERROR_MS", stale_if_error_ms, 0, SIX_MONTHS_MS, "604800000", "ms",
	       "How long after that it is given while TMDB fails. Nothing is ever older than six months."),
	NUMBER("CACHE_EARLY_PERCENT", cache_early_percent, 0, 1000, "100", "%",
	       "How eagerly answers are renewed shortly before they end (the beta of XFetch); 0: not before."),
	NUMBER("CACHE_JITTER_PERCENT", cache_jitter_percent, 0, 50, "10", "%",
	       "By how much fresh times are shortened at random, so that not all end at once."),
	NUMBER("CACHE_LEASE_MS", cache_lease_ms, 0, MINUTE_MS, "4500", "ms",
	       "How long one replica may be at a question to TMDB before another one asks it too; 0: each asks for "
	       "itself."),
	NUMBER("CACHE_RETRY_MS", cache_retry_ms, 1, MINUTE_MS, "2000", "ms",
	       "Pause after a renewal that failed before the same answer is tried again."),
	NUMBER("FLIGHTS_MAX", flights_max, 1, 100000, "1000", "questions",
	       "Different questions put to Redis and TMDB at once; one more is answered 503."),
	TEXT("JWKS_URL", jwks_url, CONFIG_STRING, NULL, service_check_http_url,
	     "The user service's key set, /api/v1/auth/.well-known/jwks.json there. When it is set, an access token "
	     "that is "
	     "sent must be good, though none is needed; whether its session has ended is asked of Redis and of "
	     "SESSIONS_URL. Unset: tokens "
	     "are "
	     "not looked at."),
	TEXT("SESSIONS_URL", sessions_url, CONFIG_STRING, NULL, service_check_http_url,
	     "Where the user service says whether a session has ended, /internal/sessions there; asked when Redis is "
	     "not set, "
	     "or away. Unset: then tokens of ended sessions are taken until they expire."),
	TEXT("TOKEN_ISSUER", token_issuer, CONFIG_STRING, "cinesync", NULL, "The tokens' iss."),
	TEXT("TOKEN_AUDIENCE", token_audience, CONFIG_STRING, "cinesync", NULL, "The tokens' aud."),
	TEXT("DATA_DIR", data_dir, CONFIG_STRING, "var/movie", NULL,
	     "Folder of the index of films seen from TMDB; made when missing. One for each replica."),
	NUMBER("SEEN_FILMS_MAX", seen_films_max, 0, 10000000, "100000", "films",
	       "Films in that index, which answers searches while TMDB is away; 0: none is kept."),
	NUMBER("SEEN_QUEUE_MAX", seen_queue_max, 1, 1000000, "2000", "films",
	       "Films waiting to be written to it; one more is left out, and counted."),
	NUMBER("SEEN_AGE_MAX_MS", seen_age_max_ms, 1, SIX_MONTHS_MS, "15120000000", "ms",
	       "A film not seen for so long leaves it."),
};

const struct config_table movie_settings = {
	.title = "Settings of the movie service",
	.entries = entries,
	.n_entries = ARRAY_SIZE(entries),
};
