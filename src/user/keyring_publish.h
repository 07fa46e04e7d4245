/* The public keys as a file, for a gateway on the same machine (src/gateway). */
#ifndef CINESYNC_USER_KEYRING_PUBLISH_H
#define CINESYNC_USER_KEYRING_PUBLISH_H

#include "base/str.h"

/* Puts the key set at path, mode 0644: written beside and renamed, so that nobody reads half of it. Blocks for a file
 * of some hundred bytes, without waiting for the disk: what a crash loses the next start writes again. -ENAMETOOLONG;
 * -errno. */
int keyring_publish(const char *path, struct str jwks) MUST_CHECK;

#endif
