/* The collector from inside: its settings, its state, its routes. */
#ifndef CINESYNC_TRACE_TRACE_H
#define CINESYNC_TRACE_TRACE_H

#include "base/config.h"
#include "http/server.h"
#include "trace/store.h"

struct trace_config {
	int64_t traces_max;
	int64_t spans_max;
	int64_t bytes_max;
	int64_t text_max;
	int64_t slow_ms;
	int64_t kept_percent;
};

struct trace_state {
	const struct trace_config *config;
	struct store *store;
};

extern const struct config_table trace_settings;
/* POST /v1/traces; and what asks. */
extern const struct route take_routes[], query_routes[];

struct trace_state *trace_state(void);

/* The names of the services that spans are kept of, or of the operations of one; sorted, each once, in the arena.
 * -ENOMEM. */
int names_of_services(const struct store *s, struct arena *a, struct schema_array *ret) MUST_CHECK;
int names_of_operations(const struct store *s, struct str service, struct arena *a,
                        struct schema_array *ret) MUST_CHECK;

#endif
