/* Finished spans to a collector by OTLP/HTTP, from a thread of its own. Whoever ends a span writes it into the queue
 * and goes on: a collector that is slow, away or unwilling costs nobody a wait, only spans, and those are counted.
 *
 * Sent when batch_max spans wait, when the oldest has waited for delay_ms, or when nothing was added for
 * EXPORT_IDLE_MS. 429, 502, 503, 504 and lost connections are tried again with growing, random delays, or as
 * Retry-After says, for EXPORT_RETRY_MS; everything else is final, as the OTLP specification has it
 * (https://opentelemetry.io/docs/specs/otlp/#otlphttp-response).
 *
 * Metrics, named as OpenTelemetry's own SDK metrics: otel_sdk_processor_span_queue_size, …_queue_capacity,
 * otel_sdk_processor_span_processed_total{error_type} ("queue_full": there was no place) and
 * otel_sdk_exporter_span_exported_total{error_type} (what became of those that were sent; "": taken). */
#ifndef CINESYNC_TELEMETRY_EXPORTER_H
#define CINESYNC_TELEMETRY_EXPORTER_H

#include "telemetry/trace.h"

#define EXPORT_IDLE_MS 250
#define EXPORT_RETRY_MS 60000

struct exporter;
struct otlp_encoding;

struct exporter_options {
	const struct otlp_encoding *encoding;
	const char *url;            /* http:// or https://, of the collector's /v1/traces */
	const char *const *headers; /* "Name: value", NULL-terminated; may be NULL; copied, and never logged */
	const char *ca_file;        /* whom to believe; NULL: the system's */
	struct str resource;        /* as the encoding's resource_add() makes it; copied */
	const char *version;        /* of CineSync; static */
	int64_t timeout_ms;         /* of one try */
	int64_t delay_ms;
	size_t batch_max; /* spans a request, at least 1 */
	size_t queue_max; /* spans that wait at most, those on their way among them; rounded up to whole batches */
};

/* Starts the thread and becomes the sink of spans, of which there can be one. -ENOMEM, -EAGAIN: no thread. */
int exporter_start(const struct exporter_options *options, struct exporter **ret) MUST_CHECK;
/* Is the sink no more; sends what waits, until deadline_ms (mono) at most; what is left then is counted and dropped.
 * Ends the thread, frees all; blocks meanwhile. Nobody may be ending a span. Sets *e to NULL; takes a pointer to
 * NULL. */
void exporter_stop(struct exporter **e, int64_t deadline_ms);

#endif
