/* What is SQLite's own: the file, the lock, ":memory:", the statement cache, running out of memory while opening. */
#include "base/fault.h"
#include "fiber/fiber.h"
#include "store/driver.h"
#include "store/sqlite_conn.h"
#include "store/test_support.h"
#include "telemetry/trace.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char path[PATH_MAX];
static char url[PATH_MAX + 8];

static const char *url_of(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", test_dir(), name);
	(void)snprintf(url, sizeof(url), "sqlite:%s", path);
	return url;
}

static struct store *open_at(const char *at)
{
	const struct store_options options = { .url = at };
	struct store *s = NULL;

	assert_int_equal(store_open(&options, &s), 0);
	return s;
}

static int open_fails(const char *at)
{
	const struct store_options options = { .url = at };
	struct store *s = NULL;
	int r = store_open(&options, &s);

	assert_null(s);
	return r;
}

static unsigned mode_of(const char *suffix)
{
	char name[PATH_MAX + 8];
	struct stat st;

	(void)snprintf(name, sizeof(name), "%s%s", path, suffix);
	assert_int_equal(stat(name, &st), 0);
	return st.st_mode & 0777;
}

static void body_files_are_private(void *arg)
{
	mode_t outer = umask(0);
	struct store *s CLEANUP(store_close) = open_at(url_of("private.db"));

	(void)arg;
	must(s, "CREATE TABLE t (i integer)");
	umask(outer);
	assert_int_equal(mode_of(""), 0600);
	assert_int_equal(mode_of("-wal"), 0600);
	assert_int_equal(mode_of("-shm"), 0600);
	assert_int_equal(mode_of(".lock"), 0600);
}

static void body_one_store_a_file(void *arg)
{
	struct store *s CLEANUP(store_close) = open_at(url_of("locked.db"));
	char pid[24];

	(void)arg;
	(void)snprintf(pid, sizeof(pid), "process %ld;", (long)getpid());
	assert_int_equal(open_fails(url), -EBUSY);
	assert_non_null(strstr(store_error(NULL), pid));
	store_close(&s);
	s = open_at(url);
}

static void body_settings(void *arg)
{
	struct store *s CLEANUP(store_close) = open_at(url_of("settings.db"));
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_rows rows;

	(void)arg;
	assert_int_equal(store_query(s, "PRAGMA journal_mode", STORE_NO_ARGS, a, &rows), 0);
	assert_true(str_equal(store_text(&rows, 0, 0), STR("wal")));
	assert_int_equal(must(s, "PRAGMA synchronous"), 2);
	assert_int_equal(must(s, "PRAGMA foreign_keys"), 1);
	assert_int_equal(must(s, "PRAGMA trusted_schema"), 0);
	assert_int_equal(must(s, "PRAGMA mmap_size"), 0);
	assert_int_equal(store_read(s, "CREATE TABLE t (i integer)", STORE_NO_ARGS, a, NULL), -EROFS);
}

static void body_in_memory(void *arg)
{
	struct store *s CLEANUP(store_close) = open_at("sqlite::memory:");
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_rows rows;

	(void)arg;
	must(s, "CREATE TABLE t (i integer)");
	must(s, "INSERT INTO t VALUES (5)");
	assert_int_equal(store_read(s, "SELECT i FROM t", STORE_NO_ARGS, a, &rows), 0);
	assert_int_equal(store_int(&rows, 0, 0), 5);
}

static void body_urls_refused(void *arg)
{
	(void)arg;
	assert_int_equal(open_fails("mysql://u:secret@h/d"), -EPROTONOSUPPORT);
	assert_non_null(strstr(store_error(NULL), "mysql:"));
	assert_non_null(strstr(store_error(NULL), "postgres:"));
	assert_null(strstr(store_error(NULL), "secret"));
	assert_int_equal(open_fails("no scheme"), -EPROTONOSUPPORT);
	assert_int_equal(open_fails("sqlite:"), -EINVAL);
	assert_int_equal(open_fails("sqlite:/no/such/folder/x.db"), -ENOENT);
	assert_non_null(strstr(store_error(NULL), "/no/such/folder/x.db"));
}

