/* The limiter on a real Redis: it decides as the one in memory, for all replicas at once, and goes on when Redis does
 * not. */
#include "cache/test_redis_story.h"

#include "base/test_rounds.h"
#include "cache/limiter.h"

#include <time.h>

enum { TIMEOUT_MS = 50, POLICIES = 4 };

/* Lives longer in Redis than a test takes, whatever the clock of the test does. */
#define UNIT_MS 100000

#define PATIENT                                  \
	{                                        \
		.options.timeout_ms = PATIENT_MS \
	}

static const struct limiter_policy policies[POLICIES] = {
	{ "rate", LIMITER_RATE, .quota = 7, .window_ms = INT64_C(100) * UNIT_MS },
	{ "burst", LIMITER_RATE, .quota = 10, .window_ms = INT64_C(30) * UNIT_MS, .burst = 3 },
	{ "clearing", LIMITER_FAILURES, .free = 3, .delay_ms = UNIT_MS, .delay_max_ms = INT64_C(20) * UNIT_MS,
	  .decay_ms = INT64_C(9) * UNIT_MS, .consecutive_max = 20, .forget_ms = INT64_C(1000) * UNIT_MS,
	  .success_clears = true },
	{ "returning", LIMITER_FAILURES, .free = 0, .delay_ms = UNIT_MS, .delay_max_ms = INT64_C(4) * UNIT_MS,
	  .forget_ms = INT64_C(300) * UNIT_MS },
};

static const struct limiter_policy five_a_day = { "five", LIMITER_RATE, .quota = 5, .window_ms = 24 * 3600 * 1000 };
static const struct limiter_policy guarded = { "guarded",
	                                       LIMITER_FAILURES,
	                                       .free = 3,
	                                       .delay_ms = 3600000,
	                                       .delay_max_ms = 3600000,
	                                       .forget_ms = 24 * 3600 * 1000,
	                                       .consecutive_max = 100,
	                                       .success_clears = true };

static int64_t now_us;

static int64_t clock_us(void *arg)
{
	(void)arg;
	return now_us;
}

static struct limiter *limiter_made(struct redis *redis, bool is_timed)
{
	const struct limiter_options options = {
		.redis = redis, .prefix = "t:", .clock_us = is_timed ? clock_us : NULL
	};
	struct limiter *l = NULL;

	assert_int_equal(limiter_new(&options, &l), 0);
	return l;
}

static struct limiter_verdict take(struct limiter *l, const struct limiter_policy *policy, const char *id)
{
	const struct limiter_key key = { policy, str_from(id) };
	struct limiter_verdict v;

	assert_int_equal(limiter_take(l, &key, 1, &v), 0);
	return v;
}

static int allowed_of(struct limiter *l, const struct limiter_policy *policy, const char *id, int n)
{
	int allowed = 0;

	for (int i = 0; i < n; i++)
		allowed += take(l, policy, id).is_allowed;
	return allowed;
}

/* ---- the same decisions ---- */

static size_t keys_pick(struct limiter_key keys[LIMITER_KEYS_MAX])
{
	static const char *const ids[] = { "a", "b\r\n" };
	size_t n = 0;

	for (size_t i = 0; i < POLICIES * ARRAY_SIZE(ids); i++)
		if (random() % 3 == 0)
			keys[n++] = (struct limiter_key){ &policies[i % POLICIES], str_from(ids[i / POLICIES]),
				                          .cost = random() % 3 };
	return n;
}

static void take_both(struct limiter *redis, struct limiter *memory, const struct limiter_key *keys, size_t n)
{
	struct limiter_verdict v, w;

	assert_int_equal(limiter_take(redis, keys, n, &v), 0);
	assert_int_equal(limiter_take(memory, keys, n, &w), 0);
	assert_true(v.is_shared && !w.is_shared);
	assert_int_equal(v.is_allowed, w.is_allowed);
	assert_int_equal(v.is_at_ceiling, w.is_at_ceiling);
	assert_int_equal(v.decided_by, w.decided_by);
	assert_int_equal(v.retry_after_ms, w.retry_after_ms);
	assert_int_equal(v.rate_by, w.rate_by);
	assert_int_equal(v.rate_remaining, w.rate_remaining);
	assert_int_equal(v.rate_reset_ms, w.rate_reset_ms);
}

