/* Leases: one holder at a time, who may renew; taken over once expired; on every engine. */
#include "store/lease.h"

#include "fiber/fiber.h"
#include "store/test_support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
	struct store *s;
	struct arena *a;
};

static struct fixture fixture(void)
{
	struct fixture f = { test_store(), test_arena() };

	must(f.s, "DROP TABLE IF EXISTS leases");
	must(f.s, "CREATE TABLE leases (name text NOT NULL PRIMARY KEY, holder text NOT NULL, expires_at_ms bigint NOT "
	          "NULL)");
	return f;
}

static void fixture_done(struct fixture *f)
{
	arena_free(&f->a);
	store_close(&f->s);
}

static int take(struct fixture *f, const char *holder, int64_t ttl_ms)
{
	return store_lease_take(f->s, "work", str_from(holder), ttl_ms, f->a);
}

static void body_one_holder_at_a_time(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();

	(void)arg;
	assert_int_equal(take(&f, "a", 60000), 1);
	assert_int_equal(take(&f, "b", 60000), 0);
	assert_int_equal(take(&f, "a", 60000), 1);
	assert_int_equal(store_lease_release(f.s, "work", STR("b"), f.a), 0);
	assert_int_equal(take(&f, "b", 60000), 0);
	assert_int_equal(store_lease_release(f.s, "work", STR("a"), f.a), 0);
	assert_int_equal(take(&f, "b", 60000), 1);
	assert_int_equal(store_lease_take(f.s, "other work", STR("a"), 60000, f.a), 1);
}

static void body_an_expired_one_is_free(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();

	(void)arg;
	assert_int_equal(take(&f, "a", 1), 1);
	(void)!fiber_sleep_ms(10);
	assert_int_equal(take(&f, "b", 60000), 1);
	assert_int_equal(take(&f, "a", 60000), 0);
}

static int winners;

static void competes(void *arg)
{
	struct fixture *f = arg;
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_lease l;
	int r;

	store_lease_init(&l, "race", 60000, true);
	r = store_lease_hold(&l, f->s, a);
	assert_true(r == 0 || r == 1);
	assert_int_equal(store_lease_is_held(&l), r == 1);
	winners += r;
}

static void body_of_fifty_who_want_it_at_once_one_has_it(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct fiber *crowd[50];

	(void)arg;
	winners = 0;
	for (size_t i = 0; i < ARRAY_SIZE(crowd); i++)
		assert_int_equal(fiber_spawn("competitor", competes, &f, &crowd[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(crowd); i++) {
		assert_int_equal(fiber_join(crowd[i]), 0);
		fiber_unref(&crowd[i]);
	}
	assert_int_equal(winners, 1);
}

static void body_without_competitors_it_is_always_held(void *arg)
{
	struct fixture f CLEANUP(fixture_done) = fixture();
	struct store_lease l;

	(void)arg;
	store_lease_init(&l, "work", 1, false);
	assert_true(store_lease_is_held(&l));
	assert_int_equal(store_lease_hold(&l, f.s, f.a), 1);
	assert_int_equal(must(f.s, "SELECT count(*) FROM leases"), 0);
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
		test_files_remove();          \
	}

ON_FIBER(one_holder_at_a_time)
ON_FIBER(an_expired_one_is_free)
ON_FIBER(of_fifty_who_want_it_at_once_one_has_it)
ON_FIBER(without_competitors_it_is_always_held)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_holder_at_a_time),
		cmocka_unit_test(test_an_expired_one_is_free),
		cmocka_unit_test(test_of_fifty_who_want_it_at_once_one_has_it),
		cmocka_unit_test(test_without_competitors_it_is_always_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