static void body_not_a_database(void *arg)
{
	const char *at = url_of("text.db");
	FILE *file = fopen(path, "w");

	(void)arg;
	for (int i = 0; i < 1000; i++)
		fputs("this is no database\n", file);
	fclose(file);
	assert_int_equal(open_fails(at), -EIO);
	assert_non_null(strstr(store_error(NULL), "not a database"));
}

/* More statements than are kept, in turns: each still answers for itself. */
static void body_statement_cache_turns_over(void *arg)
{
	struct store *s CLEANUP(store_close) = open_at("sqlite::memory:");
	static char sql[SQLITE_STATEMENTS_MAX + 20][24];

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(sql); i++)
		(void)snprintf(sql[i], sizeof(sql[i]), "SELECT %zu", i);
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < ARRAY_SIZE(sql); i++)
			assert_int_equal(must(s, sql[i]), (int64_t)i);
}

static void body_statement_survives_a_schema_change(void *arg)
{
	struct store *s CLEANUP(store_close) = open_at("sqlite::memory:");
	struct arena *a CLEANUP(arena_free) = test_arena();
	static const char all[] = "SELECT * FROM t";
	struct store_rows rows;

	(void)arg;
	must(s, "CREATE TABLE t (a integer)");
	must(s, "INSERT INTO t VALUES (1)");
	assert_int_equal(store_query(s, all, STORE_NO_ARGS, a, &rows), 0);
	assert_int_equal(rows.columns, 1);
	must(s, "ALTER TABLE t ADD COLUMN b integer");
	assert_int_equal(store_query(s, all, STORE_NO_ARGS, a, &rows), 0);
	assert_int_equal(rows.columns, 2);
}

static void body_script_must_not_commit(void *arg)
{
	struct store *s CLEANUP(store_close) = open_at("sqlite::memory:");
	struct store_tx *tx CLEANUP(store_rollback) = NULL;

	(void)arg;
	assert_int_equal(store_begin(s, &tx), 0);
	assert_int_equal(store_tx_script(tx, STR("CREATE TABLE t (i integer); COMMIT;")), -EPROTO);
}

/* What a reader holds open stops no writer, and the other way round. */
static void body_readers_and_writer_side_by_side(void *arg)
{
	struct store *s CLEANUP(store_close) = open_at(url_of("beside.db"));
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct store_rows rows;

	(void)arg;
	must(s, "CREATE TABLE t (i integer)");
	assert_int_equal(store_begin(s, &tx), 0);
	for (int i = 1; i <= 50; i++) {
		must_tx(tx, "INSERT INTO t VALUES (1)");
		assert_int_equal(store_read(s, "SELECT count(*) FROM t", STORE_NO_ARGS, a, &rows), 0);
		assert_int_equal(store_int(&rows, 0, 0), 0);
	}
	assert_int_equal(store_commit(&tx), 0);
}

static void body_writer_held_too_long(void *arg)
{
	const struct store_options options = { .url = "sqlite::memory:", .wait_ms = 30 };
	struct store *s CLEANUP(store_close) = NULL;
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_tx *tx CLEANUP(store_rollback) = NULL;

	(void)arg;
	assert_int_equal(store_open(&options, &s), 0);
	assert_int_equal(store_begin(s, &tx), 0);
	assert_int_equal(store_query(s, "SELECT 1", STORE_NO_ARGS, a, NULL), -EBUSY);
	fiber_deadline_set(clock_deadline_in(5));
	assert_int_equal(store_query(s, "SELECT 1", STORE_NO_ARGS, a, NULL), -ETIMEDOUT);
	fiber_deadline_set(DEADLINE_NONE);
}

