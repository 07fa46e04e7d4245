/* Fibers that meet on the same rows: who sees what, who wins, and what is left when one of them fails. */
#include "store/test_support.h"

#include "base/clock.h"
#include "fiber/fiber.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { CROWD = 50 };

static const char sql_insert[] = "INSERT INTO items (id, i) VALUES ($1, $2)";
static const char sql_unique[] = "INSERT INTO items (id, u) VALUES ($1, 'the one')";
static const char sql_count[] = "SELECT count(*) FROM items";
static const char sql_value[] = "SELECT i FROM items WHERE id = $1";
static const char sql_add[] = "UPDATE items SET i = i + 1 WHERE id = 1 RETURNING i";

/* What the fibers of a test share. */
struct shared {
	struct items *f;
	int64_t next; /* each takes a number */
	int locked;
	int won;
	int refused;
	int64_t sum;
};

static int tx_insert(struct store_tx *tx, struct items *f, int64_t id)
{
	return store_tx_query(tx, sql_insert, STORE_ARGS(STORE_I(id), STORE_I(id)), f->a, NULL);
}

static int64_t value(struct items *f, int64_t id)
{
	struct store_rows rows = { 0 };

	assert_int_equal(store_read(f->s, sql_value, STORE_ARGS(STORE_I(id)), f->a, &rows), 0);
	assert_int_equal(rows.n, 1);
	return store_int(&rows, 0, 0);
}

static int64_t count(struct items *f)
{
	return must(f->s, sql_count);
}

/* A fiber of its own meanwhile, as another request would be. */
static void meanwhile(void (*body)(void *), void *arg)
{
	crowd_run(1, body, arg);
}

/* ---- what others see ---- */

static void sees_the_old(void *arg)
{
	struct items *f = arg;
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_rows rows;

	assert_int_equal(store_read(f->s, sql_value, STORE_ARGS(STORE_I(1)), a, &rows), 0);
	assert_int_equal(store_int(&rows, 0, 0), 10);
	assert_int_equal(store_read(f->s, sql_count, STORE_NO_ARGS, a, &rows), 0);
	assert_int_equal(store_int(&rows, 0, 0), 2);
}

static void body_nobody_sees_what_is_not_committed(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct store_tx *tx = NULL;
	struct store_rows rows;

	(void)arg;
	must(f.s, "INSERT INTO items (id, i) VALUES (1, 10), (2, 20)");
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(must_tx(tx, "UPDATE items SET i = 99 WHERE id = 1"), 1);
	assert_int_equal(must_tx(tx, "DELETE FROM items WHERE id = 2"), 1);
	assert_int_equal(tx_insert(tx, &f, 3), 0);
	meanwhile(sees_the_old, &f);
	/* It sees its own. */
	assert_int_equal(store_tx_query(tx, "SELECT i FROM items ORDER BY id", STORE_NO_ARGS, f.a, &rows), 0);
	assert_true(rows.n == 2 && store_int(&rows, 0, 0) == 99 && store_int(&rows, 1, 0) == 3);
	store_rollback(&tx);
	meanwhile(sees_the_old, &f);
}

/* On PostgreSQL each statement sees what is committed by then; a SQLite transaction holds the only writer, so nothing
 * can be committed beside it. */
static void body_a_commit_is_seen_by_all_at_once(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct store_tx *tx = NULL;

	(void)arg;
	for (int64_t n = 1; n <= 20; n++) {
		assert_int_equal(store_begin(f.s, &tx), 0);
		assert_int_equal(tx_insert(tx, &f, 100 + 2 * n), 0);
		assert_int_equal(tx_insert(tx, &f, 101 + 2 * n), 0);
		assert_int_equal(store_commit(&tx), 0);
		assert_int_equal(count(&f), 2 * n);
	}
}

static void looks(struct items *f)
{
	static const char sql[] = "SELECT count(*), CAST(sum(i) AS BIGINT) FROM items";
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_rows rows;

	assert_int_equal(store_read(f->s, sql, STORE_NO_ARGS, a, &rows), 0);
	assert_int_equal(store_int(&rows, 0, 0), 2);
	assert_int_equal(store_int(&rows, 0, 1), 300);
}

static void moves_money(struct shared *s)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;

	assert_int_equal(store_begin(s->f->s, &tx), 0);
	assert_int_equal(must_tx(tx, "UPDATE items SET i = i - 1 WHERE id = 1"), 1);
	assert_int_equal(must_tx(tx, "UPDATE items SET i = i + 1 WHERE id = 2"), 1);
	assert_int_equal(store_commit(&tx), 0);
	s->won++;
}

