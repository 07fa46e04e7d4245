/* What every engine has to do: run with STORE_TEST_URL for another one than SQLite in a temporary folder. */
#include "base/fault.h"
#include "fiber/fiber.h"
#include "store/store.h"
#include "store/test_support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SLOW                                                                                    \
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) " \
	"SELECT count(*) FROM n"
#define ROWS(n) "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " n ") SELECT i FROM n"

struct fixture {
	struct store *s;
	struct arena *a;
};

static void table_make(struct store *s)
{
	bool is_sqlite = strcmp(store_system(s), "sqlite") == 0;

	must(s, "DROP TABLE IF EXISTS child");
	must(s, "DROP TABLE IF EXISTS item");
	must(s, is_sqlite
	                ? "CREATE TABLE item (id bigint PRIMARY KEY, i bigint, d double precision, b boolean, t text, "
	                  "y blob, u text UNIQUE, must text NOT NULL DEFAULT 'x', CHECK (i <> 13))"
	                : "CREATE TABLE item (id bigint PRIMARY KEY, i bigint, d double precision, b boolean, t text, "
	                  "y bytea, u text UNIQUE, must text NOT NULL DEFAULT 'x', CHECK (i <> 13))");
	must(s, "CREATE TABLE child (id bigint PRIMARY KEY, item_id bigint NOT NULL REFERENCES item (id))");
}

static void fixture_done(struct fixture *f)
{
	arena_free(&f->a);
	store_close(&f->s);
}

static struct fixture fixture(void)
{
	struct fixture f = { .s = test_store(), .a = test_arena() };

	table_make(f.s);
	return f;
}

static int insert(struct fixture *f, int64_t id)
{
	return store_query(f->s, "INSERT INTO item (id, i) VALUES ($1, $2)", STORE_ARGS(STORE_I(id), STORE_I(id)), f->a,
	                   NULL);
}

static int tx_insert(struct store_tx *tx, struct fixture *f, int64_t id)
{
	return store_tx_query(tx, "INSERT INTO item (id, i) VALUES ($1, $2)", STORE_ARGS(STORE_I(id), STORE_I(id)),
	                      f->a, NULL);
}

static int64_t count(struct fixture *f)
{
	struct store_rows rows = { 0 };

	assert_int_equal(store_read(f->s, "SELECT count(*) FROM item", STORE_NO_ARGS, f->a, &rows), 0);
	return store_int(&rows, 0, 0);
}

/* ---- values ---- */

static void body_types(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_rows rows;
	struct str text = STR("naïve 電影 🎬");
	struct str bytes = { "a\0\xff\x80", 4 };

	(void)arg;
	assert_int_equal(store_query(f.s, "INSERT INTO item (id, i, d, b, t, y) VALUES ($1, $2, $3, $4, $5, $6)",
	                             STORE_ARGS(STORE_I(1), STORE_I(INT64_MIN), STORE_D(0.1), STORE_B(true),
	                                        STORE_S(text), STORE_BYTES(bytes)),
	                             f.a, &rows),
	                 0);
	assert_int_equal(rows.affected, 1);
	assert_int_equal(
	        store_read(f.s, "SELECT i, d, b, t, y FROM item WHERE id = $1", STORE_ARGS(STORE_I(1)), f.a, &rows), 0);
	assert_int_equal(rows.n, 1);
	assert_int_equal(rows.columns, 5);
	assert_int_equal(rows.affected, 0);
	assert_int_equal(store_int(&rows, 0, 0), INT64_MIN);
	assert_true(store_double(&rows, 0, 1) == 0.1);
	assert_true(store_bool(&rows, 0, 2));
	assert_true(str_equal(store_text(&rows, 0, 3), text));
	assert_true(str_equal(store_text(&rows, 0, 4), bytes));
}

static void body_null_and_empty(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_rows rows;

	(void)arg;
	assert_int_equal(store_query(f.s, "INSERT INTO item (id, i, d, t, y, u) VALUES ($1, $2, $3, $4, $5, $6)",
	                             STORE_ARGS(STORE_I(INT64_MAX), STORE_N, STORE_D(-0.5), STORE_S(STR("")),
	                                        STORE_BYTES(STR("")), STORE_S(STR_NULL)),
	                             f.a, NULL),
	                 0);
	assert_int_equal(store_read(f.s, "SELECT id, i, t, y, u FROM item", STORE_NO_ARGS, f.a, &rows), 0);
	assert_int_equal(store_int(&rows, 0, 0), INT64_MAX);
	assert_true(store_is_null(&rows, 0, 1));
	assert_int_equal(store_int(&rows, 0, 1), 0);
	assert_true(str_equal(store_text(&rows, 0, 2), STR("")));
	assert_true(str_equal(store_text(&rows, 0, 3), STR("")));
	assert_false(store_is_null(&rows, 0, 3));
	assert_true(str_is_null(store_text(&rows, 0, 4)));
}

