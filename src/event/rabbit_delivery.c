/* From the library's message, which lives as long as its connection, to one of our own. */
#include "event/rabbit_delivery.h"

#include "event/rabbit_c.h"
#include "event/rabbit_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	HEADER_SIZE_MAX = 1024, /* of one that we read */
	TEXTS_SIZE_MAX = 16384, /* of a message without its body */
};

void delivery_free(struct delivery **d)
{
	struct delivery *delivery = STEAL(*d);

	if (!delivery)
		return;
	arena_free(&delivery->arena);
	free(delivery);
}

static struct str header_text(const amqp_table_t *headers, const char *name)
{
	for (int i = 0; i < headers->num_entries; i++) {
		const amqp_table_entry_t *e = &headers->entries[i];

		if (str_equal(rabbit_str(e->key), str_from(name)) && e->value.kind == AMQP_FIELD_KIND_UTF8 &&
		    e->value.value.bytes.len <= HEADER_SIZE_MAX)
			return rabbit_str(e->value.value.bytes);
	}
	return STR_NULL;
}

static int64_t header_tries(const amqp_table_t *headers)
{
	int64_t tries;

	return str_to_int64(header_text(headers, RABBIT_TRIES_HEADER), 0, 1000, &tries) == 0 ? tries : 0;
}

static struct str property(const amqp_basic_properties_t *p, amqp_flags_t flag, amqp_bytes_t value)
{
	return p->_flags & flag ? rabbit_str(value) : STR_NULL;
}

/* Our own, or the server's (RabbitMQ, "Dead Lettering": the x-first-death headers): "delivery_limit". */
static void reason_copy(const amqp_table_t *headers, struct rabbit_delivery *d)
{
	struct str reason = header_text(headers, RABBIT_REASON_HEADER);

	if (str_is_null(reason))
		reason = header_text(headers, "x-first-death-reason");
	if (!str_is_null(reason))
		(void)snprintf(d->reason, sizeof(d->reason), "%.*s", STR_ARGS(reason));
}

static int texts_copy(struct delivery *d, const amqp_message_t *m)
{
	static const amqp_table_t no_headers;
	const amqp_basic_properties_t *p = &m->properties;
	const amqp_table_t *headers = p->_flags & AMQP_BASIC_HEADERS_FLAG ? &p->headers : &no_headers;
	const struct {
		struct str from;
		struct str *to;
	} copies[] = {
		{ rabbit_str(m->body), &d->public.body },
		{ property(p, AMQP_BASIC_CONTENT_TYPE_FLAG, p->content_type), &d->public.content_type },
		{ property(p, AMQP_BASIC_MESSAGE_ID_FLAG, p->message_id), &d->public.message_id },
		{ property(p, AMQP_BASIC_TYPE_FLAG, p->type), &d->public.type },
		{ header_text(headers, "traceparent"), &d->public.traceparent },
		{ header_text(headers, "tracestate"), &d->public.tracestate },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(copies); i++)
		r = arena_copy(d->arena, copies[i].from, copies[i].to);
	d->public.tries = header_tries(headers);
	reason_copy(headers, &d->public);
	return r;
}

int delivery_new(const amqp_message_t *m, struct delivery **ret)
{
	struct delivery *d CLEANUP(delivery_free) = calloc(1, sizeof(*d));
	int r = d ? arena_new(m->body.len + TEXTS_SIZE_MAX, &d->arena) : -ENOMEM;

	if (r == 0)
		r = texts_copy(d, m);
	if (r < 0)
		return r;
	list_init(&d->node);
	*ret = STEAL(d);
	return 0;
}
