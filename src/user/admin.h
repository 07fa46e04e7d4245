/* What administrators do to accounts. */
#ifndef CINESYNC_USER_ADMIN_H
#define CINESYNC_USER_ADMIN_H

#include "user/user.h"

struct admin_change {
	struct str user_id;
	struct str role;                /* null: stays */
	const bool *is_active;          /* NULL: stays */
	bool is_deleted;                /* the account goes for good */
	struct str email, display_name; /* is_deleted: for the goodbye */
	struct str language;
};

/* Yields. Applies it in one transaction with its audit event (req NULL: done by the command line) and ends the sessions
 * that must not go on. 0; -ENOENT: no such account; -EPERM: it would leave no active administrator; else as
 * store_commit(). */
int admin_apply(struct request *req, struct arena *a, const struct admin_change *c) MUST_CHECK;

/* The command `admin grant EMAIL | revoke EMAIL | list`; yields. The exit code. */
int admin_command(struct store *s, int argc, char **argv);

#endif
