#include "fiber/fiber.h"

#include "fiber/test_runtime.h"

static struct fiber_semaphore semaphore;
static struct fiber_queue queue;
static int order[16];
static size_t n_order;

static int queue_up(void **state)
{
	n_order = 0;
	fiber_queue_init(&queue);
	return runtime_up(state);
}

struct one {
	int64_t delay_ms;
	int number;
	int r;
};

static void waits_in_queue(void *arg)
{
	struct one *o = arg;

	if (o->delay_ms > 0)
		fiber_deadline_set(clock_deadline_in(o->delay_ms));
	o->r = fiber_queue_wait(&queue);
	order[n_order++] = o->number;
}

static void wakes_come_in_the_order_of_arrival(void **state)
{
	struct one ones[3] = { { .number = 0, .r = 99 }, { .number = 1, .r = 99 }, { .number = 2, .r = 99 } };

	(void)state;
	assert_false(fiber_queue_wake_one(&queue, 0));
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(fiber_start("waits", waits_in_queue, &ones[i], NULL), 0);
	assert_int_equal(queue.count, 3);

	assert_true(fiber_queue_wake_one(&queue, 4));
	fiber_queue_wake_all(&queue, -EIO);
	run_until_idle();

	assert_int_equal(queue.count, 0);
	assert_int_equal(ones[0].r, 4);
	assert_int_equal(ones[1].r, -EIO);
	assert_int_equal(ones[2].r, -EIO);
	for (int i = 0; i < 3; i++)
		assert_int_equal(order[i], i);
}

static void who_timed_out_is_no_longer_in_line(void **state)
{
	struct one late = { .number = 0, .delay_ms = 2 };
	struct one patient = { .number = 1, .r = 99 };

	(void)state;
	assert_int_equal(fiber_start("late", waits_in_queue, &late, NULL), 0);
	assert_int_equal(fiber_start("patient", waits_in_queue, &patient, NULL), 0);
	while (n_order == 0)
		run_turn();
	assert_int_equal(late.r, -ETIMEDOUT);
	assert_int_equal(queue.count, 1);

	assert_true(fiber_queue_wake_one(&queue, 0));
	run_until_idle();

	assert_int_equal(patient.r, 0);
}

static size_t inside;
static size_t inside_max;

static void takes_a_permit(void *arg)
{
	struct one *o = arg;

	o->r = fiber_semaphore_acquire(&semaphore);
	if (o->r < 0)
		return;
	order[n_order++] = o->number;
	inside++;
	inside_max = MAX(inside_max, inside);
	assert_int_equal(fiber_sleep_ms(o->delay_ms), 0);
	inside--;
	fiber_semaphore_release(&semaphore);
}

static void no_more_run_than_there_are_permits_first_come_first_served(void **state)
{
	struct one ones[8];

	(void)state;
	inside_max = 0;
	fiber_semaphore_init(&semaphore, 2, 8);
	for (int i = 0; i < 8; i++) {
		ones[i] = (struct one){ .number = i, .delay_ms = 1 + i % 3 };
		spawn(takes_a_permit, &ones[i]);
	}

	run_until_idle();

	assert_int_equal(inside_max, 2);
	assert_int_equal(semaphore.available, 2);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(ones[i].r, 0);
		assert_int_equal(order[i], i);
	}
}

static void a_full_line_is_busy_at_once(void **state)
{
	struct one ones[4];

	(void)state;
	fiber_semaphore_init(&semaphore, 1, 2);
	for (int i = 0; i < 4; i++) {
		ones[i] = (struct one){ .number = i, .delay_ms = 2, .r = 99 };
		assert_int_equal(fiber_start("takes", takes_a_permit, &ones[i], NULL), 0);
	}
	assert_int_equal(ones[3].r, -EBUSY);

	run_until_idle();

	assert_int_equal(n_order, 3);
	assert_int_equal(semaphore.available, 1);
}

static void acquires(void *arg)
{
	*(int *)arg = fiber_semaphore_acquire(&semaphore);
}

static void a_cancelled_waiter_takes_no_permit_with_it(void **state)
{
	struct fiber *f CLEANUP(fiber_unref) = NULL;
	int first = 99;
	int second = 99;

	(void)state;
	fiber_semaphore_init(&semaphore, 0, 5);
	assert_int_equal(fiber_start("first", acquires, &first, &f), 0);
	assert_int_equal(fiber_start("second", acquires, &second, NULL), 0);

	/* Cancelled, but not yet run: it still stands in line. */
	fiber_cancel(f);
	run_until_idle();
	fiber_semaphore_release(&semaphore);
	run_until_idle();

	assert_int_equal(first, -ECANCELED);
	assert_int_equal(second, 0);
	assert_int_equal(semaphore.available, 0);
}

/* Whichever comes first, in the same turn of the loop: the permit is with somebody, or free. */
static void a_permit_given_to_a_cancelled_waiter_is_kept_by_it(void **state)
{
	(void)state;
	for (int cancel_first = 0; cancel_first <= 1; cancel_first++) {
		struct fiber *f CLEANUP(fiber_unref) = NULL;
		int r = 99;

		fiber_semaphore_init(&semaphore, 0, 5);
		assert_int_equal(fiber_start("acquires", acquires, &r, &f), 0);
		if (cancel_first)
			fiber_cancel(f);
		fiber_semaphore_release(&semaphore);
		fiber_cancel(f);
		run_until_idle();

		assert_int_equal(r, 0);
		assert_int_equal(semaphore.available, 0);
		assert_int_equal(semaphore.queue.count, 0);
	}
}

#define queue_test(f) cmocka_unit_test_setup_teardown(f, queue_up, runtime_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		queue_test(wakes_come_in_the_order_of_arrival),
		queue_test(who_timed_out_is_no_longer_in_line),
		queue_test(no_more_run_than_there_are_permits_first_come_first_served),
		queue_test(a_full_line_is_busy_at_once),
		queue_test(a_cancelled_waiter_takes_no_permit_with_it),
		queue_test(a_permit_given_to_a_cancelled_waiter_is_kept_by_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
