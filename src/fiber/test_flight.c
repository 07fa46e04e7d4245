#include "fiber/flight.h"

#include "base/context.h"
#include "base/fault.h"
#include "fiber/test_runtime.h"

#include <stdlib.h>
#include <string.h>

static struct flight_group *group;
static int results_alive; /* references */
static int args_freed;
static int runs;

static void *result_ref(void *result)
{
	results_alive++;
	return result;
}

static void result_unref(void *result)
{
	(void)result;
	results_alive--;
}

static const struct flight_ops ops = { .ref = result_ref, .unref = result_unref };

static int flight_up(void **state)
{
	results_alive = args_freed = runs = 0;
	if (runtime_up(state) < 0)
		return -1;
	return flight_group_new(4, &ops, &group);
}

static int flight_down(void **state)
{
	if (results_alive != 0 || flight_count(group) != 0)
		return -1;
	flight_group_free(&group);
	return runtime_down(state);
}

static void arg_free(void *arg)
{
	(void)arg;
	args_freed++;
}

static int outcome;

/* Takes 10 ms, whatever its callers do. */
static int work(void *arg, void **ret_result)
{
	int r;

	runs++;
	r = fiber_sleep_ms(10);
	if (r < 0 || outcome < 0)
		return r < 0 ? r : outcome;
	*ret_result = result_ref(arg);
	return outcome;
}

struct caller {
	struct str key;
	int64_t deadline_in_ms; /* 0: none */
	int64_t work_ms;
	int r;
	bool shared;
};

static void calls(void *arg)
{
	struct caller *c = arg;
	void *result = NULL;

	if (c->deadline_in_ms > 0)
		fiber_deadline_set(clock_deadline_in(c->deadline_in_ms));
	c->r = flight_do(group, c->key, c->work_ms, work, "the result", arg_free, &result, &c->shared);
	if (c->r < 0)
		return;
	assert_string_equal(result, "the result");
	result_unref(result);
}

static struct caller caller(struct str key)
{
	return (struct caller){ .key = key, .work_ms = 60000, .r = 99 };
}

static void five_hundred_callers_one_run(void **state)
{
	static struct caller callers[500];
	int shared = 0;

	(void)state;
	outcome = 0;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		callers[i] = caller(STR("k"));
		spawn(calls, &callers[i]);
	}

	run_until_idle();

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		assert_int_equal(callers[i].r, 0);
		shared += callers[i].shared;
	}
	assert_int_equal(runs, 1);
	assert_int_equal(shared, 499);
	assert_int_equal(args_freed, 500);
}

static void an_error_is_shared(void **state)
{
	struct caller callers[3];

	(void)state;
	outcome = -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		callers[i] = caller(STR("k"));
		spawn(calls, &callers[i]);
	}

	run_until_idle();

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		assert_int_equal(callers[i].r, -EIO);
	assert_int_equal(runs, 1);
	assert_int_equal(args_freed, 3);
}

static void a_short_deadline_of_the_first_does_not_fail_the_others(void **state)
{
	struct caller first = caller(STR("k"));
	struct caller second = caller(STR("k"));

	(void)state;
	outcome = 0;
	first.deadline_in_ms = 2;
	spawn(calls, &first);
	spawn(calls, &second);

	run_until_idle();

	assert_int_equal(first.r, -ETIMEDOUT);
	assert_int_equal(second.r, 0);
	assert_int_equal(runs, 1);
}

static void cancelling_the_first_does_not_fail_the_others(void **state)
{
	struct caller first = caller(STR("k"));
	struct caller second = caller(STR("k"));
	struct fiber *f CLEANUP(fiber_unref) = NULL;

	(void)state;
	outcome = 0;
	assert_int_equal(fiber_start("first", calls, &first, &f), 0);
	assert_int_equal(fiber_start("second", calls, &second, NULL), 0);
	fiber_cancel(f);

	run_until_idle();

	assert_int_equal(first.r, -ECANCELED);
	assert_int_equal(second.r, 0);
	assert_int_equal(runs, 1);
}

/* flight_down() sees that the result was dropped. */
static void a_flight_whose_callers_have_all_left_ends_cleanly(void **state)
{
	struct caller callers[2] = { caller(STR("k")), caller(STR("k")) };

	(void)state;
	outcome = 0;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		struct fiber *f CLEANUP(fiber_unref) = NULL;

		assert_int_equal(fiber_start("calls", calls, &callers[i], &f), 0);
		fiber_cancel(f);
	}

	run_until_idle();

	assert_int_equal(callers[0].r, -ECANCELED);
	assert_int_equal(callers[1].r, -ECANCELED);
	assert_int_equal(runs, 1);
	assert_int_equal(args_freed, 2);
}

