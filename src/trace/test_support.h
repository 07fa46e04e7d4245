/* Spans for the tests of this room, made in one line. */
#ifndef CINESYNC_TRACE_TEST_SUPPORT_H
#define CINESYNC_TRACE_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trace/store.h"

#define MS INT64_C(1000000)
/* When everything here happens. */
#define NOON (INT64_C(1790000000000) * MS)

/* A server's span of that trace, of "cinesync-movie", at noon, one millisecond long. parent 0: a root. */
struct trace_span span_of(unsigned trace, unsigned id, unsigned parent);
/* The process of that name; there are eight at most. */
const struct trace_process *process_of(const char *service);
struct trace_attribute text_attribute(const char *key, const char *text);

void id_make(unsigned trace, uint8_t ret[TRACE_ID_LEN]);
struct store *store_make(size_t traces_max, size_t bytes_max);
void store_take(struct store *s, const struct trace_span *span);
bool store_has(const struct store *s, unsigned trace);

#endif
