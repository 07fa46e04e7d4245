/* The built-in catalogue: ~3,800 real films compiled in, indexed in memory at start (~20 ms, ~2 MB), read-only. Never
 * yields. What its table does not know is null; language, region and include_adult change nothing. */
#ifndef CINESYNC_MOVIE_BUILTIN_H
#define CINESYNC_MOVIE_BUILTIN_H

#include "movie/catalogue.h"

/* Reads the table and builds the index. -EBADMSG: the table compiled in is faulty (films.h); -ENOMEM. */
int builtin_new(struct catalogue **ret) MUST_CHECK;

#endif
