/* The logs of a running process: how much each module tells, by SIGUSR1 and by GET and PUT /internal/log-level, which
 * the gateway never routes; and what was left out is told in time. On the loop's thread. */
#ifndef CINESYNC_SERVICE_LOG_CONTROL_H
#define CINESYNC_SERVICE_LOG_CONTROL_H

#include "http/server.h"

#include <uv.h>

/* Ended by path NULL. */
extern const struct route log_control_routes[];

/* The caller's; lives as long as the loop. */
struct log_control {
	uv_signal_t usr1;
	uv_timer_t tell;
};

/* From now on SIGUSR1 turns debug lines of every module on, and off again. */
void log_control_begin(uv_loop_t *loop, struct log_control *c);
/* Closes its handles: run the loop once more afterwards. */
void log_control_end(struct log_control *c);

#endif
