/* Chunks, each the body of one request in the making: a span is written into it once and never copied again. One fills,
 * full ones wait in line, and of the empty ones that comes next which was emptied last, for it is in the processor's
 * cache. Under the mutex: all of that, the times and `stopping`; a full chunk is the thread's alone. The mutex is held
 * for a copy of some hundred bytes, never across a system call.
 * Limits: queue_max spans, CHUNK_SIZE_MAX bytes a request (collectors take 4 MiB and more). */
#include "telemetry/exporter.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/random.h"
#include "telemetry/export_call.h"
#include "telemetry/metrics.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define EXPORTER_MAGIC UINT32_C(0x4f544c50)

enum {
	CHUNK_SIZE_MAX = 1 << 20,
	CHUNK_ROOM = 1 << 16,     /* for the last span and the end, over that */
	CHUNK_KEPT_MAX = 1 << 18, /* of an empty chunk's memory */
	RETRY_FIRST_MS = 1000,
	RETRY_DELAY_MAX_MS = 16000,
	DROPS_SAY_MS = 60000, /* one line of drops a minute */
};

struct chunk {
	struct list node; /* in `full` or `empty` */
	struct buf bytes;
	struct otlp_request request;
};

struct exporter {
	uint32_t magic;
	struct exporter_options options; /* its texts but the version are the caller's, and gone */
	struct str resource;             /* owned */

	pthread_mutex_t mutex;
	pthread_cond_t changed;
	pthread_t thread;
	struct chunk *chunks;
	size_t n_chunks;
	struct chunk *filling; /* NULL: there is no place */
	struct list full;      /* the oldest first */
	struct list empty;
	int64_t oldest_ns;
	int64_t newest_ns;
	bool stopping;
	int64_t stop_until_ms;
	atomic_size_t waiting; /* spans in all chunks, for the metric */

	/* The thread's own. */
	struct export_call *call;
	bool is_away; /* the last one failed: said once */
	uint64_t n_lost;
	int64_t lost_said_ms;

	struct metric_cell *processed;
	struct metric_cell *queue_full;
	struct metric *exported;
};

static struct exporter *the_exporter; /* for the metrics' callbacks */

/* ---- whoever ends a span ---- */

static struct chunk *chunk_of(struct list *node)
{
	return LIST_ENTRY(node, struct chunk, node);
}

/* Under the mutex. */
static void filling_is_full(struct exporter *e)
{
	list_push_back(&e->full, &e->filling->node);
	e->filling = NULL;
	if (list_empty(&e->empty))
		return;
	e->filling = chunk_of(e->empty.next);
	list_remove(&e->filling->node);
}

/* False: it did not fit, and nothing is left of it. */
static bool chunk_add(struct exporter *e, struct chunk *c, const struct span *s)
{
	if (c->request.n == 0) {
		buf_reset(&c->bytes);
		e->options.encoding->begin(&c->request, &c->bytes, e->resource, e->options.version);
	}
	e->options.encoding->add(&c->request, s);
	if (buf_error(&c->bytes) == 0)
		return true;
	c->bytes.error = 0;
	return false;
}

