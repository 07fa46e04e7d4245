#include "fiber/fiber.h"

#include "fiber/test_runtime.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void spins(void *arg)
{
	while (!*(bool *)arg)
		assert_int_equal(fiber_yield(), 0);
}

static void sleep_lasts_at_least_as_long(void *arg)
{
	for (int64_t delay_ms = 1; delay_ms <= 6; delay_ms++) {
		int64_t start_us = clock_mono_us();

		assert_int_equal(fiber_sleep_ms(delay_ms), 0);
		assert_true(clock_mono_us() - start_us >= delay_ms * 1000);
	}
	assert_int_equal(fiber_sleep_ms(0), 0);
	assert_int_equal(fiber_sleep_ms(-1), 0);
	*(bool *)arg = true;
}

/* Beside one that keeps the loop awake, so that timers are looked at all the time. */
static void sleep_is_never_short(void **state)
{
	bool done = false;

	(void)state;
	spawn(spins, &done);
	spawn(sleep_lasts_at_least_as_long, &done);
	run_until_idle();
	assert_true(done);
}

static int order[8];
static size_t n_order;

static void sleeps_and_tells(void *arg)
{
	int delay_ms = *(int *)arg;

	assert_int_equal(fiber_sleep_ms(delay_ms), 0);
	order[n_order++] = delay_ms;
}

static void sleepers_wake_in_order_of_time(void **state)
{
	int delays_ms[] = { 40 * SLOW, 10 * SLOW, 30 * SLOW, 20 * SLOW };

	(void)state;
	n_order = 0;
	for (size_t i = 0; i < ARRAY_SIZE(delays_ms); i++)
		spawn(sleeps_and_tells, &delays_ms[i]);

	run_until_idle();

	assert_int_equal(n_order, 4);
	for (size_t i = 1; i < n_order; i++)
		assert_true(order[i - 1] < order[i]);
}

static void suspends(void *arg)
{
	*(int *)arg = fiber_suspend();
}

static void wake_gives_its_result_and_the_second_is_ignored(void **state)
{
	struct fiber *f CLEANUP(fiber_unref) = NULL;
	int r = -1;

	(void)state;
	assert_int_equal(fiber_start("suspends", suspends, &r, &f), 0);
	fiber_wake(f, 7);
	fiber_wake(f, 8);
	assert_int_equal(r, -1);

	run_until_idle();

	assert_int_equal(r, 7);
}

static void is_woken_before_it_suspends(void *arg)
{
	fiber_wake(fiber_self(), 5);
	*(int *)arg = fiber_suspend();
}

static void a_wake_before_the_suspend_is_not_lost(void **state)
{
	int r = -1;

	(void)state;
	assert_int_equal(fiber_start("early", is_woken_before_it_suspends, &r, NULL), 0);
	assert_int_equal(r, 5);
}

static int turns;

static void on_wakes(uv_timer_t *timer)
{
	fiber_wake(timer->data, 0);
}

static void counts_turns(uv_prepare_t *prepare)
{
	(void)prepare;
	turns++;
}

static void notes_the_turn(void *arg)
{
	assert_int_equal(fiber_suspend(), 0);
	*(int *)arg = turns;
}

/* A handle's callback wakes a fiber: it runs before the loop sleeps again. */
static void a_wake_from_the_loop_does_not_wait_for_its_next_sleep(void **state)
{
	struct fiber *f CLEANUP(fiber_unref) = NULL;
	static uv_timer_t timer;
	static uv_prepare_t prepare;
	int at_turn = -1;

	(void)state;
	assert_int_equal(fiber_start("turn", notes_the_turn, &at_turn, &f), 0);
	uv_timer_init(&loop, &timer);
	timer.data = f;
	uv_timer_start(&timer, on_wakes, 5, 0);
	uv_prepare_init(&loop, &prepare);
	uv_prepare_start(&prepare, counts_turns);
	uv_unref((uv_handle_t *)&prepare);
	turns = 0;

	run_until_idle();

	assert_in_range(at_turn, 1, 3);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_close((uv_handle_t *)&prepare, NULL);
}

