/* Spans as the body of a POST to a collector's /v1/traces: an ExportTraceServiceRequest of opentelemetry-proto 1.x, in
 * protobuf's binary form or in its JSON mapping (https://opentelemetry.io/docs/specs/otlp/#otlphttp-request). Written
 * span by span into a buffer, without a document in memory. Nothing here yields or locks; errors stick to the buffer.
 *
 *   struct otlp_request r;
 *   e->begin(&r, &b, resource, version);
 *   e->add(&r, span);                       any number of times
 *   e->end(&r);                             now b holds the body
 */
#ifndef CINESYNC_TELEMETRY_OTLP_H
#define CINESYNC_TELEMETRY_OTLP_H

#include "telemetry/trace.h"

struct otlp_request {
	struct buf *b;
	size_t n;           /* spans */
	size_t resource_at; /* where lengths are to be written at the end (protobuf) */
	size_t scope_at;
};

struct otlp_encoding {
	const char *name; /* as OTEL_EXPORTER_OTLP_PROTOCOL has it */
	const char *content_type;
	/* One more attribute of a resource, which is what these made one after the other. */
	void (*resource_add)(struct buf *resource, struct str key, struct str value);
	/* b: empty. resource: as resource_add() made it. version: of the instrumentation, that is of CineSync. */
	void (*begin)(struct otlp_request *r, struct buf *b, struct str resource, const char *version);
	/* A span that has ended. When it does not fit, the buffer has an error and what was in it before is whole. */
	void (*add)(struct otlp_request *r, const struct span *s);
	void (*end)(struct otlp_request *r);
	/* How many spans the collector's ExportTraceServiceResponse refuses, and why (added). What cannot be read
	 * refuses none. */
	size_t (*rejected)(struct str answer, struct buf *ret_reason);
};

/* One attribute as a span of protobuf has it, into ret: how many bytes; 0: it does not fit. Its text is somebody else's
 * (struct span_attribute). */
size_t otlp_protobuf_attribute(const struct span_attribute *a, uint8_t *ret, size_t size);

extern const struct otlp_encoding otlp_protobuf;
extern const struct otlp_encoding otlp_json;

#endif
