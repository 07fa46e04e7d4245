/* One connection: uv_tcp_t below (which leaves it to the program to ignore SIGPIPE), hiredis for the protocol, and in
 * between the commands that wait for their answers.
 *
 * A link lives until its owner has freed it and its three handles are closed. What waits for an answer stands in a ring
 * in the order of sending; a fiber that gives up takes itself out of its place there, so that a late answer finds
 * nobody. Only the functions marked so yield. Limits: OUT_MAX bytes unsent; the owner bounds the commands, the reader
 * the answers. */
#include "cache/redis_link.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fault.h"
#include "cache/redis_reader.h"
#include "fiber/fiber.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

enum {
	OUT_MAX = 16 << 20,
	OUT_KEPT_MAX = 256 << 10,
	READ_SIZE = 64 << 10,
	FEED_SIZE = 8 << 10,
	SLOTS_FIRST = 64,
	KEEPALIVE_S = 15,
	SECOND_LOOK_MS = 1,
	HANDLES = 3,
};

#define LINK_MAGIC UINT32_C(0x524c4e4b)

/* A command without its answer. */
struct slot {
	int64_t sent_ms;
	struct redis_wait *wait; /* NULL: nobody waits (any more) */
	int kind;
};

struct redis_link {
	uint32_t magic;
	bool is_open;
	bool is_freed; /* by its owner */
	bool is_secret;
	bool is_writing;
	bool is_overdue; /* the oldest command was, when last looked at */
	unsigned n_handles;
	const struct redis_link_ops *ops;
	void *arg;
	int64_t timeout_ms;
	uv_tcp_t tcp;
	uv_timer_t timer;     /* for the oldest command */
	uv_prepare_t prepare; /* sends what a turn of the loop has brought */
	uv_connect_t connect_request;
	uv_write_t write_request;
	struct redis_wait *connecting;
	struct slot *slots; /* a ring; n_slots is a power of two */
	size_t n_slots;
	uint64_t first; /* number of the oldest command without an answer */
	uint64_t next;  /* of the next one sent */
	struct buf out;
	struct buf writing; /* what the kernel did not take at once */
	struct redis_reader reader;
	char room[READ_SIZE];
};

/* ---- commands without an answer ---- */

static struct slot *slot_of(const struct redis_link *l, uint64_t number)
{
	return &l->slots[number & (l->n_slots - 1)];
}

