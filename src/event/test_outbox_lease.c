/* Several relays on one database: whoever holds the lease works, the others wait for it. */
#include "event/test_support.h"
#include "fiber/fiber.h"
#include "store/lease.h"
#include "store/test_support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define LIMIT_MS 20000

static struct store *store_with_leases(void)
{
	struct store *s = outbox_store(NULL);

	must(s, "CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, expires_at_ms BIGINT NOT NULL)");
	return s;
}

static struct outbox *competitor(struct store *s, struct receiver *r)
{
	const struct outbox_options options = { .store = s, .transport = &r->base, .poll_ms = 20, .competes = true };
	struct outbox *o = NULL;

	receiver_init(r);
	if (outbox_start(&options, &o) < 0)
		abort();
	return o;
}

static bool becomes(struct store *s, const char *sql, int64_t wanted)
{
	int64_t limit = clock_deadline_in(LIMIT_MS);

	while (must(s, sql) != wanted)
		if (clock_mono_ms() > limit || fiber_sleep_ms(2) < 0)
			return false;
	return true;
}

static void body_one_works_and_the_next_takes_over(void *arg)
{
	struct store *s CLEANUP(store_close) = store_with_leases();
	struct receiver receivers[2];
	struct outbox *first CLEANUP(outbox_stop) = competitor(s, &receivers[0]);
	struct outbox *second CLEANUP(outbox_stop) = NULL;

	(void)arg;
	assert_true(becomes(s, "SELECT count(*) FROM leases", 1));
	second = competitor(s, &receivers[1]);
	outbox_put(s, 1, 1, 20);
	outbox_kick(second);
	assert_true(receiver_wait(&receivers[0], 20, LIMIT_MS));
	assert_int_equal(receivers[1].calls, 0);

	outbox_stop(&first);
	receivers[1].last[1] = 20;
	outbox_put(s, 1, 21, 5);
	assert_true(receiver_wait(&receivers[1], 5, LIMIT_MS));
	assert_int_equal(receivers[0].calls, 20);
	assert_false(receivers[1].is_out_of_order);
}

static void body_without_the_lease_nothing_is_done(void *arg)
{
	struct store *s CLEANUP(store_close) = store_with_leases();
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct receiver receiver;
	struct outbox *o CLEANUP(outbox_stop) = NULL;
	struct outbox_stats stats = { 0 };

	(void)arg;
	assert_int_equal(store_lease_take(s, "outbox", STR("another"), 3600000, a), 1);
	outbox_put(s, 1, 1, 3);
	must(s, "UPDATE outbox SET sent_ms = 1 WHERE sequence = 1");
	o = competitor(s, &receiver);
	while (stats.pending != 2) { /* it has looked */
		assert_int_equal(fiber_sleep_ms(2), 0);
		outbox_stats_get(o, &stats);
	}
	assert_int_equal(fiber_sleep_ms(50), 0);
	assert_int_equal(receiver.calls, 0);
	assert_int_equal(must(s, "SELECT count(*) FROM outbox"), 3);

	assert_int_equal(store_lease_release(s, "outbox", STR("another"), a), 0);
	receiver.last[1] = 1;
	assert_true(receiver_wait(&receiver, 2, LIMIT_MS));
	assert_true(becomes(s, "SELECT count(*) FROM outbox", 2));
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}

ON_FIBER(one_works_and_the_next_takes_over)
ON_FIBER(without_the_lease_nothing_is_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_works_and_the_next_takes_over),
		cmocka_unit_test(test_without_the_lease_nothing_is_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
