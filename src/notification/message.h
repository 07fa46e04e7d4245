/* An Internet message (RFC 5322, MIME): multipart/alternative, UTF-8, quoted-printable. */
#ifndef CINESYNC_NOTIFICATION_MESSAGE_H
#define CINESYNC_NOTIFICATION_MESSAGE_H

#include "base/buf.h"

struct message {
	struct str from_name;
	struct str from;    /* address */
	struct str to_name; /* may be null */
	struct str to;
	struct str subject;
	struct str text;
	struct str html;
	struct str event_id; /* Message-ID and X-Event-Id are made of it: stable over retries */
	struct str language; /* BCP 47 */
	int64_t date_ms;     /* since 1970 */
};

/* The whole message with CRLF line ends. Whatever is not printable ASCII in a header becomes an encoded-word (RFC
 * 2047); an address may be UTF-8 (RFC 6532); CR, LF or NUL in a field that goes into a header: -EINVAL. Does not yield.
 */
int message_write(const struct message *m, struct buf *out) MUST_CHECK;

/* RFC 2045 section 6.7; lines of at most 76 characters, LF in the text becomes CRLF. */
void message_quoted_printable(struct str text, struct buf *out);

#endif
