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

#define SESSIONS_MAX_LIMIT 100 /* of SESSIONS_MAX */

/* Whose session it is to be. */
struct session_user {
	struct str id;
	struct str role;
	struct str email;
	struct str display_name;
	struct str language;
};

/* Yields. A new session of that user, from where the request comes: the row, the trail's entry, and the mail about a
 * new device in one transaction; when there are more than SESSIONS_MAX the ones used longest ago end. is_known: the
 * device has shown that it logged in before. */
int session_create(struct request *req, const struct session_user *user, bool is_known, struct session *ret) MUST_CHECK;
/* Yields. Trades a refresh token in. -EACCES: unknown, expired, revoked, or of an inactive user; -ESTALE: used before
 * (the session has been ended, its owner told). */
int session_rotate(struct request *req, struct str token, struct session *ret) MUST_CHECK;
enum session_scope { SESSION_THIS, SESSION_OTHERS, SESSION_ALL };
/* Yields. In the caller's transaction, ends sessions of that user; *ret_ended: their ids, one a row, for
 * session_revoked_tell() after the commit. session_id may be null with SESSION_ALL. reason: "logged_out",
 * "password_changed", "deactivated", "deleted" … */
int session_end(struct store_tx *tx, struct arena *a, struct str user_id, struct str session_id,
                enum session_scope scope, const char *reason, struct store_rows *ret_ended) MUST_CHECK;
/* Yields. Tells the other services (through Redis, when there is one) that these sessions have ended: ids, one a row.
 * What cannot be told now is told later. */
void session_revoked_tell(const struct store_rows *ended);
/* Yields. At start: what an earlier process had ended and may not have told any more. -errno as store_read(). */
int session_revoked_tell_again(struct user_state *u) MUST_CHECK;
/* Yields. 0: alive, *ret_role is what the user may do now; -EACCES: it is not. */
int session_check(struct user_state *u, struct arena *a, struct str session_id, struct str *ret_user_id,
                  struct str *ret_role) MUST_CHECK;

/* A fiber that deletes sessions that ended a week ago, once an hour; cancel it to stop. */
int session_pruner_start(struct user_state *u, struct fiber **ret) MUST_CHECK;

#endif
