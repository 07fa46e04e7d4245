/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef CINESYNC_BASE_UTF8_H
#define CINESYNC_BASE_UTF8_H

#include "base/str.h"

bool utf8_is_valid(struct str s);
/* Code points; s must be valid. */
size_t utf8_length(struct str s);
/* Decodes the code point at *pos and moves past it. -EILSEQ (moves past one byte), -ENODATA at the end. */
int utf8_next(struct str s, size_t *pos, uint32_t *ret) MUST_CHECK;
/* Writes 1..4 bytes, gives their number; cp must be a scalar value. */
size_t utf8_encode(uint32_t cp, char ret[4]);
/* Bytes of the longest beginning of s that has at most bytes_max and, in valid text, ends between characters. */
size_t utf8_cut(struct str s, size_t bytes_max);
/* A C0 control, DEL or C1 control is in it. */
bool utf8_has_control(struct str s);

#endif
