/* One-time passwords by the vectors of RFC 6238, and recovery codes. */
#include "user/totp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const uint8_t rfc_secret[TOTP_SECRET_SIZE] = "12345678901234567890";

/* RFC 6238, appendix B, SHA-1: the last six of its eight digits. */
static const struct {
	int64_t at_s;
	const char *code;
} vectors[] = {
	{ 59, "287082" },         { 1111111109, "081804" }, { 1111111111, "050471" },
	{ 1234567890, "005924" }, { 2000000000, "279037" }, { 20000000000, "353130" },
};

static void vectors_of_the_rfc(void **state)
{
	int64_t step;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		step = -1;
		assert_int_equal(totp_check(rfc_secret, str_from(vectors[i].code), vectors[i].at_s, &step), 0);
		assert_int_equal(step, vectors[i].at_s / TOTP_STEP_S);
	}
}

static void a_step_early_or_late_and_no_more(void **state)
{
	const int64_t at_s = 1234567890 / TOTP_STEP_S * TOTP_STEP_S;
	const struct str code = STR("005924");
	int64_t step;

	(void)state;
	assert_int_equal(totp_check(rfc_secret, code, at_s - TOTP_STEP_S, &step), 0);
	assert_int_equal(step, at_s / TOTP_STEP_S); /* the code's, not the clock's */
	assert_int_equal(totp_check(rfc_secret, code, at_s + 2 * TOTP_STEP_S - 1, &step), 0);
	assert_int_equal(step, at_s / TOTP_STEP_S);
	assert_int_equal(totp_check(rfc_secret, code, at_s - TOTP_STEP_S - 1, &step), -EACCES);
	assert_int_equal(totp_check(rfc_secret, code, at_s + 2 * TOTP_STEP_S, &step), -EACCES);
}

static void what_is_no_code(void **state)
{
	static const char *const wrong[] = { "", "005925", "05924", "0005924", "00592a", " 05924", "-05924", "+05924" };
	const struct str with_nul = { "0059\0004", 6 };
	int64_t step;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(totp_check(rfc_secret, str_from(wrong[i]), 1234567890, &step), -EACCES);
	assert_int_equal(totp_check(rfc_secret, with_nul, 1234567890, &step), -EACCES);
}

static void what_authenticators_are_given(void **state)
{
	struct buf uri CLEANUP(buf_done);
	char text[TOTP_SECRET_TEXT_SIZE];

	(void)state;
	assert_int_equal(totp_secret_text(rfc_secret, text), 0);
	assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
	buf_init(&uri, 1024);
	assert_int_equal(totp_uri_write(&uri, text, STR("ada+x@example.org")), 0);
	assert_string_equal(buf_str(&uri).data,
	                    "otpauth://totp/CineSync:ada%2Bx%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	                    "&issuer=CineSync&algorithm=SHA1&digits=6&period=30");
}

static void recovery_codes_as_they_are_typed(void **state)
{
	static const char *const right[] = { "abcde-fghjk", "ABCDE-FGHJK", "abcdefghjk", " abc de fghjk ",
		                             "ab-cdefg-hjk" };
	static const char *const wrong[] = { "",           "abcde-fghj", "abcde-fghjkm", "abcde-fghj0", "abcde-fghjl",
		                             "abcde_fghjk" };
	char code[RECOVERY_CODE_SIZE], other[RECOVERY_CODE_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		assert_int_equal(recovery_code_parse(str_from(right[i]), code), 0);
		assert_string_equal(code, "abcde-fghjk");
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(recovery_code_parse(str_from(wrong[i]), code), -EINVAL);
	recovery_code_make(code);
	assert_int_equal(recovery_code_parse(str_from(code), other), 0);
	assert_string_equal(code, other);
	recovery_code_make(other);
	assert_string_not_equal(code, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_the_rfc),
		cmocka_unit_test(a_step_early_or_late_and_no_more),
		cmocka_unit_test(what_is_no_code),
		cmocka_unit_test(what_authenticators_are_given),
		cmocka_unit_test(recovery_codes_as_they_are_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
