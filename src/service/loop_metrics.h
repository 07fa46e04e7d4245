/* What a process' loop, its fibers and its lanes of threads are counted by. On the loop's thread; nothing here yields.
 */
#ifndef CINESYNC_SERVICE_LOOP_METRICS_H
#define CINESYNC_SERVICE_LOOP_METRICS_H

#include <stdint.h>
#include <uv.h>

struct lane;

/* Measures how late the loop is, LOOP_LAG_EVERY_MS after the last time. The caller's; lives as long as the loop. */
struct loop_lag {
	uv_timer_t timer;
	int64_t due_us; /* mono */
	struct metric_cell *seconds;
};

#define LOOP_LAG_EVERY_MS 200

/* Declares the metrics of loop, fibers and the common lane, and begins to measure. The runtime's fibers must be there.
 */
void loop_metrics_begin(uv_loop_t *loop, struct loop_lag *lag);
/* Closes its handle: run the loop once more afterwards. */
void loop_metrics_end(struct loop_lag *lag);

/* Declares the metrics of a lane under a name, static text. l: NULL is the common one; another must outlive
 * metrics_freeze(), or lane_metrics_end(). */
void lane_metrics_begin(const char *name, struct lane *l);
/* Before that lane is freed: its metrics show what they show now. */
void lane_metrics_end(const char *name, struct lane *l);

#endif
