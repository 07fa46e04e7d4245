/* The thread connects, logs in, and then waits for frames from the server and orders from the loop; whatever ends the
 * connection, it begins anew, after a while (backoff.h). The client library's calls block, each for 5 s at most, or
 * as long as heartbeats come; only shutdown() of the socket breaks one off.
 *
 * The mutex guards the orders, `stopping`, the descriptor for shutdown() and the state that is told to the loop;
 * everything else is the thread's, but for is_up, which is the loop's. */
#include "event/rabbit_link.h"

#include "base/clock.h"
#include "base/fault.h"
#include "event/backoff.h"
#include "event/rabbit_c.h"
#include "event/rabbit_target.h"
#include "fiber/inbox.h"
#include "fiber/offload.h"
#include "telemetry/metrics.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINK_MAGIC UINT32_C(0xab817ab8)

enum {
	TICK_MS = 1000,
	BACKOFF_MIN_MS = 100,
	STOP_MS = 2000,
	WHY_SIZE = 400,
};

struct link_state {
	bool is_up;
	char why[WHY_SIZE];
};

struct rabbit_link {
	uint32_t magic;
	const struct rabbit_role *role;
	void *arg;
	struct rabbit_target *target;
	bool is_up; /* as the loop knows */
	bool was_told;
	struct inbox *inbox;
	pthread_t thread;
	int wake_fd; /* an eventfd: there are orders, or it is to stop */

	pthread_mutex_t mutex;
	struct list orders;
	bool stopping;
	int socket_fd;
	struct link_state state;
	struct list state_node; /* in the inbox when is_state_posted */
	bool is_state_posted;

	/* the thread's */
	amqp_connection_state_t connection;
	uint64_t generation;
	bool is_blocked;
	const char *notice;
	char failure[WHY_SIZE];
};

/* ---- what went wrong ---- */

int rabbit_fail(struct rabbit_link *l, int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(l->failure, sizeof(l->failure), fmt, ap);
	va_end(ap);
	return r;
}

void rabbit_notice(struct rabbit_link *l, const char *text)
{
	l->notice = text;
}

/* ---- the thread: its connection ---- */

amqp_connection_state_t rabbit_connection(const struct rabbit_link *l)
{
	return l->connection;
}

bool rabbit_is_blocked(const struct rabbit_link *l)
{
	return l->is_blocked;
}

uint64_t rabbit_generation(const struct rabbit_link *l)
{
	return l->generation;
}

void rabbit_post(struct rabbit_link *l, struct list *node)
{
	inbox_post(l->inbox, node);
}

static void state_tell(struct rabbit_link *l, bool is_up, const char *why)
{
	bool is_new;

	pthread_mutex_lock(&l->mutex);
	l->state.is_up = is_up;
	snprintf(l->state.why, sizeof(l->state.why), "%s", why);
	is_new = !l->is_state_posted;
	l->is_state_posted = true;
	pthread_mutex_unlock(&l->mutex);
	if (is_new)
		rabbit_post(l, &l->state_node);
}

static bool is_stopping(struct rabbit_link *l)
{
	bool stopping;

	pthread_mutex_lock(&l->mutex);
	stopping = l->stopping;
	pthread_mutex_unlock(&l->mutex);
	return stopping;
}

/* For shutdown(); once it stops, nothing new may begin to block. */
static int socket_set(struct rabbit_link *l, int fd)
{
	int r;

	pthread_mutex_lock(&l->mutex);
	l->socket_fd = fd;
	r = l->stopping && fd >= 0 ? -ECANCELED : 0;
	pthread_mutex_unlock(&l->mutex);
	return r;
}

static int link_open(struct rabbit_link *l)
{
	int fd, r;

	l->is_blocked = false;
	l->notice = "";
	l->generation++;
	l->connection = fault_hit("rabbit.connect") ? NULL : amqp_new_connection();
	if (!l->connection)
		return rabbit_fail(l, -ENOMEM, "out of memory");
	r = rabbit_target_connect(l->target, l, &fd);
	if (r == 0)
		r = socket_set(l, fd);
	if (r == 0)
		r = rabbit_target_login(l->target, l);
	if (r < 0)
		return r;
	amqp_channel_open(l->connection, RABBIT_CHANNEL);
	r = rabbit_replied(l, amqp_get_rpc_reply(l->connection), "open a channel");
	return r < 0 ? r : l->role->begin(l, l->arg);
}

/* is_well: the connection may be closed in the orderly way, which waits for an answer. */
static void link_close(struct rabbit_link *l, bool is_well)
{
	if (!l->connection)
		return;
	if (is_well)
		(void)amqp_connection_close(l->connection, AMQP_REPLY_SUCCESS);
	(void)socket_set(l, -1);
	amqp_destroy_connection(l->connection);
	l->connection = NULL;
	l->role->ended(l, l->arg);
}

