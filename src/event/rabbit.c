/* The outbox's way out to RabbitMQ: CloudEvents in structured mode, the trace in the headers too, the type as the
 * routing key. Owns its publisher. */
#include "event/rabbit.h"

#include "base/context.h"
#include "base/fault.h"
#include "event/outbox.h"
#include "telemetry/trace.h"

#include <errno.h>
#include <stdlib.h>

#define AT_ONCE 256
#define BACKOFF_MAX_MS \
	10000 /* what no queue takes, or comes back, is the same for all: found out soon when it is over */

struct rabbit_transport {
	struct event_transport base;
	struct rabbit_publisher *publisher;
	void (*turned)(bool is_up, const char *why, void *arg);
	void *arg;
};

/* The span of the delivery is current. */
static int deliver(struct event_transport *t, const struct event *e, struct str envelope)
{
	struct rabbit_transport *rt = CONTAINER_OF(t, struct rabbit_transport, base);
	const struct context *context = context_current;
	char traceparent[TRACEPARENT_SIZE] = "";
	struct rabbit_message m = { .exchange = STR(RABBIT_EXCHANGE),
		                    .routing_key = e->type,
		                    .message_id = e->id,
		                    .content_type = STR(EVENT_MEDIA_TYPE),
		                    .type = e->type,
		                    .headers = { { "traceparent", STR_NULL }, { "tracestate", STR_NULL } },
		                    .body = envelope };

	if (context) {
		trace_format(context, traceparent);
		m.headers[0].value = str_from(traceparent);
		if (context->tracestate[0])
			m.headers[1].value = str_from(context->tracestate);
	}
	return rabbit_publish(rt->publisher, &m);
}

static const char *reason(int error)
{
	switch (error) {
	case -EHOSTUNREACH:
		return "no queue takes it: is the consumer's queue bound to " RABBIT_EXCHANGE "?";
	case -EREMOTEIO:
		return "RabbitMQ refused it";
	case -ECONNRESET:
		return "the connection to RabbitMQ was lost before it was confirmed";
	case -ENOTCONN:
		return "RabbitMQ is away";
	case -ETIMEDOUT:
		return "RabbitMQ did not confirm it in time";
	default:
		return NULL;
	}
}

static bool is_up(const struct event_transport *t)
{
	return rabbit_publisher_is_up(CONTAINER_OF(t, const struct rabbit_transport, base)->publisher);
}

static void turned(bool up, const char *why, void *arg)
{
	struct rabbit_transport *t = arg;

	if (t->turned)
		t->turned(up, why, t->arg);
	if (up && t->base.came_up)
		t->base.came_up(t->base.came_up_arg);
}

static void transport_free(struct event_transport *t)
{
	struct rabbit_transport *rt = CONTAINER_OF(t, struct rabbit_transport, base);

	rabbit_publisher_free(&rt->publisher);
	free(rt);
}

int rabbit_transport_new(const struct rabbit_options *options, struct event_transport **ret)
{
	struct rabbit_transport *t = fault_hit("alloc") ? NULL : calloc(1, sizeof(*t));
	struct rabbit_options own = *options;
	int r;

	if (!t)
		return -ENOMEM;
	*t = (struct rabbit_transport){ .base = { .name = "rabbitmq",
		                                  .destination = RABBIT_EXCHANGE,
		                                  .span_name = "publish " RABBIT_EXCHANGE,
		                                  .at_once = AT_ONCE,
		                                  .backoff_max_ms = BACKOFF_MAX_MS,
		                                  .deliver = deliver,
		                                  .reason = reason,
		                                  .is_up = is_up,
		                                  .free = transport_free },
		                        .turned = options->turned,
		                        .arg = options->arg };
	own.turned = turned;
	own.arg = t;
	r = rabbit_publisher_new(&own, &t->publisher);
	if (r < 0)
		free(t);
	else
		*ret = &t->base;
	return r;
}
