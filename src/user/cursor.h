/* Cursors: where a page of a list ended, as a text that only we can make and that means nothing to its holder.
 *
 * A cursor is good for one scope (whose list, which, in which order): it carries an HMAC over both. It names the last
 * item of its page by the list's order and not by number, so what comes and goes before it shifts nothing. Nothing here
 * yields. */
#ifndef CINESYNC_USER_CURSOR_H
#define CINESYNC_USER_CURSOR_H

#include "base/arena.h"
#include "token/seal.h"

struct cursor {
	bool is_text; /* which of the two keys it has */
	int64_t number;
	struct str text; /* at most 200 bytes */
	int64_t id;
	struct str item; /* at most 36 bytes */
};

/* In the arena. -ENOMEM, -EMSGSIZE. */
int cursor_write(const struct seal *s, struct str scope, const struct cursor *c, struct arena *a,
                 struct str *ret) MUST_CHECK;
/* -EBADMSG: not made by us, or for another scope; -ENOMEM. Texts are in the arena. */
int cursor_read(const struct seal *s, struct str scope, struct str text, struct arena *a,
                struct cursor *ret) MUST_CHECK;

#endif
