/* What only PostgreSQL can do to us: sessions that end at the worst moment, statements whose table has changed, types.
 * STORE_TEST_URL names a database whose role may end its own sessions. */
#include "store/test_support.h"

#include "fiber/fiber.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
	struct store *s;
	struct store *other; /* sessions that are not those of s */
	struct arena *a;
};

static const char sql_insert[] = "INSERT INTO item (id, name) VALUES ($1, $2)";
static const char sql_read[] = "SELECT name FROM item WHERE id = $1";
static const char sql_everything[] = "SELECT * FROM item";
static const char sql_slow_insert[] = "INSERT INTO item (id, name) SELECT $1, 'slow' FROM pg_sleep(0.4)";
static const char sql_slow_read[] = "SELECT pg_sleep(0.4), 7";

static struct store *open_as(const char *application)
{
	const struct store_options options = { .url = test_url(),
		                               .application = application,
		                               .pool_max = 2,
		                               .wait_ms = 5000,
		                               .statement_timeout_ms = 5000 };
	struct store *s = NULL;

	if (store_open(&options, &s) < 0)
		abort();
	return s;
}

static struct fixture fixture(void)
{
	struct fixture f = { open_as("tested"), open_as("other"), test_arena() };

	must(f.other, "DROP TABLE IF EXISTS item");
	must(f.other, "CREATE TABLE item (id bigint NOT NULL PRIMARY KEY, name text NOT NULL)");
	return f;
}

static void fixture_done(struct fixture *f)
{
	arena_free(&f->a);
	store_close(&f->s);
	store_close(&f->other);
}

static void sessions_end(struct fixture *f)
{
	must(f->other,
	     "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'tested'");
}

static int insert(struct fixture *f, int64_t id)
{
	return store_query(f->s, sql_insert, STORE_ARGS(STORE_I(id), STORE_S(STR("x"))), f->a, NULL);
}

static int64_t count(struct fixture *f)
{
	return must(f->other, "SELECT count(*) FROM item");
}

static void ends_them_soon(void *arg)
{
	(void)!fiber_sleep_ms(150);
	sessions_end(arg);
}

static void soon_end(struct fixture *f)
{
	assert_int_equal(fiber_spawn("ender", ends_them_soon, f, NULL), 0);
}

static void body_idle_sessions_that_have_ended_are_replaced(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();

	(void)arg;
	for (int64_t id = 1; id <= 10; id++) {
		assert_int_equal(insert(&f, id), 0);
		sessions_end(&f);
	}
	assert_int_equal(count(&f), 10);
}

static void body_a_read_that_was_cut_is_repeated(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_rows rows;

	(void)arg;
	soon_end(&f);
	assert_int_equal(store_read(f.s, sql_slow_read, STORE_NO_ARGS, f.a, &rows), 0);
	assert_int_equal(store_int(&rows, 0, 1), 7);
}

/* The server says itself that it ended the statement: nothing has happened, so it is done again, once. */
static void body_a_write_that_was_cut_is_done_once(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();

	(void)arg;
	soon_end(&f);
	assert_int_equal(store_query(f.s, sql_slow_insert, STORE_ARGS(STORE_I(1)), f.a, NULL), 0);
	assert_int_equal(count(&f), 1);
}

static void body_a_transaction_that_was_cut_leaves_nothing(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_tx *tx = NULL;

	(void)arg;
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(store_tx_query(tx, sql_insert, STORE_ARGS(STORE_I(1), STORE_S(STR("x"))), f.a, NULL), 0);
	sessions_end(&f);
	assert_int_equal(store_tx_query(tx, sql_insert, STORE_ARGS(STORE_I(2), STORE_S(STR("x"))), f.a, NULL),
	                 -ENOTCONN);
	assert_int_equal(store_commit(&tx), -ENOTCONN);
	assert_int_equal(count(&f), 0);

	/* At its COMMIT: nobody can know; here it was not done. */
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(store_tx_query(tx, sql_insert, STORE_ARGS(STORE_I(1), STORE_S(STR("x"))), f.a, NULL), 0);
	sessions_end(&f);
	assert_true(store_commit(&tx) < 0);
	assert_int_equal(count(&f), 0);
	assert_int_equal(insert(&f, 1), 0);
}

static void body_the_first_statement_of_a_transaction_finds_a_good_session(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_tx *tx = NULL;

	(void)arg;
	assert_int_equal(store_begin(f.s, &tx), 0);
	sessions_end(&f);
	assert_int_equal(store_tx_query(tx, sql_insert, STORE_ARGS(STORE_I(1), STORE_S(STR("x"))), f.a, NULL), 0);
	assert_int_equal(store_commit(&tx), 0);
	assert_int_equal(count(&f), 1);
}

static void body_a_prepared_statement_survives_a_change_of_its_table(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_rows rows;

	(void)arg;
	assert_int_equal(insert(&f, 1), 0);
	assert_int_equal(store_read(f.s, sql_everything, STORE_NO_ARGS, f.a, &rows), 0);
	assert_int_equal(rows.columns, 2);
	must(f.other, "ALTER TABLE item ADD COLUMN more bigint");
	assert_int_equal(store_read(f.s, sql_everything, STORE_NO_ARGS, f.a, &rows), 0);
	assert_int_equal(rows.columns, 3);
}

