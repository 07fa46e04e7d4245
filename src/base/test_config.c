/* Settings: reading, refusing, printing. */
#include "base/config.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct settings {
	int64_t ttl_ms;
	bool verbose;
	char *url;
	char *token;
	int color;
};

static const char *const colors[] = { "red", "green", NULL };

static const char *not_nowhere(const char *value)
{
	return strcmp(value, "nowhere") == 0 ? "a place" : NULL;
}

static const struct config_entry entries[] = {
	{ .name = "T_TTL_MS",
	  .type = CONFIG_INT,
	  .min = 0,
	  .max = 1000,
	  .def = "50",
	  .unit = "ms",
	  .doc = "How long an answer stays fresh. This prose is long enough to be wrapped once when it is printed by "
	         "--help.",
	  .offset = offsetof(struct settings, ttl_ms) },
	{ .name = "T_VERBOSE",
	  .type = CONFIG_BOOL,
	  .doc = "Says more | less.",
	  .offset = offsetof(struct settings, verbose) },
	{ .name = "T_URL",
	  .type = CONFIG_STRING,
	  .min = 3,
	  .max = 20,
	  .doc = "Where.",
	  .check = not_nowhere,
	  .offset = offsetof(struct settings, url) },
	{ .name = "T_TOKEN",
	  .type = CONFIG_SECRET,
	  .min = 4,
	  .max = 16,
	  .doc = "Key.",
	  .check = not_nowhere,
	  .offset = offsetof(struct settings, token) },
	{ .name = "T_COLOR",
	  .type = CONFIG_ENUM,
	  .def = "green",
	  .values = colors,
	  .doc = "Hue.",
	  .offset = offsetof(struct settings, color) },
};

static const struct config_table table = { "Test settings", entries, ARRAY_SIZE(entries) };

static int unset_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		unsetenv(entries[i].name);
	return unsetenv("T_TOKEN_FILE");
}

static void check_refused(const char *expected)
{
	struct settings settings;
	struct buf error CLEANUP(buf_done);

	buf_init(&error, 10000);
	assert_int_equal(config_load(&table, &settings, &error), -EINVAL);
	assert_string_equal(buf_str(&error).data, expected);
	assert_null(settings.url);
	assert_null(settings.token);
}

static void check_loads(struct settings *ret)
{
	struct buf error CLEANUP(buf_done);

	buf_init(&error, 10000);
	assert_int_equal(config_load(&table, ret, &error), 0);
	assert_int_equal(error.len, 0);
}

static void write_file(const char *path, const char *text, size_t len)
{
	FILE *to = fopen(path, "w");

	assert_non_null(to);
	assert_int_equal(fwrite(text, 1, len, to), len);
	assert_int_equal(fclose(to), 0);
}

static void test_defaults_when_unset_or_empty(void **state)
{
	struct settings settings;

	(void)state;
	setenv("T_TTL_MS", "", 1);
	check_loads(&settings);
	assert_int_equal(settings.ttl_ms, 50);
	assert_false(settings.verbose);
	assert_null(settings.url);
	assert_null(settings.token);
	assert_int_equal(settings.color, 1);
	config_done(&table, &settings);
}

static void test_values_are_read(void **state)
{
	struct settings settings;

	(void)state;
	setenv("T_TTL_MS", "1000", 1);
	setenv("T_VERBOSE", "Yes", 1);
	setenv("T_URL", "abc", 1);
	setenv("T_TOKEN", "secret", 1);
	setenv("T_COLOR", "red", 1);
	check_loads(&settings);
	assert_int_equal(settings.ttl_ms, 1000);
	assert_true(settings.verbose);
	assert_string_equal(settings.url, "abc");
	assert_string_equal(settings.token, "secret");
	assert_int_equal(settings.color, 0);
	config_done(&table, &settings);
	assert_null(settings.token);
	config_done(&table, &settings);
}

static void test_every_fault_is_one_line_and_secrets_stay_secret(void **state)
{
	(void)state;
	setenv("T_TTL_MS", "1001", 1);
	setenv("T_VERBOSE", "may\nbe", 1);
	setenv("T_URL", "ab", 1);
	setenv("T_TOKEN", "hunter2hunter2hunter2", 1);
	setenv("T_COLOR", "blue", 1);
	check_refused("T_TTL_MS: \"1001\" is not a whole number from 0 to 1000 (ms)\n"
	              "T_VERBOSE: \"may\\nbe\" is not true or false (or yes/no, on/off, 1/0)\n"
	              "T_URL: has 2 bytes, allowed are 3 to 20 bytes\n"
	              "T_TOKEN: has 21 bytes, allowed are 4 to 16 bytes\n"
	              "T_COLOR: \"blue\" is not one of red, green\n");
}

static void test_a_text_may_have_a_check_of_its_own(void **state)
{
	struct settings settings;

	(void)state;
	setenv("T_URL", "nowhere", 1);
	setenv("T_TOKEN", "nowhere", 1);
	check_refused("T_URL: \"nowhere\" is not a place\n"
	              "T_TOKEN: it is not a place\n");
	setenv("T_URL", "somewhere", 1);
	setenv("T_TOKEN", "somewhere", 1);
	check_loads(&settings);
	assert_string_equal(settings.url, "somewhere");
	config_done(&table, &settings);
}

