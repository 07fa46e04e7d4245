/* Strings with a length: comparing, cutting, numbers. Owns nothing, allocates nothing, never yields. */
#include "base/str.h"

#include <errno.h>

static unsigned char lower_ascii(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool str_equal(struct str a, struct str b)
{
	if (!a.data || !b.data)
		return !a.data && !b.data;
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

bool str_equal_nocase(struct str a, struct str b)
{
	if (!a.data || !b.data)
		return !a.data && !b.data;
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower_ascii(a.data[i]) != lower_ascii(b.data[i]))
			return false;
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.data && prefix.data && s.len >= prefix.len && memcmp(s.data, prefix.data, prefix.len) == 0;
}

bool str_ends(struct str s, struct str suffix)
{
	return s.data && suffix.data && s.len >= suffix.len &&
	       memcmp(s.data + (s.len - suffix.len), suffix.data, suffix.len) == 0;
}

ptrdiff_t str_index(struct str s, char c, size_t from)
{
	const char *found;

	if (!s.data || from >= s.len)
		return -1;
	found = memchr(s.data + from, c, s.len - from);
	return found ? found - s.data : -1;
}

struct str str_slice(struct str s, size_t from, size_t to)
{
	if (!s.data)
		return STR_NULL;
	to = MIN(to, s.len);
	from = MIN(from, to);
	return (struct str){ s.data + from, to - from };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	size_t from = 0, to = s.len;

	while (from < to && is_blank(s.data[from]))
		from++;
	while (to > from && is_blank(s.data[to - 1]))
		to--;
	return str_slice(s, from, to);
}

static bool is_decimal(struct str digits)
{
	if (digits.len == 0 || (digits.len > 1 && digits.data[0] == '0'))
		return false;
	for (size_t i = 0; i < digits.len; i++)
		if (digits.data[i] < '0' || digits.data[i] > '9')
			return false;
	return true;
}

int str_to_int64(struct str s, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = s.len > 0 && s.data[0] == '-';
	struct str digits = str_slice(s, negative ? 1 : 0, s.len);
	int64_t value = 0;

	if (!is_decimal(digits))
		return -EINVAL;
	for (size_t i = 0; i < digits.len; i++) {
		int digit = digits.data[i] - '0';

		/* Built below zero, where INT64_MIN has room. */
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, digit, &value))
			return -ERANGE;
	}
	if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
		return -ERANGE;
	if (value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}