static void body_text_that_no_engine_takes(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	const struct str bad[] = { { "a\0b", 3 }, STR("\xff\xfe"), STR("\xc0\x80"), STR("\xed\xa0\x80") };

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(store_query(f.s, "INSERT INTO item (id, t) VALUES (1, $1)",
		                             STORE_ARGS(STORE_S(bad[i])), f.a, NULL),
		                 -EINVAL);
	assert_non_null(strstr(store_error(f.s), "$1"));
	assert_int_equal(count(&f), 0);
}

/* SQLite numbers $2 by its first appearance unless told otherwise. */
static void body_arguments_go_by_number(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_rows rows;

	(void)arg;
	assert_int_equal(store_query(f.s, "INSERT INTO item (t, u, id) VALUES ($3, $2, $1)",
	                             STORE_ARGS(STORE_I(7), STORE_S(STR("two")), STORE_S(STR("three"))), f.a, NULL),
	                 0);
	assert_int_equal(store_read(f.s, "SELECT t FROM item WHERE u = $2 AND id = $1 AND u = $2",
	                            STORE_ARGS(STORE_I(7), STORE_S(STR("two"))), f.a, &rows),
	                 0);
	assert_true(str_equal(store_text(&rows, 0, 0), STR("three")));
}

static void body_affected_counts_this_statement(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_rows rows;

	(void)arg;
	for (int64_t id = 1; id <= 3; id++)
		assert_int_equal(insert(&f, id), 0);
	assert_int_equal(store_query(f.s, "UPDATE item SET t = 'x'", STORE_NO_ARGS, f.a, &rows), 0);
	assert_int_equal(rows.affected, 3);
	assert_int_equal(store_query(f.s, "SELECT id FROM item", STORE_NO_ARGS, f.a, &rows), 0);
	assert_int_equal(rows.affected, 0);
	assert_int_equal(store_query(f.s, "DELETE FROM item WHERE id = 99", STORE_NO_ARGS, f.a, &rows), 0);
	assert_int_equal(rows.affected, 0);
	assert_int_equal(store_query(f.s, "DELETE FROM item WHERE id > 1 RETURNING id", STORE_NO_ARGS, f.a, &rows), 0);
	assert_int_equal(rows.affected, 2);
	assert_int_equal(rows.n, 2);
}

static void body_big_results(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_rows rows;

	(void)arg;
	assert_int_equal(store_read(f.s, ROWS("10000"), STORE_NO_ARGS, f.a, &rows), 0);
	assert_int_equal(rows.n, 10000);
	assert_int_equal(store_int(&rows, 9999, 0), 10000);
	assert_int_equal(store_read(f.s, ROWS("10001"), STORE_NO_ARGS, f.a, &rows), -EMSGSIZE);
	assert_int_equal(store_read(f.s, ROWS("10"), STORE_NO_ARGS, f.a, &rows), 0);
	assert_int_equal(rows.n, 10);
}

static void body_small_arena(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct arena *small CLEANUP(arena_free) = NULL;
	struct store_rows rows;

	(void)arg;
	assert_int_equal(arena_new(1000, &small), 0);
	assert_int_equal(store_read(f.s, ROWS("1000"), STORE_NO_ARGS, small, &rows), -ENOMEM);
	assert_int_equal(store_read(f.s, ROWS("2"), STORE_NO_ARGS, f.a, &rows), 0);
}

/* ---- errors ---- */

static int try(struct fixture *f, const char *sql)
{
	return store_query(f->s, sql, STORE_NO_ARGS, f->a, NULL);
}

static void body_errors_by_kind(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();

	(void)arg;
	assert_int_equal(try(&f, "INSERT INTO item (id, u) VALUES (1, 'same')"), 0);
	assert_int_equal(try(&f, "INSERT INTO item (id) VALUES (1)"), -EEXIST);
	assert_int_equal(try(&f, "INSERT INTO item (id, u) VALUES (2, 'same')"), -EEXIST);
	assert_int_equal(try(&f, "INSERT INTO child (id, item_id) VALUES (1, 99)"), -ENOKEY);
	assert_int_equal(try(&f, "INSERT INTO child (id, item_id) VALUES (1, 1)"), 0);
	assert_int_equal(try(&f, "DELETE FROM item WHERE id = 1"), -ENOKEY);
	assert_int_equal(try(&f, "INSERT INTO item (id, i) VALUES (3, 13)"), -EINVAL);
	assert_int_equal(try(&f, "INSERT INTO item (id, must) VALUES (3, NULL)"), -EINVAL);
	assert_int_equal(try(&f, "SELECT nonsense FROM item"), -EPROTO);
	assert_int_equal(try(&f, "SELEC 1"), -EPROTO);
	assert_int_equal(try(&f, "SELECT 1; SELECT 2"), -EPROTO);
	assert_true(strlen(store_error(f.s)) > 0);
	assert_int_equal(count(&f), 1);
}

