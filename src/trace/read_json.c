/* OTLP's JSON: the protobuf mapping with hexadecimal ids, and 64-bit integers as texts or numbers. What has not the
 * type it should have counts as absent; only a body that is no such request at all is refused as a whole. */
#include "trace/read_inside.h"

#include <errno.h>
#include <jansson.h>

static struct str text_of(const json_t *value)
{
	return json_is_string(value) ? (struct str){ json_string_value(value), json_string_length(value) } : STR_NULL;
}

static struct str member_text(const json_t *object, const char *name)
{
	return text_of(json_object_get(object, name));
}

/* A number, or a number as text; false: neither. */
static bool integer_of(const json_t *value, int64_t *ret)
{
	if (json_is_integer(value))
		*ret = json_integer_value(value);
	else
		return json_is_string(value) && str_to_int64(text_of(value), INT64_MIN, INT64_MAX, ret) == 0;
	return true;
}

static int64_t member_integer(const json_t *object, const char *name, int64_t min, int64_t max, int64_t otherwise)
{
	int64_t value;

	return integer_of(json_object_get(object, name), &value) && value >= min && value <= max ? value : otherwise;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Zeros when it is no id of that length. */
static void id_read(struct str hex, uint8_t *ret, size_t len)
{
	memset(ret, 0, len);
	if (hex.len != 2 * len)
		return;
	for (size_t i = 0; i < len; i++) {
		int high = hex_value(hex.data[2 * i]), low = hex_value(hex.data[2 * i + 1]);

		if (high < 0 || low < 0) {
			memset(ret, 0, len);
			return;
		}
		ret[i] = (uint8_t)(high << 4 | low);
	}
}

/* ---- AnyValue ---- */

static void json_write(const json_t *any, unsigned depth, struct buf *out);

static void json_items_write(const json_t *list, bool is_map, unsigned depth, struct buf *out)
{
	const json_t *values = json_object_get(list, "values");

	buf_addc(out, is_map ? '{' : '[');
	for (size_t i = 0; i < json_array_size(values) && buf_error(out) == 0; i++) {
		const json_t *item = json_array_get(values, i);

		if (i > 0)
			buf_addc(out, ',');
		if (is_map) {
			struct str key = member_text(item, "key");

			buf_add_json(out, key.data ? key : STR(""));
			buf_addc(out, ':');
			item = json_object_get(item, "value");
		}
		json_write(item, depth, out);
	}
	buf_addc(out, is_map ? '}' : ']');
}

static void json_write(const json_t *any, unsigned depth, struct buf *out)
{
	const json_t *value;
	int64_t integer;

	if (depth > READ_DEPTH_MAX)
		buf_adds(out, "\"…\"");
	else if ((value = json_object_get(any, "stringValue")) || (value = json_object_get(any, "bytesValue")))
		buf_add_json(out, text_of(value));
	else if ((value = json_object_get(any, "boolValue")))
		buf_adds(out, json_is_true(value) ? "true" : "false");
	else if (integer_of(json_object_get(any, "intValue"), &integer))
		buf_add_int(out, integer);
	else if ((value = json_object_get(any, "doubleValue")))
		buf_add_double(out, json_number_value(value));
	else if ((value = json_object_get(any, "arrayValue")))
		json_items_write(value, false, depth + 1, out);
	else if ((value = json_object_get(any, "kvlistValue")))
		json_items_write(value, true, depth + 1, out);
	else
		buf_adds(out, "null");
}

static int complex_read(const struct reader *r, struct arena *a, const json_t *any, struct trace_attribute *ret)
{
	struct buf json CLEANUP(buf_done);

	buf_init(&json, r->options->text_max + 8);
	json_write(any, 0, &json);
	return reader_value_text(r, a, &json, ret);
}

static int value_read(const struct reader *r, struct arena *a, const json_t *any, struct trace_attribute *ret)
{
	const json_t *value;

	if ((value = json_object_get(any, "stringValue")) || (value = json_object_get(any, "bytesValue"))) {
		struct str text = text_of(value);

		ret->kind = TRACE_TEXT;
		ret->text = reader_text(r, a, text.data ? text : STR(""));
		return ret->text.data ? 0 : -ENOMEM;
	}
	if (integer_of(json_object_get(any, "intValue"), &ret->value.integer)) {
		ret->kind = TRACE_INT;
	} else if (json_is_boolean(json_object_get(any, "boolValue"))) {
		ret->kind = TRACE_BOOL;
		ret->value.boolean = json_is_true(json_object_get(any, "boolValue"));
	} else if (json_is_number(json_object_get(any, "doubleValue"))) {
		ret->kind = TRACE_DOUBLE;
		ret->value.number = json_number_value(json_object_get(any, "doubleValue"));
	} else if (json_object_get(any, "arrayValue") || json_object_get(any, "kvlistValue")) {
		return complex_read(r, a, any, ret);
	} else {
		ret->text = STR("");
	}
	return 0;
}

static int attributes_read(const struct reader *r, struct arena *a, const json_t *list, struct trace_attribute **ret,
                           size_t *ret_n, uint32_t *dropped)
{
	size_t size = json_array_size(list), n = MIN(size, (size_t)TRACE_ATTRIBUTES_MAX);
	struct trace_attribute *attributes = arena_array(a, n, sizeof(*attributes));
	int e = attributes ? 0 : -ENOMEM;

	for (size_t i = 0; e == 0 && i < n; i++) {
		const json_t *item = json_array_get(list, i);
		struct str key = member_text(item, "key");

		attributes[i] = (struct trace_attribute){ .kind = TRACE_TEXT, .key = STR("") };
		if (key.data)
			attributes[i].key = reader_name(a, key);
		e = attributes[i].key.data ? value_read(r, a, json_object_get(item, "value"), &attributes[i]) : -ENOMEM;
	}
	*dropped += (uint32_t)(size - n);
	*ret = attributes;
	*ret_n = n;
	return e;
}

/* ---- events, links, spans ---- */

static int events_read(const struct reader *r, const json_t *list, struct trace_span *s)
{
	size_t size = json_array_size(list), n = MIN(size, (size_t)TRACE_EVENTS_MAX);
	struct trace_event *events = arena_array(r->scratch, n, sizeof(*events));
	int e = events ? 0 : -ENOMEM;

	for (size_t i = 0; e == 0 && i < n; i++) {
		const json_t *item = json_array_get(list, i);
		struct str name = member_text(item, "name");
		struct trace_attribute *attributes;

		events[i].at_ns = member_integer(item, "timeUnixNano", 0, INT64_MAX, 0);
		events[i].name = reader_name(r->scratch, name.data ? name : STR(""));
		e = attributes_read(r, r->scratch, json_object_get(item, "attributes"), &attributes,
		                    &events[i].n_attributes, &s->n_dropped);
		events[i].attributes = attributes;
		if (!events[i].name.data)
			e = -ENOMEM;
	}
	s->events = events;
	s->n_events = n;
	s->n_dropped += (uint32_t)(size - n);
	return e;
}

static int links_read(const struct reader *r, const json_t *list, struct trace_span *s)
{
	size_t size = json_array_size(list), n = MIN(size, (size_t)TRACE_LINKS_MAX);
	struct trace_link *links = arena_array(r->scratch, n, sizeof(*links));

	if (!links)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(list, i);

		id_read(member_text(item, "traceId"), links[i].trace_id, sizeof(links[i].trace_id));
		id_read(member_text(item, "spanId"), links[i].span_id, sizeof(links[i].span_id));
	}
	s->links = links;
	s->n_links = n;
	s->n_dropped += (uint32_t)(size - n);
	return 0;
}

