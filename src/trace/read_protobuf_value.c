/* Attributes and their values in protobuf's binary form: AnyValue and KeyValue of common/v1. What is no plain value
 * becomes the text of its JSON. */
#include "trace/read_inside.h"
#include "trace/wire.h"

#include <errno.h>

/* ---- AnyValue { string 1, bool 2, int 3, double 4, ArrayValue 5 { values 1 }, KeyValueList 6 { values 1 }, bytes 7 }
 * ---- */

static int json_write(struct str any, unsigned depth, struct buf *out);

/* KeyValue { key 1, value 2 }, as a member of an object. */
static int json_member_write(struct str pair, unsigned depth, struct buf *out)
{
	struct str key = STR(""), value = STR("");
	struct wire w = wire_from(pair);
	struct wire_field f;
	int e;

	while ((e = wire_next(&w, &f)) > 0) {
		if (f.number == 1 && f.type == WIRE_BYTES)
			key = f.bytes;
		else if (f.number == 2 && f.type == WIRE_BYTES)
			value = f.bytes;
	}
	if (e < 0)
		return e;
	buf_add_json(out, key);
	buf_addc(out, ':');
	return json_write(value, depth, out);
}

static int json_items_write(struct str list, bool is_map, unsigned depth, struct buf *out)
{
	struct wire w = wire_from(list);
	struct wire_field f;
	bool is_first = true;
	int e;

	buf_addc(out, is_map ? '{' : '[');
	while ((e = wire_next(&w, &f)) > 0) {
		if (f.number != 1 || f.type != WIRE_BYTES)
			continue;
		if (!is_first)
			buf_addc(out, ',');
		is_first = false;
		e = is_map ? json_member_write(f.bytes, depth, out) : json_write(f.bytes, depth, out);
		if (e < 0)
			return e;
	}
	buf_addc(out, is_map ? '}' : ']');
	return e;
}

static double double_from(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static int json_field_write(const struct wire_field *f, unsigned depth, struct buf *out)
{
	switch (f->number << 3 | f->type) {
	case 1 << 3 | WIRE_BYTES:
		buf_add_json(out, f->bytes);
		return 0;
	case 2 << 3 | WIRE_VARINT:
		buf_adds(out, f->value ? "true" : "false");
		return 0;
	case 3 << 3 | WIRE_VARINT:
		buf_add_int(out, (int64_t)f->value);
		return 0;
	case 4 << 3 | WIRE_FIXED64:
		buf_add_double(out, double_from(f->value));
		return 0;
	case 5 << 3 | WIRE_BYTES:
		return json_items_write(f->bytes, false, depth + 1, out);
	case 6 << 3 | WIRE_BYTES:
		return json_items_write(f->bytes, true, depth + 1, out);
	case 7 << 3 | WIRE_BYTES:
		buf_addc(out, '"');
		reader_base64(f->bytes, out);
		buf_addc(out, '"');
		return 0;
	default:
		return -ENOENT;
	}
}

/* The value as JSON; nothing in it is null. */
static int json_write(struct str any, unsigned depth, struct buf *out)
{
	struct wire w = wire_from(any);
	struct wire_field f;
	bool is_written = false;
	int e;

	if (depth > READ_DEPTH_MAX) {
		buf_adds(out, "\"…\"");
		return 0;
	}
	while ((e = wire_next(&w, &f)) > 0) {
		if (is_written)
			continue;
		e = json_field_write(&f, depth, out);
		if (e < 0 && e != -ENOENT)
			return e;
		is_written = e == 0;
	}
	if (e == 0 && !is_written)
		buf_adds(out, "null");
	return e;
}

static int value_complex_read(const struct reader *r, struct arena *a, const struct wire_field *f,
                              struct trace_attribute *ret)
{
	struct buf json CLEANUP(buf_done);
	int e;

	buf_init(&json, r->options->text_max + 8);
	if (f->number == 7) {
		reader_base64(f->bytes, &json);
		return reader_value_text(r, a, &json, ret);
	}
	e = json_items_write(f->bytes, f->number == 6, 1, &json);
	return e < 0 ? e : reader_value_text(r, a, &json, ret);
}

static int value_field_read(const struct reader *r, struct arena *a, const struct wire_field *f,
                            struct trace_attribute *ret)
{
	switch (f->number << 3 | f->type) {
	case 1 << 3 | WIRE_BYTES:
		ret->kind = TRACE_TEXT;
		ret->text = reader_text(r, a, f->bytes);
		return ret->text.data ? 0 : -ENOMEM;
	case 2 << 3 | WIRE_VARINT:
		ret->kind = TRACE_BOOL;
		ret->value.boolean = f->value != 0;
		return 0;
	case 3 << 3 | WIRE_VARINT:
		ret->kind = TRACE_INT;
		ret->value.integer = (int64_t)f->value;
		return 0;
	case 4 << 3 | WIRE_FIXED64:
		ret->kind = TRACE_DOUBLE;
		ret->value.number = double_from(f->value);
		return 0;
	case 5 << 3 | WIRE_BYTES:
	case 6 << 3 | WIRE_BYTES:
	case 7 << 3 | WIRE_BYTES:
		return value_complex_read(r, a, f, ret);
	default:
		return 0;
	}
}

static int value_read(const struct reader *r, struct arena *a, struct str any, struct trace_attribute *ret)
{
	struct wire w = wire_from(any);
	struct wire_field f;
	int e;

	while ((e = wire_next(&w, &f)) > 0) {
		e = value_field_read(r, a, &f, ret);
		if (e < 0)
			return e;
	}
	return e;
}

/* ---- KeyValue { key 1, value 2 } ---- */

static int attribute_read(const struct reader *r, struct arena *a, struct str pair, struct trace_attribute *ret)
{
	struct wire w = wire_from(pair);
	struct wire_field f;
	int e;

	*ret = (struct trace_attribute){ .key = STR(""), .kind = TRACE_TEXT, .text = STR("") };
	while ((e = wire_next(&w, &f)) > 0) {
		if (f.type != WIRE_BYTES)
			continue;
		if (f.number == 1) {
			ret->key = reader_name(a, f.bytes);
			e = ret->key.data ? 0 : -ENOMEM;
		} else if (f.number == 2) {
			e = value_read(r, a, f.bytes, ret);
		}
		if (e < 0)
			return e;
	}
	if (ret->kind != TRACE_TEXT)
		ret->text = STR_NULL;
	return e;
}

/* Those over the limit are read too, to see that they can be. */
int reader_attributes_protobuf(const struct reader *r, struct arena *a, struct str message, uint32_t number,
                               struct trace_attribute **ret, size_t *ret_n, uint32_t *dropped)
{
	struct wire w = wire_from(message);
	struct trace_attribute *list, extra;
	struct wire_field f;
	size_t n, at = 0;
	int e = wire_count(message, number, &n);

	if (e < 0)
		return e;
	list = arena_array(a, MIN(n, (size_t)TRACE_ATTRIBUTES_MAX), sizeof(*list));
	if (!list)
		return -ENOMEM;
	while ((e = wire_next(&w, &f)) > 0) {
		if (f.number != number || f.type != WIRE_BYTES)
			continue;
		e = attribute_read(r, a, f.bytes, at < TRACE_ATTRIBUTES_MAX ? &list[at] : &extra);
		if (e < 0)
			return e;
		if (at < TRACE_ATTRIBUTES_MAX)
			at++;
		else
			*dropped += 1;
	}
	*ret = list;
	*ret_n = at;
	return e;
}
