/* How long it takes to make the catalogue, and to search it: every title, every beginning of every word of one in ten
 * titles, and each title with one letter wrong. Prints median, 99th percentile and maximum in microseconds. */
#include "base/clock.h"
#include "movie/builtin.h"
#include "movie/catalogue_data.h"
#include "movie/search.h"

#include <stdio.h>
#include <stdlib.h>

#define SAMPLES_MAX 40000

static struct films films;
static struct title_index *ix;
static struct arena *arena;
static int64_t samples[SAMPLES_MAX];
static size_t n_samples;

static void take(struct str query)
{
	struct search_hits hits;
	int64_t start;

	arena_reset(arena);
	start = clock_mono_ns();
	if (search_titles(ix, query, 0, arena, &hits) < 0)
		abort();
	if (n_samples < SAMPLES_MAX)
		samples[n_samples++] = clock_mono_ns() - start;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void report(const char *what)
{
	qsort(samples, n_samples, sizeof(samples[0]), compare);
	printf("%-28s n=%zu median=%lld p99=%lld max=%lld us\n", what, n_samples,
	       (long long)samples[n_samples / 2] / 1000, (long long)samples[n_samples * 99 / 100] / 1000,
	       (long long)samples[n_samples - 1] / 1000);
	n_samples = 0;
}

static void bench_titles(void)
{
	for (size_t i = 0; i < films.n; i++)
		take(films.items[i].title);
	report("titles");
}

static void bench_beginnings(void)
{
	for (size_t i = 0; i < films.n; i += 10)
		for (size_t len = 1; len <= ix->titles[i].len; len++)
			take(str_slice(ix->titles[i], 0, len));
	report("beginnings, letter by letter");
}

static void bench_errors(void)
{
	for (size_t i = 0; i < films.n; i++) {
		char text[128];
		size_t len = MIN(ix->titles[i].len, sizeof(text));

		memcpy(text, ix->titles[i].data, len);
		text[len / 2] = 'q';
		take((struct str){ text, len });
	}
	report("titles with one letter wrong");
}

int main(void)
{
	struct catalogue *c = NULL;
	int64_t start = clock_mono_us();
	size_t line;

	if (builtin_new(&c) < 0)
		return 1;
	printf("%-28s %lld us\n", c->describe(c), (long long)(clock_mono_us() - start));
	catalogue_free(&c);
	if (films_read(catalogue_data[0].data, &films, &line) < 0 || title_index_new(&films, &ix) < 0 ||
	    arena_new((size_t)1 << 20, &arena) < 0)
		return 1;
	bench_titles();
	bench_beginnings();
	bench_errors();
	arena_free(&arena);
	title_index_free(&ix);
	films_done(&films);
	return 0;
}
