/* Where PostgreSQL's ways and the store's promises meet: late cancels, batches that end badly, words without secrets,
 * statements that change their types, results without end. STORE_TEST_URL as in test_postgres.c. */
#include "store/test_support.h"

#include "fiber/fiber.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

struct fixture {
	struct store *s; /* one connection */
	struct arena *a;
};

static const char sql_insert[] = "INSERT INTO item (id, name) VALUES ($1, $2)";

static struct store *open_url(const char *url)
{
	const struct store_options options = {
		.url = url, .application = "edges", .pool_max = 1, .wait_ms = 5000, .statement_timeout_ms = 30000
	};
	struct store *s = NULL;

	if (store_open(&options, &s) < 0) {
		fprintf(stderr, "%s\n", store_error(NULL));
		abort();
	}
	return s;
}

static struct fixture fixture(void)
{
	struct fixture f = { open_url(test_url()), test_arena() };

	must(f.s, "DROP TABLE IF EXISTS item");
	must(f.s, "CREATE TABLE item (id bigint NOT NULL PRIMARY KEY, name text NOT NULL)");
	return f;
}

static void fixture_done(struct fixture *f)
{
	arena_free(&f->a);
	store_close(&f->s);
}

static int64_t count(struct fixture *f)
{
	return must(f->s, "SELECT count(*) FROM item");
}

static int try(struct fixture *f, const char *sql, struct store_rows *ret)
{
	return store_query(f->s, sql, STORE_NO_ARGS, f->a, ret);
}

/* ---- cancelling ---- */

/* The statement ends at the very time it is cancelled: the cancel must not reach the next one on the connection. */
static void body_a_late_cancel_reaches_nobody_else(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	int r;

	(void)arg;
	for (int i = 0; i < 60; i++) {
		fiber_deadline_set(clock_deadline_in(20 + i % 4));
		r = store_read(f.s, "SELECT pg_sleep(0.02)", STORE_NO_ARGS, f.a, NULL);
		assert_true(r == 0 || r == -ETIMEDOUT);
		fiber_deadline_set(DEADLINE_NONE);
		assert_int_equal(try(&f, "SELECT pg_sleep(0.005)", NULL), 0);
	}
}

static void body_a_result_without_end_is_stopped(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	int64_t pid = must(f.s, "SELECT pg_backend_pid()");
	struct rusage before;
	struct rusage after;

	(void)arg;
	getrusage(RUSAGE_SELF, &before);
	assert_int_equal(
	        store_read(f.s, "SELECT repeat('x', 1000), generate_series(1, 2000000000)", STORE_NO_ARGS, f.a, NULL),
	        -EMSGSIZE);
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 200 * 1024L);
	assert_int_equal(must(f.s, "SELECT pg_backend_pid()"), pid);
}

/* ---- batches and transactions ---- */

/* The server has committed before its rows turn out to have no room here. */
static void body_a_batch_that_was_kept_does_not_say_that_it_was_not(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct arena *small CLEANUP(arena_free) = NULL;
	const struct store_statement batch[] = {
		{ sql_insert, STORE_ARGS(STORE_I(1), STORE_S(STR("x"))) },
		{ "SELECT repeat('x', 100000)", STORE_NO_ARGS },
	};
	int r;

	(void)arg;
	assert_int_equal(arena_new(4096, &small), 0);
	r = store_batch(f.s, batch, ARRAY_SIZE(batch), small, NULL);
	assert_int_equal(r, count(&f) == 1 ? -EIO : -ENOMEM);
}

static void body_a_session_known_to_be_gone_is_not_asked_to_commit(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store *other CLEANUP(store_close) = open_url(test_url());
	struct store_tx *tx = NULL;

	(void)arg;
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(store_tx_query(tx, sql_insert, STORE_ARGS(STORE_I(1), STORE_S(STR("x"))), f.a, NULL), 0);
	must(other, "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
	            "WHERE application_name = 'edges' AND pid <> pg_backend_pid()");
	assert_int_equal(store_commit(&tx), -ENOTCONN);
	assert_int_equal(count(&f), 0);
}

/* More than the sockets' buffers hold, both ways at once: whoever only sends would wait for ever. */
static void body_big_values_go_both_ways_at_once(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	static char bytes[800000];
	struct store_value value = STORE_BYTES(((struct str){ bytes, sizeof(bytes) }));
	struct store_statement batch[STORE_BATCH_MAX];
	struct store_rows rows[STORE_BATCH_MAX];

	(void)arg;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);
	for (size_t i = 0; i < ARRAY_SIZE(batch); i++)
		batch[i] = (struct store_statement){ "SELECT $1::bytea", &value, 1 };
	assert_int_equal(store_batch(f.s, batch, ARRAY_SIZE(batch), f.a, rows), 0);
	for (size_t i = 0; i < ARRAY_SIZE(batch); i++)
		assert_true(str_equal(store_text(&rows[i], 0, 0), value.value.text));
}

