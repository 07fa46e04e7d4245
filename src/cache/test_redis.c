/* The calls, against a real server that is well. */
#include "cache/test_redis_story.h"

#include "base/fault.h"

#define PATIENT                                  \
	{                                        \
		.options.timeout_ms = PATIENT_MS \
	}

static void tell_set_is_got(struct story *s)
{
	struct str value;

	wait_up(s);
	redis_set(s->redis, STR("k"), STR("value"), 60000);
	assert_int_equal(get(s, "k", &value), 0);
	assert_true(str_equal(value, STR("value")));
	assert_in_range(redis_server_run(&s->server, "PTTL k"), 1, 60000);
	redis_set(s->redis, STR("k"), STR(""), 60000);
	assert_int_equal(get(s, "k", &value), 0);
	assert_true(str_equal(value, STR("")));
	redis_delete(s->redis, STR("k"));
	assert_int_equal(get(s, "k", &value), -ENOENT);
	assert_int_equal(stats_of(s).calls, 6);
	assert_int_equal(stats_of(s).failures + stats_of(s).skipped + stats_of(s).pending, 0);
}

static void what_was_set_is_got_until_it_is_deleted(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_set_is_got);
}

static void tell_binary(struct story *s)
{
	const struct str key = { "a\0b\r\n\xff", 6 };
	static char bytes[70000]; /* more than a stack holds */
	struct str value;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 31);
	wait_up(s);
	redis_set(s->redis, key, (struct str){ bytes, sizeof(bytes) }, 60000);
	assert_int_equal(redis_get(s->redis, key, s->arena, &value), 0);
	assert_true(str_equal(value, (struct str){ bytes, sizeof(bytes) }));
	assert_int_equal(redis_server_run(&s->server, "EXISTS %b", key.data, key.len), 1);
}

static void keys_and_values_are_any_bytes(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_binary);
}

static void tell_sizes(struct story *s)
{
	struct str big = { calloc(1, REDIS_VALUE_MAX + 1), REDIS_VALUE_MAX };
	char key[REDIS_KEY_MAX + 1];
	struct arena *small CLEANUP(arena_free) = NULL;
	struct str value;

	memset(key, 'k', sizeof(key));
	assert_int_equal(arena_new(1000, &small), 0);
	wait_up(s);
	redis_set(s->redis, STR("big"), big, 60000);
	assert_int_equal(get(s, "big", &value), 0);
	assert_true(str_equal(value, big));
	assert_int_equal(redis_get(s->redis, STR("big"), small, &value), -EMSGSIZE);
	assert_int_equal(redis_server_run(&s->server, "APPEND big x"), REDIS_VALUE_MAX + 1);
	assert_int_equal(get(s, "big", &value), -EMSGSIZE);
	assert_int_equal(redis_get(s->redis, (struct str){ key, sizeof(key) }, s->arena, &value), -EMSGSIZE);
	assert_int_equal(redis_get(s->redis, (struct str){ key, sizeof(key) - 1 }, s->arena, &value), -ENOENT);
	big.len++;
	redis_set(s->redis, STR("bigger"), big, 60000);
	assert_int_equal(get(s, "bigger", &value), -ENOENT);
	free((char *)big.data);
}

static void sizes_are_bounded(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_sizes);
}

static void tell_expiry(struct story *s)
{
	wait_up(s);
	redis_set(s->redis, STR("k"), STR("v"), 30);
	wait_until(try_get(s) == -ENOENT, 5000);
}

static void what_was_set_expires(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_expiry);
}

static void tell_lease(struct story *s)
{
	char first[REDIS_TOKEN_SIZE], second[REDIS_TOKEN_SIZE] = "unchanged";

	wait_up(s);
	assert_int_equal(redis_lease(s->redis, STR("l"), 60000, first), 1);
	assert_int_equal(strlen(first), REDIS_TOKEN_SIZE - 1);
	assert_int_equal(redis_lease(s->redis, STR("l"), 60000, second), 0);
	assert_string_equal(second, "unchanged");
	redis_lease_end(s->redis, STR("l"), "0123456789abcdef0123456789abcdef");
	assert_int_equal(redis_lease(s->redis, STR("l"), 60000, second), 0);
	redis_lease_end(s->redis, STR("l"), first);
	assert_int_equal(redis_lease(s->redis, STR("l"), 30, second), 1);
	assert_string_not_equal(first, second);
	wait_until(redis_lease(s->redis, STR("l"), 60000, first) == 1, 5000);
	assert_int_equal(stats_of(s).failures, 0);
}

static void a_lease_is_exclusive_and_ends_by_its_holder_or_by_time(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_lease);
}

