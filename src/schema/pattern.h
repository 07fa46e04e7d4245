/* Inside the schema room: compiled regular expressions of the field tables. */
#ifndef CINESYNC_SCHEMA_PATTERN_H
#define CINESYNC_SCHEMA_PATTERN_H

#include "base/str.h"

/* 1: the POSIX extended expression matches the whole of s, behind which a NUL stands; 0: it does not; -ENOMEM. Outside
 * ASCII an expression sees bytes, not characters. Compiled at first use and kept. Thread-safe. A pattern that does not
 * compile is a bug. */
int pattern_matches(const char *pattern, struct str s) MUST_CHECK;

#endif