static void take(const struct span *s, void *arg)
{
	struct exporter *e = arg;
	bool is_wanted = false, has_place = false;
	struct chunk *c;

	pthread_mutex_lock(&e->mutex);
	c = e->filling;
	if (c && chunk_add(e, c, s)) {
		has_place = true;
		e->newest_ns = s->end_mono_ns;
		is_wanted = c->request.n == 1;
		if (c->request.n == 1)
			e->oldest_ns = s->end_mono_ns;
		if (c->request.n == e->options.batch_max || c->bytes.len >= CHUNK_SIZE_MAX) {
			filling_is_full(e);
			is_wanted = true;
		}
		atomic_fetch_add_explicit(&e->waiting, 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&e->mutex);
	if (is_wanted)
		pthread_cond_signal(&e->changed);
	if (!has_place)
		metric_add(e->queue_full, 1);
}

/* ---- what becomes of a chunk ---- */

static void count(struct exporter *e, const char *error, size_t n)
{
	if (n > 0)
		metric_add(metric_cell(e->exported, &error), (double)n);
}

/* One line a minute. */
static void drops_say(struct exporter *e, const struct export_result *result, size_t n)
{
	int64_t now_ms = clock_mono_ms();

	e->n_lost += n;
	if (e->n_lost == 0 || now_ms - e->lost_said_ms < DROPS_SAY_MS)
		return;
	log_warning("spans dropped", LOG_INT("spans", e->n_lost), LOG_STR("reason", result->reason));
	e->n_lost = 0;
	e->lost_said_ms = now_ms;
}

static void taken(struct exporter *e, const struct export_result *result, size_t n)
{
	size_t n_rejected = MIN(result->rejected, n);

	count(e, "", n - n_rejected);
	count(e, "rejected", n_rejected);
	drops_say(e, result, n_rejected);
	if (e->is_away)
		log_info("spans are exported again");
	e->is_away = false;
}

static void away(struct exporter *e, const struct export_result *result)
{
	if (!e->is_away)
		log_warning("spans cannot be exported; what finds no place in the queue is dropped",
		            LOG_STR("reason", result->reason));
	e->is_away = true;
}

/* With half of it at random, so that replicas do not come back all at once. */
static int64_t delay_of(int attempt)
{
	int doublings = MIN(attempt, 10);
	int64_t whole_ms = MIN((int64_t)RETRY_FIRST_MS << doublings, (int64_t)RETRY_DELAY_MAX_MS);

	return whole_ms / 2 + (int64_t)random_below((uint64_t)whole_ms / 2 + 1);
}

static struct timespec time_of(int64_t mono_ms)
{
	return (struct timespec){ .tv_sec = mono_ms / 1000, .tv_nsec = mono_ms % 1000 * 1000000 };
}

/* False: the time is up, since it stops. */
static bool wait_until(struct exporter *e, int64_t until_ms)
{
	struct timespec until;
	int r = 0;

	pthread_mutex_lock(&e->mutex);
	while (r == 0 && clock_mono_ms() < until_ms && !(e->stopping && until_ms > e->stop_until_ms)) {
		until = time_of(until_ms);
		r = pthread_cond_timedwait(&e->changed, &e->mutex, &until);
		if (r == ETIMEDOUT)
			break;
	}
	r = e->stopping && until_ms > e->stop_until_ms ? -1 : 0;
	pthread_mutex_unlock(&e->mutex);
	return r == 0;
}

static bool is_over(void *arg)
{
	struct exporter *e = arg;
	bool is_over;

	pthread_mutex_lock(&e->mutex);
	is_over = e->stopping && clock_mono_ms() >= e->stop_until_ms;
	pthread_mutex_unlock(&e->mutex);
	return is_over;
}

static void send_chunk(struct exporter *e, struct chunk *c)
{
	int64_t give_up_ms = clock_deadline_in(EXPORT_RETRY_MS);
	struct export_result result;

	e->options.encoding->end(&c->request);
	for (int attempt = 0;; attempt++) {
		int64_t next_ms;

		export_call_make(e->call, buf_str(&c->bytes), is_over, e, &result);
		if (result.outcome == EXPORT_TAKEN) {
			taken(e, &result, c->request.n);
			return;
		}
		away(e, &result);
		next_ms = clock_mono_ms() + MAX(delay_of(attempt), result.retry_after_ms);
		if (result.outcome == EXPORT_REFUSED || next_ms > give_up_ms || !wait_until(e, next_ms))
			break;
	}
	count(e, result.error, c->request.n);
	drops_say(e, &result, c->request.n);
}

/* ---- the thread ---- */

/* When the chunk that fills is to be sent, if nothing more comes. */
static int64_t due_ms(const struct exporter *e)
{
	return MIN(e->oldest_ns / 1000000 + e->options.delay_ms, e->newest_ns / 1000000 + EXPORT_IDLE_MS);
}

/* Waits until a chunk is full, or is to be sent as it is; NULL: no more, since it stops. */
static struct chunk *next(struct exporter *e)
{
	struct chunk *c;

	pthread_mutex_lock(&e->mutex);
	while (list_empty(&e->full)) {
		bool has_some = e->filling->request.n > 0;
		struct timespec until;

		if (has_some && (e->stopping || clock_mono_ms() >= due_ms(e))) {
			filling_is_full(e);
			break;
		}
		if (e->stopping)
			break;
		until = time_of(due_ms(e));
		if (has_some)
			(void)pthread_cond_timedwait(&e->changed, &e->mutex, &until);
		else
			pthread_cond_wait(&e->changed, &e->mutex);
	}
	c = list_empty(&e->full) ? NULL : chunk_of(e->full.next);
	if (c)
		list_remove(&c->node);
	pthread_mutex_unlock(&e->mutex);
	return c;
}

static void chunk_release(struct exporter *e, struct chunk *c)
{
	if (c->bytes.cap > CHUNK_KEPT_MAX) {
		buf_done(&c->bytes);
		buf_init(&c->bytes, CHUNK_SIZE_MAX + CHUNK_ROOM);
	}
	metric_add(e->processed, (double)c->request.n);
	pthread_mutex_lock(&e->mutex);
	atomic_fetch_sub_explicit(&e->waiting, c->request.n, memory_order_relaxed);
	c->request.n = 0;
	if (e->filling)
		list_push_front(&e->empty, &c->node);
	else
		e->filling = c;
	pthread_mutex_unlock(&e->mutex);
}

static void *run(void *arg)
{
	struct exporter *e = arg;
	struct chunk *c;
	int r = file_table_own(export_call_wake_fd(e->call));

	if (r < 0)
		log_info("the exporter shares the table of open files: requests cost more", LOG_ERR(r));
	while ((c = next(e))) {
		send_chunk(e, c);
		chunk_release(e, c);
	}
	export_call_hang_up(e->call);
	return NULL;
}

/* ---- its life ---- */

static double queue_size(void *arg)
{
	(void)arg;
	return the_exporter ? (double)atomic_load_explicit(&the_exporter->waiting, memory_order_relaxed) : 0;
}

static double queue_capacity(void *arg)
{
	(void)arg;
	return the_exporter ? (double)(the_exporter->n_chunks * the_exporter->options.batch_max) : 0;
}

static void metrics_declare(struct exporter *e)
{
	static const char *const labels[] = { "error_type", NULL };
	struct metric *processed = metric_new(
	        METRIC_COUNTER, "otel_sdk_processor_span_processed_total",
	        "Spans that left the queue, or for which there was no place in it (queue_full).", labels, NULL, 0);

	e->processed = metric_cell(processed, (const char *const[]){ "" });
	e->queue_full = metric_cell(processed, (const char *const[]){ "queue_full" });
	e->exported = metric_new(METRIC_COUNTER, "otel_sdk_exporter_span_exported_total",
	                         "Spans by what the collector made of them.", labels, NULL, 0);
	metric_callback("otel_sdk_processor_span_queue_size", "Spans waiting for their export.", METRIC_GAUGE,
	                queue_size, NULL);
	metric_callback("otel_sdk_processor_span_queue_capacity", "How many spans may wait for their export.",
	                METRIC_GAUGE, queue_capacity, NULL);
}

/* Times are those of clock_mono. */
static void locks_init(struct exporter *e)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&e->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&e->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

static void exporter_free(struct exporter *e)
{
	for (size_t i = 0; e->chunks && i < e->n_chunks; i++)
		buf_done(&e->chunks[i].bytes);
	free(e->chunks);
	free((char *)(uintptr_t)e->resource.data);
	export_call_free(&e->call);
	pthread_cond_destroy(&e->changed);
	pthread_mutex_destroy(&e->mutex);
	free(e);
}

static int content_init(struct exporter *e, const struct exporter_options *o)
{
	char *resource = malloc(o->resource.len + 1);

	if (!resource)
		return -ENOMEM;
	memcpy(resource, o->resource.data, o->resource.len);
	e->resource = (struct str){ resource, o->resource.len };
	e->n_chunks = MAX((o->queue_max + o->batch_max - 1) / o->batch_max, (size_t)2);
	e->chunks = calloc(e->n_chunks, sizeof(*e->chunks));
	if (!e->chunks)
		return -ENOMEM;
	list_init(&e->full);
	list_init(&e->empty);
	for (size_t i = 0; i < e->n_chunks; i++) {
		buf_init(&e->chunks[i].bytes, CHUNK_SIZE_MAX + CHUNK_ROOM);
		list_push_back(&e->empty, &e->chunks[i].node);
	}
	e->filling = chunk_of(e->empty.next);
	list_remove(&e->filling->node);
	return export_call_new(o, &e->call);
}

/* Signals are the loop's thread's. */
static int thread_start(struct exporter *e)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&e->thread, NULL, run, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		(void)pthread_setname_np(e->thread, "otlp");
	return -r;
}