/* ---- many at once ---- */

enum { FIBERS = 50, GETS = 100, SETS = 5000 };

struct crowd {
	struct story *story;
	size_t n_left;
	size_t n_right;
};

static void gets_many(void *arg)
{
	struct crowd *c = arg;
	char key[16], wanted[16];
	struct str value;

	for (size_t i = 0; i < GETS; i++) {
		snprintf(key, sizeof(key), "k%zu", i);
		snprintf(wanted, sizeof(wanted), "v%zu", i);
		if (get(c->story, key, &value) == 0 && str_equal(value, str_from(wanted)))
			c->n_right++;
	}
	c->n_left--;
}

static void tell_many(struct story *s)
{
	struct crowd c = { .story = s, .n_left = FIBERS };
	char key[16], value[16];

	wait_up(s);
	for (size_t i = 0; i < SETS; i++) {
		snprintf(key, sizeof(key), "k%zu", i % GETS);
		snprintf(value, sizeof(value), "v%zu", i % GETS);
		redis_set(s->redis, str_from(key), str_from(value), 60000);
	}
	assert_int_equal(stats_of(s).pending, SETS);
	for (size_t i = 0; i < FIBERS; i++)
		assert_int_equal(fiber_spawn("gets", gets_many, &c, NULL), 0);
	wait_until(c.n_left == 0, 20000);
	assert_int_equal(c.n_right, FIBERS * GETS);
	assert_int_equal(stats_of(s).calls, SETS + FIBERS * GETS);
	assert_int_equal(stats_of(s).failures + stats_of(s).skipped + stats_of(s).pending, 0);
	assert_int_equal(stats_of(s).connects, 1);
}

static void ten_thousand_calls_share_one_connection(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_many);
}

static void tell_pending_max(struct story *s)
{
	wait_up(s);
	for (size_t i = 0; i < 10; i++)
		redis_set(s->redis, STR("k"), STR("v"), 60000);
	assert_int_equal(stats_of(s).pending, 4);
	assert_int_equal(stats_of(s).skipped, 6);
	assert_int_equal(try_get(s), -EAGAIN);
	wait_until(stats_of(s).pending == 0, 5000);
	assert_int_equal(try_get(s), 0);
	assert_int_equal(stats_of(s).connects, 1);
}

static void over_pending_max_it_counts_as_away(void **state)
{
	struct story s = { .options = { .timeout_ms = PATIENT_MS, .pending_max = 4 } };

	(void)state;
	with_server(&s, tell_pending_max);
}

/* ---- the fiber's own ends ---- */

struct caller {
	struct story *story;
	int64_t deadline_ms;
	int r;
};

static void calls_get(void *arg)
{
	struct caller *c = arg;

	if (c->deadline_ms)
		fiber_deadline_set(clock_deadline_in(c->deadline_ms));
	c->r = try_get(c->story);
}

static void tell_gives_up(struct story *s)
{
	struct caller late = { .story = s, .deadline_ms = 20 }, cancelled = { .story = s };
	struct fiber *fibers[2];

	wait_up(s);
	redis_server_signal(&s->server, SIGSTOP);
	assert_int_equal(fiber_spawn("late", calls_get, &late, &fibers[0]), 0);
	assert_int_equal(fiber_spawn("cancelled", calls_get, &cancelled, &fibers[1]), 0);
	assert_int_equal(fiber_sleep_ms(5), 0);
	fiber_cancel(fibers[1]);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(fiber_join(fibers[i]), 0);
		fiber_unref(&fibers[i]);
	}
	assert_int_equal(late.r, -ETIMEDOUT);
	assert_int_equal(cancelled.r, -ECANCELED);
	assert_int_equal(stats_of(s).pending, 2);
	redis_server_signal(&s->server, SIGCONT);
	wait_until(stats_of(s).pending == 0, 5000);
	assert_int_equal(try_get(s), -ENOENT);
	assert_int_equal(stats_of(s).failures, 0);
	assert_int_equal(stats_of(s).connects, 1);
}

static void a_late_answer_to_who_gave_up_is_harmless(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_gives_up);
}

/* ---- life ---- */

static void tell_nothing(struct story *s)
{
	(void)s;
}

static void tell_pending_writes(struct story *s)
{
	wait_up(s);
	for (size_t i = 0; i < 1000; i++)
		redis_set(s->redis, STR("k"), STR("value"), 60000);
}