static void on_flag(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

static void fibers_that_yield_do_not_starve_the_loop(void **state)
{
	static uv_timer_t timer;
	bool flag = false;

	(void)state;
	spawn(spins, &flag);
	spawn(spins, &flag);
	uv_timer_init(&loop, &timer);
	timer.data = &flag;
	uv_timer_start(&timer, on_flag, 2, 0);

	run_until_idle();

	assert_true(flag);
	uv_close((uv_handle_t *)&timer, NULL);
}

struct player {
	struct fiber *self;
	struct player *other;
	bool *over;
};

static void plays(void *arg)
{
	struct player *p = arg;

	while (!*p->over) {
		fiber_wake(p->other->self, 0);
		assert_int_equal(fiber_suspend(), 0);
	}
	fiber_wake(p->other->self, 0);
}

static void fibers_that_wake_each_other_do_not_starve_the_loop(void **state)
{
	static uv_timer_t timer;
	bool over = false;
	struct player players[2] = { { .other = &players[1], .over = &over }, { .other = &players[0], .over = &over } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(players); i++)
		assert_int_equal(fiber_spawn("plays", plays, &players[i], &players[i].self), 0);
	uv_timer_init(&loop, &timer);
	timer.data = &over;
	uv_timer_start(&timer, on_flag, 2, 0);

	run_until_idle();

	assert_true(over);
	uv_close((uv_handle_t *)&timer, NULL);
	fiber_unref(&players[0].self);
	fiber_unref(&players[1].self);
}

static void a_waiting_fiber_does_not_keep_the_loop_busy(void **state)
{
	static uv_prepare_t prepare;
	int delay_ms = 50;

	(void)state;
	n_order = 0;
	uv_prepare_init(&loop, &prepare);
	uv_prepare_start(&prepare, counts_turns);
	uv_unref((uv_handle_t *)&prepare);
	turns = 0;
	spawn(sleeps_and_tells, &delay_ms);

	run_until_idle();

	assert_in_range(turns, 2, 8);
	uv_close((uv_handle_t *)&prepare, NULL);
}

static void looks_at_its_deadline(void *arg)
{
	assert_int_equal(fiber_deadline(), DEADLINE_NONE);
	assert_int_equal(fiber_time_left_ms(), INT64_MAX);
	fiber_deadline_set(clock_deadline_in(1000));
	assert_in_range(fiber_time_left_ms(), 900, 1000);
	fiber_shield();
	assert_int_equal(fiber_time_left_ms(), INT64_MAX);
	fiber_unshield();
	fiber_deadline_set(clock_mono_ms() - 5);
	assert_int_equal(fiber_time_left_ms(), 0);
	++*(int *)arg;
}

static void a_fiber_knows_its_deadline(void **state)
{
	int done = 0;

	(void)state;
	assert_int_equal(fiber_start("deadline", looks_at_its_deadline, &done, NULL), 0);
	assert_int_equal(done, 1);
}

/* ---- descriptors ---- */

static void reads_a_byte(void *arg)
{
	int fd = *(int *)arg;
	char c = 0;

	assert_int_equal(fiber_wait_fd(fd, UV_READABLE), UV_READABLE);
	assert_int_equal(read(fd, &c, 1), 1);
	assert_int_equal(c, 'x');
	close(fd);
}

static void writes_a_byte(void *arg)
{
	int fd = *(int *)arg;

	assert_int_equal(fiber_sleep_ms(2), 0);
	assert_int_equal(fiber_wait_fd(fd, UV_WRITABLE), UV_WRITABLE);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

/* The same numbers come back each time: nothing may remember the closed ones. */
static void wait_fd_follows_descriptors_that_are_closed_and_reused(void **state)
{
	int first = -1;

	(void)state;
	for (int i = 0; i < 20; i++) {
		int fds[2];

		assert_int_equal(pipe(fds), 0);
		assert_true(first < 0 || first == fds[0]);
		first = fds[0];
		spawn(reads_a_byte, &fds[0]);
		spawn(writes_a_byte, &fds[1]);
		run_until_idle();
	}
}

static void waits_fd_wrongly(void *arg)
{
	int fds[2];
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_int_equal(fiber_wait_fd(9999, UV_READABLE), -EBADF);
	assert_int_equal(fiber_wait_fd(file, UV_READABLE), -EPERM);
	close(file);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	/* Nobody will ever read: an error, which write(2) will tell. */
	assert_int_equal(fiber_wait_fd(fds[1], UV_WRITABLE), UV_WRITABLE);
	close(fds[1]);
	++*(int *)arg;
}

static void wait_fd_tells_what_cannot_be_waited_for(void **state)
{
	int done = 0;

	(void)state;
	spawn(waits_fd_wrongly, &done);
	run_until_idle();
	assert_int_equal(done, 1);
}

struct fd_result {
	int fd;
	int r;
};

static void waits_readable(void *arg)
{
	struct fd_result *w = arg;

	fiber_deadline_set(clock_deadline_in(5));
	w->r = fiber_wait_fd(w->fd, UV_READABLE);
}

static void a_second_waiter_on_a_descriptor_is_refused(void **state)
{
	int fds[2];
	struct fd_result first;
	struct fd_result second;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	first = second = (struct fd_result){ .fd = fds[0], .r = 99 };
	spawn(waits_readable, &first);
	spawn(waits_readable, &second);

	run_until_idle();

	assert_int_equal(first.r, -ETIMEDOUT);
	assert_int_equal(second.r, -EEXIST);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fiber_test(sleep_is_never_short),
		fiber_test(sleepers_wake_in_order_of_time),
		fiber_test(wake_gives_its_result_and_the_second_is_ignored),
		fiber_test(a_wake_before_the_suspend_is_not_lost),
		fiber_test(a_wake_from_the_loop_does_not_wait_for_its_next_sleep),
		fiber_test(fibers_that_yield_do_not_starve_the_loop),
		fiber_test(fibers_that_wake_each_other_do_not_starve_the_loop),
		fiber_test(a_waiting_fiber_does_not_keep_the_loop_busy),
		fiber_test(a_fiber_knows_its_deadline),
		fiber_test(wait_fd_follows_descriptors_that_are_closed_and_reused),
		fiber_test(wait_fd_tells_what_cannot_be_waited_for),
		fiber_test(a_second_waiter_on_a_descriptor_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
