/* The relay: one fiber takes subjects with due events and starts a worker for each, up to as many as the transport
 * takes at once (outbox_worker.c); what the workers that ended have done, it writes down in one transaction. While that
 * is on its way others end, so the more there is to do, the more is written at once. A row is marked as sent after the
 * receiver has it: a crash in between delivers it again.
 *
 * Replicas on one PostgreSQL share the table: each claims the heads of subjects, for claim_ms (outbox_rows.c). A head
 * stays pending and claimed until it is written down, which keeps what follows it from everybody else; a replica that
 * died has its claims for no longer than that, and its successor delivers them again.
 *
 * The relay owns its workers and ends after them; the store and the transport are the caller's. Only outbox_stop()
 * waits for it. Everything here runs on the loop's thread; statements and deliveries yield.
 * Limits: transport->at_once deliveries at once, DELIVERY_MS each, `batch` events before a subject lets others have a
 * turn. */
#include "event/outbox.h"

#include "base/fault.h"
#include "event/backoff.h"
#include "event/outbox_inside.h"

#include <errno.h>
#include <stdlib.h>

#define OUTBOX_MAGIC 0xe0e47001u
#define DELIVERY_MS 10000
#define CLAIM_MS 20000
#define BACKOFF_MAX_MS 30000
#define STOP_GRACE_MS 2000
#define PRUNE_EVERY_MS 60000
#define SENT_KEPT_MS (7 * CLOCK_DAY_MS)
#define LOOK_ARENA_MAX 65536

struct outbox_due outbox_due_now(const struct outbox *o)
{
	int64_t now_ms = clock_real_ms();

	return (struct outbox_due){ .now_ms = now_ms, .horizon_ms = now_ms + o->options.backoff_max_ms };
}

void outbox_kick(struct outbox *o)
{
	assert(o->magic == OUTBOX_MAGIC);
	o->kicked = true;
	(void)fiber_queue_wake_one(&o->wake, 0);
}

static struct outbox_worker *worker_at(struct list *node)
{
	return LIST_ENTRY(node, struct outbox_worker, node);
}

/* ---- writing down ---- */

struct harvest {
	size_t n;
	size_t weight; /* at most OUTBOX_SENT_MAX */
	struct list workers;
	struct outbox_outcome outcomes[OUTBOX_SENT_MAX];
};

static size_t weight_of(const struct outbox_worker *w)
{
	size_t weight = 0;

	for (size_t i = 0; i < w->n; i++)
		weight += w->outcomes[i].fate == OUTBOX_SENT ? 1 : OUTBOX_OTHER_WEIGHT;
	return weight;
}

/* Those that are done, as many as one transaction holds. */
static void harvest_take(struct outbox *o, struct harvest *h)
{
	struct list *next;

	h->n = h->weight = 0;
	list_init(&h->workers);
	for (struct list *node = o->workers.next; node != &o->workers; node = next) {
		struct outbox_worker *w = worker_at(node);

		next = node->next;
		if (!w->is_done || h->weight + weight_of(w) > OUTBOX_SENT_MAX)
			continue;
		memcpy(h->outcomes + h->n, w->outcomes, w->n * sizeof(w->outcomes[0]));
		h->n += w->n;
		h->weight += weight_of(w);
		list_remove(&w->node);
		list_push_back(&h->workers, &w->node);
	}
}

static void harvest_give_back(struct outbox *o, struct harvest *h)
{
	struct list *node;

	while ((node = list_pop_front(&h->workers)))
		list_push_back(&o->workers, node);
}

static void harvest_free(struct outbox *o, struct harvest *h)
{
	struct list *node;

	while ((node = list_pop_front(&h->workers))) {
		struct outbox_worker *w = worker_at(node);

		outbox_worker_free(&w);
		o->n_workers--;
		o->n_done--;
	}
}

