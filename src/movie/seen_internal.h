/* The state of an index of films seen, which seen.c and seen_search.c share. */
#ifndef CINESYNC_MOVIE_SEEN_INTERNAL_H
#define CINESYNC_MOVIE_SEEN_INTERNAL_H

#include "fiber/fiber.h"
#include "movie/seen.h"

#define SEEN_MAGIC 0x5ee2f113u
#define SEEN_RECENT 4096

/* A film queued lately: the same within a day needs no writing. */
struct seen_recent {
	int64_t id; /* 0: free */
	uint64_t hash;
	int64_t at_ms;
};

struct seen {
	unsigned magic;
	bool stopping;
	struct seen_options options;
	struct fiber *fiber;
	struct fiber_queue wanted; /* where the fiber waits */
	struct list queue;         /* struct entry */
	size_t queue_bytes;
	struct buf item; /* scratch */
	struct seen_stats stats;
	int64_t logged_at_ms; /* mono */
	uint64_t failed_unlogged;
	struct seen_recent recent[SEEN_RECENT]; /* by id, a newer one takes the place */
};

/* Seen before this, a film is as good as not there. */
int64_t seen_since_ms(const struct seen *s);

#endif
