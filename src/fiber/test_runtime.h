/* What the tests of this room share: a loop and a runtime for each test. */
#ifndef CINESYNC_FIBER_TEST_RUNTIME_H
#define CINESYNC_FIBER_TEST_RUNTIME_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fiber/fiber.h"

#include <errno.h>
#include <uv.h>

#ifdef HAVE_VALGRIND
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

/* For times that have to stand apart. */
#define SLOW (RUNNING_ON_VALGRIND ? 10 : 1)

static uv_loop_t loop;

UNUSED static int runtime_up_with(const struct fiber_limits *limits)
{
	return uv_loop_init(&loop) < 0 || fiber_runtime_init(&loop, limits) < 0 ? -1 : 0;
}

UNUSED static int runtime_up(void **state)
{
	(void)state;
	return runtime_up_with(NULL);
}

/* Fails when a fiber is alive or a handle was left open. */
UNUSED static int runtime_down(void **state)
{
	(void)state;
	fiber_runtime_done();
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

UNUSED static void run_until_idle(void)
{
	uv_run(&loop, UV_RUN_DEFAULT);
}

/* One turn of the loop. Not UV_RUN_ONCE: that runs what is due first, and may then sleep though nothing is left to do.
 */
UNUSED static void run_turn(void)
{
	uv_run(&loop, UV_RUN_NOWAIT);
	uv_sleep(1);
}

UNUSED static void spawn(void (*entry)(void *), void *arg)
{
	assert_int_equal(fiber_spawn("test", entry, arg, NULL), 0);
}

UNUSED static size_t fibers_alive(void)
{
	struct fiber_stats stats;

	fiber_stats_get(&stats);
	return stats.alive;
}

#define fiber_test(f) cmocka_unit_test_setup_teardown(f, runtime_up, runtime_down)

#endif
