/* Publishing with confirms. A job is a copy of a message; it goes from the fiber to the thread, which keeps it in the
 * order of delivery tags until RabbitMQ has confirmed it or the connection is gone, and from there back to the loop. A
 * fiber that gives up leaves its job to whoever has it.
 *
 * Limits: JOBS_MAX under way, CONFIRM_MS without a confirm end the connection. */
#include "base/clock.h"
#include "base/fault.h"
#include "event/event.h"
#include "event/rabbit_c.h"
#include "event/rabbit_link.h"
#include "fiber/fiber.h"
#include "telemetry/metrics.h"

#include <errno.h>
#include <stdlib.h>

#define PUBLISHER_MAGIC UINT32_C(0x9ab11549)

enum {
	JOBS_MAX = 1024,
	CONFIRM_MS = 30000,
	TEXTS_SIZE_MAX = 16384, /* of a message without its body */
};

struct rabbit_publisher {
	uint32_t magic;
	struct rabbit_link *link;
	void (*turned)(bool is_up, const char *why, void *arg);
	void *arg;
	size_t n_jobs;
	struct metric_cell *up;
	struct metric_cell *waiting;
	struct metric_cell *publish_seconds;
	struct metric_cell *confirm_seconds;
	/* the thread's */
	uint64_t last_tag;
	struct list in_flight; /* struct job, by tag */
};

struct job {
	struct rabbit_order order; /* its node is in one list at a time, whoever has it */
	struct arena *arena;
	amqp_bytes_t exchange, routing_key, body;
	amqp_basic_properties_t properties;
	amqp_table_entry_t headers[RABBIT_HEADERS_MAX];
	int64_t ordered_us, sent_us, confirmed_us; /* 0: not */
	int result;
	/* the loop's */
	struct fiber *fiber; /* NULL: it has given up */
	bool is_done;
	/* the thread's */
	uint64_t tag;
	bool is_returned;
};

static struct job *job_of(struct list *node)
{
	return LIST_ENTRY(node, struct job, order.node);
}

static void job_free(struct job **j)
{
	struct job *job = STEAL(*j);

	if (!job)
		return;
	arena_free(&job->arena);
	free(job);
}

/* ---- on the thread ---- */

static int begin(struct rabbit_link *l, void *arg)
{
	struct rabbit_publisher *p = arg;
	amqp_connection_state_t c = rabbit_connection(l);
	int r;

	p->last_tag = 0;
	amqp_exchange_declare(c, RABBIT_CHANNEL, amqp_cstring_bytes(RABBIT_EXCHANGE), amqp_cstring_bytes("topic"), 0, 1,
	                      0, 0, amqp_empty_table);
	r = rabbit_replied(l, amqp_get_rpc_reply(c), "declare the exchange " RABBIT_EXCHANGE);
	if (r < 0)
		return r;
	amqp_confirm_select(c, RABBIT_CHANNEL);
	return rabbit_replied(l, amqp_get_rpc_reply(c), "ask for confirms");
}

static void job_end(struct rabbit_publisher *p, struct job *j, int result)
{
	list_remove(&j->order.node);
	j->result = result;
	rabbit_post(p->link, &j->order.node);
}

static int publish(struct rabbit_link *l, struct rabbit_order *o, void *arg)
{
	struct job *j = CONTAINER_OF(o, struct job, order);
	struct rabbit_publisher *p = arg;
	int r = rabbit_sent(l,
	                    amqp_basic_publish(rabbit_connection(l), RABBIT_CHANNEL, j->exchange, j->routing_key, 1, 0,
	                                       &j->properties, j->body),
	                    "publish");

	j->sent_us = clock_mono_us();
	j->tag = ++p->last_tag;
	list_push_back(&p->in_flight, &j->order.node);
	return r;
}

/* A message that no queue takes comes back before its confirm. */
static int returned(struct rabbit_link *l, struct rabbit_publisher *p)
{
	amqp_message_t message;
	int r = rabbit_read_message(l, &message);

	if (r < 0)
		return r;
	for (struct list *node = p->in_flight.next; node != &p->in_flight; node = node->next) {
		struct job *j = job_of(node);

		if (j->is_returned ||
		    !str_equal(rabbit_str(j->properties.message_id), rabbit_str(message.properties.message_id)))
			continue;
		j->is_returned = true;
		break;
	}
	amqp_destroy_message(&message);
	return 0;
}

