/* Log lines: whatever goes in, one valid JSON object a line comes out. */
#include "base/log.h"

#include "base/buf.h"
#include "base/context.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LINE_SIZE_MAX 8192

/* A pipe that lines go to, big enough for a test to write first and read then. */
static int pipe_fds[2];

static int setup(void **state)
{
	(void)state;
	if (pipe(pipe_fds) < 0 || fcntl(pipe_fds[1], F_SETPIPE_SZ, 1 << 20) < 0)
		return -1;
	log_init("test", LOG_DEBUG, pipe_fds[1]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	context_current = NULL;
	return 0;
}

/* The one line that was written, parsed strictly. */
static json_t *read_line(void)
{
	static char line[LINE_SIZE_MAX * 2];
	ssize_t n = read(pipe_fds[0], line, sizeof(line));
	json_error_t error;
	json_t *json;

	assert_in_range(n, 2, LINE_SIZE_MAX);
	assert_ptr_equal(memchr(line, '\n', (size_t)n), line + n - 1);
	json = json_loadb(line, (size_t)n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!json)
		fail_msg("%s in: %.*s", error.text, (int)n, line);
	return json;
}

static const char *text_of(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text ? text : "";
}

static void test_a_line_has_what_it_should(void **state)
{
	json_t *json;

	(void)state;
	log_info("user registered", LOG_STR("user_id", "u1"), LOG_INT("attempt", -2), LOG_DOUBLE("took", 0.5),
	         LOG_BOOL("first", true), LOG_STR("none", NULL), LOG_ERR(-ENOENT));
	json = read_line();
	assert_int_equal(strlen(text_of(json, "time")), 24);
	assert_string_equal(text_of(json, "level"), "info");
	assert_string_equal(text_of(json, "service"), "test");
	assert_string_equal(text_of(json, "message"), "user registered");
	assert_string_equal(text_of(json, "user_id"), "u1");
	assert_int_equal(json_integer_value(json_object_get(json, "attempt")), -2);
	assert_true(json_real_value(json_object_get(json, "took")) == 0.5);
	assert_true(json_is_true(json_object_get(json, "first")));
	assert_true(json_is_null(json_object_get(json, "none")));
	assert_string_equal(text_of(json, "error"), "ENOENT");
	assert_null(json_object_get(json, "trace_id"));
	json_decref(json);
}

static void test_the_trace_is_in_it(void **state)
{
	struct context context = { .trace_id = "4bf92f3577b34da6a3ce929d0e0e4736", .span_id = "00f067aa0ba902b7" };
	json_t *json;

	(void)state;
	context_current = &context;
	log_warning("m");
	context_current = NULL;
	json = read_line();
	assert_string_equal(text_of(json, "trace_id"), context.trace_id);
	assert_string_equal(text_of(json, "span_id"), context.span_id);
	json_decref(json);
}

static void test_lines_below_the_level_are_not_written(void **state)
{
	json_t *json;

	(void)state;
	log_set_level(LOG_ERROR);
	log_warning("no");
	log_alert("yes");
	json = read_line();
	assert_string_equal(text_of(json, "message"), "yes");
	json_decref(json);
}

static void test_a_module_has_a_level_of_its_own(void **state)
{
	struct log_module modules[LOG_MODULES_MAX];
	json_t *json;

	(void)state;
	assert_int_equal(log_modules(modules), 1); /* of this program's call sites */
	assert_string_equal(modules[0].name, "base");
	assert_false(modules[0].is_own);
	log_set_level(LOG_ERROR);
	assert_int_equal(log_set_module_level(STR("base"), LOG_INFO), 0);
	assert_int_equal(log_set_module_level(STR("nobody"), LOG_INFO), -ENOENT);
	assert_true(log_enabled(LOG_INFO) && !log_enabled(LOG_DEBUG));
	log_debug("no");
	log_info("own");
	json = read_line();
	assert_string_equal(text_of(json, "message"), "own");
	json_decref(json);
	log_modules(modules);
	assert_true(modules[0].is_own && modules[0].level == LOG_INFO && log_get_level() == LOG_ERROR);
	log_set_debug(true);
	log_debug("all");
	json = read_line();
	assert_string_equal(text_of(json, "message"), "all");
	json_decref(json);
	log_set_debug(false);
	assert_int_equal(log_unset_module_level(STR("base")), 0);
	log_info("no");
	log_each(LOG_INFO, "no");
	log_error("as all");
	json = read_line();
	assert_string_equal(text_of(json, "message"), "as all");
	json_decref(json);
}

/* How many lines came with that message; "lines" of the one that tells of what was left out, if there is one. */
static size_t lines_of(const char *message, size_t *ret_left_out)
{
	static char text[1 << 20];
	ssize_t n = read(pipe_fds[0], text, sizeof(text) - 1);
	size_t lines = 0;
	char *rest;

	*ret_left_out = 0;
	text[MAX(n, (ssize_t)0)] = '\0';
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		assert_non_null(json);
		lines += strcmp(text_of(json, "message"), message) == 0;
		if (strcmp(text_of(json, "message"), "repeated log line left out") == 0) {
			assert_string_equal(text_of(json, "repeated"), message);
			assert_string_equal(text_of(json, "module"), "base");
			*ret_left_out += (size_t)json_integer_value(json_object_get(json, "lines"));
		}
		json_decref(json);
	}
	return lines;
}

static void says_often(size_t times)
{
	for (size_t i = 0; i < times; i++)
		log_warning("again", LOG_INT("i", i));
}

