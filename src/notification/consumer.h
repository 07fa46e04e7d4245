/* Events in by RabbitMQ. */
#ifndef CINESYNC_NOTIFICATION_CONSUMER_H
#define CINESYNC_NOTIFICATION_CONSUMER_H

#include "base/macro.h"
#include "event/rabbit.h"

struct notification_config;

/* For a config_entry's check: NULL when it is a list of delays, else what it should be. */
const char *consumer_check_delays(const char *value);
/* The queues as the settings have them; *ret keeps pointers to the settings' texts. */
void consumer_queues(const struct notification_config *c, struct rabbit_queues *ret);
/* As rabbit_consumer_new(). */
int consumer_start(const struct notification_config *c, struct rabbit_consumer **ret) MUST_CHECK;

#endif
