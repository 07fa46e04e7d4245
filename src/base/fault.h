/* Faults on demand, in test builds only (meson -Dfaults=true): the environment variable CINESYNC_FAULT holds a list
 * like "alloc:37,store.commit:2+" — the 37th allocation fails; the 2nd and all later commits fail. In other builds
 * fault_hit() is a constant and costs nothing. Points are named `room.what`. */
#ifndef CINESYNC_BASE_FAULT_H
#define CINESYNC_BASE_FAULT_H

#include <stdbool.h>

#ifdef CINESYNC_FAULTS
/* True when this call of the point named is one that has to fail. Thread-safe. */
bool fault_hit(const char *point);
/* Replaces the plan (as in the environment); NULL clears it. For unit tests. */
void fault_set(const char *plan);
#else
static inline bool fault_hit(const char *point)
{
	(void)point;
	return false;
}
#endif

#endif