static void moves_or_looks(void *arg)
{
	struct shared *s = arg;

	if (s->next++ % 2 == 0) {
		for (int n = 0; n < 20; n++)
			moves_money(s);
	} else {
		while (s->won < 60)
			looks(s->f);
	}
}

static void body_readers_never_see_half_of_a_transaction(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct shared s = { .f = &f };

	(void)arg;
	must(f.s, "INSERT INTO items (id, i) VALUES (1, 200), (2, 100)");
	crowd_run(6, moves_or_looks, &s);
	assert_int_equal(value(&f, 1), 140);
	assert_int_equal(value(&f, 2), 160);
}

/* ---- who wins ---- */

static void adds_one(void *arg)
{
	struct shared *s = arg;
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_rows rows;

	assert_int_equal(store_query(s->f->s, sql_add, STORE_NO_ARGS, a, &rows), 0);
	assert_int_equal(rows.n, 1);
	s->sum += store_int(&rows, 0, 0);
}

/* One statement that reads and writes needs no transaction: everybody gets a number of his own. */
static void body_no_update_is_lost(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct shared s = { .f = &f };

	(void)arg;
	must(f.s, "INSERT INTO items (id, i) VALUES (1, 100)");
	crowd_run(CROWD, adds_one, &s);
	assert_int_equal(value(&f, 1), 100 + CROWD);
	assert_int_equal(s.sum, CROWD * 100 + CROWD * (CROWD + 1) / 2);
}

static void wants_the_key(void *arg)
{
	struct shared *s = arg;
	struct arena *a CLEANUP(arena_free) = test_arena();
	int r = store_query(s->f->s, sql_unique, STORE_ARGS(STORE_I(s->next++)), a, NULL);

	assert_true(r == 0 || r == -EEXIST);
	s->won += r == 0;
	s->refused += r == -EEXIST;
}

static void wants_the_key_in_a_transaction(void *arg)
{
	struct shared *s = arg;
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int64_t id = s->next++;
	int r;

	assert_int_equal(store_begin(s->f->s, &tx), 0);
	assert_int_equal(store_tx_query(tx, sql_insert, STORE_ARGS(STORE_I(1000 + id), STORE_I(1)), a, NULL), 0);
	r = store_tx_query(tx, sql_unique, STORE_ARGS(STORE_I(id)), a, NULL);
	assert_true(r == 0 || r == -EEXIST);
	assert_int_equal(store_commit(&tx), r);
	s->won += r == 0;
	s->refused += r == -EEXIST;
}

static void body_one_of_fifty_gets_the_key(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct shared s = { .f = &f };

	(void)arg;
	crowd_run(CROWD, wants_the_key, &s);
	assert_int_equal(s.won, 1);
	assert_int_equal(s.refused, CROWD - 1);
	assert_int_equal(count(&f), 1);
}

/* The losers' other rows go with them. */
static void body_one_of_fifty_transactions_gets_the_key(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct shared s = { .f = &f };

	(void)arg;
	crowd_run(CROWD, wants_the_key_in_a_transaction, &s);
	assert_int_equal(s.won, 1);
	assert_int_equal(s.refused, CROWD - 1);
	assert_int_equal(count(&f), 2);
}

static void waits_for_the_key(void *arg)
{
	struct shared *s = arg;
	struct arena *a CLEANUP(arena_free) = test_arena();

	s->next = 1;
	s->refused = store_query(s->f->s, sql_unique, STORE_ARGS(STORE_I(2)), a, NULL);
}

static void key_is_held(bool is_kept, int wanted)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct shared s = { .f = &f, .refused = 99 };
	struct store_tx *tx = NULL;
	struct fiber *other = NULL;

	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(store_tx_query(tx, sql_unique, STORE_ARGS(STORE_I(1)), f.a, NULL), 0);
	assert_int_equal(fiber_spawn("other", waits_for_the_key, &s, &other), 0);
	assert_int_equal(fiber_sleep_ms(50), 0);
	assert_true(s.next == 1 && s.refused == 99); /* asked, and not answered */
	if (is_kept)
		assert_int_equal(store_commit(&tx), 0);
	store_rollback(&tx);
	assert_int_equal(fiber_join(other), 0);
	fiber_unref(&other);
	assert_int_equal(s.refused, wanted);
	assert_int_equal(count(&f), 1);
}

