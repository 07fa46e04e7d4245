/* Deadline, cancellation and shield, on every kind of wait there is. */
#include "fiber/flight.h"
#include "fiber/offload.h"
#include "fiber/test_runtime.h"

#include <unistd.h>

static int fds[2];
static struct fiber *blocker;
static struct fiber_queue queue;
static struct fiber_semaphore semaphore;
static struct flight_group *group;
static struct fiber_queue flight_gate;
static uv_sem_t pool_gate;
static struct fiber *pool_user;

static int wait_sleep(void)
{
	return fiber_sleep_ms(60000);
}

static int wait_fd(void)
{
	return fiber_wait_fd(fds[0], UV_READABLE);
}

static int wait_join(void)
{
	return fiber_join(blocker);
}

static int wait_queue(void)
{
	return fiber_queue_wait(&queue);
}

static int wait_semaphore(void)
{
	return fiber_semaphore_acquire(&semaphore);
}

static int work_waits(void *arg, void **ret_result)
{
	(void)arg;
	(void)ret_result;
	return fiber_queue_wait(&flight_gate);
}

static int wait_flight(void)
{
	void *result;

	return flight_do(group, STR("key"), 60000, work_waits, NULL, NULL, &result, NULL);
}

static int never_runs(void *arg)
{
	(void)arg;
	fail_msg("the work ran");
	return 0;
}

/* The pool's only thread is held by pool_user. */
static int wait_offload(void)
{
	const struct offload job = { .work = never_runs };

	return offload_run(&job);
}

static const struct wait_kind {
	const char *name;
	int (*wait)(void);
} kinds[] = {
	{ "suspend", fiber_suspend }, { "sleep", wait_sleep },     { "fd", wait_fd },
	{ "join", wait_join },        { "queue", wait_queue },     { "semaphore", wait_semaphore },
	{ "flight", wait_flight },    { "offload", wait_offload },
};

static void suspends_for_ever(void *arg)
{
	(void)arg;
	assert_int_equal(fiber_suspend(), 1);
}

static int holds_thread(void *arg)
{
	uv_sem_wait(arg);
	return 0;
}

static void holds_pool(void *arg)
{
	const struct offload job = { .work = holds_thread, .arg = &pool_gate };

	(void)arg;
	assert_int_equal(offload_run(&job), 0);
}

static const struct flight_ops no_ops = { 0 };

static int kinds_up(void **state)
{
	(void)state;
	if (runtime_up_with(&(struct fiber_limits){ .offload_threads = 1 }) < 0 || pipe(fds) < 0 ||
	    uv_sem_init(&pool_gate, 0) < 0)
		return -1;
	fiber_queue_init(&queue);
	fiber_queue_init(&flight_gate);
	fiber_semaphore_init(&semaphore, 0, 10);
	if (flight_group_new(10, &no_ops, &group) < 0)
		return -1;
	if (fiber_start("blocker", suspends_for_ever, NULL, &blocker) < 0)
		return -1;
	return fiber_start("pool", holds_pool, NULL, &pool_user);
}

static int kinds_down(void **state)
{
	fiber_wake(blocker, 1);
	uv_sem_post(&pool_gate);
	do {
		fiber_queue_wake_all(&flight_gate, 0);
		run_turn();
	} while (flight_count(group) > 0);
	run_until_idle();
	uv_sem_destroy(&pool_gate);
	fiber_unref(&blocker);
	fiber_unref(&pool_user);
	flight_group_free(&group);
	close(fds[0]);
	close(fds[1]);
	return queue.count != 0 || semaphore.queue.count != 0 || runtime_down(state) < 0;
}

struct waiting {
	const struct wait_kind *kind;
	int64_t deadline_in_ms;
	int64_t took_ms;
	int r;
	int again;
};

static void waits(void *arg)
{
	struct waiting *w = arg;
	int64_t start_ms = clock_mono_ms();

	fiber_deadline_set(clock_deadline_in(w->deadline_in_ms));
	w->r = w->kind->wait();
	w->took_ms = clock_mono_ms() - start_ms;
	w->again = w->kind->wait();
}

