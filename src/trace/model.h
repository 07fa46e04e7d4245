/* What is known of a trace: spans, their events and links, and the processes they ran in, as any sender may have sent
 * them. The same structs are filled by the readers, in their arenas, and kept by the store, a block of memory a span.
 */
#ifndef CINESYNC_TRACE_MODEL_H
#define CINESYNC_TRACE_MODEL_H

#include "base/str.h"

enum {
	TRACE_ID_LEN = 16,
	TRACE_SPAN_ID_LEN = 8,
	/* More of them are left out, and counted. */
	TRACE_ATTRIBUTES_MAX = 128,
	TRACE_EVENTS_MAX = 128,
	TRACE_LINKS_MAX = 32,
	/* Of a key, a span's name, a service's name; bytes. */
	TRACE_NAME_MAX = 255,
};

struct trace_attribute {
	struct str key;
	enum { TRACE_TEXT, TRACE_BOOL, TRACE_INT, TRACE_DOUBLE } kind;
	struct str text; /* lists, maps and bytes are texts too: their JSON, and base64 */
	union {
		bool boolean;
		int64_t integer;
		double number;
	} value;
};

struct trace_event {
	int64_t at_ns;
	struct str name;
	const struct trace_attribute *attributes;
	size_t n_attributes;
};

struct trace_link {
	uint8_t trace_id[TRACE_ID_LEN];
	uint8_t span_id[TRACE_SPAN_ID_LEN];
};

/* OTLP's numbers. */
enum trace_kind { TRACE_UNSPECIFIED, TRACE_INTERNAL, TRACE_SERVER, TRACE_CLIENT, TRACE_PRODUCER, TRACE_CONSUMER };
enum trace_status { TRACE_STATUS_UNSET, TRACE_STATUS_OK, TRACE_STATUS_ERROR };

struct trace_process {
	struct str service;
	const struct trace_attribute *attributes; /* of the resource, without service.name */
	size_t n_attributes;
	void *owner; /* of one in the store: who counts the spans that point to it */
};

struct trace_span {
	uint8_t trace_id[TRACE_ID_LEN];
	uint8_t span_id[TRACE_SPAN_ID_LEN];
	uint8_t parent_id[TRACE_SPAN_ID_LEN]; /* zeros: a root */
	enum trace_kind kind;
	enum trace_status status;
	int64_t start_ns; /* since 1970 */
	int64_t end_ns;   /* not before the start */
	struct str name;
	struct str scope;       /* who made the span; null: not said */
	struct str state;       /* tracestate; null: none */
	struct str status_text; /* null: none */
	const struct trace_attribute *attributes;
	size_t n_attributes;
	const struct trace_event *events;
	size_t n_events;
	const struct trace_link *links;
	size_t n_links;
	uint32_t n_dropped; /* attributes, events and links that the sender, or a limit here, left out */
	const struct trace_process *process;
};

/* A copy in one block of memory, which free() frees; the process is not copied, but pointed to as before. NULL: out of
 * memory. *ret_size: bytes of the block. */
struct trace_span *trace_span_copy(const struct trace_span *s, size_t *ret_size);
/* The same of a process. */
struct trace_process *trace_process_copy(const struct trace_process *p, size_t *ret_size);
/* How large trace_span_copy() would be. */
size_t trace_span_size(const struct trace_span *s);

/* NULL: there is none of that key. */
const struct trace_attribute *trace_attribute_find(const struct trace_attribute *attributes, size_t n, struct str key);
bool trace_span_is_root(const struct trace_span *s);

#endif
