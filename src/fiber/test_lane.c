/* Long computations on threads of their own: they give their value, keep their niceness to themselves, never run once
 * given up in line, and are waited for once they run. */
#include "fiber/lane.h"

#include "fiber/test_runtime.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static struct lane *lane;
static atomic_bool stop;
static atomic_int works;

static void makes_lane(void *arg)
{
	assert_int_equal(lane_new("lane", *(size_t *)arg, 5, &lane), 0);
}

static void frees_lane(void *arg)
{
	(void)arg;
	lane_free(&lane);
	assert_null(lane);
}

static int lane_up_with(size_t threads)
{
	atomic_store(&stop, false);
	atomic_store(&works, 0);
	spawn(makes_lane, &threads);
	run_until_idle();
	return lane ? 0 : -1;
}

static void lane_down(void)
{
	spawn(frees_lane, NULL);
	run_until_idle();
}

static int tells_its_niceness(void *arg)
{
	atomic_fetch_add(&works, 1);
	*(int *)arg = getpriority(PRIO_PROCESS, (id_t)gettid());
	return 17;
}

static void computes(void *arg)
{
	int niceness = 99;
	const struct offload job = { .work = tells_its_niceness, .arg = &niceness };

	*(int *)arg = lane_run(lane, &job);
	assert_int_equal(niceness, 5);
}

static void work_runs_with_the_lanes_niceness_and_gives_its_value(void **state)
{
	int own = getpriority(PRIO_PROCESS, 0);
	int r = 0;

	(void)state;
	assert_int_equal(lane_up_with(2), 0);
	spawn(computes, &r);
	run_until_idle();
	assert_int_equal(r, 17);
	assert_int_equal(getpriority(PRIO_PROCESS, 0), own);
	lane_down();
}

static void a_thousand_calls_all_come_back(void **state)
{
	static int results[1000];

	(void)state;
	assert_int_equal(lane_up_with(3), 0);
	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		spawn(computes, &results[i]);
	run_until_idle();
	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		assert_int_equal(results[i], 17);
	assert_int_equal(atomic_load(&works), ARRAY_SIZE(results));
	lane_down();
}

static int works_until_stopped(void *arg)
{
	(void)arg;
	atomic_fetch_add(&works, 1);
	while (!atomic_load(&stop))
		uv_sleep(1);
	return -EINTR;
}

static void holds_the_thread(void *arg)
{
	const struct offload job = { .work = works_until_stopped };

	*(int *)arg = lane_run(lane, &job);
}

static int never_runs(void *arg)
{
	(void)arg;
	fail_msg("ran");
	return 0;
}

static void waits_in_line(void *arg)
{
	const struct offload job = { .work = never_runs };

	*(int *)arg = lane_run(lane, &job);
}

static void who_waits_in_line_leaves_at_once_and_who_runs_is_waited_for(void **state)
{
	struct fiber *runs CLEANUP(fiber_unref) = NULL;
	struct fiber *queued CLEANUP(fiber_unref) = NULL;
	int first = 99;
	int second = 99;

	(void)state;
	assert_int_equal(lane_up_with(1), 0);
	assert_int_equal(fiber_start("first", holds_the_thread, &first, &runs), 0);
	while (atomic_load(&works) == 0)
		uv_sleep(1);
	assert_int_equal(fiber_start("queued", waits_in_line, &second, &queued), 0);

	fiber_cancel(queued);
	fiber_cancel(runs);
	while (second == 99)
		run_turn();
	assert_int_equal(second, -ECANCELED);
	assert_int_equal(first, 99);

	atomic_store(&stop, true);
	run_until_idle();
	assert_int_equal(first, -EINTR);
	lane_down();
}

static void an_idle_lane_does_not_hold_the_loop(void **state)
{
	(void)state;
	assert_int_equal(lane_up_with(LANE_THREADS_MAX), 0);
	run_until_idle(); /* comes back */
	lane_down();
}

#define lane_test(f) cmocka_unit_test_setup_teardown(f, runtime_up, runtime_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lane_test(work_runs_with_the_lanes_niceness_and_gives_its_value),
		lane_test(a_thousand_calls_all_come_back),
		lane_test(who_waits_in_line_leaves_at_once_and_who_runs_is_waited_for),
		lane_test(an_idle_lane_does_not_hold_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
