/* Language tags: canonical case, and what an Accept-Language prefers. */
#include "movie/language.h"

#include "movie/question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena *arena;

static int arena_before(void **state)
{
	(void)state;
	return arena_new((size_t)1 << 16, &arena);
}

static int arena_after(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void assert_canonical(const char *tag, const char *expected)
{
	struct str canonical;

	assert_int_equal(language_canonical(str_from(tag), arena, &canonical), 0);
	assert_string_equal(canonical.data, expected);
	assert_int_equal(canonical.len, strlen(expected));
}

/* RFC 5646 section 2.1.1. */
static void test_canonical_case(void **state)
{
	(void)state;
	assert_canonical("EN", "en");
	assert_canonical("mn-cYRL-mn", "mn-Cyrl-MN");
	assert_canonical("MN-CYRL-MN", "mn-Cyrl-MN");
	assert_canonical("ZH-hant-tw", "zh-Hant-TW");
	assert_canonical("es-419", "es-419");
	assert_canonical("DE-ch-1996", "de-CH-1996");
	assert_canonical("de-1901", "de-1901");
	assert_canonical("SL-Rozaj-BISKE", "sl-rozaj-biske");
	assert_canonical("zh-CMN-hans-cn", "zh-cmn-Hans-CN");
	assert_canonical("EN-ca-X-CA", "en-CA-x-ca");
	assert_canonical("AZ-latn-X-Latn", "az-Latn-x-latn");
	assert_canonical("de-DE-U-CO-PHONEBK", "de-DE-u-co-phonebk");
	assert_canonical("X-WHATEVER-US", "x-whatever-us");
}

static void test_no_language_stays_none(void **state)
{
	struct str canonical = STR("x");

	(void)state;
	assert_int_equal(language_canonical(STR_NULL, arena, &canonical), 0);
	assert_true(str_is_null(canonical));
}

static void assert_preferred(const char *header, const char *expected)
{
	struct str tag = question_accept_language(str_from(header), arena);

	if (!str_equal(tag, str_from(expected)))
		fail_msg("%s: %.*s", header ? header : "no header", STR_ARGS(tag));
}

static void test_the_greatest_weight_wins(void **state)
{
	(void)state;
	assert_preferred("de", "de");
	assert_preferred("da, en-gb;q=0.8, en;q=0.7", "da");
	assert_preferred("en;q=0.7,en-gb;q=0.8,fr;q=0.75", "en-GB");
	assert_preferred("fr ; q=0.001 , ru\t;\tQ=0.002", "ru");
	assert_preferred("en;q=0.9, PT-br", "pt-BR");
	assert_preferred("de;q=1.000,fr", "de");
}

static void test_the_first_of_equal_weights_wins(void **state)
{
	(void)state;
	assert_preferred("fr,de", "fr");
	assert_preferred("en;q=0.5,fr;q=0.5,de;q=0.500", "en");
}

static void test_excluded_and_any_language_name_none(void **state)
{
	(void)state;
	assert_preferred("", NULL);
	assert_preferred(NULL, NULL);
	assert_preferred("*", NULL);
	assert_preferred("de;q=0, fr;q=0.000", NULL);
	assert_preferred("*;q=1, de;q=0.1", "de");
}

static void test_malformed_parts_are_passed_over(void **state)
{
	static const char *const malformed[] = { "de;q=2",     "de;q=1.001", "de;q=-1",   "de;q=0.1234", "de;q=.5",
		                                 "de;q=",      "de;q",       "de;x=1",    "de;q=0.5;x",  "de;q=0,5;",
		                                 "d",          "de_DE",      "de-",       "-de",         "de--DE",
		                                 "abcdefghij", "de DE",      "de;q=1e-1", ";q=1",        "de;q=0x1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++)
		if (!str_is_null(question_accept_language(str_from(malformed[i]), arena)))
			fail_msg("%s", malformed[i]);
	assert_preferred(",, ,de;q=9,,fr;q=0.1,", "fr");
	assert_preferred("en-us-x-abcdefgh-abcdefgh-abcdefgh-abcdefgh, fr;q=0.1", "fr");
}

static void test_no_more_than_32_ranges_are_looked_at(void **state)
{
	struct buf header CLEANUP(buf_done);

	(void)state;
	buf_init(&header, 1 << 16);
	for (int i = 0; i < 31; i++)
		buf_adds(&header, "*,");
	buf_adds(&header, "de;q=0.1,fr");
	assert_preferred(buf_str(&header).data, "de");
}

#define LANGUAGE_TEST(f) cmocka_unit_test_setup_teardown(f, arena_before, arena_after)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LANGUAGE_TEST(test_canonical_case),
		LANGUAGE_TEST(test_no_language_stays_none),
		LANGUAGE_TEST(test_the_greatest_weight_wins),
		LANGUAGE_TEST(test_the_first_of_equal_weights_wins),
		LANGUAGE_TEST(test_excluded_and_any_language_name_none),
		LANGUAGE_TEST(test_malformed_parts_are_passed_over),
		LANGUAGE_TEST(test_no_more_than_32_ranges_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
