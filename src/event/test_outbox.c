/* The relay, one promise a test. */
#include "base/fault.h"
#include "base/log.h"
#include "event/test_support.h"
#include "fiber/fiber.h"
#include "store/test_support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LONG_POLL_MS 60000
#define LIMIT_MS 10000

static struct receiver receiver;

struct fixture {
	struct store *s;
	struct outbox *o;
};

static void fixture_done(struct fixture *f)
{
	outbox_stop(&f->o);
	store_close(&f->s);
}

static struct fixture fixture(int64_t poll_ms)
{
	struct fixture f = { .s = outbox_store() };

	receiver_init(&receiver);
	f.o = outbox_of(f.s, &receiver, poll_ms);
	return f;
}

static void body_delivers_soon_after_a_kick(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(LONG_POLL_MS);
	int64_t least = INT64_MAX;

	(void)arg;
	for (int64_t i = 1; i <= 5; i++) {
		int64_t committed;

		assert_int_equal(fiber_sleep_ms(20), 0);
		outbox_put(f.s, 1, i, 1);
		committed = clock_mono_ms();
		outbox_kick(f.o);
		assert_true(receiver_wait(&receiver, (size_t)i, LIMIT_MS));
		least = MIN(least, receiver.last_call_ms - committed);
	}
	assert_in_range(least, 0, 50);
	assert_true(receiver.has_trace);
}

/* Without polls to help, each kick has to be heeded, whatever the relay is doing just then. */
static void body_no_kick_is_lost(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(LONG_POLL_MS);

	(void)arg;
	receiver.delay_ms = 2;
	for (int64_t i = 1; i <= 100; i++) {
		outbox_put(f.s, (int)(i % 3), (i + 2) / 3, 1);
		outbox_kick(f.o);
	}
	assert_true(receiver_wait(&receiver, 100, LIMIT_MS));
	assert_false(receiver.is_out_of_order);
}

static void body_finds_events_without_a_kick(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(20);

	(void)arg;
	assert_int_equal(fiber_sleep_ms(30), 0);
	outbox_put(f.s, 1, 1, 3);
	assert_true(receiver_wait(&receiver, 3, LIMIT_MS));
}

static void body_rolled_back_events_stay_unsaid(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(20);
	struct store_tx *tx = NULL;

	(void)arg;
	assert_int_equal(store_begin(f.s, &tx), 0);
	must_tx(tx, "INSERT INTO outbox (event_id, subject, type, envelope, next_attempt_ms, created_ms) "
	            "VALUES ('1-1', 's', 't', '{}', 0, 0)");
	store_rollback(&tx);
	assert_int_equal(fiber_sleep_ms(60), 0);
	assert_int_equal(receiver.calls, 0);
}

static void body_failing_subject_stops_nobody_else(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(20);
	struct outbox_stats stats;

	(void)arg;
	receiver.delay_ms = 2;
	receiver.failing_subject = 1;
	for (int subject = 1; subject <= 10; subject++)
		outbox_put(f.s, subject, 1, 10);
	assert_true(receiver_wait(&receiver, 90, LIMIT_MS));
	assert_true(outbox_pending_becomes(f.s, 10, LIMIT_MS));
	assert_int_equal(receiver.last[1], 0);
	outbox_stats_get(f.o, &stats);
	assert_int_equal(stats.delivered, 90);
	assert_true(stats.failed > 0);
	receiver.failing_subject = 0;
	assert_true(receiver_wait(&receiver, 100, LIMIT_MS));
	assert_false(receiver.is_out_of_order);
	assert_true(receiver.at_once_max > 1);
	assert_true(receiver.at_once_max <= 8);
}

/* Long after the others have been written down. */
static void body_hanging_subject_stops_nobody_else(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(LONG_POLL_MS);

	(void)arg;
	receiver.hanging_subject = 1;
	for (int subject = 1; subject <= 10; subject++)
		outbox_put(f.s, subject, 1, 10);
	outbox_kick(f.o);
	assert_true(receiver_wait(&receiver, 90, LIMIT_MS));
	assert_true(outbox_pending_becomes(f.s, 10, LIMIT_MS));
	assert_false(receiver.is_out_of_order);
}

static void body_refused_event_is_set_aside(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(20);

	(void)arg;
	receiver.refuses = "1-2";
	outbox_put(f.s, 1, 1, 4);
	receiver.last[1] = 2; /* what comes after the refused one is in order */
	assert_true(receiver_wait(&receiver, 3, LIMIT_MS));
	assert_true(outbox_pending_becomes(f.s, 0, LIMIT_MS));
	assert_int_equal(must(f.s, "SELECT count(*) FROM outbox WHERE refused_ms IS NOT NULL AND sent_ms IS NULL AND "
	                           "event_id = '1-2' AND last_error = 'EBADMSG'"),
	                 1);
	assert_int_equal(must(f.s, "SELECT count(*) FROM outbox WHERE sent_ms IS NOT NULL"), 3);
	assert_false(receiver.is_out_of_order);
}

