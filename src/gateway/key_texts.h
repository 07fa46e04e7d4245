/* Key sets (RFC 7517) that are given as text, each with the tokens that were verified with it: those of one never count
 * for another. Pure but for memory; one thread. */
#ifndef CINESYNC_GATEWAY_KEY_TEXTS_H
#define CINESYNC_GATEWAY_KEY_TEXTS_H

#include "token/token.h"

#define KEY_TEXTS_MAX 8 /* the one that was asked for longest ago gives place to another */

struct key_texts;

/* The policy's texts are kept by pointer. -ENOMEM. */
int key_texts_new(const struct token_policy *policy, struct key_texts **ret) MUST_CHECK;
/* Takes NULL, leaves NULL. */
void key_texts_free(struct key_texts **t);

/* What verifies with the keys of this text; it is t's, until the next call. *ret_is_new: the text was not known, and
 * was read now. -EINVAL: it is no key set, or none of its keys is usable, which is remembered too; -EFBIG: over
 * TOKEN_JWKS_SIZE_MAX; -ENOMEM. */
int key_texts_get(struct key_texts *t, struct str text, struct token_verifier **ret, bool *ret_is_new) MUST_CHECK;

#endif
