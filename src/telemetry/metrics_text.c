/* The registry as text, for Prometheus: its own format 0.0.4, and OpenMetrics 1.0, which has exemplars
 * (https://prometheus.io/docs/specs/om/open_metrics_spec/). */
#include "telemetry/metrics_internal.h"

#include <math.h>

static void number_write(struct buf *out, double value)
{
	if (isnan(value))
		buf_adds(out, "NaN");
	else if (isinf(value))
		buf_adds(out, value > 0 ? "+Inf" : "-Inf");
	else
		buf_add_double(out, value);
}

/* In OpenMetrics "_total" is not of the counter's name, but of its sample's. */
static struct str family_of(const struct metric *m, enum metrics_format format)
{
	struct str name = str_from(m->name);

	if (format == METRICS_OPENMETRICS && m->type == METRIC_COUNTER && str_ends(name, STR("_total")))
		name.len -= strlen("_total");
	return name;
}

static void help_write(struct buf *out, const struct metric *m, enum metrics_format format)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	struct str family = family_of(m, format);

	buf_addf(out, "# HELP %.*s ", STR_ARGS(family));
	for (const char *c = m->help; *c; c++) {
		if (*c == '\n')
			buf_adds(out, "\\n");
		else if (*c == '\\' || (*c == '"' && format == METRICS_OPENMETRICS))
			buf_addf(out, "\\%c", *c);
		else
			buf_addc(out, *c);
	}
	buf_addf(out, "\n# TYPE %.*s %s\n", STR_ARGS(family), types[m->type]);
}

static void sample_write(struct buf *out, const char *name, const char *suffix, const char *labels, double value)
{
	buf_addf(out, "%s%s", name, suffix);
	if (labels[0] != '\0')
		buf_addf(out, "{%s}", labels);
	buf_addc(out, ' ');
	number_write(out, value);
	buf_addc(out, '\n');
}

static void exemplar_write(struct buf *out, struct exemplar *e)
{
	int64_t real_ms;

	if (atomic_flag_test_and_set_explicit(&e->is_busy, memory_order_acquire))
		return;
	real_ms = atomic_load_explicit(&e->real_ms, memory_order_relaxed);
	if (real_ms != 0) {
		buf_addf(out, " # {trace_id=\"%s\"} ", e->trace_id);
		number_write(out, e->value);
		buf_addf(out, " %lld.%03d", (long long)(real_ms / 1000), (int)(real_ms % 1000));
	}
	atomic_flag_clear_explicit(&e->is_busy, memory_order_release);
}

static void bucket_write(struct buf *out, const struct metric_cell *c, double bound, uint64_t count, struct exemplar *e)
{
	buf_addf(out, "%s_bucket{%s%sle=\"", c->metric->name, c->labels, c->labels[0] != '\0' ? "," : "");
	number_write(out, bound);
	buf_addf(out, "\"} %llu", (unsigned long long)count);
	if (e)
		exemplar_write(out, e);
	buf_addc(out, '\n');
}

static void histogram_write(struct buf *out, const struct metric_cell *c, enum metrics_format format)
{
	const struct metric *m = c->metric;
	struct exemplar *e = NULL;
	uint64_t count = 0;

	if (format == METRICS_OPENMETRICS)
		e = atomic_load_explicit(&c->exemplars, memory_order_acquire);
	for (size_t i = 0; i <= m->n_buckets; i++) {
		count += atomic_load_explicit(&c->in_bucket[i], memory_order_relaxed);
		bucket_write(out, c, i < m->n_buckets ? m->buckets[i] : INFINITY, count, e ? &e[i] : NULL);
	}
	sample_write(out, m->name, "_sum", c->labels,
	             bits_to_double(atomic_load_explicit(&c->value, memory_order_relaxed)));
	sample_write(out, m->name, "_count", c->labels, (double)count);
}

static void metric_write(struct buf *out, const struct metric *m, enum metrics_format format)
{
	help_write(out, m, format);
	for (const struct metric_cell *c = m->first; c; c = c->next) {
		if (m->type == METRIC_HISTOGRAM)
			histogram_write(out, c, format);
		else
			sample_write(out, m->name, "", c->labels,
			             c->callback ? c->callback(c->callback_arg) : metric_get(c));
	}
}

void metrics_write(struct buf *out, enum metrics_format format)
{
	metrics_lock();
	for (const struct metric *m = metrics_first(); m; m = m->next)
		metric_write(out, m, format);
	metrics_unlock();
	if (format == METRICS_OPENMETRICS)
		buf_adds(out, "# EOF\n");
}
