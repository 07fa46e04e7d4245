/* The tables of the answers and of what is asked. */
#include "trace/messages.h"

#define FIELD(in, name_, type_, flags_, doc_, example_, ...)                                              \
	{                                                                                                 \
		.name = #name_, .type = (type_), .flags = (flags_), .offset = offsetof(struct in, name_), \
		.doc = (doc_), .example = (example_), __VA_ARGS__                                         \
	}
#define GIVEN SCHEMA_REQUIRED
#define TEXT(in, name_, doc_, example_) FIELD(in, name_, SCHEMA_STRING, GIVEN, doc_, example_, )
#define COUNT(in, name_, doc_, example_) FIELD(in, name_, SCHEMA_INT, GIVEN, doc_, example_, .min = 0, .max = INT64_MAX)
#define LIST(in, name_, schema_, doc_) \
	FIELD(in, name_, SCHEMA_ARRAY, GIVEN, doc_, NULL, .schema = &(schema_), .max = 1000000)
#define WARNINGS(in) \
	FIELD(in, warnings, SCHEMA_ARRAY, GIVEN, "What is not as it was sent.", NULL, .item = SCHEMA_STRING, .max = 100)
#define TRACE_ID(in)                                                               \
	TEXT(in, traceID, "32 hexadecimal digits: the X-Request-Id of the reply.", \
	     "\"4bf92f3577b34da6a3ce929d0e0e4736\"")
#define SPAN_ID(in) TEXT(in, spanID, "16 hexadecimal digits.", "\"00f067aa0ba902b7\"")

static const char *const tag_types[] = { "string", "bool", "int64", "float64", NULL };
static const char *const reference_types[] = { "CHILD_OF", "FOLLOWS_FROM", NULL };
static const char *const node_kinds[] = { "service", "database", "broker", "external", NULL };

static const struct schema_field tag_fields[] = {
	TEXT(tag_message, key, "The attribute's name.", "\"http.route\""),
	FIELD(tag_message, type, SCHEMA_ENUM, GIVEN, "What the value is.", "\"string\"", .values = tag_types),
	FIELD(tag_message, value, SCHEMA_ANY, GIVEN, "A text, a number, or true or false.",
	      "\"/api/v1/movies/search\""),
};
static const struct schema tag_schema =
        SCHEMA("JaegerTag", struct tag_message, tag_fields, "An attribute of a span, an event or a process.");

static const struct schema_field log_fields[] = {
	COUNT(log_message, timestamp, "µs since 1970.", "1790000000000000"),
	LIST(log_message, fields, tag_schema, "`event` is its name, the others are its attributes."),
};
static const struct schema log_schema =
        SCHEMA("JaegerLog", struct log_message, log_fields, "What happened at one moment of a span: an event.");

static const struct schema_field reference_fields[] = {
	FIELD(reference_message, refType, SCHEMA_ENUM, GIVEN, "CHILD_OF its parent; FOLLOWS_FROM what it is linked to.",
	      "\"CHILD_OF\"", .values = reference_types),
	TRACE_ID(reference_message),
	SPAN_ID(reference_message),
};
static const struct schema reference_schema = SCHEMA("JaegerReference", struct reference_message, reference_fields,
                                                     "Another span, which this one has to do with.");

static const struct schema_field span_fields[] = {
	TRACE_ID(span_message),
	SPAN_ID(span_message),
	TEXT(span_message, operationName, "The span's name.", "\"GET /api/v1/movies/search\""),
	LIST(span_message, references, reference_schema, "Its parent, if it has one, and its links."),
	COUNT(span_message, startTime, "µs since 1970.", "1790000000000000"),
	COUNT(span_message, duration, "µs.", "1250"),
	LIST(span_message, tags, tag_schema, "Its attributes; `span.kind`, `otel.status_code`, `error` among them."),
	LIST(span_message, logs, log_schema, "Its events."),
	TEXT(span_message, processID, "The member of `processes` it ran in.", "\"p1\""),
	WARNINGS(span_message),
};
static const struct schema span_schema = SCHEMA("JaegerSpan", struct span_message, span_fields, "One span.");

