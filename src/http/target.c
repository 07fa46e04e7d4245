/* Request targets: split, checked, decoded. Bytes are judged before they are decoded, so an escaped slash never makes
 * a segment and an escaped NUL never reaches a handler. Nothing here yields. */
#include "http/target.h"

#include "base/utf8.h"

#include <errno.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte an escape at s[at] stands for, or -1. */
static int escape_value(struct str s, size_t at)
{
	int high;
	int low;

	if (at + 2 >= s.len)
		return -1;
	high = hex_value(s.data[at + 1]);
	low = hex_value(s.data[at + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool bytes_are_allowed(struct str raw)
{
	for (size_t i = 0; i < raw.len; i++)
		if (raw.data[i] <= 0x20 || raw.data[i] >= 0x7f || raw.data[i] == '#')
			return false;
	return true;
}

/* "." and ".." with any of the dots escaped. */
static bool segment_is_dots(struct str segment)
{
	size_t dots = 0;

	for (size_t i = 0; i < segment.len; i++, dots++) {
		if (segment.data[i] == '.')
			continue;
		if (segment.data[i] != '%' || escape_value(segment, i) != '.')
			return false;
		i += 2;
	}
	return dots == 1 || dots == 2;
}

static bool has_dot_segment(struct str path)
{
	size_t from = 1;

	while (from <= path.len) {
		ptrdiff_t slash = str_index(path, '/', from);
		size_t to = slash < 0 ? path.len : (size_t)slash;

		if (segment_is_dots(str_slice(path, from, to)))
			return true;
		from = to + 1;
	}
	return false;
}

static int path_check(struct str path, bool *ret_encoded)
{
	bool encoded = false;

	for (size_t i = 0; i < path.len; i++) {
		if (path.data[i] != '%')
			continue;
		if (escape_value(path, i) <= 0)
			return -EINVAL;
		encoded = true;
	}
	/* A dot segment starts with a dot or with an escape. */
	if ((encoded || memmem(path.data, path.len, "/.", 2)) && has_dot_segment(path))
		return -EINVAL;
	*ret_encoded = encoded;
	return 0;
}

/* What follows the authority of an absolute-form target; "/" when nothing does. */
static struct str absolute_path(struct str raw)
{
	size_t from = str_starts(raw, STR("http://")) ? 7 : 8;

	while (from < raw.len && raw.data[from] != '/' && raw.data[from] != '?')
		from++;
	return from < raw.len ? str_slice(raw, from, raw.len) : STR("/");
}

int target_parse(struct str raw, struct target *ret)
{
	struct target t = { 0 };
	ptrdiff_t mark;
	int r;

	if (!bytes_are_allowed(raw))
		return -EINVAL;
	if (str_starts(raw, STR("http://")) || str_starts(raw, STR("https://")))
		raw = absolute_path(raw);
	mark = str_index(raw, '?', 0);
	t.path = mark < 0 ? raw : str_slice(raw, 0, (size_t)mark);
	if (mark >= 0)
		t.query = str_slice(raw, (size_t)mark + 1, raw.len);
	if (mark == 0)
		t.path = STR("/");
	if (t.path.len == 0 || (t.path.data[0] != '/' && !str_equal(raw, STR("*"))))
		return -EINVAL;
	r = path_check(t.path, &t.is_encoded);
	if (r < 0)
		return r;
	*ret = t;
	return 0;
}

int target_decode(struct str in, bool plus, struct arena *a, struct str *ret)
{
	char *out = arena_alloc(a, in.len + 1);
	struct str decoded;
	size_t n = 0;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < in.len; i++) {
		int value = (unsigned char)in.data[i];

		if (value == '%') {
			value = escape_value(in, i);
			i += 2;
		} else if (value == '+' && plus) {
			value = ' ';
		}
		if (value <= 0)
			return -EINVAL;
		out[n++] = (char)value;
	}
	decoded = (struct str){ out, n };
	if (!utf8_is_valid(decoded))
		return -EINVAL;
	*ret = decoded;
	return 0;
}

static int pair_decode(struct str text, struct arena *a, struct schema_pair *ret)
{
	ptrdiff_t equals = str_index(text, '=', 0);
	size_t end = equals < 0 ? text.len : (size_t)equals;
	struct schema_pair pair;
	int r;

	r = target_decode(str_slice(text, 0, end), true, a, &pair.name);
	if (r < 0)
		return r;
	r = target_decode(str_slice(text, MIN(end + 1, text.len), text.len), true, a, &pair.value);
	if (r < 0)
		return r;
	*ret = pair;
	return 0;
}

static size_t pairs_count(struct str query)
{
	size_t n = query.len > 0;

	for (size_t i = 0; i < query.len; i++)
		n += query.data[i] == '&';
	return n;
}

int target_pairs(struct str query, struct arena *a, struct schema_pair **ret, size_t *ret_n)
{
	size_t n_max = pairs_count(query);
	struct schema_pair *pairs;
	size_t n = 0;

	if (n_max > TARGET_PAIRS_MAX)
		return -E2BIG;
	pairs = arena_array(a, n_max, sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	for (size_t from = 0; from < query.len;) {
		ptrdiff_t mark = str_index(query, '&', from);
		size_t to = mark < 0 ? query.len : (size_t)mark;
		int r = to > from ? pair_decode(str_slice(query, from, to), a, &pairs[n++]) : 0;

		if (r < 0)
			return r;
		from = to + 1;
	}
	*ret = pairs;
	*ret_n = n;
	return 0;
}
