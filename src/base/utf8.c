/* UTF-8 checking, decoding and encoding. Owns nothing, allocates nothing, never yields. */
#include "base/utf8.h"

#include <errno.h>

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* Unicode 15, table 3-7: what the first byte says of the length and of the second byte's range. */
static size_t sequence_length(unsigned char first, unsigned char *ret_low, unsigned char *ret_high)
{
	*ret_low = 0x80;
	*ret_high = 0xbf;
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef) {
		if (first == 0xe0)
			*ret_low = 0xa0;
		else if (first == 0xed)
			*ret_high = 0x9f;
		return 3;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		if (first == 0xf0)
			*ret_low = 0x90;
		else if (first == 0xf4)
			*ret_high = 0x8f;
		return 4;
	}
	return 0;
}

/* Bytes of the well-formed sequence at the start of data, 0 when there is none. len > 0. */
static size_t sequence_check(const unsigned char *data, size_t len)
{
	unsigned char low, high;
	size_t n = sequence_length(data[0], &low, &high);

	if (n == 0 || n > len)
		return 0;
	if (n > 1 && (data[1] < low || data[1] > high))
		return 0;
	for (size_t i = 2; i < n; i++)
		if (!is_continuation(data[i]))
			return 0;
	return n;
}

int utf8_next(struct str s, size_t *pos, uint32_t *ret)
{
	static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const unsigned char *data;
	uint32_t cp;
	size_t n;

	if (!s.data || *pos >= s.len)
		return -ENODATA;
	data = (const unsigned char *)s.data + *pos;
	n = sequence_check(data, s.len - *pos);
	if (n == 0) {
		(*pos)++;
		return -EILSEQ;
	}
	cp = data[0] & first_bits[n];
	for (size_t i = 1; i < n; i++)
		cp = cp << 6 | (data[i] & 0x3f);
	*pos += n;
	*ret = cp;
	return 0;
}

/* Most text is ASCII: eight bytes at a time. */
static size_t ascii_skip(const unsigned char *data, size_t at, size_t len)
{
	uint64_t eight;

	for (; at + sizeof(eight) <= len; at += sizeof(eight)) {
		memcpy(&eight, data + at, sizeof(eight));
		if (eight & UINT64_C(0x8080808080808080))
			break;
	}
	return at;
}

/* Whether what is left, under eight bytes, is ASCII too: seen with some of those before it. */
static bool ascii_ends(const unsigned char *data, size_t at, size_t len)
{
	uint64_t eight;

	if (len < sizeof(eight) || len - at >= sizeof(eight))
		return false;
	memcpy(&eight, data + len - sizeof(eight), sizeof(eight));
	return !(eight & UINT64_C(0x8080808080808080));
}

bool utf8_is_valid(struct str s)
{
	const unsigned char *data = (const unsigned char *)s.data;
	size_t i = ascii_skip(data, 0, s.len);

	if (ascii_ends(data, i, s.len))
		return true;
	while (i < s.len) {
		size_t n = data[i] < 0x80 ? 1 : sequence_check(data + i, s.len - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

size_t utf8_length(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		if (!is_continuation((unsigned char)s.data[i]))
			n++;
	return n;
}

size_t utf8_encode(uint32_t cp, char ret[4])
{
	assert(cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff));
	if (cp < 0x80) {
		ret[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		ret[0] = (char)(0xc0 | cp >> 6);
		ret[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		ret[0] = (char)(0xe0 | cp >> 12);
		ret[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		ret[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	ret[0] = (char)(0xf0 | cp >> 18);
	ret[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	ret[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	ret[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

bool utf8_has_control(struct str s)
{
	const unsigned char *data = (const unsigned char *)s.data;

	for (size_t i = 0; i < s.len; i++) {
		if (data[i] < 0x20 || data[i] == 0x7f)
			return true;
		/* U+0080..U+009F */
		if (data[i] == 0xc2 && i + 1 < s.len && data[i + 1] >= 0x80 && data[i + 1] <= 0x9f)
			return true;
	}
	return false;
}

size_t utf8_cut(struct str s, size_t bytes_max)
{
	size_t n = s.len;

	if (n <= bytes_max)
		return n;
	for (n = bytes_max; n > 0 && ((unsigned char)s.data[n] & 0xc0) == 0x80; n--)
		;
	return n;
}
