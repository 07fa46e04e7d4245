/* Text as the search compares it: without case, accents and punctuation. Never yields. */
#ifndef CINESYNC_MOVIE_FOLD_H
#define CINESYNC_MOVIE_FOLD_H

#include "base/arena.h"

/* The words of the text, each followed by one space but the last, in the arena: Unicode full case folding and
 * compatibility decomposition (UAX #15, NFKD) without combining marks; apostrophes and the dots of acronyms vanish
 * ("Ocean's" is "oceans", "E.T." is "et"), "&" is "and", a comma between digits vanishes ("10,000" is "10000"), every
 * other sign parts words ("WALL·E" is "wall e"), and so does an apostrophe behind a single letter ("d'Amélie" is
 * "d amelie"). May be empty. -EILSEQ: not UTF-8; -ENOMEM. */
int fold_words(struct str text, struct arena *a, struct str *ret) MUST_CHECK;

/* The same without the spaces: "walle". */
struct str fold_joined(struct str words, struct arena *a);

/* The next word at *pos of folded text, moving past it; false at the end. */
bool fold_next_word(struct str words, size_t *pos, struct str *ret);

/* Unicode case folding (NFC) with runs of white space made one space and trimmed, signs and accents kept: under which
 * two spellings of a query are one. -EILSEQ, -ENOMEM. */
int fold_caseless(struct str text, struct arena *a, struct str *ret) MUST_CHECK;

#endif
