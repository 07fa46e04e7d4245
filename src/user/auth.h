/* What log-in, sessions and passwords share. */
#ifndef CINESYNC_USER_AUTH_H
#define CINESYNC_USER_AUTH_H

#include "user/session.h"
#include "user/user.h"

/* A hashing that failed, as what the handler returns: 503 with Retry-After when too many wait for one. */
int auth_password_failed(struct request *req, int r) MUST_CHECK;

/* Yields. Whoever is logged in, as the database knows them; *ret_hash, unless NULL: of the password. 0; or the error to
 * return. */
int auth_user_read(struct request *req, struct session_user *ret, struct str *ret_hash) MUST_CHECK;
/* Yields for the time of a hash. The password of whoever is logged in, once more, counted by LIMIT_CHECK_PASSWORD;
 * action: what failed in the trail when it is wrong ("user.delete"). 0; or the error to return: wrong-password, 429,
 * 503. */
int auth_password_again(struct request *req, struct str password, const char *action,
                        struct session_user *ret) MUST_CHECK;

/* Answers with the tokens of a session. device_token: null: none is given. */
int auth_respond_tokens(struct request *req, const struct session *s, struct str device_token) MUST_CHECK;

/* 202, the same for every address. */
int respond_mail_sent(struct request *req) MUST_CHECK;
/* The 400 of a one-time link that is no good. */
int email_invalid_link(struct request *req) MUST_CHECK;

#endif
