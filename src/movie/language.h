/* Language tags in their one spelling. Never yields. */
#ifndef CINESYNC_MOVIE_LANGUAGE_H
#define CINESYNC_MOVIE_LANGUAGE_H

#include "base/arena.h"

#define LANGUAGE_SIZE_MAX 35 /* bytes of a tag that is taken from a client (RFC 5646 section 4.4.1) */

/* A well-formed tag in canonical case (RFC 5646 section 2.1.1): "zh-Hant-TW"; in the arena. Null stays null. -ENOMEM.
 */
int language_canonical(struct str tag, struct arena *a, struct str *ret) MUST_CHECK;

#endif
