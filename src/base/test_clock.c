/* Clocks and RFC 3339. */
#include "base/clock.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check_both_ways(int64_t real_ms, const char *text)
{
	char formatted[CLOCK_ISO8601_SIZE];
	int64_t parsed = 0;

	clock_format_iso8601(real_ms, formatted);
	assert_string_equal(formatted, text);
	assert_int_equal(clock_parse_iso8601(str_from(text), &parsed), 0);
	assert_true(parsed == real_ms);
}

static void test_known_times(void **state)
{
	(void)state;
	check_both_ways(0, "1970-01-01T00:00:00.000Z");
	check_both_ways(-1, "1969-12-31T23:59:59.999Z");
	check_both_ways(951782400123, "2000-02-29T00:00:00.123Z");
	check_both_ways(1795386242123, "2026-11-22T22:24:02.123Z");
	check_both_ways(-62167219200000, "0000-01-01T00:00:00.000Z");
	check_both_ways(253402300799999, "9999-12-31T23:59:59.999Z");
}

static void test_text_lives_in_the_arena(void **state)
{
	struct arena *a = NULL;
	struct str first, second;

	(void)state;
	assert_int_equal(arena_new(4096, &a), 0);
	assert_int_equal(clock_text(a, 951782400123, &first), 0);
	assert_int_equal(clock_text(a, 0, &second), 0);
	assert_true(str_equal(first, STR("2000-02-29T00:00:00.123Z")));
	assert_true(str_equal(second, STR("1970-01-01T00:00:00.000Z")));
	arena_free(&a);
}

static void test_every_day_of_four_centuries(void **state)
{
	int64_t last = -1;

	(void)state;
	for (int64_t day = 0; day < 146097; day++) {
		char text[CLOCK_ISO8601_SIZE];
		int64_t parsed;

		clock_format_iso8601(day * 86400000, text);
		assert_true(clock_date_is_valid((struct str){ text, 10 }));
		assert_int_equal(clock_parse_iso8601(str_from(text), &parsed), 0);
		assert_true(parsed == day * 86400000 && parsed > last);
		last = parsed;
	}
}

static void test_years_outside_are_clamped(void **state)
{
	char text[CLOCK_ISO8601_SIZE];

	(void)state;
	clock_format_iso8601(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	clock_format_iso8601(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00.000Z");
}

static void test_parse_offsets_fractions_leap_seconds(void **state)
{
	static const struct {
		const char *text;
		int64_t real_ms;
	} good[] = {
		{ "1970-01-01t00:00:00z", 0 },
		{ "1970-01-01T03:00:00+03:00", 0 },
		{ "1969-12-31T19:30:00-04:30", 0 },
		{ "1970-01-01T00:00:00.1Z", 100 },
		{ "1970-01-01T00:00:00.123999999999999999999999Z", 123 },
		{ "1990-12-31T23:59:60Z", 662688000000 },
		{ "1990-12-31T15:59:60-08:00", 662688000000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int64_t real_ms = -1;

		assert_int_equal(clock_parse_iso8601(str_from(good[i].text), &real_ms), 0);
		assert_true(real_ms == good[i].real_ms);
	}
}

static void test_parse_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"1970-01-01",
		"1970-01-01T00:00Z",
		"1970-01-01T00:00:00",
		"1970-01-01 00:00:00Z",
		"1970-01-01T24:00:00Z",
		"1970-01-01T00:60:00Z",
		"1970-01-01T00:00:61Z",
		"1970-01-01T12:00:60Z",
		"0000-01-01T00:30:60+01:00",
		"1970-02-29T00:00:00Z",
		"1970-00-01T00:00:00Z",
		"1970-13-01T00:00:00Z",
		"1970-01-01T00:00:00.Z",
		"1970-01-01T00:00:00+24:00",
		"1970-01-01T00:00:00+0100",
		"1970-01-01T00:00:00Zx",
		"-970-01-01T00:00:00Z",
	};
	int64_t real_ms = 5;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(clock_parse_iso8601(str_from(bad[i]), &real_ms), -EINVAL);
	assert_int_equal(clock_parse_iso8601(STR_NULL, &real_ms), -EINVAL);
	assert_int_equal(real_ms, 5);
}

static void test_dates(void **state)
{
	static const char *const bad[] = { "1900-02-29",  "2023-02-29", "2024-04-31", "2024-1-1",
		                           "2024-01-01 ", "2024/01/01", "",           "2024-01-00" };

	(void)state;
	assert_true(clock_date_is_valid(STR("2000-02-29")));
	assert_true(clock_date_is_valid(STR("2024-02-29")));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(clock_date_is_valid(str_from(bad[i])));
}

static void test_deadlines_saturate(void **state)
{
	int64_t now = clock_mono_ms();

	(void)state;
	assert_true(clock_deadline_in(1000) >= now + 1000 && clock_deadline_in(1000) < now + 60000);
	assert_true(clock_deadline_in(DEADLINE_NONE) == DEADLINE_NONE);
	assert_true(clock_mono_ns() / 1000 >= clock_mono_us() - 1000000);
	assert_true(clock_real_ms() > INT64_C(1700000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_times),
		cmocka_unit_test(test_text_lives_in_the_arena),
		cmocka_unit_test(test_every_day_of_four_centuries),
		cmocka_unit_test(test_years_outside_are_clamped),
		cmocka_unit_test(test_parse_offsets_fractions_leap_seconds),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_deadlines_saturate),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
