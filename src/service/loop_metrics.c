/* How late the loop is, how many fibers there are, how long calls stand in line for a thread.
 *
 * The lag is that of a timer: a handler or a callback that holds the loop delays everything else as much as it delays
 * this. Five of them a second cost nothing, where measuring every turn of the loop would cost every request. libuv
 * counts in milliseconds, so one of them is no lag. */
#include "service/loop_metrics.h"

#include "base/clock.h"
#include "fiber/fiber.h"
#include "fiber/lane.h"
#include "telemetry/metrics.h"

/* ---- the loop ---- */

static void lag_arm(struct loop_lag *lag);

static void on_lag(uv_timer_t *timer)
{
	struct loop_lag *lag = timer->data;
	int64_t late_us = clock_mono_us() - lag->due_us;

	metric_observe(lag->seconds, (double)MAX(late_us, (int64_t)0) / 1e6);
	lag_arm(lag);
}

/* uv_timer_start() counts from the loop's cached time, which may be long past. */
static void lag_arm(struct loop_lag *lag)
{
	uv_update_time(lag->timer.loop);
	lag->due_us = clock_mono_us() + LOOP_LAG_EVERY_MS * INT64_C(1000);
	uv_timer_start(&lag->timer, on_lag, LOOP_LAG_EVERY_MS, 0);
}

static void lag_begin(uv_loop_t *loop, struct loop_lag *lag)
{
	static const double buckets[] = { 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5 };

	lag->seconds = metric_cell(metric_new(METRIC_HISTOGRAM, "cinesync_loop_lag_seconds",
	                                      "How late the event loop came to what was due, looked at five times a "
	                                      "second.",
	                                      NULL, buckets, ARRAY_SIZE(buckets)),
	                           NULL);
	uv_timer_init(loop, &lag->timer);
	lag->timer.data = lag;
	lag_arm(lag);
	uv_unref((uv_handle_t *)&lag->timer);
}

/* ---- fibers ---- */

static double fibers_alive(void *arg UNUSED)
{
	struct fiber_stats stats;

	fiber_stats_get(&stats);
	return (double)stats.alive;
}

static double fibers_started(void *arg UNUSED)
{
	struct fiber_stats stats;

	fiber_stats_get(&stats);
	return (double)stats.started;
}

static double stack_high_water(void *arg UNUSED)
{
	struct fiber_stats stats;

	fiber_stats_get(&stats);
	return (double)stats.stack_high_water;
}

static double slow_slices(void *arg UNUSED)
{
	struct fiber_stats stats;

	fiber_stats_get(&stats);
	return (double)stats.slow_slices;
}

/* ---- lanes ---- */

static struct lane_stats stats_of(void *lane)
{
	struct lane_stats stats;

	if (lane)
		lane_stats_get(lane, &stats);
	else
		offload_stats_get(&stats);
	return stats;
}

static double lane_threads(void *lane)
{
	return (double)stats_of(lane).threads;
}

static double lane_waiting(void *lane)
{
	return (double)stats_of(lane).waiting;
}

static double lane_running(void *lane)
{
	return (double)stats_of(lane).running;
}

static double lane_ended(void *lane)
{
	return (double)stats_of(lane).ended;
}

static double lane_refused(void *lane)
{
	return (double)stats_of(lane).refused;
}

static double lane_wait(void *lane)
{
	return (double)stats_of(lane).wait_us / 1e6;
}

static double lane_work(void *lane)
{
	return (double)stats_of(lane).work_us / 1e6;
}

static const struct {
	const char *name;
	const char *help;
	enum metric_type type;
	double (*value)(void *lane);
} lane_readings[] = {
	{ "cinesync_lane_threads", "Threads of a lane, for work that would hold the loop.", METRIC_GAUGE,
	  lane_threads },
	{ "cinesync_lane_waiting", "Calls in line for a thread of the lane.", METRIC_GAUGE, lane_waiting },
	{ "cinesync_lane_running", "Calls that have a thread of the lane.", METRIC_GAUGE, lane_running },
	{ "cinesync_lane_calls_total", "Calls of the lane that have ended.", METRIC_COUNTER, lane_ended },
	{ "cinesync_lane_refused_total", "Calls for which the lane's line was full, or too long for their deadline.",
	  METRIC_COUNTER, lane_refused },
	{ "cinesync_lane_wait_seconds_total", "Time that the lane's ended calls stood in line.", METRIC_COUNTER,
	  lane_wait },
	{ "cinesync_lane_work_seconds_total", "Time that the lane's ended calls had a thread.", METRIC_COUNTER,
	  lane_work },
};

static struct metric_cell *lane_cell(size_t reading, const char *name)
{
	static const char *const labels[] = { "lane", NULL };

	return metric_cell(metric_new(lane_readings[reading].type, lane_readings[reading].name,
	                              lane_readings[reading].help, labels, NULL, 0),
	                   &name);
}

void lane_metrics_begin(const char *name, struct lane *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(lane_readings); i++)
		metric_cell_callback(lane_cell(i, name), lane_readings[i].value, l);
}

void lane_metrics_end(const char *name, struct lane *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(lane_readings); i++)
		metric_cell_callback_end(lane_cell(i, name), l);
}

/* ---- all of it ---- */

void loop_metrics_begin(uv_loop_t *loop, struct loop_lag *lag)
{
	lag_begin(loop, lag);
	metric_callback("cinesync_loop_slow_slices_total", "Slices that held the loop for more than 20 ms.",
	                METRIC_COUNTER, slow_slices, NULL);
	metric_callback("cinesync_fibers", "Fibers alive.", METRIC_GAUGE, fibers_alive, NULL);
	metric_callback("cinesync_fibers_started_total", "Fibers that were started.", METRIC_COUNTER, fibers_started,
	                NULL);
	metric_callback("cinesync_fiber_stack_high_water_bytes", "Deepest stack of a finished fiber.", METRIC_GAUGE,
	                stack_high_water, NULL);
	lane_metrics_begin("offload", NULL);
}

void loop_metrics_end(struct loop_lag *lag)
{
	uv_close((uv_handle_t *)&lag->timer, NULL);
}
