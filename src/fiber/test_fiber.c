#include "fiber/fiber.h"

#include "base/context.h"
#include "base/fault.h"
#include "base/log.h"
#include "fiber/test_runtime.h"

#include <string.h>
#include <unistd.h>

static char trace[256];

static void note(const char *what)
{
	size_t len = strlen(trace);

	snprintf(trace + len, sizeof(trace) - len, "%s", what);
}

static int traced_up(void **state)
{
	trace[0] = '\0';
	return runtime_up(state);
}

static void notes_and_yields(void *arg)
{
	for (int i = 0; i < 3; i++) {
		note(arg);
		assert_int_equal(fiber_yield(), 0);
	}
}

static void yield_lets_the_others_run_in_turn(void **state)
{
	(void)state;
	spawn(notes_and_yields, "a");
	spawn(notes_and_yields, "b");
	spawn(notes_and_yields, "c");
	note("|");

	run_until_idle();

	assert_string_equal(trace, "|abcabcabc");
}

static void start_runs_at_once_until_the_first_wait(void **state)
{
	(void)state;
	assert_null(fiber_self());
	assert_int_equal(fiber_start("a", notes_and_yields, "a", NULL), 0);
	note("|");

	run_until_idle();

	assert_string_equal(trace, "a|aa");
}

static void spawns_another(void *arg)
{
	(void)arg;
	note("1");
	spawn(notes_and_yields, "a");
	note("2");
}

static void a_fiber_spawned_by_a_fiber_starts_after_it_waits(void **state)
{
	(void)state;
	spawn(spawns_another, NULL);

	run_until_idle();

	assert_string_equal(trace, "12aaa");
}

static void tells_itself(void *arg)
{
	struct fiber **ret = arg;

	*ret = fiber_self();
	note(fiber_name(fiber_self()));
}

static void a_fiber_knows_itself_and_its_name(void **state)
{
	struct fiber *self = NULL;
	struct fiber *f CLEANUP(fiber_unref) = NULL;

	(void)state;
	assert_int_equal(fiber_start("me", tells_itself, &self, &f), 0);

	assert_ptr_equal(self, f);
	assert_string_equal(trace, "me");
	assert_ptr_equal(fiber_loop(), &loop);
}

static void sleeps(void *arg)
{
	assert_int_equal(fiber_sleep_ms(*(int *)arg), 0);
	note("slept ");
}

static void joins(void *arg)
{
	assert_int_equal(fiber_join(arg), 0);
	note("joined ");
}

static void join_waits_for_the_end(void **state)
{
	struct fiber *f CLEANUP(fiber_unref) = NULL;
	int delay_ms = 5;

	(void)state;
	assert_int_equal(fiber_spawn("sleeps", sleeps, &delay_ms, &f), 0);
	spawn(joins, f);
	spawn(joins, f);

	run_until_idle();

	assert_string_equal(trace, "slept joined joined ");
}

static void join_of_a_finished_fiber_returns_at_once(void **state)
{
	struct fiber *f CLEANUP(fiber_unref) = NULL;
	int delay_ms = 1;

	(void)state;
	assert_int_equal(fiber_spawn("sleeps", sleeps, &delay_ms, &f), 0);
	run_until_idle();

	assert_int_equal(fiber_start("joins", joins, f, NULL), 0);

	assert_string_equal(trace, "slept joined ");
	assert_int_equal(fibers_alive(), 0);
}

static void sleeps_until_cancelled(void *arg)
{
	(void)arg;
	assert_int_equal(fiber_sleep_ms(60000), -ECANCELED);
	fiber_shield(); /* what it has begun, it finishes */
	assert_int_equal(fiber_sleep_ms(5), 0);
	fiber_unshield();
	note("ended ");
}

static void ends(void *arg)
{
	struct fiber **f = arg;

	fiber_cancel(fiber_self());
	fiber_end(f);
	assert_null(*f);
	note("ends ");
	fiber_end(f);
}

static void end_waits_for_the_end_even_when_cancelled_itself(void **state)
{
	struct fiber *f = NULL;

	(void)state;
	assert_int_equal(fiber_spawn("sleeps", sleeps_until_cancelled, NULL, &f), 0);
	run_turn();
	spawn(ends, &f);
	run_until_idle();

	assert_string_equal(trace, "ended ends ");
	assert_int_equal(fibers_alive(), 0);
}

static void fibers_max_is_a_limit(void **state)
{
	const struct fiber_limits limits = { .fibers_max = 2 };
	struct fiber *f = NULL;
	int delay_ms = 1;

	(void)state;
	assert_int_equal(runtime_up_with(&limits), 0);
	spawn(sleeps, &delay_ms);
	spawn(sleeps, &delay_ms);
	assert_int_equal(fiber_spawn("third", sleeps, &delay_ms, &f), -EAGAIN);
	assert_int_equal(fiber_start("third", sleeps, &delay_ms, &f), -EAGAIN);
	assert_null(f);

	run_until_idle();

	assert_int_equal(fiber_spawn("third", sleeps, &delay_ms, NULL), 0);
	run_until_idle();
	assert_int_equal(runtime_down(NULL), 0);
}

