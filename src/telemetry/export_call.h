/* One export: a POST to the collector, and what its answer means. Blocks; private to the room. */
#ifndef CINESYNC_TELEMETRY_EXPORT_CALL_H
#define CINESYNC_TELEMETRY_EXPORT_CALL_H

#include "telemetry/exporter.h"
#include "telemetry/otlp.h"

#define EXPORT_REASON_SIZE 256

struct export_call;

enum export_outcome {
	EXPORT_TAKEN,
	EXPORT_AGAIN, /* 429, 502, 503, 504, or no answer */
	EXPORT_REFUSED,
};

struct export_result {
	enum export_outcome outcome;
	const char *error;      /* error.type: static; "" when taken */
	int64_t retry_after_ms; /* as the collector asks for; 0: it does not */
	size_t rejected;        /* of a taken one: the spans it did not want */
	char reason[EXPORT_REASON_SIZE];
};

/* -ENOMEM; -errno: no file is left to be woken by. */
int export_call_new(const struct exporter_options *o, struct export_call **ret) MUST_CHECK;
/* After export_call_hang_up(). */
void export_call_free(struct export_call **c);
/* Ends the connection, on the thread that makes the calls and after the last of them. */
void export_call_hang_up(struct export_call *c);
/* The only open file there is before the first call: a thread with a table of its own keeps it. */
int export_call_wake_fd(const struct export_call *c);

/* Until the answer, the time-out, or is_over(), which is asked ten times a second and after a wake. */
void export_call_make(struct export_call *c, struct str body, bool (*is_over)(void *arg), void *arg,
                      struct export_result *ret);
/* From any thread. */
void export_call_wake(struct export_call *c);

#endif