/* Null when there is none, or an empty one. -ENOMEM. */
static int text_read(const struct reader *r, const json_t *object, const char *name, struct str *ret)
{
	struct str text = member_text(object, name);

	if (text.len == 0)
		return 0;
	*ret = reader_text(r, r->scratch, text);
	return ret->data ? 0 : -ENOMEM;
}

static int texts_read(const struct reader *r, const json_t *from, struct trace_span *s)
{
	const json_t *status = json_object_get(from, "status");
	struct str name = member_text(from, "name");
	int e = text_read(r, from, "traceState", &s->state);

	if (e == 0)
		e = text_read(r, status, "message", &s->status_text);
	s->status = (enum trace_status)member_integer(status, "code", 0, TRACE_STATUS_ERROR, TRACE_STATUS_UNSET);
	s->name = reader_name(r->scratch, name.data ? name : STR(""));
	return s->name.data ? e : -ENOMEM;
}

static int span_fields_read(const struct reader *r, const json_t *from, struct trace_span *s)
{
	struct trace_attribute *attributes;
	int e;

	id_read(member_text(from, "traceId"), s->trace_id, sizeof(s->trace_id));
	id_read(member_text(from, "spanId"), s->span_id, sizeof(s->span_id));
	id_read(member_text(from, "parentSpanId"), s->parent_id, sizeof(s->parent_id));
	s->kind = (enum trace_kind)member_integer(from, "kind", 0, TRACE_CONSUMER, TRACE_UNSPECIFIED);
	s->start_ns = member_integer(from, "startTimeUnixNano", 0, INT64_MAX, -1);
	s->end_ns = member_integer(from, "endTimeUnixNano", 0, INT64_MAX, -1);
	s->n_dropped = (uint32_t)(member_integer(from, "droppedAttributesCount", 0, 1000000, 0) +
	                          member_integer(from, "droppedEventsCount", 0, 1000000, 0) +
	                          member_integer(from, "droppedLinksCount", 0, 1000000, 0));
	e = texts_read(r, from, s);
	if (e == 0)
		e = attributes_read(r, r->scratch, json_object_get(from, "attributes"), &attributes, &s->n_attributes,
		                    &s->n_dropped);
	if (e < 0)
		return e;
	s->attributes = attributes;
	e = events_read(r, json_object_get(from, "events"), s);
	return e < 0 ? e : links_read(r, json_object_get(from, "links"), s);
}

