/* Prometheus metrics: counters, gauges and histograms, declared once. Values are atomic and may be changed from any
 * thread without a lock; declaring and looking up take one. Nothing here yields. */
#ifndef CINESYNC_TELEMETRY_METRICS_H
#define CINESYNC_TELEMETRY_METRICS_H

#include "base/buf.h"

#define METRIC_LABELS_MAX 8
#define METRIC_LABEL_SETS_MAX 1000
#define METRIC_LABEL_VALUE_SIZE_MAX 128 /* bytes; longer values are cut at a character */

struct metric;

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* labels: a NULL-terminated list of at most METRIC_LABELS_MAX label names, or NULL. Names by Prometheus convention with
 * the unit in them; all texts are kept by pointer. Declared for the life of the process; declaring the same name again
 * gives the same metric. buckets (histogram): ascending finite upper bounds, copied; NULL: 0.0005 … 10 s. At most
 * METRIC_LABEL_SETS_MAX label sets a metric: further ones are counted under the label values "other". A metric without
 * labels shows at 0 from the start. Aborts on a bad declaration (a bug) and when out of memory. */
struct metric *metric_new(enum metric_type type, const char *name, const char *help, const char *const *labels,
                          const double *buckets, size_t n_buckets);

struct metric_cell; /* one label set; look it up once, keep it */
/* values: as many as there are labels (none: NULL will do), copied; bytes that are not UTF-8 become U+FFFD in the
 * output. Never NULL. */
struct metric_cell *metric_cell(struct metric *m, const char *const *values);

void metric_add(struct metric_cell *c, double delta); /* counter: delta >= 0 */
void metric_set(struct metric_cell *c, double value); /* gauge */
/* histogram. A NaN, which would spoil the sum for ever, is left out. */
void metric_observe(struct metric_cell *c, double value);
/* The same, with the trace to look at (an exemplar): it stands beside its bucket until another takes its place, one
 * second later at the soonest. trace_id: 32 hexadecimal digits, copied; real_ms: when it was. Costs a comparison more
 * than metric_observe() as a rule. */
void metric_observe_traced(struct metric_cell *c, double value, const char *trace_id, int64_t real_ms);
/* Of a histogram: how many were observed. */
double metric_get(const struct metric_cell *c);

/* A counter or gauge without labels whose value is asked for at render time, on the thread that renders; `value` must
 * neither block nor declare or render metrics. Declaring the same name again replaces the function. */
void metric_callback(const char *name, const char *help, enum metric_type type, double (*value)(void *arg), void *arg);

/* The same for one cell of a counter or gauge that has labels; giving a function again replaces it. */
void metric_cell_callback(struct metric_cell *c, double (*value)(void *arg), void *arg);
/* Before `arg` goes: the cell shows what it says now from then on. Nothing when the cell asks another one meanwhile. */
void metric_cell_callback_end(struct metric_cell *c, void *arg);
/* Asks all of these functions for the last time; from then on their metrics show that. For who takes things down. */
void metrics_freeze(void);

enum metrics_format {
	METRICS_TEXT,        /* Prometheus' text exposition format 0.0.4 */
	METRICS_OPENMETRICS, /* OpenMetrics 1.0: the same, and exemplars. Counters' names have to end in "_total" */
};

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Everything, in the order declared. */
void metrics_write(struct buf *out, enum metrics_format format);
/* process_resident_memory_bytes, process_virtual_memory_bytes, process_cpu_seconds_total, process_open_fds,
 * process_max_fds, process_start_time_seconds, and cinesync_build_info{service,version} and
 * cinesync_process_memory_limit_bytes. */
void metrics_process_init(const char *service);

#endif
