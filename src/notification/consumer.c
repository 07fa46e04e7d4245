/* What becomes of the messages of the queue: malformed ones are dead letters at once, with the reason; what the
 * database does not take because of what is in it is tried again, after longer and longer delays; and while the
 * database is away nothing is tried at all. Acknowledged is only what is durable. */
#include "notification/consumer.h"

#include "base/log.h"
#include "notification/intake.h"
#include "telemetry/trace.h"

#include <errno.h>
#include <stdio.h>

enum { DELAY_MIN_MS = 10, DELAY_MAX_MS = 86400000 };

#define ARENA_MAX (INTAKE_BATCH_MAX * 8 * EVENT_SIZE_MAX)

/* ---- settings ---- */

/* "1000,10000": -EINVAL. */
static int delays_parse(const char *value, struct rabbit_queues *ret)
{
	struct str rest = str_from(value);
	size_t n = 0;

	while (n < RABBIT_DELAYS_MAX) {
		ptrdiff_t comma = str_index(rest, ',', 0);
		struct str one = str_slice(rest, 0, comma < 0 ? rest.len : (size_t)comma);

		if (str_to_int64(one, DELAY_MIN_MS, DELAY_MAX_MS, &ret->delays_ms[n]) < 0 ||
		    (n > 0 && ret->delays_ms[n] <= ret->delays_ms[n - 1]))
			return -EINVAL;
		ret->n_delays = ++n;
		if (comma < 0)
			return 0;
		rest = str_slice(rest, (size_t)comma + 1, rest.len);
	}
	return -EINVAL;
}

const char *consumer_check_delays(const char *value)
{
	struct rabbit_queues q;

	return delays_parse(value, &q) == 0 ? NULL : "1 to 8 growing numbers of milliseconds with commas between them";
}

void consumer_queues(const struct notification_config *c, struct rabbit_queues *ret)
{
	int r;

	*ret = (struct rabbit_queues){ .queue = "notification.user-events",
		                       .binding = "com.cinesync.user.#",
		                       .retry = "notification.retry",
		                       .dead = "notification.dead",
		                       .delivery_limit = c->amqp_delivery_limit,
		                       .use_classic = c->amqp_queue_type == AMQP_QUEUES_CLASSIC };
	r = delays_parse(c->amqp_retry_delays_ms, ret);
	assert(r == 0); /* checked with the settings */
	(void)r;
}

/* ---- messages ---- */

struct item {
	struct rabbit_delivery *delivery;
	struct intake intake;
};

static void verdict(struct rabbit_delivery *d, enum rabbit_verdict v, const char *reason)
{
	d->verdict = v;
	(void)snprintf(d->reason, sizeof(d->reason), "%s", reason);
}

/* The first thing that is wrong: "body.data.email: Field required". */
static void malformed(struct rabbit_delivery *d, const struct violations *v)
{
	const struct violation *first = v->items;
	size_t len = 0;

	verdict(d, RABBIT_DEAD, "malformed");
	for (size_t i = 0; v->n > 0 && i < first->n_loc && len < sizeof(d->reason); i++)
		len += (size_t)snprintf(d->reason + len, sizeof(d->reason) - len, "%s%.*s",
		                        i > 0 ? "." : "malformed: ", STR_ARGS(first->loc[i]));
	if (v->n > 0 && len < sizeof(d->reason))
		(void)snprintf(d->reason + len, sizeof(d->reason) - len, ": %.*s", STR_ARGS(first->msg));
}

static bool is_cloudevent(struct str content_type)
{
	ptrdiff_t semicolon = str_index(content_type, ';', 0);
	struct str type = str_trim(str_slice(content_type, 0, semicolon < 0 ? content_type.len : (size_t)semicolon));

	return str_equal_nocase(type, STR(EVENT_MEDIA_TYPE));
}

/* 0: to be stored; 1: has its verdict; < 0: not now. */
static int item_read(struct rabbit_delivery *d, struct arena *a, struct item *ret)
{
	struct violations v;
	int r;

	if (!is_cloudevent(d->content_type)) {
		verdict(d, RABBIT_DEAD, "malformed: its content type is not " EVENT_MEDIA_TYPE);
		return 1;
	}
	violations_init(&v, a);
	r = intake_parse(d->body, a, &ret->intake, &v);
	ret->delivery = d;
	if (r == -ENOENT)
		verdict(d, RABBIT_TAKEN, "");
	else if (r == -EINVAL)
		malformed(d, &v);
	else
		return r;
	return 1;
}

