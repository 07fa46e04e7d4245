/* Protobuf's binary form by hand: the shape never changes, and it costs a third of the JSON. A span is written right
 * where it is sent from. Lengths that are known at the end only are varints of two or five bytes, which need not be the
 * shortest (https://protobuf.dev/programming-guides/encoding/).
 * Field numbers are those of opentelemetry/proto/{trace,common,resource}/v1.
 * Limit: SPAN_BYTES_MAX a span, which is over what one may hold when names and keys are under 100 bytes each. */
#include "telemetry/otlp.h"

#include "base/utf8.h"

#include <endian.h>
#include <errno.h>

enum {
	SPAN_BYTES_MAX = 12288,
	SPAN_HEAD_SIZE = 3, /* a tag, and a length of two bytes: under 16,384 */
	PARENT_SIZE = 2 + 8,
	FIXED_PART_SIZE = 2 + 16 + 2 + 8 + PARENT_SIZE + 2 + 9 + 9 + 6,
	EVENT_BYTES_MAX = SPAN_VALUE_SIZE_MAX + 512,
	LONG_VARINT_SIZE = 5,
	STATUS_CODE_ERROR = 2,
	FLAG_HAS_IS_REMOTE = 0x100,
	FLAG_IS_REMOTE = 0x200,
};

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

#define TAG(field, type) ((uint64_t)(field) << 3 | (type))

/* Where the next byte goes. After what did not fit it is_over, and nothing more is written. */
struct cursor {
	uint8_t *at;
	uint8_t *end;
	bool is_over;
};

static size_t varint_size(uint64_t value)
{
	size_t n = 1;

	for (; value >= 0x80; value >>= 7)
		n++;
	return n;
}

/* Where so many bytes go; NULL: they do not fit. */
static inline uint8_t *place(struct cursor *c, size_t size)
{
	uint8_t *p = c->at;

	if (size > (size_t)(c->end - p)) {
		c->is_over = true;
		c->end = p;
		return NULL;
	}
	c->at = p + size;
	return p;
}

static inline void put(struct cursor *c, const void *data, size_t len)
{
	uint8_t *p = place(c, len);

	if (p && len > 0)
		memcpy(p, data, len);
}

static inline void put_byte(struct cursor *c, uint64_t byte)
{
	uint8_t *p = place(c, 1);

	if (p)
		*p = (uint8_t)byte;
}

static inline void put_varint(struct cursor *c, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		put_byte(c, value | 0x80);
	put_byte(c, value);
}

static void put_bytes(struct cursor *c, int field, const void *data, size_t len)
{
	put_varint(c, TAG(field, BYTES));
	put_varint(c, len);
	put(c, data, len);
}

static void put_text(struct cursor *c, int field, struct str text)
{
	put_bytes(c, field, text.data, text.len);
}

static void put_fixed64(struct cursor *c, int field, uint64_t value)
{
	value = htole64(value);
	put_varint(c, TAG(field, FIXED64));
	put(c, &value, sizeof(value));
}

enum { ATTRIBUTES = 9 }; /* of a Span */

/* ---- KeyValue { key = 1; AnyValue value = 2 } ---- */

static size_t value_size(const struct span_attribute *a)
{
	switch (a->kind) {
	case SPAN_ATTRIBUTE_STR:
		return 1 + varint_size(a->text_len) + a->text_len;
	case SPAN_ATTRIBUTE_INT:
		return 1 + varint_size((uint64_t)a->value.integer);
	case SPAN_ATTRIBUTE_DOUBLE:
		return 1 + 8;
	case SPAN_ATTRIBUTE_BOOL:
		return 1 + 1;
	}
	return 0;
}

/* A receiver refuses all of a request for one text that is not UTF-8. */
static void text_mend(uint8_t *written, struct str text)
{
	if (utf8_is_valid(text))
		return;
	for (size_t i = 0; i < text.len; i++)
		if (written[i] & 0x80)
			written[i] = '?';
}

static void put_checked_text(struct cursor *c, int field, struct str text)
{
	put_text(c, field, text);
	if (!c->is_over)
		text_mend(c->at - text.len, text);
}

static void put_value(struct cursor *c, const struct span_attribute *a, struct str text)
{
	uint64_t bits;

	switch (a->kind) {
	case SPAN_ATTRIBUTE_STR:
		put_checked_text(c, 1, text);
		break;
	case SPAN_ATTRIBUTE_BOOL:
		put_varint(c, TAG(2, VARINT));
		put_varint(c, a->value.boolean);
		break;
	case SPAN_ATTRIBUTE_INT:
		put_varint(c, TAG(3, VARINT));
		put_varint(c, (uint64_t)a->value.integer);
		break;
	case SPAN_ATTRIBUTE_DOUBLE:
		memcpy(&bits, &a->value.number, sizeof(bits));
		put_fixed64(c, 4, bits);
		break;
	}
}