static void a_deadline_ends_every_kind_of_wait(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct waiting w = { .kind = &kinds[i], .deadline_in_ms = 5 };
		struct fiber *f CLEANUP(fiber_unref) = NULL;

		print_message("%s\n", w.kind->name);
		assert_int_equal(fiber_start("waits", waits, &w, &f), 0);
		while (w.again == 0)
			run_turn();
		assert_int_equal(w.r, -ETIMEDOUT);
		assert_int_equal(w.again, -ETIMEDOUT);
		assert_in_range(w.took_ms, 5, 2000);
	}
}

static void cancellation_ends_every_kind_of_wait(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct waiting w = { .kind = &kinds[i], .deadline_in_ms = DEADLINE_NONE };
		struct fiber *f CLEANUP(fiber_unref) = NULL;

		print_message("%s\n", w.kind->name);
		assert_int_equal(fiber_start("waits", waits, &w, &f), 0);
		assert_int_equal(w.r, 0);
		fiber_cancel(f);
		while (w.again == 0)
			run_turn();
		assert_int_equal(w.r, -ECANCELED);
		assert_int_equal(w.again, -ECANCELED);
	}
}

static void a_deadline_that_has_passed_ends_every_wait_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct waiting w = { .kind = &kinds[i], .deadline_in_ms = 0 };

		assert_int_equal(fiber_start("waits", waits, &w, NULL), 0);
		assert_int_equal(w.r, -ETIMEDOUT);
		assert_int_equal(w.again, -ETIMEDOUT);
	}
}

static void a_fiber_cancelled_before_its_start_fails_at_its_first_wait(void **state)
{
	struct waiting w = { .kind = &kinds[0], .deadline_in_ms = DEADLINE_NONE };
	struct fiber *f CLEANUP(fiber_unref) = NULL;

	(void)state;
	assert_int_equal(fiber_spawn("waits", waits, &w, &f), 0);
	fiber_cancel(f);
	while (w.again == 0)
		run_turn();
	assert_int_equal(w.r, -ECANCELED);
}

static void is_shielded(void *arg)
{
	struct waiting *w = arg;

	fiber_deadline_set(clock_deadline_in(2));
	fiber_shield();
	fiber_shield();
	w->r = fiber_sleep_ms(8);
	fiber_unshield();
	assert_int_equal(fiber_yield(), 0);
	fiber_unshield();
	w->again = fiber_sleep_ms(1);
}

static void under_a_shield_waits_ignore_the_deadline(void **state)
{
	struct waiting w = { .r = 99 };

	(void)state;
	spawn(is_shielded, &w);
	while (w.again == 0)
		run_turn();
	assert_int_equal(w.r, 0);
	assert_int_equal(w.again, -ETIMEDOUT);
}

static void under_a_shield_waits_ignore_cancellation(void **state)
{
	struct waiting w = { .r = 99 };
	struct fiber *f CLEANUP(fiber_unref) = NULL;

	(void)state;
	assert_int_equal(fiber_start("shielded", is_shielded, &w, &f), 0);
	fiber_cancel(f);
	while (w.again == 0)
		run_turn();
	assert_int_equal(w.r, 0);
	assert_int_equal(w.again, -ECANCELED);
}

static void yields_when_late(void *arg)
{
	fiber_deadline_set(clock_mono_ms());
	*(int *)arg = fiber_yield();
}

static void yield_lets_others_run_even_past_the_deadline(void **state)
{
	int r = 1;

	(void)state;
	assert_int_equal(fiber_start("late", yields_when_late, &r, NULL), 0);
	assert_int_equal(r, 1);
	while (r == 1)
		uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(r, -ETIMEDOUT);
}

#define kinds_test(f) cmocka_unit_test_setup_teardown(f, kinds_up, kinds_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		kinds_test(a_deadline_ends_every_kind_of_wait),
		kinds_test(cancellation_ends_every_kind_of_wait),
		kinds_test(a_deadline_that_has_passed_ends_every_wait_at_once),
		kinds_test(a_fiber_cancelled_before_its_start_fails_at_its_first_wait),
		kinds_test(under_a_shield_waits_ignore_the_deadline),
		kinds_test(under_a_shield_waits_ignore_cancellation),
		kinds_test(yield_lets_others_run_even_past_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
