/* Work on a lane's threads: it gives its value, never runs once given up in line, is waited for once it runs, and in
 * the background takes what others leave. */
#include "fiber/lane.h"

#include "fiber/test_runtime.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

static struct lane *lane;
static atomic_bool stop;
static atomic_int works;

static void lane_up_with(const struct lane_options *options)
{
	atomic_store(&stop, false);
	atomic_store(&works, 0);
	assert_int_equal(lane_new(options, &lane), 0);
}

static void lane_up(size_t threads)
{
	lane_up_with(&(struct lane_options){ "lane", threads, .waiting_max = 1000 });
}

static void lane_down(void)
{
	lane_free(&lane);
	assert_null(lane);
	run_until_idle();
}

struct standing {
	int niceness;
	int policy;
	char name[16];
};

static struct standing standing_of_this(void)
{
	struct standing s = { getpriority(PRIO_PROCESS, (id_t)gettid()), sched_getscheduler(gettid()), "" };

	pthread_getname_np(pthread_self(), s.name, sizeof(s.name));
	return s;
}

static int tells_its_standing(void *arg)
{
	*(struct standing *)arg = standing_of_this();
	return 17;
}

static void asks_for_its_standing(void *arg)
{
	const struct offload job = { .work = tells_its_standing, .arg = arg };

	assert_int_equal(lane_run(lane, &job), 17);
}

static void work_stands_where_the_lane_does(void **state)
{
	struct standing own = standing_of_this(), s = { 0 };

	(void)state;
	lane_up(2);
	spawn(asks_for_its_standing, &s);
	run_until_idle();
	assert_string_equal(s.name, "lane");
	assert_int_equal(s.niceness, own.niceness);
	assert_int_equal(s.policy, own.policy);
	lane_down();

	lane_up_with(&(struct lane_options){ "behind", 1, 0, .is_background = true });
	spawn(asks_for_its_standing, &s);
	run_until_idle();
	assert_string_equal(s.name, "behind");
	assert_int_equal(s.niceness, MAX(own.niceness, 10));
	assert_int_equal(getpriority(PRIO_PROCESS, 0), own.niceness);
	lane_down();
}

static atomic_int asked_to_give_way;

static void on_asked(int signal)
{
	(void)signal;
	atomic_fetch_add(&asked_to_give_way, 1);
}

static int works_until_asked_to_give_way(void *arg)
{
	int64_t until_ms = clock_deadline_in(10000);

	while (atomic_load(&asked_to_give_way) < 3 && clock_mono_ms() < until_ms)
		;
	*(int *)arg = atomic_load(&asked_to_give_way);
	return 0;
}

static void is_asked(void *arg)
{
	assert_int_equal(lane_run(lane, &(struct offload){ .work = works_until_asked_to_give_way, .arg = arg }), 0);
}

static void who_computes_in_the_background_is_asked_to_give_way_and_only_then(void **state)
{
	struct sigaction mine = { .sa_handler = on_asked }, lanes;
	struct standing s;
	int before, n = 0;

	(void)state;
	lane_up_with(&(struct lane_options){ "behind", 1, 0, .is_background = true });
	spawn(asks_for_its_standing, &s); /* after which the thread has its handler */
	run_until_idle();
	sigaction(SIGURG, &mine, &lanes);
	atomic_store(&asked_to_give_way, 0);
	spawn(is_asked, &n);
	run_until_idle();
	assert_in_range(n, 3, INT32_MAX);

	uv_sleep(5); /* one more may have been on its way */
	before = atomic_load(&asked_to_give_way);
	uv_sleep(50);
	assert_int_equal(atomic_load(&asked_to_give_way), before);
	sigaction(SIGURG, &lanes, NULL);
	lane_down();
}

/* Long enough for some to come, whatever they do. */
static int keeps_errno(void *arg)
{
	int64_t until_ms = clock_deadline_in(20);
	int seen = EXDEV;

	errno = EXDEV;
	while (clock_mono_ms() < until_ms && seen == EXDEV)
		seen = errno;
	*(int *)arg = seen;
	return 0;
}

static void gives_way(void *arg)
{
	assert_int_equal(lane_run(lane, &(struct offload){ .work = keeps_errno, .arg = arg }), 0);
}

static void giving_way_is_not_noticed_by_the_work(void **state)
{
	int seen = 0;

	(void)state;
	lane_up_with(&(struct lane_options){ "behind", 1, 0, .is_background = true });
	spawn(gives_way, &seen);
	run_until_idle();
	assert_int_equal(seen, EXDEV);
	lane_down();
}

static int computes(void *arg)
{
	(void)arg;
	atomic_fetch_add(&works, 1);
	return 17;
}

