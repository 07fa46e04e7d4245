/* Addresses and lists of networks: what is taken, in which form it comes back, and whom a request is from. */
#include "http/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>

#include <cmocka.h>

static struct address address_of(const char *text)
{
	struct address a;

	if (address_parse(str_from(text), &a) < 0)
		fail_msg("%s was refused", text);
	return a;
}

static void assert_is(const struct address *a, const char *wanted)
{
	char text[ADDRESS_TEXT_SIZE];

	address_format(a, text);
	assert_string_equal(text, wanted);
}

static struct address_list list_of(const char *text)
{
	struct address_list l;
	struct str wrong = STR_NULL;

	if (address_list_parse(str_from(text), &l, &wrong) < 0)
		fail_msg("%s was refused: %.*s", text, STR_ARGS(wrong));
	return l;
}

static void test_an_address_has_one_form(void **state)
{
	static const char *const forms[][2] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "0.9.10.99", "0.9.10.99" },
		{ "100.109.200.255", "100.109.200.255" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::FFFF:c000:201", "192.0.2.1" },
		{ "::", "::" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct address a = address_of(forms[i][0]);

		assert_is(&a, forms[i][1]);
	}
}

static void test_what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = { "",         " ",          "localhost",    "1.2.3",      "1.2.3.256",
		                           "01.2.3.4", "1.2.3.4 ",   "1.2.3.4:80",   "[::1]",      "fe80::1%eth0",
		                           ":::",      "0x7f.0.0.1", "2130706433",   "1.2.3.4/32", "unknown",
		                           "-",        "::1::",      "1.2.3.4.5.6.7" };
	struct address a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (address_parse(str_from(bad[i]), &a) != -EINVAL)
			fail_msg("%s was taken", bad[i]);
	assert_int_equal(address_parse(STR("1.2.3.4\0"), &a), -EINVAL);
	assert_int_equal(address_parse(STR_NULL, &a), -EINVAL);
}

