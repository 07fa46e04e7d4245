/* Values go in and come out the same on every engine: the extremes of each type, NULL in every place, sizes. */
#include "base/utf8.h"
#include "store/test_support.h"

#include "fiber/fiber.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MEGABYTE = 1 << 20, TEXT_SIZE = 10 * MEGABYTE, ARGS_MAX = 64 };

static const char sql_insert[] = "INSERT INTO items (id, i, d, b, t, y) VALUES ($1, $2, $3, $4, $5, $6)";
static const char sql_row[] = "SELECT i, d, b, t, y FROM items WHERE id = $1";

static struct store_rows row_of(struct items *f, int64_t id)
{
	struct store_rows rows = { 0 };

	assert_int_equal(store_read(f->s, sql_row, STORE_ARGS(STORE_I(id)), f->a, &rows), 0);
	assert_int_equal(rows.n, 1);
	assert_int_equal(rows.columns, 5);
	return rows;
}

static int insert(struct items *f, int64_t id, const struct store_value *i, const struct store_value *d,
                  const struct store_value *t, const struct store_value *y)
{
	const struct store_value null = STORE_N;

	return store_query(f->s, sql_insert,
	                   STORE_ARGS(STORE_I(id), i ? *i : null, d ? *d : null, STORE_N, t ? *t : null, y ? *y : null),
	                   f->a, NULL);
}

/* ---- numbers ---- */

static void body_integers(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	static const int64_t all[] = {
		INT64_MIN,  INT64_MIN + 1, INT32_MIN - 1LL, INT32_MIN,     -1,       0, 1, INT32_MAX, INT32_MAX + 1LL,
		UINT32_MAX, 1LL << 53,     (1LL << 53) + 1, INT64_MAX - 1, INT64_MAX
	};
	struct store_rows rows;

	(void)arg;
	for (size_t n = 0; n < ARRAY_SIZE(all); n++) {
		assert_int_equal(insert(&f, (int64_t)n, &STORE_I(all[n]), NULL, NULL, NULL), 0);
		rows = row_of(&f, (int64_t)n);
		assert_true(store_int(&rows, 0, 0) == all[n]);
		assert_int_equal(
		        store_read(f.s, "SELECT id FROM items WHERE i = $1", STORE_ARGS(STORE_I(all[n])), f.a, &rows),
		        0);
		assert_int_equal(rows.n, 1);
		assert_true(store_int(&rows, 0, 0) == (int64_t)n);
	}
	assert_int_equal(store_read(f.s, "SELECT min(i), max(i), count(*) FROM items", STORE_NO_ARGS, f.a, &rows), 0);
	assert_true(store_int(&rows, 0, 0) == INT64_MIN && store_int(&rows, 0, 1) == INT64_MAX);
	assert_int_equal(store_int(&rows, 0, 2), ARRAY_SIZE(all));
}

/* The sign of zero is the one thing not promised: SQLite keeps -0.0 as the integer 0. */
static void body_doubles(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	static const double all[] = {
		0.0,      -0.0,      0.1,  1.0 / 3.0,          -1e-300,    DBL_MIN, DBL_TRUE_MIN, DBL_MAX, -DBL_MAX,
		INFINITY, -INFINITY, 1e15, 9007199254740993.0, DBL_EPSILON
	};
	struct store_rows rows;

	(void)arg;
	for (size_t n = 0; n < ARRAY_SIZE(all); n++) {
		assert_int_equal(insert(&f, (int64_t)n, NULL, &STORE_D(all[n]), NULL, NULL), 0);
		rows = row_of(&f, (int64_t)n);
		assert_true(store_double(&rows, 0, 1) == all[n]);
		assert_int_equal(store_read(f.s, "SELECT id FROM items WHERE id = $1 AND d = $2",
		                            STORE_ARGS(STORE_I(n), STORE_D(all[n])), f.a, &rows),
		                 0);
		assert_int_equal(rows.n, 1);
	}
	assert_int_equal(store_read(f.s, "SELECT d FROM items ORDER BY d, id", STORE_NO_ARGS, f.a, &rows), 0);
	for (size_t row = 1; row < rows.n; row++)
		assert_true(store_double(&rows, row - 1, 0) <= store_double(&rows, row, 0));
}

