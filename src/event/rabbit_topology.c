/* Declarations. Quorum queues keep a message through the loss of a minority of the servers and, other than classic
 * ones, hand their expired and overly often delivered messages on safely (dead-letter strategy at-least-once, which
 * needs reject-publish: RabbitMQ, "Quorum Queues"). */
#include "event/rabbit_topology.h"

#include "event/rabbit_c.h"

#include <errno.h>
#include <stdio.h>

/* Looking at a dead letter and leaving it counts as a delivery; without a limit of ours RabbitMQ 4 has one of 20, and
 * throws away what is over it. */
#define LOOKS_MAX 1000000

struct queue {
	const char *name;
	const char *exchange; /* bound to it ... */
	const char *key;      /* ... by that */
	const char *dead_exchange;
	const char *dead_key;
	int64_t ttl_ms; /* 0: for ever */
	int64_t delivery_limit;
};

static bool has(struct str text, const char *word)
{
	return memmem(text.data, text.len, word, strlen(word)) != NULL;
}

/* An old server, or one with the feature switched off: internal error, not implemented, or an argument it does not
 * know; but "inequivalent arg" is about a queue that is there. */
bool rabbit_says_no_quorum(int reply_code, struct str reply_text)
{
	if (has(reply_text, "inequivalent"))
		return false;
	if (reply_code == AMQP_INTERNAL_ERROR || reply_code == AMQP_NOT_IMPLEMENTED)
		return has(reply_text, "quorum");
	return reply_code == AMQP_PRECONDITION_FAILED && has(reply_text, "x-queue-type");
}

void rabbit_wait_queue(const struct rabbit_queues *q, int64_t tries, char ret[RABBIT_NAME_SIZE])
{
	assert(tries >= 1 && (size_t)tries <= q->n_delays);
	(void)snprintf(ret, RABBIT_NAME_SIZE, "%s.wait.%lldms", q->queue, (long long)q->delays_ms[tries - 1]);
}

static amqp_table_entry_t text(const char *key, const char *value)
{
	return (amqp_table_entry_t){ .key = amqp_cstring_bytes(key),
		                     .value = { .kind = AMQP_FIELD_KIND_UTF8,
		                                .value.bytes = amqp_cstring_bytes(value) } };
}

static amqp_table_entry_t number(const char *key, int64_t value)
{
	return (amqp_table_entry_t){ .key = amqp_cstring_bytes(key),
		                     .value = { .kind = AMQP_FIELD_KIND_I64, .value.i64 = value } };
}

static int declared(struct rabbit_link *l, const struct queue *q)
{
	char doing[RABBIT_NAME_SIZE];
	amqp_rpc_reply_t reply = amqp_get_rpc_reply(rabbit_connection(l));
	const amqp_channel_close_t *close = reply.reply.decoded;

	(void)snprintf(doing, sizeof(doing), "declare the queue %s", q->name);
	if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD &&
	    has(rabbit_str(close->reply_text), "inequivalent"))
		return rabbit_fail(l, -EEXIST,
		                   "RabbitMQ has another queue %s than this version declares (%.*s); empty and delete "
		                   "it, or keep to the version that made it",
		                   q->name, (int)close->reply_text.len, (const char *)close->reply_text.bytes);
	return rabbit_replied(l, reply, doing);
}

