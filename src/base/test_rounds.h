/* How often a random test repeats itself: few times by default, many in `./cinesync test long`. For tests only. */
#ifndef CINESYNC_BASE_TEST_ROUNDS_H
#define CINESYNC_BASE_TEST_ROUNDS_H

#include <stdlib.h>
#include <string.h>

/* TEST_ROUNDS when it is set; else long_run with TEST_LONG=1; else short_run. */
static inline long test_rounds(long short_run, long long_run)
{
	const char *given = getenv("TEST_ROUNDS");
	const char *wanted_long = getenv("TEST_LONG");

	if (given && *given)
		return strtol(given, NULL, 10);
	return wanted_long && strcmp(wanted_long, "1") == 0 ? long_run : short_run;
}

#endif