/* Whether it lies with the event itself: the database takes others. */
static bool is_of_the_event(int r)
{
	return r == -EINVAL || r == -EEXIST || r == -ENOKEY || r == -EMSGSIZE || r == -EREMOTEIO;
}

/* Yields. One by itself: taken, or to be tried again. */
static int item_store(struct item *item, struct arena *a)
{
	int r = intake_store(&(struct intake *){ &item->intake }, 1, a);

	if (r == 0) {
		verdict(item->delivery, RABBIT_TAKEN, "");
		return 0;
	}
	if (!is_of_the_event(r))
		return r;
	verdict(item->delivery, RABBIT_RETRY,
	        r == -EREMOTEIO ? "a mail that was sent cannot be removed" : store_error(notification_state()->store));
	return 0;
}

/* Yields. All together, and one by one if they do not go together. */
static int items_store(struct item *items, size_t n, struct arena *a)
{
	struct intake *together[INTAKE_BATCH_MAX];
	int r;

	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		together[i] = &items[i].intake;
	r = intake_store(together, n, a);
	for (size_t i = 0; r == 0 && i < n; i++)
		verdict(items[i].delivery, RABBIT_TAKEN, "");
	if (r == 0 || !is_of_the_event(r))
		return r;
	r = 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = item_store(&items[i], a);
	return r;
}

/* A span of the event's trace, with what was done to it so far; the mail's own follows it. */
static void span_of(const struct rabbit_delivery *d, struct span *ret)
{
	struct context parent;
	bool has_parent = trace_parse(d->traceparent, d->tracestate, &parent);

	span_start(ret, "process notification.user-events", SPAN_CONSUMER, has_parent ? &parent : NULL);
	span_set_str(ret, "messaging.system", STR("rabbitmq"));
	span_set_str(ret, "messaging.operation.name", STR("process"));
	span_set_str(ret, "messaging.operation.type", STR("process"));
	span_set_str(ret, "messaging.destination.name", STR(RABBIT_EXCHANGE));
	span_set_str(ret, "messaging.message.id", d->message_id);
	span_set_int(ret, "cinesync.tries", d->tries);
}

static int chunk_read(struct rabbit_delivery *const *batch, size_t n, struct arena *a, struct item *items,
                      size_t *ret_n)
{
	int r = 0;

	*ret_n = 0;
	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct span span;

		span_of(batch[i], &span);
		r = item_read(batch[i], a, &items[*ret_n]);
		if (r == 0)
			++*ret_n;
		else if (r > 0 && batch[i]->verdict == RABBIT_DEAD)
			span_fail(&span, "malformed");
		span_end(&span);
	}
	return r < 0 ? r : 0;
}

static int chunk_take(struct rabbit_delivery *const *batch, size_t n)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct item *items;
	size_t n_items;
	int r = arena_new(ARENA_MAX, &a);

	items = r == 0 ? arena_array(a, n, sizeof(*items)) : NULL;
	if (!items)
		return -ENOMEM;
	r = chunk_read(batch, n, a, items, &n_items);
	return r < 0 ? r : items_store(items, n_items, a);
}

/* A batch that fails in its middle is offered again as a whole: what is stored already is known then. */
static int take(struct rabbit_delivery *const *batch, size_t n, void *arg)
{
	int r = 0;

	(void)arg;
	for (size_t i = 0; r == 0 && i < n; i += INTAKE_BATCH_MAX)
		r = chunk_take(batch + i, MIN(n - i, (size_t)INTAKE_BATCH_MAX));
	return r;
}

static void turned(bool is_up, const char *why, void *arg)
{
	(void)arg;
	if (!is_up)
		log_warning("RabbitMQ is away; events wait there", LOG_STR("why", why));
	else if (why[0])
		log_warning("RabbitMQ is in use", LOG_STR("why", why));
	else
		log_info("RabbitMQ is in use");
}

int consumer_start(const struct notification_config *c, struct rabbit_consumer **ret)
{
	struct rabbit_consumer_options options = { .link = { .url = c->amqp_url,
		                                             .ca_file = c->amqp_ca_file,
		                                             .name = "cinesync-notification",
		                                             .turned = turned },
		                                   .prefetch = (size_t)c->amqp_prefetch,
		                                   .take = take };

	consumer_queues(c, &options.queues);
	return rabbit_consumer_new(&options, ret);
}
