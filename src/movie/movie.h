/* The movie service from inside: its settings, its state, its routes. */
#ifndef CINESYNC_MOVIE_MOVIE_H
#define CINESYNC_MOVIE_MOVIE_H

#include "cache/local.h"
#include "fiber/flight.h"
#include "http/server.h"
#include "movie/catalogue.h"

struct movie_config {
	int64_t cache_entries_max;
	int64_t cache_bytes_max;
	int64_t search_ttl_ms; /* lists: search and discover */
	int64_t details_ttl_ms;
	int64_t genres_ttl_ms;
	int64_t flights_max;
};

struct movie_state {
	const struct movie_config *config;
	struct catalogue *catalogue;  /* owned */
	struct local_cache *cache;    /* struct reply by question; owned */
	struct flight_group *flights; /* owned */
};

/* What serves this process: main.c has it from the service room, tests make their own. */
struct movie_state *movie_state(void);

/* Fills the rest of *ret from config and takes the catalogue over (also on failure). -EINVAL: a setting out of range;
 * -ENOMEM. */
int movie_state_init(const struct movie_config *config, struct catalogue **catalogue,
                     struct movie_state *ret) MUST_CHECK;
/* No flight may be under way. Takes a zeroed struct. */
void movie_state_done(struct movie_state *m);

extern const struct route movie_routes[];

#endif
