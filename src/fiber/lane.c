/* Threads for work off the loop. A call stands on its fiber's stack, which is why the fiber never leaves before its
 * call is out of the line: at once when it was still in it, else when the work has ended. The mutex guards the
 * line and `stopping`; what has ended is told to the loop through an inbox, which holds it only while there are calls.
 */
#include "fiber/lane.h"

#include "base/list.h"
#include "fiber/inbox.h"
#include "fiber/runtime.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LANE_MAGIC UINT32_C(0x1a9e1a9e)

enum {
	INTERRUPT_EVERY_MS = 20,
	BACKGROUND_NICENESS = 10, /* a tenth of what one of niceness 0 gets: on a full machine it still ends */
	GIVE_WAY_EVERY_NS = 500 * 1000,
	MEAN_WEIGHT = 8, /* a call changes the mean by an eighth of the difference */
};

struct lane {
	uint32_t magic;
	bool is_background;
	struct inbox *ended; /* struct lane_call */
	size_t calls;        /* under way; of the loop's thread */
	size_t calls_max;
	int64_t mean_us;         /* of a call's work; 0: none has ended yet */
	struct lane_stats stats; /* of the loop's thread; waiting and running are not kept in it */
	pthread_mutex_t mutex;
	pthread_cond_t more;
	struct list waiting; /* struct lane_call */
	size_t n_waiting;
	bool stopping;
	size_t n_threads;
	pthread_t threads[];
};

struct lane_call {
	struct list node;
	const struct offload *job;
	struct fiber *fiber;
	int result;
	int64_t entered_us; /* mono */
	int64_t waited_us;
	int64_t took_us;
	bool is_taken; /* by a thread; under the mutex */
	bool is_done;  /* of the loop's thread */
};

/* A background thread's timer. */
struct way {
	bool is_set;
	timer_t timer;
};

/* ---- on a thread ---- */

/* Giving way. Niceness alone is a share of the time, and it is paid out in whole ticks: a background thread that has
 * its turn keeps it for up to 4 ms (a kernel of 250 Hz) while the loop stands ready. So a timer asks it every half
 * millisecond whether anybody waits for its processor; with nobody waiting sched_yield() comes back at once. The signal
 * is the one Go's runtime interrupts its threads by: ignored where it was not asked for, passed by debuggers. All of it
 * failing, the thread only competes more. */
static void on_give_way(int signal)
{
	int saved = errno;

	(void)signal;
	sched_yield();
	errno = saved;
}

static void give_way_init(struct way *w)
{
	struct sigaction action = { .sa_handler = on_give_way, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG };

	/* On Linux niceness is a thread's own. Never less of it than the process was started with. */
	if (getpriority(PRIO_PROCESS, (id_t)gettid()) < BACKGROUND_NICENESS)
		(void)!setpriority(PRIO_PROCESS, (id_t)gettid(), BACKGROUND_NICENESS);
	event._sigev_un._tid = gettid(); /* timer_create(2) calls it sigev_notify_thread_id; glibc has no name for it */
	w->is_set = sigaction(SIGURG, &action, NULL) == 0 && timer_create(CLOCK_MONOTONIC, &event, &w->timer) == 0;
}

static void give_way_every(const struct way *w, long ns)
{
	const struct itimerspec every = { .it_interval.tv_nsec = ns, .it_value.tv_nsec = ns };

	if (w->is_set)
		timer_settime(w->timer, 0, &every, NULL);
}

static void give_way_done(struct way *w)
{
	if (w->is_set)
		timer_delete(w->timer);
}

static struct lane_call *call_take(struct lane *l)
{
	struct list *node;
	struct lane_call *call = NULL;

	pthread_mutex_lock(&l->mutex);
	while (list_empty(&l->waiting) && !l->stopping)
		pthread_cond_wait(&l->more, &l->mutex);
	node = list_pop_front(&l->waiting);
	if (node) {
		call = LIST_ENTRY(node, struct lane_call, node);
		call->is_taken = true;
		l->n_waiting--;
	}
	pthread_mutex_unlock(&l->mutex);
	return call;
}

static void *thread_main(void *arg)
{
	struct lane *l = arg;
	struct lane_call *call;
	struct way way = { 0 };
	int64_t begin_us;

	if (l->is_background)
		give_way_init(&way);
	while ((call = call_take(l))) {
		begin_us = clock_mono_us();
		call->waited_us = begin_us - call->entered_us;
		give_way_every(&way, GIVE_WAY_EVERY_NS);
		call->result = call->job->work(call->job->arg);
		give_way_every(&way, 0);
		call->took_us = clock_mono_us() - begin_us;
		inbox_post(l->ended, &call->node);
	}
	give_way_done(&way);
	return NULL;
}

/* ---- on the loop ---- */

static void on_ended(struct list *node, void *arg)
{
	struct lane_call *call = LIST_ENTRY(node, struct lane_call, node);
	struct lane *l = arg;

	call->is_done = true;
	l->stats.ended++;
	l->stats.wait_us += call->waited_us;
	l->stats.work_us += call->took_us;
	l->mean_us += l->mean_us > 0 ? (call->took_us - l->mean_us) / MEAN_WEIGHT : call->took_us;
	fiber_wake(call->fiber, 0);
}

