/* Commands of any kind, and scripts. Both are calls like the others of redis.c: under its breaker and its time-out;
 * what is more is that their answers are of any shape, copied into the caller's arena. */
#include "cache/redis_inside.h"

#include <errno.h>
#include <stdio.h>

enum { SHA1_LEN = sizeof(((struct redis_script *)NULL)->sha1) - 1 };

_Static_assert(REDIS_SCRIPT_ARGS_MAX + 3 <= REDIS_ARGS_MAX, "EVALSHA, its script and the number of keys come first");

/* Without an arena only what needs none. -EMSGSIZE; -EAGAIN: of a kind that RESP2 does not have. hiredis bounds the
 * depth. */
static int answer_copy(const redisReply *reply, struct arena *a, struct redis_answer *ret);

static int list_copy(const redisReply *reply, struct arena *a, struct redis_answer *ret)
{
	struct redis_answer *items = arena_array(a, reply->elements, sizeof(*items));

	if (!items)
		return -EMSGSIZE;
	for (size_t i = 0; i < reply->elements; i++) {
		int rc = answer_copy(reply->element[i], a, &items[i]);

		if (rc < 0)
			return rc;
	}
	*ret = (struct redis_answer){ .kind = REDIS_ANSWER_LIST, .items = items, .n_items = reply->elements };
	return 0;
}

static int answer_copy(const redisReply *reply, struct arena *a, struct redis_answer *ret)
{
	struct redis_answer answer = { .kind = REDIS_ANSWER_NIL };

	switch (reply->type) {
	case REDIS_REPLY_NIL:
		break;
	case REDIS_REPLY_INTEGER:
		answer.kind = REDIS_ANSWER_INTEGER;
		answer.integer = reply->integer;
		break;
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
		answer.kind = REDIS_ANSWER_TEXT;
		if (a && arena_copy(a, (struct str){ reply->str, reply->len }, &answer.text) < 0)
			return -EMSGSIZE;
		break;
	case REDIS_REPLY_ARRAY:
		if (a)
			return list_copy(reply, a, ret);
		answer.kind = REDIS_ANSWER_LIST;
		break;
	default:
		return -EAGAIN;
	}
	*ret = answer;
	return 0;
}

int redis_ask(struct redis *r, const struct str *argv, size_t n, struct arena *a, struct redis_answer *ret)
{
	redisReply *reply CLEANUP(redis_reply_free) = NULL;
	int rc;

	assert(n >= 1 && n <= REDIS_SCRIPT_ARGS_MAX);
	rc = redis_call(r, REDIS_ASK, argv, n, &reply);
	return rc < 0 ? rc : answer_copy(reply, a, ret);
}

static bool is_sha1(const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_STRING || reply->len != SHA1_LEN)
		return false;
	return strspn(reply->str, "0123456789abcdef") == SHA1_LEN;
}

/* Yields. */
static int script_load(struct redis *r, struct redis_script *script)
{
	redisReply *reply CLEANUP(redis_reply_free) = NULL;
	int rc = redis_call(r, REDIS_ASK, (struct str[]){ STR("SCRIPT"), STR("LOAD"), script->text }, 3, &reply);

	if (rc < 0)
		return rc;
	if (!is_sha1(reply))
		return -EAGAIN;
	memcpy(script->sha1, reply->str, SHA1_LEN);
	return 0;
}

int redis_eval(struct redis *r, struct redis_script *script, const struct str *keys, size_t n_keys,
               const struct str *args, size_t n_args, struct arena *a, struct redis_answer *ret)
{
	redisReply *reply CLEANUP(redis_reply_free) = NULL;
	struct str argv[REDIS_ARGS_MAX] = { STR("EVALSHA") };
	size_t n = 3 + n_keys + n_args;
	char count[24];
	int rc = 0;

	assert(n_keys + n_args <= REDIS_SCRIPT_ARGS_MAX);
	if (!script->sha1[0])
		rc = script_load(r, script);
	if (rc < 0)
		return rc;
	snprintf(count, sizeof(count), "%zu", n_keys);
	argv[1] = str_from(script->sha1);
	argv[2] = str_from(count);
	for (size_t i = 0; i < n_keys; i++)
		argv[3 + i] = keys[i];
	for (size_t i = 0; i < n_args; i++)
		argv[3 + n_keys + i] = args[i];
	rc = redis_call(r, REDIS_SCRIPT, argv, n, &reply);
	if (rc == 0 && str_equal(redis_reply_error(reply), STR("NOSCRIPT"))) {
		redis_reply_free(&reply);
		argv[0] = STR("EVAL");
		argv[1] = script->text;
		rc = redis_call(r, REDIS_SCRIPT, argv, n, &reply);
	}
	return rc < 0 ? rc : answer_copy(reply, a, ret);
}