static const struct schema_field trace_fields[] = {
	TRACE_ID(trace_message),
	LIST(trace_message, spans, span_schema, "By their starts."),
	FIELD(trace_message, processes, SCHEMA_ANY, GIVEN,
	      "By processID: `serviceName`, and `tags` as those of a span.",
	      "{\"p1\":{\"serviceName\":\"cinesync-movie\",\"tags\":[]}}"),
	WARNINGS(trace_message),
};
static const struct schema trace_schema =
        SCHEMA("JaegerTrace", struct trace_message, trace_fields, "Everything that is known of one trace.");

static const struct schema_field call_fields[] = {
	TEXT(call_message, parent, "Who calls.", "\"cinesync-user\""),
	TEXT(call_message, child, "Who is called.", "\"cinesync-movie\""),
	COUNT(call_message, callCount, "How often.", "12"),
};
static const struct schema call_schema =
        SCHEMA("JaegerDependency", struct call_message, call_fields, "That one service calls another.");

#define ENVELOPE                                                                 \
	COUNT(envelope, total, "How many there are.", "1"),                      \
	        COUNT(envelope, limit, "How many were asked for; 0: all.", "0"), \
	        COUNT(envelope, offset, "Always 0.", "0"),                       \
	        FIELD(envelope, errors, SCHEMA_ANY, GIVEN | SCHEMA_NULLABLE, "Always null.", "null", )

static const struct schema_field names_answer_fields[] = {
	FIELD(envelope, data, SCHEMA_ARRAY, GIVEN, "The names, sorted.", NULL, .item = SCHEMA_STRING, .max = 1000000),
	ENVELOPE,
};
const struct schema names_answer_schema =
        SCHEMA("JaegerNames", struct envelope, names_answer_fields, "Names of services, or of operations.");

static const struct schema_field traces_answer_fields[] = {
	LIST(envelope, data, trace_schema, "The traces, the latest first."),
	ENVELOPE,
};
const struct schema traces_answer_schema = SCHEMA("JaegerTraces", struct envelope, traces_answer_fields, "Traces.");

static const struct schema_field calls_answer_fields[] = {
	LIST(envelope, data, call_schema, "Who calls whom."),
	ENVELOPE,
};
const struct schema calls_answer_schema =
        SCHEMA("JaegerDependencies", struct envelope, calls_answer_fields, "The calls between services.");

#define TIMES(in)                                                            \
	COUNT(in, errors, "Of these, the ones that failed.", "0"),           \
	        FIELD(in, rate, SCHEMA_NUMBER, GIVEN, "A second.", "0.4", ), \
	        COUNT(in, p50, "Half of them took no longer; µs.", "900"),   \
	        COUNT(in, p95, "95 of 100 took no longer; µs.", "4200"),     \
	        COUNT(in, p99, "99 of 100 took no longer; µs.", "12000")

static const struct schema_field node_fields[] = {
	TEXT(node_message, name, "The service's name, or the system's.", "\"cinesync-movie\""),
	FIELD(node_message, kind, SCHEMA_ENUM, GIVEN,
	      "What it is: a service that sends spans, or something that is called and sends none.", "\"service\"",
	      .values = node_kinds),
	COUNT(node_message, requests, "Requests to it, messages and its own tasks among them.", "40"),
	TIMES(node_message),
};
static const struct schema node_schema =
        SCHEMA("TraceMapService", struct node_message, node_fields, "A service, or a system it uses.");

static const struct schema_field edge_fields[] = {
	TEXT(edge_message, parent, "Who calls.", "\"cinesync-user\""),
	TEXT(edge_message, child, "Who is called.", "\"cinesync-movie\""),
	COUNT(edge_message, calls, "How often.", "12"),
	TIMES(edge_message),
};
static const struct schema edge_schema =
        SCHEMA("TraceMapCall", struct edge_message, edge_fields, "The calls from one to another.");

static const struct schema_field map_fields[] = {
	COUNT(map_message, start, "From when on; µs since 1970. Not before the first trace that is kept.",
	      "1790000000000000"),
	COUNT(map_message, end, "Until when; µs since 1970.", "1790000060000000"),
	LIST(map_message, services, node_schema, "Services, and the systems they use."),
	LIST(map_message, calls, edge_schema, "Who calls whom."),
};
const struct schema map_schema =
        SCHEMA("TraceMap", struct map_message, map_fields, "The map of the services, out of the traces kept.");