/* ---- the thread: frames and orders ---- */

static void blocked(struct rabbit_link *l, const amqp_connection_blocked_t *b)
{
	char why[WHY_SIZE];

	l->is_blocked = true;
	snprintf(why, sizeof(why), "RabbitMQ takes no messages: %.*s", (int)b->reason.len,
	         (const char *)b->reason.bytes);
	state_tell(l, false, why);
}

static void unblocked(struct rabbit_link *l)
{
	l->is_blocked = false;
	state_tell(l, true, l->notice);
}

/* The server closes the channel or the connection, and says why. */
static int closed(struct rabbit_link *l, const amqp_method_t *method)
{
	return rabbit_replied(l, (amqp_rpc_reply_t){ .reply_type = AMQP_RESPONSE_SERVER_EXCEPTION, .reply = *method },
	                      "closed by RabbitMQ");
}

static int method_take(struct rabbit_link *l, const amqp_method_t *method)
{
	switch (method->id) {
	case AMQP_CONNECTION_BLOCKED_METHOD:
		blocked(l, method->decoded);
		return 0;
	case AMQP_CONNECTION_UNBLOCKED_METHOD:
		unblocked(l);
		return 0;
	case AMQP_CONNECTION_CLOSE_METHOD:
	case AMQP_CHANNEL_CLOSE_METHOD:
		return closed(l, method);
	default:
		return l->role->method(l, method, l->arg);
	}
}

/* All that has come. Also sends a heartbeat when one is due, and finds out that none have come. */
static int frames_take(struct rabbit_link *l)
{
	struct timeval none = { 0 };
	amqp_frame_t frame;
	int r = 0;

	while (r == 0) {
		int status = amqp_simple_wait_frame_noblock(l->connection, &frame, &none);

		if (status == AMQP_STATUS_TIMEOUT)
			break;
		r = rabbit_sent(l, status, "read");
		if (r == 0 && frame.frame_type == AMQP_FRAME_METHOD)
			r = method_take(l, &frame.payload.method);
		amqp_maybe_release_buffers(l->connection);
	}
	return r;
}

static struct rabbit_order *order_take(struct rabbit_link *l)
{
	struct rabbit_order *o = NULL;
	struct list *node;

	pthread_mutex_lock(&l->mutex);
	node = list_pop_front(&l->orders);
	if (node) {
		o = LIST_ENTRY(node, struct rabbit_order, node);
		o->is_taken = true;
	}
	pthread_mutex_unlock(&l->mutex);
	return o;
}

static int orders_take(struct rabbit_link *l)
{
	struct rabbit_order *o;
	int r = 0;

	while (r == 0 && !l->is_blocked && (o = order_take(l)))
		r = l->role->order(l, o, l->arg);
	return r;
}

/* socket_fd < 0: only for the loop. */
static void thread_wait(struct rabbit_link *l, int socket_fd, int64_t limit_ms)
{
	struct pollfd fds[] = { { .fd = l->wake_fd, .events = POLLIN }, { .fd = socket_fd, .events = POLLIN } };
	uint64_t told;

	(void)poll(fds, socket_fd < 0 ? 1 : 2, (int)limit_ms);
	(void)!read(l->wake_fd, &told, sizeof(told));
}

static int serve(struct rabbit_link *l)
{
	int fd = amqp_get_sockfd(l->connection);
	int r = 0;

	while (r == 0) {
		bool stopping = is_stopping(l);
		bool has_more; /* a send may have read frames, too */

		r = frames_take(l);
		if (r == 0)
			r = orders_take(l);
		if (r == 0 && l->role->tick)
			r = l->role->tick(l, l->arg);
		if (stopping)
			break;
		has_more = amqp_frames_enqueued(l->connection) || amqp_data_in_buffer(l->connection);
		if (r == 0)
			thread_wait(l, fd, has_more ? 0 : TICK_MS);
	}
	return r;
}

static void pause_before_the_next(struct rabbit_link *l, int64_t failures)
{
	int64_t until_ms = clock_deadline_in(backoff_ms(failures, BACKOFF_MIN_MS, RABBIT_BACKOFF_MAX_MS));
	int64_t left_ms;

	while (!is_stopping(l) && (left_ms = until_ms - clock_mono_ms()) > 0)
		thread_wait(l, -1, left_ms);
}

static void *thread_main(void *arg)
{
	struct rabbit_link *l = arg;
	int64_t failures = 0;

	while (!is_stopping(l)) {
		int r = link_open(l);

		if (r == 0) {
			failures = 0;
			state_tell(l, true, l->notice);
			r = serve(l);
		}
		link_close(l, r == 0);
		if (is_stopping(l))
			break;
		state_tell(l, false, l->failure);
		pause_before_the_next(l, ++failures);
	}
	return NULL;
}

