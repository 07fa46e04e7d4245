/* What a request asks of the catalogue, as a value: two requests with the same question have the same key, whatever the
 * order of their parameters, their defaults and their case. */
#ifndef CINESYNC_MOVIE_QUESTION_H
#define CINESYNC_MOVIE_QUESTION_H

#include "base/buf.h"
#include "movie/catalogue.h"

enum question_kind { QUESTION_SEARCH, QUESTION_DISCOVER, QUESTION_DETAILS, QUESTION_GENRES, QUESTION_BRIEF };

struct question {
	enum question_kind kind;
	union {
		struct catalogue_search search;
		struct catalogue_discover discover;
		struct {
			struct movie_path path;
			struct movie_language query;
		} movie; /* details and brief */
		struct movie_language genres;
	} of;
};

/* Adds the key of the answer: the version of our messages, the kind, the parameters in one fixed spelling. Sorts the
 * genres of a discover in place. Errors stick to the buffer; -EILSEQ, -ENOMEM. */
int question_key(struct question *q, struct arena *scratch, struct buf *ret) MUST_CHECK;
/* A copy that keeps its strings in the arena. -ENOMEM. */
int question_copy(const struct question *q, struct arena *a, struct question *ret) MUST_CHECK;
/* Asks, and adds the answer as JSON. May yield. As the catalogue's functions. */
int question_ask(const struct question *q, struct catalogue *c, struct arena *a, struct buf *ret) MUST_CHECK;

#endif
