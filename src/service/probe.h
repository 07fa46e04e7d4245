/* The built-in health probe: `cinesync-movie --health [URL...] [--wait MS] [--while PID...]`, for start scripts and
 * container health checks. */
#ifndef CINESYNC_SERVICE_PROBE_H
#define CINESYNC_SERVICE_PROBE_H

#include "base/macro.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROBE_ITEMS_MAX = 8 };

struct probe {
	const char *urls[PROBE_ITEMS_MAX];
	size_t n_urls;
	pid_t whiles[PROBE_ITEMS_MAX]; /* processes, all of which have to live on */
	size_t n_whiles;
	int64_t wait_ms; /* for all together */
};

/* GETs each URL in turn until it answers 200, and prints the last body of each; to the first that does not, within
 * wait_ms (each is asked once at least) or before one of the processes ends. Where the kernel lets nobody watch a
 * process (pidfd_open(2)), time alone ends the wait. Blocks. 0: all have answered 200; 1: not; 64: not a URL. */
int probe_run(const struct probe *p);
/* The /readyz URL of a service that listens there ("0.0.0.0:8081" is asked on loopback). 0, -EINVAL. */
int probe_url(const char *listen, char *ret, size_t size) MUST_CHECK;

#endif