static void body_a_key_that_may_yet_be_given_back_is_waited_for(void *arg)
{
	(void)arg;
	key_is_held(true, -EEXIST);
	key_is_held(false, 0);
}

/* Where both can have a lock at a time, until both have their first. The other may have failed. */
static int holds_first(struct shared *s)
{
	int64_t until_ms = clock_deadline_in(10000);
	int r = fiber_sleep_ms(20);

	s->locked++;
	while (r == 0 && s->locked < 2 && !is_sqlite(s->f->s) && clock_mono_ms() < until_ms)
		r = fiber_sleep_ms(5);
	return r;
}

static void locks_in_turn(struct shared *s, const char *first, const char *second)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct arena *a CLEANUP(arena_free) = test_arena();
	int r = store_begin(s->f->s, &tx);

	if (r == 0)
		r = store_tx_query(tx, first, STORE_NO_ARGS, a, NULL);
	if (r == 0)
		r = holds_first(s);
	if (r == 0)
		r = store_tx_query(tx, second, STORE_NO_ARGS, a, NULL);
	if (r == 0)
		r = store_commit(&tx);
	assert_true(r == 0 || r == -EBUSY);
	s->won += r == 0;
	s->refused += r == -EBUSY;
}

static void locks_crosswise(void *arg)
{
	static const char one[] = "UPDATE items SET i = i + 1 WHERE id = 1";
	static const char two[] = "UPDATE items SET i = i + 1 WHERE id = 2";
	struct shared *s = arg;
	bool is_first = s->next++ == 0;

	locks_in_turn(s, is_first ? one : two, is_first ? two : one);
}

/* PostgreSQL finds the deadlock and ends one of the two; on SQLite there is none, since they run one after the other.
 */
static void body_a_deadlock_ends_for_one_of_the_two(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct shared s = { .f = &f };

	(void)arg;
	must(f.s, "INSERT INTO items (id, i) VALUES (1, 0), (2, 0)");
	crowd_run(2, locks_crosswise, &s);
	assert_int_equal(s.won, is_sqlite(f.s) ? 2 : 1);
	assert_int_equal(s.refused, 2 - s.won);
	assert_true(value(&f, 1) == s.won && value(&f, 2) == s.won);
}

/* ---- what is left after a failure ---- */

static void body_an_error_in_the_middle_leaves_nothing(void *arg)
{
	static const char *const bad[] = { "INSERT INTO items (id) VALUES (1)",
		                           "INSERT INTO items (id, must) VALUES (7, NULL)",
		                           "INSERT INTO items (id, i) VALUES (7, 13)", "SELECT nothing FROM nowhere" };
	static const int errors[] = { -EEXIST, -EINVAL, -EINVAL, -EPROTO };
	struct items f CLEANUP(test_items_done) = test_items();
	struct store_tx *tx = NULL;

	(void)arg;
	for (size_t n = 0; n < ARRAY_SIZE(bad); n++) {
		assert_int_equal(store_begin(f.s, &tx), 0);
		assert_int_equal(tx_insert(tx, &f, 1), 0);
		assert_int_equal(store_tx_query(tx, bad[n], STORE_NO_ARGS, f.a, NULL), errors[n]);
		/* Good statements too get the first error now, and so does the commit. */
		assert_int_equal(tx_insert(tx, &f, 2), errors[n]);
		assert_int_equal(store_tx_query(tx, sql_count, STORE_NO_ARGS, f.a, NULL), errors[n]);
		assert_int_equal(store_commit(&tx), errors[n]);
		assert_null(tx);
		assert_int_equal(count(&f), 0);
	}
}

static void body_a_conflict_that_is_expected_spoils_nothing(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct store_tx *tx = NULL;

	(void)arg;
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(tx_insert(tx, &f, 1), 0);
	assert_int_equal(must_tx(tx, "INSERT INTO items (id) VALUES (1) ON CONFLICT DO NOTHING"), 0);
	assert_int_equal(tx_insert(tx, &f, 2), 0);
	assert_int_equal(store_commit(&tx), 0);
	assert_int_equal(count(&f), 2);
}