struct spans {
	size_t n;
	char query[96];
	char error[16];
};

static void on_span(const struct span *span, void *arg)
{
	struct spans *seen = arg;

	if (span->kind != SPAN_CLIENT)
		return;
	seen->n++;
	(void)snprintf(seen->query, sizeof(seen->query), "%.*s %.*s",
	               STR_ARGS(span_attribute_text(span, &span->attributes[0])),
	               STR_ARGS(span_attribute_text(span, &span->attributes[1])));
	(void)snprintf(seen->error, sizeof(seen->error), "%s", span->error ? span->error : "");
}

static void body_statements_are_spans_and_errors_are_counted(void *arg)
{
	struct store *s CLEANUP(store_close) = open_at("sqlite::memory:");
	struct arena *a CLEANUP(arena_free) = test_arena();
	double errors = metric_get(metric_cell(s->errors, (const char *[]){ "sqlite", "EPROTO" }));
	struct context parent = { .trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
		                  .span_id = "00f067aa0ba902b7",
		                  .trace_flags = 1 };
	struct spans seen = { 0 };

	(void)arg;
	span_sink_set(on_span, &seen);
	assert_int_equal(store_query(s, "SELECT 1", STORE_NO_ARGS, a, NULL), 0);
	assert_int_equal(seen.n, 0); /* no trace to belong to */
	context_current = &parent;
	assert_int_equal(store_query(s, "SELECT 1", STORE_NO_ARGS, a, NULL), 0);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.query, "sqlite SELECT");
	assert_string_equal(seen.error, "");
	assert_int_equal(store_query(s, "SELECT nothing", STORE_NO_ARGS, a, NULL), -EPROTO);
	assert_string_equal(seen.error, "EPROTO");
	assert_ptr_equal(context_current, &parent);
	context_current = NULL;
	span_sink_set(NULL, NULL);
	assert_true(metric_get(metric_cell(s->errors, (const char *[]){ "sqlite", "EPROTO" })) == errors + 1);
}

static void body_memory_runs_out_while_opening(void *arg)
{
	const struct store_options options = { .url = url_of("oom.db") };
	struct store *s = NULL;
	char plan[24];
	int r = -ENOMEM;
	int n;

	(void)arg;
	for (n = 1; n < 50 && r == -ENOMEM; n++) {
		(void)snprintf(plan, sizeof(plan), "alloc:%d", n);
		fault_set(plan);
		r = store_open(&options, &s);
		fault_set(NULL);
	}
	assert_int_equal(r, 0);
	assert_true(n > 4);
	store_close(&s);
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}

ON_FIBER(files_are_private)
ON_FIBER(one_store_a_file)
ON_FIBER(settings)
ON_FIBER(in_memory)
ON_FIBER(urls_refused)
ON_FIBER(not_a_database)
ON_FIBER(statement_cache_turns_over)
ON_FIBER(statement_survives_a_schema_change)
ON_FIBER(script_must_not_commit)
ON_FIBER(readers_and_writer_side_by_side)
ON_FIBER(writer_held_too_long)
ON_FIBER(statements_are_spans_and_errors_are_counted)
ON_FIBER(memory_runs_out_while_opening)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_are_private),
		cmocka_unit_test(test_one_store_a_file),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_in_memory),
		cmocka_unit_test(test_urls_refused),
		cmocka_unit_test(test_not_a_database),
		cmocka_unit_test(test_statement_cache_turns_over),
		cmocka_unit_test(test_statement_survives_a_schema_change),
		cmocka_unit_test(test_script_must_not_commit),
		cmocka_unit_test(test_readers_and_writer_side_by_side),
		cmocka_unit_test(test_writer_held_too_long),
		cmocka_unit_test(test_statements_are_spans_and_errors_are_counted),
		cmocka_unit_test(test_memory_runs_out_while_opening),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	test_files_remove();
	return failed;
}
