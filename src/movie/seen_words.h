/* What the index of films seen keeps of a title, and what a search asks it: FTS5 expressions. Private to seen*.c; never
 * yields, allocates in the caller's arena only. */
#ifndef CINESYNC_MOVIE_SEEN_WORDS_H
#define CINESYNC_MOVIE_SEEN_WORDS_H

#include "movie/search_match.h"

#define SEEN_FORM_LETTERS_MIN 3
#define SEEN_FORM_LETTERS_MAX 24

/* Space-separated folded words: columns of the table films. */
struct seen_words {
	struct str words; /* of the title and the original title; each two neighbours as one word too */
	struct str whole; /* each title as one word, with and without its leading article */
	struct str forms; /* the words and whole titles once more, with their forms */
};

/* original may be null. -EILSEQ: not UTF-8; -ENOBUFS: far too long; -ENOMEM. */
int seen_words_make(struct str title, struct str original, struct arena *a, struct seen_words *ret) MUST_CHECK;

/* The forms of a word: what is left when one letter is left out, each once (Garbe's symmetric delete). Two words are
 * one insertion, deletion, substitution or swap of neighbours apart only if they have a form in common or one is a form
 * of the other. None for words of fewer or more letters than the limits. The number of them, or -ENOMEM. */
int seen_forms(struct str word, struct arena *a, struct str ret[SEEN_FORM_LETTERS_MAX]) MUST_CHECK;

/* A search taken apart. */
struct seen_query {
	struct str text; /* folded; "" finds nothing */
	struct query_word words[SEARCH_WORDS_MAX];
	size_t n_words;
	int year; /* asked for beside the words; 0: any */
	struct arena *arena;
};

int seen_query_init(struct seen_query *q, struct str query, int year, struct arena *a) MUST_CHECK;

/* How titles are looked for, best first. All but the last two go to the table titles, those to spellings. */
enum seen_step {
	SEEN_TITLE,       /* the title is the query */
	SEEN_WORDS,       /* it begins with it, or has every word of it */
	SEEN_WORDS_BEGUN, /* every word begins a word of it */
	SEEN_LOOSELY,     /* the same but for a typing error a word; the years of the query are doubted */
	SEEN_MOSTLY,      /* all words but one, typing errors or not */
	SEEN_STEPS
};

/* The FTS5 expression of a step; null when there is none for this query. Nothing of the query but its folded words is
 * in it, each in quotes. -ENOBUFS, -ENOMEM. */
int seen_match(const struct seen_query *q, enum seen_step step, struct str *ret) MUST_CHECK;
/* The same for one word alone, typing errors or not, in spellings; null for words that say nothing. */
int seen_match_word(const struct seen_query *q, size_t word, struct str *ret) MUST_CHECK;

#endif