/* What has been delivered is written down, even when the stop came meanwhile. */
static int write_down(struct outbox *o, struct arena *a)
{
	struct harvest h;
	int r = 0;

	fiber_shield();
	while (r == 0 && o->n_done > 0) {
		harvest_take(o, &h);
		arena_reset(a);
		r = outbox_rows_record(o->options.store, h.outcomes, h.n, a);
		if (r == 0)
			harvest_free(o, &h);
		else
			harvest_give_back(o, &h);
	}
	fiber_unshield();
	return r;
}

/* ---- new work ---- */

static bool is_in_work(const struct outbox *o, struct str subject)
{
	for (struct list *node = o->workers.next; node != &o->workers; node = node->next)
		if (str_equal(worker_at(node)->head.subject, subject))
			return true;
	return false;
}

static int start_workers(struct outbox *o, const struct store_rows *rows)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < rows->n && o->n_workers < o->options.transport->at_once; i++) {
		struct outbox_row head = outbox_row_at(rows, i);
		struct outbox_worker *w;

		if (is_in_work(o, head.subject))
			continue;
		r = outbox_worker_start(o, &head, &w);
		if (r < 0)
			return r;
		list_push_back(&o->workers, &w->node);
		o->n_workers++;
	}
	return r;
}

static bool transport_is_up(const struct outbox *o)
{
	const struct event_transport *t = o->options.transport;

	return !t->is_up || t->is_up(t);
}

/* Where nothing is claimed, those in work come too, and must not hide the others. */
static int look_for_work(struct outbox *o, size_t *ret_n)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	bool is_claiming = outbox_rows_are_shared(o->options.store);
	size_t limit = o->options.transport->at_once - o->n_workers + (is_claiming ? 0 : o->n_workers);
	struct store_rows rows;
	int r;

	*ret_n = 0;
	if (o->n_workers >= o->options.transport->at_once || !transport_is_up(o))
		return 0;
	r = arena_new((limit + 1) * (2 * EVENT_SIZE_MAX), &a);
	if (r == 0)
		r = outbox_rows_claim(o->options.store, outbox_due_now(o), o->options.claim_ms, limit, a, &rows);
	if (r == 0)
		r = start_workers(o, &rows);
	if (r == 0)
		*ret_n = rows.n;
	return r;
}

/* ---- the relay ---- */

static int look_at_counts(struct outbox *o, struct arena *a)
{
	struct outbox_counts counts;
	int r;

	r = outbox_rows_count(o->options.store, a, &counts);
	if (r < 0)
		return r;
	o->count_at_ms = clock_deadline_in(o->options.poll_ms);
	outbox_counted(o, &counts);
	return 0;
}

static int prune(struct outbox *o, struct arena *a)
{
	bool more;
	int r;

	r = outbox_rows_prune(o->options.store, clock_real_ms() - SENT_KEPT_MS, a, &more);
	if (r < 0)
		return r;
	o->prune_at_ms = clock_deadline_in(more ? 0 : PRUNE_EVERY_MS);
	return 0;
}

/* Counting walks over all that is pending, so a busy relay does it now and then only. */
static int look_at_the_rest(struct outbox *o, bool is_idle, struct arena *a)
{
	int64_t now_ms = clock_mono_ms();
	int r = 0;

	if (is_idle || now_ms >= o->count_at_ms)
		r = look_at_counts(o, a);
	if (r == 0 && now_ms >= o->prune_at_ms)
		r = prune(o, a);
	return r;
}

static void look(struct outbox *o)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	bool is_idle;
	size_t n = 0;
	int r;

	if (clock_mono_ms() >= o->retry_at_ms)
		o->retry_at_ms = DEADLINE_NONE;
	r = arena_new(LOOK_ARENA_MAX, &a);
	if (r == 0)
		r = write_down(o, a);
	if (r == 0)
		r = look_for_work(o, &n);
	is_idle = n == 0 && o->n_workers == 0;
	if (r == 0)
		r = look_at_the_rest(o, is_idle, a);
	if (r < 0)
		outbox_store_failed(o, r);
	else
		outbox_store_works(o);
}

