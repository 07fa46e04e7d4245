/* Codes, by liboath. */
#include "user/totp.h"

#include "base/random.h"

#include <errno.h>
#include <liboath/oath.h>
#include <stdlib.h>

#define ISSUER "CineSync"

/* Without what is easily taken for something else: 0 O, 1 l I. */
static const char alphabet[] = "23456789abcdefghjkmnpqrstuvwxyz";

static bool is_code(struct str code)
{
	if (code.len != TOTP_DIGITS)
		return false;
	for (size_t i = 0; i < code.len; i++)
		if (code.data[i] < '0' || code.data[i] > '9')
			return false;
	return true;
}

int totp_check(const uint8_t secret[TOTP_SECRET_SIZE], struct str code, int64_t now_s, int64_t *ret_step)
{
	char text[TOTP_DIGITS + 1];
	uint64_t step = 0;
	int position = 0, r;

	if (!is_code(code))
		return -EACCES;
	memcpy(text, code.data, TOTP_DIGITS);
	text[TOTP_DIGITS] = '\0';
	if (oath_init() != OATH_OK)
		return -EIO;
	r = oath_totp_validate3((const char *)secret, TOTP_SECRET_SIZE, (time_t)now_s, TOTP_STEP_S,
	                        OATH_TOTP_DEFAULT_START_TIME, 1, &position, &step, text);
	explicit_bzero(text, sizeof(text));
	if (r == OATH_INVALID_OTP)
		return -EACCES;
	if (r < 0)
		return r == OATH_MALLOC_ERROR ? -ENOMEM : -EIO;
	*ret_step = (int64_t)step;
	return 0;
}

int totp_secret_text(const uint8_t secret[TOTP_SECRET_SIZE], char ret[TOTP_SECRET_TEXT_SIZE])
{
	char *text = NULL;
	size_t len = 0;

	if (oath_base32_encode((const char *)secret, TOTP_SECRET_SIZE, &text, &len) != OATH_OK)
		return -ENOMEM;
	assert(len == TOTP_SECRET_TEXT_SIZE - 1);
	memcpy(ret, text, len);
	ret[len] = '\0';
	explicit_bzero(text, len);
	free(text);
	return 0;
}

int totp_uri_write(struct buf *out, const char *secret_text, struct str account)
{
	buf_adds(out, "otpauth://totp/" ISSUER ":");
	buf_add_percent(out, account);
	buf_addf(out, "?secret=%s&issuer=" ISSUER "&algorithm=SHA1&digits=%d&period=%d", secret_text, TOTP_DIGITS,
	         TOTP_STEP_S);
	return buf_error(out);
}

void recovery_code_make(char ret[RECOVERY_CODE_SIZE])
{
	for (size_t i = 0; i < RECOVERY_CODE_SIZE - 1; i++)
		ret[i] = i == 5 ? '-' : alphabet[random_below(sizeof(alphabet) - 1)];
	ret[RECOVERY_CODE_SIZE - 1] = '\0';
}

int recovery_code_parse(struct str typed, char ret[RECOVERY_CODE_SIZE])
{
	char code[RECOVERY_CODE_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < typed.len; i++) {
		char c = typed.data[i];

		if (c == ' ' || c == '-')
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (n == RECOVERY_CODE_SIZE - 1 || c == '\0' || !strchr(alphabet, c))
			return -EINVAL;
		code[n++] = c;
		if (n == 5)
			code[n++] = '-';
	}
	if (n != RECOVERY_CODE_SIZE - 1)
		return -EINVAL;
	code[n] = '\0';
	memcpy(ret, code, sizeof(code));
	explicit_bzero(code, sizeof(code));
	return 0;
}
