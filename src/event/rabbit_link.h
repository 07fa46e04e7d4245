/* Inside the event room: a connection to RabbitMQ, kept up by a thread of its own. What is done on it is the owner's:
 * the publisher's or the consumer's. */
#ifndef CINESYNC_EVENT_RABBIT_LINK_H
#define CINESYNC_EVENT_RABBIT_LINK_H

#include "base/list.h"
#include "event/rabbit.h"
#include "event/rabbit_c.h"

#define RABBIT_CHANNEL 1

struct metric_cell;
struct rabbit_link;

/* What the loop asks the thread for. */
struct rabbit_order {
	struct list node;
	bool is_taken; /* by the thread; under the link's mutex */
};

/* What returns int: 0, or < 0 to end the connection, with the reason told by rabbit_fail(). */
struct rabbit_role {
	/* On the thread. */
	int (*begin)(struct rabbit_link *l, void *arg); /* connected, and RABBIT_CHANNEL open */
	int (*method)(struct rabbit_link *l, const amqp_method_t *method, void *arg);
	int (*order)(struct rabbit_link *l, struct rabbit_order *o, void *arg); /* owns it in every case */
	int (*tick)(struct rabbit_link *l, void *arg);   /* at least once a second; may be NULL */
	void (*ended)(struct rabbit_link *l, void *arg); /* the connection is gone */
	/* On the loop. */
	void (*posted)(struct list *node, void *arg);
	void (*turned)(bool is_up, const char *why, void *arg);
};

/* Starts the thread. As rabbit_publisher_new(). */
int rabbit_link_new(const struct rabbit_options *options, const struct rabbit_role *role, void *arg,
                    struct rabbit_link **ret) MUST_CHECK;
/* Yields until the thread has ended, having done what it was ordered before, if the connection is there; at most 2 s
 * (but a name that is looked up is waited for). Orders that it never took go to `left`. */
void rabbit_link_free(struct rabbit_link **l, struct list *left);

/* ---- on the loop ---- */

/* Whether a role ("consumer") has its connection, for its turned(). */
struct metric_cell *rabbit_up_cell(const char *role);

bool rabbit_link_is_up(const struct rabbit_link *l);
/* Done in order, when there is a connection that takes something. */
void rabbit_link_order(struct rabbit_link *l, struct rabbit_order *o);
/* true: the thread has not taken it and never will. */
bool rabbit_link_withdraw(struct rabbit_link *l, struct rabbit_order *o);

/* ---- on the thread ---- */

amqp_connection_state_t rabbit_connection(const struct rabbit_link *l);
bool rabbit_is_blocked(const struct rabbit_link *l);
/* Counts the connections, from 1. */
uint64_t rabbit_generation(const struct rabbit_link *l);
/* Hands it to posted(). */
void rabbit_post(struct rabbit_link *l, struct list *node);
/* Something the operator should know though it works; static text. */
void rabbit_notice(struct rabbit_link *l, const char *text);
/* Says why the connection has to end. Returns r. */
int rabbit_fail(struct rabbit_link *l, int r, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The answer to a call, or what the library says of a send. 0, or an error that was told by rabbit_fail(). */
int rabbit_replied(struct rabbit_link *l, amqp_rpc_reply_t reply, const char *doing) MUST_CHECK;
int rabbit_sent(struct rabbit_link *l, int status, const char *doing) MUST_CHECK;
/* The whole of a message whose method has come. Free with amqp_destroy_message(). 0 or as above. */
int rabbit_read_message(struct rabbit_link *l, amqp_message_t *ret) MUST_CHECK;

/* The text of a field, by pointer. */
static inline struct str rabbit_str(amqp_bytes_t b)
{
	return (struct str){ b.bytes ? b.bytes : "", b.len };
}

static inline amqp_bytes_t rabbit_bytes(struct str s)
{
	return (amqp_bytes_t){ .len = s.len, .bytes = (void *)(uintptr_t)s.data };
}

#endif
