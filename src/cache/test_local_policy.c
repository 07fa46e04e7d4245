/* How well the cache chooses: hit ratios on made-up traces against an LRU and a plain FIFO of the same size. */
#include "cache/local.h"

#include <math.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KEYS 20000
#define SCAN_KEYS 1000000
#define CACHE 1000
#define REQUESTS 300000

static uint32_t trace[REQUESTS];
static char one_value;

/* Reproducible on every machine (Steele, Lea, Flood: SplitMix64). */
static uint64_t seed;
static double unit_random(void)
{
	uint64_t x = seed += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return (double)((x ^ x >> 31) >> 11) * 0x1p-53;
}

/* Key k is asked for with a probability proportional to 1/(k+1)^alpha. */
static void zipf_trace(double alpha)
{
	double *sums = calloc(KEYS, sizeof(*sums)), total = 0;

	assert_non_null(sums);
	seed = 42;
	for (size_t k = 0; k < KEYS; k++)
		sums[k] = total += pow((double)(k + 1), -alpha);
	for (size_t i = 0; i < REQUESTS; i++) {
		double at = unit_random() * total;
		size_t low = 0, high = KEYS - 1;

		while (low < high) {
			size_t middle = (low + high) / 2;

			if (sums[middle] < at)
				low = middle + 1;
			else
				high = middle;
		}
		trace[i] = (uint32_t)low;
	}
	free(sums);
}

/* Every third request belongs to a walk over keys that nobody asks for twice. */
static void mix_in_a_scan(void)
{
	for (size_t i = 0; i < REQUESTS; i += 3)
		trace[i] = (uint32_t)(KEYS + i % SCAN_KEYS);
}

static void *keep(void *value)
{
	return value;
}

static void forget(void *value)
{
	(void)value;
}

static double ratio_of_cache(void)
{
	struct local_cache_options options = { CACHE, (size_t)1 << 30, keep, forget };
	struct local_cache *c CLEANUP(local_cache_free) = NULL;
	struct local_cache_stats stats;

	assert_int_equal(local_cache_new(&options, &c), 0);
	for (size_t i = 0; i < REQUESTS; i++) {
		struct str key = { (const char *)&trace[i], sizeof(trace[i]) };

		if (!local_cache_get(c, key, 0))
			assert_int_equal(local_cache_put(c, key, &one_value, 1, INT64_MAX), 0);
	}
	local_cache_stats_get(c, &stats);
	return (double)stats.hits / REQUESTS;
}

/* The yardstick, slow and plain: the key that was touched (LRU) or came in (FIFO) longest ago leaves. */
static double ratio_of_plain(bool lru)
{
	size_t *stamps = calloc(KEYS + SCAN_KEYS, sizeof(*stamps)), hits = 0, kept = 0;
	uint32_t *line = calloc(REQUESTS, sizeof(*line)); /* keys in the order of their stamps */
	size_t first = 0;

	assert_true(stamps && line);
	for (size_t i = 0; i < REQUESTS; i++) {
		uint32_t key = trace[i];
		bool hit = stamps[key] != 0;

		line[i] = key;
		hits += hit;
		kept += !hit;
		if (!hit || lru)
			stamps[key] = i + 1;
		for (; kept > CACHE; first++) {
			if (stamps[line[first]] == first + 1) {
				stamps[line[first]] = 0;
				kept--;
			}
		}
	}
	free(stamps);
	free(line);
	return (double)hits / REQUESTS;
}

static void test_as_good_as_lru_on_zipf(void **state)
{
	static const double alphas[] = { 0.7, 0.9, 1.0, 1.2 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(alphas); i++) {
		double ours, lru, fifo;

		zipf_trace(alphas[i]);
		ours = ratio_of_cache();
		lru = ratio_of_plain(true);
		fifo = ratio_of_plain(false);
		print_message("zipf %.1f: s3-fifo %.3f lru %.3f fifo %.3f\n", alphas[i], ours, lru, fifo);
		assert_true(ours >= lru - 0.01);
		assert_true(ours >= fifo);
	}
}

static void test_a_scan_does_not_empty_it(void **state)
{
	double ours, lru, fifo;

	(void)state;
	zipf_trace(1.0);
	mix_in_a_scan();
	ours = ratio_of_cache();
	lru = ratio_of_plain(true);
	fifo = ratio_of_plain(false);
	print_message("zipf 1.0 and a scan: s3-fifo %.3f lru %.3f fifo %.3f\n", ours, lru, fifo);
	assert_true(ours >= lru + 0.02);
	assert_true(ours >= fifo + 0.02);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_good_as_lru_on_zipf),
		cmocka_unit_test(test_a_scan_does_not_empty_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
