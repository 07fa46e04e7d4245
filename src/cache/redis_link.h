/* Inside the cache room: one connection to a Redis that pipelines.
 *
 * Commands of one turn of the loop go out in one write, answers come back in order. hiredis writes the commands and
 * reads the answers (redisFormatCommandArgv(), redisReader). Its async API is not used: an answer nobody asked for, or
 * a message of the wrong shape, ends the process there (assert), 0.14 loses the answer to a PING while subscribed, and
 * it looks names up on the loop.
 *
 * The oldest command without an answer is timed: when it is overdue the whole link fails, so no command waits longer
 * than that, with or without a fiber behind it. A failed link never recovers: it is freed and another one is made. */
#ifndef CINESYNC_CACHE_REDIS_LINK_H
#define CINESYNC_CACHE_REDIS_LINK_H

#include "cache/redis_reader.h"

#define REDIS_ARGS_MAX 24

struct fiber;
struct redis_link;
struct sockaddr;
struct uv_loop_s;

/* None may yield or free the link. */
struct redis_link_ops {
	/* The end of each command sent, exactly once; reply NULL: the link has failed. NULL, or a static text: why the
	 * link cannot go on after this answer. */
	const char *(*answered)(void *arg, int kind, const redisReply *reply);
	/* A message to what was subscribed to: ["message", channel, content]. NULL: there can be none. */
	void (*pushed)(void *arg, const redisReply *message);
	/* It has failed, by itself or by redis_link_fail(); once. Its commands end right after. */
	void (*lost)(void *arg, const char *why);
	/* After redis_link_free(): the last handle is closed. */
	void (*closed)(void *arg);
};

/* Somebody who waits; on the fiber's stack. */
struct redis_wait {
	struct fiber *fiber;
	uint64_t number; /* of the command */
	redisReply *reply;
	bool is_done;
};

/* ops and arg must live until closed(). timeout_ms: of a command, > 0. -ENOMEM, or libuv's. */
int redis_link_new(struct uv_loop_s *loop, const struct redis_link_ops *ops, void *arg, int64_t timeout_ms,
                   struct redis_link **ret) MUST_CHECK;
/* Sends what stands in the buffer if that takes no waiting, and closes. Takes NULL, leaves NULL. */
void redis_link_free(struct redis_link **l);

/* Yields. 0; -ENOTCONN: lost, and said so; -ETIMEDOUT, -ECANCELED, or libuv's. */
int redis_link_connect(struct redis_link *l, const struct sockaddr *address) MUST_CHECK;
bool redis_link_is_open(const struct redis_link *l);
void redis_link_fail(struct redis_link *l, const char *why);
/* For the commands from now on; no command may be pending. */
void redis_link_timeout_set(struct redis_link *l, int64_t timeout_ms);
/* Whether what is sent is overwritten in memory afterwards. */
void redis_link_secret_set(struct redis_link *l, bool is_secret);

/* Puts a command in the buffer. kind: for answered(). wait: NULL, or what redis_link_wait() must be called with before
 * the fiber waits for anything else. -ENOTCONN: not open (any more); -ENOBUFS: too much is unsent; -ENOMEM. */
int redis_link_send(struct redis_link *l, int kind, const struct str *argv, size_t n,
                    struct redis_wait *wait) MUST_CHECK;
/* Yields until the answer is there, for the caller to free (freeReplyObject()). -ENOTCONN: lost; -ETIMEDOUT,
 * -ECANCELED: the fiber's; the answer will be dropped. */
int redis_link_wait(struct redis_link *l, struct redis_wait *wait, redisReply **ret) MUST_CHECK;
/* Yields. Both. */
int redis_link_ask(struct redis_link *l, int kind, const struct str *argv, size_t n, redisReply **ret) MUST_CHECK;

#endif
