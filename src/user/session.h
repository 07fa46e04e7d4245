/* Sessions: one a log-in, with a chain of single-use refresh tokens.
 *
 * A refresh token is 256 random bits; the store holds its SHA-256. Its successor is HMAC-SHA-256(rotation key of the
 * session, token), so that a client whose answer was lost gets the same successor again within the grace, and nobody
 * else's token is ever made. A used token that comes back later, or whose successor is used already, was stolen: the
 * session ends (RFC 9700, section 4.14.2). */
#ifndef CINESYNC_USER_SESSION_H
#define CINESYNC_USER_SESSION_H

#include "user/user.h"

#define REFRESH_TOKEN_SIZE 44 /* 43 characters of base64url and the NUL */

struct session {
	struct str id;
	struct str user_id;
	struct str role;
	char refresh_token[REFRESH_TOKEN_SIZE];
};

/* Yields. A new session of that user. */
int session_create(struct user_state *u, struct arena *a, struct str user_id, struct str role, struct str user_agent,
                   struct str address, struct session *ret) MUST_CHECK;
/* Yields. Trades a refresh token in. -EACCES: unknown, expired, revoked, or of an inactive user; -ESTALE: used before
 * (the session has been ended). */
int session_rotate(struct user_state *u, struct arena *a, struct str token, struct session *ret) MUST_CHECK;
/* Yields. Ends it; ending an ended one is fine. */
int session_revoke(struct user_state *u, struct arena *a, struct str session_id) MUST_CHECK;
/* Yields. 0: alive, *ret_role is what the user may do now; -EACCES: it is not. */
int session_check(struct user_state *u, struct arena *a, struct str session_id, struct str *ret_user_id,
                  struct str *ret_role) MUST_CHECK;

/* A fiber that deletes sessions that ended a week ago, once an hour; cancel it to stop. */
int session_pruner_start(struct user_state *u, struct fiber **ret) MUST_CHECK;

#endif
