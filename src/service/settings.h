/* The settings every service has, beside its own. */
#ifndef CINESYNC_SERVICE_SETTINGS_H
#define CINESYNC_SERVICE_SETTINGS_H

#include "base/config.h"
#include "service/trust.h"
#include "telemetry/settings.h"

struct service_settings {
	char *listen;
	int log_level;
	bool log_access;
	int64_t log_access_percent;
	int64_t log_access_slow_ms;
	int64_t log_repeats_max;
	char *trusted_proxies; /* as address_list_parse() takes it */
	bool check_replies;
	int64_t drain_ms;
	int64_t drain_delay_ms;
	int64_t request_deadline_ms;
	int64_t requests_max;
	int64_t connections_max;
	int64_t body_size_max;
	int64_t upload_size_max;
	int64_t uploads_max;
	int64_t header_size_max;
	int64_t request_memory_max;
	int64_t head_timeout_ms;
	int64_t body_timeout_ms;
	int64_t idle_timeout_ms;
	int64_t fibers_max;
	int64_t fiber_stack_size;
	int64_t threads;
	struct telemetry_settings telemetry; /* by a table of its own */
	struct trust_settings trust;         /* likewise, of services that have a confirm() */
};

/* The table, with `listen` as the default of LISTEN. Static; one default a process. */
const struct config_table *service_settings_table(const char *listen);

/* For a config_entry's check: a numeric address and a port. */
const char *settings_check_listen(const char *value);

#endif
