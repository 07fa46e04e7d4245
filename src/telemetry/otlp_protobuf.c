/* Protobuf's binary form by hand: the shape never changes, and it costs a third of the JSON. A span is put together on
 * the stack, so that its length is known before it is added. The lengths around it are known at the end only: they are
 * written as varints of five bytes, which need not be the shortest (https://protobuf.dev/programming-guides/encoding/).
 * Field numbers are those of opentelemetry/proto/{trace,common,resource}/v1.
 * Limit: SPAN_BYTES_MAX a span, which is over what one may hold when names and keys are under 100 bytes each. */
#include "telemetry/otlp.h"

#include "base/utf8.h"

#include <endian.h>
#include <errno.h>

enum {
	SPAN_BYTES_MAX = 8192,
	LONG_VARINT_SIZE = 5,
	STATUS_CODE_ERROR = 2,
	FLAG_HAS_IS_REMOTE = 0x100,
	FLAG_IS_REMOTE = 0x200,
};

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

#define TAG(field, type) ((uint64_t)(field) << 3 | (type))

/* Where the next byte goes. What does not fit is not written, and at goes past end. */
struct cursor {
	uint8_t *data;
	size_t at;
	size_t size;
};

static size_t varint_size(uint64_t value)
{
	size_t n = 1;

	for (; value >= 0x80; value >>= 7)
		n++;
	return n;
}

static void put(struct cursor *c, const void *data, size_t len)
{
	if (len > 0 && c->at + len <= c->size)
		memcpy(c->data + c->at, data, len);
	c->at += len;
}

static inline void put_byte(struct cursor *c, uint64_t byte)
{
	if (c->at < c->size)
		c->data[c->at] = (uint8_t)byte;
	c->at++;
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

/* Where these bytes go; NULL: they do not fit. */
static uint8_t *place(struct cursor *c, size_t size)
{
	uint8_t *p = c->at + size <= c->size ? c->data + c->at : NULL;

	c->at += size;
	return p;
}

static void put_fixed64(struct cursor *c, int field, uint64_t value)
{
	uint8_t *p = place(c, 1 + sizeof(value));

	assert(field < 16); /* a tag of one byte */
	value = htole64(value);
	if (!p)
		return;
	*p = (uint8_t)TAG(field, FIXED64);
	memcpy(p + 1, &value, sizeof(value));
}

static void put_fixed32(struct cursor *c, int field, uint32_t value)
{
	value = htole32(value);
	put_varint(c, TAG(field, FIXED32));
	put(c, &value, sizeof(value));
}

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
	if (c->at <= c->size)
		text_mend(c->data + c->at - text.len, text);
}

