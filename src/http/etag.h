/* Inside the http room: entity tags and conditional requests (RFC 9110 sections 8.8.3 and 13.1.2). Pure. */
#ifndef CINESYNC_HTTP_ETAG_H
#define CINESYNC_HTTP_ETAG_H

#include "base/str.h"

#define ETAG_SIZE 24 /* a quote, 16 hexadecimal digits, perhaps "-gzip", a quote, the NUL */

/* A strong tag: SipHash-2-4 of body and type under a fixed key, so that every replica gives the same one. */
void etag_make(const char *type, struct str body, char ret[ETAG_SIZE]);
/* Whether it is what etag_make() makes: in quotes, 16 hexadecimal digits. */
bool etag_is_ours(struct str etag);
/* The tag of the same answer's compressed form: another representation, so another tag. */
void etag_make_gzip(char etag[ETAG_SIZE]);
/* Whether If-None-Match names the tag: a list of tags, weakly compared, or "*". A null or malformed value never does.
 */
bool etag_matches(struct str if_none_match, const char *etag);

#endif