static void test_what_repeats_is_left_out_and_counted(void **state)
{
	size_t left_out;

	(void)state;
	log_set_repeats_max(3);
	says_often(10);
	log_warning("another place"); /* has a count of its own */
	assert_int_equal(lines_of("again", &left_out), 3);
	assert_int_equal(left_out, 0);
	log_repeats_tell(false); /* its minute is not over */
	log_repeats_tell(true);
	says_often(2);
	log_repeats_tell(true);
	assert_int_equal(lines_of("again", &left_out), 2);
	assert_int_equal(left_out, 7);
	for (int i = 0; i < 5; i++)
		log_each(LOG_INFO, "each");
	assert_int_equal(lines_of("each", &left_out), 5);
	log_set_repeats_max(0);
	says_often(10);
	assert_int_equal(lines_of("again", &left_out), 10);
}

enum { STORM = 2000, STORM_THREADS = 4, STORM_MAX = 100 };

static void *storms(void *arg)
{
	says_often(STORM);
	return arg;
}

static void test_no_count_is_lost_between_threads(void **state)
{
	pthread_t threads[STORM_THREADS];
	size_t written, left_out;

	(void)state;
	log_repeats_tell(true);
	log_set_repeats_max(STORM_MAX);
	for (size_t i = 0; i < STORM_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, storms, NULL), 0);
	for (size_t i = 0; i < STORM_THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	log_repeats_tell(true);
	log_set_repeats_max(0);
	written = lines_of("again", &left_out);
	assert_int_equal(written + left_out, STORM * STORM_THREADS);
	assert_true(written <= STORM_MAX + STORM_THREADS);
}

static void test_hostile_bytes_stay_json(void **state)
{
	(void)state;
	for (int round = 0; round < 500; round++) {
		char bytes[4][64];
		size_t len = (size_t)random_below(64);

		random_fill(bytes, sizeof(bytes));
		for (size_t i = 0; i < 3; i++)
			bytes[i][63] = '\0';
		bytes[1][0] = 'n';
		bytes[1][1] = '1';
		log_error(bytes[0], LOG_STR(bytes[1], bytes[2]), LOG_STRN("raw", ((struct str){ bytes[3], len })));
		json_decref(read_line());
	}
	log_error("\",\"level\":\"x\"}\n{\"a\":\"", LOG_STR("\"}\n", "\\\"\x80"));
	json_decref(read_line());
}

static void test_long_fields_are_cut_and_the_rest_stays(void **state)
{
	static char message[20000], text[20000];
	json_t *json;

	(void)state;
	memset(message, '\x01', sizeof(message) - 1);
	for (size_t i = 0; i < sizeof(text) - 2; i += 2) {
		text[i] = '\xc3';
		text[i + 1] = '\xa9';
	}
	log_error(message, LOG_STR("long", text), LOG_INT("after", 7), LOG_STR("gone", text), LOG_STR(text, "name"));
	json = read_line();
	assert_true(strlen(text_of(json, "message")) > 500);
	assert_true(strlen(text_of(json, "long")) > 500);
	assert_null(strstr(text_of(json, "long"), "\xef\xbf\xbd"));
	assert_int_equal(json_integer_value(json_object_get(json, "after")), 7);
	assert_true(json_is_true(json_object_get(json, "truncated")));
	json_decref(json);
}

static void test_any_amount_of_fields_fits(void **state)
{
	static char name[6000];

	(void)state;
	for (size_t len = 1; len < sizeof(name); len += 41) {
		char text[400] = { 0 };
		json_t *json;

		memset(name, 'n', len);
		memset(text, '"', len % sizeof(text));
		log_error("m", LOG_STR(name, text), LOG_STR("b", text), LOG_STR("c", text), LOG_STR("d", text),
		          LOG_STR("e", text), LOG_INT("f", len), LOG_STR("g", text), LOG_STR("h", text));
		json = read_line();
		assert_string_equal(text_of(json, "message"), "m");
		json_decref(json);
	}
}

#define THREADS 4
#define LINES 400

static void *write_lines(void *name)
{
	static char text[6000];

	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < LINES; i++)
		log_info("m", LOG_STR("who", name), LOG_STR("text", text));
	return NULL;
}

static void test_threads_do_not_mix_lines(void **state)
{
	pthread_t threads[THREADS];
	FILE *from = fdopen(dup(pipe_fds[0]), "r");
	char line[LINE_SIZE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, "w"), 0);
	for (size_t i = 0; i < (size_t)THREADS * LINES; i++) {
		json_t *json;

		assert_non_null(fgets(line, sizeof(line), from));
		json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(json);
		json_decref(json);
	}
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	(void)fclose(from);
}

static void test_error_names(void **state)
{
	(void)state;
	assert_string_equal(error_name(-ENOENT), "ENOENT");
	assert_string_equal(error_name(ECONNRESET), "ECONNRESET");
	assert_string_equal(error_name(0), "0");
	assert_string_equal(error_name(-4095), "E4095");
	assert_string_equal(error_name(INT32_MIN), "E2147483648");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_line_has_what_it_should, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_trace_is_in_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines_below_the_level_are_not_written, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_module_has_a_level_of_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_repeats_is_left_out_and_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_count_is_lost_between_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_bytes_stay_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_fields_are_cut_and_the_rest_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_any_amount_of_fields_fits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_threads_do_not_mix_lines, setup, teardown),
		cmocka_unit_test(test_error_names),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
