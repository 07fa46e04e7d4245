/* One-time links: 256 random bits that a person gets by mail and that work once. The database has their SHA-256. */
#ifndef CINESYNC_USER_LINK_H
#define CINESYNC_USER_LINK_H

#include "user/user.h"

#define LINK_TOKEN_SIZE 44 /* 43 characters of base64url and the NUL */

enum link_purpose { LINK_VERIFY_EMAIL, LINK_RESET_PASSWORD, LINK_CHANGE_EMAIL };

struct link {
	char token[LINK_TOKEN_SIZE]; /* to be wiped */
	int64_t expires_at_ms;
};

/* Yields. In the caller's transaction: a link for that user and purpose, which proves that address; earlier ones of the
 * purpose work no longer. */
int link_make(struct store_tx *tx, struct arena *a, struct str user_id, enum link_purpose purpose, struct str email,
              struct link *ret) MUST_CHECK;
/* Yields. In the caller's transaction: uses it up. -ENOENT: it is unknown, used, too old, or for something else. */
int link_use(struct store_tx *tx, struct arena *a, enum link_purpose purpose, struct str token, struct str *ret_user_id,
             struct str *ret_email) MUST_CHECK;
/* Yields. Would link_use() take it now? 0, with the account's own words for the check of a new password; -ENOENT. */
int link_peek(struct store *s, struct arena *a, enum link_purpose purpose, struct str token, struct str *ret_email,
              struct str *ret_display_name) MUST_CHECK;
/* Yields. Is it one that was used a while ago and has proven the address the account has? */
int link_was_good(struct store *s, struct arena *a, struct str token, bool *ret) MUST_CHECK;
/* Yields. Was one of that purpose made within LINK_COOLDOWN_S? */
int link_is_fresh(struct store_tx *tx, struct arena *a, struct str user_id, enum link_purpose purpose,
                  bool *ret) MUST_CHECK;

#endif
