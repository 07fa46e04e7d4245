/* Ranks what may be found by the rules of the built-in search. Private to seen*.c; never yields, and may run on a pool
 * thread. */
#ifndef CINESYNC_MOVIE_SEEN_RANK_H
#define CINESYNC_MOVIE_SEEN_RANK_H

#include "movie/catalogue.h"

/* A film that may be what is looked for. */
struct seen_candidate {
	int64_t id;
	struct str title;
	struct str original_title; /* null: unknown */
	int year;                  /* 0: unknown */
	double popularity;
	const struct movie_item *item; /* of a built-in film; NULL: one that was seen */
};

struct seen_ranking {
	size_t *order; /* indices of candidates, best first; in the arena */
	size_t n;
};

/* A film is found by either of its titles; among equally good ones the more popular comes first. A built-in film that
 * was seen too, going by title and year, is left out. A query that is no UTF-8 finds nothing. -ENOMEM. */
int seen_rank(const struct seen_candidate *candidates, size_t n, struct str query, int year, struct arena *a,
              struct seen_ranking *ret) MUST_CHECK;

#endif
