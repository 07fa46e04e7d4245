/* Time-based one-time passwords (RFC 6238) as authenticators have them: HMAC-SHA-1, six digits, steps of 30 s; and the
 * recovery codes beside them. Arithmetic only: nothing here yields or knows a database. */
#ifndef CINESYNC_USER_TOTP_H
#define CINESYNC_USER_TOTP_H

#include "base/buf.h"

#define TOTP_SECRET_SIZE 20      /* bytes: what RFC 4226 section 4 recommends */
#define TOTP_SECRET_TEXT_SIZE 33 /* 32 characters of base32 and the NUL */
#define TOTP_STEP_S 30
#define TOTP_DIGITS 6

/* Whether the code is that of the step of now_s, of the one before or of the one after it (clocks differ, and people
 * type); *ret_step: which, for the caller to see to it that none is taken twice. 0; -EACCES: it is none of them, or no
 * code; -EIO, -ENOMEM. */
int totp_check(const uint8_t secret[TOTP_SECRET_SIZE], struct str code, int64_t now_s, int64_t *ret_step) MUST_CHECK;

/* The secret as authenticators take it when it is typed (RFC 4648, base32). -ENOMEM. */
int totp_secret_text(const uint8_t secret[TOTP_SECRET_SIZE], char ret[TOTP_SECRET_TEXT_SIZE]) MUST_CHECK;
/* Appends the otpauth: URI, whose QR code they scan (Google Authenticator's Key URI format). The buffer's error. */
int totp_uri_write(struct buf *out, const char *secret_text, struct str account) MUST_CHECK;

#define RECOVERY_CODES 10
#define RECOVERY_CODE_SIZE 12 /* "abcde-fghij" and the NUL: 49 bits */

void recovery_code_make(char ret[RECOVERY_CODE_SIZE]);
/* As it is typed into the form it was made in: case, spaces and hyphens do not count. -EINVAL: it cannot be one. */
int recovery_code_parse(struct str typed, char ret[RECOVERY_CODE_SIZE]) MUST_CHECK;

#endif
