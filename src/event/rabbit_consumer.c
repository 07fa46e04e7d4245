/* Consuming. The thread hands each message to the loop; a fiber offers them to take() in batches, and sends the thread
 * what is to be acknowledged. What is to be tried again, or is a dead letter, is published by another connection, and
 * acknowledged once RabbitMQ has confirmed that: a crash in between doubles it, nothing loses it. Until RabbitMQ takes
 * it, it stays unacknowledged and the others go on.
 *
 * A delivery belongs to whoever has it: thread, loop, thread; the thread frees it. Delivery tags are those of one
 * connection, so what belongs to an earlier one (`generation`) is dropped: RabbitMQ delivers it again. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "event/backoff.h"
#include "event/rabbit_c.h"
#include "event/rabbit_delivery.h"
#include "event/rabbit_topology.h"
#include "fiber/fiber.h"
#include "telemetry/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CONSUMER_MAGIC UINT32_C(0xc0115eaa)

enum {
	PREFETCH = 100,
	PREFETCH_MAX = 1000,
	AWAY_MIN_MS = 100,
	AWAY_MAX_MS = 5000,
	UNSETTLED_EVERY_MS = 1000,
	PUBLISH_MS = 10000,
};

/* The deliveries are acknowledged. */
struct settlement {
	struct rabbit_order order;
	size_t n;
	struct delivery *deliveries[];
};

struct rabbit_consumer {
	uint32_t magic;
	struct rabbit_consumer_options options;
	struct rabbit_link *link;
	struct rabbit_publisher *publisher; /* of retries and dead letters */
	struct fiber *fiber;
	struct fiber_queue wake;
	struct list waiting; /* came, and not offered yet */
	size_t n_waiting;
	struct list unsettled;       /* not taken, and not published yet */
	int64_t settle_at_ms;        /* mono: when that is tried again */
	uint64_t current_generation; /* of the newest delivery */
	bool stopping;
	struct rabbit_consumer_stats stats;
	struct metric_cell *taken, *retried, *dead;
	struct metric_cell *up, *came, *unsettled_now;
	struct delivery **batch; /* prefetch of them */
	struct rabbit_delivery **offer;
	/* the thread's */
	bool use_classic;
	uint64_t n_acked;
};

static struct delivery *delivery_of(struct list *node)
{
	return LIST_ENTRY(node, struct delivery, node);
}

/* ---- on the thread ---- */

static int begin(struct rabbit_link *l, void *arg)
{
	struct rabbit_consumer *c = arg;
	amqp_connection_state_t connection = rabbit_connection(l);
	bool was_classic = c->use_classic;
	int r = rabbit_topology_declare(l, &c->options.queues, &c->use_classic);

	if (r < 0)
		return r;
	if (was_classic && !c->options.queues.use_classic)
		rabbit_notice(l, "this RabbitMQ has no quorum queues; classic ones are used");
	c->n_acked = 0;
	amqp_basic_qos(connection, RABBIT_CHANNEL, 0, (uint16_t)c->options.prefetch, 0);
	r = rabbit_replied(l, amqp_get_rpc_reply(connection), "set the prefetch");
	if (r < 0)
		return r;
	amqp_basic_consume(connection, RABBIT_CHANNEL, amqp_cstring_bytes(c->options.queues.queue), amqp_empty_bytes, 0,
	                   0, 0, amqp_empty_table);
	return rabbit_replied(l, amqp_get_rpc_reply(connection), "consume");
}

static int delivered(struct rabbit_link *l, const amqp_basic_deliver_t *method)
{
	uint64_t tag = method->delivery_tag;
	bool is_redelivered = method->redelivered;
	struct delivery *d;
	amqp_message_t message;
	int r = rabbit_read_message(l, &message);

	if (r < 0)
		return r;
	r = delivery_new(&message, &d);
	amqp_destroy_message(&message);
	if (r < 0)
		return rabbit_fail(l, r, "no memory for a message");
	d->tag = tag;
	d->generation = rabbit_generation(l);
	d->public.is_redelivered = is_redelivered;
	rabbit_post(l, &d->node);
	return 0;
}

static int method(struct rabbit_link *l, const amqp_method_t *m, void *arg)
{
	(void)arg;
	if (m->id == AMQP_BASIC_DELIVER_METHOD)
		return delivered(l, m->decoded);
	if (m->id == AMQP_BASIC_CANCEL_METHOD)
		return rabbit_fail(l, -ECONNRESET, "RabbitMQ has ended the consumer: its queue was deleted or moved");
	return 0;
}