static void body_words_hold_no_values(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	const struct store_value secret[] = { STORE_S(STR("hunter2")) };

	(void)arg;
	assert_int_equal(store_query(f.s, "INSERT INTO item (id, u) VALUES (1, $1)", secret, 1, f.a, NULL), 0);
	assert_int_equal(store_query(f.s, "INSERT INTO item (id, u) VALUES (2, $1)", secret, 1, f.a, NULL), -EEXIST);
	assert_null(strstr(store_error(f.s), "hunter2"));
	assert_non_null(strstr(store_error(f.s), "u"));
}

/* ---- transactions ---- */

static void body_commit_and_rollback(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_tx *tx = NULL;

	(void)arg;
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(tx_insert(tx, &f, 1), 0);
	assert_int_equal(tx_insert(tx, &f, 2), 0);
	assert_int_equal(store_commit(&tx), 0);
	assert_null(tx);
	assert_int_equal(count(&f), 2);
	{
		struct store_tx *dropped CLEANUP(store_rollback) = NULL;

		assert_int_equal(store_begin(f.s, &dropped), 0);
		assert_int_equal(tx_insert(dropped, &f, 3), 0);
	}
	assert_int_equal(count(&f), 2);
}

static void body_empty_transactions(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_tx *tx = NULL;

	(void)arg;
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(store_commit(&tx), 0);
	assert_int_equal(store_begin(f.s, &tx), 0);
	store_rollback(&tx);
	assert_null(tx);
	store_rollback(&tx);
	assert_int_equal(insert(&f, 1), 0);
}

static void body_readers_do_not_see_uncommitted(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_tx *tx = NULL;

	(void)arg;
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(tx_insert(tx, &f, 1), 0);
	assert_int_equal(count(&f), 0);
	assert_int_equal(store_commit(&tx), 0);
	assert_int_equal(count(&f), 1);
}

static void body_error_spoils_the_transaction(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_tx *tx = NULL;

	(void)arg;
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(tx_insert(tx, &f, 1), 0);
	assert_int_equal(tx_insert(tx, &f, 1), -EEXIST);
	assert_int_equal(tx_insert(tx, &f, 2), -EEXIST);
	assert_int_equal(store_commit(&tx), -EEXIST);
	assert_int_equal(count(&f), 0);
}

static void body_commit_faults(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_tx *tx = NULL;

	(void)arg;
	fault_set("store.statement:1,store.commit:1,store.committed:1");
	assert_int_equal(insert(&f, 1), -EIO);
	for (int64_t id = 1; id <= 2; id++) {
		assert_int_equal(store_begin(f.s, &tx), 0);
		assert_int_equal(tx_insert(tx, &f, id), 0);
		assert_int_equal(store_commit(&tx), -EIO);
	}
	fault_set(NULL);
	assert_int_equal(count(&f), 1); /* the second was kept, but nobody was told */
	assert_int_equal(insert(&f, 2), -EEXIST);
}

/* ---- deadlines and crowds ---- */

static void body_deadline_stops_a_statement(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_rows rows;
	int64_t began = clock_mono_ms();

	(void)arg;
	fiber_deadline_set(clock_deadline_in(100));
	assert_int_equal(store_read(f.s, SLOW, STORE_NO_ARGS, f.a, &rows), -ETIMEDOUT);
	assert_in_range(clock_mono_ms() - began, 99, 2000);
	assert_int_equal(insert(&f, 1), -ETIMEDOUT);
	fiber_deadline_set(DEADLINE_NONE);
	for (int64_t i = 0; i < 8; i++)
		assert_int_equal(count(&f), 0);
}

static void body_deadline_in_a_transaction(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_tx *tx = NULL;

	(void)arg;
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(tx_insert(tx, &f, 1), 0);
	fiber_deadline_set(clock_deadline_in(50));
	assert_int_equal(store_tx_query(tx, SLOW, STORE_NO_ARGS, f.a, NULL), -ETIMEDOUT);
	assert_int_equal(store_commit(&tx), -ETIMEDOUT);
	fiber_deadline_set(DEADLINE_NONE);
	assert_int_equal(insert(&f, 2), 0);
	assert_int_equal(count(&f), 1);
}

