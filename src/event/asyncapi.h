/* What a service sends, as tables; and the AsyncAPI 3 document made of them. */
#ifndef CINESYNC_EVENT_ASYNCAPI_H
#define CINESYNC_EVENT_ASYNCAPI_H

#include "event/event.h"

/* A type of event: its routing key, and what its data look like. All static. */
struct event_contract {
	const char *type; /* "com.cinesync.user.created.v1" */
	const char *summary;
	const struct schema *data;
};

/* The whole document: a channel a type at the topic exchange, its message, the schemas. contracts: ended by type NULL.
 * The same tables give the same bytes. Errors stick to the buffer. Does not yield. */
void asyncapi_write(const char *title, const char *version, const struct event_contract *contracts, struct buf *out);

#endif