/* SQLite would keep it as NULL. */
static void body_a_double_that_is_no_number(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();

	(void)arg;
	assert_int_equal(insert(&f, 1, NULL, &STORE_D(NAN), NULL, NULL), -EINVAL);
	assert_non_null(strstr(store_error(f.s), "$3"));
	assert_int_equal(must(f.s, "SELECT count(*) FROM items"), 0);
}

static void body_booleans(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	static const char sql[] = "INSERT INTO items (id, b) VALUES ($1, $2) RETURNING b, NOT b, b IS NULL";
	struct store_rows rows;

	(void)arg;
	assert_int_equal(store_query(f.s, sql, STORE_ARGS(STORE_I(1), STORE_B(true)), f.a, &rows), 0);
	assert_true(store_bool(&rows, 0, 0) && !store_bool(&rows, 0, 1) && !store_bool(&rows, 0, 2));
	assert_int_equal(store_query(f.s, sql, STORE_ARGS(STORE_I(2), STORE_B(false)), f.a, &rows), 0);
	assert_true(!store_bool(&rows, 0, 0) && store_bool(&rows, 0, 1));
	assert_int_equal(store_query(f.s, sql, STORE_ARGS(STORE_I(3), STORE_N), f.a, &rows), 0);
	assert_true(store_is_null(&rows, 0, 0) && store_is_null(&rows, 0, 1) && store_bool(&rows, 0, 2));
	assert_int_equal(must(f.s, "SELECT id FROM items WHERE b"), 1);
	assert_int_equal(must(f.s, "SELECT id FROM items WHERE NOT b"), 2);
	assert_int_equal(store_read(f.s, "SELECT id FROM items WHERE b = $1", STORE_ARGS(STORE_B(false)), f.a, &rows),
	                 0);
	assert_int_equal(store_int(&rows, 0, 0), 2);
	assert_true(store_int(&rows, 0, 0) == 2 && rows.n == 1);
}

/* ---- text and bytes ---- */

static void body_text_of_every_plane(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	static const uint32_t edges[] = { 0x1, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0xfffe, 0xffff };
	char bytes[256];
	size_t len = 0;
	struct str text;
	struct store_rows rows;

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++)
		len += utf8_encode(edges[i], bytes + len);
	for (uint32_t plane = 1; plane <= 16; plane++) {
		len += utf8_encode(plane << 16, bytes + len);
		len += utf8_encode((plane << 16) + 0xffff, bytes + len);
	}
	text = (struct str){ bytes, len };
	assert_int_equal(insert(&f, 1, NULL, NULL, &STORE_S(text), NULL), 0);
	rows = row_of(&f, 1);
	assert_true(str_equal(store_text(&rows, 0, 3), text));
	assert_int_equal(
	        store_read(f.s, "SELECT length(t) FROM items WHERE t = $1", STORE_ARGS(STORE_S(text)), f.a, &rows), 0);
	assert_int_equal(store_int(&rows, 0, 0), ARRAY_SIZE(edges) + 32); /* characters, not bytes */
}

/* Quotes, backslashes and what looks like a parameter are only text. */
static void body_text_is_never_sql(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	const struct str all[] = { STR("'; DROP TABLE items; --"),
		                   STR("$1"),
		                   STR("\\x41\\"),
		                   STR("%_?:name@"),
		                   STR("\"'`"),
		                   STR("\t\r\n"),
		                   STR("NULL"),
		                   STR("-- "),
		                   STR(" padded ") };
	struct store_rows rows;

	(void)arg;
	for (size_t n = 0; n < ARRAY_SIZE(all); n++) {
		assert_int_equal(insert(&f, (int64_t)n, NULL, NULL, &STORE_S(all[n]), &STORE_BYTES(all[n])), 0);
		rows = row_of(&f, (int64_t)n);
		assert_true(str_equal(store_text(&rows, 0, 3), all[n]));
		assert_true(str_equal(store_text(&rows, 0, 4), all[n]));
	}
}