/* Consecutive, and nothing before them is still open: one acknowledgement does for all. */
static bool is_run(const struct rabbit_consumer *c, const struct settlement *s)
{
	return s->n > 1 && c->n_acked == s->deliveries[0]->tag - 1 &&
	       s->deliveries[s->n - 1]->tag - s->deliveries[0]->tag == s->n - 1;
}

static int acknowledge(struct rabbit_link *l, struct rabbit_consumer *c, const struct settlement *s)
{
	amqp_connection_state_t connection = rabbit_connection(l);
	bool multiple = is_run(c, s);
	int r = 0;

	for (size_t i = multiple ? s->n - 1 : 0; r == 0 && i < s->n; i++)
		r = rabbit_sent(l, amqp_basic_ack(connection, RABBIT_CHANNEL, s->deliveries[i]->tag, multiple),
		                "acknowledge");
	c->n_acked += s->n;
	return r;
}

static void settlement_free(struct settlement *s)
{
	for (size_t i = 0; i < s->n; i++)
		delivery_free(&s->deliveries[i]);
	free(s);
}

static int settle(struct rabbit_link *l, struct rabbit_order *o, void *arg)
{
	struct settlement *s = CONTAINER_OF(o, struct settlement, order);
	int r = 0;

	if (s->deliveries[0]->generation == rabbit_generation(l))
		r = acknowledge(l, arg, s);
	settlement_free(s);
	return r;
}

static void ended(struct rabbit_link *l, void *arg)
{
	(void)l;
	(void)arg;
}

/* ---- on the loop: coming in ---- */

static void posted(struct list *node, void *arg)
{
	struct rabbit_consumer *c = arg;

	c->current_generation = delivery_of(node)->generation;
	list_push_back(&c->waiting, node);
	c->n_waiting++;
	(void)fiber_queue_wake_one(&c->wake, 0);
}

static void turned(bool is_up, const char *why, void *arg)
{
	struct rabbit_consumer *c = arg;

	c->stats.is_up = is_up;
	metric_set(c->up, is_up);
	if (c->options.link.turned)
		c->options.link.turned(is_up, why, c->options.link.arg);
}

/* ---- on the loop: settling ---- */

static int settlement_order(struct rabbit_consumer *c, struct delivery *const *deliveries, size_t n)
{
	struct settlement *s = n > 0 ? calloc(1, sizeof(*s) + n * sizeof(struct delivery *)) : NULL;

	if (n == 0)
		return 0;
	if (!s)
		return -ENOMEM;
	s->n = n;
	memcpy(s->deliveries, deliveries, n * sizeof(struct delivery *));
	rabbit_link_order(c->link, &s->order);
	return 0;
}

/* After so many tries it is one of the delays' turn, or it is dead. */
static bool is_dead(const struct rabbit_consumer *c, const struct rabbit_delivery *d)
{
	return d->verdict == RABBIT_DEAD || (size_t)d->tries >= c->options.queues.n_delays;
}

static int publish_on(struct rabbit_consumer *c, const struct rabbit_delivery *d)
{
	const struct rabbit_queues *q = &c->options.queues;
	char tries[24], name[RABBIT_NAME_SIZE];
	struct rabbit_message m = { .exchange = str_from(q->retry),
		                    .message_id = str_is_null(d->message_id) ? STR("") : d->message_id,
		                    .content_type = str_is_null(d->content_type) ? STR("") : d->content_type,
		                    .type = d->type,
		                    .headers = { { RABBIT_TRIES_HEADER, STR_NULL },
		                                 { RABBIT_REASON_HEADER, str_from(d->reason) },
		                                 { "traceparent", d->traceparent },
		                                 { "tracestate", d->tracestate } },
		                    .body = d->body };

	(void)snprintf(tries, sizeof(tries), "%lld", (long long)d->tries + 1);
	m.headers[0].value = str_from(tries);
	if (is_dead(c, d))
		(void)snprintf(name, sizeof(name), "%s", q->dead);
	else
		rabbit_wait_queue(q, d->tries + 1, name);
	m.routing_key = str_from(name);
	return rabbit_publish(c->publisher, &m);
}

