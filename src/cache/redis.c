/* The shared cache: its calls, its state, its life. The connections are kept up by two fibers (redis_keeper.c), which
 * own them; a call only looks whether the connection of data works, puts its command there, and waits on its own fiber.
 * That is the breaker: a connection that failed once, by a call that took too long above all, is gone at once for
 * everybody, and comes back only after it has proved itself to its keeper.
 *
 * What the owner is told is told from the loop, by an uv_async_t: a call may be what found it out. */
#include "cache/redis_inside.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/random.h"
#include "telemetry/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MS = 50, PENDING_MAX = 10000, TOKEN_BYTES = (REDIS_TOKEN_SIZE - 1) / 2 };

#define REDIS_MAGIC UINT32_C(0x52454449)
#define TYPE(t) (1u << (t))

/* What each call may be answered with. */
static const struct {
	const char *name;
	unsigned types;
} kinds[] = {
	[REDIS_GET] = { "GET", TYPE(REDIS_REPLY_STRING) | TYPE(REDIS_REPLY_NIL) },
	[REDIS_SET] = { "SET", TYPE(REDIS_REPLY_STATUS) },
	[REDIS_DELETE] = { "DEL", TYPE(REDIS_REPLY_INTEGER) },
	[REDIS_LEASE] = { "SET NX", TYPE(REDIS_REPLY_STATUS) | TYPE(REDIS_REPLY_NIL) },
	[REDIS_LEASE_END] = { "EVAL", TYPE(REDIS_REPLY_INTEGER) },
	[REDIS_ASK] = { "command", ~0u },
	[REDIS_SCRIPT] = { "script", ~0u },
};

/* Errors that are not about the one command. */
static const char *const away_errors[] = { "BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "NOAUTH", "WRONGPASS" };

static const char lease_end_script[] =
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) "
        "else return 0 end";

/* ---- state ---- */

void redis_note(struct redis *r, const char *what, struct str why)
{
	snprintf(r->stats.last_error, sizeof(r->stats.last_error), "%s: %.*s", what, STR_ARGS(why));
}

void redis_fact_set(struct redis *r, struct redis_fact *fact, bool is)
{
	if (fact->is == is)
		return;
	fact->is = is;
	fact->has_ended = fact->has_ended || !is;
	uv_async_send(&r->teller);
}

/* -1: it is over; 1: it is so; 0: nothing to tell (any more). */
static int fact_news(struct redis_fact *fact)
{
	bool has_ended = fact->has_ended;

	fact->has_ended = false;
	if (has_ended && fact->was_told) {
		fact->was_told = false;
		return -1;
	}
	if (!fact->is || fact->was_told)
		return 0;
	fact->was_told = true;
	return 1;
}

static void on_tell(uv_async_t *teller)
{
	struct redis *r = teller->data;
	const struct redis_options *o = &r->options;
	int news;

	while (!r->is_ending && (news = fact_news(&r->up)) != 0)
		if (o->turned)
			o->turned(news > 0, news > 0 ? NULL : r->stats.last_error, o->arg);
	while (!r->is_ending && (news = fact_news(&r->watching)) != 0)
		if (o->watching)
			o->watching(news > 0, o->arg);
}

void redis_keeper_lost(void *keeper, const char *why)
{
	struct redis_keeper *k = keeper;
	struct redis *r = k->redis;

	redis_note(r, k == &r->data ? "connection" : "watching connection", str_from(why));
	if (k == &r->data)
		redis_fact_set(r, &r->up, false);
	redis_fact_set(r, &r->watching, false);
	redis_keeper_poke(k);
}

static void redis_closed(struct redis *r)
{
	if (--r->n_open == 0)
		fiber_queue_wake_all(&r->end, 0);
}

void redis_keeper_closed(void *keeper)
{
	redis_closed(((struct redis_keeper *)keeper)->redis);
}

static void on_teller_closed(uv_handle_t *teller)
{
	redis_closed(teller->data);
}

/* ---- the connection of data ---- */

const char *redis_reply_judge(const redisReply *reply)
{
	struct str word = redis_reply_error(reply);

	for (size_t i = 0; i < ARRAY_SIZE(away_errors); i++)
		if (str_equal(word, str_from(away_errors[i])))
			return away_errors[i];
	return NULL;
}

/* Why the answer is no answer to that call; NULL: it is one. */
static const char *call_refused(struct redis *r, int kind, const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ERROR)
		return kinds[kind].types & TYPE(reply->type) ? NULL : "an answer of the wrong kind";
	r->stats.refused++;
	redis_note(r, kinds[kind].name, redis_reply_error(reply));
	return redis_reply_judge(reply);
}

/* It is to be sent as a whole: no fault of anybody. */
static bool is_unknown_script(int kind, const redisReply *reply)
{
	return kind == REDIS_SCRIPT && str_equal(redis_reply_error(reply), STR("NOSCRIPT"));
}

