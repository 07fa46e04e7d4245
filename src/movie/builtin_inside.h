/* Inside the built-in catalogue: what its files share. builtin.c makes it and knows who answers what, builtin_lists.c
 * and builtin_discover.c answer with pages of films, builtin_film.c with what is known of one. */
#ifndef CINESYNC_MOVIE_BUILTIN_INSIDE_H
#define CINESYNC_MOVIE_BUILTIN_INSIDE_H

#include "movie/films.h"
#include "movie/question.h"
#include "movie/title_index.h"

enum order { BY_PROMINENCE, BY_DATE, BY_TITLE, ORDERS };

struct builtin {
	struct catalogue catalogue;
	unsigned magic;
	struct films films;
	struct title_index *index;
	struct str *directors;    /* that column, one a film */
	uint16_t *orders[ORDERS]; /* every film once, ascending */
	int64_t (*now_ms)(void);  /* since 1970; tests have their own */
	char description[48];
};

/* The source behind the interface; asserts that it is one of ours. */
struct builtin *builtin_of(const struct catalogue *c);
struct str builtin_source(const struct builtin *b);
/* 0 is unknown. */
struct schema_int builtin_known(int64_t value);
/* By bytes, as memcmp(): dates (YYYY-MM-DD) and folded titles; null comes first. */
int builtin_compare(struct str x, struct str y);
/* The genres of the bits, TMDB's names and ids. -ENOMEM. */
int builtin_genre_list(uint32_t bits, struct arena *a, struct schema_array *ret) MUST_CHECK;
/* Page number `page` of the films that the indices name. -ENOMEM. */
int builtin_page(const struct builtin *b, const uint16_t *films, size_t n, int64_t page, struct arena *a,
                 struct movie_page *ret) MUST_CHECK;

/* ---- answers: each fills the reply of the question's kind, or none of it. -ENOENT, -ENOMEM ---- */

int builtin_search(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
int builtin_discover(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
int builtin_popular(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
int builtin_now_playing(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
int builtin_upcoming(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
/* Top-rated and trending: nobody here has voted. */
int builtin_unknown_list(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
int builtin_recommendations(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
int builtin_similar(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
int builtin_find(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
int builtin_genres(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
int builtin_configuration(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
int builtin_details(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
int builtin_brief(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
int builtin_credits(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
int builtin_videos(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;
int builtin_watch_providers(struct builtin *b, const struct question *q, struct arena *a, void *ret) MUST_CHECK;

#endif
