/* Strings that carry their length: what the parsers hand out and the stores take in.
 *
 * A `struct str` owns nothing. `data == NULL` means "no string" (JSON null, SQL NULL), which is not the empty string.
 * Every str made by an arena, a parser or STR() also has a NUL at data[len], but data may hold NULs before it: compare
 * and copy by length. */
#ifndef CINESYNC_BASE_STR_H
#define CINESYNC_BASE_STR_H

#include "base/macro.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *data;
	size_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NULL ((struct str){ NULL, 0 })

/* For printf: "%.*s". */
#define STR_ARGS(s) (int)(s).len, (s).data ? (s).data : ""

static inline struct str str_from(const char *text)
{
	return (struct str){ text, text ? strlen(text) : 0 };
}

static inline bool str_is_null(struct str s)
{
	return !s.data;
}

/* Same bytes; two nulls are equal, null and empty are not. Not for secrets. */
bool str_equal(struct str a, struct str b);

/* As str_equal, with ASCII letters case-blind (header names, methods, schemes). */
bool str_equal_nocase(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Index of the first `c` at or after `from`, or -1. */
ptrdiff_t str_index(struct str s, char c, size_t from);

/* The part [from, to); both clamped to the string. */
struct str str_slice(struct str s, size_t from, size_t to);

/* Without ASCII spaces and tabs at both ends. */
struct str str_trim(struct str s);

/* Strict decimal: optional '-', digits, nothing else; no leading '+', blanks or zeros in front of another digit.
 * 0; -EINVAL: not a number; -ERANGE: a number, outside min..max. */
int str_to_int64(struct str s, int64_t min, int64_t max, int64_t *ret) MUST_CHECK;

#endif
