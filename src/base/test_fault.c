/* Faults on demand; in a build without them, that they never come. */
#include "base/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_nth_call_fails(void **state)
{
	(void)state;
	fault_set("alloc:2,store.commit:1+");
	assert_false(fault_hit("alloc"));
	assert_true(fault_hit("alloc"));
	assert_false(fault_hit("alloc"));
	for (int i = 0; i < 5; i++)
		assert_true(fault_hit("store.commit"));
	assert_false(fault_hit("store"));
	fault_set(NULL);
	assert_false(fault_hit("store.commit"));
}

static void test_a_new_plan_counts_from_the_start(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		fault_set("alloc:2");
		assert_false(fault_hit("alloc"));
		assert_true(fault_hit("alloc"));
	}
	fault_set(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nth_call_fails),
		cmocka_unit_test(test_a_new_plan_counts_from_the_start),
	};

	return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
