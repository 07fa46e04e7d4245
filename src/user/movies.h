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
/* What an error of movies_ask() is to a client: 404 no such film, 503 + Retry-After when the movie service cannot say.
 */
int movies_failed(struct request *req, int r, int64_t movie_id) MUST_CHECK;
/* Yields. Is the movie service ready? For /readyz. */
int movies_check(struct user_state *u, struct buf *ret_reason) MUST_CHECK;

#endif
