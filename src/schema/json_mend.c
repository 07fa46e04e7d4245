/* Makes readable what RFC 8259 allows and jansson does not take: numbers that no double or 64-bit integer holds, halves
 * of surrogate pairs, U+0000 in names. Works in place on a copy, since everything it writes is no longer than what it
 * replaces. Only called when jansson has refused a text. Never yields. */
#include "schema/json_mend.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* "\uXXXX" at `at`: its value, else -1. */
static long escape_at(const char *text, size_t len, size_t at)
{
	char digits[5] = { 0 };
	char *end;
	long value;

	if (at + 6 > len || text[at] != '\\' || text[at + 1] != 'u')
		return -1;
	memcpy(digits, text + at + 2, 4);
	if (strspn(digits, "0123456789abcdefABCDEF") != 4)
		return -1;
	value = strtol(digits, &end, 16);
	return *end ? -1 : value;
}

static bool is_high(long unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(long unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* Mends the escape at `at`; gives the bytes to move on. */
static size_t mend_escape(char *text, size_t len, size_t at)
{
	long unit = escape_at(text, len, at);

	if (unit < 0)
		return 2;
	if (is_high(unit) && is_low(escape_at(text, len, at + 6)))
		return 12;
	if (is_high(unit) || is_low(unit))
		memcpy(text + at, "\\ufffd", 6);
	else if (unit == 0)
		memcpy(text + at, "\\u0020", 6);
	return 6;
}

/* The bytes of the string literal at `at`, quotes included. */
static size_t mend_string(char *text, size_t len, size_t at)
{
	size_t i = at + 1;

	while (i < len && text[i] != '"')
		i += text[i] == '\\' ? mend_escape(text, len, i) : 1;
	return MIN(i + 1, len) - at;
}

/* The text has a NUL at its end. */
static bool is_out_of_range(const char *number, size_t n)
{
	char *end;
	double value;

	errno = 0;
	if (!memchr(number, '.', n) && !memchr(number, 'e', n) && !memchr(number, 'E', n)) {
		(void)strtoll(number, &end, 10);
		return errno == ERANGE && end == number + n;
	}
	value = strtod(number, &end);
	return isinf(value) && end == number + n;
}

static size_t mend_number(char *text, size_t at)
{
	size_t n = strspn(text + at, "0123456789+-.eE");

	if (n >= 4 && is_out_of_range(text + at, n)) {
		memset(text + at, ' ', n);
		memcpy(text + at, "null", 4);
	}
	return n;
}

char *json_mend(struct str text)
{
	char *copy = malloc(text.len + 1);
	size_t at = 0;

	if (!copy)
		return NULL;
	memcpy(copy, text.data ? text.data : "", text.len);
	copy[text.len] = '\0';
	while (at < text.len) {
		char c = copy[at];

		if (c == '"')
			at += mend_string(copy, text.len, at);
		else if (c == '-' || (c >= '0' && c <= '9'))
			at += mend_number(copy, at);
		else
			at++;
	}
	return copy;
}
