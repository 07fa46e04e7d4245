/* What devices are called, and whose tokens are believed. */
#include "token/seal.h"
#include "user/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define ADA STR("01a218ef-107d-7864-a69d-a69af89d813f")
#define BOB STR("01a218ef-107d-7864-a69d-a69af89d8140")

static const struct {
	const char *agent;
	const char *name;
} names[] = {
	{ "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux" },
	{ "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
	  "Safari/537.36",
	  "Chrome on Windows" },
	{ "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
	  "Safari/537.36 "
	  "Edg/126.0.0.0",
	  "Edge on Windows" },
	{ "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 "
	  "Safari/537.36 "
	  "OPR/111.0.0.0",
	  "Opera on Windows" },
	{ "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
	  "Safari/605.1.15",
	  "Safari on macOS" },
	{ "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
	  "Version/17.5 "
	  "Mobile/15E148 Safari/604.1",
	  "Safari on iPhone" },
	{ "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 "
	  "Mobile/15E148 Safari/604.1",
	  "Chrome on iPad" },
	{ "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/127.0 "
	  "Mobile/15E148 Safari/605.1.15",
	  "Firefox on iPhone" },
	{ "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile "
	  "Safari/537.36",
	  "Chrome on Android" },
	{ "Mozilla/5.0 (Linux; Android 13; SM-S901B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 "
	  "Chrome/121.0.0.0 Mobile Safari/537.36",
	  "Samsung Internet on Android" },
	{ "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
	  "Safari/537.36",
	  "Chrome on ChromeOS" },
	{ "curl/7.88.1", "curl" },
	{ "python-httpx/0.23.3", "Python" },
	{ "Mozilla/5.0 (Windows NT 10.0)", "Windows" },
	{ "", "Unknown device" },
	{ "\xf0\x9f\x8e\xac", "Unknown device" },
	{ "<script>alert(1)</script> Firefox/", "Firefox" }, /* never a part of what was sent */
};

static void names_of_devices(void **state)
{
	char name[DEVICE_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		device_name(str_from(names[i].agent), name);
		assert_string_equal(name, names[i].name);
	}
	device_name(STR_NULL, name);
	assert_string_equal(name, "Unknown device");
}

/* ---- tokens ---- */

static struct user_state ours, theirs;
static char folder[] = "/tmp/test-device-XXXXXX";
static char paths[2][64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	for (size_t i = 0; i < 2; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/%zu.key", folder, i);
	return seal_new(paths[0], "devices", &ours.device_seal) || seal_new(paths[1], "devices", &theirs.device_seal);
}

static int teardown(void **state)
{
	(void)state;
	seal_free(&ours.device_seal);
	seal_free(&theirs.device_seal);
	return unlink(paths[0]) || unlink(paths[1]) || rmdir(folder);
}

static void a_device_is_known_again(void **state)
{
	char token[DEVICE_TOKEN_SIZE], again[DEVICE_TOKEN_SIZE], id[DEVICE_ID_SIZE], other[DEVICE_ID_SIZE];

	(void)state;
	assert_int_equal(device_token_make(&ours, ADA, "", token), 0);
	assert_int_equal(strlen(token), DEVICE_TOKEN_SIZE - 1);
	device_recognise(&ours, str_from(token), ADA, id);
	assert_int_equal(strlen(id), DEVICE_ID_SIZE - 1);
	/* Its next token is the same device's: there is nothing to collect. */
	assert_int_equal(device_token_make(&ours, ADA, id, again), 0);
	assert_string_equal(again, token);
	assert_int_equal(device_token_make(&ours, ADA, "", again), 0);
	device_recognise(&ours, str_from(again), ADA, other);
	assert_string_not_equal(other, id);
}

static void tokens_of_others_are_nobodys(void **state)
{
	char token[DEVICE_TOKEN_SIZE], bad[DEVICE_TOKEN_SIZE], id[DEVICE_ID_SIZE];

	(void)state;
	assert_int_equal(device_token_make(&ours, ADA, "", token), 0);
	device_recognise(&ours, str_from(token), BOB, id); /* another account's */
	assert_string_equal(id, "");
	device_recognise(&ours, str_from(token), STR_NULL, id); /* an unknown address */
	assert_string_equal(id, "");
	device_recognise(&theirs, str_from(token), ADA, id); /* another installation's */
	assert_string_equal(id, "");
	device_recognise(&ours, STR_NULL, ADA, id);
	assert_string_equal(id, "");
	for (size_t i = 0; i < DEVICE_TOKEN_SIZE - 1; i++) {
		memcpy(bad, token, sizeof(bad));
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		device_recognise(&ours, str_from(bad), ADA, id);
		assert_string_equal(id, "");
		device_recognise(&ours, (struct str){ token, i }, ADA, id);
		assert_string_equal(id, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_devices),
		cmocka_unit_test(a_device_is_known_again),
		cmocka_unit_test(tokens_of_others_are_nobodys),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
