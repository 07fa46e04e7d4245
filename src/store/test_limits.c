/* Where a store says no, or stops: sizes, crowds, deadlines, cancellation; and that it works at once afterwards. */
#include "store/test_support.h"

#include "fiber/fiber.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Runs for minutes on every engine. */
#define SLOW                                                                                    \
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) " \
	"SELECT count(*) FROM n"
#define SLOW_INSERT "INSERT INTO items (id, i) SELECT 1, count(*) FROM (" SLOW ") AS slow"
#define MANY(n)                                                                                  \
	"INSERT INTO items (id) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n " \
	"WHERE i < " n ") SELECT i FROM n RETURNING id"

static const char sql_insert[] = "INSERT INTO items (id) VALUES ($1)";
static const char sql_count[] = "SELECT count(*) FROM items";

struct waiting {
	struct items *f;
	struct store *s;
	int r;
	int64_t took_ms;
	bool is_done;
};

static struct store *opened(const struct store_options *more)
{
	struct store_options options = *more;
	struct store *s = NULL;

	options.url = test_url();
	if (store_open(&options, &s) < 0)
		abort();
	return s;
}

/* SQLite has one writer and lets one store open a file: the table of test_items() is made, its store closed. */
static void table_make(void)
{
	struct items f = test_items();

	test_items_done(&f);
}

static int insert(struct store *s, int64_t id)
{
	struct arena *a CLEANUP(arena_free) = test_arena();

	return store_query(s, sql_insert, STORE_ARGS(STORE_I(id)), a, NULL);
}

/* ---- sizes ---- */

static void body_what_gave_too_many_rows_stays_done(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct store_rows rows;

	(void)arg;
	assert_int_equal(store_query(f.s, MANY("10000"), STORE_NO_ARGS, f.a, &rows), 0);
	assert_true(rows.n == 10000 && rows.affected == 10000);
	must(f.s, "DELETE FROM items");
	assert_int_equal(store_query(f.s, MANY("10001"), STORE_NO_ARGS, f.a, &rows), -EMSGSIZE);
	assert_int_equal(must(f.s, sql_count), 10001);
}

static void body_too_many_rows_spoil_a_transaction(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct store_tx *tx = NULL;
	struct store_rows rows;

	(void)arg;
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(store_tx_query(tx, MANY("10001"), STORE_NO_ARGS, f.a, &rows), -EMSGSIZE);
	assert_int_equal(store_commit(&tx), -EMSGSIZE);
	assert_int_equal(must(f.s, sql_count), 0);
}

static void body_the_longest_value(void *arg)
{
	enum { SIZE_MAX_BYTES = 16 << 20 };
	static const char sql[] = "INSERT INTO items (id, t, y) VALUES ($1, $2, $3)";
	struct items f CLEANUP(test_items_done) = test_items();
	struct arena *a CLEANUP(arena_free) = NULL;
	char *bytes = malloc(SIZE_MAX_BYTES + 1);
	struct str longest = { bytes, SIZE_MAX_BYTES };
	struct str longer = { bytes, SIZE_MAX_BYTES + 1 };
	struct store_rows rows;

	(void)arg;
	assert_non_null(bytes);
	memset(bytes, 'x', SIZE_MAX_BYTES + 1);
	assert_int_equal(arena_new(64 << 20, &a), 0);
	assert_int_equal(store_query(f.s, sql, STORE_ARGS(STORE_I(1), STORE_S(longer), STORE_N), a, NULL), -EMSGSIZE);
	assert_non_null(strstr(store_error(f.s), "$2"));
	assert_int_equal(store_query(f.s, sql, STORE_ARGS(STORE_I(1), STORE_N, STORE_BYTES(longer)), a, NULL),
	                 -EMSGSIZE);
	assert_int_equal(store_query(f.s, sql, STORE_ARGS(STORE_I(2), STORE_S(longest), STORE_N), a, NULL), 0);
	assert_int_equal(store_query(f.s, sql, STORE_ARGS(STORE_I(3), STORE_N, STORE_BYTES(longest)), a, NULL), 0);
	assert_int_equal(store_read(f.s, "SELECT id FROM items WHERE length(t) = $1 OR length(y) = $1 ORDER BY id",
	                            STORE_ARGS(STORE_I(SIZE_MAX_BYTES)), a, &rows),
	                 0);
	assert_true(rows.n == 2 && store_int(&rows, 0, 0) == 2 && store_int(&rows, 1, 0) == 3);
	free(bytes);
}

