/* E-mail addresses: what a registration form should take (RFC 5321, RFC 5322 and RFC 6531 as practised). Neither
 * function yields. */
#ifndef CINESYNC_SCHEMA_EMAIL_H
#define CINESYNC_SCHEMA_EMAIL_H

#include "base/arena.h"

/* Checks one address: dot-atom local part (<= 64 octets, UTF-8 allowed), a domain of at least two labels that IDNA2008
 * (libidn2) takes, <= 254 octets in all, both as typed and with the domain in A-labels; no quoted strings, comments,
 * address literals, spaces, invisible or control characters.
 * 0; -EINVAL with the reason as a phrase fit for a form ("The part after the @-sign is not valid: …"), which never
 * repeats the input; -ENOMEM. */
int email_check(struct str address, const char **ret_reason) MUST_CHECK;

/* The key under which two spellings are the same mailbox for us: NFC and case-folded local part, domain in lower-case
 * A-labels. Allocated in the arena. -EINVAL, -ENOMEM. */
int email_canonical(struct str address, struct arena *a, struct str *ret) MUST_CHECK;

#endif