static void put_value(struct cursor *c, const struct span_attribute *a, const char *text)
{
	uint64_t bits;

	switch (a->kind) {
	case SPAN_ATTRIBUTE_STR:
		put_checked_text(c, 1, (struct str){ text, a->text_len });
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
static bool put_short_text(struct cursor *c, int field, const struct span_attribute *a, const char *text)
{
	size_t key_len = a->key_len, size = key_len + a->text_len + 6;
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
	*p++ = (uint8_t)(a->text_len + 2);
	*p++ = TAG(1, BYTES);
	*p++ = (uint8_t)a->text_len;
	if (a->text_len > 0)
		memcpy(p, text, a->text_len);
	text_mend(p, (struct str){ text, a->text_len });
	return true;
}

static void put_attribute(struct cursor *c, int field, const struct span_attribute *a, const char *text)
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

static void put_text_attribute(struct cursor *c, int field, const char *key, struct str value)
{
	struct span_attribute a = {
		.key = key, .key_len = strlen(key), .kind = SPAN_ATTRIBUTE_STR, .text_len = (uint16_t)value.len
	};

	put_attribute(c, field, &a, value.data);
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

static void put_id(struct cursor *c, int field, const char *hex, size_t len)
{
	uint8_t *p = place(c, 2 + len / 2);
	uint32_t quarter;

	assert(len % 8 == 0 && len / 2 < 0x80);
	if (!p)
		return;
	*p++ = (uint8_t)TAG(field, BYTES);
	*p++ = (uint8_t)(len / 2);
	for (; len > 0; len -= 8, hex += 8, p += sizeof(quarter)) {
		quarter = htobe32(hex_eight(hex));
		memcpy(p, &quarter, sizeof(quarter));
	}
}

static uint64_t real_ns(const struct span *s, int64_t mono_ns)
{
	return (uint64_t)(s->start_real_ns + (mono_ns - s->start_mono_ns));
}

static void put_event(struct cursor *c, const struct span *s, const struct span_event *event)
{
	uint8_t bytes[SPAN_VALUE_SIZE_MAX + 512];
	struct cursor inner = { bytes, 0, sizeof(bytes) };

	put_fixed64(&inner, 1, real_ns(s, event->mono_ns));
	put_text(&inner, 2, str_from(event->name));
	if (event->attribute.key)
		put_attribute(&inner, 3, &event->attribute, s->text + event->attribute.text_at);
	if (inner.at <= inner.size)
		put_bytes(c, 11, bytes, inner.at);
}

static void put_status(struct cursor *c)
{
	static const uint8_t error[] = { TAG(3, VARINT), STATUS_CODE_ERROR };

	put_bytes(c, 15, error, sizeof(error));
}

static void put_span(struct cursor *c, const struct span *s)
{
	uint32_t flags = s->context.trace_flags | FLAG_HAS_IS_REMOTE | (s->parent_is_remote ? FLAG_IS_REMOTE : 0);

	put_id(c, 1, s->context.trace_id, TRACE_ID_SIZE - 1);
	put_id(c, 2, s->context.span_id, SPAN_ID_SIZE - 1);
	if (s->context.tracestate[0] != '\0')
		put_text(c, 3, str_from(s->context.tracestate));
	if (s->parent_id[0] != '\0')
		put_id(c, 4, s->parent_id, SPAN_ID_SIZE - 1);
	put_text(c, 5, str_from(s->name));
	put_varint(c, TAG(6, VARINT));
	put_varint(c, s->kind);
	put_fixed64(c, 7, (uint64_t)s->start_real_ns);
	put_fixed64(c, 8, real_ns(s, s->end_mono_ns));
	for (uint32_t i = 0; i < s->n_attributes; i++)
		put_attribute(c, 9, &s->attributes[i], s->text + s->attributes[i].text_at);
	if (s->error)
		put_text_attribute(c, 9, "error.type", str_from(s->error));
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
	put_fixed32(c, 16, flags);
}

static void span_add(struct otlp_request *r, const struct span *s)
{
	uint8_t bytes[SPAN_BYTES_MAX + 16];
	struct cursor c = { bytes + 8, 0, SPAN_BYTES_MAX }, head = { bytes, 0, 8 };

	assert(s->end_mono_ns != 0);
	put_span(&c, s);
	if (c.at > c.size && r->b->error == 0)
		r->b->error = -ENOBUFS;
	if (r->b->error < 0)
		return;
	/* ScopeSpans.spans = 2; the tag and the length go right before it. */
	head.data += 8 - 1 - varint_size(c.at);
	put_varint(&head, TAG(2, BYTES));
	put_varint(&head, c.at);
	buf_add(r->b, head.data, head.at + c.at);
	r->n += buf_error(r->b) == 0;
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
	struct cursor c = { bytes, 0, sizeof(bytes) };
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
	assert(c.at < c.size && c.at < 0x80);
	buf_addc(b, TAG(1, BYTES));
	buf_addc(b, (char)c.at);
	buf_add(b, bytes, c.at);
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
	struct cursor c = { bytes, 0, sizeof(bytes) };

	put_varint(&c, TAG(1, BYTES));
	put_varint(&c, 1 + varint_size(key.len) + key.len + 1 + varint_size(any_size) + any_size);
	put_varint(&c, TAG(1, BYTES));
	put_varint(&c, key.len);
	buf_add(resource, bytes, c.at);
	buf_add_str(resource, key);
	c.at = 0;
	put_varint(&c, TAG(2, BYTES));
	put_varint(&c, any_size);
	put_varint(&c, TAG(1, BYTES));
	put_varint(&c, value.len);
	buf_add(resource, bytes, c.at);
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
