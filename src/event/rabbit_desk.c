/* One errand at RabbitMQ, for an operator: it is all done by the link's thread, when it has connected. Letters are
 * taken without being acknowledged; those that are kept go back to their places when the channel closes. A letter that
 * is replayed is published with a confirm first, and acknowledged then. */
#include "base/clock.h"
#include "event/rabbit_c.h"
#include "event/rabbit_delivery.h"
#include "event/rabbit_topology.h"
#include "fiber/fiber.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { ERRAND_MS = 60000, CONFIRM_S = 10 };

struct errand {
	const struct rabbit_desk *desk;
	struct rabbit_link *link;
	struct fiber_queue done;
	struct list done_node; /* posted when the thread has ended it */
	bool is_done, has_failed;
	struct arena *arena;
	struct str why;
	uint64_t published; /* the thread's */
};

/* ---- on the thread ---- */

/* -ENOENT: there is none, which costs the channel; a new one is opened. */
static int queue_look(struct rabbit_link *l, const char *name, int64_t *ret_ready, int64_t *ret_consumers)
{
	amqp_connection_state_t c = rabbit_connection(l);
	amqp_queue_declare_ok_t *ok =
	        amqp_queue_declare(c, RABBIT_CHANNEL, amqp_cstring_bytes(name), 1, 0, 0, 0, amqp_empty_table);
	amqp_rpc_reply_t reply = amqp_get_rpc_reply(c);
	const amqp_channel_close_t *close = reply.reply.decoded;
	int r;

	if (ok) {
		*ret_ready = ok->message_count;
		*ret_consumers = ok->consumer_count;
		return 0;
	}
	if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION || reply.reply.id != AMQP_CHANNEL_CLOSE_METHOD ||
	    close->reply_code != AMQP_NOT_FOUND)
		return rabbit_replied(l, reply, "look at a queue");
	amqp_channel_open(c, RABBIT_CHANNEL);
	r = rabbit_replied(l, amqp_get_rpc_reply(c), "open a channel");
	return r < 0 ? r : -ENOENT;
}

static int queue_tell(struct rabbit_link *l, const struct rabbit_desk *d, const char *name)
{
	int64_t ready = -1, consumers = 0;
	int r = queue_look(l, name, &ready, &consumers);

	if (r < 0 && r != -ENOENT)
		return r;
	d->queue(name, ready, consumers, d->arg);
	return 0;
}

static int queues_tell(struct rabbit_link *l, const struct rabbit_desk *d)
{
	char name[RABBIT_NAME_SIZE];
	int r = queue_tell(l, d, d->queues.queue);

	for (size_t i = 1; r == 0 && i <= d->queues.n_delays; i++) {
		rabbit_wait_queue(&d->queues, (int64_t)i, name);
		r = queue_tell(l, d, name);
	}
	return r < 0 ? r : queue_tell(l, d, d->queues.dead);
}

/* Waits for the confirm; a return before it: the queue is gone. */
static int confirm_wait(struct rabbit_link *l, uint64_t tag)
{
	struct timeval limit = { .tv_sec = CONFIRM_S };
	amqp_frame_t frame;
	amqp_message_t message;
	bool is_returned = false;
	int r;

	for (;;) {
		const amqp_basic_ack_t *ack;

		r = rabbit_sent(l, amqp_simple_wait_frame_noblock(rabbit_connection(l), &frame, &limit),
		                "wait for a confirm");
		if (r < 0)
			return r;
		if (frame.frame_type != AMQP_FRAME_METHOD)
			continue;
		ack = frame.payload.method.decoded;
		if (frame.payload.method.id == AMQP_BASIC_RETURN_METHOD) {
			is_returned = true;
			r = rabbit_read_message(l, &message);
			if (r < 0)
				return r;
			amqp_destroy_message(&message);
		} else if (frame.payload.method.id == AMQP_BASIC_ACK_METHOD && ack->delivery_tag >= tag) {
			return is_returned ? rabbit_fail(l, -EHOSTUNREACH, "no queue takes it") : 0;
		} else if (frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
			return rabbit_fail(l, -EREMOTEIO, "RabbitMQ refused it");
		}
	}
}

static int replay(struct rabbit_link *l, struct errand *e, const amqp_message_t *m)
{
	const struct rabbit_queues *q = &e->desk->queues;
	amqp_basic_properties_t properties = m->properties;
	int r;

	properties._flags &= ~(amqp_flags_t)AMQP_BASIC_HEADERS_FLAG; /* the tries begin anew */
	r = rabbit_sent(l,
	                amqp_basic_publish(rabbit_connection(l), RABBIT_CHANNEL, amqp_cstring_bytes(q->retry),
	                                   amqp_cstring_bytes(q->queue), 1, 0, &properties, m->body),
	                "publish");
	return r < 0 ? r : confirm_wait(l, ++e->published);
}

