/* Inside the event room: exchanges, queues and bindings of a consumer. On the link's thread. */
#ifndef CINESYNC_EVENT_RABBIT_TOPOLOGY_H
#define CINESYNC_EVENT_RABBIT_TOPOLOGY_H

#include "event/rabbit_link.h"

#define RABBIT_NAME_SIZE 256

/* Declares all of it, which changes nothing where it is there already. 0, or an error told by rabbit_fail(): -EEXIST:
 * there is one of that name and another kind. *use_classic: no quorum queues; it is set when the server turns out to
 * have none, with an error, since that costs the connection. */
int rabbit_topology_declare(struct rabbit_link *l, const struct rabbit_queues *q, bool *use_classic) MUST_CHECK;
/* The wait queue's name after so many tries, from 1; at most q->n_delays. */
void rabbit_wait_queue(const struct rabbit_queues *q, int64_t tries, char ret[RABBIT_NAME_SIZE]);
/* Whether an answer to a declaration of a quorum queue means that the server has none. Pure. */
bool rabbit_says_no_quorum(int reply_code, struct str reply_text);

#endif