static void body_broken_envelope_is_set_aside(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(20);

	(void)arg;
	must(f.s, "INSERT INTO outbox (event_id, subject, type, envelope, next_attempt_ms, created_ms) "
	          "VALUES ('x', 'subject 1', 't', '{\"broken', 0, 0)");
	outbox_put(f.s, 1, 1, 1);
	assert_true(receiver_wait(&receiver, 1, LIMIT_MS));
	assert_true(outbox_pending_becomes(f.s, 0, LIMIT_MS));
	assert_int_equal(must(f.s, "SELECT count(*) FROM outbox WHERE refused_ms IS NOT NULL"), 1);
}

/* A row put off by a clock that has been set back since. */
static void body_clock_set_back(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(LONG_POLL_MS);

	(void)arg;
	assert_int_equal(fiber_sleep_ms(20), 0);
	outbox_put(f.s, 1, 1, 1);
	must(f.s, "UPDATE outbox SET next_attempt_ms = next_attempt_ms + 86400000");
	assert_int_equal(receiver.calls, 0);
	outbox_kick(f.o);
	assert_true(receiver_wait(&receiver, 1, LIMIT_MS));
}

static void body_sent_rows_go_after_a_week(void *arg)
{
	struct store *s CLEANUP(store_close) = outbox_store();
	struct outbox *o CLEANUP(outbox_stop) = NULL;

	(void)arg;
	receiver_init(&receiver);
	outbox_put(s, 1, 1, 1200);
	must(s, "UPDATE outbox SET sent_ms = 1 WHERE sequence <= 1100");
	must(s, "UPDATE outbox SET sent_ms = created_ms WHERE sequence > 1100");
	o = outbox_of(s, &receiver, 20);
	for (int i = 0; i < 1000 && must(s, "SELECT count(*) FROM outbox") != 100; i++)
		assert_int_equal(fiber_sleep_ms(2), 0);
	assert_int_equal(must(s, "SELECT count(*) FROM outbox"), 100);
	assert_int_equal(receiver.calls, 0);
}

static void fail_next_statement(void)
{
	receiver.on_deliver = NULL;
	fault_set("store.statement:1");
}

static void body_what_could_not_be_recorded_is_recorded_later(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(LONG_POLL_MS);

	(void)arg;
	receiver.on_deliver = fail_next_statement;
	outbox_put(f.s, 1, 1, 1);
	outbox_kick(f.o);
	assert_true(receiver_wait(&receiver, 1, LIMIT_MS));
	assert_int_equal(fiber_sleep_ms(5), 0);
	fault_set(NULL);
	assert_true(outbox_pending_becomes(f.s, 0, LIMIT_MS));
	assert_int_equal(receiver.calls, 1);
}

static void fail_all_statements(void)
{
	receiver.on_deliver = NULL;
	fault_set("store.statement:1+");
}

/* The crash between delivery and writing it down, without the crash. */
static void body_delivered_but_not_recorded_comes_again(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(LONG_POLL_MS);

	(void)arg;
	receiver.on_deliver = fail_all_statements;
	outbox_put(f.s, 1, 1, 2);
	outbox_kick(f.o);
	assert_true(receiver_wait(&receiver, 1, LIMIT_MS));
	outbox_stop(&f.o);
	fault_set(NULL);
	must(f.s, "UPDATE outbox SET claimed_until_ms = NULL"); /* as the end of the claim does */
	f.o = outbox_of(f.s, &receiver, LONG_POLL_MS);
	assert_true(outbox_pending_becomes(f.s, 0, LIMIT_MS));
	assert_int_equal(receiver.seen[1][1], 2);
	assert_int_equal(receiver.distinct, 2);
	assert_false(receiver.is_out_of_order);
}

static void body_store_away_for_a_while(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(LONG_POLL_MS);

	(void)arg;
	assert_int_equal(fiber_sleep_ms(20), 0);
	outbox_put(f.s, 1, 1, 5);
	fault_set("store.statement:1+");
	outbox_kick(f.o);
	assert_int_equal(fiber_sleep_ms(100), 0);
	assert_int_equal(receiver.calls, 0);
	fault_set(NULL);
	assert_true(receiver_wait(&receiver, 5, LIMIT_MS));
}

static void body_restart_loses_nothing(void *arg)
{
	struct store *s CLEANUP(store_close) = outbox_store();

	(void)arg;
	receiver_init(&receiver);
	receiver.delay_ms = 2;
	for (int subject = 1; subject <= 10; subject++)
		outbox_put(s, subject, 1, 20);
	for (size_t wanted = 50; wanted <= 200; wanted += 50) {
		struct outbox *o CLEANUP(outbox_stop) = outbox_of(s, &receiver, 20);

		assert_true(receiver_wait(&receiver, wanted, LIMIT_MS));
		outbox_stop(&o);
		store_close(&s);
		s = outbox_store_again();
	}
	assert_true(outbox_pending_becomes(s, 0, LIMIT_MS));
	assert_int_equal(receiver.calls, 200);
	assert_false(receiver.is_out_of_order);
}

