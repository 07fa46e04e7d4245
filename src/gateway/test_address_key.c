/* One customer, one key. */
#include "gateway/address_key.h"

#include "base/macro.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sys/un.h>

static struct str key_of_six(const char *text, struct sockaddr_in6 *at)
{
	*at = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	assert_int_equal(inet_pton(AF_INET6, text, &at->sin6_addr), 1);
	return address_key((struct sockaddr *)at);
}

static void test_addresses_of_one_network_are_one(void **state)
{
	struct sockaddr_in6 a, b, c;

	(void)state;
	assert_true(str_equal(key_of_six("2001:db8:1:2::1", &a), key_of_six("2001:db8:1:2:ffff::7", &b)));
	assert_false(str_equal(key_of_six("2001:db8:1:2::1", &a), key_of_six("2001:db8:1:3::1", &c)));
}

static void test_ipv4_is_itself_at_whatever_socket(void **state)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr = { htonl(0xc0000201) } };
	struct sockaddr_in other = { .sin_family = AF_INET, .sin_addr = { htonl(0xc0000202) } };
	struct sockaddr_in6 mapped;

	(void)state;
	assert_true(str_equal(address_key((struct sockaddr *)&four), key_of_six("::ffff:192.0.2.1", &mapped)));
	assert_false(str_equal(address_key((struct sockaddr *)&four), address_key((struct sockaddr *)&other)));
}

static void test_what_has_no_address_is_local(void **state)
{
	struct sockaddr_un here = { .sun_family = AF_UNIX };

	(void)state;
	assert_true(str_equal(address_key((struct sockaddr *)&here), STR("local")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_of_one_network_are_one),
		cmocka_unit_test(test_ipv4_is_itself_at_whatever_socket),
		cmocka_unit_test(test_what_has_no_address_is_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
