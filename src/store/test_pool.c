/* The pool by itself, with numbers for connections. */
#include "store/pool.h"
#include "store/test_support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct store_options options = { .wait_ms = 20, .waiters_max = 1 };
static int items[2];

static void pool_of_two(struct store_pool *p)
{
	assert_int_equal(store_pool_init(p, 2, &options, "test", "two"), 0);
}

static void body_last_used_first(void *arg)
{
	struct store_pool p;
	void *a;
	void *b;

	(void)arg;
	pool_of_two(&p);
	store_pool_add(&p, &items[0]);
	store_pool_add(&p, &items[1]);
	assert_int_equal(store_pool_take(&p, &a), 0);
	assert_ptr_equal(a, &items[1]);
	assert_int_equal(store_pool_take(&p, &b), 0);
	assert_ptr_equal(b, &items[0]);
	store_pool_give(&p, b);
	store_pool_give(&p, a);
	assert_non_null(store_pool_remove(&p));
	assert_non_null(store_pool_remove(&p));
	assert_null(store_pool_remove(&p));
	store_pool_done(&p);
}

static double shown(const char *system, const char *state)
{
	struct buf text CLEANUP(buf_done);
	char line[128];
	const char *at;

	snprintf(line, sizeof(line), "\ncinesync_store_connections{db_system_name=\"%s\",pool=\"two\",state=\"%s\"} ",
	         system, state);
	buf_init(&text, 1 << 20);
	metrics_write(&text, METRICS_TEXT);
	at = strstr(text.data, line);
	assert_non_null(at);
	return strtod(at + strlen(line), NULL);
}

static void body_use_is_shown(void *arg)
{
	struct store_pool p;
	void *item;

	(void)arg;
	pool_of_two(&p);
	store_pool_add(&p, &items[0]);
	store_pool_add(&p, &items[1]);
	assert_true(shown("test", "used") == 0 && shown("test", "idle") == 2);
	assert_int_equal(store_pool_take(&p, &item), 0);
	assert_true(shown("test", "used") == 1 && shown("test", "idle") == 1);
	store_pool_give(&p, item);
	(void)!store_pool_remove(&p);
	(void)!store_pool_remove(&p);
	store_pool_done(&p);
	assert_true(shown("test", "used") == 0 && shown("test", "idle") == 0);
}

static void waits_its_turn(void *arg)
{
	struct store_pool *p = arg;
	void *item;

	assert_int_equal(store_pool_take(p, &item), 0);
	store_pool_give(p, item);
}

static void body_waits_are_bounded(void *arg)
{
	struct fiber *child = NULL;
	struct store_pool p;
	void *item;
	void *none;

	(void)arg;
	pool_of_two(&p);
	store_pool_add(&p, &items[0]);
	assert_int_equal(store_pool_take(&p, &item), 0);
	assert_int_equal(store_pool_take(&p, &none), -EBUSY); /* wait_ms */
	assert_int_equal(fiber_spawn("waiter", waits_its_turn, &p, &child), 0);
	assert_int_equal(fiber_yield(), 0);
	assert_int_equal(store_pool_take(&p, &none), -EBUSY); /* the line is full */
	store_pool_give(&p, item);
	assert_int_equal(fiber_join(child), 0);
	fiber_unref(&child);
	assert_ptr_equal(store_pool_remove(&p), &items[0]);
	store_pool_done(&p);
}

static void body_own_deadline_says_so(void *arg)
{
	struct store_pool p;
	void *none;

	(void)arg;
	pool_of_two(&p);
	fiber_deadline_set(clock_deadline_in(5));
	assert_int_equal(store_pool_take(&p, &none), -ETIMEDOUT);
	fiber_deadline_set(DEADLINE_NONE);
	store_pool_done(&p);
}

#define ON_FIBER(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
	}

ON_FIBER(last_used_first)
ON_FIBER(waits_are_bounded)
ON_FIBER(own_deadline_says_so)
ON_FIBER(use_is_shown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_used_first),
		cmocka_unit_test(test_waits_are_bounded),
		cmocka_unit_test(test_own_deadline_says_so),
		cmocka_unit_test(test_use_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
