/* Looking up embedded files. */
#include "base/embed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_finds_by_whole_name(void **state)
{
	static const struct embedded_file files[] = { { "a.sql", { "SELECT 1", 8 } }, { "b.sql", { "", 0 } } };

	(void)state;
	assert_true(str_equal(embedded_find(files, 2, "a.sql"), STR("SELECT 1")));
	assert_true(str_equal(embedded_find(files, 2, "b.sql"), STR("")));
	assert_true(str_is_null(embedded_find(files, 2, "a")));
	assert_true(str_is_null(embedded_find(NULL, 0, "a.sql")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_by_whole_name),
	};

	return cmocka_run_group_tests_name("embed", tests, NULL, NULL);
}
