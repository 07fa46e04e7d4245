/* Inside the event room: which RabbitMQ, and how a connection to it is opened. */
#ifndef CINESYNC_EVENT_RABBIT_TARGET_H
#define CINESYNC_EVENT_RABBIT_TARGET_H

#include "event/rabbit_link.h"

struct rabbit_target;

/* -EINVAL: the URL; -ENOMEM. */
int rabbit_target_new(const struct rabbit_options *options, struct rabbit_target **ret) MUST_CHECK;
/* Takes NULL, leaves NULL. */
void rabbit_target_free(struct rabbit_target **t);

/* On the link's thread; both block, for 5 s at most (and while a name is looked up). 0, or an error told by
 * rabbit_fail(). *ret_fd: the socket, the connection's own. */
int rabbit_target_connect(const struct rabbit_target *t, struct rabbit_link *l, int *ret_fd) MUST_CHECK;
int rabbit_target_login(const struct rabbit_target *t, struct rabbit_link *l) MUST_CHECK;

#endif
