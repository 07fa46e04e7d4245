/* A copy of a database: all of one moment, while others write; nothing is left where it failed. */
#include "store/sqlite_backup.h"

#include "fiber/fiber.h"
#include "store/test_support.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char from[PATH_MAX], to[PATH_MAX];

static void paths_make(void)
{
	(void)snprintf(from, sizeof(from), "%s/test.db", test_dir());
	(void)snprintf(to, sizeof(to), "%s/copy.db", test_dir());
	(void)unlink(to);
}

static int backup(const char *source)
{
	struct buf words CLEANUP(buf_done);
	int r;

	buf_init(&words, 4096);
	r = sqlite_backup(source, to, &words);
	assert_int_equal(buf_str(&words).len > 0, r < 0);
	return r;
}

static int64_t in_copy(const char *sql)
{
	char url[PATH_MAX + 8];
	struct store *s CLEANUP(store_close) = NULL;

	(void)snprintf(url, sizeof(url), "sqlite:%s", to);
	assert_int_equal(store_open(&(struct store_options){ .url = url }, &s), 0);
	return must(s, sql);
}

static bool writing;

/* Pairs, each in a transaction: a copy of one moment has whole ones. */
static void writes_pairs(void *arg)
{
	struct store *s = arg;

	while (writing) {
		struct store_tx *tx = NULL;

		assert_int_equal(store_begin(s, &tx), 0);
		must_tx(tx, "INSERT INTO items (i) VALUES (1)");
		must_tx(tx, "INSERT INTO items (i) VALUES (-1)");
		assert_int_equal(store_commit(&tx), 0);
	}
}

static void body_a_copy_while_others_write(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct fiber *writer = NULL;
	struct stat st;
	int64_t before;

	(void)arg;
	paths_make();
	for (int i = 0; i < 200; i++)
		must(f.s, "INSERT INTO items (i, must) VALUES (0, printf('%.*c', 10000, 'x'))");
	writing = true;
	assert_int_equal(fiber_spawn("writer", writes_pairs, f.s, &writer), 0);
	while (must(f.s, "SELECT count(*) FROM items WHERE i <> 0") < 20)
		assert_int_equal(fiber_sleep_ms(1), 0);
	before = must(f.s, "SELECT count(*) FROM items");
	assert_int_equal(backup(from), 0);
	writing = false;
	assert_int_equal(fiber_join(writer), 0);
	fiber_unref(&writer);

	assert_int_equal(stat(to, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_in_range(in_copy("SELECT count(*) FROM items"), before, must(f.s, "SELECT count(*) FROM items"));
	assert_int_equal(in_copy("SELECT sum(i) FROM items"), 0);
}

static void body_of_a_database_that_nobody_has_open(void *arg)
{
	struct items f = test_items();

	(void)arg;
	paths_make();
	must(f.s, "INSERT INTO items (i) VALUES (7)");
	test_items_done(&f);
	assert_int_equal(backup(from), 0);
	assert_int_equal(in_copy("SELECT i FROM items"), 7);
}

static void body_what_is_there_stays(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	char is_there[8] = "";
	FILE *there;

	(void)arg;
	paths_make();
	must(f.s, "INSERT INTO items (i) VALUES (7)");
	there = fopen(to, "w");
	assert_non_null(there);
	assert_true(fputs("mine", there) >= 0);
	assert_int_equal(fclose(there), 0);
	assert_int_equal(backup(from), -EEXIST);
	there = fopen(to, "r");
	assert_non_null(there);
	assert_int_equal(fread(is_there, 1, sizeof(is_there), there), 4);
	assert_string_equal(is_there, "mine");
	assert_int_equal(fclose(there), 0);
}

static void body_no_database_no_copy(void *arg)
{
	char nowhere[PATH_MAX];

	(void)arg;
	paths_make();
	(void)snprintf(nowhere, sizeof(nowhere), "%s/nowhere.db", test_dir());
	assert_int_equal(backup(nowhere), -ENOENT);
	assert_int_equal(access(to, F_OK), -1);
}

static void body_what_is_no_database_is_told(void *arg)
{
	char text[PATH_MAX];
	FILE *file;

	(void)arg;
	paths_make();
	(void)snprintf(text, sizeof(text), "%s/text.db", test_dir());
	file = fopen(text, "w");
	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		assert_true(fputs("This is no database.\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(backup(text), -EIO);
	assert_int_equal(access(to, F_OK), -1);
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}

ON_FIBER(a_copy_while_others_write)
ON_FIBER(of_a_database_that_nobody_has_open)
ON_FIBER(what_is_there_stays)
ON_FIBER(no_database_no_copy)
ON_FIBER(what_is_no_database_is_told)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_copy_while_others_write),
		cmocka_unit_test(test_of_a_database_that_nobody_has_open),
		cmocka_unit_test(test_what_is_there_stays),
		cmocka_unit_test(test_no_database_no_copy),
		cmocka_unit_test(test_what_is_no_database_is_told),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	test_files_remove();
	return failed;
}
