/* What OpenTelemetry's environment variables say, of those that matter here
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/), and telemetry's start and end by
 * them. */
#ifndef CINESYNC_TELEMETRY_SETTINGS_H
#define CINESYNC_TELEMETRY_SETTINGS_H

#include "base/config.h"

struct telemetry_settings {
	bool is_disabled;
	char *endpoint;
	char *traces_endpoint;
	int protocol;
	char *headers; /* a secret */
	char *ca_file;
	int64_t timeout_ms;
	int64_t delay_ms;
	int64_t batch_max;
	int64_t queue_max;
	char *service_name;
	char *resource_attributes;
	int sampler;
	char *sampler_ratio;
};

const struct config_table *telemetry_settings_table(void);

struct exporter;

/* Sets the sampler and, where there is an endpoint, starts the exporter (else *ret is NULL). service: "movie", which
 * without OTEL_SERVICE_NAME makes service.name "cinesync-movie". -ENOMEM, -EAGAIN: no thread. */
int telemetry_start(const struct telemetry_settings *s, const char *service, struct exporter **ret) MUST_CHECK;

#endif