static void body_an_arena_that_is_full(void *arg)
{
	static const char sql_wide[] = "SELECT t, t, t FROM items";
	struct items f CLEANUP(test_items_done) = test_items();
	struct arena *small CLEANUP(arena_free) = NULL;
	struct store_tx *tx = NULL;
	struct store_rows rows;
	char bytes[3000];

	(void)arg;
	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(store_query(f.s, "INSERT INTO items (id, t) VALUES (1, $1)",
	                             STORE_ARGS(STORE_S(((struct str){ bytes, sizeof(bytes) }))), f.a, NULL),
	                 0);
	for (int again = 0; again < 10; again++) { /* more often than there are connections */
		arena_free(&small);
		assert_int_equal(arena_new(4096, &small), 0);
		assert_int_equal(store_read(f.s, sql_wide, STORE_NO_ARGS, small, &rows), -ENOMEM);
		assert_int_equal(store_read(f.s, sql_wide, STORE_NO_ARGS, f.a, &rows), 0);
		assert_true(rows.n == 1 && store_text(&rows, 0, 2).len == sizeof(bytes));
	}
	arena_free(&small);
	assert_int_equal(arena_new(4096, &small), 0);
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(must_tx(tx, "DELETE FROM items WHERE id = 99"), 0);
	assert_int_equal(store_tx_query(tx, sql_wide, STORE_NO_ARGS, small, &rows), -ENOMEM);
	assert_int_equal(store_commit(&tx), -ENOMEM);
	assert_int_equal(insert(f.s, 2), 0);
}

/* ---- crowds ---- */

static void inserts(void *arg)
{
	struct waiting *w = arg;
	int64_t began_ms = clock_mono_ms();

	w->r = insert(w->s, 7);
	w->took_ms = clock_mono_ms() - began_ms;
	w->is_done = true;
}

/* Whoever holds the one connection that writes makes others wait, but not for long. */
static void body_a_connection_that_does_not_come_free(void *arg)
{
	struct store *s CLEANUP(store_close) = NULL;
	struct waiting w = { 0 };
	struct store_tx *tx = NULL;

	(void)arg;
	table_make();
	s = opened(&(struct store_options){ .pool_max = 1, .wait_ms = 100 });
	w.s = s;
	assert_int_equal(store_begin(s, &tx), 0);
	assert_int_equal(must_tx(tx, "INSERT INTO items (id) VALUES (1)"), 1);
	crowd_run(1, inserts, &w);
	assert_int_equal(w.r, -EBUSY);
	assert_in_range(w.took_ms, 90, 2000);
	assert_true(strlen(store_error(s)) > 0);
	assert_int_equal(store_commit(&tx), 0);
	assert_int_equal(insert(s, 2), 0);
	assert_int_equal(must(s, sql_count), 2);
}

static void body_a_line_that_is_full(void *arg)
{
	struct store *s CLEANUP(store_close) = NULL;
	struct waiting first = { 0 };
	struct waiting second = { 0 };
	struct store_tx *tx = NULL;
	struct fiber *waiter = NULL;

	(void)arg;
	table_make();
	s = opened(&(struct store_options){ .pool_max = 1, .wait_ms = 10000, .waiters_max = 1 });
	first.s = second.s = s;
	assert_int_equal(store_begin(s, &tx), 0);
	assert_int_equal(must_tx(tx, "INSERT INTO items (id) VALUES (1)"), 1);
	assert_int_equal(fiber_spawn("waiter", inserts, &first, &waiter), 0);
	assert_int_equal(fiber_sleep_ms(20), 0);
	crowd_run(1, inserts, &second);
	assert_int_equal(second.r, -EBUSY); /* at once */
	assert_in_range(second.took_ms, 0, 5000);
	assert_false(first.is_done);
	assert_int_equal(store_commit(&tx), 0);
	assert_int_equal(fiber_join(waiter), 0);
	fiber_unref(&waiter);
	assert_int_equal(first.r, 0);
	assert_int_equal(must(s, sql_count), 2);
}

