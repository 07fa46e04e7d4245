/* Migrations and their command on either engine: SQLite in memory and in a file, or the server of STORE_TEST_URL. */
#include "fiber/fiber.h"
#include "store/migrate.h"
#include "store/test_support.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include <cmocka.h>

#define FILE_OF(name_, text)       \
	{                          \
		(name_), STR(text) \
	}

static const struct embedded_file two_files[] = {
	FILE_OF("0001_people.down.sql", "DROP INDEX people_name; DROP TABLE people;"),
	FILE_OF("0001_people.up.sql",
	        "-- People.\nCREATE TABLE people (name text);\nCREATE INDEX people_name ON people (name);\n"),
	FILE_OF("0002_pets.down.sql", "DROP TABLE pets"),
	FILE_OF("0002_pets.up.sql", "CREATE TABLE pets (name text)"),
};
static const struct migrations two = { two_files, ARRAY_SIZE(two_files) };
static const struct migrations first = { two_files, 2 };
static const struct migrations second = { two_files + 2, 2 };

static void empty(struct store *s)
{
	must(s, "DROP TABLE IF EXISTS people");
	must(s, "DROP TABLE IF EXISTS pets");
	must(s, "DROP TABLE IF EXISTS half");
	must(s, "DROP TABLE IF EXISTS schema_migrations");
}

static struct store *opened(const char *url)
{
	const struct store_options options = { .url = url };
	struct store *s = NULL;

	if (store_open(&options, &s) < 0)
		abort();
	return s;
}

/* On an empty database. */
static struct store *fresh(void)
{
	struct store *s = opened(getenv("STORE_TEST_URL") ? test_url() : "sqlite::memory:");

	empty(s);
	return s;
}

/* A table or an index. */
static bool has(struct store *s, const char *name)
{
	static const char sql_sqlite[] = "SELECT 1 FROM sqlite_schema WHERE name = $1";
	static const char sql_postgres[] = "SELECT 1 FROM pg_class WHERE relname = $1";
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_rows rows = { 0 };

	assert_int_equal(
	        store_query(s, is_sqlite(s) ? sql_sqlite : sql_postgres, STORE_ARGS(STORE_S(str_from(name))), a, &rows),
	        0);
	return rows.n == 1;
}

static void assert_status(struct store *s, const struct migrations *m, int r_wanted, const char *word)
{
	char text[1024] = "";
	FILE *to = fmemopen(text, sizeof(text) - 1, "w");
	int r;

	assert_non_null(to);
	r = migrate_status(s, m, to);
	fclose(to);
	assert_int_equal(r, r_wanted);
	assert_non_null(strstr(text, word));
}

static void body_up_and_down(void *arg)
{
	struct store *s CLEANUP(store_close) = fresh();
	size_t n = 99;

	(void)arg;
	assert_status(s, &two, 1, "0002  pets                      pending");
	assert_int_equal(migrate_up(s, &first, &n), 0);
	assert_int_equal(n, 1);
	assert_true(has(s, "people_name"));
	assert_int_equal(migrate_up(s, &two, &n), 0);
	assert_int_equal(n, 1);
	assert_true(has(s, "pets"));
	assert_int_equal(migrate_up(s, &two, &n), 0);
	assert_int_equal(n, 0);
	assert_status(s, &two, 0, "0001  people                    20");
	assert_int_equal(migrate_down(s, &two, 1, &n), 0);
	assert_int_equal(n, 1);
	assert_false(has(s, "pets"));
	assert_true(has(s, "people"));
	assert_int_equal(migrate_down(s, &two, 9, &n), 0);
	assert_int_equal(n, 1);
	assert_false(has(s, "people"));
}