/* Nearly every attribute is a short text, whose lengths all have one byte. False: this one is not. */
static bool put_short_text(struct cursor *c, int field, const struct span_attribute *a, struct str text)
{
	size_t key_len = a->key_len, size = key_len + text.len + 6;
	uint8_t *p;

	if (a->kind != SPAN_ATTRIBUTE_STR || size >= 0x80)
		return false;
	p = place(c, 2 + size);
	if (!p)
		return true;
	*p++ = (uint8_t)TAG(field, BYTES);
	*p++ = (uint8_t)size;
	*p++ = TAG(1, BYTES);
	*p++ = (uint8_t)key_len;
	memcpy(p, a->key, key_len);
	p += key_len;
	*p++ = TAG(2, BYTES);
	*p++ = (uint8_t)(text.len + 2);
	*p++ = TAG(1, BYTES);
	*p++ = (uint8_t)text.len;
	memcpy(p, text.data, text.len);
	text_mend(p, text);
	return true;
}

/* text: the value, if it is one. */
static void put_attribute(struct cursor *c, int field, const struct span_attribute *a, struct str text)
{
	size_t key_len = a->key_len, size;

	assert(field < 16); /* a tag of one byte */
	if (put_short_text(c, field, a, text))
		return;
	size = value_size(a);
	put_varint(c, TAG(field, BYTES));
	put_varint(c, 1 + varint_size(key_len) + key_len + 1 + varint_size(size) + size);
	put_bytes(c, 1, a->key, key_len);
	put_varint(c, TAG(2, BYTES));
	put_varint(c, size);
	put_value(c, a, text);
}

static struct str text_of(const struct span *s, const struct span_attribute *a)
{
	return a->kind == SPAN_ATTRIBUTE_STR ? span_attribute_text(s, a) : STR("");
}

static void put_text_attribute(struct cursor *c, int field, const char *key, struct str value)
{
	struct span_attribute a = { .key = key,
		                    .key_len = (uint16_t)strlen(key),
		                    .kind = SPAN_ATTRIBUTE_STR,
		                    .text_len = (uint16_t)value.len };

	put_attribute(c, field, &a, value);
}

size_t otlp_protobuf_attribute(const struct span_attribute *a, uint8_t *ret, size_t size)
{
	struct str text = a->kind == SPAN_ATTRIBUTE_STR ? (struct str){ a->value.text, a->text_len } : STR("");
	struct cursor c = { ret, ret + size, false };

	put_attribute(&c, ATTRIBUTES, a, text);
	return c.is_over ? 0 : (size_t)(c.at - ret);
}

static void put_preset(struct cursor *c, const struct span *s, const struct span_preset *p)
{
	if (!p->is_long)
		put(c, p->bytes, p->n_bytes);
	else
		for (uint32_t i = 0; i < p->n; i++)
			put_attribute(c, ATTRIBUTES, &p->attributes[i], text_of(s, &p->attributes[i]));
}

/* ---- Span ---- */

/* Eight lower-case digits, all at once: a letter's low four bits are nine too few. */
static uint32_t hex_eight(const char *hex)
{
	uint64_t digits;

	memcpy(&digits, hex, sizeof(digits));
	digits = be64toh(digits);
	digits = (digits & UINT64_C(0x0f0f0f0f0f0f0f0f)) + (digits >> 6 & UINT64_C(0x0101010101010101)) * 9;
	digits = (digits | digits >> 4) & UINT64_C(0x00ff00ff00ff00ff);
	digits = (digits | digits >> 8) & UINT64_C(0x0000ffff0000ffff);
	return (uint32_t)(digits | digits >> 16);
}

static inline uint8_t *id_write(uint8_t *p, int field, const char *hex, size_t digits)
{
	uint32_t quarter;

	*p++ = (uint8_t)TAG(field, BYTES);
	*p++ = (uint8_t)(digits / 2);
	for (; digits > 0; digits -= 8, hex += 8, p += sizeof(quarter)) {
		quarter = htobe32(hex_eight(hex));
		memcpy(p, &quarter, sizeof(quarter));
	}
	return p;
}

static inline uint8_t *fixed64_write(uint8_t *p, int field, uint64_t value)
{
	value = htole64(value);
	*p++ = (uint8_t)TAG(field, FIXED64);
	memcpy(p, &value, sizeof(value));
	return p + sizeof(value);
}

