/* Protobuf by hand: field numbers of opentelemetry/proto/{trace,common,resource}/v1, and of
 * collector/trace/v1. A known field of another wire type counts as an unknown one, as in every protobuf reader. */
#include "trace/read_inside.h"
#include "trace/wire.h"

#include <errno.h>

/* ---- Event { time 1, name 2, attributes 3, dropped 4 }, Link { trace_id 1, span_id 2 } ---- */

static int64_t time_from(uint64_t value)
{
	return value > INT64_MAX ? -1 : (int64_t)value;
}

static int event_read(const struct reader *r, struct str message, struct trace_event *ret, uint32_t *dropped)
{
	struct wire w = wire_from(message);
	struct trace_attribute *attributes;
	struct wire_field f;
	int e;

	*ret = (struct trace_event){ .name = STR("") };
	while ((e = wire_next(&w, &f)) > 0) {
		if (f.number == 1 && f.type == WIRE_FIXED64)
			ret->at_ns = MAX(time_from(f.value), (int64_t)0);
		else if (f.number == 2 && f.type == WIRE_BYTES)
			ret->name = reader_name(r->scratch, f.bytes);
		if (!ret->name.data)
			return -ENOMEM;
	}
	if (e == 0)
		e = reader_attributes_protobuf(r, r->scratch, message, 3, &attributes, &ret->n_attributes, dropped);
	if (e == 0)
		ret->attributes = attributes;
	return e;
}

static int id_read(struct str bytes, uint8_t *ret, size_t len)
{
	if (bytes.len == len)
		memcpy(ret, bytes.data, len);
	return 0;
}

static int link_read(struct str message, struct trace_link *ret)
{
	struct wire w = wire_from(message);
	struct wire_field f;
	int e;

	*ret = (struct trace_link){ { 0 }, { 0 } };
	while ((e = wire_next(&w, &f)) > 0) {
		if (f.number == 1 && f.type == WIRE_BYTES)
			id_read(f.bytes, ret->trace_id, sizeof(ret->trace_id));
		else if (f.number == 2 && f.type == WIRE_BYTES)
			id_read(f.bytes, ret->span_id, sizeof(ret->span_id));
	}
	return e;
}

static int events_read(const struct reader *r, struct str message, struct trace_span *s)
{
	struct wire w = wire_from(message);
	struct trace_event *list, extra;
	struct wire_field f;
	size_t n;
	int e = wire_count(message, 11, &n);

	if (e < 0)
		return e;
	list = arena_array(r->scratch, MIN(n, (size_t)TRACE_EVENTS_MAX), sizeof(*list));
	if (!list)
		return -ENOMEM;
	s->events = list;
	while ((e = wire_next(&w, &f)) > 0) {
		bool has_room = s->n_events < TRACE_EVENTS_MAX;

		if (f.number != 11 || f.type != WIRE_BYTES)
			continue;
		e = event_read(r, f.bytes, has_room ? &list[s->n_events] : &extra, &s->n_dropped);
		if (e < 0)
			return e;
		s->n_events += has_room;
		s->n_dropped += !has_room;
	}
	return e;
}

static int links_read(const struct reader *r, struct str message, struct trace_span *s)
{
	struct wire w = wire_from(message);
	struct trace_link *list, extra;
	struct wire_field f;
	size_t n;
	int e = wire_count(message, 13, &n);

	if (e < 0)
		return e;
	list = arena_array(r->scratch, MIN(n, (size_t)TRACE_LINKS_MAX), sizeof(*list));
	if (!list)
		return -ENOMEM;
	s->links = list;
	while ((e = wire_next(&w, &f)) > 0) {
		bool has_room = s->n_links < TRACE_LINKS_MAX;

		if (f.number != 13 || f.type != WIRE_BYTES)
			continue;
		e = link_read(f.bytes, has_room ? &list[s->n_links] : &extra);
		if (e < 0)
			return e;
		s->n_links += has_room;
		s->n_dropped += !has_room;
	}
	return e;
}

/* ---- Span ---- */

/* Status { message 2, code 3 } */
static int status_read(const struct reader *r, struct str message, struct trace_span *s)
{
	struct wire w = wire_from(message);
	struct wire_field f;
	int e;

	while ((e = wire_next(&w, &f)) > 0) {
		if (f.number == 3 && f.type == WIRE_VARINT && f.value <= TRACE_STATUS_ERROR)
			s->status = (enum trace_status)f.value;
		if (f.number != 2 || f.type != WIRE_BYTES || f.bytes.len == 0)
			continue;
		s->status_text = reader_text(r, r->scratch, f.bytes);
		if (!s->status_text.data)
			return -ENOMEM;
	}
	return e;
}

static int text_set(struct str text, struct str *ret)
{
	*ret = text;
	return text.data ? 0 : -ENOMEM;
}

/* What a sender says it left out: uint32s, which could be anything. */
static void dropped_add(struct trace_span *s, uint64_t n)
{
	s->n_dropped += (uint32_t)MIN(n, (uint64_t)1000000);
}

