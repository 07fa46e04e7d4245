/* Finding out which film a row of an import means: by TMDB's id, by IMDb's, then by title and year. */
#ifndef CINESYNC_USER_IMPORT_MATCH_H
#define CINESYNC_USER_IMPORT_MATCH_H

#include "import/import.h"
#include "user/messages.h"
#include "user/user.h"

/* Why there is no film. Also in the database, and in the API. */
#define IMPORT_NOT_FOUND "not-found"
#define IMPORT_AMBIGUOUS "ambiguous"

enum { IMPORT_CANDIDATES_MAX = 5 };

/* A film that a file names. */
struct import_film {
	int64_t movie_id;         /* 0: none was found */
	struct movie_brief brief; /* .id 0: not read yet; of a film */
	struct str reason;        /* of none */
	struct str candidates;    /* JSON as import_candidates_schema; of none, null: there are none */
};

/* When the movie service may be asked again: IMPORT_CALLS_PER_S of all imports. */
struct import_pace {
	int64_t next_ms; /* clock_mono_ms() */
};

/* What the row calls its film, the same for all rows that mean the same: at most 200 bytes. -ENOMEM. */
int import_film_key(const struct import_row *row, struct arena *a, struct str *ret) MUST_CHECK;

/* Yields. *ret is in the arena. A film that was found is in the films table then. 0, also when there is none;
 * -EHOSTDOWN: the movie service cannot say; -ECANCELED; as store_query(). */
int import_match(struct user_state *u, struct import_pace *pace, const struct import_row *row, struct arena *a,
                 struct import_film *ret) MUST_CHECK;

/* Yields. The brief of a film whose id is known: from the films table, else from the movie service. -ENOENT: there is
 * none any more; else as import_match(). */
int import_film_brief(struct user_state *u, struct import_pace *pace, int64_t movie_id, struct arena *a,
                      struct movie_brief *ret) MUST_CHECK;

/* Which of the films that were found has this title, in any language we know it in, and this year. A year that is one
 * off counts if no film has the year itself: sites differ in what a release is. Of several the one that far more people
 * know. The index; -ENOENT: none; -ENOTUNIQ: several; -ENOMEM. year 0: any. Never yields. */
int import_pick(struct str title, int64_t year, const struct movie_list *found, struct arena *a) MUST_CHECK;

#endif