static void confirmed(struct rabbit_publisher *p, uint64_t tag, bool multiple, bool is_nack)
{
	int64_t now_us = clock_mono_us();
	struct list *node, *next;

	LIST_FOREACH_SAFE(node, next, &p->in_flight)
	{
		struct job *j = job_of(node);

		if (j->tag > tag)
			break;
		if (j->tag < tag && !multiple)
			continue;
		j->confirmed_us = now_us;
		job_end(p, j, is_nack ? -EREMOTEIO : j->is_returned ? -EHOSTUNREACH : 0);
	}
}

static int method(struct rabbit_link *l, const amqp_method_t *m, void *arg)
{
	struct rabbit_publisher *p = arg;
	const amqp_basic_ack_t *ack = m->decoded;
	const amqp_basic_nack_t *nack = m->decoded;

	if (m->id == AMQP_BASIC_RETURN_METHOD)
		return returned(l, p);
	if (m->id == AMQP_BASIC_ACK_METHOD)
		confirmed(p, ack->delivery_tag, ack->multiple, false);
	else if (m->id == AMQP_BASIC_NACK_METHOD)
		confirmed(p, nack->delivery_tag, nack->multiple, true);
	return 0;
}

static int tick(struct rabbit_link *l, void *arg)
{
	struct rabbit_publisher *p = arg;
	struct job *first = list_empty(&p->in_flight) ? NULL : job_of(p->in_flight.next);

	if (!first || rabbit_is_blocked(l) || clock_mono_us() - first->sent_us < CONFIRM_MS * 1000)
		return 0;
	return rabbit_fail(l, -ETIMEDOUT, "RabbitMQ has not confirmed a message within %d s", CONFIRM_MS / 1000);
}

static void ended(struct rabbit_link *l, void *arg)
{
	struct rabbit_publisher *p = arg;

	(void)l;
	while (!list_empty(&p->in_flight))
		job_end(p, job_of(p->in_flight.next), -ECONNRESET);
}

/* ---- on the loop ---- */

static void job_count(struct rabbit_publisher *p, const struct job *j)
{
	if (j->sent_us)
		metric_observe(p->publish_seconds, (double)(j->sent_us - j->ordered_us) / 1e6);
	if (j->confirmed_us)
		metric_observe(p->confirm_seconds, (double)(j->confirmed_us - j->sent_us) / 1e6);
}

static void posted(struct list *node, void *arg)
{
	struct rabbit_publisher *p = arg;
	struct job *j = job_of(node);

	p->n_jobs--;
	job_count(p, j);
	j->is_done = true;
	if (j->fiber)
		fiber_wake(j->fiber, 0);
	else
		job_free(&j);
}

static void turned(bool is_up, const char *why, void *arg)
{
	struct rabbit_publisher *p = arg;

	metric_set(p->up, is_up);
	if (p->turned)
		p->turned(is_up, why, p->arg);
}

static const struct rabbit_role role = { .begin = begin,
	                                 .method = method,
	                                 .order = publish,
	                                 .tick = tick,
	                                 .ended = ended,
	                                 .posted = posted,
	                                 .turned = turned };

bool rabbit_publisher_is_up(const struct rabbit_publisher *p)
{
	assert(p->magic == PUBLISHER_MAGIC);
	return rabbit_link_is_up(p->link);
}

static int copy(struct arena *a, struct str s, amqp_bytes_t *ret)
{
	struct str copied;
	int r = arena_copy(a, s, &copied);

	if (r == 0)
		*ret = rabbit_bytes(copied);
	return r;
}

static int job_headers(struct job *j, const struct rabbit_message *m)
{
	amqp_table_t *to = &j->properties.headers;
	int r = 0;

	to->entries = j->headers;
	for (size_t i = 0; r == 0 && i < RABBIT_HEADERS_MAX && m->headers[i].name; i++) {
		amqp_table_entry_t *entry = &j->headers[to->num_entries];

		if (str_is_null(m->headers[i].value))
			continue;
		entry->value.kind = AMQP_FIELD_KIND_UTF8;
		r = copy(j->arena, str_from(m->headers[i].name), &entry->key);
		if (r == 0)
			r = copy(j->arena, m->headers[i].value, &entry->value.value.bytes);
		to->num_entries++;
	}
	return r;
}