/* What the server checks at the commit only. */
static void body_an_error_at_the_commit_keeps_nothing(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	const struct store_statement batch[] = { { "INSERT INTO child (id, item) VALUES (1, 99)", STORE_NO_ARGS } };
	struct store_tx *tx = NULL;

	(void)arg;
	must(f.s, "DROP TABLE IF EXISTS child");
	must(f.s, "CREATE TABLE child (id bigint PRIMARY KEY, item bigint REFERENCES item (id) DEFERRABLE INITIALLY "
	          "DEFERRED)");
	assert_int_equal(try(&f, batch[0].sql, NULL), -ENOKEY);
	assert_int_equal(store_batch(f.s, batch, 1, f.a, NULL), -ENOKEY);
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(store_tx_query(tx, batch[0].sql, STORE_NO_ARGS, f.a, NULL), 0);
	assert_int_equal(store_commit(&tx), -ENOKEY);
	assert_int_equal(must(f.s, "SELECT count(*) FROM child"), 0);
	must(f.s, "DROP TABLE child");
}

static void body_a_lock_that_does_not_come_free(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store *other CLEANUP(store_close) = open_url(test_url());
	struct store_tx *holder CLEANUP(store_rollback) = NULL;
	struct store_tx *tx CLEANUP(store_rollback) = NULL;

	(void)arg;
	assert_int_equal(store_begin(other, &holder), 0);
	assert_int_equal(store_tx_query(holder, "LOCK TABLE item", STORE_NO_ARGS, f.a, NULL), 0);
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(store_tx_query(tx, "SET LOCAL lock_timeout = '10ms'", STORE_NO_ARGS, f.a, NULL), 0);
	assert_int_equal(store_tx_query(tx, "SELECT * FROM item", STORE_NO_ARGS, f.a, NULL), -EBUSY);
	store_rollback(&tx);
	store_rollback(&holder);
	assert_int_equal(count(&f), 0);
}

/* ---- errors ---- */

static void body_what_the_server_does_not_do_is_a_bug_not_an_outage(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	int64_t pid = must(f.s, "SELECT pg_backend_pid()");

	(void)arg;
	for (int again = 0; again < 3; again++) {
		assert_int_equal(try(&f, "SELECT count(*) FROM item FOR UPDATE", NULL), -EPROTO);
		assert_int_equal(try(&f, "SELECT (SELECT * FROM generate_series(1, 2))", NULL), -EPROTO);
		assert_int_equal(try(&f, "SELECT id FROM item WHERE id = $1", NULL), -EPROTO);
		assert_int_equal(try(&f, "DO $$ BEGIN RAISE EXCEPTION 'no'; END $$", NULL), -EPROTO);
		assert_int_equal(try(&f, " ", NULL), -EPROTO);
	}
	assert_int_equal(must(f.s, "SELECT pg_backend_pid()"), pid);
}

static void body_words_about_a_url_hold_no_password(void *arg)
{
	static const char *const urls[] = {
		"postgres://u:hun:ter2@127.0.0.1:1/x",        "postgres://u:p@hunter2@127.0.0.1:1/x",
		"postgres://u:p@x:hunter2@127.0.0.1:1/x",     "postgres://u:p[hunter2@127.0.0.1:1/x",
		"postgres://u:%zzhunter2@127.0.0.1:1/x",      "postgres://u:p/hunter2@127.0.0.1:1/x",
		"postgres://u:p?hunter2@127.0.0.1:1/x",       "postgres://u:p#hunter2@[::1:1/x",
		"host=127.0.0.1 port=1 password=my hunter2",  "host=127.0.0.1 port=hunter2",
		"host=127.0.0.1 port=1 password='my hunter2",
	};
	struct store *s = NULL;

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		const struct store_options options = { .url = urls[i] };
		int r = store_open(&options, &s);

		assert_true(r < 0);
		assert_null(strstr(store_error(NULL), "hunter2"));
		assert_true(strlen(store_error(NULL)) > 10);
	}
}

/* ---- prepared statements ---- */

static void body_a_null_first_does_not_fix_the_type(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	static const char sql[] = "SELECT CASE WHEN $1 > 5 THEN 1 ELSE 0 END";
	struct store_rows rows;

	(void)arg;
	assert_int_equal(store_read(f.s, sql, STORE_ARGS(STORE_N), f.a, &rows), 0);
	assert_int_equal(store_read(f.s, sql, STORE_ARGS(STORE_I(INT64_MAX)), f.a, &rows), 0);
	assert_int_equal(store_int(&rows, 0, 0), 1);
	assert_int_equal(store_read(f.s, sql, STORE_ARGS(STORE_N), f.a, &rows), 0);
	assert_int_equal(store_int(&rows, 0, 0), 0);
}

