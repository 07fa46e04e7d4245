/* RabbitMQ (AMQP 0-9-1): a transport for the outbox, a publisher, a consumer. Each has a connection of its own on a
 * thread of its own, since the client library blocks, and since RabbitMQ stops to read from the whole connection of a
 * publisher while it is short of memory. A connection that is lost is made again, after at most RABBIT_BACKOFF_MAX_MS,
 * with jitter.
 *
 * Functions here belong to the loop's thread. */
#ifndef CINESYNC_EVENT_RABBIT_H
#define CINESYNC_EVENT_RABBIT_H

#include "base/arena.h"

#define RABBIT_EXCHANGE "cinesync.events" /* topic; the routing key is the event's type */
#define RABBIT_BACKOFF_MAX_MS 5000

struct rabbit_options {
	const char *url;     /* amqp[s]://[USER[:PASSWORD]@]HOST[:PORT][/VHOST], percent-encoded */
	const char *ca_file; /* amqps: certificates (PEM) that the server's is checked by */
	const char *name;    /* what the connection is called in RabbitMQ's lists */
	/* From the loop: it came to work, or no longer does, and why (never a secret); up with a reason: something the
	 * operator should know. Not called for what is as it was. May be NULL. */
	void (*turned)(bool is_up, const char *why, void *arg);
	void *arg;
};

/* For a config_entry's check: NULL when it is such a URL, else what it should be. */
const char *rabbit_check_url(const char *url);

/* ---- publishing ---- */

#define RABBIT_HEADERS_MAX 8

struct rabbit_header {
	const char *name;
	struct str value;
};

struct rabbit_message {
	struct str exchange;
	struct str routing_key;
	struct str message_id;
	struct str content_type;
	struct str type;                                  /* may be null, as the headers' values */
	struct rabbit_header headers[RABBIT_HEADERS_MAX]; /* ended by name NULL, if there are fewer */
	struct str body;
};

struct rabbit_publisher;

/* Starts its thread; the connection comes later. Declares RABBIT_EXCHANGE. Options are copied, strings too. -EINVAL:
 * the URL; -EAGAIN, -ENOMEM, -EMFILE. */
int rabbit_publisher_new(const struct rabbit_options *options, struct rabbit_publisher **ret) MUST_CHECK;
/* Yields. No call may be under way. Takes NULL, leaves NULL. */
void rabbit_publisher_free(struct rabbit_publisher **p);
bool rabbit_publisher_is_up(const struct rabbit_publisher *p);
/* Yields. Persistent and mandatory: 0 once RabbitMQ has confirmed that it has the message safe in a queue at least.
 * -EHOSTUNREACH: no queue takes it; -EREMOTEIO: RabbitMQ refused it (a full queue); -ECONNRESET: the connection was
 * lost before it was confirmed; -ENOTCONN: there is none, or RabbitMQ takes nothing just now; -EBUSY: 1,024 are under
 * way; -ENOMEM, -ETIMEDOUT, -ECANCELED. After -ECONNRESET, -ETIMEDOUT and -ECANCELED it may have been published. */
int rabbit_publish(struct rabbit_publisher *p, const struct rabbit_message *m) MUST_CHECK;

struct event_transport;

/* Events go to RABBIT_EXCHANGE. The transport's free() yields. As rabbit_publisher_new(). */
int rabbit_transport_new(const struct rabbit_options *options, struct event_transport **ret) MUST_CHECK;

/* ---- consuming ---- */

enum rabbit_verdict {
	RABBIT_TAKEN, /* done, durably: it is acknowledged */
	RABBIT_RETRY, /* once more, after the next of the delays; after the last it is a dead letter */
	RABBIT_DEAD,  /* a dead letter at once */
};

/* A message that came. Texts live as long as take() runs; null: it has none. */
struct rabbit_delivery {
	struct str body;
	struct str content_type;
	struct str message_id;
	struct str type;
	struct str traceparent; /* headers */
	struct str tracestate;
	int64_t tries; /* before this one */
	bool is_redelivered;
	/* take() fills these in; reason: why, for those that are not taken; copied. */
	enum rabbit_verdict verdict;
	char reason[256];
};

#define RABBIT_DELAYS_MAX 8

/* The queue is bound to RABBIT_EXCHANGE; `retry` is a direct exchange by which messages go to the wait queues
 * `queue`.wait.Nms, from them back to `queue`, and to `dead`. All are declared: quorum queues, or classic ones where
 * the server has no others. */
struct rabbit_queues {
	const char *queue;   /* "notification.user-events" */
	const char *binding; /* "com.cinesync.user.#" */
	const char *retry;   /* "notification.retry" */
	const char *dead;    /* "notification.dead" */
	int64_t delays_ms[RABBIT_DELAYS_MAX];
	size_t n_delays;
	int64_t delivery_limit; /* how often the server gives a message to consumers that die over it */
	bool use_classic;       /* do not even try quorum queues */
};

struct rabbit_consumer_options {
	struct rabbit_options link;
	struct rabbit_queues queues;
	size_t prefetch; /* at most so many unacknowledged, and in one batch; 0: 100 */
	/* Yields. Up to prefetch messages in the order they came. 0: each has its verdict. < 0: nothing can be done
	 * now (the database is away): the same are offered again, later; it is no try. */
	int (*take)(struct rabbit_delivery *const *batch, size_t n, void *arg);
	void *arg;
};

struct rabbit_consumer;

struct rabbit_consumer_stats {
	bool is_up;
	uint64_t taken;
	uint64_t retried;
	uint64_t dead;
	uint64_t unsettled; /* that wait for RabbitMQ to take them as retries or dead letters */
};

/* As rabbit_publisher_new(); texts of `queues` are kept by pointer. */
int rabbit_consumer_new(const struct rabbit_consumer_options *options, struct rabbit_consumer **ret) MUST_CHECK;
/* Yields until take() has ended, which is not broken off; what it took is acknowledged, the rest goes back to the
 * queue. Takes NULL, leaves NULL. */
void rabbit_consumer_free(struct rabbit_consumer **c);
void rabbit_consumer_stats_get(const struct rabbit_consumer *c, struct rabbit_consumer_stats *ret);

/* ---- for operators ---- */

enum rabbit_fate {
	RABBIT_KEEP,   /* it stays a dead letter */
	RABBIT_REPLAY, /* back to the queue, as if it had never been tried */
	RABBIT_DROP,   /* gone */
};

#define RABBIT_LETTERS_MAX 10000

struct rabbit_letter {
	struct rabbit_delivery delivery; /* .reason: why it is dead */
	int64_t sent_at_s;               /* Unix time it was published at last; 0: unknown */
};

/* What is asked for. The functions are called on another thread while the caller waits. */
struct rabbit_desk {
	struct rabbit_options link;
	struct rabbit_queues queues;
	/* Each of the queues; ready < 0: there is none of that name. May be NULL. */
	void (*queue)(const char *name, int64_t ready, int64_t consumers, void *arg);
	/* Each dead letter that is there at the beginning, up to RABBIT_LETTERS_MAX; it is gone from there only when
	 * RabbitMQ has confirmed it elsewhere. NULL: they are not looked at. */
	enum rabbit_fate (*letter)(const struct rabbit_letter *letter, void *arg);
	void *arg;
};

/* Yields. 0; or what kept it from being done, which `ret_why` tells in words. */
int rabbit_desk_run(const struct rabbit_desk *d, struct arena *a, struct str *ret_why) MUST_CHECK;

#endif