static uint64_t real_ns(const struct span *s, int64_t mono_ns)
{
	return (uint64_t)(s->start_real_ns + (mono_ns - s->start_mono_ns));
}

static void put_event(struct cursor *c, const struct span *s, const struct span_event *event)
{
	uint8_t bytes[EVENT_BYTES_MAX];
	struct cursor inner = { bytes, bytes + sizeof(bytes), false };

	put_fixed64(&inner, 1, real_ns(s, event->mono_ns));
	put_text(&inner, 2, str_from(event->name));
	if (event->attribute.key)
		put_attribute(&inner, 3, &event->attribute, span_attribute_text(s, &event->attribute));
	if (!inner.is_over)
		put_bytes(c, 11, bytes, (size_t)(inner.at - bytes));
}

static void put_status(struct cursor *c)
{
	static const uint8_t error[] = { TAG(3, VARINT), STATUS_CODE_ERROR };

	put_bytes(c, 15, error, sizeof(error));
}

/* What every span has, and is as long in each: ids, kind, times, flags. */
static void put_fixed_part(struct cursor *c, const struct span *s)
{
	bool has_parent = s->parent_id[0] != '\0';
	uint32_t flags = s->context.trace_flags | FLAG_HAS_IS_REMOTE | (s->parent_is_remote ? FLAG_IS_REMOTE : 0);
	uint8_t *p = place(c, has_parent ? FIXED_PART_SIZE : FIXED_PART_SIZE - PARENT_SIZE);

	if (!p)
		return;
	p = id_write(p, 1, s->context.trace_id, TRACE_ID_SIZE - 1);
	p = id_write(p, 2, s->context.span_id, SPAN_ID_SIZE - 1);
	if (has_parent)
		p = id_write(p, 4, s->parent_id, SPAN_ID_SIZE - 1);
	*p++ = TAG(6, VARINT);
	*p++ = (uint8_t)s->kind;
	p = fixed64_write(p, 7, (uint64_t)s->start_real_ns);
	p = fixed64_write(p, 8, real_ns(s, s->end_mono_ns));
	*p++ = (uint8_t)(TAG(16, FIXED32) | 0x80);
	*p++ = TAG(16, FIXED32) >> 7;
	flags = htole32(flags);
	memcpy(p, &flags, sizeof(flags));
}

static void put_span(struct cursor *c, const struct span *s)
{
	put_fixed_part(c, s);
	if (s->context.tracestate[0] != '\0')
		put_text(c, 3, str_from(s->context.tracestate));
	put_text(c, 5, str_from(s->name));
	if (s->preset)
		put_preset(c, s, s->preset);
	for (uint32_t i = 0; i < s->n_attributes; i++)
		put_attribute(c, ATTRIBUTES, &s->attributes[i], text_of(s, &s->attributes[i]));
	if (s->error)
		put_text_attribute(c, ATTRIBUTES, "error.type", str_from(s->error));
	if (s->n_dropped > 0) {
		put_varint(c, TAG(10, VARINT));
		put_varint(c, s->n_dropped);
	}
	for (uint32_t i = 0; i < s->n_events; i++)
		put_event(c, s, &s->events[i]);
	if (s->n_events_dropped > 0) {
		put_varint(c, TAG(12, VARINT));
		put_varint(c, s->n_events_dropped);
	}
	if (s->error)
		put_status(c);
}

/* ScopeSpans.spans = 2 */
static void span_add(struct otlp_request *r, const struct span *s)
{
	size_t room = MIN((size_t)SPAN_HEAD_SIZE + SPAN_BYTES_MAX, r->b->size_max - r->b->len), len;
	uint8_t *head = (uint8_t *)buf_reserve(r->b, MAX(room, (size_t)SPAN_HEAD_SIZE));
	struct cursor c;

	assert(s->end_mono_ns != 0);
	if (!head)
		return;
	c = (struct cursor){ head + SPAN_HEAD_SIZE, head + room, false };
	put_span(&c, s);
	if (c.is_over) {
		r->b->error = -ENOBUFS;
		return;
	}
	len = (size_t)(c.at - head) - SPAN_HEAD_SIZE;
	head[0] = (uint8_t)TAG(2, BYTES);
	head[1] = (uint8_t)(len | 0x80);
	head[2] = (uint8_t)(len >> 7);
	buf_commit(r->b, SPAN_HEAD_SIZE + len);
	r->n++;
}

/* ---- ExportTraceServiceRequest { ResourceSpans resource_spans = 1 } ---- */

