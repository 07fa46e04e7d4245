/* The settings every service has: they load from nothing, and say what is wrong with what is given. */
#include "service/service.h"
#include "service/settings.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct config_table *table(void)
{
	return service_settings_table("127.0.0.1:8081");
}

static void defaults_are_right(void **state)
{
	struct service_settings s = { 0 };
	struct buf faults CLEANUP(buf_done);

	(void)state;
	buf_init(&faults, 4096);
	assert_int_equal(config_load(table(), &s, &faults), 0);
	assert_string_equal(s.listen, "127.0.0.1:8081");
	assert_int_equal(s.drain_ms, 10000);
	assert_int_equal(s.request_deadline_ms, 10000);
	assert_true(s.log_access);
	assert_false(s.check_replies);
	assert_string_equal(s.trusted_proxies, "127.0.0.0/8 ::1/128");
	config_done(table(), &s);
}

static void load_faulty(const char *name, const char *value, const char *fault)
{
	struct service_settings s = { 0 };
	struct buf faults CLEANUP(buf_done);

	buf_init(&faults, 4096);
	setenv(name, value, 1);
	assert_int_equal(config_load(table(), &s, &faults), -EINVAL);
	unsetenv(name);
	if (!strstr(faults.data, fault) || strchr(faults.data, '\n') != faults.data + faults.len - 1)
		fail_msg("%s=%s gave: %s", name, value, faults.data);
}

static void one_line_for_what_is_wrong(void **state)
{
	(void)state;
	load_faulty("LISTEN", "localhost:80", "LISTEN");
	load_faulty("LISTEN", "1.2.3:80", "LISTEN");
	load_faulty("LISTEN", "127.0.0.1", "LISTEN");
	load_faulty("LISTEN", "127.0.0.1:65536", "LISTEN");
	load_faulty("REQUESTS_MAX", "0", "1");
	load_faulty("LOG_LEVEL", "loud", "debug, info, warning, error, alert");
	load_faulty("DRAIN_MS", "ten", "DRAIN_MS");
	load_faulty("TRUSTED_PROXIES", "10.0.0.1/8", "TRUSTED_PROXIES");
	load_faulty("TRUSTED_PROXIES", "localhost", "10.1.2.3");
	load_faulty("TRUSTED_PROXIES", "true", "TRUSTED_PROXIES");
}

static void addresses_that_are_fine(void **state)
{
	static const char *const fine[] = { "127.0.0.1:0", "0.0.0.0:8081", "[::1]:8081", "[::]:65535" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		struct service_settings s = { 0 };
		struct buf faults CLEANUP(buf_done);

		buf_init(&faults, 4096);
		setenv("LISTEN", fine[i], 1);
		assert_int_equal(config_load(table(), &s, &faults), 0);
		assert_string_equal(s.listen, fine[i]);
		config_done(table(), &s);
		unsetenv("LISTEN");
	}
}

static void base_urls(void **state)
{
	(void)state;
	assert_null(service_check_http_url("http://127.0.0.1:8081"));
	assert_null(service_check_http_url("https://movies.example.org"));
	assert_non_null(service_check_http_url("127.0.0.1:8081"));
	assert_non_null(service_check_http_url("ftp://127.0.0.1"));
	assert_non_null(service_check_http_url("http://"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_right),
		cmocka_unit_test(one_line_for_what_is_wrong),
		cmocka_unit_test(addresses_that_are_fine),
		cmocka_unit_test(base_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
