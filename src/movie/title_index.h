/* The index of titles that the search reads: every word with the films it is in, and every whole title, both sorted, so
 * that "equal to" and "begins with" are ranges. Immutable once made; never yields. */
#ifndef CINESYNC_MOVIE_TITLE_INDEX_H
#define CINESYNC_MOVIE_TITLE_INDEX_H

#include "base/arena.h"
#include "movie/films.h"

/* A word of titles, or two neighbouring words written as one ("spiderman" of "Spider-Man"). */
struct title_word {
	struct str text;    /* folded */
	uint64_t letters;   /* distance_set() */
	uint32_t n_letters; /* code points */
	uint32_t n_films;
	const uint16_t *films; /* indices, ascending */
};

/* A whole title without spaces; a title with a leading article is in twice, with and without it. */
struct title_key {
	struct str text;
	struct str words; /* with the spaces */
	uint64_t letters;
	uint32_t n_letters;
	uint16_t film;
};

struct title_index {
	const struct films *films; /* not owned */
	struct str *titles;        /* folded words, one a film */
	struct title_word *words;
	size_t n_words;
	struct title_key *keys;
	size_t n_keys;
	struct arena *arena; /* holds all of it */
};

#define TITLE_FILMS_MAX UINT16_MAX

/* films must outlive it. -EMSGSIZE: more than TITLE_FILMS_MAX films; -EILSEQ, -ENOMEM. */
int title_index_new(const struct films *films, struct title_index **ret) MUST_CHECK;
void title_index_free(struct title_index **ix);

/* A range [from, to). */
struct title_range {
	size_t from;
	size_t to;
};

/* The words or keys that begin with the text; the one equal to it, if any, comes first. */
struct title_range title_words_prefixed(const struct title_index *ix, struct str prefix);
struct title_range title_keys_prefixed(const struct title_index *ix, struct str prefix);
/* The word equal to the text, or NULL. */
const struct title_word *title_word_find(const struct title_index *ix, struct str text);

/* Folded words without a leading "the", "a" or "an"; all of them when nothing else is there. */
struct str title_without_article(struct str words);

#endif
