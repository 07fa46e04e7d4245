/* Answers off the wire. hiredis parses; added are the bounds it does not have: it would reserve memory for any number
 * of elements that is announced, and collect one answer for ever. Pure. */
#include "cache/redis_reader.h"

#include "base/fault.h"

#include <errno.h>

/* BUFFER_KEPT_MAX: over several reads; the default, 16 KiB, has a buffer allocated anew for each. */
enum { ANSWER_MAX = 32 << 20, ELEMENTS_MAX = 1 << 16, BUFFER_KEPT_MAX = 256 << 10 };

#if HIREDIS_MAJOR >= 1
typedef size_t elements_count;
#else
typedef int elements_count;
#endif

static void *array_create(const redisReadTask *task, elements_count n)
{
	const struct redis_reader *d = task->privdata;

	return n > ELEMENTS_MAX ? NULL : d->usual->createArray(task, n);
}

int redis_reader_init(struct redis_reader *d)
{
	redisReader *hiredis = fault_hit("alloc") ? NULL : redisReaderCreate();

	if (!hiredis)
		return -ENOMEM;
	*d = (struct redis_reader){ .hiredis = hiredis, .usual = hiredis->fn, .functions = *hiredis->fn };
	d->functions.createArray = array_create;
	hiredis->fn = &d->functions;
	hiredis->privdata = d;
	hiredis->maxbuf = BUFFER_KEPT_MAX;
	return 0;
}

void redis_reader_done(struct redis_reader *d)
{
	if (d->hiredis)
		redisReaderFree(d->hiredis);
	d->hiredis = NULL;
}

int redis_reader_feed(struct redis_reader *d, const char *data, size_t len)
{
	if (fault_hit("alloc") || redisReaderFeed(d->hiredis, data, len) != REDIS_OK)
		return -ENOMEM;
	d->n_partial += len;
	return 0;
}

int redis_reader_take(struct redis_reader *d, redisReply **ret, const char **ret_why)
{
	void *reply = NULL;

	if (redisReaderGetReply(d->hiredis, &reply) != REDIS_OK) {
		*ret_why = "not the protocol of Redis";
		return -EPROTO;
	}
	if (!reply && d->n_partial > ANSWER_MAX) {
		*ret_why = "an answer too long";
		return -EPROTO;
	}
	if (!reply)
		return 0;
	d->n_partial = d->hiredis->len - d->hiredis->pos;
	*ret = reply;
	return 1;
}

/* ---- replies ---- */

void redis_reply_free(redisReply **reply)
{
	if (*reply)
		freeReplyObject(*reply);
	*reply = NULL;
}

bool redis_reply_is(const redisReply *reply, int type, struct str text)
{
	return reply->type == type && reply->len == text.len && memcmp(reply->str, text.data, text.len) == 0;
}

bool redis_reply_is_message(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
	       redis_reply_is(reply->element[0], REDIS_REPLY_STRING, STR("message"));
}

struct str redis_reply_error(const redisReply *reply)
{
	size_t n = 0;

	if (reply->type != REDIS_REPLY_ERROR)
		return STR_NULL;
	while (n < reply->len && reply->str[n] >= 'A' && reply->str[n] <= 'Z')
		n++;
	return (struct str){ reply->str, n };
}
