/* The first half of a search: which film answers which word of the query, and how well; and which titles begin with the
 * query as a whole. search.c makes ranks of it. */
#ifndef CINESYNC_MOVIE_SEARCH_MATCH_H
#define CINESYNC_MOVIE_SEARCH_MATCH_H

#include "movie/distance.h"
#include "movie/search.h"

/* How well a word of a title answers a word of the query; 0: not at all. */
enum {
	QUALITY_FUZZY_TWO = 40,   /* two typing errors */
	QUALITY_FUZZY_FIRST = 45, /* one, in the first letter: people seldom miss that one */
	QUALITY_FUZZY_BEGUN = 50, /* begins with it but for one typing error */
	QUALITY_FUZZY = 60,       /* one typing error */
	QUALITY_BEGUN = 80,       /* begins with it */
	QUALITY_ALIAS = 95,       /* the same number written otherwise: 2, ii, two */
	QUALITY_EQUAL = 100,
};

/* How a whole title answers the whole query. */
enum title_match {
	TITLE_NO,
	TITLE_NEAR,          /* equal but for typing errors */
	TITLE_BEGUN,         /* begins with it, in the middle of a word */
	TITLE_BEGUN_AT_WORD, /* at the end of a word */
	TITLE_EQUAL,
};

struct query_word {
	struct str text;
	struct distance_word letters;
	bool optional; /* "the", "of": films without it are found as well */
	bool number;   /* digits only: no typing errors are forgiven */
	int year;      /* what it may mean as a year, 0: nothing */
};

struct film_match {
	uint8_t title; /* enum title_match */
	bool literal;  /* the title match needed no article dropped from the query */
	bool year;     /* a word of the query is its year */
};

struct search {
	const struct title_index *ix;
	struct arena *arena;
	struct str query; /* folded */
	struct query_word words[SEARCH_WORDS_MAX];
	size_t n_words;
	uint8_t *quality[SEARCH_WORDS_MAX]; /* by word and film */
	struct film_match *films;           /* by film */
};

/* The words of a folded query, at most SEARCH_WORDS_MAX, and what is special about each; how many. */
size_t search_words(struct str query, struct query_word ret[SEARCH_WORDS_MAX]);
/* The next other spelling of a small number at *pos: true, or false at the end. *pos starts at 0. */
bool search_next_alias(struct str word, size_t *pos, struct str *ret);

/* Folds the query and makes room. As search_titles(). */
int search_begin(struct search *s, const struct title_index *ix, struct str query, struct arena *a) MUST_CHECK;
/* Everything but typing errors. -ENOMEM. */
int search_match_strictly(struct search *s) MUST_CHECK;
/* Adds what is found when typing errors are forgiven. -ENOMEM. */
int search_match_loosely(struct search *s) MUST_CHECK;

#endif
