/* Checks of a request's head. What is refused here and why: a request that two parsers may frame differently can carry
 * a second one past the gateway (request smuggling). Nothing here yields or allocates. */
#include "http/head.h"

#include <errno.h>

/* RFC 9110 section 5.6.2, a bit for each tchar. */
static const uint64_t token_bytes[4] = { UINT64_C(0x03ff6cfa00000000), UINT64_C(0x57ffffffc7fffffe), 0, 0 };

static bool is_token_byte(char c)
{
	unsigned char byte = (unsigned char)c;

	return token_bytes[byte >> 6] >> (byte & 63) & 1;
}

bool head_is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_token_byte(s.data[i]))
			return false;
	return s.len > 0;
}

static bool is_value_byte(char c)
{
	unsigned char byte = (unsigned char)c;

	return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

bool head_value_is_sound(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_value_byte(s.data[i]))
			return false;
	return true;
}

static void take(struct str value, struct str *to, unsigned *count)
{
	if (count)
		(*count)++;
	if (!to->data)
		*to = value;
}

/* Where a header that the server reads goes; by length first, as most headers are none of these. */
static const struct {
	struct str name;
	uint16_t value_at;
	uint16_t count_at; /* 0: not counted */
} known[] = {
#define FIELD(text, member, count)                              \
	{                                                       \
		STR(text), offsetof(struct head, member), count \
	}
#define COUNTED(member) offsetof(struct head, member)
	FIELD("Host", host, COUNTED(n_host)),
	FIELD("Expect", expect, 0),
	FIELD("X-User-Id", user_id, COUNTED(n_user_id)),
	FIELD("User-Agent", user_agent, 0),
	FIELD("Tracestate", tracestate, 0),
	FIELD("X-User-Role", user_role, COUNTED(n_user_role)),
	FIELD("Traceparent", traceparent, COUNTED(n_traceparent)),
	FIELD("Content-Type", content_type, COUNTED(n_content_type)),
	FIELD("X-Session-Id", session_id, COUNTED(n_session_id)),
	FIELD("Authorization", authorization, COUNTED(n_authorization)),
	FIELD("If-None-Match", if_none_match, 0),
	FIELD("Content-Length", content_length, COUNTED(n_content_length)),
	FIELD("X-Forwarded-For", forwarded_for, COUNTED(n_forwarded_for)),
	FIELD("Accept-Encoding", accept_encoding, 0),
	FIELD("Transfer-Encoding", transfer_encoding, COUNTED(n_transfer_encoding)),
	FIELD("X-Request-Deadline-Ms", deadline, 0),
#undef FIELD
#undef COUNTED
};

void head_add(struct head *h, struct str name, struct str value)
{
	h->size += name.len + value.len + strlen(": \r\n");
	if (!head_is_token(name) || !head_value_is_sound(value))
		h->is_bad = true;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		unsigned *count = known[i].count_at ? (unsigned *)(void *)((char *)h + known[i].count_at) : NULL;
		struct str *to = (struct str *)(void *)((char *)h + known[i].value_at);

		if (known[i].name.len > name.len)
			return;
		if (!str_equal_nocase(known[i].name, name))
			continue;
		take(str_trim(value.data ? value : STR("")), to, count);
		return;
	}
}

/* host or host:port or [v6]:port; nothing of a URL's other parts. */
static bool host_is_sound(struct str host)
{
	if (host.len == 0 || host.len > 255 + 6)
		return false;
	for (size_t i = 0; i < host.len; i++)
		if (host.data[i] <= ' ' || host.data[i] >= 0x7f || memchr(",/\\@?#\"<>^`{|}", host.data[i], 14))
			return false;
	return true;
}

static const struct problem *malformed(const char *detail, const char **ret_detail)
{
	*ret_detail = detail;
	return &problem_malformed_request;
}

static const struct problem *check_length(const struct head *h, struct head_body *body, const char **ret_detail)
{
	int64_t length;
	int r;

	if (h->n_content_length == 0)
		return NULL;
	if (h->n_content_length > 1)
		return malformed("There is more than one Content-Length.", ret_detail);
	/* Digits alone: no sign, though it would be a number. */
	if (h->content_length.len > 0 && h->content_length.data[0] == '-')
		return malformed("The Content-Length is not a number.", ret_detail);
	r = str_to_int64(h->content_length, 0, INT64_MAX, &length);
	if (r == -ERANGE) {
		*ret_detail = "The Content-Length is past all bounds.";
		return &problem_content_too_large;
	}
	if (r < 0)
		return malformed("The Content-Length is not a number.", ret_detail);
	body->length = length;
	body->is_expected = length > 0;
	return NULL;
}

