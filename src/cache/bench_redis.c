/* Gets a second, and this process' CPU a get, with 64 fibers on one connection: bench_redis URL [VALUE_SIZE]. */
#include "base/clock.h"
#include "cache/redis.h"
#include "fiber/fiber.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <uv.h>

enum { FIBERS = 64, GETS = 20000, VALUE_SIZE_MAX = 65536, WAIT_MS = 2000 };

struct bench {
	uv_loop_t loop;
	struct redis_options options;
	struct redis *redis;
	size_t value_size;
	size_t n_got;
	size_t n_left;
};

static int64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static void bench_gets(void *arg)
{
	struct bench *b = arg;
	struct arena *a CLEANUP(arena_free) = NULL;
	struct str value;

	for (size_t i = 0; i < GETS && arena_new(2 * VALUE_SIZE_MAX, &a) == 0; i++) {
		b->n_got += redis_get(b->redis, STR("bench:key"), a, &value) == 0;
		arena_free(&a);
	}
	b->n_left--;
}

static void measure(struct bench *b)
{
	int64_t start_us = clock_mono_us(), start_cpu_us = cpu_us();
	double took_s, n;

	b->n_left = FIBERS;
	for (size_t i = 0; i < FIBERS; i++)
		if (fiber_spawn("gets", bench_gets, b, NULL) < 0)
			b->n_left--;
	while (b->n_left > 0)
		fiber_sleep_ms(10);
	took_s = (double)(clock_mono_us() - start_us) / 1e6;
	n = (double)b->n_got;
	printf("%zu gets of %zu bytes: %.0f/s, %.2f us of CPU each\n", b->n_got, b->value_size, n / took_s,
	       (double)(cpu_us() - start_cpu_us) / n);
}

static void bench_fiber(void *arg)
{
	static char value[VALUE_SIZE_MAX];
	struct bench *b = arg;

	if (redis_new(&b->loop, &b->options, &b->redis) < 0) {
		fprintf(stderr, "bench_redis: no such URL\n");
		return;
	}
	for (int64_t end_ms = clock_deadline_in(WAIT_MS); !redis_is_up(b->redis) && clock_mono_ms() < end_ms;)
		fiber_sleep_ms(1);
	redis_set(b->redis, STR("bench:key"), (struct str){ value, b->value_size }, 60000);
	measure(b);
	redis_free(&b->redis);
}

int main(int argc, char **argv)
{
	static struct bench b;

	if (argc < 2)
		return EXIT_FAILURE;
	b.options.url = argv[1];
	b.value_size = argc > 2 ? strtoul(argv[2], NULL, 10) : 1024;
	b.value_size = MIN(b.value_size, (size_t)VALUE_SIZE_MAX);
	if (uv_loop_init(&b.loop) < 0 || fiber_runtime_init(&b.loop, NULL) < 0 ||
	    fiber_spawn("bench", bench_fiber, &b, NULL) < 0)
		return EXIT_FAILURE;
	uv_run(&b.loop, UV_RUN_DEFAULT);
	fiber_runtime_done();
	uv_run(&b.loop, UV_RUN_DEFAULT);
	return uv_loop_close(&b.loop) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
