/* The built-in health probe: `cinesync-movie --health [URL] [--wait MS]`, for start scripts and container health
 * checks. */
#ifndef CINESYNC_SERVICE_PROBE_H
#define CINESYNC_SERVICE_PROBE_H

#include "base/macro.h"

#include <stdint.h>

/* GETs the URL until it answers 200 or wait_ms have passed (at least once), prints the last body. Blocks. 0: 200 came;
 * 1: not; 64: not a URL. */
int probe_run(const char *url, int64_t wait_ms);
/* The /readyz URL of a service that listens there ("0.0.0.0:8081" is asked on loopback). 0, -EINVAL. */
int probe_url(const char *listen, char *ret, size_t size) MUST_CHECK;

#endif
