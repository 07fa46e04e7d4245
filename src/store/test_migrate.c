/* Migrations on a database in memory, and the command on a file. */
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

static struct store *memory(void)
{
	const struct store_options options = { .url = "sqlite::memory:" };
	struct store *s = NULL;

	if (store_open(&options, &s) < 0)
		abort();
	return s;
}

static bool has_table(struct store *s, const char *name)
{
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_rows rows = { 0 };

	assert_int_equal(store_query(s, "SELECT 1 FROM sqlite_schema WHERE name = $1",
	                             STORE_ARGS(STORE_S(str_from(name))), a, &rows),
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
	struct store *s CLEANUP(store_close) = memory();
	size_t n = 99;

	(void)arg;
	assert_status(s, &two, 1, "0002  pets                      pending");
	assert_int_equal(migrate_up(s, &first, &n), 0);
	assert_int_equal(n, 1);
	assert_true(has_table(s, "people_name"));
	assert_int_equal(migrate_up(s, &two, &n), 0);
	assert_int_equal(n, 1);
	assert_true(has_table(s, "pets"));
	assert_int_equal(migrate_up(s, &two, &n), 0);
	assert_int_equal(n, 0);
	assert_status(s, &two, 0, "0001  people                    20");
	assert_int_equal(migrate_down(s, &two, 1, &n), 0);
	assert_int_equal(n, 1);
	assert_false(has_table(s, "pets"));
	assert_true(has_table(s, "people"));
	assert_int_equal(migrate_down(s, &two, 9, &n), 0);
	assert_int_equal(n, 1);
	assert_false(has_table(s, "people"));
}

static void body_altered(void *arg)
{
	static const struct embedded_file altered_files[] = { FILE_OF("0002_pets.up.sql", "CREATE TABLE pets (name)") };
	const struct migrations altered = { altered_files, 1 };
	struct store *s CLEANUP(store_close) = memory();
	size_t n;

	(void)arg;
	assert_int_equal(migrate_up(s, &second, &n), 0);
	assert_int_equal(migrate_up(s, &altered, &n), -EBADMSG);
	assert_non_null(strstr(store_error(s), "0002 \"pets\" has another text"));
	assert_int_equal(migrate_down(s, &altered, 1, &n), -EBADMSG);
	assert_status(s, &altered, -EBADMSG, "altered");
}

static void body_unknown(void *arg)
{
	struct store *s CLEANUP(store_close) = memory();
	size_t n;

	(void)arg;
	assert_int_equal(migrate_up(s, &two, &n), 0);
	assert_int_equal(migrate_up(s, &first, &n), -EBADMSG);
	assert_non_null(strstr(store_error(s), "0002 \"pets\" is in the database but not in this program"));
	assert_status(s, &first, -EBADMSG, "unknown");
}

static void body_out_of_order(void *arg)
{
	struct store *s CLEANUP(store_close) = memory();
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
	struct store *s CLEANUP(store_close) = memory();
	size_t n = 99;

	(void)arg;
	assert_int_equal(migrate_up(s, &broken, &n), -EPROTO);
	assert_int_equal(n, 99);
	assert_non_null(strstr(store_error(s), "0002 \"broken\": near"));
	assert_true(has_table(s, "people"));
	assert_false(has_table(s, "half"));
	assert_status(s, &broken, 1, "0002  broken                    pending");
}

static void body_without_down(void *arg)
{
	const struct migrations lonely = { two_files + 3, 1 };
	struct store *s CLEANUP(store_close) = memory();
	size_t n;

	(void)arg;
	assert_int_equal(migrate_up(s, &lonely, &n), 0);
	assert_int_equal(migrate_down(s, &lonely, 1, &n), -ENOENT);
	assert_true(has_table(s, "pets"));
}

static void body_bad_names(void *arg)
{
	static const struct embedded_file files[] = {
		FILE_OF("people.up.sql", ""),   FILE_OF("1_people.up.sql", ""),  FILE_OF("0001_people.sql", ""),
		FILE_OF("0001_.up.sql", ""),    FILE_OF("0000_zero.up.sql", ""), FILE_OF("00x1_people.up.sql", ""),
		FILE_OF("0001_a.down.sql", ""),
	};
	static const struct embedded_file twice[] = { FILE_OF("0001_a.up.sql", ""), FILE_OF("0001_b.up.sql", "") };
	struct store *s CLEANUP(store_close) = memory();
	size_t n;

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_int_equal(migrate_up(s, &(struct migrations){ files + i, 1 }, &n), -EINVAL);
	assert_int_equal(migrate_up(s, &(struct migrations){ twice, 2 }, &n), -EINVAL);
}

static int command(const char *url, const char *verb, const char *steps)
{
	const struct store_options options = { .url = url };
	char *argv[] = { (char *)verb, (char *)steps, NULL };

	return migrate_main(&options, &two, !verb ? 0 : steps ? 2 : 1, argv);
}

static void body_command(void *arg)
{
	char url[PATH_MAX];
	const struct store_options options = { .url = url };
	struct store *running CLEANUP(store_close) = NULL;

	(void)arg;
	(void)snprintf(url, sizeof(url), "sqlite:%s/command.db", test_dir());
	assert_int_equal(command(url, NULL, NULL), EX_USAGE);
	assert_int_equal(command(url, "sideways", NULL), EX_USAGE);
	assert_int_equal(command(url, "up", "1"), EX_USAGE);
	assert_int_equal(command(url, "down", "0"), EX_USAGE);
	assert_int_equal(command(url, "status", NULL), 1);
	assert_int_equal(command(url, "up", NULL), 0);
	assert_int_equal(command(url, "status", NULL), 0);
	assert_int_equal(command(url, "down", "2"), 0);
	assert_int_equal(command(url, "status", NULL), 1);
	assert_int_equal(store_open(&options, &running), 0);
	assert_int_equal(command(url, "status", NULL), EX_UNAVAILABLE);
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}

ON_FIBER(up_and_down)
ON_FIBER(altered)
ON_FIBER(unknown)
ON_FIBER(out_of_order)
ON_FIBER(broken_file_leaves_nothing)
ON_FIBER(without_down)
ON_FIBER(bad_names)
ON_FIBER(command)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_up_and_down),
		cmocka_unit_test(test_altered),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_broken_file_leaves_nothing),
		cmocka_unit_test(test_without_down),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_command),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	test_files_remove();
	return failed;
}
