/* Inside the cache room: hiredis' reader of answers, bounded against a peer that lies. */
#ifndef CINESYNC_CACHE_REDIS_READER_H
#define CINESYNC_CACHE_REDIS_READER_H

#include "base/str.h"

#include <hiredis/hiredis.h>

struct redis_reader {
	redisReader *hiredis; /* owned */
	const redisReplyObjectFunctions *usual;
	redisReplyObjectFunctions functions; /* the usual ones, but for arrays */
	size_t n_partial;                    /* bytes read of an answer that is not complete */
};

/* -ENOMEM. It may not move afterwards. */
int redis_reader_init(struct redis_reader *d) MUST_CHECK;
/* Takes a zeroed one. */
void redis_reader_done(struct redis_reader *d);
/* -ENOMEM. */
int redis_reader_feed(struct redis_reader *d, const char *data, size_t len) MUST_CHECK;
/* 1: an answer, the caller's to free; 0: none is complete; -EPROTO: none ever will be, *ret_why says why. */
int redis_reader_take(struct redis_reader *d, redisReply **ret, const char **ret_why) MUST_CHECK;

/* For CLEANUP(). */
void redis_reply_free(redisReply **reply);
/* Of that type (a status, an error or a string) and with those bytes. */
bool redis_reply_is(const redisReply *reply, int type, struct str text);
/* ["message", channel, content]: what comes to subscribers. */
bool redis_reply_is_message(const redisReply *reply);
/* The first word of an error, "LOADING": the rest may repeat what was sent. Null: it has none. */
struct str redis_reply_error(const redisReply *reply);

#endif
