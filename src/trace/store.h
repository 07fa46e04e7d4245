/* The last traces, in memory that has an end: so many traces, spans a trace and bytes. When one more is too many, the
 * oldest goes; traces with an error and slow ones stay longest, though never in more than their share of the places,
 * so that a flood of errors does not push out what is going on now. One thread; nothing here yields. */
#ifndef CINESYNC_TRACE_STORE_H
#define CINESYNC_TRACE_STORE_H

#include "base/list.h"
#include "trace/model.h"

struct store_limits {
	size_t traces_max;
	size_t spans_max;      /* a trace */
	size_t bytes_max;      /* of all of them; one trace takes an eighth at most, and 8 MiB */
	int64_t slow_ns;       /* a trace with a span that took so long is slow */
	unsigned kept_percent; /* of traces and bytes, for those with an error and the slow ones */
};

struct trace {
	struct list link;
	uint8_t id[TRACE_ID_LEN];
	struct trace_span **spans; /* as they came */
	size_t n;
	size_t capacity;
	size_t bytes;
	size_t refused; /* spans that came when it was full */
	int64_t start_ns;
	int64_t end_ns;
	bool has_error;
	bool is_slow;
};

struct store_stats {
	size_t traces;
	size_t traces_kept; /* of these, with an error or slow */
	size_t spans;
	size_t bytes;
	size_t processes;
	uint64_t taken;      /* spans */
	uint64_t duplicates; /* of these, that were there already */
	uint64_t refused;
	uint64_t evicted;      /* traces */
	uint64_t evicted_kept; /* of these, with an error or slow */
};

struct store;

int store_new(const struct store_limits *limits, struct store **ret) MUST_CHECK;
void store_free(struct store **s);

/* Keeps a copy. A span that is there already (the sender tries again what it has no answer to) is left as it is. 0;
 * -ENOSPC: its trace is full, *ret_reason in words; -ENOMEM. */
int store_add(struct store *s, const struct trace_span *span, const char **ret_reason) MUST_CHECK;

/* NULL: it is not there. Good until the next store_add(). */
const struct trace *store_find(const struct store *s, const uint8_t id[TRACE_ID_LEN]);
/* All traces one by one, in no order; *cursor starts at 0. NULL: no more. */
const struct trace *store_next(const struct store *s, size_t *cursor);
void store_stats_get(const struct store *s, struct store_stats *ret);

#endif