static void body_statement_timeout(void *arg)
{
	const struct store_options options = { .url = test_url(), .statement_timeout_ms = 50 };
	struct store *s CLEANUP(store_close) = NULL;
	struct arena *a CLEANUP(arena_free) = test_arena();

	(void)arg;
	assert_int_equal(store_open(&options, &s), 0);
	assert_int_equal(store_query(s, SLOW, STORE_NO_ARGS, a, NULL), -ETIMEDOUT);
	assert_true(fiber_deadline() == DEADLINE_NONE);
	assert_int_equal(store_ping(s), 0);
}

static void canceled_query(void *arg)
{
	struct fixture *f = arg;

	assert_int_equal(store_read(f->s, SLOW, STORE_NO_ARGS, f->a, NULL), -ECANCELED);
}

static void body_cancel_stops_a_statement(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct fiber *child = NULL;

	(void)arg;
	assert_int_equal(fiber_spawn("canceled", canceled_query, &f, &child), 0);
	assert_int_equal(fiber_sleep_ms(30), 0);
	fiber_cancel(child);
	assert_int_equal(fiber_join(child), 0);
	fiber_unref(&child);
	assert_int_equal(count(&f), 0);
}

static void increment(void *arg)
{
	struct fixture *f = arg;
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct store_rows rows;

	assert_int_equal(store_begin(f->s, &tx), 0);
	assert_int_equal(store_tx_query(tx, "UPDATE item SET i = i WHERE id = 1 RETURNING i", STORE_NO_ARGS, a, &rows),
	                 0);
	assert_int_equal(store_tx_query(tx, "UPDATE item SET i = $1 WHERE id = 1",
	                                STORE_ARGS(STORE_I(store_int(&rows, 0, 0) + 1)), a, NULL),
	                 0);
	assert_int_equal(store_commit(&tx), 0);
}

/* The first statement locks the row, as a plain SELECT would not on every engine. */
static void body_crowd_of_writers(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct fiber *crowd[200];
	struct store_rows rows;

	(void)arg;
	must(f.s, "INSERT INTO item (id, i) VALUES (1, 1000)");
	for (size_t i = 0; i < ARRAY_SIZE(crowd); i++)
		assert_int_equal(fiber_spawn("writer", increment, &f, &crowd[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(crowd); i++) {
		assert_int_equal(fiber_join(crowd[i]), 0);
		fiber_unref(&crowd[i]);
	}
	assert_int_equal(store_read(f.s, "SELECT i FROM item", STORE_NO_ARGS, f.a, &rows), 0);
	assert_int_equal(store_int(&rows, 0, 0), 1200);
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}

ON_FIBER(types)
ON_FIBER(null_and_empty)
ON_FIBER(text_that_no_engine_takes)
ON_FIBER(arguments_go_by_number)
ON_FIBER(affected_counts_this_statement)
ON_FIBER(big_results)
ON_FIBER(small_arena)
ON_FIBER(errors_by_kind)
ON_FIBER(words_hold_no_values)
ON_FIBER(commit_and_rollback)
ON_FIBER(empty_transactions)
ON_FIBER(readers_do_not_see_uncommitted)
ON_FIBER(error_spoils_the_transaction)
ON_FIBER(commit_faults)
ON_FIBER(deadline_stops_a_statement)
ON_FIBER(deadline_in_a_transaction)
ON_FIBER(statement_timeout)
ON_FIBER(cancel_stops_a_statement)
ON_FIBER(crowd_of_writers)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_null_and_empty),
		cmocka_unit_test(test_text_that_no_engine_takes),
		cmocka_unit_test(test_arguments_go_by_number),
		cmocka_unit_test(test_affected_counts_this_statement),
		cmocka_unit_test(test_big_results),
		cmocka_unit_test(test_small_arena),
		cmocka_unit_test(test_errors_by_kind),
		cmocka_unit_test(test_words_hold_no_values),
		cmocka_unit_test(test_commit_and_rollback),
		cmocka_unit_test(test_empty_transactions),
		cmocka_unit_test(test_readers_do_not_see_uncommitted),
		cmocka_unit_test(test_error_spoils_the_transaction),
		cmocka_unit_test(test_commit_faults),
		cmocka_unit_test(test_deadline_stops_a_statement),
		cmocka_unit_test(test_deadline_in_a_transaction),
		cmocka_unit_test(test_statement_timeout),
		cmocka_unit_test(test_cancel_stops_a_statement),
		cmocka_unit_test(test_crowd_of_writers),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	test_files_remove();
	return failed;
}
