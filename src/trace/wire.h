/* Protobuf's binary form, field by field, out of bytes of any origin. Nothing here allocates or yields.
 *
 *   struct wire w = wire_from(message);
 *   while ((r = wire_next(&w, &field)) > 0)
 *           if (field.number == 1 && field.type == WIRE_BYTES) …
 */
#ifndef CINESYNC_TRACE_WIRE_H
#define CINESYNC_TRACE_WIRE_H

#include "base/str.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct wire {
	const uint8_t *at;
	const uint8_t *end;
};

struct wire_field {
	uint32_t number;
	enum wire_type type;
	uint64_t value;   /* of the three that are numbers */
	struct str bytes; /* WIRE_BYTES; within the message */
};

struct wire wire_from(struct str message);
/* 1: *ret is the next field; 0: there is none; -EBADMSG: it cannot be read (groups, which nobody sends, among them). */
int wire_next(struct wire *w, struct wire_field *ret) MUST_CHECK;
/* How many fields of that number, bytes, the message has. -EBADMSG. */
int wire_count(struct str message, uint32_t number, size_t *ret) MUST_CHECK;

#endif
