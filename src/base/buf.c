/* The growing byte buffer. The struct buf owns its data; one thread at a time; never yields. Limit: size_max of each
 * buffer. An add that does not fit adds nothing and sets the error, and so do all adds after it. */
#include "base/buf.h"

#include "base/fault.h"
#include "base/utf8.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_CAP_FIRST 64

void buf_init(struct buf *b, size_t size_max)
{
	/* One byte is for the NUL, and lengths fit a ptrdiff_t. */
	*b = (struct buf){ .size_max = MIN(size_max, (size_t)PTRDIFF_MAX - 1) };
}

void buf_done(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = 0;
	b->cap = 0;
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->error = 0;
	if (b->data)
		b->data[0] = '\0';
}

static bool buf_grow(struct buf *b, size_t needed)
{
	size_t cap = MAX(b->cap, (size_t)BUF_CAP_FIRST);
	char *data;

	while (cap < needed)
		cap = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;
	cap = MIN(cap, b->size_max + 1);
	data = fault_hit("alloc") ? NULL : realloc(b->data, cap);
	if (!data) {
		b->error = -ENOMEM;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

/* Room for len more bytes and the NUL. */
static bool has_room(struct buf *b, size_t len)
{
	if (b->error < 0)
		return false;
	if (len > b->size_max - b->len) {
		b->error = -ENOBUFS;
		return false;
	}
	return b->len + len < b->cap || buf_grow(b, b->len + len + 1);
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	if (len == 0 || !has_room(b, len))
		return;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

char *buf_reserve(struct buf *b, size_t len)
{
	return has_room(b, len) ? b->data + b->len : NULL;
}

void buf_commit(struct buf *b, size_t len)
{
	assert(b->error == 0 && b->len + len < b->cap);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_add_str(struct buf *b, struct str s)
{
	buf_add(b, s.data, s.len);
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_addv(b, fmt, ap);
	va_end(ap);
}

void buf_addv(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 && b->error == 0)
		b->error = -ENOBUFS;
	if (n <= 0 || !has_room(b, (size_t)n))
		return;
	vsnprintf(b->data + b->len, b->cap - b->len, fmt, ap);
	b->len += (size_t)n;
}

void buf_add_int(struct buf *b, int64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do {
		digits[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (value < 0)
		digits[--at] = '-';
	buf_add(b, digits + at, sizeof(digits) - at);
}

static bool is_number_char(char c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == 'e';
}

void buf_add_double(struct buf *b, double value)
{
	char text[48];
	/* 15 digits are the shortest form of every normal double that has one so short; a subnormal has fewer. */
	int digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG;

	if (!isfinite(value)) {
		buf_adds(b, "null");
		return;
	}
	do
		snprintf(text, sizeof(text), "%.*g", digits, value);
	while (strtod(text, NULL) != value && digits++ < DBL_DECIMAL_DIG);
	/* What is no part of a number is the locale's decimal point, which may be several bytes. */
	for (const char *p = text; *p; p++) {
		if (is_number_char(*p))
			buf_addc(b, *p);
		else if (is_number_char(p[1]))
			buf_addc(b, '.');
	}
}

static void add_json_escape(struct buf *b, unsigned char c)
{
	static const char names[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
	char pair[2] = { '\\', (char)c };

	if (c < sizeof(names) && names[c])
		pair[1] = names[c];
	else if (c < 0x20) {
		buf_addf(b, "\\u%04x", c);
		return;
	}
	buf_add(b, pair, 2);
}

/* End of the run of bytes at `from` that a JSON string takes as they are. */
static size_t json_plain_end(struct str s, size_t from)
{
	size_t pos = from;

	while (pos < s.len) {
		unsigned char c = (unsigned char)s.data[pos];
		size_t next = pos;
		uint32_t cp;

		if (c < 0x20 || c == '"' || c == '\\')
			break;
		if (c < 0x80)
			next++;
		else if (utf8_next(s, &next, &cp) < 0)
			break;
		pos = next;
	}
	return pos;
}

void buf_add_json(struct buf *b, struct str s)
{
	size_t pos = 0;

	if (!s.data) {
		buf_adds(b, "null");
		return;
	}
	buf_addc(b, '"');
	while (pos < s.len) {
		size_t end = json_plain_end(s, pos);

		buf_add(b, s.data + pos, end - pos);
		pos = end;
		if (pos == s.len)
			break;
		if ((unsigned char)s.data[pos] < 0x80)
			add_json_escape(b, (unsigned char)s.data[pos]);
		else
			buf_adds(b, "\xef\xbf\xbd");
		pos++;
	}
	buf_addc(b, '"');
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

void buf_add_percent(struct buf *b, struct str s)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];

		if (is_unreserved(s.data[i]))
			buf_addc(b, s.data[i]);
		else
			buf_add(b, (char[]){ '%', digits[c >> 4], digits[c & 15] }, 3);
	}
}

static const char *html_entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void buf_add_html(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		const char *entity = html_entity(s.data[i]);

		if (entity)
			buf_adds(b, entity);
		else
			buf_addc(b, s.data[i]);
	}
}

void buf_add_hex(struct buf *b, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		buf_add(b, (char[]){ digits[bytes[i] >> 4], digits[bytes[i] & 15] }, 2);
}

int buf_error(const struct buf *b)
{
	return b->error;
}

struct str buf_str(const struct buf *b)
{
	return b->len > 0 ? (struct str){ b->data, b->len } : STR("");
}

char *buf_steal(struct buf *b, size_t *ret_len)
{
	if (!has_room(b, 0))
		return NULL;
	b->data[b->len] = '\0';
	if (ret_len)
		*ret_len = b->len;
	b->len = 0;
	b->cap = 0;
	return STEAL(b->data);
}
