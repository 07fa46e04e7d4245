/* Backoff with jitter: pure, but for the dice. */
#include "event/backoff.h"

#include "base/macro.h"
#include "base/random.h"

int64_t backoff_ms(int64_t attempts, int64_t min_ms, int64_t max_ms)
{
	int64_t ceiling = min_ms;

	assert(attempts >= 1 && min_ms > 0 && max_ms >= min_ms);
	for (int64_t i = 0; i < attempts && ceiling < max_ms; i++)
		ceiling = ceiling > max_ms / 2 ? max_ms : ceiling * 2;
	return min_ms + (int64_t)random_below((uint64_t)(ceiling - min_ms) + 1);
}