static int job_fill(struct job *j, const struct rabbit_message *m)
{
	amqp_basic_properties_t *to = &j->properties;
	int r;

	*to = (amqp_basic_properties_t){ ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG |
		                                   AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TIMESTAMP_FLAG |
		                                   AMQP_BASIC_HEADERS_FLAG,
		                         .delivery_mode = AMQP_DELIVERY_PERSISTENT,
		                         .timestamp = (uint64_t)(clock_real_ms() / 1000) };
	r = copy(j->arena, m->exchange, &j->exchange);
	if (r == 0)
		r = copy(j->arena, m->routing_key, &j->routing_key);
	if (r == 0)
		r = copy(j->arena, m->body, &j->body);
	if (r == 0)
		r = copy(j->arena, m->message_id, &to->message_id);
	if (r == 0)
		r = copy(j->arena, m->content_type, &to->content_type);
	if (r == 0 && !str_is_null(m->type)) {
		to->_flags |= AMQP_BASIC_TYPE_FLAG;
		r = copy(j->arena, m->type, &to->type);
	}
	return r < 0 ? r : job_headers(j, m);
}

static int job_new(const struct rabbit_message *m, struct job **ret)
{
	struct job *j CLEANUP(job_free) = fault_hit("alloc") ? NULL : calloc(1, sizeof(*j));
	int r = j ? arena_new(m->body.len + TEXTS_SIZE_MAX, &j->arena) : -ENOMEM;

	if (r == 0)
		r = job_fill(j, m);
	if (r < 0)
		return r;
	j->fiber = fiber_self();
	j->ordered_us = clock_mono_us();
	*ret = STEAL(j);
	return 0;
}

/* The fiber waits no longer: -ETIMEDOUT or -ECANCELED. */
static void job_leave(struct rabbit_publisher *p, struct job *j)
{
	j->fiber = NULL;
	if (!rabbit_link_withdraw(p->link, &j->order))
		return;
	p->n_jobs--;
	job_free(&j);
}

int rabbit_publish(struct rabbit_publisher *p, const struct rabbit_message *m)
{
	struct job *j;
	int r = fiber_check();

	assert(p->magic == PUBLISHER_MAGIC);
	if (r < 0)
		return r;
	if (!rabbit_link_is_up(p->link))
		return -ENOTCONN;
	if (p->n_jobs >= JOBS_MAX)
		return -EBUSY;
	r = job_new(m, &j);
	if (r < 0)
		return r;
	p->n_jobs++;
	rabbit_link_order(p->link, &j->order);
	while (r >= 0 && !j->is_done)
		r = fiber_suspend();
	if (!j->is_done) {
		job_leave(p, j);
		return r;
	}
	r = j->result;
	job_free(&j);
	return r;
}

static double waiting(void *arg)
{
	return (double)((const struct rabbit_publisher *)arg)->n_jobs;
}

static void metrics_find(struct rabbit_publisher *p)
{
	p->up = rabbit_up_cell("publisher");
	p->waiting = metric_cell(metric_new(METRIC_GAUGE, "cinesync_rabbitmq_publishing",
	                                    "Messages that RabbitMQ has not confirmed yet.", NULL, NULL, 0),
	                         NULL);
	metric_cell_callback(p->waiting, waiting, p);
	p->publish_seconds = metric_cell(metric_new(METRIC_HISTOGRAM, "cinesync_rabbitmq_publish_seconds",
	                                            "Time until a message is on the wire to RabbitMQ.", NULL, NULL, 0),
	                                 NULL);
	p->confirm_seconds = metric_cell(
	        metric_new(METRIC_HISTOGRAM, "cinesync_rabbitmq_confirm_seconds",
	                   "Time from a message's being on the wire until RabbitMQ confirms it.", NULL, NULL, 0),
	        NULL);
}

int rabbit_publisher_new(const struct rabbit_options *options, struct rabbit_publisher **ret)
{
	struct rabbit_publisher *p = fault_hit("alloc") ? NULL : calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	*p = (struct rabbit_publisher){ .magic = PUBLISHER_MAGIC, .turned = options->turned, .arg = options->arg };
	list_init(&p->in_flight);
	metrics_find(p);
	r = rabbit_link_new(options, &role, p, &p->link);
	if (r < 0)
		metric_cell_callback_end(p->waiting, p);
	if (r < 0)
		free(p);
	else
		*ret = p;
	return r;
}

void rabbit_publisher_free(struct rabbit_publisher **p)
{
	struct rabbit_publisher *publisher = STEAL(*p);
	struct list left;

	if (!publisher)
		return;
	assert(publisher->magic == PUBLISHER_MAGIC);
	metric_cell_callback_end(publisher->waiting, publisher);
	list_init(&left);
	rabbit_link_free(&publisher->link, &left);
	assert(publisher->n_jobs == 0 && list_empty(&left));
	publisher->magic = 0;
	free(publisher);
}
