/* Deliveries that are due, each on a fiber of its own: as many at once as the sink takes, and one at a time for a
 * recipient, so that nobody gets two mails in the wrong order. What one delivery is, is delivery.c's. */
#include "notification/mailer.h"

#include "base/clock.h"
#include "base/log.h"
#include "notification/mailer_inside.h"
#include "notification/sink.h"
#include "notification/statements.h"
#include "telemetry/metrics.h"

#include <errno.h>
#include <stdlib.h>

enum {
	POLL_MS = 5000,
	POLL_SHARED_MS = 1000, /* where another replica may take the events, which kicks only itself */
	STORE_AWAY_MS = 1000,
	STOP_GRACE_MS = 5000,
	LEASE_MS = 6000,
	COUNT_EVERY_MS = 4000,
	ARENA_SIZE_MAX = 1 << 20,
	JOB_ARENA_MAX = 8192,
};

#define MAILER_MAGIC UINT32_C(0x4d41494c)

struct job {
	struct list node;
	struct mailer *mailer;
	struct fiber *fiber;
	struct arena *arena;
	struct str event_id;
	struct str recipient;
};

void mailer_store_failed(struct mailer *m, int r)
{
	if (m->failing || m->stopping)
		return;
	m->failing = true;
	log_error("deliveries cannot be read or recorded; trying again", LOG_ERR(r),
	          LOG_STR("detail", store_error(m->state->store)));
}

void mailer_store_works(struct mailer *m)
{
	if (!m->failing)
		return;
	m->failing = false;
	log_info("deliveries can be read and recorded again");
}

/* ---- a job ---- */

static void job_free(struct job **jp)
{
	struct job *j = STEAL(*jp);

	if (!j)
		return;
	arena_free(&j->arena);
	fiber_unref(&j->fiber);
	free(j);
}

static void job_main(void *arg)
{
	struct job *j = arg;
	struct mailer *m = j->mailer;

	delivery_attempt(m, j->event_id);
	list_remove(&j->node);
	m->n_jobs--;
	metric_set(m->sending, (double)m->n_jobs);
	job_free(&j);
	mailer_kick(m);
}

static int job_start(struct mailer *m, struct str event_id, struct str recipient)
{
	struct job *j CLEANUP(job_free) = calloc(1, sizeof(*j));
	int r = j ? arena_new(JOB_ARENA_MAX, &j->arena) : -ENOMEM;

	if (r == 0)
		r = arena_copy(j->arena, event_id, &j->event_id);
	if (r == 0)
		r = arena_copy(j->arena, recipient, &j->recipient);
	if (r == 0)
		r = fiber_spawn("delivery", job_main, j, &j->fiber);
	if (r < 0)
		return r;
	j->mailer = m;
	list_push_back(&m->jobs, &j->node);
	m->n_jobs++;
	metric_set(m->sending, (double)m->n_jobs);
	j = NULL;
	return 0;
}

/* ---- the loop ---- */

static bool is_in_work(const struct mailer *m, struct str event_id, struct str recipient)
{
	for (const struct list *node = m->jobs.next; node != &m->jobs; node = node->next) {
		const struct job *j = LIST_ENTRY(node, struct job, node);

		if (str_equal(j->event_id, event_id) || str_equal(j->recipient, recipient))
			return true;
	}
	return false;
}

/* Yields. Those in work are still pending, and must not hide the others. */
static int start_due(struct mailer *m, struct arena *a)
{
	size_t at_once = m->state->sink->at_once;
	struct store_rows due;
	int r = store_read(m->state->store, sql_deliveries_due,
	                   STORE_ARGS(STORE_I(clock_real_ms()), STORE_I(2 * at_once + m->n_jobs)), a, &due);

	for (size_t i = 0; r == 0 && i < due.n && m->n_jobs < at_once; i++)
		if (!is_in_work(m, store_text(&due, i, 0), store_text(&due, i, 1)))
			r = job_start(m, store_text(&due, i, 0), store_text(&due, i, 1));
	return r;
}

static bool is_shared(const struct mailer *m)
{
	return strcmp(store_system(m->state->store), "sqlite") != 0;
}

/* Yields. How long until the next one is due; for those that are due already and wait for their turn, the end of a job
 * is a kick. */
static int pause_find(struct mailer *m, struct arena *a, int64_t *ret_ms)
{
	int64_t now_ms = clock_real_ms();
	struct store_rows rows;
	int r = store_read(m->state->store, sql_deliveries_next, STORE_ARGS(STORE_I(now_ms)), a, &rows);

	if (r < 0)
		return r;
	*ret_ms = is_shared(m) ? POLL_SHARED_MS : POLL_MS;
	if (!store_is_null(&rows, 0, 0))
		*ret_ms = MIN(*ret_ms, store_int(&rows, 0, 0) - now_ms);
	return 0;
}

static void waiting_set(struct mailer *m, int64_t n, int64_t oldest_ms)
{
	int64_t age_ms = n > 0 ? clock_real_ms() - oldest_ms : 0;

	metric_set(m->waiting, (double)n);
	metric_set(m->oldest, (double)MAX(age_ms, (int64_t)0) / 1000);
}

