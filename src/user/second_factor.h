/* The second factor of an account: off until its owner has shown a first code. The secret lies sealed in the database,
 * recovery codes as HMACs; a code, of either kind, is taken once, by one atomic statement. */
#ifndef CINESYNC_USER_SECOND_FACTOR_H
#define CINESYNC_USER_SECOND_FACTOR_H

#include "user/session.h"
#include "user/totp.h"

extern const struct problem problem_second_factor_required; /* 401 */
extern const struct problem problem_invalid_code;           /* 403 */

/* One of both; the other is null. */
struct second_factor_proof {
	struct str code;
	struct str recovery_code;
};

struct recovery_codes {
	char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE];
};
/* Wipes them. */
void recovery_codes_done(struct recovery_codes *c);

/* Yields. 1: it is on; 0: it is not; store errors. */
int second_factor_is_on(struct user_state *u, struct arena *a, struct str user_id) MUST_CHECK;
/* Yields. Takes the code, counted by LIMIT_SECOND_FACTOR: per account, or for a device that is known (device: its id,
 * else "") by that device alone. The owner hears of a recovery code's use. 0; or the error to return: invalid-code,
 * 429. */
int second_factor_prove(struct request *req, const struct session_user *user, const struct second_factor_proof *proof,
                        const char *device) MUST_CHECK;

/* Yields. A new secret, not on yet. -EEXIST: one is on already; store errors. */
int second_factor_begin(struct request *req, struct str user_id, uint8_t ret_secret[TOTP_SECRET_SIZE]) MUST_CHECK;
/* Yields. Turns it on if the code is the secret's; recovery codes are made. -ENOENT: nothing was begun in the last 15
 * minutes; -EACCES: a wrong code; store errors. */
int second_factor_enable(struct request *req, const struct session_user *user, struct str code,
                         struct recovery_codes *ret) MUST_CHECK;
/* Yields. Turns it off; its codes go with it. Store errors. */
int second_factor_disable(struct request *req, const struct session_user *user) MUST_CHECK;
/* Yields. New recovery codes in the place of the old ones. Store errors. */
int second_factor_renew(struct request *req, const struct session_user *user, struct recovery_codes *ret) MUST_CHECK;

#endif
