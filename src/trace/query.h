/* What is looked for among the traces. As Jaeger has it, a trace is found when one of its spans is all that is asked
 * for; only the text may stand anywhere in the trace. Nothing here yields. */
#ifndef CINESYNC_TRACE_QUERY_H
#define CINESYNC_TRACE_QUERY_H

#include "base/arena.h"
#include "trace/store.h"

struct query_tag {
	struct str key;
	struct str value; /* numbers and booleans as JSON writes them */
};

struct query {
	struct str service;   /* null: any */
	struct str operation; /* null: any */
	struct str text;      /* null: any; in a name or a value, upper or lower case alike, or how a trace id begins */
	const struct query_tag *tags;
	size_t n_tags;
	int64_t min_ns; /* of the span */
	int64_t max_ns;
	int64_t start_ns; /* when it started */
	int64_t end_ns;
};

/* Finds everything. */
void query_init(struct query *q);
bool query_matches(const struct query *q, const struct trace *t);
/* Those that match, the latest start first; the list is in the arena. -ENOMEM. */
int query_run(const struct query *q, const struct store *s, struct arena *a, const struct trace ***ret,
              size_t *ret_n) MUST_CHECK;

/* The members of a JSON object of texts, numbers and booleans. -EINVAL: it is none; -ENOMEM. */
int query_tags_parse(struct str json, struct arena *a, const struct query_tag **ret, size_t *ret_n) MUST_CHECK;
/* As Go writes durations: "1.5s", "1h30m", "200us". -EINVAL; -ERANGE. */
int query_duration_parse(struct str text, int64_t *ret_ns) MUST_CHECK;
/* 1 to 32 hexadecimal digits; zeros are left out in front. -EINVAL. */
int query_id_parse(struct str hex, uint8_t ret[TRACE_ID_LEN]) MUST_CHECK;

const char *trace_kind_name(enum trace_kind kind);

#endif