static void tell_random(struct story *s)
{
	struct limiter *redis CLEANUP(limiter_free) = limiter_made(s->redis, true);
	struct limiter *memory CLEANUP(limiter_free) = limiter_made(NULL, true);
	const char *given = getenv("TEST_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	struct limiter_key keys[LIMITER_KEYS_MAX];

	print_message("TEST_SEED=%u\n", seed);
	srandom(seed);
	now_us = INT64_C(1800000000000000);
	wait_up(s);
	for (long i = 0; i < test_rounds(3000, 100000); i++) {
		size_t n = keys_pick(keys);

		if (n == 0) {
			now_us += random() % 10 * UNIT_MS * 1000;
		} else if (random() % 6 > 0) {
			take_both(redis, memory, keys, n);
		} else {
			enum limiter_outcome outcome = (enum limiter_outcome)(random() % 3);

			limiter_settle(redis, keys, n, outcome);
			limiter_settle(memory, keys, n, outcome);
		}
	}
}

static void it_decides_as_the_one_in_memory(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_random);
}

/* Far past what the random ones reach. */
static void tell_many(struct story *s)
{
	static const struct limiter_policy policy = { "long",
		                                      LIMITER_FAILURES,
		                                      .free = 1,
		                                      .delay_ms = UNIT_MS,
		                                      .delay_max_ms = UNIT_MS,
		                                      .decay_ms = INT64_C(3) * UNIT_MS,
		                                      .forget_ms = INT64_C(1000) * UNIT_MS };
	struct limiter *redis CLEANUP(limiter_free) = limiter_made(s->redis, true);
	struct limiter *memory CLEANUP(limiter_free) = limiter_made(NULL, true);
	const struct limiter_key key = { &policy, STR("a") };

	now_us = INT64_C(1800000000000000);
	wait_up(s);
	for (int i = 0; i < 60; i++, now_us += INT64_C(1000) * UNIT_MS)
		take_both(redis, memory, &key, 1);
	for (int i = 0; i < 40; i++, now_us += INT64_C(2900) * UNIT_MS) {
		take_both(redis, memory, &key, 1);
		limiter_settle(redis, &key, 1, LIMITER_WITHDRAWN);
		limiter_settle(memory, &key, 1, LIMITER_WITHDRAWN);
		take_both(redis, memory, &key, 1);
		limiter_settle(redis, &key, 1, LIMITER_WITHDRAWN);
		limiter_settle(memory, &key, 1, LIMITER_WITHDRAWN);
	}
}

static void it_counts_as_far_as_the_one_in_memory(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_many);
}

/* ---- shared ---- */

static void tell_replicas(struct story *s)
{
	struct limiter *one CLEANUP(limiter_free) = limiter_made(s->redis, false);
	struct limiter *other CLEANUP(limiter_free) = limiter_made(s->redis, false);
	const struct limiter_key key = { &guarded, STR("a") };

	wait_up(s);
	assert_int_equal(allowed_of(one, &five_a_day, "a", 3) + allowed_of(other, &five_a_day, "a", 3), 5);
	assert_false(take(one, &five_a_day, "a").is_allowed);
	assert_int_equal(allowed_of(one, &guarded, "a", 2) + allowed_of(other, &guarded, "a", 2), 3);
	limiter_settle(other, &key, 1, LIMITER_SUCCEEDED);
	assert_true(take(one, &guarded, "a").is_allowed);
	assert_in_range(redis_server_run(&s->server, "PTTL t:guarded:a"), 1, 24 * 3600 * 1000);
	assert_in_range(redis_server_run(&s->server, "PTTL t:five:a"), 1, 24 * 3600 * 1000);
	limiter_settle(one, &key, 1, LIMITER_WITHDRAWN);
	assert_int_equal(redis_server_run(&s->server, "EXISTS t:guarded:a"), 0);
}

static void replicas_count_together(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_replicas);
}

struct guesser {
	struct limiter *limiter;
	const struct limiter_policy *policy;
	int *allowed;
	int *running;
};