/* The caller's own deadline comes first, and is told apart. */
static void inserts_in_a_hurry(void *arg)
{
	fiber_deadline_set(clock_deadline_in(50));
	inserts(arg);
}

static void body_a_deadline_in_the_line(void *arg)
{
	struct store *s CLEANUP(store_close) = NULL;
	struct waiting w = { 0 };
	struct store_tx *tx = NULL;

	(void)arg;
	table_make();
	s = opened(&(struct store_options){ .pool_max = 1, .wait_ms = 10000 });
	w.s = s;
	assert_int_equal(store_begin(s, &tx), 0);
	assert_int_equal(must_tx(tx, "INSERT INTO items (id) VALUES (1)"), 1);
	crowd_run(1, inserts_in_a_hurry, &w);
	assert_int_equal(w.r, -ETIMEDOUT);
	store_rollback(&tx);
	assert_int_equal(must(s, sql_count), 0);
}

/* ---- deadlines and cancellation ---- */

static void body_past_the_deadline_nothing_is_begun(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct store_tx *tx = NULL;
	struct store_rows rows;
	int r;

	(void)arg;
	fiber_deadline_set(clock_mono_ms() - 1);
	assert_int_equal(insert(f.s, 1), -ETIMEDOUT);
	assert_int_equal(store_read(f.s, sql_count, STORE_NO_ARGS, f.a, &rows), -ETIMEDOUT);
	assert_int_equal(store_ping(f.s), -ETIMEDOUT);
	/* PostgreSQL's BEGIN travels with the first statement, so it may be that which says so. */
	r = store_begin(f.s, &tx);
	if (r == 0)
		r = store_tx_query(tx, sql_insert, STORE_ARGS(STORE_I(1)), f.a, NULL);
	assert_int_equal(r, -ETIMEDOUT);
	store_rollback(&tx);
	fiber_deadline_set(DEADLINE_NONE);
	assert_int_equal(must(f.s, sql_count), 0);
	assert_int_equal(store_ping(f.s), 0);
}

static void body_a_write_that_is_stopped_did_nothing(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	int64_t began_ms = clock_mono_ms();

	(void)arg;
	for (int again = 0; again < 5; again++) { /* more often than there are connections */
		fiber_deadline_set(clock_deadline_in(40));
		assert_int_equal(store_query(f.s, SLOW_INSERT, STORE_NO_ARGS, f.a, NULL), -ETIMEDOUT);
		fiber_deadline_set(DEADLINE_NONE);
		assert_int_equal(must(f.s, sql_count), 0);
	}
	assert_int_equal(insert(f.s, 1), 0); /* no lock is left */
	assert_in_range(clock_mono_ms() - began_ms, 200, 10000);
}

static void writes_slowly(void *arg)
{
	struct waiting *w = arg;
	struct arena *a CLEANUP(arena_free) = test_arena();

	w->r = store_query(w->s, SLOW_INSERT, STORE_NO_ARGS, a, NULL);
}

static void writes_slowly_in_a_transaction(void *arg)
{
	struct waiting *w = arg;
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_tx *tx CLEANUP(store_rollback) = NULL;

	assert_int_equal(store_begin(w->s, &tx), 0);
	assert_int_equal(must_tx(tx, "INSERT INTO items (id) VALUES (1)"), 1);
	w->r = store_tx_query(tx, SLOW, STORE_NO_ARGS, a, NULL);
}

static void stopped(struct items *f, void (*entry)(void *))
{
	struct waiting w = { .s = f->s };
	struct fiber *child = NULL;

	assert_int_equal(fiber_spawn("stopped", entry, &w, &child), 0);
	assert_int_equal(fiber_sleep_ms(40), 0);
	fiber_cancel(child);
	assert_int_equal(fiber_join(child), 0);
	fiber_unref(&child);
	assert_int_equal(w.r, -ECANCELED);
	assert_int_equal(must(f->s, sql_count), 0);
	assert_int_equal(insert(f->s, 1), 0);
	must(f->s, "DELETE FROM items");
}

