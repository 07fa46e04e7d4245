#include "fiber/offload.h"

#include "fiber/test_runtime.h"

#include <stdatomic.h>

static pthread_t loop_thread;
static atomic_bool stop;
static atomic_int interrupts;
static atomic_int works;

static int offload_up(void **state)
{
	loop_thread = pthread_self();
	atomic_store(&stop, false);
	atomic_store(&interrupts, 0);
	atomic_store(&works, 0);
	(void)state;
	return runtime_up_with(&(struct fiber_limits){ .offload_threads = 1 });
}

static int works_elsewhere(void *arg)
{
	atomic_fetch_add(&works, 1);
	*(bool *)arg = !pthread_equal(pthread_self(), loop_thread);
	return 17;
}

static void offloads(void *arg)
{
	bool elsewhere = false;
	const struct offload job = { .work = works_elsewhere, .arg = &elsewhere };

	*(int *)arg = offload_run(&job);
	assert_true(elsewhere);
}

static void work_runs_off_the_loop_and_gives_its_value(void **state)
{
	int r = 0;

	(void)state;
	spawn(offloads, &r);
	run_until_idle();
	assert_int_equal(r, 17);
}

static int works_until_stopped(void *arg)
{
	(void)arg;
	atomic_fetch_add(&works, 1);
	while (!atomic_load(&stop))
		uv_sleep(1);
	return -EINTR;
}

/* As sqlite3_interrupt() it may come too early to have an effect. */
static void interrupts_at_the_second_time(void *arg)
{
	(void)arg;
	if (atomic_fetch_add(&interrupts, 1) > 0)
		atomic_store(&stop, true);
}

static void is_interrupted(void *arg)
{
	const struct offload job = { .work = works_until_stopped, .interrupt = interrupts_at_the_second_time };

	*(int *)arg = offload_run(&job);
	assert_int_equal(fiber_yield(), -ETIMEDOUT);
}

static void with_deadline(void *arg)
{
	fiber_deadline_set(clock_deadline_in(50 * SLOW));
	is_interrupted(arg);
}

static void running_work_is_interrupted_at_the_deadline_and_waited_for(void **state)
{
	int r = 99;

	(void)state;
	spawn(with_deadline, &r);
	run_until_idle();
	assert_int_equal(r, -EINTR);
	assert_true(atomic_load(&interrupts) >= 2);
}

static void cannot_be_interrupted(void *arg)
{
	const struct offload job = { .work = works_until_stopped };

	*(int *)arg = offload_run(&job);
}

static void on_stop(uv_timer_t *timer)
{
	(void)timer;
	atomic_store(&stop, true);
}

static void running_work_without_interrupt_is_waited_for(void **state)
{
	struct fiber *f CLEANUP(fiber_unref) = NULL;
	static uv_timer_t timer;
	int r = 99;

	(void)state;
	assert_int_equal(fiber_start("stubborn", cannot_be_interrupted, &r, &f), 0);
	while (atomic_load(&works) == 0)
		uv_sleep(1);
	fiber_cancel(f);
	for (int i = 0; i < 5; i++)
		run_turn();
	assert_int_equal(r, 99);

	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, on_stop, 5, 0);
	run_until_idle();

	assert_int_equal(r, -EINTR);
	uv_close((uv_handle_t *)&timer, NULL);
}

static int never_runs(void *arg)
{
	(void)arg;
	fail_msg("ran");
	return 0;
}

static void waits_for_the_pool(void *arg)
{
	const struct offload job = { .work = never_runs, .interrupt = interrupts_at_the_second_time };

	*(int *)arg = offload_run(&job);
}

static void queued_work_never_runs_once_cancelled(void **state)
{
	struct fiber *queued CLEANUP(fiber_unref) = NULL;
	int first = 99;
	int second = 99;

	(void)state;
	assert_int_equal(fiber_start("first", cannot_be_interrupted, &first, NULL), 0);
	while (atomic_load(&works) == 0)
		uv_sleep(1);
	assert_int_equal(fiber_start("queued", waits_for_the_pool, &second, &queued), 0);

	fiber_cancel(queued);
	while (second == 99)
		run_turn();

	assert_int_equal(second, -ECANCELED);
	assert_int_equal(first, 99);
	assert_int_equal(atomic_load(&interrupts), 0);
	atomic_store(&stop, true);
	run_until_idle();
	assert_int_equal(first, -EINTR);
}

static void shielded_offload(void *arg)
{
	bool elsewhere;
	const struct offload job = { .work = works_elsewhere, .arg = &elsewhere };

	fiber_deadline_set(clock_mono_ms());
	fiber_shield();
	*(int *)arg = offload_run(&job);
	fiber_unshield();
}

static void shielded_work_ignores_the_deadline(void **state)
{
	int r = 99;

	(void)state;
	spawn(shielded_offload, &r);
	run_until_idle();
	assert_int_equal(r, 17);
}

static void ten_thousand_offloads_all_come_back(void **state)
{
	static int results[10000];
	size_t n = RUNNING_ON_VALGRIND ? 500 : ARRAY_SIZE(results);

	(void)state;
	for (size_t i = 0; i < n; i++)
		spawn(offloads, &results[i]);
	run_until_idle();
	for (size_t i = 0; i < n; i++)
		assert_int_equal(results[i], 17);
}

static int waits_for_the_others(void *arg)
{
	int64_t until_ms = clock_deadline_in(10000);

	atomic_fetch_add(&works, 1);
	while (atomic_load(&works) < 7 && clock_mono_ms() < until_ms)
		uv_sleep(1);
	return *(int *)arg = atomic_load(&works);
}

static void meets_the_others(void *arg)
{
	(void)!offload_run(&(struct offload){ .work = waits_for_the_others, .arg = arg });
}

static void as_many_work_at_once_as_the_limits_say(void **state)
{
	int met[7] = { 0 };

	(void)state;
	atomic_store(&works, 0);
	assert_int_equal(runtime_up_with(&(struct fiber_limits){ .offload_threads = 7 }), 0);
	for (size_t i = 0; i < ARRAY_SIZE(met); i++)
		spawn(meets_the_others, &met[i]);
	run_until_idle();
	for (size_t i = 0; i < ARRAY_SIZE(met); i++)
		assert_int_equal(met[i], 7);
	assert_int_equal(runtime_down(state), 0);
}

#define offload_test(f) cmocka_unit_test_setup_teardown(f, offload_up, runtime_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		offload_test(work_runs_off_the_loop_and_gives_its_value),
		offload_test(running_work_is_interrupted_at_the_deadline_and_waited_for),
		offload_test(running_work_without_interrupt_is_waited_for),
		offload_test(queued_work_never_runs_once_cancelled),
		offload_test(shielded_work_ignores_the_deadline),
		offload_test(ten_thousand_offloads_all_come_back),
		cmocka_unit_test(as_many_work_at_once_as_the_limits_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