static const struct problem *check_encoding(const struct head *h, bool is_http_1_0, struct head_body *body,
                                            const char **ret_detail)
{
	if (h->n_transfer_encoding == 0)
		return NULL;
	if (h->n_content_length > 0)
		return malformed("There are both Content-Length and Transfer-Encoding.", ret_detail);
	if (h->n_transfer_encoding > 1 || is_http_1_0)
		return malformed("The Transfer-Encoding cannot be relied on.", ret_detail);
	if (!str_equal_nocase(h->transfer_encoding, STR("chunked"))) {
		*ret_detail = "No Transfer-Encoding but chunked is supported.";
		return &problem_not_implemented;
	}
	body->length = -1;
	body->is_expected = true;
	return NULL;
}

const struct problem *head_check(const struct head *h, bool is_http_1_0, struct head_body *ret, const char **ret_detail)
{
	struct head_body body = { 0 };
	const struct problem *p;

	if (h->is_bad)
		return malformed("A header holds bytes that it may not.", ret_detail);
	if (h->n_host > 1 || (h->n_host == 0 && !is_http_1_0))
		return malformed("There must be one Host header.", ret_detail);
	if (h->n_host == 1 && !host_is_sound(h->host))
		return malformed("The Host header is not valid.", ret_detail);
	if (h->n_content_type > 1 || h->n_authorization > 1)
		return malformed("A header that may stand once is repeated.", ret_detail);
	p = check_length(h, &body, ret_detail);
	if (!p)
		p = check_encoding(h, is_http_1_0, &body, ret_detail);
	if (p)
		return p;
	body.wants_continue = !is_http_1_0 && str_equal_nocase(h->expect, STR("100-continue"));
	*ret = body;
	return NULL;
}

/* The length of the line at `from` without its two NULs; -1 when it is not a sound "name:value" line. */
static ptrdiff_t line_length(struct str lines, size_t from)
{
	ptrdiff_t colon = str_index(lines, '\0', from);
	ptrdiff_t end;

	if (colon < 0 || !head_is_token(str_slice(lines, from, (size_t)colon)))
		return -1;
	end = str_index(lines, '\0', (size_t)colon + 1);
	if (end < 0 || (size_t)end + 1 >= lines.len || lines.data[end + 1] != '\0')
		return -1;
	return end - (ptrdiff_t)from;
}

bool head_lines_are_sound(struct str lines)
{
	size_t from = 0;

	while (from + 2 < lines.len) {
		ptrdiff_t len = line_length(lines, from);

		if (len < 0)
			return false;
		from += (size_t)len + 2;
	}
	/* The empty line: CR LF, and no byte more or less. */
	return from + 2 == lines.len && lines.data[from] == '\0' && lines.data[from + 1] == '\0';
}

/* "q=0", "q=0.000": not at all. */
static bool weight_is_zero(struct str parameter)
{
	size_t i = 2;

	if (!str_equal_nocase(str_slice(parameter, 0, 2), STR("q=")))
		return false;
	while (i < parameter.len && (parameter.data[i] == '0' || parameter.data[i] == '.'))
		i++;
	return i == parameter.len;
}

bool head_accepts_gzip(struct str accept_encoding)
{
	bool takes_any = false;
	size_t from = 0;

	while (from < accept_encoding.len) {
		ptrdiff_t comma = str_index(accept_encoding, ',', from);
		size_t to = comma < 0 ? accept_encoding.len : (size_t)comma;
		struct str part = str_slice(accept_encoding, from, to);
		ptrdiff_t semicolon = str_index(part, ';', 0);
		struct str name = str_trim(semicolon < 0 ? part : str_slice(part, 0, (size_t)semicolon));
		struct str weight =
		        semicolon < 0 ? STR_NULL : str_trim(str_slice(part, (size_t)semicolon + 1, part.len));

		if (str_equal_nocase(name, STR("gzip")))
			return !weight_is_zero(weight);
		if (str_equal(name, STR("*")))
			takes_any = !weight_is_zero(weight);
		from = to + 1;
	}
	return takes_any;
}

struct str head_media_type(struct str content_type)
{
	ptrdiff_t end = str_index(content_type, ';', 0);

	return str_trim(end < 0 ? content_type : str_slice(content_type, 0, (size_t)end));
}

bool head_charset_is_utf8(struct str content_type)
{
	ptrdiff_t at = str_index(content_type, ';', 0);

	while (at >= 0) {
		ptrdiff_t next = str_index(content_type, ';', (size_t)at + 1);
		struct str part =
		        str_trim(str_slice(content_type, (size_t)at + 1, next < 0 ? content_type.len : (size_t)next));

		if (str_equal_nocase(str_slice(part, 0, 8), STR("charset=")))
			return str_equal_nocase(str_slice(part, 8, part.len), STR("utf-8")) ||
			       str_equal_nocase(str_slice(part, 8, part.len), STR("\"utf-8\"")) ||
			       str_equal_nocase(str_slice(part, 8, part.len), STR("utf8"));
		at = next;
	}
	return true;
}
