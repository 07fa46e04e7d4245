/* Time. `mono` counts from an arbitrary start and never jumps: deadlines, durations. `real` is UTC since 1970.
 * A deadline is an absolute mono time in milliseconds. */
#ifndef CINESYNC_BASE_CLOCK_H
#define CINESYNC_BASE_CLOCK_H

#include "base/arena.h"

#define DEADLINE_NONE INT64_MAX
#define CLOCK_DAY_MS INT64_C(86400000)
#define CLOCK_ISO8601_SIZE 25 /* "2026-11-22T22:24:02.123Z" and the NUL */

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_mono_ns(void);
int64_t clock_real_ms(void);
int64_t clock_real_ns(void);

/* mono now + delay_ms, saturating at DEADLINE_NONE. */
int64_t clock_deadline_in(int64_t delay_ms);

/* RFC 3339 in UTC with milliseconds. Years 0000..9999; outside them clamped. */
void clock_format_iso8601(int64_t real_ms, char ret[CLOCK_ISO8601_SIZE]);
/* The same in the arena, for a reply. -ENOMEM. */
int clock_text(struct arena *a, int64_t real_ms, struct str *ret) MUST_CHECK;
/* RFC 3339 date-time, any offset. 0, -EINVAL. */
int clock_parse_iso8601(struct str s, int64_t *ret_real_ms) MUST_CHECK;
/* A full-date "YYYY-MM-DD" that exists in the Gregorian calendar. */
bool clock_date_is_valid(struct str s);

#endif
