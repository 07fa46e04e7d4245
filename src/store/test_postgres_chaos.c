/* What the store says of a write is what happened to it, whatever ends sessions, cancels statements and runs out of
 * time meanwhile: 0: it is there; -EIO: it may be; any other error: it is not. And nothing is done twice. The seed is
 * printed; STORE_TEST_SEED repeats it. */
#include "store/test_support.h"

#include "base/random.h"
#include "fiber/fiber.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define WRITERS 12

enum { NOT_ASKED, SAID_DONE, SAID_UNKNOWN, SAID_NOT };

struct chaos {
	struct store *s;
	struct store *other; /* sessions that nobody ends */
	size_t writes;       /* in all */
	size_t next;
	unsigned char *said;
	size_t counts[4];
	size_t running;
	unsigned seed;
};

static const char sql_insert[] = "INSERT INTO chaos (id) SELECT $1 FROM pg_sleep($2)";
static const char sql_count[] = "SELECT count(*) FROM chaos";

static unsigned chance(struct chaos *c, unsigned below)
{
	return (unsigned)rand_r(&c->seed) % below;
}

static double short_time(struct chaos *c)
{
	return (double)chance(c, 8) / 1000;
}

static int write_alone(struct chaos *c, int64_t id, struct arena *a)
{
	return store_query(c->s, sql_insert, STORE_ARGS(STORE_I(id), STORE_D(short_time(c))), a, NULL);
}

static int write_in_transaction(struct chaos *c, int64_t id, struct arena *a)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r;

	r = store_begin(c->s, &tx);
	if (r == 0 && chance(c, 2))
		r = store_tx_query(tx, sql_count, STORE_NO_ARGS, a, NULL);
	if (r == 0)
		r = store_tx_query(tx, sql_insert, STORE_ARGS(STORE_I(id), STORE_D(short_time(c))), a, NULL);
	return r < 0 ? r : store_commit(&tx);
}

static int write_in_batch(struct chaos *c, int64_t id, struct arena *a)
{
	const struct store_statement batch[] = {
		{ sql_count, STORE_NO_ARGS },
		{ sql_insert, STORE_ARGS(STORE_I(id), STORE_D(short_time(c))) },
		{ sql_count, STORE_NO_ARGS },
	};

	return store_batch(c->s, batch, ARRAY_SIZE(batch), a, NULL);
}

static void writer(void *arg)
{
	static int (*const ways[])(struct chaos *, int64_t, struct arena *) = { write_alone, write_in_transaction,
		                                                                write_in_batch };
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct chaos *c = arg;

	while (c->next < c->writes) {
		size_t id = c->next++;
		int r;

		arena_reset(a);
		fiber_deadline_set(chance(c, 3) ? DEADLINE_NONE : clock_deadline_in(1 + chance(c, 12)));
		r = ways[chance(c, ARRAY_SIZE(ways))](c, (int64_t)id, a);
		fiber_deadline_set(DEADLINE_NONE);
		if (r != 0 && r != -EIO && r != -ENOTCONN && r != -ETIMEDOUT && r != -EBUSY)
			fprintf(stderr, "write %zu: %d: %s\n", id, r, store_error(c->s));
		assert_true(r == 0 || r == -EIO || r == -ENOTCONN || r == -ETIMEDOUT || r == -EBUSY);
		c->said[id] = r == 0 ? SAID_DONE : r == -EIO ? SAID_UNKNOWN : SAID_NOT;
		c->counts[c->said[id]]++;
	}
	c->running--;
}

/* One session, or all, is ended or has its statement cancelled. */
static void harm(struct chaos *c)
{
	static const char *const ways[] = {
		"SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity "
		"WHERE application_name = 'chaos' ORDER BY random() LIMIT 1) x",
		"SELECT count(pg_cancel_backend(pid)) FROM (SELECT pid FROM pg_stat_activity "
		"WHERE application_name = 'chaos' ORDER BY random() LIMIT 2) x",
		"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'chaos'",
	};
	unsigned which = chance(c, 10);

	must(c->other, ways[which < 5 ? 0 : which < 9 ? 1 : 2]);
}

static bool is_there(struct chaos *c, size_t id)
{
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_rows rows;

	assert_int_equal(store_read(c->other, "SELECT 1 FROM chaos WHERE id = $1", STORE_ARGS(STORE_I(id)), a, &rows),
	                 0);
	return rows.n == 1;
}

static void chaos_check(struct chaos *c)
{
	for (size_t id = 0; id < c->writes; id++) {
		bool there = is_there(c, id);

		if ((c->said[id] == SAID_DONE && !there) || (c->said[id] == SAID_NOT && there))
			fprintf(stderr, "write %zu: said %d, there %d\n", id, c->said[id], there);
		assert_false(c->said[id] == SAID_DONE && !there);
		assert_false(c->said[id] == SAID_NOT && there);
	}
}

static struct store *open_as(const char *application, size_t pool_max)
{
	const struct store_options options = { .url = test_url(), .application = application, .pool_max = pool_max };
	struct store *s = NULL;

	if (store_open(&options, &s) < 0)
		abort();
	return s;
}

static void body_what_is_said_is_what_happened(void *arg)
{
	struct chaos c = { .s = open_as("chaos", 4), .other = open_as("other", 2), .running = WRITERS };
	const char *seed = getenv("STORE_TEST_SEED");

	(void)arg;
	c.writes = getenv("TEST_LONG") ? 20000 : 250;
	c.seed = seed ? (unsigned)strtoul(seed, NULL, 10) : (unsigned)random_below(1u << 31);
	c.said = calloc(c.writes, 1);
	printf("STORE_TEST_SEED=%u\n", c.seed);
	must(c.other, "DROP TABLE IF EXISTS chaos");
	must(c.other, "CREATE TABLE chaos (id bigint NOT NULL PRIMARY KEY)");
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(fiber_spawn("writer", writer, &c, NULL), 0);
	while (c.running > 0) {
		harm(&c);
		assert_int_equal(fiber_sleep_ms(5 + chance(&c, 20)), 0);
	}
	store_close(&c.s); /* so that nothing is under way any more */
	chaos_check(&c);
	printf("done %zu, unknown %zu, not done %zu\n", c.counts[SAID_DONE], c.counts[SAID_UNKNOWN],
	       c.counts[SAID_NOT]);
	assert_true(c.counts[SAID_DONE] > c.writes / 4);
	free(c.said);
	store_close(&c.other);
}

static void test_what_is_said_is_what_happened(void **state)
{
	(void)state;
	on_fiber(body_what_is_said_is_what_happened, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_is_said_is_what_happened) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
