/* A file with a key set (RFC 7517) that somebody else replaces: read when it is another than last time.
 *
 * The file's folder is opened once and kept, so that a process that has given up its rights since needs no way to it
 * but the folder's own. Blocks for a file of at most TOKEN_JWKS_SIZE_MAX bytes; one thread. */
#ifndef CINESYNC_GATEWAY_KEYS_H
#define CINESYNC_GATEWAY_KEYS_H

#include "token/token.h"

struct keys;

/* path: absolute; its folder has to be there, the file not. -ENOENT, -ENOTDIR, -EACCES …: the folder; -EINVAL: the path
 * names no file; -ENOMEM. */
int keys_open(const char *path, struct keys **ret) MUST_CHECK;
/* Takes NULL, leaves NULL. */
void keys_close(struct keys **k);

/* 1: *ret_set is what the file has now; 0: it is as it was. Errors, after which the next look reads again: -ENOENT: it
 * is not there; -EINVAL: it is no key set, or none of its keys is usable; -EFBIG; -errno; -ENOMEM. */
int keys_look(struct keys *k, struct token_keyset **ret_set) MUST_CHECK;

#endif
