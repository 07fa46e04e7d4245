/* How long to wait before trying again. */
#ifndef CINESYNC_EVENT_BACKOFF_H
#define CINESYNC_EVENT_BACKOFF_H

#include <stdint.h>

/* Exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter", 2015): uniform between min_ms and
 * min_ms * 2^attempts, that being at most max_ms. attempts: failures so far, >= 1; 0 < min_ms <= max_ms. */
int64_t backoff_ms(int64_t attempts, int64_t min_ms, int64_t max_ms);

#endif
