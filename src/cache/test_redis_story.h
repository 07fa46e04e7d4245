/* What the tests of Redis share: a story runs on a fiber, against a redis-server of its own. For tests only. */
#ifndef CINESYNC_CACHE_TEST_REDIS_STORY_H
#define CINESYNC_CACHE_TEST_REDIS_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cache/redis.h"
#include "cache/test_redis_server.h"
#include "fiber/fiber.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

/* A timeout for those that are not about time: the machine may be busy. */
#define PATIENT_MS 5000

struct story {
	struct redis_server server;
	struct redis_options options; /* url NULL: the server's */
	struct redis *redis;
	struct arena *arena;
	void (*tell)(struct story *s);
	char changed[256]; /* the keys told, each with a blank behind; "*" for anything */
	char watched[64];  /* '+' and '-' */
	char turned[64];
	bool is_told; /* to the end */
};

static uv_loop_t story_loop;

UNUSED static void note_changed(struct str key, void *arg)
{
	struct story *s = arg;
	size_t len = strlen(s->changed);

	assert_null(fiber_self());
	snprintf(s->changed + len, sizeof(s->changed) - len, "%.*s ", STR_ARGS(str_is_null(key) ? STR("*") : key));
}

static void note_sign(char *signs, size_t size, bool is)
{
	size_t len = strlen(signs);

	assert_null(fiber_self());
	snprintf(signs + len, size - len, "%c", is ? '+' : '-');
}

UNUSED static void note_watching(bool is_watching, void *arg)
{
	struct story *s = arg;

	note_sign(s->watched, sizeof(s->watched), is_watching);
}

UNUSED static void note_turned(bool is_up, const char *why, void *arg)
{
	struct story *s = arg;

	assert_true(is_up ? !why : why != NULL);
	note_sign(s->turned, sizeof(s->turned), is_up);
}

#define wait_until(condition, within_ms)                                     \
	do {                                                                 \
		int64_t end_ms_ = clock_deadline_in(within_ms);              \
		bool holds_;                                                 \
		while (!(holds_ = (condition)) && clock_mono_ms() < end_ms_) \
			assert_int_equal(fiber_sleep_ms(2), 0);              \
		assert_true(holds_ &&#condition);                            \
	} while (0)

static void story_fiber(void *arg)
{
	struct story *s = arg;
	char url[64];

	snprintf(url, sizeof(url), "redis://127.0.0.1:%d", s->server.port);
	if (!s->options.url)
		s->options.url = url;
	s->options.arg = s;
	assert_int_equal(redis_new(&story_loop, &s->options, &s->redis), 0);
	s->tell(s);
	redis_free(&s->redis);
	s->is_told = true;
}

/* Fails too when a handle, a request or a fiber is left. */
static void story_run(struct story *s)
{
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(uv_loop_init(&story_loop), 0);
	assert_int_equal(fiber_runtime_init(&story_loop, NULL), 0);
	assert_int_equal(arena_new(8 << 20, &s->arena), 0);
	assert_int_equal(fiber_spawn("story", story_fiber, s, NULL), 0);
	uv_run(&story_loop, UV_RUN_DEFAULT);
	assert_true(s->is_told);
	fiber_runtime_done();
	uv_run(&story_loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&story_loop), 0);
	arena_free(&s->arena);
}

UNUSED static void with_server(struct story *s, void (*tell)(struct story *s))
{
	s->tell = tell;
	redis_server_up(&s->server);
	story_run(s);
	redis_server_down(&s->server);
}

UNUSED static struct redis_stats stats_of(const struct story *s)
{
	struct redis_stats stats;

	redis_stats_get(s->redis, &stats);
	return stats;
}

UNUSED static void wait_up(struct story *s)
{
	wait_until(redis_is_up(s->redis), 5000);
}

UNUSED static int get(struct story *s, const char *key, struct str *ret)
{
	return redis_get(s->redis, str_from(key), s->arena, ret);
}

UNUSED static int try_get(struct story *s)
{
	struct str value;

	return get(s, "k", &value);
}

enum { AT_ONCE_US = 5000, AT_ONCE_CALLS = 20 };

/* A fast call may have been interrupted: the median of AT_ONCE_CALLS. */
static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

UNUSED static void answers_at_once(struct story *s)
{
	uint64_t skipped = stats_of(s).skipped, failures = stats_of(s).failures;
	char token[REDIS_TOKEN_SIZE];
	int64_t took_us[AT_ONCE_CALLS];

	assert_false(redis_is_up(s->redis));
	for (size_t i = 0; i < AT_ONCE_CALLS; i++) {
		int64_t start_us = clock_mono_us();

		assert_int_equal(i % 2 ? try_get(s) : redis_lease(s->redis, STR("l"), 1000, token), -EAGAIN);
		redis_set(s->redis, STR("k"), STR("v"), 1000);
		redis_delete(s->redis, STR("k"));
		took_us[i] = clock_mono_us() - start_us;
	}
	qsort(took_us, AT_ONCE_CALLS, sizeof(took_us[0]), by_size);
	assert_in_range(took_us[AT_ONCE_CALLS / 2], 0, AT_ONCE_US);
	assert_int_equal(stats_of(s).skipped, skipped + 3 * AT_ONCE_CALLS);
	assert_int_equal(stats_of(s).failures, failures);
	assert_int_equal(stats_of(s).pending, 0);
}

#endif