static const char *data_answered(void *arg, int kind, const redisReply *reply)
{
	struct redis *r = ((struct redis_keeper *)arg)->redis;
	const char *why = NULL;

	if (kind == REDIS_OWN)
		return reply ? redis_reply_judge(reply) : NULL;
	r->stats.pending--;
	if (reply && is_unknown_script(kind, reply))
		return NULL;
	if (reply)
		why = call_refused(r, kind, reply);
	if (!reply || why || reply->type == REDIS_REPLY_ERROR)
		r->stats.failures++;
	return why;
}

static const struct redis_link_ops data_ops = {
	.answered = data_answered,
	.lost = redis_keeper_lost,
	.closed = redis_keeper_closed,
};

static void data_tend(struct redis_keeper *k)
{
	redis_watch_start(k->redis);
}

static void data_up(struct redis *r)
{
	r->stats.connects++;
	redis_fact_set(r, &r->up, true);
	redis_keeper_poke(&r->watch);
}

/* ---- life ---- */

static void redis_release(struct redis *r)
{
	redis_url_done(&r->url);
	free(r->prefix);
	r->magic = 0;
	free(r);
}

static int options_take(struct redis *r, const struct redis_options *options)
{
	int rc = redis_url_parse(options->url, &r->url);

	if (rc < 0)
		return rc;
	r->options = *options;
	r->options.url = r->options.prefix = NULL;
	if (r->options.timeout_ms == 0)
		r->options.timeout_ms = TIMEOUT_MS;
	if (r->options.pending_max == 0)
		r->options.pending_max = PENDING_MAX;
	if (!options->prefix)
		return 0;
	r->prefix = fault_hit("alloc") ? NULL : strdup(options->prefix);
	return r->prefix ? 0 : -ENOMEM;
}

/* The last step: nothing after it fails. */
static int data_start(struct redis *r)
{
	r->data = (struct redis_keeper){
		.redis = r,
		.timeout_ms = r->options.timeout_ms,
		.ops = &data_ops,
		.tend = data_tend,
		.up = data_up,
	};
	return fiber_spawn("redis", redis_keeper_run, &r->data, &r->data.fiber) < 0 ? -ENOMEM : 0;
}

static void on_stillborn(uv_handle_t *teller)
{
	redis_release(teller->data);
}

int redis_new(struct uv_loop_s *loop, const struct redis_options *options, struct redis **ret)
{
	struct redis *r = fault_hit("alloc") ? NULL : calloc(1, sizeof(*r));
	int rc;

	assert(options->timeout_ms >= 0 && (!options->prefix || options->changed));
	if (!r)
		return -ENOMEM;
	r->magic = REDIS_MAGIC;
	r->loop = loop;
	fiber_queue_init(&r->end);
	rc = options_take(r, options);
	if (rc == 0)
		rc = uv_async_init(loop, &r->teller, on_tell);
	if (rc < 0) {
		redis_release(r);
		return rc == -EINVAL ? rc : -ENOMEM;
	}
	r->teller.data = r;
	redis_watch_init(r);
	rc = data_start(r);
	if (rc < 0) {
		uv_close((uv_handle_t *)&r->teller, on_stillborn);
		return rc;
	}
	r->n_open = 1;
	*ret = r;
	return 0;
}

void redis_free(struct redis **rp)
{
	struct redis *r = STEAL(*rp);

	if (!r)
		return;
	assert(r->magic == REDIS_MAGIC && fiber_self());
	r->is_ending = true;
	r->up.is = false;
	fiber_shield();
	fiber_end(&r->data.fiber);
	fiber_end(&r->watch.fiber);
	uv_close((uv_handle_t *)&r->teller, on_teller_closed);
	while (r->n_open > 0)
		(void)!fiber_queue_wait(&r->end);
	fiber_unshield();
	redis_release(r);
}

bool redis_is_up(const struct redis *r)
{
	assert(r->magic == REDIS_MAGIC);
	return r->up.is;
}

void redis_stats_get(const struct redis *r, struct redis_stats *ret)
{
	assert(r->magic == REDIS_MAGIC);
	*ret = r->stats;
	ret->is_up = r->up.is;
	ret->is_watching = r->watching.is;
}

/* ---- calls ---- */

/* 0; -EAGAIN, whatever the reason. */
static int call_send(struct redis *r, enum redis_kind kind, const struct str *argv, size_t n, struct redis_wait *wait)
{
	int rc;

	assert(r->magic == REDIS_MAGIC);
	r->stats.calls++;
	if (!r->up.is || r->stats.pending >= r->options.pending_max) {
		r->stats.skipped++;
		return -EAGAIN;
	}
	rc = redis_link_send(r->data.link, kind, argv, n, wait);
	if (rc == 0)
		r->stats.pending++;
	else if (rc == -ENOBUFS)
		r->stats.skipped++;
	else
		r->stats.failures++;
	return rc < 0 ? -EAGAIN : 0;
}

