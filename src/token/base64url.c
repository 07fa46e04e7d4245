/* base64url, strictly. A lenient decoder would give one token many texts, and the text is what tokens are cached by and
 * what logs and blocklists name them by. Owns nothing, allocates nothing. */
#include "token/base64url.h"

#include <errno.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

bool base64url_is_canonical(struct str s)
{
	static const int unused_bits[] = { 0, 0, 15, 3 };

	if (s.len % 4 == 1)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (value_of(s.data[i]) < 0)
			return false;
	return s.len == 0 || (value_of(s.data[s.len - 1]) & unused_bits[s.len % 4]) == 0;
}

size_t base64url_decoded_len(size_t len)
{
	return len / 4 * 3 + (len % 4 > 0 ? len % 4 - 1 : 0);
}

int base64url_decode(struct str s, void *ret, size_t size_max, size_t *ret_len)
{
	uint8_t *to = ret;
	uint32_t bits = 0;
	unsigned n_bits = 0;

	if (str_is_null(s) || !base64url_is_canonical(s))
		return -EINVAL;
	if (base64url_decoded_len(s.len) > size_max)
		return -ENOBUFS;
	for (size_t i = 0; i < s.len; i++) {
		bits = bits << 6 | (uint32_t)value_of(s.data[i]);
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			*to++ = (uint8_t)(bits >> n_bits);
		}
	}
	*ret_len = base64url_decoded_len(s.len);
	return 0;
}

void base64url_write(struct buf *out, const void *data, size_t len)
{
	const uint8_t *from = data;
	uint32_t bits = 0;
	unsigned n_bits = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | from[i];
		for (n_bits += 8; n_bits >= 6; n_bits -= 6)
			buf_addc(out, alphabet[bits >> (n_bits - 6) & 63]);
	}
	if (n_bits > 0)
		buf_addc(out, alphabet[bits << (6 - n_bits) & 63]);
}