static void call_enter(struct lane *l, struct lane_call *call)
{
	if (l->calls++ == 0)
		inbox_hold(l->ended);
	pthread_mutex_lock(&l->mutex);
	list_push_back(&l->waiting, &call->node);
	l->n_waiting++;
	pthread_mutex_unlock(&l->mutex);
	pthread_cond_signal(&l->more);
}

static void call_leave(struct lane *l)
{
	if (--l->calls == 0)
		inbox_let_go(l->ended);
}

/* Out of the line, if no thread has taken it yet. */
static bool call_withdraw(struct lane *l, struct lane_call *call)
{
	bool is_withdrawn;

	pthread_mutex_lock(&l->mutex);
	is_withdrawn = !call->is_taken;
	if (is_withdrawn) {
		list_remove(&call->node);
		l->n_waiting--;
	}
	pthread_mutex_unlock(&l->mutex);
	return is_withdrawn;
}

/* Interrupts more than once: what the work has not begun yet, it cannot be interrupted in. */
static void call_hurry(struct lane_call *call)
{
	const struct offload *job = call->job;

	fiber_shield();
	while (!call->is_done) {
		if (job->interrupt)
			job->interrupt(job->arg);
		(void)fiber_pause(job->interrupt ? clock_deadline_in(INTERRUPT_EVERY_MS) : DEADLINE_NONE, 0);
	}
	fiber_unshield();
}

static int refuse(struct lane *l)
{
	l->stats.refused++;
	return -EBUSY;
}

int lane_run(struct lane *l, const struct offload *job)
{
	struct lane_call call = { .job = job, .fiber = fiber_self(), .entered_us = clock_mono_us() };
	int r = fiber_check();

	assert(l->magic == LANE_MAGIC);
	if (r < 0)
		return r;
	if (l->calls >= l->calls_max)
		return refuse(l);
	list_init(&call.node);
	call_enter(l, &call);
	while (r >= 0 && !call.is_done)
		r = fiber_pause(DEADLINE_NONE, 0);
	if (!call.is_done && !call_withdraw(l, &call))
		call_hurry(&call);
	call_leave(l);
	return call.is_done ? call.result : r;
}

int lane_check(struct lane *l, int64_t deadline_ms)
{
	int64_t turns = (int64_t)(l->calls / MAX(l->n_threads, (size_t)1)); /* before its own begins */
	int64_t left_ms = deadline_ms - clock_mono_ms();

	assert(l->magic == LANE_MAGIC);
	if (l->calls >= l->calls_max)
		return refuse(l);
	/* With a thread free it may try, whatever others took: else nobody would find out that they are faster again.
	 */
	return turns > 0 && (turns + 1) * l->mean_us / 1000 > left_ms ? refuse(l) : 0;
}

void lane_stats_get(struct lane *l, struct lane_stats *ret)
{
	size_t waiting;

	assert(l->magic == LANE_MAGIC);
	pthread_mutex_lock(&l->mutex);
	waiting = l->n_waiting;
	pthread_mutex_unlock(&l->mutex);
	*ret = l->stats;
	ret->threads = l->n_threads;
	ret->waiting = MIN(waiting, l->calls);
	ret->running = l->calls - ret->waiting;
}

/* ---- its life ---- */

static void lane_release(struct lane *l)
{
	inbox_free(&l->ended);
	pthread_cond_destroy(&l->more);
	pthread_mutex_destroy(&l->mutex);
	free(l);
}

static int threads_start(struct lane *l, const struct lane_options *options)
{
	int r = 0;

	while (r == 0 && l->n_threads < options->threads) {
		r = -pthread_create(&l->threads[l->n_threads], NULL, thread_main, l);
		if (r == 0)
			pthread_setname_np(l->threads[l->n_threads++], options->name);
	}
	return r;
}

int lane_new(const struct lane_options *options, struct lane **ret)
{
	size_t n = options->threads;
	struct lane *l;
	int r;

	assert(n >= 1 && n <= LANE_THREADS_MAX);
	l = calloc(1, sizeof(*l) + n * sizeof(l->threads[0]));
	if (!l)
		return -ENOMEM;
	l->magic = LANE_MAGIC;
	l->is_background = options->is_background;
	l->calls_max = options->waiting_max > SIZE_MAX - n ? SIZE_MAX : n + options->waiting_max;
	list_init(&l->waiting);
	pthread_mutex_init(&l->mutex, NULL);
	pthread_cond_init(&l->more, NULL);
	r = inbox_new(on_ended, l, &l->ended);
	if (r < 0) {
		lane_release(l);
		return r;
	}
	r = threads_start(l, options);
	if (r < 0)
		lane_free(&l);
	else
		*ret = l;
	return r;
}

void lane_free(struct lane **l)
{
	struct lane *lane = *l;

	*l = NULL;
	if (!lane)
		return;
	assert(lane->magic == LANE_MAGIC && lane->calls == 0);
	pthread_mutex_lock(&lane->mutex);
	lane->stopping = true;
	pthread_mutex_unlock(&lane->mutex);
	pthread_cond_broadcast(&lane->more);
	for (size_t i = 0; i < lane->n_threads; i++)
		pthread_join(lane->threads[i], NULL);
	lane->magic = 0;
	lane_release(lane);
}
