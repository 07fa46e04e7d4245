/* The end of an account: asked for by its owner, thought over for a while, then for good. */
#ifndef CINESYNC_USER_ACCOUNT_END_H
#define CINESYNC_USER_ACCOUNT_END_H

#include "user/user.h"

struct account_owner {
	struct str id;
	struct str email;
	struct str display_name;
	struct str language;
};

/* Yields. In the caller's transaction: the row and everything that hangs on it goes, and com.cinesync.user.deleted.v1
 * tells the others to forget. The audit trail keeps the id. Kick the outbox after the commit. -ENOENT: there is none.
 */
int account_erase(struct store_tx *tx, struct arena *a, const struct account_owner *owner) MUST_CHECK;

/* A fiber that erases the accounts whose time has come, once a minute; cancel it to stop. */
int account_eraser_start(struct user_state *u, struct fiber **ret) MUST_CHECK;

#endif
