/* Whatever fails, and whenever the relay is stopped: every event arrives, each subject's in order. TEST_ROUNDS: how
 * many times over (5); each round has its own number of failures. And 2,000 events in one go. */
#include "base/log.h"
#include "base/random.h"
#include "base/test_rounds.h"
#include "event/test_support.h"
#include "fiber/fiber.h"
#include "store/test_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROUNDS_DEFAULT 5
#define SUBJECTS 20
#define EVENTS 15
#define LIMIT_MS 60000

static struct receiver receiver;

struct writer_job {
	struct store *s;
	struct outbox **outbox;
};

/* Writes while the relay runs: one subject after another, a few events a transaction. */
static void writer_main(void *arg)
{
	struct writer_job *job = arg;

	for (int64_t first = 1; first <= EVENTS; first += 3)
		for (int subject = 0; subject < SUBJECTS; subject++) {
			outbox_put(job->s, subject, first, 3);
			if (*job->outbox)
				outbox_kick(*job->outbox);
		}
}

static void restart_at_random(struct store *s, struct outbox **o)
{
	for (int i = 0; i < 5; i++) {
		assert_int_equal(fiber_sleep_ms((int64_t)random_below(40)), 0);
		outbox_stop(o);
		*o = outbox_of(s, &receiver, 20);
	}
}

static void body_round(void *arg)
{
	unsigned round = *(unsigned *)arg;
	struct store *s CLEANUP(store_close) = outbox_store();
	struct outbox *o = NULL;
	struct writer_job job = { .s = s, .outbox = &o };
	struct fiber *writer = NULL;

	receiver_init(&receiver);
	receiver.fail_percent = round * 12 % 60;
	receiver.lose_answer_percent = round * 7 % 30;
	receiver.delay_ms = round % 3;
	o = outbox_of(s, &receiver, 20);
	assert_int_equal(fiber_spawn("writer", writer_main, &job, &writer), 0);
	restart_at_random(s, &o);
	assert_int_equal(fiber_join(writer), 0);
	fiber_unref(&writer);
	assert_true(receiver_wait(&receiver, SUBJECTS * EVENTS, LIMIT_MS));
	outbox_stop(&o);
	assert_false(receiver.is_out_of_order);
	assert_int_equal(receiver.distinct, SUBJECTS * EVENTS);
}

static void test_every_event_arrives_in_order(void **state)
{
	long rounds = test_rounds(ROUNDS_DEFAULT, ROUNDS_DEFAULT * 20);

	(void)state;
	for (unsigned round = 0; (long)round < rounds; round++)
		on_fiber(body_round, &round);
}

static void body_two_thousand(void *arg)
{
	struct store *s CLEANUP(store_close) = outbox_store();
	struct outbox *o CLEANUP(outbox_stop) = NULL;
	int64_t began;

	(void)arg;
	receiver_init(&receiver);
	for (int subject = 0; subject < 50; subject++)
		outbox_put(s, subject, 1, 40);
	began = clock_mono_ms();
	o = outbox_of(s, &receiver, 1000);
	assert_true(receiver_wait(&receiver, 2000, LIMIT_MS));
	print_message("2,000 events in %lld ms\n", (long long)(clock_mono_ms() - began));
	outbox_stop(&o);
	assert_int_equal(receiver.calls, 2000);
	assert_false(receiver.is_out_of_order);
	assert_int_equal(must(s, "SELECT count(*) FROM outbox WHERE sent_ms IS NULL"), 0);
}

static void test_two_thousand(void **state)
{
	(void)state;
	on_fiber(body_two_thousand, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_event_arrives_in_order),
		cmocka_unit_test(test_two_thousand),
	};
	int failed;

	log_set_level(LOG_ERROR);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_files_remove();
	return failed;
}