static void guess(void *arg)
{
	struct guesser *g = arg;

	*g->allowed += take(g->limiter, g->policy, "a").is_allowed;
	(*g->running)--;
}

static void tell_parallel(struct story *s)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(s->redis, false);
	int allowed = 0, running = 0;
	struct guesser g = { l, &guarded, &allowed, &running };

	wait_up(s);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(fiber_spawn("guess", guess, &g, NULL), 0);
		running++;
	}
	wait_until(running == 0, 10000);
	assert_int_equal(allowed, 3);
}

static void parallel_guesses_do_not_outrun_the_counter(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_parallel);
}

static void tell_script_lost(struct story *s)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(s->redis, false);
	struct redis_stats stats;

	wait_up(s);
	assert_true(take(l, &five_a_day, "a").is_shared);
	redis_server_run(&s->server, "SCRIPT FLUSH");
	assert_true(take(l, &five_a_day, "a").is_shared);
	redis_stats_get(s->redis, &stats);
	assert_int_equal(stats.failures, 0);
	assert_int_equal(take(l, &five_a_day, "a").rate_remaining, 2);
}

static void a_script_that_redis_has_lost_is_sent_again(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_script_lost);
}

/* ---- without ---- */

static void tell_away(struct story *s)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(s->redis, false);
	struct limiter_stats stats;

	wait_up(s);
	assert_int_equal(allowed_of(l, &five_a_day, "a", 3), 3);
	assert_int_equal(allowed_of(l, &guarded, "a", 2), 2);
	redis_server_signal(&s->server, SIGSTOP);
	assert_false(take(l, &five_a_day, "a").is_shared);
	assert_int_equal(allowed_of(l, &five_a_day, "a", 10), 1); /* 5 in all */
	assert_int_equal(allowed_of(l, &guarded, "a", 10), 1);    /* 3 in all */
	assert_int_equal(allowed_of(l, &guarded, "b", 10), 3);
	limiter_stats_get(l, &stats);
	assert_int_equal(stats.alone, 31);
	redis_server_signal(&s->server, SIGCONT);
	wait_until(take(l, &five_a_day, "c").is_shared, 5000);
	/* What was counted alone is told. */
	assert_false(take(l, &five_a_day, "a").is_allowed);
	assert_false(take(l, &guarded, "a").is_allowed);
	assert_false(take(l, &guarded, "b").is_allowed);
	assert_true(take(l, &guarded, "b").is_shared);
	assert_int_equal(redis_server_run(&s->server, "EXISTS t:guarded:b"), 1);
}

static void it_goes_on_from_what_was_last_seen_and_tells_it_later(void **state)
{
	struct story s = { .options.timeout_ms = TIMEOUT_MS };

	(void)state;
	with_server(&s, tell_away);
}

static void tell_together(struct story *s)
{
	static const struct limiter_policy ten = { "ten",
		                                   LIMITER_FAILURES,
		                                   .free = 10,
		                                   .delay_ms = 3600000,
		                                   .delay_max_ms = 3600000,
		                                   .forget_ms = 24 * 3600 * 1000 };
	struct limiter *l CLEANUP(limiter_free) = limiter_made(s->redis, false);
	int allowed = 0, running = 2;
	struct guesser g = { l, &ten, &allowed, &running };

	wait_up(s);
	redis_server_signal(&s->server, SIGSTOP);
	assert_int_equal(allowed_of(l, &ten, "a", 2), 2);
	redis_server_signal(&s->server, SIGCONT);
	wait_until(take(l, &ten, "b").is_shared, 5000);
	for (int i = 0; i < 2; i++)
		assert_int_equal(fiber_spawn("guess", guess, &g, NULL), 0);
	wait_until(running == 0, 5000);
	assert_int_equal(allowed, 2);
	assert_int_equal(allowed_of(l, &ten, "a", 10), 6);
}

static void what_was_counted_alone_is_told_once(void **state)
{
	struct story s = { .options.timeout_ms = TIMEOUT_MS };

	(void)state;
	with_server(&s, tell_together);
}

