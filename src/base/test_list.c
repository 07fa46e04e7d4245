/* The ring list. */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
	int number;
	struct list node;
};

static void test_keeps_order_at_both_ends(void **state)
{
	struct item items[3] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
	struct list head = LIST_INIT(head);

	(void)state;
	list_push_back(&head, &items[1].node);
	list_push_back(&head, &items[2].node);
	list_push_front(&head, &items[0].node);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(LIST_ENTRY(list_pop_front(&head), struct item, node)->number, i);
	assert_null(list_pop_front(&head));
	assert_true(list_empty(&head));
}

static void test_removing_twice_and_while_walking(void **state)
{
	struct item items[4] = { { .number = 1 }, { .number = 2 }, { .number = 3 }, { .number = 4 } };
	struct list head = LIST_INIT(head), *pos, *tmp;
	int sum = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		list_push_back(&head, &items[i].node);
	LIST_FOREACH_SAFE(pos, tmp, &head)
	{
		sum += LIST_ENTRY(pos, struct item, node)->number;
		list_remove(pos);
		list_remove(pos);
	}
	assert_int_equal(sum, 10);
	assert_true(list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keeps_order_at_both_ends),
		cmocka_unit_test(test_removing_twice_and_while_walking),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
