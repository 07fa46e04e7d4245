#include "cache/redis_url.h"

#include "cache/redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void good_urls_are_taken_apart(void **state)
{
	static const struct {
		const char *url, *host, *user, *password;
		int port;
		int64_t db;
	} rows[] = {
		{ "redis://localhost", "localhost", NULL, NULL, 6379, 0 },
		{ "redis://localhost/", "localhost", NULL, NULL, 6379, 0 },
		{ "REDIS://cache.example_1-2.net:1/15", "cache.example_1-2.net", NULL, NULL, 1, 15 },
		{ "redis://127.0.0.1:65535/0", "127.0.0.1", NULL, NULL, 65535, 0 },
		{ "redis://[::1]", "::1", NULL, NULL, 6379, 0 },
		{ "redis://[fe80::2]:7000/2", "fe80::2", NULL, NULL, 7000, 2 },
		{ "redis://:secret@h", "h", NULL, "secret", 6379, 0 },
		{ "redis://me:secret@h:1", "h", "me", "secret", 1, 0 },
		{ "redis://me:@h", "h", "me", "", 6379, 0 },
		{ "redis://:@h", "h", NULL, NULL, 6379, 0 },
		{ "redis://m%65:%40%3a%2F%25%c3%a9@[::1]:1/9", "::1", "me", "@:/%\xc3\xa9", 1, 9 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct redis_url u;

		assert_null(redis_check_url(rows[i].url));
		assert_int_equal(redis_url_parse(rows[i].url, &u), 0);
		assert_string_equal(u.host, rows[i].host);
		assert_int_equal(u.port, rows[i].port);
		assert_int_equal(u.db, rows[i].db);
		assert_true(str_equal(u.user, str_from(rows[i].user)));
		assert_true(str_equal(u.password, str_from(rows[i].password)));
		redis_url_done(&u);
	}
}

static void bad_urls_are_refused(void **state)
{
	static const char *const urls[] = {
		"",
		"redis",
		"redis:/",
		"redis://",
		"redis:///0",
		"rediss://h",
		"http://h",
		" redis://h",
		"redis://h ",
		"redis://h:",
		"redis://h:0",
		"redis://h:65536",
		"redis://h:6379x",
		"redis://h:-1",
		"redis://h:+1",
		"redis://h/x",
		"redis://h/-1",
		"redis://h/1/2",
		"redis://h/01",
		"redis://h/2147483648",
		"redis://h/0?timeout=1",
		"redis://h#0",
		"redis://user@h",
		"redis://a:b:c@h",
		"redis://a:b@c@h",
		"redis://a:b@",
		"redis://:p%4@h",
		"redis://:p%@h",
		"redis://:p%4g@h",
		"redis://::1",
		"redis://[::1",
		"redis://::1]",
		"redis://[::1]6379",
		"redis://[]",
		"redis://[localhost]",
		"redis://[::1%25eth0]",
		"redis://h\xc3\xa9",
		"redis://a,b",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct redis_url u = { .port = 1 };

		if (!redis_check_url(urls[i]))
			fail_msg("taken: %s", urls[i]);
		assert_int_equal(redis_url_parse(urls[i], &u), -EINVAL);
		assert_int_equal(u.port, 1);
	}
}

static void lengths_are_bounded(void **state)
{
	char url[8192] = "redis://";
	struct redis_url u;

	(void)state;
	memset(url + 8, 'h', 254);
	assert_int_equal(redis_url_parse(url, &u), -EINVAL);
	url[8 + 253] = '\0';
	assert_int_equal(redis_url_parse(url, &u), 0);
	redis_url_done(&u);
	memset(url + 8, 'h', sizeof(url) - 9);
	url[8] = ':';
	url[5000] = '@';
	url[5002] = '\0';
	assert_int_equal(redis_url_parse(url, &u), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_urls_are_taken_apart),
		cmocka_unit_test(bad_urls_are_refused),
		cmocka_unit_test(lengths_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