static void body_a_statement_that_could_not_be_prepared_can_be_tried_again(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_rows rows;

	(void)arg;
	must(f.other, "DROP TABLE item");
	for (int again = 0; again < 3; again++)
		assert_int_equal(store_read(f.s, sql_read, STORE_ARGS(STORE_I(1)), f.a, &rows), -EPROTO);
	must(f.other, "CREATE TABLE item (id bigint NOT NULL PRIMARY KEY, name text NOT NULL)");
	assert_int_equal(store_read(f.s, sql_read, STORE_ARGS(STORE_I(1)), f.a, &rows), 0);
	assert_int_equal(rows.n, 0);
}

static void body_a_cancelled_statement_does_not_spoil_its_session(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	int64_t pid = must(f.s, "SELECT pg_backend_pid()");

	(void)arg;
	for (int again = 0; again < 3; again++) {
		fiber_deadline_set(clock_deadline_in(50));
		assert_int_equal(store_query(f.s, sql_slow_insert, STORE_ARGS(STORE_I(1)), f.a, NULL), -ETIMEDOUT);
		fiber_deadline_set(DEADLINE_NONE);
	}
	assert_int_equal(must(f.s, "SELECT pg_backend_pid()"), pid);
	assert_int_equal(count(&f), 0);
}

static void body_uuids_are_text_and_what_is_none_is_refused(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	static const char sql[] = "SELECT $1::uuid";
	static const char sql_numeric[] = "SELECT 1.5::numeric";
	struct store_rows rows;

	(void)arg;
	assert_int_equal(
	        store_read(f.s, sql, STORE_ARGS(STORE_S(STR("0190C0DE-0000-7000-8000-0000000000ff"))), f.a, &rows), 0);
	assert_true(str_equal(store_text(&rows, 0, 0), STR("0190c0de-0000-7000-8000-0000000000ff")));
	assert_int_equal(store_read(f.s, sql, STORE_ARGS(STORE_S(STR("secret"))), f.a, &rows), -EINVAL);
	assert_null(strstr(store_error(f.s), "secret"));
	assert_int_equal(store_read(f.s, sql_numeric, STORE_NO_ARGS, f.a, &rows), -EPROTO);
	assert_non_null(strstr(store_error(f.s), "CAST"));
}

static void body_a_read_only_server_is_one_that_cannot_be_reached_for_writes(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_rows rows;

	(void)arg;
	must(f.other, "ALTER ROLE CURRENT_USER SET default_transaction_read_only = on");
	sessions_end(&f);
	assert_int_equal(insert(&f, 1), -ENOTCONN);
	assert_int_equal(store_read(f.s, sql_read, STORE_ARGS(STORE_I(1)), f.a, &rows), 0);
	must(f.other, "ALTER ROLE CURRENT_USER RESET default_transaction_read_only");
	sessions_end(&f);
	assert_int_equal(insert(&f, 1), 0);
}

static void body_what_cannot_be_opened_says_why_without_the_password(void *arg)
{
	static const char *const urls[] = { "postgres://somebody:hunter2@127.0.0.1:1/nothing",
		                            "host=127.0.0.1 port=1 password=hunter2",
		                            "postgres://somebody:hunter2@127.0.0.1:1/x?nonsense=hunter2" };
	struct store *s = NULL;

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		const struct store_options options = { .url = urls[i] };

		assert_true(!store_check_url(urls[i]) == (i < 2));
		assert_int_equal(store_open(&options, &s), i < 2 ? -ENOTCONN : -EINVAL);
		assert_null(strstr(store_error(NULL), "hunter2"));
		assert_null(s);
	}
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}
#define TEST(name) cmocka_unit_test(test_##name)

ON_FIBER(idle_sessions_that_have_ended_are_replaced)
ON_FIBER(a_read_that_was_cut_is_repeated)
ON_FIBER(a_write_that_was_cut_is_done_once)
ON_FIBER(a_transaction_that_was_cut_leaves_nothing)
ON_FIBER(the_first_statement_of_a_transaction_finds_a_good_session)
ON_FIBER(a_prepared_statement_survives_a_change_of_its_table)
ON_FIBER(a_statement_that_could_not_be_prepared_can_be_tried_again)
ON_FIBER(a_cancelled_statement_does_not_spoil_its_session)
ON_FIBER(uuids_are_text_and_what_is_none_is_refused)
ON_FIBER(a_read_only_server_is_one_that_cannot_be_reached_for_writes)
ON_FIBER(what_cannot_be_opened_says_why_without_the_password)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(idle_sessions_that_have_ended_are_replaced),
		TEST(a_read_that_was_cut_is_repeated),
		TEST(a_write_that_was_cut_is_done_once),
		TEST(a_transaction_that_was_cut_leaves_nothing),
		TEST(the_first_statement_of_a_transaction_finds_a_good_session),
		TEST(a_prepared_statement_survives_a_change_of_its_table),
		TEST(a_statement_that_could_not_be_prepared_can_be_tried_again),
		TEST(a_cancelled_statement_does_not_spoil_its_session),
		TEST(uuids_are_text_and_what_is_none_is_refused),
		TEST(a_read_only_server_is_one_that_cannot_be_reached_for_writes),
		TEST(what_cannot_be_opened_says_why_without_the_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