static void no_memory_for_a_fiber_is_an_error(void **state)
{
	(void)state;
	fault_set("fiber.alloc:1,fiber.stack:1");
	assert_int_equal(fiber_spawn("f", notes_and_yields, "a", NULL), -ENOMEM);
	assert_int_equal(fiber_spawn("f", notes_and_yields, "a", NULL), -ENOMEM);
	fault_set(NULL);
	assert_int_equal(fibers_alive(), 0);
	assert_int_equal(fiber_spawn("f", notes_and_yields, "a", NULL), 0);
	run_until_idle();
}

static void a_thread_has_one_runtime(void **state)
{
	(void)state;
	assert_int_equal(fiber_runtime_init(&loop, NULL), -EBUSY);
}

static void keeps_its_context(void *arg)
{
	assert_null(context_current);
	context_current = arg;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fiber_yield(), 0);
		assert_ptr_equal(context_current, arg);
	}
	assert_int_equal(fiber_sleep_ms(1), 0);
	assert_ptr_equal(context_current, arg);
	note("kept ");
	context_current = NULL;
}

static void the_context_follows_its_fiber(void **state)
{
	struct context one = { 0 };
	struct context two = { 0 };
	struct context loops = { 0 };

	(void)state;
	context_current = &loops;
	spawn(keeps_its_context, &one);
	assert_int_equal(fiber_start("two", keeps_its_context, &two, NULL), 0);
	assert_ptr_equal(context_current, &loops);

	run_until_idle();

	assert_ptr_equal(context_current, &loops);
	context_current = NULL;
	assert_string_equal(trace, "kept kept ");
}

static void counts_are_kept(void **state)
{
	struct fiber_stats stats;

	(void)state;
	for (int i = 0; i < 3; i++)
		spawn(notes_and_yields, "");
	fiber_stats_get(&stats);
	assert_int_equal(stats.alive, 3);
	run_until_idle();

	fiber_stats_get(&stats);

	assert_int_equal(stats.alive, 0);
	assert_int_equal(stats.alive_max, 3);
	assert_int_equal(stats.started, 3);
	assert_int_equal(stats.stacks_pooled, 3);
	if (!RUNNING_ON_VALGRIND)
		assert_in_range(stats.stack_high_water, 256, (size_t)256 * 1024);
}

static void holds_the_loop(void *arg)
{
	int64_t until_ms = clock_deadline_in(*(int64_t *)arg);

	while (clock_mono_ms() <= until_ms)
		;
}

/* What log lines were written to `fd`, read back. */
static void read_log(int fd, char *ret, size_t size)
{
	ssize_t n = read(fd, ret, size - 1);

	assert_true(n >= 0);
	ret[n] = '\0';
}

static void a_slow_slice_is_logged_once_and_counted_always(void **state)
{
	const struct fiber_limits limits = { .slice_warn_ms = 5 };
	int64_t held_ms = 8;
	struct fiber_stats stats;
	char lines[4096];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	log_init("test", LOG_INFO, fds[1]);
	assert_int_equal(runtime_up_with(&limits), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(fiber_start("holder", holds_the_loop, &held_ms, NULL), 0);

	fiber_stats_get(&stats);
	read_log(fds[0], lines, sizeof(lines));

	assert_int_equal(stats.slow_slices, 3);
	assert_non_null(strstr(lines, "\"level\":\"warning\""));
	assert_non_null(strstr(lines, "\"fiber\":\"holder\""));
	assert_ptr_equal(strchr(lines, '\n'), strrchr(lines, '\n'));
	log_init("test", LOG_INFO, 1);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(runtime_down(NULL), 0);
}

static void unref_takes_null(void **state)
{
	struct fiber *none = NULL;

	(void)state;
	fiber_unref(&none);
	assert_int_equal(fiber_deadline(), DEADLINE_NONE);
	assert_int_equal(fiber_time_left_ms(), INT64_MAX);
}

#define traced_test(f) cmocka_unit_test_setup_teardown(f, traced_up, runtime_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		traced_test(yield_lets_the_others_run_in_turn),
		traced_test(start_runs_at_once_until_the_first_wait),
		traced_test(a_fiber_spawned_by_a_fiber_starts_after_it_waits),
		traced_test(a_fiber_knows_itself_and_its_name),
		traced_test(join_waits_for_the_end),
		traced_test(join_of_a_finished_fiber_returns_at_once),
		traced_test(end_waits_for_the_end_even_when_cancelled_itself),
		cmocka_unit_test(fibers_max_is_a_limit),
		traced_test(no_memory_for_a_fiber_is_an_error),
		traced_test(a_thread_has_one_runtime),
		traced_test(the_context_follows_its_fiber),
		traced_test(counts_are_kept),
		cmocka_unit_test(a_slow_slice_is_logged_once_and_counted_always),
		traced_test(unref_takes_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