/* Yields. Now and then: it reads all of them. */
static int waiting_count(struct mailer *m, struct arena *a)
{
	struct store_rows rows;
	int r;

	if (clock_mono_ms() < m->count_at_ms)
		return 0;
	r = store_read(m->state->store, sql_deliveries_waiting, NULL, 0, a, &rows);
	if (r < 0)
		return r;
	waiting_set(m, store_int(&rows, 0, 0), store_is_null(&rows, 0, 1) ? 0 : store_int(&rows, 0, 1));
	m->count_at_ms = clock_deadline_in(COUNT_EVERY_MS);
	return 0;
}

/* Yields. */
static int look(struct mailer *m, int64_t *ret_pause_ms)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	int r = arena_new(ARENA_SIZE_MAX, &a);

	*ret_pause_ms = LEASE_MS / 3;
	if (r == 0)
		r = store_lease_hold(&m->lease, m->state->store, a);
	if (r == 0)
		waiting_set(m, 0, 0); /* whoever sends them shows them */
	if (r <= 0)
		return r;
	r = waiting_count(m, a);
	if (r < 0)
		return r;
	if (m->n_jobs >= m->state->sink->at_once)
		return 0; /* the end of a job is a kick */
	r = start_due(m, a);
	return r < 0 ? r : pause_find(m, a, ret_pause_ms);
}

/* Yields until kicked or the pause is over. */
static void wait(struct mailer *m, int64_t ms)
{
	if (m->kick || m->stopping)
		return;
	fiber_deadline_set(clock_deadline_in(ms));
	(void)!fiber_queue_wait(&m->kicked);
	fiber_deadline_set(DEADLINE_NONE);
}

static void jobs_end(struct mailer *m)
{
	fiber_deadline_set(clock_deadline_in(STOP_GRACE_MS));
	while (m->n_jobs > 0) {
		if (fiber_queue_wait(&m->kicked) == 0)
			continue;
		fiber_deadline_set(DEADLINE_NONE);
		for (struct list *node = m->jobs.next; node != &m->jobs; node = node->next)
			fiber_cancel(LIST_ENTRY(node, struct job, node)->fiber);
	}
	fiber_deadline_set(DEADLINE_NONE);
}

static void mailer_main(void *arg)
{
	struct mailer *m = arg;
	int64_t pause_ms;
	int r;

	while (!m->stopping) {
		m->kick = false;
		r = look(m, &pause_ms);
		if (r < 0) {
			mailer_store_failed(m, r);
			(void)fiber_sleep_ms(STORE_AWAY_MS);
			continue;
		}
		mailer_store_works(m);
		wait(m, pause_ms);
	}
	jobs_end(m);
	store_lease_drop(&m->lease, m->state->store);
}

/* ---- its life ---- */

static struct metric_cell *gauge(const char *name, const char *help)
{
	return metric_cell(metric_new(METRIC_GAUGE, name, help, NULL, NULL, 0), NULL);
}

static void metrics_declare(struct mailer *m)
{
	static const char *const labels[] = { "result", NULL };
	struct metric *mails =
	        metric_new(METRIC_COUNTER, "cinesync_mails_total", "Mails by what came of them.", labels, NULL, 0);

	m->sent = metric_cell(mails, (const char *const[]){ "sent" });
	m->retried = metric_cell(mails, (const char *const[]){ "retried" });
	m->refused = metric_cell(mails, (const char *const[]){ "refused" });
	m->sending = gauge("cinesync_mails_sending", "Mails being sent.");
	m->waiting = gauge("cinesync_mails_pending", "Mails not sent yet, as of the last look.");
	m->oldest = gauge("cinesync_mails_oldest_age_seconds", "Age of the oldest mail not sent yet.");
}

int mailer_start(struct notification_state *state, struct mailer **ret)
{
	struct mailer *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->magic = MAILER_MAGIC;
	m->state = state;
	fiber_queue_init(&m->kicked);
	list_init(&m->jobs);
	store_lease_init(&m->lease, "mailer", LEASE_MS, is_shared(m));
	metrics_declare(m);
	r = fiber_spawn("mailer", mailer_main, m, &m->fiber);
	if (r < 0) {
		free(m);
		return r;
	}
	*ret = m;
	return 0;
}

void mailer_kick(struct mailer *m)
{
	assert(m->magic == MAILER_MAGIC);
	m->kick = true;
	(void)fiber_queue_wake_one(&m->kicked, 0);
}

void mailer_stop(struct mailer **mp)
{
	struct mailer *m = *mp;

	if (!m)
		return;
	assert(m->magic == MAILER_MAGIC);
	m->stopping = true;
	mailer_kick(m);
	fiber_shield();
	(void)!fiber_join(m->fiber);
	fiber_unshield();
	fiber_unref(&m->fiber);
	m->magic = 0;
	free(m);
	*mp = NULL;
}
