/* The token bucket, the budget of retries and the observed latencies. Plain structs of their owner; nothing yields,
 * nothing allocates. */
#include "movie/pace.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define LATENCIES_MIN 20
#define ROUNDING 1e-6 /* what sums of doubles are off by at most, in ms or in retries */

/* ---- token bucket ---- */

void bucket_init(struct bucket *b, int64_t rate_per_s, int64_t burst)
{
	assert(rate_per_s >= 1 && burst >= 1);
	b->interval_ms = 1000.0 / (double)rate_per_s;
	b->tolerance_ms = b->interval_ms * (double)(burst - 1);
	b->next_ms = -HUGE_VAL;
}

int bucket_take(struct bucket *b, int64_t now_ms, int64_t wait_max_ms, int64_t *ret_wait_ms)
{
	double next_ms = MAX(b->next_ms, (double)now_ms);
	double early_ms = next_ms - b->tolerance_ms - (double)now_ms;
	int64_t wait_ms = early_ms <= ROUNDING ? 0 : (int64_t)ceil(early_ms - ROUNDING);

	*ret_wait_ms = wait_ms;
	if (wait_ms > wait_max_ms)
		return -EAGAIN;
	b->next_ms = next_ms + b->interval_ms;
	return 0;
}

/* ---- budget of retries ---- */

void retry_budget_init(struct retry_budget *b, int64_t percent, int64_t reserve)
{
	assert(percent >= 0 && percent <= 100 && reserve >= 0);
	b->share = (double)percent / 100;
	b->balance = (double)reserve;
	b->balance_max = (double)MAX(reserve, (int64_t)1);
}

void retry_budget_call(struct retry_budget *b)
{
	b->balance = MIN(b->balance + b->share, b->balance_max);
}

bool retry_budget_take(struct retry_budget *b)
{
	if (b->balance < 1 - ROUNDING)
		return false;
	b->balance -= 1;
	return true;
}

/* ---- latencies ---- */

void latencies_add(struct latencies *l, int64_t duration_us)
{
	l->us[l->n % LATENCIES] = (uint32_t)MAX((int64_t)0, MIN(duration_us, (int64_t)UINT32_MAX));
	/* Goes on in the middle of its range: the count must not forget that the ring is full. */
	l->n = l->n == UINT32_MAX ? UINT32_MAX / LATENCIES * LATENCIES : l->n + 1;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int64_t latencies_percentile_ms(const struct latencies *l, int percent)
{
	uint32_t sorted[LATENCIES];
	size_t n = MIN(l->n, (uint32_t)LATENCIES);
	size_t rank;

	assert(percent >= 1 && percent <= 100);
	if (n < LATENCIES_MIN)
		return -1;
	memcpy(sorted, l->us, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), compare);
	rank = (n * (size_t)percent + 99) / 100;
	return ((int64_t)sorted[rank - 1] + 999) / 1000;
}