static void count_published(struct rabbit_consumer *c, const struct rabbit_delivery *d)
{
	bool dies = is_dead(c, d);

	metric_add(dies ? c->dead : c->retried, 1);
	if (!dies) {
		c->stats.retried++;
		return;
	}
	c->stats.dead++;
	log_error("an event is a dead letter", LOG_STR("queue", c->options.queues.dead),
	          LOG_STRN("event_id", str_is_null(d->message_id) ? STR("") : d->message_id),
	          LOG_INT("tries", d->tries + 1), LOG_STR("reason", d->reason));
}

/* Yields. Publishes as many of the unsettled as RabbitMQ takes. */
static void unsettled_settle(struct rabbit_consumer *c)
{
	int r = 0;

	c->settle_at_ms = DEADLINE_NONE;
	while (r == 0 && !list_empty(&c->unsettled)) {
		struct delivery *d = delivery_of(c->unsettled.next);

		if (d->generation == c->current_generation) {
			fiber_deadline_set(clock_deadline_in(PUBLISH_MS));
			r = publish_on(c, &d->public);
			fiber_deadline_set(DEADLINE_NONE);
			if (r == 0) {
				count_published(c, &d->public);
				list_remove(&d->node);
				c->stats.unsettled--;
				if (settlement_order(c, &d, 1) < 0)
					delivery_free(&d); /* it comes again */
			}
			continue;
		}
		list_remove(&d->node);
		c->stats.unsettled--;
		delivery_free(&d);
	}
	if (r < 0)
		c->settle_at_ms = clock_deadline_in(UNSETTLED_EVERY_MS);
}

static int batch_settle(struct rabbit_consumer *c, size_t n)
{
	size_t n_taken = 0;
	int r;

	for (size_t i = 0; i < n; i++) {
		struct delivery *d = c->batch[i];

		if (d->public.verdict == RABBIT_TAKEN) {
			c->batch[n_taken++] = d;
			continue;
		}
		list_push_back(&c->unsettled, &d->node);
		c->stats.unsettled++;
	}
	c->stats.taken += n_taken;
	metric_add(c->taken, (double)n_taken);
	r = settlement_order(c, c->batch, n_taken);
	for (size_t i = 0; r < 0 && i < n_taken; i++)
		delivery_free(&c->batch[i]);
	return r;
}

/* ---- on the loop: the fiber ---- */

/* The next ones, without those of a connection that is gone. */
static size_t batch_take(struct rabbit_consumer *c)
{
	size_t n = 0;
	struct list *node;

	while (n < c->options.prefetch && (node = list_pop_front(&c->waiting))) {
		struct delivery *d = delivery_of(node);

		c->n_waiting--;
		if (d->generation != c->current_generation) {
			delivery_free(&d);
			continue;
		}
		c->batch[n] = d;
		c->offer[n++] = &d->public;
	}
	return n;
}

static void batch_give_back(struct rabbit_consumer *c, size_t n)
{
	while (n > 0) {
		list_push_front(&c->waiting, &c->batch[--n]->node);
		c->n_waiting++;
	}
}

static void wait_until(struct rabbit_consumer *c, int64_t mono_ms, bool heeds_arrivals)
{
	fiber_deadline_set(mono_ms);
	while (!c->stopping && !(heeds_arrivals && c->n_waiting > 0))
		if (fiber_queue_wait(&c->wake) < 0)
			break;
	fiber_deadline_set(DEADLINE_NONE);
}

static void fiber_main(void *arg)
{
	struct rabbit_consumer *c = arg;
	int64_t failures = 0;

	while (!c->stopping) {
		size_t n = batch_take(c);
		int r = n > 0 ? c->options.take(c->offer, n, c->options.arg) : 0;

		if (r < 0) {
			batch_give_back(c, n);
			wait_until(c, clock_deadline_in(backoff_ms(++failures, AWAY_MIN_MS, AWAY_MAX_MS)), false);
			continue;
		}
		failures = 0;
		(void)batch_settle(c, n);
		if (clock_mono_ms() >= c->settle_at_ms || c->settle_at_ms == DEADLINE_NONE)
			unsettled_settle(c);
		wait_until(c, c->settle_at_ms, true);
	}
}

/* ---- its life ---- */

static const struct rabbit_role role = {
	.begin = begin, .method = method, .order = settle, .ended = ended, .posted = posted, .turned = turned
};

static double came(void *arg)
{
	return (double)((const struct rabbit_consumer *)arg)->n_waiting;
}

