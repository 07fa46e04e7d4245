/* The reference of bench/events.py: a bare publisher with confirms, nothing but librabbitmq, on a queue of the kind
 * that CineSync declares.
 *
 *     bench_rabbit HOST PORT VHOST USER PASSWORD QUEUE MESSAGES BYTES WINDOW
 *
 * Persistent and mandatory messages, at most WINDOW unconfirmed; prints how many a second were confirmed. */
#include "base/clock.h"
#include "base/str.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>

struct publisher {
	amqp_connection_state_t connection;
	amqp_bytes_t queue;
	amqp_bytes_t body;
	uint64_t published;
	uint64_t confirmed;
};

static void die(const char *doing)
{
	fprintf(stderr, "bench_rabbit: %s failed\n", doing);
	exit(1);
}

static void check(const struct publisher *p, const char *doing)
{
	if (amqp_get_rpc_reply(p->connection).reply_type != AMQP_RESPONSE_NORMAL)
		die(doing);
}

static void connect_to(struct publisher *p, char **argv)
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
	amqp_confirm_select(p->connection, 1);
	check(p, "ask for confirms");
}

/* Waits for one confirm, which may be of many. */
static void confirm_take(struct publisher *p)
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

static void publish(struct publisher *p)
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

int main(int argc, char **argv)
{
	struct publisher p = { 0 };
	uint64_t messages, window;
	int64_t began_us;

	if (argc != 10)
		die("usage: see the source; that");
	p.queue = amqp_cstring_bytes(argv[6]);
	messages = strtoull(argv[7], NULL, 10);
	p.body = (amqp_bytes_t){ .len = strtoull(argv[8], NULL, 10) };
	p.body.bytes = calloc(1, p.body.len);
	window = strtoull(argv[9], NULL, 10);
	if (!p.body.bytes)
		die("memory");
	memset(p.body.bytes, 'x', p.body.len);
	connect_to(&p, argv);
	began_us = clock_mono_us();
	while (p.confirmed < messages) {
		while (p.published < messages && p.published - p.confirmed < window)
			publish(&p);
		confirm_take(&p);
	}
	printf("%.0f\n", (double)messages * 1e6 / (double)(clock_mono_us() - began_us));
	free(p.body.bytes);
	return 0;
}