/* A statement that fails half way through its rows has done none of them. */
static void body_a_statement_is_all_or_nothing(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();

	(void)arg;
	must(f.s, "INSERT INTO items (id, i) VALUES (5, 5)");
	assert_int_equal(store_query(f.s, "INSERT INTO items (id) VALUES (3), (4), (5), (6)", STORE_NO_ARGS, f.a, NULL),
	                 -EEXIST);
	assert_int_equal(store_query(f.s, "UPDATE items SET i = 13", STORE_NO_ARGS, f.a, NULL), -EINVAL);
	assert_int_equal(count(&f), 1);
	assert_int_equal(value(&f, 5), 5);
}

static void holds_a_transaction(void *arg)
{
	struct shared *s = arg;
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_tx *tx CLEANUP(store_rollback) = NULL;

	assert_int_equal(store_begin(s->f->s, &tx), 0);
	assert_int_equal(store_tx_query(tx, sql_insert, STORE_ARGS(STORE_I(1), STORE_I(1)), a, NULL), 0);
	s->next = 1;
	assert_int_equal(fiber_sleep_ms(60000), -ECANCELED);
	assert_int_equal(store_tx_query(tx, sql_insert, STORE_ARGS(STORE_I(2), STORE_I(2)), a, NULL), -ECANCELED);
}

static void body_a_fiber_that_is_cancelled_gives_its_rows_back(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct shared s = { .f = &f };
	struct fiber *holder = NULL;

	(void)arg;
	assert_int_equal(fiber_spawn("holder", holds_a_transaction, &s, &holder), 0);
	while (s.next == 0)
		assert_int_equal(fiber_sleep_ms(5), 0);
	fiber_cancel(holder);
	assert_int_equal(store_query(f.s, sql_insert, STORE_ARGS(STORE_I(1), STORE_I(7)), f.a, NULL), 0);
	assert_int_equal(fiber_join(holder), 0);
	fiber_unref(&holder);
	assert_int_equal(value(&f, 1), 7);
	assert_int_equal(count(&f), 1);
}

/* What was decided is not undone by a deadline that passes meanwhile. */
static void body_a_commit_does_not_mind_the_deadline(void *arg)
{
	struct items f CLEANUP(test_items_done) = test_items();
	struct store_tx *tx = NULL;

	(void)arg;
	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(tx_insert(tx, &f, 1), 0);
	fiber_deadline_set(clock_mono_ms() - 1);
	assert_int_equal(store_commit(&tx), 0);
	fiber_deadline_set(DEADLINE_NONE);
	assert_int_equal(count(&f), 1);

	assert_int_equal(store_begin(f.s, &tx), 0);
	assert_int_equal(tx_insert(tx, &f, 2), 0);
	fiber_deadline_set(clock_mono_ms() - 1);
	store_rollback(&tx);
	fiber_deadline_set(DEADLINE_NONE);
	assert_int_equal(count(&f), 1);
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}
#define TEST(name) cmocka_unit_test(test_##name)

ON_FIBER(nobody_sees_what_is_not_committed)
ON_FIBER(a_commit_is_seen_by_all_at_once)
ON_FIBER(readers_never_see_half_of_a_transaction)
ON_FIBER(no_update_is_lost)
ON_FIBER(one_of_fifty_gets_the_key)
ON_FIBER(one_of_fifty_transactions_gets_the_key)
ON_FIBER(a_key_that_may_yet_be_given_back_is_waited_for)
ON_FIBER(a_deadlock_ends_for_one_of_the_two)
ON_FIBER(an_error_in_the_middle_leaves_nothing)
ON_FIBER(a_conflict_that_is_expected_spoils_nothing)
ON_FIBER(a_statement_is_all_or_nothing)
ON_FIBER(a_fiber_that_is_cancelled_gives_its_rows_back)
ON_FIBER(a_commit_does_not_mind_the_deadline)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_sees_what_is_not_committed),
		TEST(a_commit_is_seen_by_all_at_once),
		TEST(readers_never_see_half_of_a_transaction),
		TEST(no_update_is_lost),
		TEST(one_of_fifty_gets_the_key),
		TEST(one_of_fifty_transactions_gets_the_key),
		TEST(a_key_that_may_yet_be_given_back_is_waited_for),
		TEST(a_deadlock_ends_for_one_of_the_two),
		TEST(an_error_in_the_middle_leaves_nothing),
		TEST(a_conflict_that_is_expected_spoils_nothing),
		TEST(a_statement_is_all_or_nothing),
		TEST(a_fiber_that_is_cancelled_gives_its_rows_back),
		TEST(a_commit_does_not_mind_the_deadline),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	test_files_remove();
	return failed;
}