/* ---- what is asked ---- */

#define NAME(in, name_, flags_, doc_, example_) \
	FIELD(in, name_, SCHEMA_STRING, flags_, doc_, example_, .min = 1, .max = TRACE_NAME_MAX)
#define TIME(in, name_, doc_) \
	FIELD(in, name_, SCHEMA_INT, 0, doc_, "1790000000000000", .min = 0, .max = INT64_MAX / 1000)
#define DURATION(in, name_, doc_, example_) FIELD(in, name_, SCHEMA_STRING, 0, doc_, example_, .min = 1, .max = 40)

static const struct schema_field service_path_fields[] = {
	NAME(service_path, service, GIVEN, "The service's name.", "\"cinesync-movie\""),
};
const struct schema service_path_schema =
        SCHEMA("TraceServicePath", struct service_path, service_path_fields, "A service.");

static const struct schema_field trace_path_fields[] = {
	FIELD(trace_path, trace_id, SCHEMA_STRING, GIVEN,
	      "The trace's id: the X-Request-Id of the reply. Zeros in front may be left out.",
	      "\"4bf92f3577b34da6a3ce929d0e0e4736\"", .pattern = "[0-9a-fA-F]{1,32}"),
};
const struct schema trace_path_schema = SCHEMA("TracePath", struct trace_path, trace_path_fields, "A trace.");

static const struct schema_field search_query_fields[] = {
	NAME(search_query, service, 0, "Only traces with a span of this service.", "\"cinesync-movie\""),
	NAME(search_query, operation, 0, "Only with a span of this name.", "\"GET /api/v1/movies/search\""),
	FIELD(search_query, tags, SCHEMA_STRING, 0,
	      "Only with a span that has these tags: a JSON object of texts. {\"error\":\"true\"} are the failed.",
	      "\"{\\\"error\\\":\\\"true\\\"}\"", .min = 1, .max = 2000),
	FIELD(search_query, text, SCHEMA_STRING, 0,
	      "Only with this in a name or a value, or as the beginning of the trace id.", "\"users\"", .min = 1,
	      .max = 200),
	DURATION(search_query, minDuration, "Only with a span that took at least so long.", "\"100ms\""),
	DURATION(search_query, maxDuration, "And at most so long.", "\"1.5s\""),
	DURATION(search_query, lookback, "Only what started so long ago at most, when `start` is not given.", "\"1h\""),
	TIME(search_query, start, "Only what started at or after this; µs since 1970."),
	TIME(search_query, end, "Only what started before or at this; µs since 1970."),
	FIELD(search_query, limit, SCHEMA_INT, 0, "How many, the latest first; fewer come when they are very large.",
	      "20", .def = "20", .min = 1, .max = 2000),
};
const struct schema search_query_schema =
        SCHEMA("TraceSearch", struct search_query, search_query_fields, "What is looked for.");

static const struct schema_field period_query_fields[] = {
	TIME(period_query, start, "Taken, as clients of Jaeger send it; ids are found at any time."),
	TIME(period_query, end, "Likewise."),
};
const struct schema period_query_schema =
        SCHEMA("TracePeriod", struct period_query, period_query_fields, "From when until when.");

static const struct schema_field calls_query_fields[] = {
	FIELD(calls_query, endTs, SCHEMA_INT, 0, "Until when; ms since 1970. Left out: now.", "1790000000000", .min = 0,
	      .max = INT64_MAX / 1000000),
	FIELD(calls_query, lookback, SCHEMA_INT, 0, "From how long before that on; ms. Left out: a day.", "86400000",
	      .min = 0, .max = INT64_MAX / 1000000),
};
const struct schema calls_query_schema =
        SCHEMA("TraceDependencies", struct calls_query, calls_query_fields, "From when until when.");

static const struct schema_field map_query_fields[] = {
	DURATION(map_query, lookback, "From how long ago on. Left out: an hour.", "\"15m\""),
};
const struct schema map_query_schema = SCHEMA("TraceMapQuery", struct map_query, map_query_fields, "From when on.");
