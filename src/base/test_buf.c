/* The growing buffer: its cap, its errors, its encoders. */
#include "base/buf.h"

#include "base/fault.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_buf(b, text)                               \
	do {                                              \
		assert_int_equal(buf_error(b), 0);        \
		assert_string_equal((b)->data, text);     \
		assert_int_equal((b)->len, strlen(text)); \
	} while (0)

static void test_grows_and_stays_terminated(void **state)
{
	struct buf b CLEANUP(buf_done);

	(void)state;
	buf_init(&b, 1 << 20);
	assert_string_equal(buf_str(&b).data, "");
	for (int i = 0; i < 100000; i++)
		buf_addc(&b, 'x');
	buf_addf(&b, "%d-%s", 42, "y");
	buf_add_str(&b, STR("z\0z"));
	assert_int_equal(buf_error(&b), 0);
	assert_int_equal(b.len, 100007);
	assert_memory_equal(b.data + 100000, "42-yz\0z", 8);
}

static void test_over_the_cap_adds_nothing_and_the_error_sticks(void **state)
{
	struct buf b CLEANUP(buf_done);

	(void)state;
	buf_init(&b, 8);
	buf_adds(&b, "12345678");
	assert_buf(&b, "12345678");
	buf_addc(&b, '9');
	assert_int_equal(buf_error(&b), -ENOBUFS);
	assert_true(str_equal(buf_str(&b), STR("12345678")));
	assert_null(buf_steal(&b, NULL));
	buf_reset(&b);
	buf_addf(&b, "%s", "123456789");
	buf_adds(&b, "1");
	assert_int_equal(buf_error(&b), -ENOBUFS);
	assert_int_equal(b.len, 0);
	buf_reset(&b);
	buf_adds(&b, "ok");
	assert_buf(&b, "ok");
}

static void test_steal_hands_over_the_data(void **state)
{
	struct buf b;
	size_t len = 99;
	char *text;

	(void)state;
	buf_init(&b, 100);
	buf_adds(&b, "mine");
	text = buf_steal(&b, &len);
	assert_string_equal(text, "mine");
	assert_int_equal(len, 4);
	free(text);
	text = buf_steal(&b, &len);
	assert_string_equal(text, "");
	assert_int_equal(len, 0);
	free(text);
	assert_null(b.data);
}

static void test_integers(void **state)
{
	struct buf b CLEANUP(buf_done);

	(void)state;
	buf_init(&b, 100);
	buf_add_int(&b, INT64_MIN);
	buf_addc(&b, ' ');
	buf_add_int(&b, INT64_MAX);
	buf_addc(&b, ' ');
	buf_add_int(&b, 0);
	assert_buf(&b, "-9223372036854775808 9223372036854775807 0");
}

static void check_double(double value, const char *text)
{
	struct buf b CLEANUP(buf_done);

	buf_init(&b, 100);
	buf_add_double(&b, value);
	assert_buf(&b, text);
}

static void test_doubles_are_short_and_exact(void **state)
{
	(void)state;
	check_double(7, "7");
	check_double(8.438, "8.438");
	check_double(0.1 + 0.2, "0.30000000000000004");
	check_double(-0.0, "-0");
	check_double(1e300, "1e+300");
	check_double(5e-324, "5e-324");
	check_double(DBL_MAX, "1.7976931348623157e+308");
	check_double(NAN, "null");
	check_double(-INFINITY, "null");
}

static void test_doubles_do_not_follow_the_locale(void **state)
{
	const char *comma = NULL;
	static const char *const names[] = { "ru_RU.UTF-8", "de_DE.UTF-8", "fr_FR.UTF-8", "C" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names) && !comma; i++)
		comma = setlocale(LC_NUMERIC, names[i]);
	check_double(1.5, "1.5");
	check_double(0.1, "0.1");
	(void)setlocale(LC_NUMERIC, "C");
}

static void check_json(struct str text, const char *json)
{
	struct buf b CLEANUP(buf_done);

	buf_init(&b, 1000);
	buf_add_json(&b, text);
	assert_buf(&b, json);
}

static void test_json_strings(void **state)
{
	(void)state;
	check_json(STR_NULL, "null");
	check_json(STR(""), "\"\"");
	check_json(STR("a\"b\\c/"), "\"a\\\"b\\\\c/\"");
	check_json(STR("\b\t\n\f\r\v\x1f\x7f"), "\"\\b\\t\\n\\f\\r\\u000b\\u001f\x7f\"");
	check_json(STR("a\0b"), "\"a\\u0000b\"");
	check_json(STR("Amélie \xf0\x9f\x8e\xac"), "\"Amélie \xf0\x9f\x8e\xac\"");
	check_json(STR("a\xff\xc3z"), "\"a\xef\xbf\xbd\xef\xbf\xbdz\"");
	check_json(STR("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void test_percent_html_hex(void **state)
{
	struct buf b CLEANUP(buf_done);

	(void)state;
	buf_init(&b, 1000);
	buf_add_percent(&b, STR("aZ0-._~ /&\xc3\xa9\0"));
	assert_buf(&b, "aZ0-._~%20%2F%26%C3%A9%00");
	buf_reset(&b);
	buf_add_html(&b, STR("<a href=\"x\">Tom & 'Jerry'</a>"));
	assert_buf(&b, "&lt;a href=&quot;x&quot;&gt;Tom &amp; &#39;Jerry&#39;&lt;/a&gt;");
	buf_reset(&b);
	buf_add_hex(&b, "\x00\xffJ", 3);
	assert_buf(&b, "00ff4a");
}

static void test_out_of_memory_sticks_and_keeps_what_was_there(void **state)
{
	struct buf b CLEANUP(buf_done);
	char big[100] = { 0 };

	(void)state;
	fault_set("alloc:2");
	buf_init(&b, 1000);
	buf_adds(&b, "kept");
	buf_add(&b, big, sizeof(big));
	buf_adds(&b, "more");
	fault_set(NULL);
	assert_int_equal(buf_error(&b), -ENOMEM);
	assert_string_equal(b.data, "kept");
}

static void test_written_into_directly(void **state UNUSED)
{
	struct buf b CLEANUP(buf_done);
	char *room;

	buf_init(&b, 10);
	buf_adds(&b, "abc");
	room = buf_reserve(&b, 7);
	assert_non_null(room);
	memcpy(room, "def", 3);
	buf_commit(&b, 3);
	assert_string_equal(buf_str(&b).data, "abcdef");
	assert_null(buf_reserve(&b, 5));
	assert_int_equal(buf_error(&b), -ENOBUFS);
	assert_null(buf_reserve(&b, 1));
	assert_string_equal(buf_str(&b).data, "abcdef");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_into_directly),
		cmocka_unit_test(test_grows_and_stays_terminated),
		cmocka_unit_test(test_over_the_cap_adds_nothing_and_the_error_sticks),
		cmocka_unit_test(test_steal_hands_over_the_data),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_doubles_are_short_and_exact),
		cmocka_unit_test(test_doubles_do_not_follow_the_locale),
		cmocka_unit_test(test_json_strings),
		cmocka_unit_test(test_percent_html_hex),
		cmocka_unit_test(test_out_of_memory_sticks_and_keeps_what_was_there),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
