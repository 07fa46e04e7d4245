/* Passwords: hashed with bcrypt over an HMAC, so that neither byte 72 nor a NUL cuts them short, off the loop, with a
 * bounded queue.
 *
 * Stored form: $bcrypt-sha256$v=2,t=2b,r=COST$SALT$DIGEST, as Passlib's bcrypt_sha256 version 2 has it:
 * DIGEST = bcrypt($2b$, COST, SALT, base64(HMAC-SHA-256(key = SALT's 22 characters, password))).
 * With a pepper: $bcrypt-sha256-pepper$v=1,t=2b,r=COST,p=ID$SALT$DIGEST, where a further HMAC-SHA-256 under the pepper
 * of that id stands between the two. Passwords are taken in Unicode normalisation form C (RFC 8265, OpaqueString), so
 * that a password typed on another system is the same. */
#ifndef CINESYNC_USER_PASSWORD_H
#define CINESYNC_USER_PASSWORD_H

#include "base/arena.h"

#define PASSWORD_HASH_SIZE 128

struct passwords;

/* Does not yield. cost: bcrypt's, 4..31. hashers: at work at once, 0: one a processor. queue_max: fibers waiting for
 * one. peppers: as peppers_check() takes it, or NULL. -EINVAL: they are none; -EIO; errors of lane_new(). */
int passwords_new(int cost, size_t hashers, size_t queue_max, const char *peppers, struct passwords **ret) MUST_CHECK;
/* No call may be under way. Closes a loop handle: run the loop once more afterwards. Takes NULL, leaves NULL. */
void passwords_free(struct passwords **p);

/* Does not yield. 0; -EBUSY: a password given now would find the queue full, or no hasher before the fiber's deadline.
 * For who would otherwise do work first that is for nothing then. */
int passwords_check(const struct passwords *p) MUST_CHECK;
/* Yields for as long as bcrypt takes. -EBUSY at once: as passwords_check(); -ETIMEDOUT, -ECANCELED, -EILSEQ (not
 * UTF-8).
 */
int password_hash(struct passwords *p, struct str password, char ret[PASSWORD_HASH_SIZE]) MUST_CHECK;
/* Yields as long, whether it fits or not; hash null (nobody of that name) costs the same and never fits.
 * 0: fits; 1: fits, and should be hashed again (another cost or pepper); -ENOKEY: nobody can say, its pepper is not
 * known; -EACCES: does not fit; other errors as password_hash(). *ret_took_us (may be NULL) is as long as its span;
 * untouched where nothing was hashed.
 */
int password_verify(struct passwords *p, struct str password, struct str hash, int64_t *ret_took_us) MUST_CHECK;

#endif
