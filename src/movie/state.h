/* Making and ending what serves the movie service's process. */
#ifndef CINESYNC_MOVIE_STATE_H
#define CINESYNC_MOVIE_STATE_H

#include "movie/movie.h"
#include "service/service.h"

/* Whether films come from TMDB. */
bool movie_has_tmdb(const struct movie_config *config);
/* Yields. Fills a zeroed struct; on failure movie_state_done() is still to be called. -EINVAL, -ENOMEM, -EIO. */
int movie_state_open(struct movie_state *m, struct service_run *run, const struct movie_config *config) MUST_CHECK;
/* Declares the metrics of the cache and of the films seen. */
void movie_metrics_begin(struct movie_state *m);

#endif