static void the_work_has_its_own_deadline(void **state)
{
	struct caller c = caller(STR("k"));

	(void)state;
	outcome = 0;
	c.work_ms = 2;
	spawn(calls, &c);

	run_until_idle();

	assert_int_equal(c.r, -ETIMEDOUT);
	assert_int_equal(runs, 1);
}

static void a_key_flies_again_after_its_flight(void **state)
{
	struct caller c = caller(STR("k"));

	(void)state;
	outcome = 0;
	for (int i = 1; i <= 3; i++) {
		spawn(calls, &c);
		run_until_idle();
		assert_int_equal(c.r, 0);
		assert_false(c.shared);
		assert_int_equal(runs, i);
	}
}

static void keys_fly_apart_and_are_bounded(void **state)
{
	struct caller callers[5] = { caller(STR("a")), caller(STR("b")), caller(STR("a\0b")), caller(STR("")),
		                     caller(STR("one too many")) };

	(void)state;
	outcome = 0;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		assert_int_equal(fiber_start("calls", calls, &callers[i], NULL), 0);
	assert_int_equal(flight_count(group), 4);
	assert_int_equal(callers[4].r, -EBUSY);

	run_until_idle();

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(callers[i].r, 0);
	assert_int_equal(runs, 4);
	assert_int_equal(args_freed, 5);
}

static int work_finds_nothing(void *arg, void **ret_result)
{
	(void)arg;
	*ret_result = NULL;
	return 0;
}

static void gets_nothing(void *arg)
{
	void *result = arg;

	assert_int_equal(flight_do(group, STR("k"), 1000, work_finds_nothing, NULL, NULL, &result, NULL), 0);
	assert_null(result);
	runs++;
}

static void a_result_may_be_null(void **state)
{
	(void)state;
	spawn(gets_nothing, "not null");
	run_until_idle();
	assert_int_equal(runs, 1);
}

static int work_sees_trace(void *arg, void **ret_result)
{
	int r;

	(void)ret_result;
	r = fiber_sleep_ms(5);
	assert_ptr_not_equal(context_current, arg);
	assert_string_equal(context_current->trace_id, "trace");
	runs++;
	return r;
}

static void calls_with_trace(void *arg)
{
	struct context c = { .trace_id = "trace" };
	void *result;

	(void)arg;
	context_current = &c;
	assert_int_equal(flight_do(group, STR("k"), 60000, work_sees_trace, &c, NULL, &result, NULL), -ECANCELED);
	context_current = NULL;
	memset(&c, 0, sizeof(c));
}

static void the_work_keeps_the_trace_of_a_caller_who_left(void **state)
{
	struct fiber *f CLEANUP(fiber_unref) = NULL;

	(void)state;
	assert_int_equal(fiber_start("calls", calls_with_trace, NULL, &f), 0);
	fiber_cancel(f);
	run_until_idle();
	assert_int_equal(runs, 1);
}

static void no_memory_for_a_flight_is_an_error(void **state)
{
	struct caller c = caller(STR("k"));

	(void)state;
	fault_set("fiber.alloc:2+");
	assert_int_equal(fiber_start("calls", calls, &c, NULL), 0);
	assert_int_equal(c.r, -ENOMEM);
	fault_set("fiber.alloc:3+");
	assert_int_equal(fiber_start("calls", calls, &c, NULL), 0);
	fault_set(NULL);
	assert_int_equal(c.r, -ENOMEM);
	assert_int_equal(args_freed, 2);
}

#define flight_test(f) cmocka_unit_test_setup_teardown(f, flight_up, flight_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		flight_test(five_hundred_callers_one_run),
		flight_test(an_error_is_shared),
		flight_test(a_short_deadline_of_the_first_does_not_fail_the_others),
		flight_test(cancelling_the_first_does_not_fail_the_others),
		flight_test(a_flight_whose_callers_have_all_left_ends_cleanly),
		flight_test(the_work_has_its_own_deadline),
		flight_test(a_key_flies_again_after_its_flight),
		flight_test(keys_fly_apart_and_are_bounded),
		flight_test(a_result_may_be_null),
		flight_test(the_work_keeps_the_trace_of_a_caller_who_left),
		flight_test(no_memory_for_a_flight_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
