/* Inside the event room: a message that came. */
#ifndef CINESYNC_EVENT_RABBIT_DELIVERY_H
#define CINESYNC_EVENT_RABBIT_DELIVERY_H

#include "base/list.h"
#include "event/rabbit.h"
#include "event/rabbit_c.h"

#define RABBIT_TRIES_HEADER "x-cinesync-tries"   /* decimal, as text */
#define RABBIT_REASON_HEADER "x-cinesync-reason" /* of the last of them */

struct delivery {
	struct list node;
	struct rabbit_delivery public;
	struct arena *arena;
	uint64_t tag;
	uint64_t generation; /* the connection it is of */
};

/* Copies what is of interest. -ENOMEM. */
int delivery_new(const amqp_message_t *m, struct delivery **ret) MUST_CHECK;
/* Takes NULL, leaves NULL. */
void delivery_free(struct delivery **d);

#endif
