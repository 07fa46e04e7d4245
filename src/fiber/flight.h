/* Single flight: of all fibers that want the same key at the same time one does the work, the others share its outcome.
 */
#ifndef CINESYNC_FIBER_FLIGHT_H
#define CINESYNC_FIBER_FLIGHT_H

#include "fiber/fiber.h"

struct flight_group;

/* What a flight brings back, counted: each caller gets its own reference. */
struct flight_ops {
	void *(*ref)(void *result);
	void (*unref)(void *result);
};

/* flights_max: keys in flight at once. ops must outlive the group. */
int flight_group_new(size_t flights_max, const struct flight_ops *ops, struct flight_group **ret) MUST_CHECK;
/* No flight may be under way. */
void flight_group_free(struct flight_group **g);

/* Yields. The first caller of a key starts work(arg, &result) on a fiber of its own, with a deadline of its own work_ms
 * away and a copy of the first caller's context_current, so that one caller's short deadline or cancellation fails
 * neither the work nor the others. Every caller waits under its own deadline and gets a reference to the result, or the
 * work's error. `arg` is passed to arg_free(arg) (may be NULL) when the work has ended or was not needed, on every
 * path. A result may be NULL; it then is not counted. If all callers leave early the work goes on, and its result is
 * dropped. *ret_shared (may be NULL) says whether somebody else's flight was joined. -EBUSY: flights_max; -EAGAIN,
 * -ENOMEM; -ETIMEDOUT, -ECANCELED; or what work returned. */
int flight_do(struct flight_group *g, struct str key, int64_t work_ms, int (*work)(void *arg, void **ret_result),
              void *arg, void (*arg_free)(void *arg), void **ret_result, bool *ret_shared) MUST_CHECK;

size_t flight_count(const struct flight_group *g);

#endif
