/* Asking the movie service, synchronously, whether a film exists and what it is called. */
#ifndef CINESYNC_USER_MOVIES_H
#define CINESYNC_USER_MOVIES_H

#include "user/messages.h"
#include "user/user.h"

/* Yields. 0; or an error to return from the handler: 404 no such film, 503 + Retry-After when the movie service cannot
 * say within MOVIE_TIMEOUT_MS. */
int movies_brief(struct request *req, int64_t movie_id, struct movie_brief *ret) MUST_CHECK;
/* Yields. Is the movie service ready? For /readyz. */
int movies_check(struct user_state *u, struct buf *ret_reason) MUST_CHECK;

#endif
