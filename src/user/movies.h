/* Asking the movie service, synchronously, whether a film exists and what it is called. */
#ifndef CINESYNC_USER_MOVIES_H
#define CINESYNC_USER_MOVIES_H

#include "user/messages.h"
#include "user/user.h"

/* At service start. */
void movies_begin(struct user_state *u);
/* Yields, MOVIE_TIMEOUT_MS at most, waiting in line (MOVIE_CALLS_MAX at once) included. 0; -ENOENT: there is no such
 * film; -EHOSTDOWN: it cannot say (logged); -ECANCELED, -ENOMEM. duration_us may be NULL. */
int movies_ask(struct user_state *u, int64_t movie_id, struct arena *a, struct movie_brief *ret,
               int64_t *ret_duration_us) MUST_CHECK;
/* Yields likewise. The films that have this id at IMDb, or this title (in or about year, 0: any), the best first. The
 * list may be empty. Errors as movies_ask(), without -ENOENT; -EHOSTDOWN also while TMDB is away and only films that
 * were seen before could be found. */
int movies_find(struct user_state *u, struct str imdb_id, struct arena *a, struct movie_list *ret) MUST_CHECK;
int movies_search(struct user_state *u, struct str title, int64_t year, struct arena *a,
                  struct movie_list *ret) MUST_CHECK;
/* Yields likewise: its length, genres and directors. -ENOENT: there is no such film. */
int movies_facts(struct user_state *u, int64_t movie_id, struct arena *a, struct movie_facts *ret) MUST_CHECK;
/* What an error of movies_ask() is to a client: 404 no such film, 503 + Retry-After when the movie service cannot say.
 */
int movies_failed(struct request *req, int r, int64_t movie_id) MUST_CHECK;
/* Yields. Is the movie service ready? For /readyz. */
int movies_check(struct user_state *u, struct buf *ret_reason) MUST_CHECK;

#endif
