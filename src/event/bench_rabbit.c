/* The references of bench/events.py: a bare publisher with confirms and a bare consumer, nothing but librabbitmq, on a
 * queue of the kind that CineSync declares.
 *
 *     bench_rabbit publish HOST PORT VHOST USER PASSWORD QUEUE MESSAGES BYTES WINDOW
 *     bench_rabbit consume HOST PORT VHOST USER PASSWORD QUEUE MESSAGES PREFETCH
 *
 * Persistent and mandatory messages, at most WINDOW unconfirmed; the consumer acknowledges what it has got whenever
 * nothing more is there, and every half PREFETCH, and says "ready" when it waits for the first. Printed: how many a
 * second were confirmed, or consumed from the first to the last. */
#include "base/clock.h"
#include "base/str.h"
#include "event/rabbit_c.h"

#include <stdio.h>
#include <stdlib.h>

struct bench {
	amqp_connection_state_t connection;
	amqp_bytes_t queue;
	amqp_bytes_t body;
	uint64_t messages;
	uint64_t published;
	uint64_t confirmed;
};

static void die(const char *doing)
{
	fprintf(stderr, "bench_rabbit: %s failed\n", doing);
	exit(1);
}

static void check(const struct bench *p, const char *doing)
{
	if (amqp_get_rpc_reply(p->connection).reply_type != AMQP_RESPONSE_NORMAL)
		die(doing);
}

static void connect_to(struct bench *p, char **argv)
{
	amqp_table_entry_t entries[] = { { .key = amqp_cstring_bytes("x-queue-type"),
		                           .value = { .kind = AMQP_FIELD_KIND_UTF8,
		                                      .value.bytes = amqp_cstring_bytes("quorum") } } };
	amqp_table_t quorum = { 1, entries };
	amqp_socket_t *socket;

	p->connection = amqp_new_connection();
	socket = amqp_tcp_socket_new(p->connection);
	if (!socket || amqp_socket_open(socket, argv[1], (int)strtol(argv[2], NULL, 10)) != AMQP_STATUS_OK)
		die("connect");
	if (amqp_login(p->connection, argv[3], 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, argv[4], argv[5]).reply_type !=
	    AMQP_RESPONSE_NORMAL)
		die("log in");
	amqp_channel_open(p->connection, 1);
	check(p, "open a channel");
	amqp_queue_declare(p->connection, 1, p->queue, 0, 1, 0, 0, quorum);
	check(p, "declare the queue");
}

/* Waits for one confirm, which may be of many. */
static void confirm_take(struct bench *p)
{
	amqp_frame_t frame;
	const amqp_basic_ack_t *ack;

	if (amqp_simple_wait_frame(p->connection, &frame) != AMQP_STATUS_OK)
		die("wait");
	if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD)
		die("confirm");
	ack = frame.payload.method.decoded;
	p->confirmed = ack->multiple ? ack->delivery_tag : p->confirmed + 1;
	amqp_maybe_release_buffers(p->connection);
}

static void publish(struct bench *p)
{
	char id[32];
	amqp_basic_properties_t properties = { ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
		                                         AMQP_BASIC_CONTENT_TYPE_FLAG,
		                               .delivery_mode = AMQP_DELIVERY_PERSISTENT,
		                               .content_type = amqp_cstring_bytes("application/cloudevents+json") };

	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)p->published);
	properties.message_id = amqp_cstring_bytes(id);
	if (amqp_basic_publish(p->connection, 1, amqp_empty_bytes, p->queue, 1, 0, &properties, p->body) !=
	    AMQP_STATUS_OK)
		die("publish");
	p->published++;
}

static void rate_print(uint64_t n, int64_t began_us)
{
	printf("%.0f\n", (double)n * 1e6 / (double)(clock_mono_us() - began_us));
}

static void publish_all(struct bench *p, size_t size, uint64_t window)
{
	int64_t began_us;

	p->body = (amqp_bytes_t){ .len = size, .bytes = calloc(1, size) };
	if (!p->body.bytes)
		die("memory");
	memset(p->body.bytes, 'x', p->body.len);
	amqp_confirm_select(p->connection, 1);
	check(p, "ask for confirms");
	began_us = clock_mono_us();
	while (p->confirmed < p->messages) {
		while (p->published < p->messages && p->published - p->confirmed < window)
			publish(p);
		confirm_take(p);
	}
	rate_print(p->messages, began_us);
	free(p->body.bytes);
}

/* Whether the next message can be read without waiting for the network. */
static bool is_more_there(const struct bench *p)
{
	return amqp_frames_enqueued(p->connection) || amqp_data_in_buffer(p->connection);
}

static void consume_all(struct bench *p, uint16_t prefetch)
{
	uint64_t consumed = 0, acked = 0;
	int64_t began_us = 0;

	amqp_basic_qos(p->connection, 1, 0, prefetch, 0);
	check(p, "set the prefetch");
	amqp_basic_consume(p->connection, 1, p->queue, amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
	check(p, "consume");
	puts("ready");
	fflush(stdout);
	while (consumed < p->messages) {
		amqp_envelope_t envelope;
		uint64_t tag;

		amqp_maybe_release_buffers(p->connection);
		if (amqp_consume_message(p->connection, &envelope, NULL, 0).reply_type != AMQP_RESPONSE_NORMAL)
			die("consume a message");
		tag = envelope.delivery_tag;
		amqp_destroy_envelope(&envelope);
		if (++consumed == 1)
			began_us = clock_mono_us();
		if (consumed < p->messages && is_more_there(p) && consumed - acked < prefetch / 2)
			continue;
		if (amqp_basic_ack(p->connection, 1, tag, 1) != AMQP_STATUS_OK)
			die("acknowledge");
		acked = consumed;
	}
	rate_print(consumed - 1, began_us);
}

int main(int argc, char **argv)
{
	bool is_consumer = argc == 10 && strcmp(argv[1], "consume") == 0;
	struct bench p = { 0 };

	if (!is_consumer && (argc != 11 || strcmp(argv[1], "publish") != 0))
		die("usage: see the source; that");
	p.queue = amqp_cstring_bytes(argv[7]);
	p.messages = strtoull(argv[8], NULL, 10);
	connect_to(&p, argv + 1);
	if (is_consumer)
		consume_all(&p, (uint16_t)strtoul(argv[9], NULL, 10));
	else
		publish_all(&p, strtoull(argv[9], NULL, 10), strtoull(argv[10], NULL, 10));
	return 0;
}
