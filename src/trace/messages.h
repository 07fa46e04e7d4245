/* The answers, in the JSON of Jaeger's query API as its own pages read it: every answer is an envelope around `data`.
 * Beside them, what is asked for in the query of an address. */
#ifndef CINESYNC_TRACE_MESSAGES_H
#define CINESYNC_TRACE_MESSAGES_H

#include "schema/schema.h"
#include "trace/graph.h"
#include "trace/store.h"

/* Names as Jaeger writes them. */
struct tag_message {
	struct str key;
	struct str type;  /* string, bool, int64, float64 */
	struct str value; /* JSON */
};

struct log_message {
	int64_t timestamp; /* µs since 1970, as all times here */
	struct schema_array fields;
};

struct reference_message {
	struct str refType; /* CHILD_OF, FOLLOWS_FROM */
	struct str traceID;
	struct str spanID;
};

struct span_message {
	struct str traceID;
	struct str spanID;
	struct str operationName;
	struct schema_array references;
	int64_t startTime;
	int64_t duration;
	struct schema_array tags;
	struct schema_array logs;
	struct str processID;
	struct schema_array warnings;
};

struct trace_message {
	struct str traceID;
	struct schema_array spans;
	struct str processes; /* JSON: an object by processID */
	struct schema_array warnings;
};

struct call_message {
	struct str parent;
	struct str child;
	int64_t callCount;
};

struct node_message {
	struct str name;
	struct str kind;
	int64_t requests;
	int64_t errors;
	double rate;
	int64_t p50;
	int64_t p95;
	int64_t p99;
};

struct edge_message {
	struct str parent;
	struct str child;
	int64_t calls;
	int64_t errors;
	double rate;
	int64_t p50;
	int64_t p95;
	int64_t p99;
};

struct map_message {
	int64_t start;
	int64_t end;
	struct schema_array services;
	struct schema_array calls;
};

/* One for each kind of data. */
struct envelope {
	struct schema_array data;
	int64_t total;
	int64_t limit;
	int64_t offset;
	struct str errors; /* null */
};

extern const struct schema names_answer_schema, traces_answer_schema, calls_answer_schema, map_schema;

struct service_path {
	struct str service;
};

struct trace_path {
	struct str trace_id;
};

struct search_query {
	struct str service;
	struct str operation;
	struct str tags;
	struct str text;
	struct str minDuration;
	struct str maxDuration;
	struct str lookback;
	struct schema_int start;
	struct schema_int end;
	int64_t limit;
};

struct period_query {
	struct schema_int start;
	struct schema_int end;
};

struct calls_query {
	struct schema_int endTs;
	struct schema_int lookback;
};

struct map_query {
	struct str lookback;
};

extern const struct schema service_path_schema, trace_path_schema, search_query_schema, period_query_schema,
        calls_query_schema, map_query_schema;

/* The trace as a message; everything new in it is in the arena. -ENOMEM. */
int trace_message_make(const struct trace *t, struct arena *a, struct trace_message *ret) MUST_CHECK;
/* rate: over so many seconds, more than none. */
int map_message_make(const struct graph *g, double seconds, struct arena *a, struct map_message *ret) MUST_CHECK;
int calls_message_make(const struct graph *g, struct arena *a, struct schema_array *ret) MUST_CHECK;

#endif