/* ---- on the loop ---- */

bool rabbit_link_is_up(const struct rabbit_link *l)
{
	assert(l->magic == LINK_MAGIC);
	return l->is_up;
}

struct metric_cell *rabbit_up_cell(const char *role)
{
	static const char *const labels[] = { "role", NULL };

	return metric_cell(metric_new(METRIC_GAUGE, "cinesync_rabbitmq_up", "Whether RabbitMQ is in use, by what for.",
	                              labels, NULL, 0),
	                   &role);
}

static void wake(struct rabbit_link *l)
{
	(void)!write(l->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
}

void rabbit_link_order(struct rabbit_link *l, struct rabbit_order *o)
{
	bool is_first;

	assert(l->magic == LINK_MAGIC);
	o->is_taken = false;
	pthread_mutex_lock(&l->mutex);
	is_first = list_empty(&l->orders);
	list_push_back(&l->orders, &o->node);
	pthread_mutex_unlock(&l->mutex);
	if (is_first)
		wake(l);
}

bool rabbit_link_withdraw(struct rabbit_link *l, struct rabbit_order *o)
{
	bool is_withdrawn;

	pthread_mutex_lock(&l->mutex);
	is_withdrawn = !o->is_taken;
	if (is_withdrawn)
		list_remove(&o->node);
	pthread_mutex_unlock(&l->mutex);
	return is_withdrawn;
}

static void state_take(struct rabbit_link *l)
{
	struct link_state state;
	bool is_news;

	pthread_mutex_lock(&l->mutex);
	state = l->state;
	l->is_state_posted = false;
	pthread_mutex_unlock(&l->mutex);
	is_news = !l->was_told || state.is_up != l->is_up;
	l->is_up = state.is_up;
	l->was_told = true;
	if (is_news)
		l->role->turned(state.is_up, state.why, l->arg);
}

static void on_posted(struct list *node, void *arg)
{
	struct rabbit_link *l = arg;

	if (node == &l->state_node)
		state_take(l);
	else
		l->role->posted(node, l->arg);
}

/* ---- its life ---- */

static void link_release(struct rabbit_link *l)
{
	inbox_free(&l->inbox);
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	rabbit_target_free(&l->target);
	pthread_mutex_destroy(&l->mutex);
	free(l);
}

int rabbit_link_new(const struct rabbit_options *options, const struct rabbit_role *role, void *arg,
                    struct rabbit_link **ret)
{
	struct rabbit_link *l = fault_hit("alloc") ? NULL : calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	*l = (struct rabbit_link){
		.magic = LINK_MAGIC, .role = role, .arg = arg, .wake_fd = -1, .socket_fd = -1, .notice = ""
	};
	list_init(&l->orders);
	list_init(&l->state_node);
	pthread_mutex_init(&l->mutex, NULL);
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	r = l->wake_fd < 0 ? -errno : rabbit_target_new(options, &l->target);
	if (r == 0)
		r = inbox_new(on_posted, l, &l->inbox);
	if (r == 0)
		r = -pthread_create(&l->thread, NULL, thread_main, l);
	if (r < 0) {
		link_release(l);
		return r;
	}
	pthread_setname_np(l->thread, "rabbitmq");
	*ret = l;
	return 0;
}

static int thread_join(void *arg)
{
	struct rabbit_link *l = arg;

	return -pthread_join(l->thread, NULL);
}

/* Whatever it blocks in, it has to do with the socket. */
static void socket_shut(void *arg)
{
	struct rabbit_link *l = arg;

	pthread_mutex_lock(&l->mutex);
	if (l->socket_fd >= 0)
		(void)shutdown(l->socket_fd, SHUT_RDWR);
	pthread_mutex_unlock(&l->mutex);
}

static void thread_end(struct rabbit_link *l)
{
	const struct offload join = { .work = thread_join, .interrupt = socket_shut, .arg = l };
	int64_t deadline_ms = fiber_deadline();
	int r;

	fiber_deadline_set(clock_deadline_in(STOP_MS));
	r = offload_run(&join);
	fiber_deadline_set(deadline_ms);
	if (r < 0) { /* no thread to wait on: cancelled, or out of memory */
		socket_shut(l);
		r = thread_join(l);
	}
	assert(r == 0);
	(void)r;
}

void rabbit_link_free(struct rabbit_link **l, struct list *left)
{
	struct rabbit_link *link = STEAL(*l);
	struct list *node;

	if (!link)
		return;
	assert(link->magic == LINK_MAGIC);
	pthread_mutex_lock(&link->mutex);
	link->stopping = true;
	pthread_mutex_unlock(&link->mutex);
	wake(link);
	thread_end(link);
	inbox_empty(link->inbox);
	while ((node = list_pop_front(&link->orders)))
		list_push_back(left, node);
	link->magic = 0;
	link_release(link);
}
