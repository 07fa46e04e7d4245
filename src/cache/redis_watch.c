/* Who changed what: Redis' client-side caching in RESP2. A connection of its own subscribes to the channel of
 * invalidations, and the connection of data is told to send them there: for each key of the prefix, whether it was read
 * or not (BCAST), but not for what that connection itself writes (NOLOOP). Redis says nothing when the receiver dies,
 * so the receiver is pinged; whenever either connection is new, tracking is switched off and on again. Runs on the
 * keeper of the second connection. */
#include "cache/redis_inside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { WATCH_TIMEOUT_MS = 1000 };

#define CHANNEL STR("__redis__:invalidate")

static const char *watch_answered(void *arg, int kind, const redisReply *reply)
{
	(void)arg;
	(void)kind;
	return reply ? redis_reply_judge(reply) : NULL;
}

static void watch_pushed(void *arg, const redisReply *message)
{
	struct redis *r = ((struct redis_keeper *)arg)->redis;
	const redisReply *keys = message->element[2];

	if (!redis_reply_is(message->element[1], REDIS_REPLY_STRING, CHANNEL))
		return;
	if (keys->type == REDIS_REPLY_NIL)
		r->options.changed(STR_NULL, r->options.arg);
	if (keys->type != REDIS_REPLY_ARRAY)
		return;
	for (size_t i = 0; i < keys->elements; i++) {
		const redisReply *key = keys->element[i];

		if (key->type == REDIS_REPLY_STRING)
			r->options.changed((struct str){ key->str, key->len }, r->options.arg);
	}
}

static const struct redis_link_ops watch_ops = {
	.answered = watch_answered,
	.pushed = watch_pushed,
	.lost = redis_keeper_lost,
	.closed = redis_keeper_closed,
};

static int watch_prepare(struct redis_keeper *k)
{
	const struct str id[] = { STR("CLIENT"), STR("ID") };
	const struct str subscribe[] = { STR("SUBSCRIBE"), CHANNEL };
	redisReply *reply CLEANUP(redis_reply_free) = NULL;
	int rc = redis_command(k, id, ARRAY_SIZE(id), &reply);

	if (rc < 0)
		return rc;
	if (reply->type != REDIS_REPLY_INTEGER)
		return -EPROTO;
	k->redis->watch_id = reply->integer;
	return redis_command(k, subscribe, ARRAY_SIZE(subscribe), NULL);
}

/* Has the connection of data tell this one. */
static void watch_tend(struct redis_keeper *k)
{
	struct redis *r = k->redis;
	const struct str off[] = { STR("CLIENT"), STR("TRACKING"), STR("OFF") };
	uint64_t connects = r->stats.connects;
	char id[24];

	if (!r->up.is || r->watching.is)
		return;
	snprintf(id, sizeof(id), "%" PRId64, r->watch_id);
	if (redis_command(&r->data, off, ARRAY_SIZE(off), NULL) < 0 || !r->up.is)
		return;
	if (redis_command(&r->data,
	                  (struct str[]){ STR("CLIENT"), STR("TRACKING"), STR("ON"), STR("REDIRECT"), str_from(id),
	                                  STR("BCAST"), STR("PREFIX"), str_from(r->prefix), STR("NOLOOP") },
	                  9, NULL) < 0)
		return;
	/* Either connection may have gone, and the other come again, since the answer was read. */
	if (r->up.is && r->stats.connects == connects && redis_link_is_open(k->link))
		redis_fact_set(r, &r->watching, true);
}

void redis_watch_init(struct redis *r)
{
	r->watch = (struct redis_keeper){
		.redis = r,
		.timeout_ms = WATCH_TIMEOUT_MS,
		.ops = &watch_ops,
		.prepare = watch_prepare,
		.tend = watch_tend,
	};
}

void redis_watch_start(struct redis *r)
{
	if (r->prefix && !r->watch.fiber && !r->is_ending)
		(void)!fiber_spawn("redis-watch", redis_keeper_run, &r->watch, &r->watch.fiber);
}
