/* cinesync-trace: a collector for where there is no other. It takes the spans of the services (take.c), keeps the last
 * traces in memory (store.c), and answers Jaeger's questions about them (query_routes.c). Nothing is on disk: when it
 * ends, they are gone. */
#include "base/log.h"
#include "service/service.h"
#include "telemetry/metrics.h"
#include "trace/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct trace_state *trace_state(void)
{
	return service_state();
}

/* ---- metrics ---- */

struct reading {
	const char *name;
	const char *help;
	enum metric_type type;
	size_t offset;
	struct trace_state *state;
};

#define COUNT(member_, name_, help_)                                                      \
	{                                                                                 \
		.name = "cinesync_trace_" name_, .help = (help_), .type = METRIC_COUNTER, \
		.offset = offsetof(struct store_stats, member_)                           \
	}
#define GAUGE(member_, name_, help_)                                                    \
	{                                                                               \
		.name = "cinesync_trace_" name_, .help = (help_), .type = METRIC_GAUGE, \
		.offset = offsetof(struct store_stats, member_)                         \
	}

/* Every member of the stats is 64 bits wide. */
static struct reading readings[] = {
	GAUGE(traces, "traces", "Traces kept."),
	GAUGE(traces_kept, "traces_slow_or_failed", "Of these, with an error or slow."),
	GAUGE(spans, "spans", "Spans kept."),
	GAUGE(bytes, "bytes", "Memory they take."),
	COUNT(taken, "spans_taken_total", "Spans taken."),
	COUNT(duplicates, "spans_repeated_total", "Of these, the ones that were there already."),
	COUNT(refused, "spans_refused_total", "Spans of full traces, or without memory for them."),
	COUNT(evicted, "traces_evicted_total", "Traces that had to make room."),
	COUNT(evicted_kept, "traces_slow_or_failed_evicted_total", "Of these, with an error or slow."),
};

static double read_value(void *arg)
{
	const struct reading *r = arg;
	struct store_stats stats;
	uint64_t value;

	_Static_assert(sizeof(size_t) == sizeof(value), "both kinds of members are read alike");
	store_stats_get(r->state->store, &stats);
	memcpy(&value, (const char *)&stats + r->offset, sizeof(value));
	return (double)value;
}

static void metrics_begin(struct trace_state *state)
{
	for (size_t i = 0; i < ARRAY_SIZE(readings); i++) {
		readings[i].state = state;
		metric_callback(readings[i].name, readings[i].help, readings[i].type, read_value, &readings[i]);
	}
}

/* ---- life ---- */

static void mode_set(struct service_run *run, const struct trace_config *config)
{
	char text[96];

	snprintf(text, sizeof(text), "the last %lld, in %lld MiB of memory", (long long)config->traces_max,
	         (long long)(config->bytes_max >> 20));
	service_mode_set(run, "traces", text);
}

static int start(struct service_run *run, const void *config, void **ret_state)
{
	struct trace_state *state = calloc(1, sizeof(*state));
	const struct trace_config *c = config;
	struct store_limits limits = { .traces_max = (size_t)c->traces_max,
		                       .spans_max = (size_t)c->spans_max,
		                       .bytes_max = (size_t)c->bytes_max,
		                       .slow_ns = c->slow_ms * 1000000,
		                       .kept_percent = (unsigned)c->kept_percent };
	int r = state ? store_new(&limits, &state->store) : -ENOMEM;

	if (r < 0) {
		log_alert("cannot make the store of traces", LOG_ERR(r));
		free(state);
		return r;
	}
	state->config = c;
	metrics_begin(state);
	mode_set(run, c);
	*ret_state = state;
	return 0;
}

static void stop(void *arg)
{
	struct trace_state *state = arg;

	store_free(&state->store);
	free(state);
}

static const struct route *const routes[] = { take_routes, query_routes, NULL };

int main(int argc, char **argv)
{
	static const struct service service = {
		.name = "trace",
		.title = "CineSync trace collector",
		.summary = "Takes spans by OTLP, keeps the last traces, answers as Jaeger does.",
		.listen = "127.0.0.1:8085",
		.config = &trace_settings,
		.config_size = sizeof(struct trace_config),
		.routes = routes,
		.start = start,
		.stop = stop,
	};

	return service_main(argc, argv, &service);
}
