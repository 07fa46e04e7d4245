/* Direct delivery: POSTs the envelope to the consumer's /internal/events. For the embedded default, where there is no
 * broker. */
#ifndef CINESYNC_EVENT_DIRECT_H
#define CINESYNC_EVENT_DIRECT_H

#include "event/outbox.h"
#include "http/client.h"

/* 2xx is delivered; 4xx but 408, 425, 429 is refused for good; the rest is tried again. url is copied, the client stays
 * the caller's. */
int direct_transport_new(struct http_client *client, const char *url, struct event_transport **ret) MUST_CHECK;

#endif
