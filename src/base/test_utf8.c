/* UTF-8: what RFC 3629 allows, and nothing else. */
#include "base/utf8.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_every_scalar_value_survives_a_round_trip(void **state)
{
	(void)state;
	for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
		char bytes[4];
		struct str s = { bytes, 0 };
		uint32_t back = UINT32_MAX;
		size_t pos = 0;

		if (cp == 0xd800)
			cp = 0xe000;
		s.len = utf8_encode(cp, bytes);
		assert_int_equal(utf8_next(s, &pos, &back), 0);
		assert_int_equal(back, cp);
		assert_int_equal(pos, s.len);
		assert_true(utf8_is_valid(s));
		assert_int_equal(utf8_length(s), 1);
	}
}

static void test_refuses_what_is_not_utf8(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xff",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xc3",
		"\xe2\x82",
		"\xf0\x9f\x98",
		"\xe2\x28\xa1",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"a\xc3(",
		"\xf0\x28\x8c\xbc",
		"\xfe",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(utf8_is_valid(str_from(bad[i])));
	assert_true(utf8_is_valid(STR("")));
	assert_true(utf8_is_valid(STR_NULL));
	assert_true(utf8_is_valid(STR("a\0\xf4\x8f\xbf\xbf")));
}

/* Text is looked at by eight bytes while it is ASCII. */
static void test_it_sees_every_place_of_a_longer_text(void **state)
{
	char text[24];

	(void)state;
	for (size_t len = 2; len <= sizeof(text); len++) {
		memset(text, 'a', sizeof(text));
		assert_true(utf8_is_valid((struct str){ text, len }));
		for (size_t i = 0; i < len; i++) {
			text[i] = '\xc3';
			assert_false(utf8_is_valid((struct str){ text, len }));
			if (i + 1 < len) {
				text[i + 1] = '\xa9';
				assert_true(utf8_is_valid((struct str){ text, len }));
				text[i + 1] = 'a';
			}
			text[i] = 'a';
		}
	}
}

static void test_next_moves_one_byte_past_a_bad_one(void **state)
{
	struct str s = STR("\xe2\x82z");
	size_t pos = 0;
	uint32_t cp = 1;

	(void)state;
	assert_int_equal(utf8_next(s, &pos, &cp), -EILSEQ);
	assert_int_equal(utf8_next(s, &pos, &cp), -EILSEQ);
	assert_int_equal(cp, 1);
	assert_int_equal(utf8_next(s, &pos, &cp), 0);
	assert_int_equal(cp, 'z');
	assert_int_equal(utf8_next(s, &pos, &cp), -ENODATA);
}

static void test_length_counts_code_points(void **state)
{
	(void)state;
	assert_int_equal(utf8_length(STR("Amélie \xf0\x9f\x8e\xac")), 8);
	assert_int_equal(utf8_length(STR_NULL), 0);
}

static void test_controls_are_found(void **state)
{
	(void)state;
	assert_true(utf8_has_control(STR("a\0b")));
	assert_true(utf8_has_control(STR("a\n")));
	assert_true(utf8_has_control(STR("\x7f")));
	assert_true(utf8_has_control(STR("\xc2\x85")));
	assert_false(utf8_has_control(STR("\xc2\xa0 Amélie \xc3\x80")));
	assert_false(utf8_has_control(STR_NULL));
}

static void test_cut_is_between_characters(void **state)
{
	struct str s = STR("aé€😀"); /* 1, 2, 3 and 4 bytes */
	static const size_t want[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };

	(void)state;
	for (size_t max = 0; max < ARRAY_SIZE(want); max++)
		assert_int_equal(utf8_cut(s, max), want[max]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_scalar_value_survives_a_round_trip),
		cmocka_unit_test(test_refuses_what_is_not_utf8),
		cmocka_unit_test(test_it_sees_every_place_of_a_longer_text),
		cmocka_unit_test(test_next_moves_one_byte_past_a_bad_one),
		cmocka_unit_test(test_length_counts_code_points),
		cmocka_unit_test(test_controls_are_found),
		cmocka_unit_test(test_cut_is_between_characters),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
