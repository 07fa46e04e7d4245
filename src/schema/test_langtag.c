/* Language tags, many of them from RFC 5646 appendix A. */
#include "schema/langtag.h"

#include "schema/testing.h"

static void test_well_formed(void **state)
{
	static const char *const good[] = {
		"en",
		"EN",
		"fr",
		"kok",
		"qaaa",
		"abcdefgh",
		"zh-Hant",
		"zh-Hans-CN",
		"sr-Latn-RS",
		"en-US",
		"en-us",
		"es-419",
		"zh-cmn-Hans-CN",
		"zh-yue-HK",
		"sl-rozaj",
		"sl-rozaj-biske",
		"de-CH-1901",
		"sl-IT-nedis",
		"hy-Latn-IT-arevela",
		"de-CH-x-phonebk",
		"az-Arab-x-AZE-derbend",
		"x-whatever",
		"x-a-b-c",
		"qaa-Qaaa-QM-x-southern",
		"en-US-u-islamcal",
		"zh-CN-a-myext-x-private",
		"en-a-myext-b-another",
		"en-0-ab",
		"de-1996",
		"X-Klingon",
		"zh-aaa-bbb-ccc",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!langtag_is_well_formed(str_from(good[i])))
			fail_msg("%s", good[i]);
}

static void test_not_well_formed(void **state)
{
	static const char *const bad[] = {
		"",
		"-",
		"e",
		"en-",
		"-en",
		"en--US",
		"en_US",
		"en US",
		" en",
		"en ",
		"abcdefghi",
		"e1",
		"12",
		"de-419-DE",
		"a-DE",
		"en-x",
		"x",
		"x-",
		"en-a",
		"en-a-x-b",
		"en-u-",
		"en-US-Latn",
		"zh-aaa-bbb-ccc-ddd",
		"en-abcdefghi",
		"en-19",
		"i-default",
		"ру",
		"en-\xff",
		"en-*",
		"*",
		"en,fr",
		"en;q=1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (langtag_is_well_formed(str_from(bad[i])))
			fail_msg("%s", bad[i]);
	assert_false(langtag_is_well_formed(STR_NULL));
	assert_false(langtag_is_well_formed(BYTES("en\0")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_well_formed),
		cmocka_unit_test(test_not_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