/* A tag, and place for a length that is not known yet. */
static size_t long_begin(struct buf *b, int field)
{
	const uint8_t head[1 + LONG_VARINT_SIZE] = { (uint8_t)TAG(field, BYTES) };

	buf_add(b, head, sizeof(head));
	return b->len;
}

static void long_end(struct buf *b, size_t at)
{
	uint64_t len = b->len - at;

	for (size_t i = 0; i < LONG_VARINT_SIZE; i++, len >>= 7)
		b->data[at - LONG_VARINT_SIZE + i] = (char)((len & 0x7f) | (i + 1 < LONG_VARINT_SIZE ? 0x80 : 0));
}

static void request_begin(struct otlp_request *r, struct buf *b, struct str resource, const char *version)
{
	uint8_t bytes[256];
	struct cursor c = { bytes, bytes + sizeof(bytes), false };
	size_t resource_at;

	*r = (struct otlp_request){ .b = b };
	r->resource_at = long_begin(b, 1);
	resource_at = long_begin(b, 1);
	buf_add_str(b, resource);
	if (buf_error(b) == 0)
		long_end(b, resource_at);
	r->scope_at = long_begin(b, 2);
	put_text(&c, 1, STR("cinesync"));
	put_text(&c, 2, str_from(version));
	assert(!c.is_over && c.at - bytes < 0x80);
	buf_addc(b, TAG(1, BYTES));
	buf_addc(b, (char)(c.at - bytes));
	buf_add(b, bytes, (size_t)(c.at - bytes));
}

static void request_end(struct otlp_request *r)
{
	if (buf_error(r->b) < 0)
		return;
	long_end(r->b, r->scope_at);
	long_end(r->b, r->resource_at);
}

static void resource_add(struct buf *resource, struct str key, struct str value)
{
	size_t any_size = 1 + varint_size(value.len) + value.len;
	uint8_t bytes[64];
	struct cursor c = { bytes, bytes + sizeof(bytes), false };

	put_varint(&c, TAG(1, BYTES));
	put_varint(&c, 1 + varint_size(key.len) + key.len + 1 + varint_size(any_size) + any_size);
	put_varint(&c, TAG(1, BYTES));
	put_varint(&c, key.len);
	buf_add(resource, bytes, (size_t)(c.at - bytes));
	buf_add_str(resource, key);
	c.at = bytes;
	put_varint(&c, TAG(2, BYTES));
	put_varint(&c, any_size);
	put_varint(&c, TAG(1, BYTES));
	put_varint(&c, value.len);
	buf_add(resource, bytes, (size_t)(c.at - bytes));
	buf_add_str(resource, value);
}

/* ---- ExportTraceServiceResponse { partial_success = 1 { rejected_spans = 1; error_message = 2 } } ---- */

static bool take_varint(struct str *s, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < s->len && i < 10; i++) {
		uint8_t byte = (uint8_t)s->data[i];

		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			*s = str_slice(*s, i + 1, s->len);
			*ret = value;
			return true;
		}
	}
	return false;
}

/* The next field: a number, or bytes. False: no more, or none that can be read. */
static bool take_field(struct str *s, uint64_t *ret_tag, uint64_t *ret_number, struct str *ret_bytes)
{
	*ret_bytes = STR("");
	if (s->len == 0 || !take_varint(s, ret_tag) || !take_varint(s, ret_number))
		return false;
	if ((*ret_tag & 7) == VARINT)
		return true;
	if ((*ret_tag & 7) != BYTES || *ret_number > s->len)
		return false;
	*ret_bytes = str_slice(*s, 0, *ret_number);
	*s = str_slice(*s, *ret_number, s->len);
	return true;
}

static size_t rejected(struct str answer, struct buf *ret_reason)
{
	struct str partial = STR(""), bytes;
	uint64_t tag, number;
	size_t n = 0;

	while (take_field(&answer, &tag, &number, &bytes))
		if (tag == TAG(1, BYTES))
			partial = bytes;
	while (take_field(&partial, &tag, &number, &bytes)) {
		if (tag == TAG(1, VARINT) && number <= INT32_MAX)
			n = number;
		else if (tag == TAG(2, BYTES))
			buf_add_str(ret_reason,
			            str_slice(bytes, 0, utf8_cut(bytes, ret_reason->size_max - ret_reason->len)));
	}
	return n;
}

const struct otlp_encoding otlp_protobuf = {
	.name = "http/protobuf",
	.content_type = "application/x-protobuf",
	.resource_add = resource_add,
	.begin = request_begin,
	.add = span_add,
	.end = request_end,
	.rejected = rejected,
};