static double unsettled_now(void *arg)
{
	return (double)((const struct rabbit_consumer *)arg)->stats.unsettled;
}

static struct metric_cell *asked(const char *name, const char *help, double (*value)(void *arg), void *arg)
{
	struct metric_cell *cell = metric_cell(metric_new(METRIC_GAUGE, name, help, NULL, NULL, 0), NULL);

	metric_cell_callback(cell, value, arg);
	return cell;
}

static void metrics_find(struct rabbit_consumer *c)
{
	static const char *const labels[] = { "outcome", NULL };
	struct metric *consumed = metric_new(METRIC_COUNTER, "cinesync_rabbitmq_consumed_total",
	                                     "Messages consumed, by what became of them.", labels, NULL, 0);

	c->taken = metric_cell(consumed, (const char *[]){ "taken" });
	c->retried = metric_cell(consumed, (const char *[]){ "retried" });
	c->dead = metric_cell(consumed, (const char *[]){ "dead" });
	c->up = rabbit_up_cell("consumer");
	c->came = asked("cinesync_rabbitmq_consumer_waiting", "Messages that came and are not in work yet.", came, c);
	c->unsettled_now = asked("cinesync_rabbitmq_consumer_unsettled",
	                         "Retries and dead letters that RabbitMQ has not taken yet.", unsettled_now, c);
}

static void list_free(struct list *deliveries)
{
	struct list *node;

	while ((node = list_pop_front(deliveries))) {
		struct delivery *d = delivery_of(node);

		delivery_free(&d);
	}
}

static void consumer_release(struct rabbit_consumer *c)
{
	struct list left;
	struct list *node;

	metric_cell_callback_end(c->came, c);
	metric_cell_callback_end(c->unsettled_now, c);
	list_init(&left);
	rabbit_link_free(&c->link, &left);
	while ((node = list_pop_front(&left)))
		settlement_free(LIST_ENTRY(node, struct settlement, order.node));
	rabbit_publisher_free(&c->publisher);
	list_free(&c->waiting);
	list_free(&c->unsettled);
	free(c->batch);
	free(c->offer);
	free(c);
}

static int consumer_fill(struct rabbit_consumer *c)
{
	struct rabbit_options own = c->options.link;
	int r;

	c->batch = calloc(c->options.prefetch, sizeof(struct delivery *));
	c->offer = calloc(c->options.prefetch, sizeof(struct rabbit_delivery *));
	if (!c->batch || !c->offer)
		return -ENOMEM;
	own.turned = NULL;
	r = rabbit_publisher_new(&own, &c->publisher);
	if (r == 0)
		r = rabbit_link_new(&c->options.link, &role, c, &c->link);
	return r < 0 ? r : fiber_spawn("rabbitmq consumer", fiber_main, c, &c->fiber);
}

int rabbit_consumer_new(const struct rabbit_consumer_options *options, struct rabbit_consumer **ret)
{
	struct rabbit_consumer *c = fault_hit("alloc") ? NULL : calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	*c = (struct rabbit_consumer){ .magic = CONSUMER_MAGIC, .options = *options, .settle_at_ms = DEADLINE_NONE };
	c->options.prefetch = options->prefetch ? options->prefetch : PREFETCH;
	c->use_classic = options->queues.use_classic;
	assert(c->options.prefetch <= PREFETCH_MAX && options->queues.n_delays <= RABBIT_DELAYS_MAX);
	list_init(&c->waiting);
	list_init(&c->unsettled);
	fiber_queue_init(&c->wake);
	metrics_find(c);
	r = consumer_fill(c);
	if (r < 0)
		consumer_release(c);
	else
		*ret = c;
	return r;
}

void rabbit_consumer_free(struct rabbit_consumer **c)
{
	struct rabbit_consumer *consumer = STEAL(*c);
	int r;

	if (!consumer)
		return;
	assert(consumer->magic == CONSUMER_MAGIC);
	consumer->stopping = true;
	fiber_queue_wake_all(&consumer->wake, 0);
	fiber_shield();
	r = fiber_join(consumer->fiber);
	fiber_unshield();
	assert(r == 0);
	(void)r;
	fiber_unref(&consumer->fiber);
	consumer->magic = 0;
	consumer_release(consumer);
}

void rabbit_consumer_stats_get(const struct rabbit_consumer *c, struct rabbit_consumer_stats *ret)
{
	assert(c->magic == CONSUMER_MAGIC);
	*ret = c->stats;
}
