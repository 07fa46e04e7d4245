/* The command `events`: RabbitMQ's queues and dead letters, for operators. */
#ifndef CINESYNC_NOTIFICATION_EVENTS_COMMAND_H
#define CINESYNC_NOTIFICATION_EVENTS_COMMAND_H

#include "notification/notification.h"

/* Yields. The database is opened only for the audit of what is dropped. The exit code. */
int events_command_run(const struct notification_config *c, const struct service_database *d, int argc, char **argv);

#endif
