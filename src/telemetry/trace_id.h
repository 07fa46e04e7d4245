/* Ids for spans; private to the room. */
#ifndef CINESYNC_TELEMETRY_TRACE_ID_H
#define CINESYNC_TELEMETRY_TRACE_ID_H

#include "base/context.h"

/* 64 random bits, never all zero. */
void trace_span_id_new(char ret[SPAN_ID_SIZE]);

#endif
