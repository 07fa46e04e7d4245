/* https://protobuf.dev/programming-guides/encoding/. Every length is held against what is left before it is used. */
#include "trace/wire.h"

#include <errno.h>

enum { VARINT_LEN_MAX = 10, FIELD_NUMBER_MAX = (1 << 29) - 1 };

struct wire wire_from(struct str message)
{
	const uint8_t *at = (const uint8_t *)message.data;

	return (struct wire){ at, at ? at + message.len : at };
}

/* The tenth byte has room for one bit. */
static int varint_take(struct wire *w, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < VARINT_LEN_MAX && w->at < w->end; i++) {
		uint8_t byte = *w->at++;

		if (i == VARINT_LEN_MAX - 1 && byte > 1)
			return -EBADMSG;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			*ret = value;
			return 0;
		}
	}
	return -EBADMSG;
}

static int fixed_take(struct wire *w, size_t size, uint64_t *ret)
{
	uint64_t value = 0;

	if ((size_t)(w->end - w->at) < size)
		return -EBADMSG;
	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)w->at[i] << (8 * i);
	w->at += size;
	*ret = value;
	return 0;
}

static int bytes_take(struct wire *w, struct str *ret)
{
	uint64_t len;
	int r = varint_take(w, &len);

	if (r < 0)
		return r;
	if (len > (uint64_t)(w->end - w->at))
		return -EBADMSG;
	*ret = (struct str){ (const char *)w->at, (size_t)len };
	w->at += len;
	return 0;
}

static int value_take(struct wire *w, struct wire_field *field)
{
	switch (field->type) {
	case WIRE_VARINT:
		return varint_take(w, &field->value);
	case WIRE_FIXED64:
		return fixed_take(w, 8, &field->value);
	case WIRE_BYTES:
		return bytes_take(w, &field->bytes);
	case WIRE_FIXED32:
		return fixed_take(w, 4, &field->value);
	}
	return -EBADMSG;
}

int wire_next(struct wire *w, struct wire_field *ret)
{
	struct wire_field field = { .bytes = STR("") };
	uint64_t tag;
	int r;

	if (w->at == w->end)
		return 0;
	r = varint_take(w, &tag);
	if (r < 0)
		return r;
	if (tag >> 3 == 0 || tag >> 3 > FIELD_NUMBER_MAX)
		return -EBADMSG;
	field.number = (uint32_t)(tag >> 3);
	field.type = (enum wire_type)(tag & 7);
	r = value_take(w, &field);
	if (r < 0)
		return r;
	*ret = field;
	return 1;
}

int wire_count(struct str message, uint32_t number, size_t *ret)
{
	struct wire w = wire_from(message);
	struct wire_field f;
	size_t n = 0;
	int e;

	while ((e = wire_next(&w, &f)) > 0)
		n += f.number == number && f.type == WIRE_BYTES;
	*ret = n;
	return e;
}
