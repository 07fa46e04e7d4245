/* What the tests of the cache-aside policy share: a clock of their own, counted values, a source that does as told, and
 * callers on fibers. */
#ifndef CINESYNC_CACHE_TEST_ASIDE_FIXTURE_H
#define CINESYNC_CACHE_TEST_ASIDE_FIXTURE_H

#include "fiber/test_runtime.h"

#include "base/fault.h"
#include "base/test_rounds.h"
#include "cache/aside_internal.h"
#include "cache/test_redis_double.h"

#include <stdio.h>
#include <stdlib.h>

#define PREFIX "test:1:"
#define LEASE "lease:" PREFIX

/* ---- time ---- */

static int64_t now_ms;

static int64_t test_mono(void)
{
	return now_ms;
}

static int64_t test_real(void)
{
	return 1700000000000 + now_ms;
}

/* ---- values: short texts ---- */

struct text {
	int refs;
	size_t len;
	char bytes[];
};

static int values_alive;

static struct text *text_new(struct str s)
{
	struct text *t = malloc(sizeof(*t) + s.len + 1);

	assert_non_null(t);
	t->refs = 1;
	t->len = s.len;
	memcpy(t->bytes, s.data, s.len);
	t->bytes[s.len] = '\0';
	values_alive++;
	return t;
}

static void *text_ref(void *p)
{
	struct text *t = p;

	t->refs++;
	return t;
}

static void text_unref(void *p)
{
	struct text *t = p;

	if (--t->refs > 0)
		return;
	values_alive--;
	free(t);
}

static size_t text_size(const void *p)
{
	return sizeof(struct text) + ((const struct text *)p)->len;
}

static void text_encode(const void *p, struct buf *out)
{
	const struct text *t = p;

	buf_add(out, t->bytes, t->len);
}

static int text_decode(struct str bytes, const struct aside_life *life, void **ret)
{
	(void)life;
	if (str_starts(bytes, STR("foreign")))
		return -EBADMSG;
	*ret = text_new(bytes);
	return 0;
}

static const struct aside_ops text_ops = { text_ref, text_unref, text_size, text_encode, text_decode };

/* ---- the source ---- */

static struct {
	int outcome;
	const char *text;
	bool is_absent;
	bool is_unchanged;
	struct aside_life life;
	struct str validator;
	int64_t delta_ms;      /* moves the clock */
	int64_t sleep_ms;      /* really */
	void (*on_load)(void); /* in the middle of it */
	int loads;
	int ended;            /* what the last wait of a load said */
	char asked_with[256]; /* the validator of the last load, "-": none */
} source_plan;
static int prepared, released;

static int source_prepare(const void *ask, void **ret_arg)
{
	char *copy = fault_hit("alloc") ? NULL : strdup(ask);

	if (!copy)
		return -ENOMEM;
	prepared++;
	*ret_arg = copy;
	return 0;
}

static int source_load(void *arg, struct str validator, struct aside_loaded *ret)
{
	int r;

	assert_string_equal(arg, "the question");
	source_plan.loads++;
	snprintf(source_plan.asked_with, sizeof(source_plan.asked_with), "%.*s",
	         STR_ARGS(validator.data ? validator : STR("-")));
	r = source_plan.sleep_ms > 0 ? fiber_sleep_ms(source_plan.sleep_ms) : fiber_yield();
	source_plan.ended = r;
	if (source_plan.on_load)
		source_plan.on_load();
	now_ms += source_plan.delta_ms;
	if (r < 0 || source_plan.outcome < 0)
		return r < 0 ? r : source_plan.outcome;
	ret->is_absent = source_plan.is_absent;
	ret->is_unchanged = source_plan.is_unchanged;
	ret->value = ret->is_absent || ret->is_unchanged ? NULL : text_new(str_from(source_plan.text));
	ret->life = source_plan.life;
	ret->validator = source_plan.validator;
	return 0;
}

static void source_release(void *arg)
{
	released++;
	free(arg);
}

static const struct aside_source test_source = { source_prepare, source_load, source_release };

/* ---- the cache ---- */

static struct aside *cache;

/* Without L2; no draws: beta and jitter are 0. */
static struct aside_options plain_options(void)
{
	return (struct aside_options){ .entries_max = 1000,
		                       .bytes_max = 1 << 20,
		                       .prefix = PREFIX,
		                       .flights_max = 16,
		                       .load_ms = 60000,
		                       .retry_ms = 1000 };
}

static struct aside_options l2_options(void)
{
	struct aside_options o = plain_options();

	o.redis.url = "redis://127.0.0.1";
	o.lease_ms = 60000;
	return o;
}