static void body_altered(void *arg)
{
	static const struct embedded_file altered_files[] = { FILE_OF("0002_pets.up.sql", "CREATE TABLE pets (name)") };
	const struct migrations altered = { altered_files, 1 };
	struct store *s CLEANUP(store_close) = fresh();
	size_t n;

	(void)arg;
	assert_int_equal(migrate_up(s, &second, &n), 0);
	assert_int_equal(migrate_up(s, &altered, &n), -EBADMSG);
	assert_non_null(strstr(store_error(s), "0002 \"pets\" has another text"));
	assert_int_equal(migrate_down(s, &altered, 1, &n), -EBADMSG);
	assert_status(s, &altered, -EBADMSG, "altered");
}

/* Two services by mistake on one database. */
static void body_of_another_service(void *arg)
{
	static const struct embedded_file other_files[] = { FILE_OF("0002_cars.up.sql",
		                                                    "CREATE TABLE cars (name text)") };
	const struct migrations other = { other_files, 1 };
	struct store *s CLEANUP(store_close) = fresh();
	size_t n;

	(void)arg;
	assert_int_equal(migrate_up(s, &second, &n), 0);
	assert_int_equal(migrate_up(s, &other, &n), -EBADMSG);
	assert_non_null(
	        strstr(store_error(s), "0002 \"cars\" has another name in the database: is that another service's?"));
}

static void body_unknown(void *arg)
{
	struct store *s CLEANUP(store_close) = fresh();
	size_t n;

	(void)arg;
	assert_int_equal(migrate_up(s, &two, &n), 0);
	assert_int_equal(migrate_up(s, &first, &n), -EBADMSG);
	assert_non_null(strstr(store_error(s), "0002 \"pets\" is in the database but not in this program"));
	assert_status(s, &first, -EBADMSG, "unknown");
}

static void body_out_of_order(void *arg)
{
	struct store *s CLEANUP(store_close) = fresh();
	size_t n;

	(void)arg;
	assert_int_equal(migrate_up(s, &second, &n), 0);
	assert_int_equal(migrate_up(s, &two, &n), -EBADMSG);
	assert_non_null(strstr(store_error(s), "0001 \"people\" is not applied"));
	assert_status(s, &two, -EBADMSG, "pending");
}

/* The second statement of the second file fails: the first file stays, nothing of the second does. */
static void body_broken_file_leaves_nothing(void *arg)
{
	static const struct embedded_file files[] = {
		FILE_OF("0001_people.up.sql", "CREATE TABLE people (name text)"),
		FILE_OF("0002_broken.up.sql", "CREATE TABLE half (i integer); CREATE NONSENSE;"),
	};
	const struct migrations broken = { files, 2 };
	struct store *s CLEANUP(store_close) = fresh();
	size_t n = 99;

	(void)arg;
	assert_int_equal(migrate_up(s, &broken, &n), -EPROTO);
	assert_int_equal(n, 99);
	assert_non_null(strstr(store_error(s), "0002 \"broken\": "));
	assert_true(has(s, "people"));
	assert_false(has(s, "half"));
	assert_status(s, &broken, 1, "0002  broken                    pending");
}

static void body_without_down(void *arg)
{
	const struct migrations lonely = { two_files + 3, 1 };
	struct store *s CLEANUP(store_close) = fresh();
	size_t n;

	(void)arg;
	assert_int_equal(migrate_up(s, &lonely, &n), 0);
	assert_int_equal(migrate_down(s, &lonely, 1, &n), -ENOENT);
	assert_true(has(s, "pets"));
}

static void body_bad_names(void *arg)
{
	static const struct embedded_file files[] = {
		FILE_OF("people.up.sql", ""),   FILE_OF("1_people.up.sql", ""),  FILE_OF("0001_people.sql", ""),
		FILE_OF("0001_.up.sql", ""),    FILE_OF("0000_zero.up.sql", ""), FILE_OF("00x1_people.up.sql", ""),
		FILE_OF("0001_a.down.sql", ""),
	};
	static const struct embedded_file twice[] = { FILE_OF("0001_a.up.sql", ""), FILE_OF("0001_b.up.sql", "") };
	struct store *s CLEANUP(store_close) = fresh();
	size_t n;

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_int_equal(migrate_up(s, &(struct migrations){ files + i, 1 }, &n), -EINVAL);
	assert_int_equal(migrate_up(s, &(struct migrations){ twice, 2 }, &n), -EINVAL);
}

