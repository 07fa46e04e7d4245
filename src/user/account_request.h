/* What strangers ask for with an address: a new password, another link, in REGISTRATION=confirm an account. The request
 * is written down, the same for every address, and answered; a fiber looks at it behind the answer. So an answer that
 * was given holds after a crash, and its time tells nobody whether the address is known. */
#ifndef CINESYNC_USER_ACCOUNT_REQUEST_H
#define CINESYNC_USER_ACCOUNT_REQUEST_H

#include "user/user.h"

struct account_request {
	const char *kind; /* "register", "verify_email", "reset_password" */
	struct str email;
	struct str hashed_password; /* register; else null */
	struct str display_name;
	struct str language;
};

struct account_keeper;

/* Yields. Keeps the request. -EINVAL: that is no address; else as store_query(). */
int account_request_add(struct request *req, const struct account_request *r) MUST_CHECK;

/* Starts and ends the fiber that carries requests out. */
int account_keeper_start(struct user_state *u, struct account_keeper **ret) MUST_CHECK;
void account_keeper_stop(struct account_keeper **k);

#endif
