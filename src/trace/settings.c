/* The settings of the collector: all that could grow has its limit here. */
#include "trace/trace.h"

#define NUMBER(name_, field_, min_, max_, def_, unit_, doc_)                                                       \
	{                                                                                                          \
		.name = (name_), .type = CONFIG_INT, .min = (min_), .max = (max_), .def = (def_), .unit = (unit_), \
		.doc = (doc_), .offset = offsetof(struct trace_config, field_)                                     \
	}

static const struct config_entry entries[] = {
	NUMBER("TRACES_MAX", traces_max, 1, 100000, "2000", "traces",
	       "Traces kept; when one more comes, the one that changed longest ago goes."),
	NUMBER("TRACES_BYTES_MAX", bytes_max, 1 << 20, (int64_t)1 << 34, "67108864", "bytes",
	       "Memory for them; one trace takes an eighth of it at most, and never more than 8 MiB."),
	NUMBER("TRACE_SPANS_MAX", spans_max, 1, 100000, "2000", "spans",
	       "Spans kept of one trace; further ones are refused."),
	NUMBER("TRACE_TEXT_MAX", text_max, 16, 65536, "2048", "bytes",
	       "Longest value of an attribute; longer ones are cut."),
	NUMBER("TRACE_SLOW_MS", slow_ms, 1, 3600000, "500", "ms", "A trace with a span that takes so long is slow."),
	NUMBER("TRACES_KEPT_PERCENT", kept_percent, 0, 95, "50", "%",
	       "Share of the traces and the memory in which slow traces, and those with an error, outlive the others."),
};

const struct config_table trace_settings = {
	.title = "Settings of the trace collector",
	.entries = entries,
	.n_entries = ARRAY_SIZE(entries),
};