static int span_field_read(const struct reader *r, const struct wire_field *f, struct trace_span *s)
{
	switch (f->number << 3 | f->type) {
	case 1 << 3 | WIRE_BYTES:
		return id_read(f->bytes, s->trace_id, sizeof(s->trace_id));
	case 2 << 3 | WIRE_BYTES:
		return id_read(f->bytes, s->span_id, sizeof(s->span_id));
	case 3 << 3 | WIRE_BYTES:
		return f->bytes.len > 0 ? text_set(reader_text(r, r->scratch, f->bytes), &s->state) : 0;
	case 4 << 3 | WIRE_BYTES:
		return id_read(f->bytes, s->parent_id, sizeof(s->parent_id));
	case 5 << 3 | WIRE_BYTES:
		return text_set(reader_name(r->scratch, f->bytes), &s->name);
	case 6 << 3 | WIRE_VARINT:
		s->kind = f->value <= TRACE_CONSUMER ? (enum trace_kind)f->value : TRACE_UNSPECIFIED;
		return 0;
	case 7 << 3 | WIRE_FIXED64:
		s->start_ns = time_from(f->value);
		return 0;
	case 8 << 3 | WIRE_FIXED64:
		s->end_ns = time_from(f->value);
		return 0;
	case 10 << 3 | WIRE_VARINT:
	case 12 << 3 | WIRE_VARINT:
	case 14 << 3 | WIRE_VARINT:
		dropped_add(s, f->value);
		return 0;
	case 15 << 3 | WIRE_BYTES:
		return status_read(r, f->bytes, s);
	default:
		return 0;
	}
}

static int span_fields_read(const struct reader *r, struct str message, struct trace_span *s)
{
	struct wire w = wire_from(message);
	struct trace_attribute *attributes;
	struct wire_field f;
	int e;

	while ((e = wire_next(&w, &f)) > 0) {
		e = span_field_read(r, &f, s);
		if (e < 0)
			return e;
	}
	if (e == 0)
		e = reader_attributes_protobuf(r, r->scratch, message, 9, &attributes, &s->n_attributes, &s->n_dropped);
	if (e < 0)
		return e;
	s->attributes = attributes;
	e = events_read(r, message, s);
	return e < 0 ? e : links_read(r, message, s);
}

static int span_read(struct reader *r, struct str message, struct str scope)
{
	struct trace_span s = { .scope = scope };
	int e;

	reader_span_begin(r);
	e = span_fields_read(r, message, &s);
	if (e == -EBADMSG)
		return e;
	reader_span_end(r, e, &s);
	return 0;
}

/* ---- ResourceSpans { Resource 1 { attributes 1 }, ScopeSpans 2 { InstrumentationScope 1 { name 1 }, spans 2 } } ----
 */

/* The last field of that number, or "": a scope or a resource may come after what it is about. */
static int field_last(struct str message, uint32_t number, struct str *ret)
{
	struct wire w = wire_from(message);
	struct wire_field f;
	int e;

	*ret = STR("");
	while ((e = wire_next(&w, &f)) > 0)
		if (f.number == number && f.type == WIRE_BYTES)
			*ret = f.bytes;
	return e;
}

static int scope_read(struct reader *r, struct str message)
{
	struct wire w = wire_from(message);
	struct str scope, name = STR("");
	struct wire_field f;
	int e = field_last(message, 1, &scope);

	if (e == 0)
		e = field_last(scope, 1, &name);
	if (e < 0)
		return e;
	name = name.len > 0 ? reader_name(r->resource, name) : STR_NULL;
	while ((e = wire_next(&w, &f)) > 0) {
		e = f.number == 2 && f.type == WIRE_BYTES ? span_read(r, f.bytes, name) : 0;
		if (e < 0)
			return e;
	}
	return e;
}

static int resource_read(struct reader *r, struct str message)
{
	struct trace_attribute *attributes = NULL;
	struct wire w = wire_from(message);
	struct wire_field f;
	struct str resource;
	uint32_t dropped = 0;
	size_t n = 0;
	int e = field_last(message, 1, &resource);

	reader_resource_begin(r);
	if (e == 0)
		e = reader_attributes_protobuf(r, r->resource, resource, 1, &attributes, &n, &dropped);
	if (e == -EBADMSG)
		return e;
	if (e == 0)
		reader_process_set(r, attributes, n);
	while ((e = wire_next(&w, &f)) > 0) {
		e = f.number == 2 && f.type == WIRE_BYTES ? scope_read(r, f.bytes) : 0;
		if (e < 0)
			return e;
	}
	return e;
}

/* ExportTraceServiceRequest { resource_spans 1 } */
static int request_read(struct reader *r, struct str body)
{
	struct wire w = wire_from(body);
	struct wire_field f;
	int e;

	while ((e = wire_next(&w, &f)) > 0) {
		e = f.number == 1 && f.type == WIRE_BYTES ? resource_read(r, f.bytes) : 0;
		if (e < 0)
			return e;
	}
	return e;
}

int read_protobuf(struct str body, const struct read_options *options, struct read_result *ret)
{
	struct reader r CLEANUP(reader_done);
	int e = reader_init(&r, options);

	if (e < 0)
		return e;
	r.is_trial = true;
	e = request_read(&r, body);
	if (e < 0)
		return e;
	r.is_trial = false;
	r.result = (struct read_result){ 0 };
	e = request_read(&r, body);
	if (e == 0)
		*ret = r.result;
	return e;
}