static int64_t next_look_ms(const struct outbox *o)
{
	int64_t at = clock_deadline_in(o->options.poll_ms);

	if (o->store_errors > 0)
		return clock_deadline_in(
		        backoff_ms(o->store_errors, o->options.backoff_min_ms, o->options.backoff_max_ms));
	return MIN(at, o->retry_at_ms);
}

/* A kick ends the wait, but does not hurry a store that is away. */
static void wait_for_news(struct outbox *o)
{
	bool heeds_kicks = o->store_errors == 0;

	fiber_deadline_set(next_look_ms(o));
	while (!o->stopping && !(heeds_kicks && o->kicked))
		if (fiber_queue_wait(&o->wake) < 0)
			break;
	fiber_deadline_set(DEADLINE_NONE);
	o->kicked = false;
}

static void cancel_workers(struct outbox *o)
{
	for (struct list *node = o->workers.next; node != &o->workers; node = node->next)
		if (!worker_at(node)->is_done)
			fiber_cancel(worker_at(node)->fiber);
}

static void end_workers(struct outbox *o)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct list *node;

	fiber_deadline_set(clock_deadline_in(STOP_GRACE_MS));
	while (o->n_done < o->n_workers) {
		if (fiber_queue_wait(&o->wake) == 0)
			continue;
		fiber_deadline_set(DEADLINE_NONE);
		cancel_workers(o);
	}
	fiber_deadline_set(DEADLINE_NONE);
	if (arena_new(LOOK_ARENA_MAX, &a) == 0)
		(void)!write_down(o, a);
	while ((node = list_pop_front(&o->workers))) { /* could not be written down: they come again */
		struct outbox_worker *w = worker_at(node);

		outbox_worker_free(&w);
	}
}

static void relay_main(void *arg)
{
	struct outbox *o = arg;

	while (!o->stopping) {
		look(o);
		wait_for_news(o);
	}
	end_workers(o);
}

/* ---- starting and stopping ---- */

static void on_transport_up(void *arg)
{
	outbox_kick(arg);
}

static void options_fill(struct outbox_options *to)
{
	to->batch = to->batch ? to->batch : 64;
	to->poll_ms = to->poll_ms ? to->poll_ms : 1000;
	to->backoff_min_ms = to->backoff_min_ms ? to->backoff_min_ms : 200;
	if (!to->backoff_max_ms)
		to->backoff_max_ms = to->transport->backoff_max_ms ? to->transport->backoff_max_ms : BACKOFF_MAX_MS;
	to->claim_ms = to->claim_ms ? to->claim_ms : CLAIM_MS;
}

int outbox_start(const struct outbox_options *options, struct outbox **ret)
{
	struct outbox *o = fault_hit("alloc") ? NULL : calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	*o = (struct outbox){ .magic = OUTBOX_MAGIC, .options = *options, .retry_at_ms = DEADLINE_NONE };
	options_fill(&o->options);
	assert(o->options.batch <= OUTBOX_SENT_MAX - OUTBOX_OTHER_WEIGHT && options->transport->at_once > 0);
	o->delivery_ms = MIN(DELIVERY_MS, o->options.claim_ms / 2);
	fiber_queue_init(&o->wake);
	list_init(&o->workers);
	outbox_metrics_find(o);
	r = fiber_spawn("outbox relay", relay_main, o, &o->fiber);
	if (r < 0) {
		free(o);
		return r;
	}
	options->transport->came_up = on_transport_up;
	options->transport->came_up_arg = o;
	*ret = o;
	return 0;
}

void outbox_stop(struct outbox **o)
{
	struct outbox *outbox = STEAL(*o);
	int r;

	if (!outbox)
		return;
	outbox->stopping = true;
	outbox->options.transport->came_up = NULL;
	outbox_kick(outbox);
	fiber_shield();
	r = fiber_join(outbox->fiber);
	fiber_unshield();
	assert(r == 0);
	(void)r;
	fiber_unref(&outbox->fiber);
	outbox->magic = 0;
	free(outbox);
}

void outbox_stats_get(const struct outbox *o, struct outbox_stats *ret)
{
	assert(o->magic == OUTBOX_MAGIC);
	*ret = o->stats;
}