static void tell_sum(struct story *s)
{
	static const struct limiter_policy six = { "six",
		                                   LIMITER_FAILURES,
		                                   .free = 100,
		                                   .delay_ms = 1000,
		                                   .delay_max_ms = 1000,
		                                   .forget_ms = 24 * 3600 * 1000,
		                                   .consecutive_max = 6 };
	struct limiter *one CLEANUP(limiter_free) = limiter_made(s->redis, false);
	struct limiter *other CLEANUP(limiter_free) = limiter_made(s->redis, false);

	wait_up(s);
	assert_int_equal(allowed_of(one, &six, "a", 3), 3);
	redis_server_signal(&s->server, SIGSTOP);
	assert_int_equal(allowed_of(other, &six, "a", 3), 3);
	redis_server_signal(&s->server, SIGCONT);
	wait_until(take(one, &six, "b").is_shared, 5000);
	assert_true(take(other, &six, "a").is_at_ceiling);
	assert_true(take(one, &six, "a").is_at_ceiling);
}

static void what_replicas_counted_alone_is_added_up(void **state)
{
	struct story s = { .options.timeout_ms = TIMEOUT_MS };

	(void)state;
	with_server(&s, tell_sum);
}

static void tell_flapping(struct story *s)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(s->redis, false);
	int allowed = 0, i = 0;

	wait_up(s);
	for (i = 0; i < 150; i++) {
		if (i % 50 == 25)
			redis_server_kill(&s->server);
		if (i % 50 == 40)
			redis_server_start(&s->server);
		allowed += take(l, &five_a_day, "a").is_allowed;
		if (i % 50 == 45)
			wait_until(redis_is_up(s->redis), 5000);
	}
	/* Each empty Redis knows nothing of what another one, now gone, had counted; nor does it get more than that. */
	assert_in_range(allowed, 5, 5 * 4);
}

static void a_redis_that_goes_and_comes_empty_neither_opens_nor_shuts_it(void **state)
{
	struct story s = { .options.timeout_ms = TIMEOUT_MS };

	(void)state;
	with_server(&s, tell_flapping);
}

static void tell_readonly(struct story *s)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(s->redis, false);

	wait_up(s);
	assert_int_equal(allowed_of(l, &five_a_day, "a", 2), 2);
	redis_server_run(&s->server, "CONFIG SET maxmemory 1");
	assert_false(take(l, &five_a_day, "a").is_shared);
	assert_int_equal(allowed_of(l, &five_a_day, "a", 5), 2);
	redis_server_run(&s->server, "CONFIG SET maxmemory 0");
	assert_true(take(l, &five_a_day, "a").is_shared);
	assert_false(take(l, &five_a_day, "a").is_allowed);
}

static void a_redis_that_takes_no_writes_is_none(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_readonly);
}

static void tell_wrong_type(struct story *s)
{
	struct limiter *l CLEANUP(limiter_free) = limiter_made(s->redis, false);

	wait_up(s);
	redis_server_run(&s->server, "LPUSH t:five:a x");
	redis_server_run(&s->server, "SET t:five:b rubbish");
	assert_false(take(l, &five_a_day, "a").is_shared);
	assert_true(take(l, &five_a_day, "b").is_shared);
	assert_int_equal(allowed_of(l, &five_a_day, "a", 10), 4);
}

static void what_is_no_state_of_ours_does_no_harm(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_wrong_type);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_decides_as_the_one_in_memory),
		cmocka_unit_test(it_counts_as_far_as_the_one_in_memory),
		cmocka_unit_test(replicas_count_together),
		cmocka_unit_test(parallel_guesses_do_not_outrun_the_counter),
		cmocka_unit_test(a_script_that_redis_has_lost_is_sent_again),
		cmocka_unit_test(it_goes_on_from_what_was_last_seen_and_tells_it_later),
		cmocka_unit_test(what_was_counted_alone_is_told_once),
		cmocka_unit_test(what_replicas_counted_alone_is_added_up),
		cmocka_unit_test(a_redis_that_goes_and_comes_empty_neither_opens_nor_shuts_it),
		cmocka_unit_test(a_redis_that_takes_no_writes_is_none),
		cmocka_unit_test(what_is_no_state_of_ours_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
