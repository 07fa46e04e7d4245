/* Guessing and flooding: how often an address, an account and the pair of them may do what an attacker would repeat.
 *
 * An address is the client's (IPv6: its /64). An account is named by its canonical e-mail address or its id, and its
 * key is an HMAC of that. Denials are 429 with Retry-After; RateLimit and RateLimit-Policy stand on every answer to
 * what was counted. With Redis all replicas count together. */
#ifndef CINESYNC_USER_LIMIT_H
#define CINESYNC_USER_LIMIT_H

#include "cache/limiter.h"
#include "user/user.h"

enum limit_action {
	LIMIT_REGISTER,       /* by address */
	LIMIT_REFRESH,        /* by address */
	LIMIT_MAIL,           /* what sends a mail to somebody who may not want it: by address and account */
	LIMIT_USE_LINK,       /* verify, reset, confirm a change of address: by address */
	LIMIT_CHECK_PASSWORD, /* by somebody logged in (change, delete, second factor): by account */
	LIMIT_SECOND_FACTOR,  /* six digits: by account */
	LIMIT_WRITE,          /* library: by account */
	LIMIT_IMPORT,         /* by account */
	LIMIT_EXPORT,         /* copies of an account or a library: by account */
	LIMIT_ACTIONS
};

struct limits;

/* On a fiber. By the settings; u->redis and u->secret_seal must be there. -ENOMEM. */
int limits_new(const struct user_state *u, struct limits **ret) MUST_CHECK;
void limits_free(struct limits **l);

/* Yields. 0: go on; else the problem to return. account: null: by address only. */
int limit_take(struct request *req, enum limit_action action, struct str account) MUST_CHECK;
/* Yields. Forgets what was counted against that account's log-ins: its password is a new one. */
void limit_forget(struct request *req, struct str canonical);

#define LIMIT_ID_SIZE 33 /* 32 hexadecimal digits and the NUL */

/* One log-in under way. */
struct limit_login {
	struct limiter_key keys[3];
	size_t n;
	char ids[2][LIMIT_ID_SIZE];
};

/* Yields. Counts the attempt as a failure before it is made. By address; and by account and by the pair of both, or for
 * a device that is known (device: its id, else "") by that device alone, which nobody else can hold up. 0; or the
 * problem. canonical: of whatever was typed, "" for what is no address. *ret refers to itself: do not copy it. */
int limit_login_take(struct request *req, struct str canonical, const char *device, struct limit_login *ret) MUST_CHECK;
/* Yields. What became of it; a failure needs none. */
void limit_login_settle(const struct limit_login *login, enum limiter_outcome outcome);

#endif
