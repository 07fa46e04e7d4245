/* Finds films by what a person types: see search.c for how, README.md for what to expect. Never yields. */
#ifndef CINESYNC_MOVIE_SEARCH_H
#define CINESYNC_MOVIE_SEARCH_H

#include "movie/title_index.h"

#define SEARCH_WORDS_MAX 16   /* words of a query that count */
#define SEARCH_QUERY_MAX 1024 /* bytes; the routes allow 200 code points */

struct search_hit {
	uint64_t rank; /* greater is better; no two are equal */
	uint16_t film; /* index */
};

struct search_hits {
	struct search_hit *items; /* best first; in the arena */
	size_t n;
};

/* All films that the query may mean, best first; in `year` only, when it is not 0. Needs about 150 KB of the arena. A
 * query without a letter or digit finds nothing. -EINVAL: longer than SEARCH_QUERY_MAX; -EILSEQ: not UTF-8; -ENOMEM. */
int search_titles(const struct title_index *ix, struct str query, int year, struct arena *a,
                  struct search_hits *ret) MUST_CHECK;
/* The part of the rank that tells how well the title answers the query, without how well known or new the film is:
 * hits for which it is equal are equally good. */
uint64_t search_hit_match(const struct search_hit *hit);

#endif
