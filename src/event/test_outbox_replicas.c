/* Several relays on one PostgreSQL: they share the work, each subject has its order, and what one that died had in work
 * the others do. TEST_ROUNDS: how many times over. */
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/test_rounds.h"
#include "event/outbox_rows.h"
#include "event/test_support.h"
#include "fiber/fiber.h"
#include "store/test_support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define REPLICAS 3
#define SUBJECTS 20
#define EVENTS 15
#define LIMIT_MS 60000
#define CLAIM_MS 2000

/* A replica's own connections, as it has in a process of its own. All deliver to one receiver, which so sees the order
 * over all of them. */
struct replica {
	struct store *s;
	struct outbox *o;
};

static struct receiver receiver;

static void replica_start(struct replica *r)
{
	const struct outbox_options options = { .store = r->s = outbox_store_again(),
		                                .transport = &receiver.base,
		                                .batch = 4,
		                                .poll_ms = 20,
		                                .backoff_min_ms = 1,
		                                .backoff_max_ms = 8,
		                                .claim_ms = CLAIM_MS };

	if (outbox_start(&options, &r->o) < 0)
		abort();
}

static void replica_stop(struct replica *r)
{
	outbox_stop(&r->o);
	store_close(&r->s);
}

static uint64_t delivered_by(const struct replica *r)
{
	struct outbox_stats stats;

	outbox_stats_get(r->o, &stats);
	return stats.delivered;
}

static void body_they_share_and_nothing_comes_twice(void *arg)
{
	struct store *s CLEANUP(store_close) = outbox_store();
	struct replica replicas[REPLICAS];

	(void)arg;
	receiver_init(&receiver);
	receiver.delay_ms = 2;
	for (size_t i = 0; i < REPLICAS; i++)
		replica_start(&replicas[i]);
	for (int64_t first = 1; first <= EVENTS; first += 3)
		for (int subject = 0; subject < SUBJECTS; subject++) {
			outbox_put(s, subject, first, 3);
			outbox_kick(replicas[random_below(REPLICAS)].o);
		}
	assert_true(receiver_wait(&receiver, SUBJECTS * EVENTS, LIMIT_MS));
	assert_true(outbox_pending_becomes(s, 0, LIMIT_MS));
	for (size_t i = 0; i < REPLICAS; i++)
		assert_in_range(delivered_by(&replicas[i]), 1, SUBJECTS * EVENTS - REPLICAS + 1);
	for (size_t i = 0; i < REPLICAS; i++)
		replica_stop(&replicas[i]);
	/* The receiver would have seen two at once, too. */
	assert_false(receiver.is_out_of_order);
	assert_int_equal(receiver.calls, SUBJECTS * EVENTS);
	assert_int_equal(must(s, "SELECT count(*) FROM outbox WHERE claimed_until_ms IS NOT NULL"), 0);
}

static void body_failures_and_restarts(void *arg)
{
	struct store *s CLEANUP(store_close) = outbox_store();
	struct replica replicas[REPLICAS];
	unsigned round = *(unsigned *)arg;

	receiver_init(&receiver);
	receiver.fail_percent = round * 12 % 60;
	receiver.lose_answer_percent = round * 7 % 30;
	receiver.delay_ms = round % 3;
	for (int subject = 0; subject < SUBJECTS; subject++)
		outbox_put(s, subject, 1, EVENTS);
	for (size_t i = 0; i < REPLICAS; i++)
		replica_start(&replicas[i]);
	for (int i = 0; i < 5; i++) {
		struct replica *r = &replicas[random_below(REPLICAS)];

		assert_int_equal(fiber_sleep_ms((int64_t)random_below(40)), 0);
		replica_stop(r);
		replica_start(r);
	}
	assert_true(receiver_wait(&receiver, SUBJECTS * EVENTS, LIMIT_MS));
	assert_true(outbox_pending_becomes(s, 0, LIMIT_MS));
	for (size_t i = 0; i < REPLICAS; i++)
		replica_stop(&replicas[i]);
	assert_false(receiver.is_out_of_order);
}

static void test_failures_and_restarts(void **state)
{
	long rounds = test_rounds(2, 60);

	(void)state;
	for (unsigned round = 0; (long)round < rounds; round++)
		on_fiber(body_failures_and_restarts, &round);
}

