/* Peppers: secrets mixed into password hashes and kept out of the database, so that a thief of the database alone can
 * try no password at all. Several may be known at once, the newest first; each hash names its own. */
#ifndef CINESYNC_USER_PEPPER_H
#define CINESYNC_USER_PEPPER_H

#include "base/str.h"

#define PEPPER_ID_SIZE 17 /* 16 characters of A-Z a-z 0-9 _ - and the NUL */

struct peppers;
struct pepper;

/* For a config_entry's check: NULL when text is a list ID:BASE64,ID:BASE64 of 1 to 8 secrets of 16 to 64 bytes, else
 * what it should be. */
const char *peppers_check(const char *text);
/* text: as peppers_check() takes it, or NULL: none. -EINVAL, -ENOMEM. */
int peppers_new(const char *text, struct peppers **ret) MUST_CHECK;
/* Wiped. Takes NULL, leaves NULL. */
void peppers_free(struct peppers **p);

/* The one new hashes are made with; NULL: none. */
const struct pepper *peppers_newest(const struct peppers *p);
/* NULL: there is none of that id (any more). */
const struct pepper *peppers_find(const struct peppers *p, struct str id);
const char *pepper_id(const struct pepper *p);
/* HMAC-SHA-256 under the secret. -ENOMEM. */
int pepper_mac(const struct pepper *p, const uint8_t in[32], uint8_t ret[32]) MUST_CHECK;

#endif