static void body_a_fiber_that_is_cancelled_leaves_a_store_that_works(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();

	(void)arg;
	for (int again = 0; again < 3; again++) {
		stopped(&f, writes_slowly);
		stopped(&f, writes_slowly_in_a_transaction);
	}
}

static void body_the_time_limit_of_a_statement(void *arg)
{
	struct store *s CLEANUP(store_close) = NULL;
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_tx *tx = NULL;
	int64_t began_ms = clock_mono_ms();

	(void)arg;
	table_make();
	s = opened(&(struct store_options){ .statement_timeout_ms = 100 });
	assert_int_equal(store_query(s, SLOW_INSERT, STORE_NO_ARGS, a, NULL), -ETIMEDOUT);
	assert_int_equal(store_begin(s, &tx), 0);
	assert_int_equal(must_tx(tx, "INSERT INTO items (id) VALUES (1)"), 1);
	assert_int_equal(store_tx_query(tx, SLOW, STORE_NO_ARGS, a, NULL), -ETIMEDOUT);
	assert_int_equal(store_commit(&tx), -ETIMEDOUT);
	assert_true(fiber_deadline() == DEADLINE_NONE);
	assert_in_range(clock_mono_ms() - began_ms, 150, 8000);
	assert_int_equal(must(s, sql_count), 0);
}

/* A batch too is stopped as a whole. */
static void body_a_batch_that_is_stopped_did_nothing(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	const struct store_statement batch[] = { { sql_insert, STORE_ARGS(STORE_I(1)) }, { SLOW, STORE_NO_ARGS } };

	(void)arg;
	fiber_deadline_set(clock_deadline_in(60));
	assert_int_equal(store_batch(f.s, batch, ARRAY_SIZE(batch), f.a, NULL), -ETIMEDOUT);
	fiber_deadline_set(DEADLINE_NONE);
	assert_int_equal(must(f.s, sql_count), 0);
	assert_int_equal(insert(f.s, 1), 0);
}

static void pings(void *arg)
{
	struct waiting *w = arg;

	w->r = store_ping(w->s);
	w->is_done = true;
}

/* While something else is slow: SQLite reads beside its writer, PostgreSQL on another connection. */
static void body_ping_beside_slow_work(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct waiting slow = { .s = f.s };
	struct waiting ping = { .s = f.s };
	struct fiber *child = NULL;

	(void)arg;
	assert_int_equal(fiber_spawn("slow", writes_slowly, &slow, &child), 0);
	assert_int_equal(fiber_sleep_ms(20), 0);
	crowd_run(1, pings, &ping);
	assert_int_equal(ping.r, 0);
	fiber_cancel(child);
	assert_int_equal(fiber_join(child), 0);
	fiber_unref(&child);
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}
#define TEST(name) cmocka_unit_test(test_##name)

ON_FIBER(what_gave_too_many_rows_stays_done)
ON_FIBER(too_many_rows_spoil_a_transaction)
ON_FIBER(the_longest_value)
ON_FIBER(an_arena_that_is_full)
ON_FIBER(a_connection_that_does_not_come_free)
ON_FIBER(a_line_that_is_full)
ON_FIBER(a_deadline_in_the_line)
ON_FIBER(past_the_deadline_nothing_is_begun)
ON_FIBER(a_write_that_is_stopped_did_nothing)
ON_FIBER(a_fiber_that_is_cancelled_leaves_a_store_that_works)
ON_FIBER(the_time_limit_of_a_statement)
ON_FIBER(a_batch_that_is_stopped_did_nothing)
ON_FIBER(ping_beside_slow_work)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_gave_too_many_rows_stays_done),
		TEST(too_many_rows_spoil_a_transaction),
		TEST(the_longest_value),
		TEST(an_arena_that_is_full),
		TEST(a_connection_that_does_not_come_free),
		TEST(a_line_that_is_full),
		TEST(a_deadline_in_the_line),
		TEST(past_the_deadline_nothing_is_begun),
		TEST(a_write_that_is_stopped_did_nothing),
		TEST(a_fiber_that_is_cancelled_leaves_a_store_that_works),
		TEST(the_time_limit_of_a_statement),
		TEST(a_batch_that_is_stopped_did_nothing),
		TEST(ping_beside_slow_work),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	test_files_remove();
	return failed;
}