/* One that died: its claims are there, and nobody who works on them. */
static void body_the_claims_of_the_dead_pass(void *arg)
{
	struct store *s CLEANUP(store_close) = outbox_store();
	struct replica replica;
	int64_t began;

	(void)arg;
	receiver_init(&receiver);
	outbox_put(s, 1, 1, 3);
	outbox_put(s, 2, 1, 3);
	must(s,
	     "UPDATE outbox SET claimed_until_ms = (1000 * extract(epoch FROM clock_timestamp()))::bigint + 2500 WHERE "
	     "event_id = '1-1'");
	began = clock_mono_ms();
	replica_start(&replica);
	assert_true(receiver_wait(&receiver, 3, LIMIT_MS));
	assert_int_equal(receiver.last[1], 0);
	assert_true(receiver_wait(&receiver, 6, LIMIT_MS));
	assert_in_range(clock_mono_ms() - began, 1400, 4000);
	replica_stop(&replica);
	assert_false(receiver.is_out_of_order);
}

/* Far ahead: made before the clock was set back. */
static void body_a_claim_without_end_is_none(void *arg)
{
	struct store *s CLEANUP(store_close) = outbox_store();
	struct replica replica;

	(void)arg;
	receiver_init(&receiver);
	outbox_put(s, 1, 1, 3);
	must(s,
	     "UPDATE outbox SET claimed_until_ms = (1000 * extract(epoch FROM clock_timestamp()))::bigint + 86400000");
	replica_start(&replica);
	assert_true(receiver_wait(&receiver, 3, LIMIT_MS));
	replica_stop(&replica);
}

/* Who stops gives back what it has not done. */
static void body_a_stop_leaves_no_claims(void *arg)
{
	struct store *s CLEANUP(store_close) = outbox_store();
	struct replica replica;

	(void)arg;
	receiver_init(&receiver);
	receiver.hangs = true;
	outbox_put(s, 1, 1, 3);
	replica_start(&replica);
	while (receiver.calls == 0)
		assert_int_equal(fiber_sleep_ms(1), 0);
	assert_int_equal(must(s, "SELECT count(*) FROM outbox WHERE claimed_until_ms IS NOT NULL"), 1);
	replica_stop(&replica);
	assert_int_equal(must(s, "SELECT count(*) FROM outbox WHERE claimed_until_ms IS NOT NULL"), 0);
	assert_int_equal(must(s, "SELECT count(*) FROM outbox WHERE sent_ms IS NULL AND attempts = 0"), 3);
}

/* A table that filled at once, of which the planner knows nothing yet: the claim comes back before the store breaks it
 * off, as a join of all with all would not. */
static void body_a_backlog_needs_no_statistics(void *arg)
{
	struct store *s CLEANUP(store_close) = outbox_store();
	struct outbox_due due = { .now_ms = clock_real_ms(), .horizon_ms = INT64_MAX };
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_rows rows;

	(void)arg;
	must(s, "ALTER TABLE outbox SET (autovacuum_enabled = off)");
	must(s, "INSERT INTO outbox (event_id, subject, type, envelope, next_attempt_ms, created_ms) "
	        "SELECT s || '-' || n, 's' || s, 't', '{}', 0, 1 "
	        "FROM generate_series(1, 200) s, generate_series(1, 200) n ORDER BY n, random()");
	assert_int_equal(outbox_rows_claim(s, due, CLAIM_MS, 100, a, &rows), 0);
	assert_int_equal(rows.n, 100);
	for (size_t i = 0; i < rows.n; i++)
		assert_true(str_ends(store_text(&rows, i, 1), STR("-1")));
	assert_int_equal(outbox_rows_claim(s, due, CLAIM_MS, 1000, a, &rows), 0);
	assert_int_equal(rows.n, 100);
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}

ON_FIBER(they_share_and_nothing_comes_twice)
ON_FIBER(the_claims_of_the_dead_pass)
ON_FIBER(a_claim_without_end_is_none)
ON_FIBER(a_stop_leaves_no_claims)
ON_FIBER(a_backlog_needs_no_statistics)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_they_share_and_nothing_comes_twice),
		cmocka_unit_test(test_failures_and_restarts),
		cmocka_unit_test(test_the_claims_of_the_dead_pass),
		cmocka_unit_test(test_a_claim_without_end_is_none),
		cmocka_unit_test(test_a_stop_leaves_no_claims),
		cmocka_unit_test(test_a_backlog_needs_no_statistics),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
