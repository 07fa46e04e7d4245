/* Inside the movie room: where TMDB's images lie. */
#ifndef CINESYNC_MOVIE_TMDB_IMAGE_H
#define CINESYNC_MOVIE_TMDB_IMAGE_H

#include "movie/catalogue.h"

/* The URLs of an image by its path ("/poster.jpg"), in the arena. A path that is none (null, without a slash in front,
 * with characters that TMDB's paths do not have) becomes null, and there are no URLs. base ends with a slash. 0,
 * -ENOMEM. */
int tmdb_poster(struct str base, struct str *path, struct arena *a, struct movie_poster **ret) MUST_CHECK;
int tmdb_backdrop(struct str base, struct str *path, struct arena *a, struct movie_backdrop **ret) MUST_CHECK;
int tmdb_profile(struct str base, struct str *path, struct arena *a, struct movie_profile **ret) MUST_CHECK;
int tmdb_logo(struct str base, struct str *path, struct arena *a, struct movie_logo **ret) MUST_CHECK;
/* In full size; null when the path is none. */
int tmdb_original(struct str base, struct str path, struct arena *a, struct str *ret) MUST_CHECK;
/* Makes a path that is none null. */
void tmdb_path_check(struct str *path);

#endif
