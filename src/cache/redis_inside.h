/* What the files about Redis share. Not for other rooms, nor for the other files of this one. */
#ifndef CINESYNC_CACHE_REDIS_INSIDE_H
#define CINESYNC_CACHE_REDIS_INSIDE_H

#include "base/clock.h"
#include "cache/redis.h"
#include "cache/redis_link.h"
#include "cache/redis_url.h"
#include "fiber/fiber.h"

#include <uv.h>

enum redis_kind {
	REDIS_OWN,
	REDIS_GET,
	REDIS_SET,
	REDIS_DELETE,
	REDIS_LEASE,
	REDIS_LEASE_END,
	REDIS_ASK,
	REDIS_SCRIPT
};

/* One of the two connections and the fiber that keeps it up. */
struct redis_keeper {
	struct redis *redis;
	struct fiber *fiber;
	struct redis_link *link; /* the fiber's own; NULL between two tries */
	bool is_idle;            /* in a wait that redis_keeper_poke() may end */
	int64_t timeout_ms;      /* of a command, once it works */
	const struct redis_link_ops *ops;
	/* Yields. After the handshake; 0, or a negative errno: no use. NULL: nothing is left to do. */
	int (*prepare)(struct redis_keeper *k);
	/* Yields. While it works: at the start, about each second, and when poked. NULL: nothing is to do. */
	void (*tend)(struct redis_keeper *k);
	void (*up)(struct redis *r); /* it works. NULL: nobody is to know */
};

/* Something that is so or not, and whether the owner was told. */
struct redis_fact {
	bool is;
	bool was_told;
	bool has_ended; /* since then, be it for a moment */
};

struct redis {
	uint32_t magic;
	struct uv_loop_s *loop;
	struct redis_url url;
	struct redis_options options; /* its texts are NULL: url and prefix are their copies */
	char *prefix;                 /* owned */
	struct redis_keeper data;
	struct redis_keeper watch;
	int64_t watch_id; /* of the connection of `watch`, as Redis counts */
	struct redis_fact up;
	struct redis_fact watching;
	uv_async_t teller; /* tells the owner, from the loop */
	unsigned n_open;   /* links and handles that are not closed */
	bool is_ending;
	struct fiber_queue end;
	struct redis_stats stats; /* is_up and is_watching are filled in when asked for */
};

/* redis.c */
/* Remembers "what: why" as the last error. */
void redis_note(struct redis *r, const char *what, struct str why);
void redis_fact_set(struct redis *r, struct redis_fact *fact, bool is);
/* Yields. Sends a command of that kind and waits: 0; -EAGAIN, -ETIMEDOUT, -ECANCELED. The reply may be an error. */
int redis_call(struct redis *r, enum redis_kind kind, const struct str *argv, size_t n, redisReply **ret) MUST_CHECK;
/* Why a link is of no use after that answer, whatever was asked; NULL: it is. */
const char *redis_reply_judge(const redisReply *reply);
/* The links' lost() and closed(). */
void redis_keeper_lost(void *keeper, const char *why);
void redis_keeper_closed(void *keeper);

/* redis_connect.c */
/* Yields. Looks the name up, connects, says who we are, and has a PING answered in time: k->link. A negative errno when
 * it came to nothing, and then a link may be left to be freed. */
int redis_connect(struct redis_keeper *k) MUST_CHECK;
/* Yields. Asks something that is to be answered with anything but an error. 0; -EACCES: an error, noted; or as
 * redis_link_ask(). */
int redis_command(struct redis_keeper *k, const struct str *argv, size_t n, redisReply **ret) MUST_CHECK;
/* Yields. Fails the link unless a PING is answered. */
int redis_ping(struct redis_keeper *k) MUST_CHECK;

/* redis_keeper.c */
/* Its fiber's function: connects and connects again until redis->is_ending. */
void redis_keeper_run(void *keeper);
/* Has it look after its connection now. */
void redis_keeper_poke(struct redis_keeper *k);

/* redis_watch.c */
void redis_watch_init(struct redis *r);
/* Starts its keeper, if that was not done and there is something to watch. From a fiber. */
void redis_watch_start(struct redis *r);

#endif
