/* What fibers cost: `bench_fiber` prints nanoseconds. Build it without sanitizers. */
#include "fiber/fiber.h"
#include "fiber/offload.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#define ROUNDS 1000000

static void must(int r)
{
	if (r < 0)
		abort();
}

static void report(const char *what, int64_t start_ns, int64_t rounds)
{
	printf("%-52s %8.1f ns\n", what, (double)(clock_mono_ns() - start_ns) / (double)rounds);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void suspends(void *arg)
{
	fiber_deadline_set(*(int64_t *)arg);
	for (int i = 0; i < ROUNDS; i++)
		must(fiber_suspend());
}

static void yields(void *arg)
{
	int rounds = *(int *)arg;

	for (int i = 0; i < rounds; i++)
		must(fiber_yield());
}

static void waits_fd(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < ROUNDS / 10; i++)
		must(fiber_wait_fd(fd, UV_READABLE));
}

static int quick(void *arg)
{
	(void)arg;
	return 0;
}

static void offloads(void *arg)
{
	const struct offload job = { .work = quick };

	(void)arg;
	for (int i = 0; i < ROUNDS / 10; i++)
		must(offload_run(&job));
}

static void bench_start(void)
{
	int64_t start_ns = clock_mono_ns();

	for (int i = 0; i < ROUNDS; i++)
		must(fiber_start("nothing", nothing, NULL, NULL));
	report("fiber_start + finish, pooled stack", start_ns, ROUNDS);
}

/* Keeps more alive than the pool holds, so that every stack is mapped anew. */
static void bench_fresh(uv_loop_t *loop)
{
	int64_t start_ns = clock_mono_ns();

	for (int i = 0; i < 10; i++) {
		for (int j = 0; j < 10000; j++)
			must(fiber_spawn("nothing", nothing, NULL, NULL));
		uv_run(loop, UV_RUN_DEFAULT);
	}
	report("fiber_spawn + finish, 10,000 alive at once", start_ns, 100000);
}

static void on_turn(uv_prepare_t *prepare)
{
	fiber_wake(prepare->data, 0);
}

static void bench_wake(uv_loop_t *loop, const char *what, int64_t deadline_ms)
{
	struct fiber *f;
	static uv_prepare_t prepare;
	int64_t start_ns;

	must(fiber_start("suspends", suspends, &deadline_ms, &f));
	uv_prepare_init(loop, &prepare);
	prepare.data = f;
	uv_prepare_start(&prepare, on_turn);
	start_ns = clock_mono_ns();
	for (int i = 0; i < ROUNDS; i++)
		uv_run(loop, UV_RUN_NOWAIT);
	report(what, start_ns, ROUNDS);
	uv_close((uv_handle_t *)&prepare, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	fiber_unref(&f);
}

static void bench_yield(uv_loop_t *loop, const char *what, int fibers)
{
	int rounds = ROUNDS / fibers;
	int64_t start_ns = clock_mono_ns();

	for (int i = 0; i < fibers; i++)
		must(fiber_spawn("yields", yields, &rounds, NULL));
	uv_run(loop, UV_RUN_DEFAULT);
	report(what, start_ns, ROUNDS);
}

static void bench_fd(uv_loop_t *loop)
{
	int fds[2];
	int64_t start_ns = clock_mono_ns();

	if (pipe(fds) < 0 || write(fds[1], "x", 1) != 1)
		abort();
	must(fiber_spawn("waits_fd", waits_fd, &fds[0], NULL));
	uv_run(loop, UV_RUN_DEFAULT);
	report("fiber_wait_fd of a ready pipe, with the loop's turn", start_ns, ROUNDS / 10);
	close(fds[0]);
	close(fds[1]);
}

static void bench_offload(uv_loop_t *loop)
{
	int64_t start_ns = clock_mono_ns();

	must(fiber_spawn("offloads", offloads, NULL, NULL));
	uv_run(loop, UV_RUN_DEFAULT);
	report("offload_run of nothing", start_ns, ROUNDS / 10);
}

int main(void)
{
	uv_loop_t *loop = uv_default_loop();

	must(fiber_runtime_init(loop, NULL));
	bench_start();
	bench_fresh(loop);
	bench_yield(loop, "switch pair + 1/200 turn of the loop (yield)", 200);
	bench_yield(loop, "switch pair + 1 turn of the loop (yield)", 1);
	bench_wake(loop, "suspend + wake + 1 turn of the loop", DEADLINE_NONE);
	bench_wake(loop, "suspend + wake + 1 turn, with a deadline", clock_deadline_in(3600000));
	bench_fd(loop);
	bench_offload(loop);
	fiber_runtime_done();
	uv_run(loop, UV_RUN_DEFAULT);
	uv_loop_close(loop);
	return 0;
}
