/* A source of films whose answers are noted in the index of films seen. */
#ifndef CINESYNC_MOVIE_OBSERVED_H
#define CINESYNC_MOVIE_OBSERVED_H

#include "movie/catalogue.h"

struct seen;

/* Answers as `inner` does; what it shows is handed to seen_add(). Takes `inner` over, also on failure; seen must
 * outlive it. -ENOMEM. */
int observed_new(struct catalogue **inner, struct seen *seen, struct catalogue **ret) MUST_CHECK;

#endif
