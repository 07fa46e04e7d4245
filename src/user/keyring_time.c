/* Which key signs when. Arithmetic only. */
#include "user/keyring.h"

static bool verifies_at(const struct keyring_time *t, int64_t now_ms)
{
	return t->expires_at_ms == 0 || t->expires_at_ms > now_ms;
}

/* Whether a signs rather than b. */
static bool is_before(const struct keyring_time *a, const struct keyring_time *b, int64_t now_ms)
{
	bool a_has_come = a->activates_at_ms <= now_ms, b_has_come = b->activates_at_ms <= now_ms;

	if (a_has_come != b_has_come)
		return a_has_come;
	return a_has_come ? a->activates_at_ms >= b->activates_at_ms : a->activates_at_ms < b->activates_at_ms;
}

size_t keyring_signs_at(const struct keyring_time *times, size_t n, int64_t now_ms)
{
	size_t found = n;

	for (size_t i = 0; i < n; i++)
		if (verifies_at(&times[i], now_ms) && (found == n || is_before(&times[i], &times[found], now_ms)))
			found = i;
	return found;
}

bool keyring_is_due(const struct keyring_time *times, size_t n, int64_t age_s, int64_t overlap_s, int64_t now_ms)
{
	int64_t newest_ms = INT64_MIN;

	for (size_t i = 0; i < n; i++)
		if (times[i].expires_at_ms == 0)
			newest_ms = MAX(newest_ms, times[i].activates_at_ms);
	if (newest_ms == INT64_MIN)
		return true;
	return age_s > 0 && newest_ms + (age_s - MIN(age_s, overlap_s)) * 1000 <= now_ms;
}
