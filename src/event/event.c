/* The CloudEvents envelope. Everything lives in the caller's arena; nothing yields. Limit: EVENT_SIZE_MAX bytes of
 * envelope, in and out. */
#include "event/event.h"

#include "base/clock.h"
#include "base/context.h"
#include "base/random.h"
#include "telemetry/trace.h"

#include <errno.h>

#define SPEC_VERSION STR("1.0")
#define CONTENT_TYPE STR("application/json")
#define NAME_MAX_POINTS 255
#define SOURCE_MAX_POINTS 1024

static const char *const spec_versions[] = { "1.0", NULL };

static const struct schema_field event_fields[] = {
	{ .name = "specversion",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = spec_versions,
	  .offset = offsetof(struct event, specversion),
	  .doc = "Version of the CloudEvents specification.",
	  .example = "\"1.0\"" },
	{ .name = "id",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = NAME_MAX_POINTS,
	  .offset = offsetof(struct event, id),
	  .doc = "The key consumers deduplicate by.",
	  .example = "\"01927f3e-6b1c-7d2a-9f00-3c5d5a3b8e11\"" },
	{ .name = "source",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = SOURCE_MAX_POINTS,
	  .offset = offsetof(struct event, source),
	  .doc = "Who tells of it, as a URI reference.",
	  .example = "\"/cinesync/user\"" },
	{ .name = "type",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = NAME_MAX_POINTS,
	  .offset = offsetof(struct event, type),
	  .doc = "What happened, with its version.",
	  .example = "\"com.cinesync.user.created.v1\"" },
	{ .name = "subject",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .min = 1,
	  .max = NAME_MAX_POINTS,
	  .offset = offsetof(struct event, subject),
	  .doc = "Whom it happened to; events of one subject arrive in order.",
	  .example = "\"01927f3e-6b1c-7d2a-9f00-3c5d5a3b8e10\"" },
	{ .name = "time",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_NULLABLE,
	  .offset = offsetof(struct event, time),
	  .doc = "When it happened.",
	  .example = "\"2026-11-22T22:24:02.123Z\"" },
	{ .name = "datacontenttype",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .max = NAME_MAX_POINTS,
	  .offset = offsetof(struct event, datacontenttype),
	  .doc = "Media type of data; only JSON is taken.",
	  .example = "\"application/json\"" },
	{ .name = "traceparent",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .max = NAME_MAX_POINTS,
	  .offset = offsetof(struct event, traceparent),
	  .doc = "W3C Trace Context of the cause.",
	  .example = "\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"" },
	{ .name = "tracestate",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .max = SOURCE_MAX_POINTS,
	  .offset = offsetof(struct event, tracestate),
	  .doc = "W3C Trace Context, what vendors add." },
	{ .name = "data",
	  .type = SCHEMA_ANY,
	  .flags = SCHEMA_NULLABLE,
	  .offset = offsetof(struct event, data),
	  .doc = "The event itself, by its type.",
	  .example = "{}" },
};

static int event_check(const void *value, struct arena *a, const char **ret_field, const char **ret_message)
{
	const struct event *e = value;
	ptrdiff_t semicolon = str_index(e->datacontenttype, ';', 0);
	struct str type =
	        str_trim(str_slice(e->datacontenttype, 0, semicolon < 0 ? e->datacontenttype.len : (size_t)semicolon));

	(void)a;
	if (str_is_null(e->datacontenttype) || str_equal_nocase(type, CONTENT_TYPE) || str_ends(type, STR("+json")))
		return 0;
	*ret_field = "datacontenttype";
	*ret_message = "only JSON data is taken";
	return -EINVAL;
}

const struct schema event_schema = {
	.name = "CloudEvent",
	.doc = "An event in the structured JSON mode of CloudEvents 1.0.",
	.fields = event_fields,
	.n_fields = ARRAY_SIZE(event_fields),
	.size = sizeof(struct event),
	.present_offset = SIZE_MAX,
	.check = event_check,
};

/* ---- making ---- */

static int make_data(struct arena *a, const struct schema *s, const void *data, struct str *ret)
{
	struct buf text CLEANUP(buf_done);
	int r;

	buf_init(&text, EVENT_SIZE_MAX);
	schema_write(s, data, &text);
	r = buf_error(&text);
	if (r < 0)
		return r == -ENOBUFS ? -EMSGSIZE : r;
	return arena_copy(a, buf_str(&text), ret);
}

static int make_trace(struct arena *a, const struct context *c, struct event *e)
{
	char parent[TRACEPARENT_SIZE];
	int r;

	if (!c)
		return 0;
	trace_format(c, parent);
	r = arena_copy(a, str_from(parent), &e->traceparent);
	if (r < 0 || !*c->tracestate)
		return r;
	return arena_copy(a, str_from(c->tracestate), &e->tracestate);
}

int event_make(struct arena *a, const char *source, const char *type, struct str subject,
               const struct schema *data_schema, const void *data, struct event *ret)
{
	struct event e = { .specversion = SPEC_VERSION, .datacontenttype = CONTENT_TYPE };
	char time[CLOCK_ISO8601_SIZE];
	char id[UUID_SIZE];
	int r;

	uuid_v7(id);
	clock_format_iso8601(clock_real_ms(), time);
	e.source = str_from(source);
	e.type = str_from(type);
	r = arena_copy(a, str_from(id), &e.id);
	if (r == 0)
		r = arena_copy(a, str_from(time), &e.time);
	if (r == 0)
		r = arena_copy(a, subject, &e.subject);
	if (r == 0)
		r = make_trace(a, context_current, &e);
	if (r == 0)
		r = make_data(a, data_schema, data, &e.data);
	if (r == 0)
		*ret = e;
	return r;
}

/* ---- writing ---- */

static void write_attribute(struct buf *out, const char *name, struct str value)
{
	if (str_is_null(value))
		return;
	buf_addf(out, ",\"%s\":", name);
	buf_add_json(out, value);
}

int event_write(const struct event *e, struct buf *out)
{
	size_t before = out->len;
	int r;

	buf_adds(out, "{\"specversion\":\"1.0\"");
	write_attribute(out, "id", e->id);
	write_attribute(out, "source", e->source);
	write_attribute(out, "type", e->type);
	write_attribute(out, "subject", e->subject);
	write_attribute(out, "time", e->time);
	write_attribute(out, "traceparent", e->traceparent);
	write_attribute(out, "tracestate", e->tracestate);
	if (!str_is_null(e->data)) {
		write_attribute(out, "datacontenttype", CONTENT_TYPE);
		buf_adds(out, ",\"data\":");
		buf_add_str(out, e->data);
	}
	buf_addc(out, '}');
	r = buf_error(out);
	if (r < 0)
		return r;
	return out->len - before > EVENT_SIZE_MAX ? -EMSGSIZE : 0;
}

/* ---- reading ---- */

int event_parse(struct str json, struct arena *a, struct event *ret, struct violations *v)
{
	struct event e;
	int r;

	if (json.len > EVENT_SIZE_MAX) {
		violations_add(v, "body", NULL, "bytes_too_long", "An event has at most %d bytes", EVENT_SIZE_MAX);
		return -EINVAL;
	}
	r = schema_parse_lenient(&event_schema, json, a, &e, v);
	if (r == 0)
		*ret = e;
	return r;
}

int event_data(const struct event *e, const struct schema *s, struct arena *a, void *ret, struct violations *v)
{
	if (str_is_null(e->data)) {
		violations_add(v, "body", "data", "missing", "Field required");
		return -EINVAL;
	}
	return schema_parse_lenient(s, e->data, a, ret, v);
}