static int call_and_wait(struct redis *r, enum redis_kind kind, const struct str *argv, size_t n, redisReply **ret)
{
	struct redis_wait wait;
	int rc;

	if (r->up.is && fiber_time_left_ms() <= 0)
		return -ETIMEDOUT;
	rc = call_send(r, kind, argv, n, &wait);
	if (rc == 0)
		rc = redis_link_wait(r->data.link, &wait, ret);
	return rc == -ENOTCONN ? -EAGAIN : rc;
}

/* The span of a command, by https://opentelemetry.io/docs/specs/semconv/database/redis/; its name and no key. */
static void command_span_start(struct span *span, enum redis_kind kind)
{
	const char *command = kinds[kind].name;

	span_start(span, command, SPAN_CLIENT, NULL);
	span_set_str(span, "db.system.name", STR("redis"));
	span_set_str(span, "db.operation.name", str_from(command));
}

int redis_call(struct redis *r, enum redis_kind kind, const struct str *argv, size_t n, redisReply **ret)
{
	struct span span;
	int rc;

	assert(fiber_self());
	if (!span_is_wanted())
		return call_and_wait(r, kind, argv, n, ret);
	command_span_start(&span, kind);
	rc = call_and_wait(r, kind, argv, n, ret);
	if (rc < 0)
		span_fail(&span, error_name(rc));
	else if (kind == REDIS_GET)
		span_set_bool(&span, "cinesync.cache.hit", (*ret)->type == REDIS_REPLY_STRING);
	span_end(&span);
	return rc;
}

/* The span is that of the sending. */
static void call_and_go(struct redis *r, enum redis_kind kind, const struct str *argv, size_t n)
{
	struct span span;

	if (!span_is_wanted()) {
		(void)!call_send(r, kind, argv, n, NULL);
		return;
	}
	command_span_start(&span, kind);
	if (call_send(r, kind, argv, n, NULL) < 0)
		span_fail(&span, error_name(-EAGAIN));
	span_end(&span);
}

static bool key_fits(struct str key)
{
	assert(key.data);
	return key.len <= REDIS_KEY_MAX;
}

int redis_get(struct redis *r, struct str key, struct arena *a, struct str *ret)
{
	const struct str get[] = { STR("GET"), key };
	redisReply *reply CLEANUP(redis_reply_free) = NULL;
	int rc;

	if (!key_fits(key))
		return -EMSGSIZE;
	rc = redis_call(r, REDIS_GET, get, ARRAY_SIZE(get), &reply);
	if (rc < 0)
		return rc;
	if (reply->type == REDIS_REPLY_NIL)
		return -ENOENT;
	if (reply->type != REDIS_REPLY_STRING)
		return -EAGAIN;
	if (reply->len > REDIS_VALUE_MAX || arena_copy(a, (struct str){ reply->str, reply->len }, ret) < 0)
		return -EMSGSIZE;
	return 0;
}

void redis_set(struct redis *r, struct str key, struct str value, int64_t ttl_ms)
{
	char ttl[24];

	assert(ttl_ms > 0 && value.data);
	if (!key_fits(key) || value.len > REDIS_VALUE_MAX)
		return;
	snprintf(ttl, sizeof(ttl), "%lld", (long long)ttl_ms);
	call_and_go(r, REDIS_SET, (struct str[]){ STR("SET"), key, value, STR("PX"), str_from(ttl) }, 5);
}

void redis_delete(struct redis *r, struct str key)
{
	if (key_fits(key))
		call_and_go(r, REDIS_DELETE, (struct str[]){ STR("DEL"), key }, 2);
}

/* ---- leases ---- */

static void token_make(char ret[REDIS_TOKEN_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[TOKEN_BYTES];

	random_fill(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[REDIS_TOKEN_SIZE - 1] = '\0';
}

int redis_lease(struct redis *r, struct str name, int64_t ttl_ms, char ret_token[REDIS_TOKEN_SIZE])
{
	redisReply *reply CLEANUP(redis_reply_free) = NULL;
	char token[REDIS_TOKEN_SIZE], ttl[24];
	int rc;

	assert(ttl_ms > 0);
	if (!key_fits(name))
		return -EAGAIN;
	token_make(token);
	snprintf(ttl, sizeof(ttl), "%lld", (long long)ttl_ms);
	rc = redis_call(r, REDIS_LEASE,
	                (struct str[]){ STR("SET"), name, str_from(token), STR("NX"), STR("PX"), str_from(ttl) }, 6,
	                &reply);
	/* Nobody would end it. */
	if (rc == -ETIMEDOUT || rc == -ECANCELED)
		redis_lease_end(r, name, token);
	if (rc < 0)
		return rc;
	if (reply->type == REDIS_REPLY_NIL)
		return 0;
	if (reply->type != REDIS_REPLY_STATUS)
		return -EAGAIN;
	memcpy(ret_token, token, sizeof(token));
	return 1;
}

void redis_lease_end(struct redis *r, struct str name, const char *token)
{
	if (key_fits(name))
		call_and_go(r, REDIS_LEASE_END,
		            (struct str[]){ STR("EVAL"), str_from(lease_end_script), STR("1"), name, str_from(token) },
		            5);
}
