/* Blocking work off the loop. The job stands on the fiber's stack, which is why the fiber never leaves before libuv has
 * given the request back: at once when it was still queued, else when the work has ended.
 * Limits: UV_THREADPOOL_SIZE threads a process; the line before them is bounded by the callers (a semaphore). */
#include "fiber/offload.h"

#include "fiber/runtime.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define INTERRUPT_EVERY_MS 20

enum offload_state { OFFLOAD_QUEUED, OFFLOAD_RUNNING, OFFLOAD_ENDED };

struct offload_call {
	uv_work_t request;
	const struct offload *job;
	struct fiber *fiber;
	_Atomic enum offload_state state;
	int result;
	bool done; /* libuv no longer uses the request */
};

static void on_work(uv_work_t *request)
{
	struct offload_call *call = request->data;

	atomic_store(&call->state, OFFLOAD_RUNNING);
	call->result = call->job->work(call->job->arg);
	atomic_store(&call->state, OFFLOAD_ENDED);
}

static void on_done(uv_work_t *request, int status)
{
	struct offload_call *call = request->data;

	(void)status;
	call->done = true;
	fiber_wake(call->fiber, 0);
}

/* Interrupts more than once: what the work has not begun yet, it cannot be interrupted in. */
static int offload_hurry(struct offload_call *call)
{
	const struct offload *job = call->job;

	while (!call->done) {
		if (job->interrupt && atomic_load(&call->state) == OFFLOAD_RUNNING)
			job->interrupt(job->arg);
		fiber_pause(job->interrupt ? clock_deadline_in(INTERRUPT_EVERY_MS) : DEADLINE_NONE, 0);
	}
	return call->result;
}

/* The wait has ended with `why` before the work has. */
static int offload_abandon(struct offload_call *call, int why)
{
	bool never_ran = uv_cancel((uv_req_t *)&call->request) == 0;
	int r;

	fiber_shield();
	r = offload_hurry(call);
	fiber_unshield();
	return never_ran ? why : r;
}

int offload_run(const struct offload *job)
{
	struct offload_call call = { .job = job, .fiber = fiber_self() };
	int r;

	r = fiber_check();
	if (r < 0)
		return r;
	call.request.data = &call;
	r = uv_queue_work(fiber_loop(), &call.request, on_work, on_done);
	if (r < 0)
		return r;
	while (r >= 0 && !call.done)
		r = fiber_pause(DEADLINE_NONE, 0);
	return call.done ? call.result : offload_abandon(&call, r);
}

void offload_threads_set(int threads)
{
	char text[16];

	assert(threads >= 1 && threads <= 1024);
	snprintf(text, sizeof(text), "%d", threads);
	setenv("UV_THREADPOOL_SIZE", text, 1);
}