static void body_a_statement_that_never_works_costs_nothing_for_good(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	int64_t pid = must(f.s, "SELECT pg_backend_pid()");

	(void)arg;
	for (int i = 0; i < 1100; i++)
		assert_int_equal(try(&f, "SELECT nothing FROM nowhere", NULL), -EPROTO);
	assert_int_equal(must(f.s, "SELECT pg_backend_pid()"), pid);
}

/* ---- values and settings ---- */

static void body_types_that_read_as_text(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_rows rows;

	(void)arg;
	must(f.s, "DROP TYPE IF EXISTS mood");
	must(f.s, "CREATE TYPE mood AS ENUM ('glad', 'sad')");
	assert_int_equal(
	        try(&f, "SELECT 'glad'::mood, '{\"a\": 1}'::jsonb, '{}'::json, 'x'::char(3), 'n'::name", &rows), 0);
	assert_true(str_equal(store_text(&rows, 0, 0), STR("glad")));
	assert_true(str_equal(store_text(&rows, 0, 1), STR("{\"a\": 1}")));
	assert_true(str_equal(store_text(&rows, 0, 2), STR("{}")));
	assert_int_equal(try(&f, "SELECT ROW(1, 'x')", &rows), -EPROTO);
	assert_int_equal(try(&f, "SELECT now()", &rows), -EPROTO);
	assert_non_null(strstr(store_error(f.s), "CAST"));
}

static void body_many_rows_need_no_more_than_their_room(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows rows;

	(void)arg;
	assert_int_equal(arena_new(10000 * 4 * sizeof(struct store_value) * 5 / 4, &a), 0);
	assert_int_equal(store_read(f.s, "SELECT i, i, i, i FROM generate_series(1, 10000) i", STORE_NO_ARGS, a, &rows),
	                 0);
	assert_int_equal(store_int(&rows, 9999, 3), 10000);
}

static void body_options_in_the_url_add_to_ours(void *arg)
{
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store *s CLEANUP(store_close) = NULL;
	char url[512];
	struct store_rows rows;

	(void)arg;
	(void)snprintf(url, sizeof(url), "%s%coptions=-clock_timeout%%3D1234", test_url(),
	               strchr(test_url(), '?') ? '&' : '?');
	s = open_url(url);
	assert_int_equal(store_read(s, "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')",
	                            STORE_NO_ARGS, a, &rows),
	                 0);
	assert_true(str_equal(store_text(&rows, 0, 0), STR("1234ms")));
	assert_true(str_equal(store_text(&rows, 0, 1), STR("30s")));
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}
#define TEST(name) cmocka_unit_test(test_##name)

ON_FIBER(a_late_cancel_reaches_nobody_else)
ON_FIBER(a_result_without_end_is_stopped)
ON_FIBER(a_batch_that_was_kept_does_not_say_that_it_was_not)
ON_FIBER(big_values_go_both_ways_at_once)
ON_FIBER(an_error_at_the_commit_keeps_nothing)
ON_FIBER(a_lock_that_does_not_come_free)
ON_FIBER(a_session_known_to_be_gone_is_not_asked_to_commit)
ON_FIBER(what_the_server_does_not_do_is_a_bug_not_an_outage)
ON_FIBER(words_about_a_url_hold_no_password)
ON_FIBER(a_null_first_does_not_fix_the_type)
ON_FIBER(a_statement_that_never_works_costs_nothing_for_good)
ON_FIBER(types_that_read_as_text)
ON_FIBER(many_rows_need_no_more_than_their_room)
ON_FIBER(options_in_the_url_add_to_ours)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_late_cancel_reaches_nobody_else),
		TEST(a_result_without_end_is_stopped),
		TEST(a_batch_that_was_kept_does_not_say_that_it_was_not),
		TEST(big_values_go_both_ways_at_once),
		TEST(an_error_at_the_commit_keeps_nothing),
		TEST(a_lock_that_does_not_come_free),
		TEST(a_session_known_to_be_gone_is_not_asked_to_commit),
		TEST(what_the_server_does_not_do_is_a_bug_not_an_outage),
		TEST(words_about_a_url_hold_no_password),
		TEST(a_null_first_does_not_fix_the_type),
		TEST(a_statement_that_never_works_costs_nothing_for_good),
		TEST(types_that_read_as_text),
		TEST(many_rows_need_no_more_than_their_room),
		TEST(options_in_the_url_add_to_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