static void body_nothing_is_not_empty(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	static const char sql[] = "SELECT t IS NULL, y IS NULL, t = '', length(t), length(y) FROM items WHERE id = $1";
	struct store_rows rows;

	(void)arg;
	assert_int_equal(insert(&f, 1, NULL, NULL, &STORE_S(STR("")), &STORE_BYTES(STR(""))), 0);
	assert_int_equal(insert(&f, 2, NULL, NULL, &STORE_S(STR_NULL), &STORE_BYTES(STR_NULL)), 0);
	assert_int_equal(store_read(f.s, sql, STORE_ARGS(STORE_I(1)), f.a, &rows), 0);
	assert_true(!store_bool(&rows, 0, 0) && !store_bool(&rows, 0, 1) && store_bool(&rows, 0, 2));
	assert_true(store_int(&rows, 0, 3) == 0 && !store_is_null(&rows, 0, 4));
	assert_int_equal(store_read(f.s, sql, STORE_ARGS(STORE_I(2)), f.a, &rows), 0);
	assert_true(store_bool(&rows, 0, 0) && store_bool(&rows, 0, 1) && store_is_null(&rows, 0, 2));
	rows = row_of(&f, 2);
	for (size_t column = 0; column < rows.columns; column++)
		assert_true(store_is_null(&rows, 0, column));
	assert_true(str_is_null(store_text(&rows, 0, 3)) && str_is_null(store_text(&rows, 0, 4)));
}

static void body_every_byte(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct arena *a CLEANUP(arena_free) = NULL;
	char *bytes = malloc(MEGABYTE);
	struct store_rows rows;

	(void)arg;
	assert_non_null(bytes);
	assert_int_equal(arena_new(8 * MEGABYTE, &a), 0);
	for (size_t i = 0; i < MEGABYTE; i++)
		bytes[i] = (char)(i ^ (i >> 8));
	for (size_t size = 1; size <= MEGABYTE; size *= 1024) {
		struct str blob = { bytes, size };

		assert_int_equal(insert(&f, (int64_t)size, NULL, NULL, NULL, &STORE_BYTES(blob)), 0);
		assert_int_equal(store_read(f.s, "SELECT y, length(y) FROM items WHERE id = $1 AND y = $2",
		                            STORE_ARGS(STORE_I(size), STORE_BYTES(blob)), a, &rows),
		                 0);
		assert_int_equal(rows.n, 1);
		assert_true(str_equal(store_text(&rows, 0, 0), blob));
		assert_int_equal(store_int(&rows, 0, 1), size);
	}
	free(bytes);
}

static void body_ten_megabytes_of_text(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct arena *a CLEANUP(arena_free) = NULL;
	char *bytes = malloc(TEXT_SIZE);
	struct str text = { bytes, TEXT_SIZE };
	struct store_rows rows;

	(void)arg;
	assert_non_null(bytes);
	assert_int_equal(arena_new(64 * MEGABYTE, &a), 0);
	for (size_t i = 0; i < TEXT_SIZE; i++)
		bytes[i] = (char)('a' + i % 26);
	assert_int_equal(store_query(f.s, "INSERT INTO items (id, t) VALUES ($1, $2)",
	                             STORE_ARGS(STORE_I(1), STORE_S(text)), a, NULL),
	                 0);
	assert_int_equal(store_read(f.s, "SELECT t FROM items", STORE_NO_ARGS, a, &rows), 0);
	assert_true(str_equal(store_text(&rows, 0, 0), text));
	free(bytes);
}

/* ---- statements ---- */

static void body_as_many_arguments_as_there_may_be(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	static char sql[ARGS_MAX * 32] = "SELECT ";
	struct store_value args[ARGS_MAX];
	struct store_rows rows;
	size_t len = strlen(sql);

	(void)arg;
	for (size_t i = 0; i < ARGS_MAX; i++) { /* the last first */
		len += (size_t)snprintf(sql + len, sizeof(sql) - len, "%sCAST($%zu AS BIGINT)", i ? ", " : "",
		                        ARGS_MAX - i);
		args[i] = STORE_I(i);
	}
	assert_int_equal(store_read(f.s, sql, args, ARGS_MAX, f.a, &rows), 0);
	assert_int_equal(rows.columns, ARGS_MAX);
	for (size_t i = 0; i < ARGS_MAX; i++)
		assert_int_equal(store_int(&rows, 0, i), ARGS_MAX - 1 - i);
}