static void is_freed_while_connecting_and_with_writes_pending(void **state)
{
	struct story at_once = { .options = { .prefix = "p:", .changed = note_changed } };
	struct story looking_up = { .options.url = "redis://localhost:1/" };
	struct story pending = PATIENT;

	(void)state;
	with_server(&at_once, tell_nothing);
	with_server(&looking_up, tell_nothing);
	with_server(&pending, tell_pending_writes);
}

static void tell_name_and_db(struct story *s)
{
	wait_up(s);
	redis_set(s->redis, STR("k"), STR("v"), 60000);
	assert_int_equal(try_get(s), 0);
	assert_int_equal(redis_server_run(&s->server, "EXISTS k"), 0);
	assert_int_equal(
	        redis_server_run(&s->server, "EVAL %s 0", "redis.call('SELECT', 3) return redis.call('EXISTS', 'k')"),
	        1);
}

static void a_host_is_looked_up_and_the_db_chosen(void **state)
{
	struct story s = PATIENT;
	char url[64];

	(void)state;
	s.tell = tell_name_and_db;
	redis_server_up(&s.server);
	snprintf(url, sizeof(url), "redis://localhost:%d/3", s.server.port);
	s.options.url = url;
	story_run(&s);
	redis_server_down(&s.server);
}

static void tell_password(struct story *s)
{
	wait_up(s);
	assert_int_equal(try_get(s), -ENOENT);
}

static void with_login(struct story *s, const char *login)
{
	char url[96];

	s->tell = tell_password;
	snprintf(url, sizeof(url), "redis://%s@127.0.0.1:%d", login, s->server.port);
	s->options.url = url;
	story_run(s);
	redis_server_down(&s->server);
}

static void user_and_password_are_those_of_the_url(void **state)
{
	struct story named = PATIENT;
	struct story plain = { .options.timeout_ms = PATIENT_MS, .server.options = { "--requirepass", "only" } };

	(void)state;
	redis_server_up(&named.server);
	assert_int_equal(redis_server_run(&named.server, "ACL SETUSER u on %s ~* &* +@all", ">p@ss:/%"), 1);
	with_login(&named, "u:p%40ss%3A%2F%25");
	redis_server_up(&plain.server);
	with_login(&plain, ":only");
}

static void faults(void *arg)
{
	struct story *s = arg;
	char plan[32], url[64], token[REDIS_TOKEN_SIZE];
	struct redis_options options = {
		.url = url, .timeout_ms = PATIENT_MS, .prefix = "p:", .changed = note_changed
	};

	snprintf(url, sizeof(url), "redis://localhost:%d", s->server.port);
	for (int n = 1; n <= 25; n++) {
		snprintf(plan, sizeof(plan), "alloc:%d", n);
		fault_set(plan);
		if (redis_new(&story_loop, &options, &s->redis) == 0) {
			wait_until(stats_of(s).is_watching, 10000);
			redis_set(s->redis, STR("k"), STR("v"), 60000);
			(void)!try_get(s);
			(void)!redis_lease(s->redis, STR("l"), 1, token);
		}
		fault_set(NULL);
		if (s->redis)
			wait_until(stats_of(s).is_watching && try_get(s) == 0, 10000);
		redis_free(&s->redis);
	}
	s->is_told = true;
}

static void any_allocation_may_fail(void **state)
{
	struct story s = { 0 };

	(void)state;
	redis_server_up(&s.server);
	assert_int_equal(redis_server_run(&s.server, "SET k v"), 1);
	assert_int_equal(uv_loop_init(&story_loop), 0);
	assert_int_equal(fiber_runtime_init(&story_loop, NULL), 0);
	assert_int_equal(arena_new(1 << 20, &s.arena), 0);
	assert_int_equal(fiber_spawn("faults", faults, &s, NULL), 0);
	uv_run(&story_loop, UV_RUN_DEFAULT);
	assert_true(s.is_told);
	fiber_runtime_done();
	uv_run(&story_loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&story_loop), 0);
	arena_free(&s.arena);
	redis_server_down(&s.server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_set_is_got_until_it_is_deleted),
		cmocka_unit_test(keys_and_values_are_any_bytes),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(what_was_set_expires),
		cmocka_unit_test(a_lease_is_exclusive_and_ends_by_its_holder_or_by_time),
		cmocka_unit_test(ten_thousand_calls_share_one_connection),
		cmocka_unit_test(over_pending_max_it_counts_as_away),
		cmocka_unit_test(a_late_answer_to_who_gave_up_is_harmless),
		cmocka_unit_test(is_freed_while_connecting_and_with_writes_pending),
		cmocka_unit_test(a_host_is_looked_up_and_the_db_chosen),
		cmocka_unit_test(user_and_password_are_those_of_the_url),
		cmocka_unit_test(any_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
