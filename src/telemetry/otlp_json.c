/* OTLP/JSON, written as text: the shape never changes. Ids are hexadecimal, enums numbers, 64-bit integers texts
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). Keys are our own and plain; every value is
 * escaped. */
#include "telemetry/otlp.h"

#include <jansson.h>

#define ADD(b, literal) buf_add((b), (literal), sizeof(literal) - 1)

enum {
	STATUS_CODE_ERROR = 2,
	FLAG_HAS_IS_REMOTE = 0x100,
	FLAG_IS_REMOTE = 0x200,
};

static void text_add(struct buf *b, struct str key, struct str value)
{
	ADD(b, "{\"key\":");
	buf_add_json(b, key);
	ADD(b, ",\"value\":{\"stringValue\":");
	buf_add_json(b, value);
	ADD(b, "}}");
}

static void resource_add(struct buf *resource, struct str key, struct str value)
{
	if (resource->len > 0)
		buf_addc(resource, ',');
	text_add(resource, key, value.data ? value : STR(""));
}

static void request_begin(struct otlp_request *r, struct buf *b, struct str resource, const char *version)
{
	*r = (struct otlp_request){ .b = b };
	ADD(b, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
	buf_add_str(b, resource);
	ADD(b, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"cinesync\",\"version\":");
	buf_add_json(b, str_from(version));
	ADD(b, "},\"spans\":[");
}

static void request_end(struct otlp_request *r)
{
	ADD(r->b, "]}]}]}");
}

static void attribute_add(struct buf *b, const struct span *s, const struct span_attribute *a)
{
	if (a->kind == SPAN_ATTRIBUTE_STR) {
		text_add(b, str_from(a->key), span_attribute_text(s, a));
		return;
	}
	ADD(b, "{\"key\":\"");
	buf_adds(b, a->key);
	if (a->kind == SPAN_ATTRIBUTE_INT) {
		ADD(b, "\",\"value\":{\"intValue\":\"");
		buf_add_int(b, a->value.integer);
		ADD(b, "\"}}");
	} else if (a->kind == SPAN_ATTRIBUTE_BOOL) {
		ADD(b, "\",\"value\":{\"boolValue\":");
		buf_adds(b, a->value.boolean ? "true}}" : "false}}");
	} else {
		ADD(b, "\",\"value\":{\"doubleValue\":");
		buf_add_double(b, a->value.number);
		ADD(b, "}}");
	}
}

static void attributes_add(struct buf *b, const struct span *s)
{
	uint32_t n_preset = s->preset ? s->preset->n : 0, n = n_preset + s->n_attributes;

	ADD(b, ",\"attributes\":[");
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		attribute_add(b, s, i < n_preset ? &s->preset->attributes[i] : &s->attributes[i - n_preset]);
	}
	if (s->error) {
		if (n > 0)
			buf_addc(b, ',');
		text_add(b, STR("error.type"), str_from(s->error));
	}
	buf_addc(b, ']');
	if (s->n_dropped > 0) {
		ADD(b, ",\"droppedAttributesCount\":");
		buf_add_int(b, s->n_dropped);
	}
}

static void ids_add(struct buf *b, const struct span *s)
{
	ADD(b, "{\"traceId\":\"");
	buf_add(b, s->context.trace_id, TRACE_ID_SIZE - 1);
	ADD(b, "\",\"spanId\":\"");
	buf_add(b, s->context.span_id, SPAN_ID_SIZE - 1);
	if (s->parent_id[0] != '\0') {
		ADD(b, "\",\"parentSpanId\":\"");
		buf_add(b, s->parent_id, SPAN_ID_SIZE - 1);
	}
	ADD(b, "\",\"flags\":");
	buf_add_int(b, s->context.trace_flags | FLAG_HAS_IS_REMOTE | (s->parent_is_remote ? FLAG_IS_REMOTE : 0));
	if (s->context.tracestate[0] != '\0') {
		ADD(b, ",\"traceState\":");
		buf_add_json(b, str_from(s->context.tracestate));
	}
}

static void time_add(struct buf *b, const struct span *s, int64_t mono_ns)
{
	buf_addc(b, '"');
	buf_add_int(b, s->start_real_ns + (mono_ns - s->start_mono_ns));
	buf_addc(b, '"');
}

static void events_add(struct buf *b, const struct span *s)
{
	if (s->n_events == 0)
		return;
	ADD(b, ",\"events\":[");
	for (uint32_t i = 0; i < s->n_events; i++) {
		const struct span_event *e = &s->events[i];

		buf_adds(b, i > 0 ? ",{\"timeUnixNano\":" : "{\"timeUnixNano\":");
		time_add(b, s, e->mono_ns);
		ADD(b, ",\"name\":");
		buf_add_json(b, str_from(e->name));
		if (e->attribute.key) {
			ADD(b, ",\"attributes\":[");
			attribute_add(b, s, &e->attribute);
			buf_addc(b, ']');
		}
		buf_addc(b, '}');
	}
	buf_addc(b, ']');
	if (s->n_events_dropped > 0) {
		ADD(b, ",\"droppedEventsCount\":");
		buf_add_int(b, s->n_events_dropped);
	}
}

static void body_add(struct buf *b, const struct span *s)
{
	ids_add(b, s);
	ADD(b, ",\"name\":");
	buf_add_json(b, str_from(s->name));
	ADD(b, ",\"kind\":");
	buf_add_int(b, s->kind);
	ADD(b, ",\"startTimeUnixNano\":");
	time_add(b, s, s->start_mono_ns);
	ADD(b, ",\"endTimeUnixNano\":");
	time_add(b, s, s->end_mono_ns);
	attributes_add(b, s);
	events_add(b, s);
	if (s->error) {
		ADD(b, ",\"status\":{\"code\":");
		buf_add_int(b, STATUS_CODE_ERROR);
		buf_addc(b, '}');
	}
	buf_addc(b, '}');
}

static void span_add(struct otlp_request *r, const struct span *s)
{
	size_t before = r->b->len;

	assert(s->end_mono_ns != 0);
	if (r->n > 0)
		buf_addc(r->b, ',');
	body_add(r->b, s);
	if (buf_error(r->b) == 0)
		r->n++;
	else
		r->b->len = before;
}

/* {"partialSuccess":{"rejectedSpans":"3","errorMessage":"…"}} */
static size_t rejected(struct str answer, struct buf *ret_reason)
{
	json_t *root = json_loadb(answer.data, answer.len, 0, NULL);
	json_t *partial = json_object_get(root, "partialSuccess");
	json_t *number = json_object_get(partial, "rejectedSpans");
	const char *text = json_string_value(number),
	           *reason = json_string_value(json_object_get(partial, "errorMessage"));
	int64_t n = 0;

	if (json_is_integer(number))
		n = (int64_t)json_integer_value(number);
	else if (text && str_to_int64(str_from(text), 0, INT32_MAX, &n) < 0)
		n = 0;
	if (reason)
		buf_adds(ret_reason, reason);
	json_decref(root);
	return n > 0 ? (size_t)n : 0;
}

const struct otlp_encoding otlp_json = {
	.name = "http/json",
	.content_type = "application/json",
	.resource_add = resource_add,
	.begin = request_begin,
	.add = span_add,
	.end = request_end,
	.rejected = rejected,
};