static int fixture_up(void **state)
{
	now_ms = 1000000;
	aside_clock = (struct aside_clock){ test_mono, test_real };
	values_alive = prepared = released = 0;
	memset(&source_plan, 0, sizeof(source_plan));
	source_plan.text = "one";
	source_plan.life = (struct aside_life){ 1000, 2000, 4000 };
	redis_double_up();
	return runtime_up(state);
}

static void free_main(void *arg)
{
	aside_free(arg);
}

static void cache_free(struct aside **c)
{
	spawn(free_main, c);
	run_until_idle();
	assert_null(*c);
}

/* Fails when a value, a prepared question, a fiber or a handle was left. */
static int fixture_down(void **state)
{
	cache_free(&cache);
	redis_double_down();
	return values_alive != 0 || prepared != released ? -1 : runtime_down(state);
}

UNUSED static int plain_up(void **state)
{
	struct aside_options o = plain_options();

	return fixture_up(state) < 0 ? -1 : aside_new(&loop, &o, &text_ops, &cache);
}

UNUSED static int l2_up(void **state)
{
	struct aside_options o = l2_options();

	if (fixture_up(state) < 0 || aside_new(&loop, &o, &text_ops, &cache) < 0)
		return -1;
	redis_double_tell_watching(0, true);
	return 0;
}

/* As when a flight has just brought it. */
UNUSED static void keep_now(struct str key, struct str text, const struct aside_life *life)
{
	struct aside_entry *e = aside_entry_new(&text_ops, text_new(text), life, STR_NULL, 1);

	assert_non_null(e);
	aside_keep(cache, key, e);
	aside_entry_unref(&e);
}

/* The connection that tells of changes was lost for a moment. */
UNUSED static void telling_was_lost(void)
{
	redis_double_tell_watching(0, false);
	redis_double_tell_watching(0, true);
}

UNUSED static void cache_replace(const struct aside_options *o)
{
	cache_free(&cache);
	assert_int_equal(aside_new(&loop, o, &text_ops, &cache), 0);
	if (o->redis.url)
		redis_double_tell_watching(0, true);
}

UNUSED static struct aside_stats stats_of(const struct aside *c)
{
	struct aside_stats s;

	aside_stats_get(c, &s);
	return s;
}

/* ---- callers ---- */

struct caller {
	struct aside *cache;
	struct str key;
	int64_t deadline_in_ms; /* 0: none */
	int r;
	struct aside_found found; /* without its value */
	char text[64];            /* of the value; "": none */
};

UNUSED static struct caller caller_of(struct aside *c, const char *key)
{
	return (struct caller){ .cache = c, .key = str_from(key), .r = 99 };
}

static void note(struct caller *c, int r, struct aside_found *found)
{
	c->r = r;
	if (r < 0 && r != -ENOENT)
		return;
	c->found = *found;
	if (!found->value)
		return;
	snprintf(c->text, sizeof(c->text), "%s", ((struct text *)found->value)->bytes);
	text_unref(found->value);
	c->found.value = NULL;
}

UNUSED static void call_main(void *arg)
{
	struct caller *c = arg;
	struct aside_found found = { 0 };
	int r;

	if (c->deadline_in_ms > 0)
		fiber_deadline_set(clock_deadline_in(c->deadline_in_ms));
	r = aside_get(c->cache, c->key, &test_source, "the question", &found);
	note(c, r, &found);
}

/* Runs until nothing is left to do, the background included. */
UNUSED static struct caller get(const char *key)
{
	struct caller c = caller_of(cache, key);

	spawn(call_main, &c);
	run_until_idle();
	return c;
}

UNUSED static struct caller peek(const char *key)
{
	struct caller c = caller_of(cache, key);
	struct aside_found found = { 0 };

	if (aside_peek(cache, c.key, &found))
		note(&c, 0, &found);
	return c;
}

#define assert_found(call, text_, state_, level_)                     \
	do {                                                          \
		struct caller found_ = (call);                        \
		assert_int_equal(found_.r, *(text_) ? 0 : -ENOENT);   \
		assert_string_equal(found_.text, text_);              \
		assert_int_equal(found_.found.state, ASIDE_##state_); \
		assert_int_equal(found_.found.level, ASIDE_##level_); \
	} while (0)

/* By all counters that share them out: as many as there were questions. */
UNUSED static uint64_t answers(const struct aside *c)
{
	struct aside_stats s = stats_of(c);

	return s.hits_l1 + s.hits_l2 + s.misses + s.revalidated + s.stale_l1 + s.stale_l2 + s.failed;
}

#define plain_test(f) cmocka_unit_test_setup_teardown(f, plain_up, fixture_down)
#define l2_test(f) cmocka_unit_test_setup_teardown(f, l2_up, fixture_down)

#endif
