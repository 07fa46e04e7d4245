/* Whose work is being done right now: the trace and span that log lines, spans and outgoing calls belong to.
 * One pointer a thread; the fiber layer saves and restores it at each switch, so that it follows a request through
 * every wait. Owned by whoever set it, who must clear it before freeing. */
#ifndef CINESYNC_BASE_CONTEXT_H
#define CINESYNC_BASE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#define TRACE_ID_SIZE 33 /* 32 lower-case hexadecimal digits and the NUL */
#define SPAN_ID_SIZE 17
#define TRACESTATE_SIZE 513 /* W3C Trace Context: at least 512 characters should be passed on */

struct span;

struct context {
	char trace_id[TRACE_ID_SIZE];
	char span_id[SPAN_ID_SIZE];
	uint8_t trace_flags;              /* bit 0: sampled; bit 1: random trace id */
	char tracestate[TRACESTATE_SIZE]; /* "" when there is none */
	struct span *span; /* the open one whose ids these are; NULL in a copy, or when it is elsewhere */
};

extern _Thread_local struct context *context_current;

#endif