/* ---- resources ---- */

/* A list of objects, or absent; -EBADMSG: something else. */
static int list_of(const json_t *object, const char *name, const json_t **ret)
{
	const json_t *list = json_object_get(object, name);

	if (list && !json_is_array(list) && !json_is_null(list))
		return -EBADMSG;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!json_is_object(json_array_get(list, i)))
			return -EBADMSG;
	*ret = list;
	return 0;
}

static int scope_read(struct reader *r, const json_t *from)
{
	struct str scope = member_text(json_object_get(from, "scope"), "name");
	const json_t *spans;
	int e = list_of(from, "spans", &spans);

	if (e < 0)
		return e;
	scope = scope.len > 0 ? reader_name(r->resource, scope) : STR_NULL;
	for (size_t i = 0; i < json_array_size(spans); i++) {
		struct trace_span s = { .scope = scope };

		reader_span_begin(r);
		e = span_fields_read(r, json_array_get(spans, i), &s);
		reader_span_end(r, e, &s);
	}
	return 0;
}

static int resource_read(struct reader *r, const json_t *from)
{
	const json_t *attributes_from = json_object_get(json_object_get(from, "resource"), "attributes"), *scopes;
	struct trace_attribute *attributes;
	uint32_t dropped = 0;
	size_t n;
	int e = list_of(from, "scopeSpans", &scopes);

	reader_resource_begin(r);
	if (e == 0 && attributes_read(r, r->resource, attributes_from, &attributes, &n, &dropped) == 0)
		reader_process_set(r, attributes, n);
	for (size_t i = 0; e == 0 && i < json_array_size(scopes); i++)
		e = scope_read(r, json_array_get(scopes, i));
	return e;
}

static int request_read(struct reader *r, const json_t *root)
{
	const json_t *resources;
	int e = list_of(root, "resourceSpans", &resources);

	for (size_t i = 0; e == 0 && i < json_array_size(resources); i++)
		e = resource_read(r, json_array_get(resources, i));
	return e;
}

/* A value takes a document of jansson's some hundred bytes, however short it is written. */
static bool has_too_many_values(struct str body)
{
	bool is_text = false;
	size_t n = 0;

	for (size_t i = 0; i < body.len; i++) {
		char c = body.data[i];

		if (is_text && c == '\\')
			i++;
		else if (c == '"')
			is_text = !is_text;
		else if (!is_text)
			n += c == ',' || c == '[' || c == '{';
	}
	return n > READ_JSON_VALUES_MAX;
}

int read_json(struct str body, const struct read_options *options, struct read_result *ret)
{
	struct reader r CLEANUP(reader_done) = { 0 };
	json_t *root;
	int e;

	if (has_too_many_values(body))
		return -E2BIG;
	root = json_loadb(body.data, body.len, JSON_ALLOW_NUL, NULL);
	if (!json_is_object(root)) {
		json_decref(root);
		return -EBADMSG;
	}
	e = reader_init(&r, options);
	r.is_trial = true;
	if (e == 0)
		e = request_read(&r, root);
	r.is_trial = false;
	r.result = (struct read_result){ 0 };
	if (e == 0)
		e = request_read(&r, root);
	json_decref(root);
	if (e == 0)
		*ret = r.result;
	return e;
}
