/* base64url without padding (RFC 4648 section 5, RFC 7515 section 2). */
#ifndef CINESYNC_TOKEN_BASE64URL_H
#define CINESYNC_TOKEN_BASE64URL_H

#include "base/buf.h"

/* The alphabet only, a possible length, and the unused bits of the last character zero: exactly one text stands for
 * given bytes. The empty string is canonical. */
bool base64url_is_canonical(struct str s);
/* Bytes that a canonical text of that length stands for. */
size_t base64url_decoded_len(size_t len);
/* 0; -EINVAL: not canonical; -ENOBUFS: over size_max. */
int base64url_decode(struct str s, void *ret, size_t size_max, size_t *ret_len) MUST_CHECK;
void base64url_write(struct buf *out, const void *data, size_t len);

#endif