static void test_a_good_string_is_freed_when_another_setting_is_bad(void **state)
{
	(void)state;
	setenv("T_URL", "good", 1);
	setenv("T_TOKEN", "good", 1);
	setenv("T_TTL_MS", "5s", 1);
	check_refused("T_TTL_MS: \"5s\" is not a whole number from 0 to 1000 (ms)\n");
}

static void test_a_secret_comes_from_a_file(void **state)
{
	char path[] = "/tmp/cinesync-test-XXXXXX";
	struct settings settings;

	(void)state;
	close(mkstemp(path));
	setenv("T_TOKEN_FILE", path, 1);
	write_file(path, "from file\n\n", 11);
	check_loads(&settings);
	assert_string_equal(settings.token, "from file\n");
	config_done(&table, &settings);
	write_file(path, "0123456789abcdef\n", 17);
	check_loads(&settings);
	assert_string_equal(settings.token, "0123456789abcdef");
	config_done(&table, &settings);
	unlink(path);
}

static void check_refused_file(const char *path, const char *why)
{
	struct buf expected CLEANUP(buf_done);

	buf_init(&expected, 1000);
	buf_addf(&expected, "T_TOKEN_FILE: \"%s\": %s\n", path, why);
	check_refused(buf_str(&expected).data);
}

static void test_bad_secret_files(void **state)
{
	char path[] = "/tmp/cinesync-test-XXXXXX";

	(void)state;
	close(mkstemp(path));
	setenv("T_TOKEN_FILE", path, 1);
	write_file(path, "0123456789abcdefg\n", 18);
	check_refused("T_TOKEN: has 17 bytes, allowed are 4 to 16 bytes\n");
	write_file(path, "ab\0cd", 5);
	check_refused_file(path, "the file holds a NUL byte");
	unlink(path);
	setenv("T_TOKEN_FILE", "/nonexistent/x", 1);
	check_refused("T_TOKEN_FILE: \"/nonexistent/x\": No such file or directory\n");
	setenv("T_TOKEN_FILE", "/", 1);
	check_refused("T_TOKEN_FILE: \"/\": Is a directory\n");
	setenv("T_TOKEN_FILE", "/dev/null", 1);
	check_refused("T_TOKEN_FILE: \"/dev/null\": the file is empty\n");
	setenv("T_TOKEN", "also", 1);
	check_refused("T_TOKEN: set it or T_TOKEN_FILE, not both\n");
}

static char *printed(void (*print)(const struct config_table *, FILE *))
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	assert_non_null(to);
	print(&table, to);
	assert_int_equal(fclose(to), 0);
	return text;
}

static void test_help(void **state)
{
	char *text = printed(config_print_help);

	(void)state;
	assert_non_null(strstr(text,
	                       "Test settings\n\n  T_TTL_MS\n        integer 0..1000 ms; default: 50\n"
	                       "        How long an answer stays fresh. This prose is long enough to be wrapped once "
	                       "when it is\n        printed by --help.\n"));
	assert_non_null(strstr(text, "  T_TOKEN\n        secret, or a file named by T_TOKEN_FILE; default: unset\n"));
	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		assert_true(strchr(line, '\n') - line <= 100);
	free(text);
}

static void test_markdown(void **state)
{
	char *text = printed(config_print_markdown);

	(void)state;
	assert_non_null(strstr(text, "\n| `T_VERBOSE` | true or false | unset | Says more \\| less. |\n"));
	assert_non_null(strstr(text, "\n| `T_COLOR` | red \\| green | `green` | Hue. |\n"));
	free(text);
}

static void test_out_of_memory(void **state)
{
	struct settings settings;
	struct buf error CLEANUP(buf_done);

	(void)state;
	buf_init(&error, 1000);
	setenv("T_URL", "abc", 1);
	setenv("T_TOKEN", "secret", 1);
	fault_set("alloc:2");
	assert_int_equal(config_load(&table, &settings, &error), -ENOMEM);
	fault_set(NULL);
	assert_string_equal(buf_str(&error).data, "T_TOKEN: out of memory\n");
	assert_null(settings.url);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_defaults_when_unset_or_empty, unset_all),
		cmocka_unit_test_setup(test_values_are_read, unset_all),
		cmocka_unit_test_setup(test_every_fault_is_one_line_and_secrets_stay_secret, unset_all),
		cmocka_unit_test_setup(test_a_text_may_have_a_check_of_its_own, unset_all),
		cmocka_unit_test_setup(test_a_good_string_is_freed_when_another_setting_is_bad, unset_all),
		cmocka_unit_test_setup(test_a_secret_comes_from_a_file, unset_all),
		cmocka_unit_test_setup(test_bad_secret_files, unset_all),
		cmocka_unit_test_setup(test_help, unset_all),
		cmocka_unit_test_setup(test_markdown, unset_all),
		cmocka_unit_test_setup(test_out_of_memory, unset_all),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
