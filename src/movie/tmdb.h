/* TMDB (API v3) as a source of films. What it sends is taken as it comes and made strict; an answer without the essence
 * (no list, no film) is none. Its images and its attribution come with it. Asking yields; films of the built-in
 * catalogue are asked of that one, so that what refers to them still opens. */
#ifndef CINESYNC_MOVIE_TMDB_H
#define CINESYNC_MOVIE_TMDB_H

#include "movie/catalogue.h"

struct upstream;

#define TMDB_IMAGE_BASE_MAX 200 /* bytes */

/* u and builtin (may be NULL: its films are unknown) are not owned and must outlive the source. base_url is what u
 * calls, for describe() alone. image_base: "https://image.tmdb.org/t/p/". -EINVAL: that is no http or https URL, or too
 * long; -ENOMEM. */
int tmdb_new(struct upstream *u, struct catalogue *builtin, const char *base_url, const char *image_base,
             struct catalogue **ret) MUST_CHECK;

#endif