static void test_an_element_may_have_a_port(void **state)
{
	static const char *const good[][2] = {
		{ " 192.0.2.1\t", "192.0.2.1" },    { "192.0.2.1:1", "192.0.2.1" },
		{ "[2001:db8::1]", "2001:db8::1" }, { "[2001:db8::1]:65535", "2001:db8::1" },
		{ "2001:db8::1", "2001:db8::1" },   { "[::ffff:1.2.3.4]:5", "1.2.3.4" },
	};
	static const char *const bad[] = { "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:+1", "192.0.2.1:80:80",
		                           "[::1",       "[::1]x",          "[::1]:",       "[]",
		                           "[1.2.3.4]",  "[1.2.3.4]:80",    "unknown",      "_hidden",
		                           "\"::1\"",    "[::1]:80, ::2",   ":80",          "::1]:80" };
	struct address a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(address_parse_forwarded(str_from(good[i][0]), &a), 0);
		assert_is(&a, good[i][1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (address_parse_forwarded(str_from(bad[i]), &a) != -EINVAL)
			fail_msg("%s was taken", bad[i]);
}

static void test_a_peer_of_either_family(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct address a;

	(void)state;
	assert_int_equal(address_from_sockaddr((struct sockaddr *)&v4, &a), 0);
	assert_is(&a, "192.0.2.1");
	inet_pton(AF_INET6, "::ffff:192.0.2.2", &v6.sin6_addr);
	assert_int_equal(address_from_sockaddr((struct sockaddr *)&v6, &a), 0);
	assert_is(&a, "192.0.2.2");
	inet_pton(AF_INET6, "2001:db8::2", &v6.sin6_addr);
	assert_int_equal(address_from_sockaddr((struct sockaddr *)&v6, &a), 0);
	assert_is(&a, "2001:db8::2");
	assert_int_equal(address_from_sockaddr((struct sockaddr *)&local, &a), -EINVAL);
}

static void test_a_mask_keeps_the_first_bits(void **state)
{
	static const struct {
		const char *from;
		unsigned n_bits;
		const char *to;
	} masks[] = {
		{ "255.255.255.255", 0, "0.0.0.0" },
		{ "255.255.255.255", 1, "128.0.0.0" },
		{ "255.255.255.255", 9, "255.128.0.0" },
		{ "255.255.255.255", 32, "255.255.255.255" },
		{ "2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::" },
		{ "2001:db8:1:2:3:4:5:6", 128, "2001:db8:1:2:3:4:5:6" },
		{ "ffff::", 3, "e000::" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		struct address a = address_of(masks[i].from);

		address_mask(&a, masks[i].n_bits);
		assert_is(&a, masks[i].to);
	}
}

/* ---- lists ---- */

static void assert_has(const char *list, const char *address, bool wanted)
{
	struct address_list l = list_of(list);
	struct address a = address_of(address);

	if (address_list_has(&l, &a) != wanted)
		fail_msg("%s %s in %s", address, wanted ? "is not" : "is", list);
}

static void test_a_list_has_what_its_networks_have(void **state)
{
	(void)state;
	assert_has("127.0.0.0/8 ::1/128", "127.255.0.1", true);
	assert_has("127.0.0.0/8 ::1/128", "::1", true);
	assert_has("127.0.0.0/8 ::1/128", "::2", false);
	assert_has("127.0.0.0/8 ::1/128", "128.0.0.1", false);
	assert_has("10.1.2.3,\t fd00::/8", "10.1.2.3", true);
	assert_has("10.1.2.3,\t fd00::/8", "10.1.2.4", false);
	assert_has("10.1.2.3,\t fd00::/8", "fdff::1", true);
	assert_has("0.0.0.0/0", "203.0.113.9", true);
	assert_has("0.0.0.0/0", "2001:db8::1", false);
	assert_has("::/0", "2001:db8::1", true);
	assert_has("::/0", "1.2.3.4", false);
	assert_has("::ffff:10.0.0.0/104", "10.9.8.7", true);
	assert_has("::ffff:10.0.0.1", "10.0.0.1", true);
	assert_has("10.0.0.0/8", "::ffff:10.0.0.1", true);
	assert_has("none", "127.0.0.1", false);
	assert_has(" none ", "::1", false);
}

static void test_a_list_with_a_mistake_is_refused_and_says_which(void **state)
{
	static const char *const bad[][2] = {
		{ "10.0.0.0/8 localhost", "localhost" },
		{ "10.0.0.1/8", "10.0.0.1/8" },
		{ "10.0.0.0/33", "10.0.0.0/33" },
		{ "::1/129", "::1/129" },
		{ "10.0.0.0/", "10.0.0.0/" },
		{ "10.0.0.0/-1", "10.0.0.0/-1" },
		{ "10.0.0.0/8/8", "10.0.0.0/8/8" },
		{ "/8", "/8" },
		{ "none 10.0.0.1", "none" },
		{ "::ffff:0.0.0.0/95", "::ffff:0.0.0.0/95" },
		{ "*", "*" },
		{ "2001:db8::1/32", "2001:db8::1/32" },
		{ "true", "true" },
		{ "", "" },
		{ " , ", " , " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct address_list l;
		struct str wrong = STR_NULL;

		if (address_list_parse(str_from(bad[i][0]), &l, &wrong) != -EINVAL)
			fail_msg("'%s' was taken", bad[i][0]);
		assert_true(str_equal(wrong, str_from(bad[i][1])));
	}
}

static void test_a_list_has_an_end(void **state)
{
	char text[(ADDRESS_NETS_MAX + 1) * 10 + 1] = "";
	struct address_list l;
	struct str wrong;
	size_t len = 0;

	(void)state;
	for (int i = 0; i < ADDRESS_NETS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "10.0.0.%d ", i);
	assert_int_equal(address_list_parse(str_from(text), &l, &wrong), 0);
	assert_int_equal(l.n, ADDRESS_NETS_MAX);
	snprintf(text + len, sizeof(text) - len, "10.0.0.99");
	assert_int_equal(address_list_parse(str_from(text), &l, &wrong), -E2BIG);
}

/* ---- the client ---- */

static void test_whom_a_request_is_from(void **state)
{
	static const struct {
		const char *peer;
		const char *forwarded;
		const char *client;
	} walks[] = {
		{ "203.0.113.1", "198.51.100.7", "203.0.113.1" }, /* a stranger is not believed */
		{ "10.0.0.1", "198.51.100.7", "198.51.100.7" },
		{ "10.0.0.1", "", "10.0.0.1" },
		{ "10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7" }, /* whatever the client said before */
		{ "10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7" },
		{ "10.0.0.1", "6.6.6.6, 198.51.100.7:4711 , [fd00::2]:80", "198.51.100.7" },
		{ "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3" },    /* one of us asks */
		{ "10.0.0.1", "198.51.100.7, rubbish", "10.0.0.1" }, /* the last that is good */
		{ "10.0.0.1", "198.51.100.7, unknown, 10.0.0.2", "10.0.0.2" },
		{ "10.0.0.1", "198.51.100.7,, ,10.0.0.2,", "198.51.100.7" },
		{ "fd00::1", "2001:db8::7", "2001:db8::7" },
		{ "::ffff:10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7" },
	};
	struct address_list trusted = list_of("10.0.0.0/8 fd00::/8");
	struct address_list nobody = list_of("none");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(walks); i++) {
		struct address peer = address_of(walks[i].peer);
		struct address client = address_of_client(&peer, str_from(walks[i].forwarded), &trusted);

		assert_is(&client, walks[i].client);
		client = address_of_client(&peer, str_from(walks[i].forwarded), &nobody);
		assert_true(address_equal(&client, &peer));
		client = address_of_client(&peer, STR_NULL, &trusted);
		assert_true(address_equal(&client, &peer));
	}
}

static void test_a_walk_has_an_end(void **state)
{
	struct address_list trusted = list_of("10.0.0.0/8");
	struct address peer = address_of("10.255.0.1"), client;
	char text[4096] = "6.6.6.6";
	size_t len = strlen(text);

	(void)state;
	for (int i = 0; i < ADDRESS_HOPS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ", 10.0.0.%d", i);
	client = address_of_client(&peer, str_from(text), &trusted);
	assert_is(&client, "10.0.0.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_address_has_one_form),
		cmocka_unit_test(test_what_is_no_address_is_refused),
		cmocka_unit_test(test_an_element_may_have_a_port),
		cmocka_unit_test(test_a_peer_of_either_family),
		cmocka_unit_test(test_a_mask_keeps_the_first_bits),
		cmocka_unit_test(test_a_list_has_what_its_networks_have),
		cmocka_unit_test(test_a_list_with_a_mistake_is_refused_and_says_which),
		cmocka_unit_test(test_a_list_has_an_end),
		cmocka_unit_test(test_whom_a_request_is_from),
		cmocka_unit_test(test_a_walk_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
