/* A new account in the store: what registration does at once, and behind the answer. */
#ifndef CINESYNC_USER_REGISTER_H
#define CINESYNC_USER_REGISTER_H

#include "user/user.h"

struct new_account {
	struct str id;
	struct str email;
	struct str canonical;
	struct str hashed_password;
	struct str display_name;
	struct str language;
	int64_t created_at_ms;
};

/* Yields. In the caller's transaction: the row, a link that proves the address, and com.cinesync.user.created.v1 with
 * that link sealed in it. -EEXIST: the address is taken. */
int register_store(struct store_tx *tx, struct arena *a, const struct new_account *n) MUST_CHECK;

#endif