static int slots_reserve(struct redis_link *l)
{
	size_t n = l->n_slots ? l->n_slots * 2 : SLOTS_FIRST;
	struct slot *slots;

	if (l->next - l->first < l->n_slots)
		return 0;
	slots = fault_hit("alloc") ? NULL : calloc(n, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (uint64_t i = l->first; i != l->next; i++)
		slots[i & (n - 1)] = *slot_of(l, i);
	free(l->slots);
	l->slots = slots;
	l->n_slots = n;
	return 0;
}

static void wait_end(struct redis_wait *w, redisReply *reply)
{
	w->reply = reply;
	w->is_done = true;
	fiber_wake(w->fiber, 0);
}

/* Takes the reply. */
static void slot_end(struct redis_link *l, redisReply *reply)
{
	struct slot s = *slot_of(l, l->first++);
	const char *why = l->ops->answered(l->arg, s.kind, reply);

	if (s.wait)
		wait_end(s.wait, reply);
	else
		redis_reply_free(&reply);
	if (why)
		redis_link_fail(l, why);
}

/* ---- the end ---- */

/* Empties a buffer that was sent, or never will be. */
static void out_forget(struct redis_link *l, struct buf *b)
{
	if (l->is_secret && b->data)
		explicit_bzero(b->data, b->len);
	if (b->cap <= OUT_KEPT_MAX) {
		buf_reset(b);
		return;
	}
	buf_done(b);
	buf_init(b, OUT_MAX);
}

static void link_release(struct redis_link *l)
{
	const struct redis_link_ops *ops = l->ops;
	void *arg = l->arg;

	out_forget(l, &l->out);
	out_forget(l, &l->writing);
	buf_done(&l->out);
	buf_done(&l->writing);
	redis_reader_done(&l->reader);
	free(l->slots);
	l->magic = 0;
	free(l);
	ops->closed(arg);
}

static void on_closed(uv_handle_t *handle)
{
	struct redis_link *l = handle->data;

	if (--l->n_handles == 0 && l->is_freed)
		link_release(l);
}

static void link_close(struct redis_link *l)
{
	l->is_open = false;
	uv_close((uv_handle_t *)&l->tcp, on_closed);
	uv_close((uv_handle_t *)&l->timer, on_closed);
	uv_close((uv_handle_t *)&l->prepare, on_closed);
	if (l->connecting)
		wait_end(STEAL(l->connecting), NULL);
	while (l->first != l->next)
		slot_end(l, NULL);
}

void redis_link_fail(struct redis_link *l, const char *why)
{
	assert(l->magic == LINK_MAGIC);
	if (!l->is_open)
		return;
	l->ops->lost(l->arg, why);
	link_close(l);
}

/* ---- sending ---- */

static void link_flush(struct redis_link *l);

static void on_written(uv_write_t *request, int status)
{
	struct redis_link *l = request->data;

	l->is_writing = false;
	out_forget(l, &l->writing);
	if (!l->is_open)
		return;
	if (status < 0)
		redis_link_fail(l, uv_strerror(status));
	else
		link_flush(l);
}

/* The kernel took only the first n bytes. */
static int write_rest(struct redis_link *l, size_t n)
{
	struct buf spare = l->writing;
	uv_buf_t rest;

	l->writing = l->out;
	l->out = spare;
	rest = uv_buf_init(l->writing.data + n, (unsigned)(l->writing.len - n));
	l->is_writing = true;
	return uv_write(&l->write_request, (uv_stream_t *)&l->tcp, &rest, 1, on_written);
}

static void link_flush(struct redis_link *l)
{
	uv_buf_t all = uv_buf_init(l->out.data, (unsigned)l->out.len);
	int n;

	if (l->is_writing || l->out.len == 0)
		return;
	n = uv_try_write((uv_stream_t *)&l->tcp, &all, 1);
	if (n == UV_EAGAIN)
		n = 0;
	if (n >= 0 && (size_t)n == l->out.len)
		out_forget(l, &l->out);
	else if (n >= 0)
		n = write_rest(l, (size_t)n);
	if (n < 0)
		redis_link_fail(l, uv_strerror(n));
}

static void on_prepare(uv_prepare_t *prepare)
{
	uv_prepare_stop(prepare);
	link_flush(prepare->data);
}

static int out_add(struct redis_link *l, const struct str *argv, size_t n)
{
	const char *data[REDIS_ARGS_MAX];
	size_t lens[REDIS_ARGS_MAX];
	char *command = NULL;
	long long len;
	int r = 0;

	assert(n > 0 && n <= REDIS_ARGS_MAX);
	for (size_t i = 0; i < n; i++) {
		data[i] = argv[i].data;
		lens[i] = argv[i].len;
	}
	len = fault_hit("alloc") ? -1 : redisFormatCommandArgv(&command, (int)n, data, lens);
	if (len < 0)
		return -ENOMEM;
	if (l->out.len + l->writing.len + (size_t)len > OUT_MAX)
		r = -ENOBUFS;
	else
		buf_add(&l->out, command, (size_t)len);
	if (l->is_secret)
		explicit_bzero(command, (size_t)len);
	redisFreeCommand(command);
	return r < 0 ? r : buf_error(&l->out);
}

static void on_timer(uv_timer_t *timer);

int redis_link_send(struct redis_link *l, int kind, const struct str *argv, size_t n, struct redis_wait *wait)
{
	int r;

	assert(l->magic == LINK_MAGIC);
	if (!l->is_open)
		return -ENOTCONN;
	r = slots_reserve(l);
	if (r == 0)
		r = out_add(l, argv, n);
	if (buf_error(&l->out) < 0)
		redis_link_fail(l, "out of memory");
	if (r < 0)
		return r;
	if (wait)
		*wait = (struct redis_wait){ .fiber = fiber_self(), .number = l->next };
	*slot_of(l, l->next++) = (struct slot){ .sent_ms = clock_mono_ms(), .wait = wait, .kind = kind };
	if (!uv_is_active((uv_handle_t *)&l->timer))
		uv_timer_start(&l->timer, on_timer, (uint64_t)l->timeout_ms, 0);
	if (!uv_is_active((uv_handle_t *)&l->prepare))
		uv_prepare_start(&l->prepare, on_prepare);
	return 0;
}

int redis_link_wait(struct redis_link *l, struct redis_wait *wait, redisReply **ret)
{
	int r = fiber_suspend();

	if (wait->is_done && wait->reply) {
		*ret = wait->reply;
		return 0;
	}
	if (wait->is_done)
		return -ENOTCONN;
	assert(l->magic == LINK_MAGIC && r < 0);
	slot_of(l, wait->number)->wait = NULL;
	return r;
}

int redis_link_ask(struct redis_link *l, int kind, const struct str *argv, size_t n, redisReply **ret)
{
	struct redis_wait wait;
	int r = redis_link_send(l, kind, argv, n, &wait);

	return r < 0 ? r : redis_link_wait(l, &wait, ret);
}

/* Looks twice, with a turn of the loop between: after a slice that was too long the answer may be there, unread. */
static void on_timer(uv_timer_t *timer)
{
	struct redis_link *l = timer->data;
	int64_t left_ms;

	if (l->first == l->next) {
		l->is_overdue = false;
		return;
	}
	left_ms = slot_of(l, l->first)->sent_ms + l->timeout_ms - clock_mono_ms();
	if (left_ms <= 0 && l->is_overdue) {
		redis_link_fail(l, "no answer in time");
		return;
	}
	l->is_overdue = left_ms <= 0;
	uv_timer_start(timer, on_timer, left_ms > 0 ? (uint64_t)left_ms : SECOND_LOOK_MS, 0);
}

/* ---- reading ---- */

/* One answer, if there is one. */
static bool link_take(struct redis_link *l)
{
	redisReply *reply CLEANUP(redis_reply_free) = NULL;
	const char *why;
	int r = redis_reader_take(&l->reader, &reply, &why);

	if (r < 0)
		redis_link_fail(l, why);
	if (r <= 0)
		return false;
	if (l->ops->pushed && redis_reply_is_message(reply))
		l->ops->pushed(l->arg, reply);
	else if (l->first != l->next)
		slot_end(l, STEAL(reply));
	else
		redis_link_fail(l, "an answer to no question");
	return l->is_open;
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *ret)
{
	struct redis_link *l = handle->data;

	(void)size;
	*ret = uv_buf_init(l->room, sizeof(l->room));
}

/* In small pieces: hiredis moves what is left in its buffer for each answer that it takes out. */
static void link_feed(struct redis_link *l, const char *data, size_t len)
{
	for (size_t at = 0; at < len && l->is_open; at += FEED_SIZE) {
		if (redis_reader_feed(&l->reader, data + at, MIN(len - at, (size_t)FEED_SIZE)) < 0)
			redis_link_fail(l, "out of memory");
		else
			while (link_take(l))
				continue;
	}
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
	struct redis_link *l = stream->data;

	if (n == 0 || !l->is_open)
		return;
	if (n > 0)
		link_feed(l, room->base, (size_t)n);
	else
		redis_link_fail(l, n == UV_EOF ? "closed by the other side" : uv_strerror((int)n));
}

/* ---- life ---- */

static void on_connected(uv_connect_t *request, int status)
{
	struct redis_link *l = request->data;

	if (!l->is_open)
		return;
	if (status == 0)
		status = uv_read_start((uv_stream_t *)&l->tcp, on_room, on_read);
	if (status < 0) {
		redis_link_fail(l, uv_strerror(status));
		return;
	}
	uv_tcp_nodelay(&l->tcp, 1);
	uv_tcp_keepalive(&l->tcp, 1, KEEPALIVE_S);
	if (l->connecting)
		wait_end(STEAL(l->connecting), NULL);
}

int redis_link_connect(struct redis_link *l, const struct sockaddr *address)
{
	struct redis_wait wait = { .fiber = fiber_self() };
	int r;

	assert(l->magic == LINK_MAGIC);
	r = uv_tcp_connect(&l->connect_request, &l->tcp, address, on_connected);
	if (r < 0)
		return r;
	l->connecting = &wait;
	r = fiber_suspend();
	l->connecting = NULL;
	if (!wait.is_done)
		return r;
	return l->is_open ? 0 : -ENOTCONN;
}

static int handles_init(struct redis_link *l, struct uv_loop_s *loop)
{
	int r = uv_tcp_init(loop, &l->tcp);

	if (r < 0)
		return r;
	uv_timer_init(loop, &l->timer);
	uv_prepare_init(loop, &l->prepare);
	l->tcp.data = l->timer.data = l->prepare.data = l;
	l->connect_request.data = l->write_request.data = l;
	l->n_handles = HANDLES;
	return 0;
}

int redis_link_new(struct uv_loop_s *loop, const struct redis_link_ops *ops, void *arg, int64_t timeout_ms,
                   struct redis_link **ret)
{
	struct redis_link *l = fault_hit("alloc") ? NULL : calloc(1, sizeof(*l));
	int r;

	assert(timeout_ms > 0);
	if (!l)
		return -ENOMEM;
	l->magic = LINK_MAGIC;
	l->ops = ops;
	l->arg = arg;
	l->timeout_ms = timeout_ms;
	buf_init(&l->out, OUT_MAX);
	buf_init(&l->writing, OUT_MAX);
	r = redis_reader_init(&l->reader);
	if (r == 0)
		r = handles_init(l, loop);
	if (r < 0) {
		redis_reader_done(&l->reader);
		free(l);
		return r;
	}
	l->is_open = true;
	*ret = l;
	return 0;
}

void redis_link_free(struct redis_link **lp)
{
	struct redis_link *l = STEAL(*lp);

	if (!l)
		return;
	assert(l->magic == LINK_MAGIC && !l->is_freed);
	if (l->is_open)
		link_flush(l);
	l->is_freed = true;
	if (l->is_open)
		link_close(l);
	else if (l->n_handles == 0)
		link_release(l);
}

bool redis_link_is_open(const struct redis_link *l)
{
	assert(l->magic == LINK_MAGIC);
	return l->is_open;
}

void redis_link_timeout_set(struct redis_link *l, int64_t timeout_ms)
{
	assert(l->magic == LINK_MAGIC && l->first == l->next && timeout_ms > 0);
	l->timeout_ms = timeout_ms;
	if (l->is_open)
		uv_timer_stop(&l->timer);
}

void redis_link_secret_set(struct redis_link *l, bool is_secret)
{
	assert(l->magic == LINK_MAGIC);
	l->is_secret = is_secret;
}
