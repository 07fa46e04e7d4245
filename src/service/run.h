/* The life of a service process: start on a fiber, serve, drain on SIGTERM or SIGINT, stop on a fiber. */
#ifndef CINESYNC_SERVICE_RUN_H
#define CINESYNC_SERVICE_RUN_H

#include "service/service.h"
#include "service/settings.h"

/* Serves until drained. The exit code. */
int service_run(const struct service *service, const struct service_settings *settings, const void *config);
/* Runs one subcommand on a fiber of a loop of its own. The exit code. */
int service_run_command(const struct service *service, const struct service_command *command,
                        const struct service_settings *settings, const void *config, int argc, char **argv);

#endif
