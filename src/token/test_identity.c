/* What may be handed on of a token, and what may not. */
#include "token/identity.h"

#include "base/macro.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define GOOD STR("01a218ef-107d-7864-a69d-a69af89d813f")

static void test_ids_and_roles_as_there_are(void **state)
{
	static const char *const ids[] = { "anna", "auth0|abc", "a.b~c_d:e@example.org", "0" };

	(void)state;
	assert_true(identity_is_sound(GOOD, STR("user"), GOOD));
	assert_true(identity_is_sound(GOOD, STR("admin"), GOOD));
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_true(identity_is_sound(str_from(ids[i]), STR("user"), str_from(ids[i])));
}

static void test_roles_that_are_none(void **state)
{
	static const char *const roles[] = { "",     "Admin", "ADMIN",     "admin ",     "user,admin",
		                             "root", "users", "useradmin", "user\tadmin" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		assert_false(identity_is_sound(GOOD, str_from(roles[i]), GOOD));
	assert_false(identity_is_sound(GOOD, STR_NULL, GOOD));
	assert_false(identity_is_sound(GOOD, (struct str){ "user\0", 5 }, GOOD));
}

static void test_ids_that_are_none(void **state)
{
	static const char *const ids[] = { "",      " ",     "a b",      "a,b",  "a\r\nX-User-Role: admin",
		                           "a\n",   "a\t",   "a/b",      "a%20", "a;b",
		                           "\"a\"", "a\x7f", "\xc3\xa9", "a=b",  "a*",
		                           "'" };
	char longest[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_false(identity_is_sound(str_from(ids[i]), STR("user"), GOOD));
		assert_false(identity_is_sound(GOOD, STR("user"), str_from(ids[i])));
	}
	assert_false(identity_is_sound(STR_NULL, STR("user"), GOOD));
	assert_false(identity_is_sound(GOOD, STR("user"), STR_NULL));
	assert_false(identity_is_sound((struct str){ "a\0b", 3 }, STR("user"), GOOD));
	memset(longest, 'a', sizeof(longest));
	assert_true(identity_is_sound((struct str){ longest, IDENTITY_SUB_MAX }, STR("user"),
	                              (struct str){ longest, IDENTITY_SID_MAX }));
	assert_false(identity_is_sound((struct str){ longest, IDENTITY_SUB_MAX + 1 }, STR("user"), GOOD));
	assert_false(identity_is_sound(GOOD, STR("user"), (struct str){ longest, IDENTITY_SID_MAX + 1 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_and_roles_as_there_are),
		cmocka_unit_test(test_roles_that_are_none),
		cmocka_unit_test(test_ids_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
