/* An ExportTraceServiceRequest of OTLP/HTTP, in protobuf or in JSON, span by span out of bytes of any origin.
 *
 * Read twice: once to see that all of it can be read at all, and only then for the spans, so that of a request that is
 * garbage nothing is kept. A span that can be read but is none (no id, no time, too large) is refused by itself.
 * Unknown fields are passed over, as the protocol wants it. What has no end has a limit: texts are cut at a character,
 * lists after so many items, values nested deeper than READ_DEPTH_MAX become "…". Nothing here yields. */
#ifndef CINESYNC_TRACE_READ_H
#define CINESYNC_TRACE_READ_H

#include "base/arena.h"
#include "base/buf.h"
#include "trace/model.h"

enum {
	READ_DEPTH_MAX = 8,
	/* Values in a body of JSON, so that reading it takes 50 MB at most; an export of 512 spans has about 50,000. */
	READ_JSON_VALUES_MAX = 400000,
};

struct read_options {
	size_t text_max; /* bytes of one value */
	/* What becomes of a span, which is good until it returns. 0, or a negative error: refused, *ret_reason is in
	 * words, static. */
	int (*take)(void *arg, const struct trace_span *span, const char **ret_reason);
	void *arg;
};

struct read_result {
	size_t taken;
	size_t refused;
	const char *reason; /* why the first of these was; NULL: none was */
};

/* 0; -EBADMSG: it is no such request; -E2BIG: it has too many values; -ENOMEM. */
int read_protobuf(struct str body, const struct read_options *options, struct read_result *ret) MUST_CHECK;
int read_json(struct str body, const struct read_options *options, struct read_result *ret) MUST_CHECK;

/* The ExportTraceServiceResponse: {}, or a partialSuccess that counts the refused. */
void read_answer_protobuf(const struct read_result *result, struct buf *out);
void read_answer_json(const struct read_result *result, struct buf *out);

#endif
