/* The gateway's metrics, in memory that its workers share: each adds to the same numbers, so that nothing has to be
 * summed up, and none is lost when a worker ends, dies or is replaced by a reload.
 *
 * Numbers are atomic. A cell, which is one route, method and status, is made under a lock of the caller's, and is there
 * for everybody once it is whole; so a worker that is killed leaves at worst a cell that is made again. */
#ifndef CINESYNC_GATEWAY_COUNTERS_H
#define CINESYNC_GATEWAY_COUNTERS_H

#include "base/buf.h"
#include "gateway/routes.h"

#define COUNTERS_CELLS_MAX 1024 /* what is over that is counted as route "other" */
#define COUNTERS_KINDS_MAX 8    /* of one thing that is counted by its kinds */
#define COUNTERS_TEXT_SIZE_MAX (8 * 1024 * 1024)

/* What is counted by its kinds, which the caller numbers and names. */
enum counted {
	COUNTED_AUTH,  /* results of the check of tokens */
	COUNTED_LIMIT, /* limits that refused */
	COUNTED_CACHE, /* states of the cache */
	COUNTEDS,
};

/* NULL: it is no kind, and is not shown. */
struct counters_names {
	const char *of[COUNTEDS][COUNTERS_KINDS_MAX];
};

struct counters;
struct counters_cell;

struct counters_key {
	const char *route; /* "none": nobody named the path */
	enum route_method method;
	unsigned status;
};

size_t counters_size(void);
/* Once, of counters_size() bytes. */
void counters_init(struct counters *c);

/* NULL: it is not there yet. */
struct counters_cell *counters_find(struct counters *c, const struct counters_key *key);
/* The same, made when it is not there. One caller at a time. */
struct counters_cell *counters_make(struct counters *c, const struct counters_key *key);

/* From the first byte to the last. */
void counters_duration(struct counters_cell *cell, int64_t us);
/* Of that, in the upstream. */
void counters_upstream(struct counters_cell *cell, int64_t us);
void counters_kind(struct counters *c, enum counted what, unsigned kind);

/* Everything in Prometheus' text exposition format 0.0.4. */
void counters_write(struct counters *c, const struct counters_names *names, struct buf *out);

#endif