static int letter_decide(struct rabbit_link *l, struct errand *e, const amqp_message_t *m, uint64_t tag)
{
	struct rabbit_letter letter = { 0 };
	struct delivery *d CLEANUP(delivery_free) = NULL;
	enum rabbit_fate fate;
	int r = delivery_new(m, &d);

	if (r < 0)
		return rabbit_fail(l, r, "out of memory");
	letter.delivery = d->public;
	if (m->properties._flags & AMQP_BASIC_TIMESTAMP_FLAG)
		letter.sent_at_s = (int64_t)m->properties.timestamp;
	fate = e->desk->letter(&letter, e->desk->arg);
	if (fate == RABBIT_KEEP)
		return 0;
	r = fate == RABBIT_REPLAY ? replay(l, e, m) : 0;
	return r < 0 ? r : rabbit_sent(l, amqp_basic_ack(rabbit_connection(l), RABBIT_CHANNEL, tag, 0), "acknowledge");
}

/* 1: there are no more. */
static int letter_take(struct rabbit_link *l, struct errand *e)
{
	amqp_connection_state_t c = rabbit_connection(l);
	amqp_rpc_reply_t reply = amqp_basic_get(c, RABBIT_CHANNEL, amqp_cstring_bytes(e->desk->queues.dead), 0);
	const amqp_basic_get_ok_t *ok = reply.reply.decoded;
	amqp_message_t message;
	uint64_t tag;
	int r = rabbit_replied(l, reply, "look at the dead letters");

	if (r < 0)
		return r;
	if (reply.reply.id != AMQP_BASIC_GET_OK_METHOD)
		return 1;
	tag = ok->delivery_tag;
	r = rabbit_read_message(l, &message);
	if (r < 0)
		return r;
	r = letter_decide(l, e, &message, tag);
	amqp_destroy_message(&message);
	return r;
}

/* As many as there are now: what is replayed may be dead again in a moment. */
static int letters_take(struct rabbit_link *l, struct errand *e)
{
	amqp_connection_state_t c = rabbit_connection(l);
	int64_t n = 0, consumers;
	int r = queue_look(l, e->desk->queues.dead, &n, &consumers);

	if (r == -ENOENT)
		return 0;
	if (r == 0) {
		amqp_confirm_select(c, RABBIT_CHANNEL);
		r = rabbit_replied(l, amqp_get_rpc_reply(c), "ask for confirms");
	}
	for (int64_t i = 0; r == 0 && i < MIN(n, (int64_t)RABBIT_LETTERS_MAX); i++)
		r = letter_take(l, e);
	return r < 0 ? r : 0;
}

static int begin(struct rabbit_link *l, void *arg)
{
	struct errand *e = arg;
	int r = e->desk->queue ? queues_tell(l, e->desk) : 0;

	if (r == 0 && e->desk->letter)
		r = letters_take(l, e);
	if (r == 0)
		rabbit_post(l, &e->done_node);
	return r;
}

static int method(struct rabbit_link *l, const amqp_method_t *m, void *arg)
{
	(void)l;
	(void)m;
	(void)arg;
	return 0;
}

static int order(struct rabbit_link *l, struct rabbit_order *o, void *arg)
{
	(void)o;
	return method(l, NULL, arg);
}

static void ended(struct rabbit_link *l, void *arg)
{
	(void)l;
	(void)arg;
}

/* ---- on the loop ---- */

static void errand_end(struct errand *e)
{
	e->is_done = true;
	(void)fiber_queue_wake_one(&e->done, 0);
}

static void posted(struct list *node, void *arg)
{
	(void)node;
	errand_end(arg);
}

static void turned(bool is_up, const char *why, void *arg)
{
	struct errand *e = arg;

	if (is_up || e->is_done)
		return;
	e->has_failed = true;
	e->why = arena_printf(e->arena, "%s", why);
	errand_end(e);
}

int rabbit_desk_run(const struct rabbit_desk *d, struct arena *a, struct str *ret_why)
{
	static const struct rabbit_role role = {
		.begin = begin, .method = method, .order = order, .ended = ended, .posted = posted, .turned = turned
	};
	struct errand e = { .desk = d, .arena = a, .why = STR("it took too long") };
	struct list left;
	int r;

	list_init(&left);
	list_init(&e.done_node);
	fiber_queue_init(&e.done);
	r = rabbit_link_new(&d->link, &role, &e, &e.link);
	if (r < 0)
		return r;
	fiber_deadline_set(clock_deadline_in(ERRAND_MS));
	while (r == 0 && !e.is_done)
		r = fiber_queue_wait(&e.done);
	fiber_deadline_set(DEADLINE_NONE);
	rabbit_link_free(&e.link, &left);
	if (r == 0 && e.has_failed)
		r = -ENOTCONN;
	if (r < 0)
		*ret_why = e.why;
	return r;
}