static void body_no_rows(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct store_rows rows;

	(void)arg;
	assert_int_equal(store_read(f.s, sql_row, STORE_ARGS(STORE_I(1)), f.a, &rows), 0);
	assert_true(rows.n == 0 && rows.columns == 5 && rows.affected == 0);
	assert_int_equal(store_query(f.s, "DELETE FROM items WHERE id = 1 RETURNING id", STORE_NO_ARGS, f.a, &rows), 0);
	assert_true(rows.n == 0 && rows.columns == 1 && rows.affected == 0);
	assert_int_equal(store_query(f.s, "INSERT INTO items (id) VALUES (1)", STORE_NO_ARGS, f.a, &rows), 0);
	assert_true(rows.n == 0 && rows.columns == 0 && rows.affected == 1);
}

/* One text, arguments of changing kinds: what was prepared for the first still serves. */
static void body_null_and_not_null_in_turns(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct store_rows rows;

	(void)arg;
	for (int64_t id = 1; id <= 6; id++) {
		bool is_null = id % 2;

		assert_int_equal(insert(&f, id, is_null ? NULL : &STORE_I(id), is_null ? NULL : &STORE_D(0.5),
		                        is_null ? NULL : &STORE_S(STR("t")), is_null ? NULL : &STORE_BYTES(STR("y"))),
		                 0);
		rows = row_of(&f, id);
		assert_true(store_is_null(&rows, 0, 0) == is_null && store_is_null(&rows, 0, 4) == is_null);
		assert_true(is_null || store_int(&rows, 0, 0) == id);
	}
}

/* As our statements must be written: the engines put NULLs, and text of other languages, in different places by
 * themselves. */
static void body_an_order_that_is_written_out(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct store_rows rows;

	(void)arg;
	must(f.s, "INSERT INTO items (id, i) VALUES (1, 5), (2, NULL), (3, 1)");
	assert_int_equal(store_read(f.s, "SELECT id FROM items ORDER BY i DESC NULLS LAST", STORE_NO_ARGS, f.a, &rows),
	                 0);
	assert_true(store_int(&rows, 0, 0) == 1 && store_int(&rows, 1, 0) == 3 && store_int(&rows, 2, 0) == 2);
	assert_int_equal(store_read(f.s, "SELECT id FROM items ORDER BY i NULLS FIRST", STORE_NO_ARGS, f.a, &rows), 0);
	assert_true(store_int(&rows, 0, 0) == 2 && store_int(&rows, 1, 0) == 3 && store_int(&rows, 2, 0) == 1);
}

static void body_inserting_or_updating(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	static const char sql[] =
	        "INSERT INTO items (id, i) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET i = items.i + "
	        "excluded.i RETURNING i";
	static const char sql_or_not[] = "INSERT INTO items (id, i) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING i";
	struct store_rows rows;

	(void)arg;
	for (int64_t n = 1; n <= 3; n++) {
		assert_int_equal(store_query(f.s, sql, STORE_ARGS(STORE_I(1), STORE_I(10)), f.a, &rows), 0);
		assert_int_equal(store_int(&rows, 0, 0), n * 10);
		assert_int_equal(rows.affected, 1);
	}
	assert_int_equal(store_query(f.s, sql_or_not, STORE_ARGS(STORE_I(1), STORE_I(10)), f.a, &rows), 0);
	assert_true(rows.n == 0 && rows.affected == 0);
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}
#define TEST(name) cmocka_unit_test(test_##name)

ON_FIBER(integers)
ON_FIBER(doubles)
ON_FIBER(a_double_that_is_no_number)
ON_FIBER(booleans)
ON_FIBER(text_of_every_plane)
ON_FIBER(text_is_never_sql)
ON_FIBER(nothing_is_not_empty)
ON_FIBER(every_byte)
ON_FIBER(ten_megabytes_of_text)
ON_FIBER(as_many_arguments_as_there_may_be)
ON_FIBER(no_rows)
ON_FIBER(null_and_not_null_in_turns)
ON_FIBER(an_order_that_is_written_out)
ON_FIBER(inserting_or_updating)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(integers),
		TEST(doubles),
		TEST(a_double_that_is_no_number),
		TEST(booleans),
		TEST(text_of_every_plane),
		TEST(text_is_never_sql),
		TEST(nothing_is_not_empty),
		TEST(every_byte),
		TEST(ten_megabytes_of_text),
		TEST(as_many_arguments_as_there_may_be),
		TEST(no_rows),
		TEST(null_and_not_null_in_turns),
		TEST(an_order_that_is_written_out),
		TEST(inserting_or_updating),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	test_files_remove();
	return failed;
}
