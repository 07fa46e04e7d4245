/* Batches: all or nothing, in order, on every engine. */
#include "store/test_support.h"

#include "fiber/fiber.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
	struct store *s;
	struct arena *a;
};

static const char sql_insert[] = "INSERT INTO item (id, name) VALUES ($1, $2) RETURNING id";
static const char sql_all[] = "SELECT id, name FROM item ORDER BY id";
static const char sql_rename[] = "UPDATE item SET name = $2 WHERE id = $1";
static const char sql_wrong[] = "SELECT nothing FROM nowhere";

static struct fixture fixture(void)
{
	struct fixture f = { test_store(), test_arena() };

	must(f.s, "DROP TABLE IF EXISTS item");
	must(f.s, "CREATE TABLE item (id bigint NOT NULL PRIMARY KEY, name text NOT NULL)");
	return f;
}

static void fixture_done(struct fixture *f)
{
	arena_free(&f->a);
	store_close(&f->s);
}

#define INSERT(id, name)                                                \
	{                                                               \
		sql_insert, STORE_ARGS(STORE_I(id), STORE_S(STR(name))) \
	}

static int64_t count(struct fixture *f)
{
	return must(f->s, "SELECT count(*) FROM item");
}

static void body_all_in_order(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	const struct store_statement batch[] = {
		INSERT(1, "one"),
		INSERT(2, "two"),
		{ sql_rename, STORE_ARGS(STORE_I(1), STORE_S(STR("uno"))) },
		{ sql_all, STORE_NO_ARGS },
	};
	struct store_rows rows[ARRAY_SIZE(batch)];

	(void)arg;
	for (int again = 0; again < 2; again++) { /* prepared on the way, then prepared already */
		must(f.s, "DELETE FROM item");
		assert_int_equal(store_batch(f.s, batch, ARRAY_SIZE(batch), f.a, rows), 0);
		assert_int_equal(store_int(&rows[0], 0, 0), 1);
		assert_int_equal(store_int(&rows[1], 0, 0), 2);
		assert_int_equal(rows[2].affected, 1);
		assert_int_equal(rows[3].n, 2);
		assert_true(str_equal(store_text(&rows[3], 0, 1), STR("uno")));
		assert_int_equal(count(&f), 2);
	}
}

static void body_nothing_after_an_error(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	const struct store_statement doubled[] = { INSERT(1, "one"), INSERT(2, "two"), INSERT(1, "again"),
		                                   INSERT(3, "x") };
	const struct store_statement wrong[] = { INSERT(1, "one"), { sql_wrong, STORE_NO_ARGS } };

	(void)arg;
	for (int again = 0; again < 3; again++) {
		assert_int_equal(store_batch(f.s, doubled, ARRAY_SIZE(doubled), f.a, NULL), -EEXIST);
		assert_int_equal(store_batch(f.s, wrong, ARRAY_SIZE(wrong), f.a, NULL), -EPROTO);
		assert_int_equal(count(&f), 0);
	}
	assert_int_equal(store_batch(f.s, doubled, 2, f.a, NULL), 0);
	assert_int_equal(count(&f), 2);
}

static void body_limits(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_statement many[STORE_BATCH_MAX + 1];

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct store_statement){ sql_all, STORE_NO_ARGS };
	assert_int_equal(store_batch(f.s, many, 0, f.a, NULL), -EINVAL);
	assert_int_equal(store_batch(f.s, many, ARRAY_SIZE(many), f.a, NULL), -EINVAL);
	assert_int_equal(store_batch(f.s, many, STORE_BATCH_MAX, f.a, NULL), 0);
}

static void body_text_that_no_engine_takes(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	const struct store_statement batch[] = { INSERT(1, "one"), INSERT(2, "a\0b") };

	(void)arg;
	assert_int_equal(store_batch(f.s, batch, ARRAY_SIZE(batch), f.a, NULL), -EINVAL);
	assert_int_equal(count(&f), 0);
}

static void body_past_the_deadline(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	const struct store_statement batch[] = { INSERT(1, "one") };

	(void)arg;
	fiber_deadline_set(clock_mono_ms());
	assert_int_equal(store_batch(f.s, batch, ARRAY_SIZE(batch), f.a, NULL), -ETIMEDOUT);
	fiber_deadline_set(DEADLINE_NONE);
	assert_int_equal(count(&f), 0);
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
		test_files_remove();          \
	}

ON_FIBER(all_in_order)
ON_FIBER(nothing_after_an_error)
ON_FIBER(limits)
ON_FIBER(text_that_no_engine_takes)
ON_FIBER(past_the_deadline)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_in_order),
		cmocka_unit_test(test_nothing_after_an_error),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_text_that_no_engine_takes),
		cmocka_unit_test(test_past_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
