/* What the registry and those who write it out share. */
#ifndef CINESYNC_TELEMETRY_METRICS_INTERNAL_H
#define CINESYNC_TELEMETRY_METRICS_INTERNAL_H

#include "telemetry/metrics.h"

#include "telemetry/trace.h"

#include <stdatomic.h>

/* One observation of a bucket, by its trace. Who does not get it at once does without. */
struct exemplar {
	atomic_flag is_busy;
	_Atomic int64_t real_ms; /* 0: there is none */
	double value;
	char trace_id[TRACE_ID_SIZE];
};

struct metric {
	unsigned magic;
	enum metric_type type;
	const char *name;
	const char *help;
	const char *const *labels;
	size_t n_labels;
	double *buckets;
	size_t n_buckets;
	bool is_asked;     /* declared by metric_callback(): its one cell has a function */
	struct map *cells; /* by label values */
	struct metric_cell *first;
	struct metric_cell *last;
	struct metric *next;
};

struct metric_cell {
	unsigned magic;
	const struct metric *metric;
	struct metric_cell *next;
	double (*callback)(void *arg); /* NULL: `value` is it. Under the registry's lock, as is its arg */
	void *callback_arg;
	char *labels;                         /* `method="GET",status="200"`, "" without labels */
	_Atomic(struct exemplar *) exemplars; /* n_buckets + 1; NULL: none yet */
	_Atomic uint64_t value;               /* a histogram's sum */
	_Atomic uint64_t in_bucket[];         /* n_buckets + 1, not cumulative; the last is everything above */
};

static inline double bits_to_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

void metrics_lock(void);
void metrics_unlock(void);
/* The lock is held. */
const struct metric *metrics_first(void);

#endif
