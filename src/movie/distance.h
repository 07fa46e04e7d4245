/* How far two words are apart in typing errors. Never yields, allocates nothing. */
#ifndef CINESYNC_MOVIE_DISTANCE_H
#define CINESYNC_MOVIE_DISTANCE_H

#include "base/str.h"

#define DISTANCE_LENGTH_MAX 48 /* code points; longer words are compared by their first 48 */

/* A word taken apart once, to be compared with many. */
struct distance_word {
	uint32_t letters[DISTANCE_LENGTH_MAX];
	size_t n;
	uint64_t set; /* one bit a letter, several letters a bit: what is missing in a set is missing in the word */
};

/* word: valid UTF-8. */
void distance_word_init(struct distance_word *w, struct str word);
/* The letters of the word as such a set, without taking it apart. */
uint64_t distance_set(struct str word);
/* At least this many letters of `set` are missing from `from`; never more than their distance. */
unsigned distance_missing(uint64_t set, uint64_t from);

/* The least number of insertions, deletions, substitutions and swaps of neighbours that turn a into b (optimal string
 * alignment; Damerau 1964, Boytsov 2011). *ret_prefix, which may be NULL: into any beginning of b. */
unsigned distance_between(const struct distance_word *a, const struct distance_word *b, unsigned *ret_prefix);

#endif
