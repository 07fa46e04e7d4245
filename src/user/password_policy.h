/* What a new password has to be: long enough, and hard enough to guess, as zxcvbn estimates it (Wheeler, "zxcvbn:
 * Low-Budget Password Strength Estimation", USENIX Security 2016). */
#ifndef CINESYNC_USER_PASSWORD_POLICY_H
#define CINESYNC_USER_PASSWORD_POLICY_H

#include "user/user.h"

/* Of an estimate: 0 too guessable … 4 very unguessable, by the paper's bounds of guesses (10^3, 10^6, 10^8, 10^10). */
struct password_strength {
	int score;
	const char *advice; /* static, for people; NULL: nothing to say */
};

/* Blocks for some milliseconds: for a pool thread. words: NULL-terminated, what an attacker would try first. password:
 * any bytes; the first PASSWORD_POLICY_LOOKED_AT of them are looked at, the rest counts as no help. Wipes its copies.
 */
#define PASSWORD_POLICY_LOOKED_AT 100
void password_strength(struct str password, const char *const *words, struct password_strength *ret);

/* Yields. Checks a new password against PASSWORD_LENGTH_MIN and PASSWORD_SCORE_MIN; field: the body's, for the
 * violation. email and display_name (may be null): the owner's, which are no good in it. 0, or the 422 to return. */
int password_policy_check(struct request *req, const char *field, struct str password, struct str email,
                          struct str display_name) MUST_CHECK;

#endif
