/* Sealing: keeps small secrets (keys, one-time links, TOTP secrets) unreadable in a database or an event.
 *
 * AES-256-GCM (NIST SP 800-38D) under a key that HKDF-SHA-256 (RFC 5869) makes of a 32-byte master key and a purpose,
 * so that what is sealed for one purpose opens for no other. A sealed text is a version byte, 12 bytes of nonce, the
 * ciphertext and a tag of 16 bytes; the context is authenticated with it: a sealed text moved to another row does not
 * open. Never yields; a seal may be used by several threads at once. */
#ifndef CINESYNC_TOKEN_SEAL_H
#define CINESYNC_TOKEN_SEAL_H

#include "base/buf.h"

#define SEAL_MASTER_SIZE 32
#define SEAL_MAC_SIZE 32
#define SEAL_OVERHEAD 29 /* bytes that a sealed text is longer than the plain one */

struct seal;

/* Reads the master key of SEAL_MASTER_SIZE bytes from the file at path (made when missing, mode 0600) and derives the
 * purpose's key. Blocks on the disk. -EACCES: others than its owner may read the file; -EINVAL: not a key of that size;
 * -errno; -ENOMEM. */
int seal_new(const char *path, const char *purpose, struct seal **ret) MUST_CHECK;
/* The key is wiped. Takes NULL, leaves NULL. */
void seal_free(struct seal **s);

/* Appends the sealed text to out. The buffer's error; -ENOMEM. */
int seal_write(const struct seal *s, struct str plain, struct str context, struct buf *out) MUST_CHECK;
/* Appends the plain text to out, which the caller wipes. -EBADMSG: not sealed by this key for this context; the
 * buffer's error; -ENOMEM. */
int seal_open(const struct seal *s, struct str sealed, struct str context, struct buf *out) MUST_CHECK;
/* The same with the sealed text as base64url, for what travels in JSON. */
int seal_write_text(const struct seal *s, struct str plain, struct str context, struct buf *out) MUST_CHECK;
int seal_open_text(const struct seal *s, struct str text, struct str context, struct buf *out) MUST_CHECK;
/* HMAC-SHA-256 of the data under a key of its own. -ENOMEM. */
int seal_mac(const struct seal *s, struct str data, uint8_t ret[SEAL_MAC_SIZE]) MUST_CHECK;

#endif