static void body_untried_while_the_transport_is_down(void *arg)
{
	struct store *s CLEANUP(store_close) = outbox_store();
	struct outbox *o CLEANUP(outbox_stop) = NULL;

	(void)arg;
	receiver_init(&receiver);
	receiver.is_down = true;
	o = outbox_of(s, &receiver, 20);
	outbox_put(s, 1, 1, 3);
	outbox_kick(o);
	assert_int_equal(fiber_sleep_ms(100), 0);
	assert_int_equal(receiver.calls, 0);
	assert_int_equal(must(s, "SELECT CAST(sum(attempts) AS BIGINT) FROM outbox"), 0);
	outbox_stop(&o);

	/* Told of its return, it does not wait for its next look. */
	o = outbox_of(s, &receiver, LONG_POLL_MS);
	assert_int_equal(fiber_sleep_ms(50), 0);
	receiver.is_down = false;
	receiver.base.came_up(receiver.base.came_up_arg);
	assert_true(receiver_wait(&receiver, 3, LIMIT_MS));
	assert_int_equal(receiver.calls, 3);
}

static void body_the_transport_says_why(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(20);

	(void)arg;
	receiver.fail_percent = 100;
	outbox_put(f.s, 1, 1, 1);
	while (receiver.calls < 2) /* the first is written down by then */
		assert_int_equal(fiber_sleep_ms(1), 0);
	assert_int_equal(must(f.s, "SELECT count(*) FROM outbox WHERE last_error = 'it does not like it'"), 1);
}

static void body_stop_gives_up_a_hanging_delivery(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(20);
	int64_t began;

	(void)arg;
	receiver.hangs = true;
	outbox_put(f.s, 1, 1, 1);
	while (receiver.calls == 0)
		assert_int_equal(fiber_sleep_ms(1), 0);
	began = clock_mono_ms();
	outbox_stop(&f.o);
	assert_in_range(clock_mono_ms() - began, 1900, 4000);
	assert_int_equal(must(f.s, "SELECT attempts FROM outbox WHERE sent_ms IS NULL"), 0);
}

static void body_stop_at_once_when_idle(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture(LONG_POLL_MS);
	int64_t began = clock_mono_ms();

	(void)arg;
	outbox_stop(&f.o);
	assert_in_range(clock_mono_ms() - began, 0, 1000);
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}

ON_FIBER(delivers_soon_after_a_kick)
ON_FIBER(no_kick_is_lost)
ON_FIBER(finds_events_without_a_kick)
ON_FIBER(rolled_back_events_stay_unsaid)
ON_FIBER(failing_subject_stops_nobody_else)
ON_FIBER(hanging_subject_stops_nobody_else)
ON_FIBER(refused_event_is_set_aside)
ON_FIBER(broken_envelope_is_set_aside)
ON_FIBER(clock_set_back)
ON_FIBER(sent_rows_go_after_a_week)
ON_FIBER(what_could_not_be_recorded_is_recorded_later)
ON_FIBER(delivered_but_not_recorded_comes_again)
ON_FIBER(store_away_for_a_while)
ON_FIBER(restart_loses_nothing)
ON_FIBER(untried_while_the_transport_is_down)
ON_FIBER(the_transport_says_why)
ON_FIBER(stop_gives_up_a_hanging_delivery)
ON_FIBER(stop_at_once_when_idle)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivers_soon_after_a_kick),
		cmocka_unit_test(test_no_kick_is_lost),
		cmocka_unit_test(test_finds_events_without_a_kick),
		cmocka_unit_test(test_rolled_back_events_stay_unsaid),
		cmocka_unit_test(test_failing_subject_stops_nobody_else),
		cmocka_unit_test(test_hanging_subject_stops_nobody_else),
		cmocka_unit_test(test_refused_event_is_set_aside),
		cmocka_unit_test(test_broken_envelope_is_set_aside),
		cmocka_unit_test(test_clock_set_back),
		cmocka_unit_test(test_sent_rows_go_after_a_week),
		cmocka_unit_test(test_what_could_not_be_recorded_is_recorded_later),
		cmocka_unit_test(test_delivered_but_not_recorded_comes_again),
		cmocka_unit_test(test_store_away_for_a_while),
		cmocka_unit_test(test_restart_loses_nothing),
		cmocka_unit_test(test_untried_while_the_transport_is_down),
		cmocka_unit_test(test_the_transport_says_why),
		cmocka_unit_test(test_stop_gives_up_a_hanging_delivery),
		cmocka_unit_test(test_stop_at_once_when_idle),
	};
	int failed;

	log_set_level(LOG_ALERT);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_files_remove();
	return failed;
}