/* ---- printing ---- */

static void assert_printed(const char *text, const char *const words[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		text = strstr(text, words[i]);
		if (!text)
			fail_msg("not there, or not in order: %s", words[i]);
		text += strlen(words[i]);
	}
}

static void body_up_is_printed_and_not_done(void *arg)
{
	static const char *const words[] = {
		"CREATE TABLE IF NOT EXISTS schema_migrations (",
		"-- 0001_people.up.sql\nBEGIN;\n-- People.\nCREATE TABLE people (name text);\n",
		"CREATE INDEX people_name ON people (name);\nINSERT INTO schema_migrations ",
		"VALUES (1, 'people', '",
		"COMMIT;\n\n-- 0002_pets.up.sql\nBEGIN;\nCREATE TABLE pets (name text)\n;\n",
		"VALUES (2, 'pets', '",
		"COMMIT;\n\n-- 2 to be applied\n",
	};
	struct store *s CLEANUP(store_close) = fresh();
	char text[4096] = "";
	FILE *to = fmemopen(text, sizeof(text) - 1, "w");

	(void)arg;
	assert_non_null(to);
	assert_int_equal(migrate_up_print(s, &two, to), 0);
	fclose(to);
	assert_printed(text, words, ARRAY_SIZE(words));
	assert_false(has(s, "schema_migrations"));
	assert_false(has(s, "people"));
}

static void body_down_is_printed_and_not_done(void *arg)
{
	static const char *const words[] = {
		"-- 0002_pets.down.sql\nBEGIN;\nDROP TABLE pets\n;\n",
		"DELETE FROM schema_migrations WHERE version = 2;\nCOMMIT;\n\n-- 0001_people.down.sql\n",
		"COMMIT;\n\n-- 2 to be reverted\n",
	};
	struct store *s CLEANUP(store_close) = fresh();
	char text[4096] = "";
	FILE *to = fmemopen(text, sizeof(text) - 1, "w");
	size_t n;

	(void)arg;
	assert_non_null(to);
	assert_int_equal(migrate_up(s, &two, &n), 0);
	assert_int_equal(migrate_down_print(s, &two, 5, to), 0);
	fclose(to);
	assert_printed(text, words, ARRAY_SIZE(words));
	assert_status(s, &two, 0, "0002  pets                      20");
	assert_true(has(s, "pets"));
}

static void body_looking_makes_no_table(void *arg)
{
	struct store *s CLEANUP(store_close) = fresh();

	(void)arg;
	assert_status(s, &two, 1, "0001  people                    pending");
	assert_false(has(s, "schema_migrations"));
}

static void body_what_does_not_fit_is_not_printed(void *arg)
{
	const struct migrations lonely = { two_files + 3, 1 };
	struct store *s CLEANUP(store_close) = fresh();
	char text[4096] = "";
	FILE *to = fmemopen(text, sizeof(text) - 1, "w");
	size_t n;

	(void)arg;
	assert_non_null(to);
	assert_int_equal(migrate_up(s, &lonely, &n), 0);
	assert_int_equal(migrate_down_print(s, &lonely, 1, to), -ENOENT);
	assert_int_equal(migrate_up_print(s, &two, to), -EBADMSG);
	assert_int_equal(migrate_down_print(s, &first, 1, to), -EBADMSG);
	fclose(to);
	assert_string_equal(text, "");
}

/* ---- several at once ---- */

static void one_of_many(void *arg)
{
	struct store *s CLEANUP(store_close) = opened(test_url());
	size_t *total = arg;
	size_t n = 0;

	assert_int_equal(migrate_up(s, &two, &n), 0);
	assert_true(has(s, "pets"));
	*total += n;
}

