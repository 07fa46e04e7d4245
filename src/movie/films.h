/* The table of the built-in catalogue (data/catalog.tsv; data/README.md says what its columns mean), read in place.
 * Never yields. */
#ifndef CINESYNC_MOVIE_FILMS_H
#define CINESYNC_MOVIE_FILMS_H

#include "base/str.h"

/* Film ids are FILM_ID_BASE + the row's number, counted from 1: far above TMDB's, so that the two cannot be mistaken
 * for each other. Rows are append-only, so ids are for ever. */
#define FILM_ID_BASE 1000000000

struct film_genre {
	int64_t id; /* TMDB's */
	const char *name;
};

#define FILM_GENRES 19
/* TMDB's genres in the order of their names; a film's genres are bits by this order. */
extern const struct film_genre film_genres[FILM_GENRES];
/* The index of the genre of that id, or -1. */
int film_genre_index(int64_t id);

enum film_column {
	FILM_TITLE,
	FILM_YEAR,
	FILM_RELEASE_DATE,
	FILM_GENRE_NAMES,
	FILM_RUNTIME,
	FILM_DIRECTORS,
	FILM_CERTIFICATION,
	FILM_DISTRIBUTOR,
	FILM_SOURCES,
	FILM_COLUMNS
};

struct film {
	struct str row;
	struct str title;
	struct str release_date; /* null: unknown */
	int year;
	int runtime;         /* minutes; 0: unknown */
	uint32_t genres;     /* bits by index in film_genres */
	unsigned prominence; /* 0..FILM_PROMINENCE_MAX */
};

/* How well known a film is, as far as the table tells: 2: it is in the hand-picked set of the two; 1: its director is
 * known; 0: not even that. It stands in for popularity, which the table does not have. */
#define FILM_PROMINENCE_MAX 2

struct films {
	struct film *items;
	size_t n;
};

/* Reads the table; the films point into tsv, which must stay. -EBADMSG: *ret_line holds the number of the faulty line
 * (1 is the header); -ENOMEM. */
int films_read(struct str tsv, struct films *ret, size_t *ret_line) MUST_CHECK;
void films_done(struct films *f);

/* NULL: no such film. */
const struct film *films_find(const struct films *f, int64_t id);
int64_t film_id(const struct films *f, const struct film *film);
/* The text of a column; null when it is empty. */
struct str film_column(const struct film *film, enum film_column column);
/* The parts of a column parted by '|': true and the next one, false at the end. *pos starts at 0. */
bool film_next_part(struct str column, size_t *pos, struct str *ret);

#endif
