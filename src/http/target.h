/* Inside the http room: the request target and other percent-encoded text (RFC 3986, RFC 9112 section 3.2). Pure. */
#ifndef CINESYNC_HTTP_TARGET_H
#define CINESYNC_HTTP_TARGET_H

#include "base/arena.h"
#include "schema/schema.h"

#define TARGET_PAIRS_MAX 64

struct target {
	struct str path;  /* as sent, "/movies/550"; "*" for OPTIONS * */
	struct str query; /* as sent, without the question mark; null when there is none */
	bool is_encoded;  /* the path holds a percent-escape */
};

/* Splits an origin-form ("/path?query"), absolute-form ("http://host/path") or asterisk-form target. -EINVAL: none of
 * them, bytes that a target may not hold, a bad escape in the path, a "." or ".." segment (escaped or not). */
int target_parse(struct str raw, struct target *ret) MUST_CHECK;

/* Decodes one component. Strict: -EINVAL for a bad escape, for a %00, and for what is not UTF-8 then. plus: '+' stands
 * for a space (application/x-www-form-urlencoded). -ENOMEM. */
int target_decode(struct str in, bool plus, struct arena *a, struct str *ret) MUST_CHECK;

/* The decoded name=value pairs of a query or a form; empty ones between two & are skipped. -EINVAL as for decode;
 * -E2BIG: more than TARGET_PAIRS_MAX; -ENOMEM. */
int target_pairs(struct str query, struct arena *a, struct schema_pair **ret, size_t *ret_n) MUST_CHECK;

#endif