/* A SQLite file has one process, so there it cannot happen. */
static void body_many_migrate_one_database(void *arg)
{
	struct store *s CLEANUP(store_close) = fresh();
	size_t total = 0;

	(void)arg;
	if (is_sqlite(s))
		return;
	crowd_run(6, one_of_many, &total);
	assert_int_equal(total, 2);
}

/* ---- the command ---- */

static int command(const char *url, const char *verb, const char *steps)
{
	const struct store_options options = { .url = url };
	char *argv[] = { (char *)verb, (char *)steps, NULL };

	return migrate_main(&options, &two, !verb ? 0 : steps ? 2 : 1, argv);
}

static int dry(const char *url, const char *verb, const char *steps)
{
	const struct store_options options = { .url = url };
	char *argv[] = { (char *)verb, (char *)(steps ? steps : "--dry-run"), steps ? "--dry-run" : NULL, NULL };

	return migrate_main(&options, &two, steps ? 3 : 2, argv);
}

static const char *command_url(char url[PATH_MAX])
{
	struct store *s CLEANUP(store_close) = NULL;

	(void)snprintf(url, PATH_MAX, "sqlite:%s/command.db", test_dir());
	if (getenv("STORE_TEST_URL"))
		(void)snprintf(url, PATH_MAX, "%s", test_url());
	s = opened(url);
	empty(s);
	return url;
}

static void body_command(void *arg)
{
	char buf[PATH_MAX];
	const char *url = command_url(buf);
	struct store *running CLEANUP(store_close) = NULL;

	(void)arg;
	assert_int_equal(command(url, NULL, NULL), EX_USAGE);
	assert_int_equal(command(url, "sideways", NULL), EX_USAGE);
	assert_int_equal(command(url, "up", "1"), EX_USAGE);
	assert_int_equal(command(url, "down", "0"), EX_USAGE);
	assert_int_equal(dry(url, "status", NULL), EX_USAGE);
	assert_int_equal(dry(url, "up", "1"), EX_USAGE);
	assert_int_equal(dry(url, "down", "0"), EX_USAGE);
	assert_int_equal(command(url, "down", "--dry"), EX_USAGE);
	assert_int_equal(dry(url, "up", NULL), 0);
	assert_int_equal(command(url, "status", NULL), 1);
	assert_int_equal(command(url, "up", NULL), 0);
	assert_int_equal(dry(url, "down", "2"), 0);
	assert_int_equal(dry(url, "down", NULL), 0);
	assert_int_equal(command(url, "status", NULL), 0);
	assert_int_equal(command(url, "down", "2"), 0);
	assert_int_equal(command(url, "status", NULL), 1);
	running = opened(url);
	assert_int_equal(command(url, "status", NULL), is_sqlite(running) ? EX_UNAVAILABLE : 1);
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}

ON_FIBER(up_and_down)
ON_FIBER(altered)
ON_FIBER(of_another_service)
ON_FIBER(unknown)
ON_FIBER(out_of_order)
ON_FIBER(broken_file_leaves_nothing)
ON_FIBER(without_down)
ON_FIBER(bad_names)
ON_FIBER(up_is_printed_and_not_done)
ON_FIBER(down_is_printed_and_not_done)
ON_FIBER(looking_makes_no_table)
ON_FIBER(what_does_not_fit_is_not_printed)
ON_FIBER(many_migrate_one_database)
ON_FIBER(command)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_up_and_down),
		cmocka_unit_test(test_altered),
		cmocka_unit_test(test_of_another_service),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_broken_file_leaves_nothing),
		cmocka_unit_test(test_without_down),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_up_is_printed_and_not_done),
		cmocka_unit_test(test_down_is_printed_and_not_done),
		cmocka_unit_test(test_looking_makes_no_table),
		cmocka_unit_test(test_what_does_not_fit_is_not_printed),
		cmocka_unit_test(test_many_migrate_one_database),
		cmocka_unit_test(test_command),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	test_files_remove();
	return failed;
}