int exporter_start(const struct exporter_options *options, struct exporter **ret)
{
	struct exporter *e = calloc(1, sizeof(*e));
	int r;

	assert(!the_exporter && options->batch_max > 0 && options->url);
	if (!e)
		return -ENOMEM;
	e->magic = EXPORTER_MAGIC;
	e->options = *options;
	e->lost_said_ms = INT64_MIN / 2;
	locks_init(e);
	r = content_init(e, options);
	if (r == 0) {
		metrics_declare(e);
		r = thread_start(e);
	}
	if (r < 0) {
		exporter_free(e);
		return r;
	}
	the_exporter = e;
	span_sink_set(take, e);
	*ret = e;
	return 0;
}

void exporter_stop(struct exporter **e, int64_t deadline_ms)
{
	struct exporter *it = STEAL(*e);

	if (!it)
		return;
	assert(it->magic == EXPORTER_MAGIC && it == the_exporter);
	span_sink_set(NULL, NULL);
	pthread_mutex_lock(&it->mutex);
	it->stopping = true;
	it->stop_until_ms = deadline_ms;
	pthread_mutex_unlock(&it->mutex);
	pthread_cond_signal(&it->changed);
	export_call_wake(it->call);
	pthread_join(it->thread, NULL);
	the_exporter = NULL;
	exporter_free(it);
}