static int queue_declare(struct rabbit_link *l, const struct queue *q, bool *use_classic)
{
	amqp_connection_state_t c = rabbit_connection(l);
	amqp_table_entry_t entries[8];
	amqp_table_t arguments = { 0, entries };
	amqp_rpc_reply_t reply;
	const amqp_channel_close_t *close;

	entries[arguments.num_entries++] = text("x-queue-type", *use_classic ? "classic" : "quorum");
	if (q->dead_exchange) {
		entries[arguments.num_entries++] = text("x-dead-letter-exchange", q->dead_exchange);
		entries[arguments.num_entries++] = text("x-dead-letter-routing-key", q->dead_key);
	}
	if (q->ttl_ms)
		entries[arguments.num_entries++] = number("x-message-ttl", q->ttl_ms);
	if (!*use_classic && q->delivery_limit)
		entries[arguments.num_entries++] = number("x-delivery-limit", q->delivery_limit);
	if (!*use_classic && q->dead_exchange) {
		entries[arguments.num_entries++] = text("x-dead-letter-strategy", "at-least-once");
		entries[arguments.num_entries++] = text("x-overflow", "reject-publish");
	}
	amqp_queue_declare(c, RABBIT_CHANNEL, amqp_cstring_bytes(q->name), 0, 1, 0, 0, arguments);
	reply = amqp_get_rpc_reply(c);
	close = reply.reply.decoded;
	if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && !*use_classic)
		*use_classic = rabbit_says_no_quorum(close->reply_code, rabbit_str(close->reply_text));
	return declared(l, q);
}

static int exchange_declare(struct rabbit_link *l, const char *name, const char *type)
{
	amqp_connection_state_t c = rabbit_connection(l);
	char doing[RABBIT_NAME_SIZE];

	amqp_exchange_declare(c, RABBIT_CHANNEL, amqp_cstring_bytes(name), amqp_cstring_bytes(type), 0, 1, 0, 0,
	                      amqp_empty_table);
	(void)snprintf(doing, sizeof(doing), "declare the exchange %s", name);
	return rabbit_replied(l, amqp_get_rpc_reply(c), doing);
}

static int queue_bind(struct rabbit_link *l, const char *queue, const char *exchange, const char *key)
{
	amqp_connection_state_t c = rabbit_connection(l);
	char doing[RABBIT_NAME_SIZE];

	amqp_queue_bind(c, RABBIT_CHANNEL, amqp_cstring_bytes(queue), amqp_cstring_bytes(exchange),
	                amqp_cstring_bytes(key), amqp_empty_table);
	(void)snprintf(doing, sizeof(doing), "bind the queue %s", queue);
	return rabbit_replied(l, amqp_get_rpc_reply(c), doing);
}

static int queue_make(struct rabbit_link *l, const struct queue *q, bool *use_classic)
{
	int r = queue_declare(l, q, use_classic);

	return r < 0 ? r : queue_bind(l, q->name, q->exchange, q->key);
}

static int wait_queues_make(struct rabbit_link *l, const struct rabbit_queues *q, bool *use_classic)
{
	char name[RABBIT_NAME_SIZE];
	int r = 0;

	for (size_t i = 0; r == 0 && i < q->n_delays; i++) {
		const struct queue wait = { .name = name,
			                    .exchange = q->retry,
			                    .key = name,
			                    .dead_exchange = q->retry,
			                    .dead_key = q->queue,
			                    .ttl_ms = q->delays_ms[i] };

		rabbit_wait_queue(q, (int64_t)i + 1, name);
		r = queue_make(l, &wait, use_classic);
	}
	return r;
}

/* The queue itself comes last: once something can come in, everything is there that can become of it. */
int rabbit_topology_declare(struct rabbit_link *l, const struct rabbit_queues *q, bool *use_classic)
{
	const struct queue dead = {
		.name = q->dead, .exchange = q->retry, .key = q->dead, .delivery_limit = LOOKS_MAX
	};
	const struct queue main = { .name = q->queue,
		                    .exchange = q->retry,
		                    .key = q->queue,
		                    .dead_exchange = q->retry,
		                    .dead_key = q->dead,
		                    .delivery_limit = q->delivery_limit };
	int r = exchange_declare(l, RABBIT_EXCHANGE, "topic");

	if (r == 0)
		r = exchange_declare(l, q->retry, "direct");
	if (r == 0)
		r = queue_make(l, &dead, use_classic);
	if (r == 0)
		r = wait_queues_make(l, q, use_classic);
	if (r == 0)
		r = queue_make(l, &main, use_classic);
	return r < 0 ? r : queue_bind(l, q->queue, RABBIT_EXCHANGE, q->binding);
}
