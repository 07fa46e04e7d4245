/* What every service serves beside its own routes: /livez, /readyz, /metrics. Never routed by the gateway. */
#ifndef CINESYNC_SERVICE_HEALTH_H
#define CINESYNC_SERVICE_HEALTH_H

#include "service/service.h"

/* The routes, ended by path NULL. */
extern const struct route health_routes[];

/* checks may be NULL; state is handed to them. */
void health_init(const struct service_check *checks, void *state);
/* From now on /readyz answers 503 "draining". */
void health_drain(void);
/* A line of "modes" in /readyz; strings are copied; the same part again replaces it. -ENOSPC: 16 parts are there. */
int health_mode_set(const char *part, const char *mode) MUST_CHECK;
/* Logs every mode in one line. */
void health_modes_log(void);

#endif