static void has_computed(void *arg)
{
	*(int *)arg = lane_run(lane, &(struct offload){ .work = computes });
}

static void a_thousand_calls_all_come_back(void **state)
{
	static int results[1000];

	(void)state;
	lane_up(3);
	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		spawn(has_computed, &results[i]);
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
	lane_up(1);
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

static void a_full_line_is_told_at_once(void **state)
{
	int results[5] = { 99, 99, 99, 99, 99 };
	size_t n_busy = 0;

	(void)state;
	lane_up_with(&(struct lane_options){ "lane", 2, .waiting_max = 1 });
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(fiber_start("served", holds_the_thread, &results[i], NULL), 0);
	for (size_t i = 3; i < 5; i++)
		assert_int_equal(fiber_start("refused", waits_in_line, &results[i], NULL), 0);
	for (size_t i = 0; i < 5; i++)
		n_busy += results[i] == -EBUSY;
	assert_int_equal(n_busy, 2);
	assert_int_equal(results[3], -EBUSY);

	atomic_store(&stop, true);
	run_until_idle();
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(results[i], -EINTR);
	lane_down();
}

static int takes_20_ms(void *arg)
{
	(void)arg;
	uv_sleep(20);
	return 0;
}

static void takes_its_time(void *arg)
{
	(void)arg;
	assert_int_equal(lane_run(lane, &(struct offload){ .work = takes_20_ms }), 0);
}

static void who_would_wait_beyond_its_deadline_can_know(void **state)
{
	int results[3] = { 99, 99, 99 };

	(void)state;
	lane_up_with(&(struct lane_options){ "lane", 1, .waiting_max = 2 });
	assert_int_equal(lane_check(lane, 0), 0); /* nothing is known yet, and nobody before it */
	for (size_t i = 0; i < 3; i++)
		spawn(takes_its_time, NULL);
	run_until_idle();
	/* Too late, but its thread is free: whether it still takes so long is found out by trying. */
	assert_int_equal(lane_check(lane, clock_deadline_in(1)), 0);

	assert_int_equal(fiber_start("served", holds_the_thread, &results[0], NULL), 0);
	assert_int_equal(lane_check(lane, clock_deadline_in(30)), -EBUSY);
	assert_int_equal(lane_check(lane, clock_deadline_in(60000)), 0);
	assert_int_equal(lane_check(lane, DEADLINE_NONE), 0);
	for (size_t i = 1; i < 3; i++)
		assert_int_equal(fiber_start("served", holds_the_thread, &results[i], NULL), 0);
	assert_int_equal(lane_check(lane, DEADLINE_NONE), -EBUSY); /* full */

	atomic_store(&stop, true);
	run_until_idle();
	lane_down();
}

static void what_it_does_is_counted(void **state)
{
	int results[3] = { 99, 99, 99 };
	struct lane_stats stats;

	(void)state;
	lane_up_with(&(struct lane_options){ "lane", 1, .waiting_max = 1 });
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(fiber_start("counted", holds_the_thread, &results[i], NULL), 0);
	while (atomic_load(&works) == 0)
		sched_yield();
	lane_stats_get(lane, &stats);
	assert_int_equal(stats.threads, 1);
	assert_int_equal(stats.running, 1);
	assert_int_equal(stats.waiting, 1);
	assert_int_equal(stats.refused, 1);
	assert_int_equal(stats.ended, 0);
	uv_sleep(20);
	atomic_store(&stop, true);
	run_until_idle();
	lane_stats_get(lane, &stats);
	assert_int_equal(stats.running + stats.waiting, 0);
	assert_int_equal(stats.ended, 2);
	assert_true(stats.wait_us >= 20000 && stats.work_us >= 20000);
	lane_down();
}

static void an_idle_lane_does_not_hold_the_loop(void **state)
{
	(void)state;
	lane_up(64);
	run_until_idle(); /* comes back */
	lane_down();
}

#define lane_test(f) cmocka_unit_test_setup_teardown(f, runtime_up, runtime_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lane_test(work_stands_where_the_lane_does),
		lane_test(who_computes_in_the_background_is_asked_to_give_way_and_only_then),
		lane_test(giving_way_is_not_noticed_by_the_work),
		lane_test(a_thousand_calls_all_come_back),
		lane_test(who_waits_in_line_leaves_at_once_and_who_runs_is_waited_for),
		lane_test(a_full_line_is_told_at_once),
		lane_test(who_would_wait_beyond_its_deadline_can_know),
		lane_test(what_it_does_is_counted),
		lane_test(an_idle_lane_does_not_hold_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
