/* Revoked sessions: seen here at once and by others in time, by one clock that the test moves and a real Redis that
 * goes and comes. */
#include "cache/test_redis_story.h"

#include "base/fault.h"
#include "cache/revoked.h"

enum { TIMEOUT_MS = 50, HOUR_MS = 3600000 };

#define PATIENT                                  \
	{                                        \
		.options.timeout_ms = PATIENT_MS \
	}

static int64_t now_ms;

static int64_t clock_ms(void *arg)
{
	(void)arg;
	return now_ms;
}

static struct revoked *revoked_made(struct redis *redis, size_t ids_max, size_t unsent_max)
{
	const struct revoked_options options = {
		.redis = redis, .ids_max = ids_max, .unsent_max = unsent_max, .clock_ms = clock_ms
	};
	struct revoked *v = NULL;

	assert_int_equal(revoked_new(&options, &v), 0);
	return v;
}

static struct revoked_stats stats_now(const struct revoked *v)
{
	struct revoked_stats stats;

	revoked_stats_get(v, &stats);
	return stats;
}

static bool check(struct revoked *v, const char *id)
{
	return revoked_check(v, str_from(id));
}

static int add(struct revoked *v, const char *id, int64_t ttl_ms)
{
	return revoked_add(v, str_from(id), ttl_ms);
}

/* ---- this process alone ---- */

static void a_revocation_lasts_as_long_as_it_was_told_to(void **state)
{
	struct revoked *v CLEANUP(revoked_free) = revoked_made(NULL, 0, 0);

	(void)state;
	assert_false(check(v, "a"));
	assert_int_equal(add(v, "a", 1000), 0);
	assert_true(check(v, "a"));
	assert_false(check(v, "b"));
	now_ms += 999;
	assert_true(check(v, "a"));
	now_ms += 1;
	assert_false(check(v, "a"));
	assert_int_equal(stats_now(v).ids, 0);
}

static void what_is_no_id_is_revoked(void **state)
{
	struct revoked *v CLEANUP(revoked_free) = revoked_made(NULL, 0, 0);
	char longest[REVOKED_ID_MAX + 1];

	(void)state;
	memset(longest, 'i', sizeof(longest));
	assert_true(revoked_check(v, STR("")));
	assert_true(revoked_check(v, STR_NULL));
	assert_true(revoked_check(v, (struct str){ longest, sizeof(longest) }));
	assert_false(revoked_check(v, (struct str){ longest, sizeof(longest) - 1 }));
}

static void memory_is_bounded_and_says_what_it_lost(void **state)
{
	struct revoked *v CLEANUP(revoked_free) = revoked_made(NULL, 100, 0);
	char id[16];

	(void)state;
	for (int i = 0; i < 150; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(add(v, id, HOUR_MS), 0);
	}
	assert_int_equal(stats_now(v).ids, 100);
	assert_int_equal(stats_now(v).lost, 50);
	assert_true(check(v, "149"));
	assert_false(check(v, "49"));
	fault_set("alloc:1+");
	assert_int_equal(add(v, "one more", HOUR_MS), -ENOMEM);
	fault_set(NULL);
	assert_false(check(v, "one more"));
}

/* ---- somebody else who knows ---- */

static struct {
	int answer;
	int asked;
} other;

static int other_says(void *arg, struct str id, int64_t *ret_left_ms)
{
	assert_ptr_equal(arg, &other);
	assert_true(str_equal(id, STR("a")));
	other.asked++;
	*ret_left_ms = 2 * HOUR_MS;
	return other.answer;
}

static struct revoked *revoked_of_other(struct redis *redis)
{
	const struct revoked_options options = {
		.redis = redis, .ask = other_says, .ask_arg = &other, .clock_ms = clock_ms
	};
	struct revoked *v = NULL;

	other.asked = 0;
	assert_int_equal(revoked_new(&options, &v), 0);
	return v;
}

static void without_redis_another_is_asked(void **state)
{
	struct revoked *v CLEANUP(revoked_free) = revoked_of_other(NULL);

	(void)state;
	other.answer = -EAGAIN;
	assert_false(check(v, "a"));
	assert_int_equal(stats_now(v).unsure, 1);
	other.answer = 0;
	assert_false(check(v, "a"));
	assert_false(check(v, "a"));
	assert_int_equal(other.asked, 2);
	other.answer = 1;
	now_ms += REVOKED_SEEN_MS;
	assert_true(check(v, "a"));
	other.answer = 0;
	now_ms += 2 * HOUR_MS - 1;
	assert_true(check(v, "a"));
	assert_int_equal(other.asked, 3);
}

static void tell_both(struct story *s)
{
	struct revoked *v CLEANUP(revoked_free) = revoked_of_other(s->redis);

	wait_up(s);
	other.answer = 1;
	assert_false(check(v, "a"));
	assert_int_equal(other.asked, 0);
	redis_server_kill(&s->server);
	wait_until(!redis_is_up(s->redis), 5000);
	now_ms += REVOKED_SEEN_MS;
	assert_true(check(v, "a"));
	assert_int_equal(other.asked, 1);
}

static void redis_is_asked_first_and_another_when_it_is_away(void **state)
{
	struct story s = { .options.timeout_ms = TIMEOUT_MS };

	(void)state;
	with_server(&s, tell_both);
}

/* ---- through Redis ---- */

static void tell_others(struct story *s)
{
	struct revoked *here CLEANUP(revoked_free) = revoked_made(s->redis, 0, 0);
	struct revoked *there CLEANUP(revoked_free) = revoked_made(s->redis, 0, 0);

	wait_up(s);
	assert_false(check(there, "a"));
	assert_int_equal(add(here, "a", HOUR_MS), 0);
	assert_in_range(redis_server_run(&s->server, "PTTL revoked:a"), HOUR_MS - 60000, HOUR_MS);
	assert_true(check(here, "a"));
	assert_int_equal(stats_now(here).asked, 0);
	now_ms += REVOKED_SEEN_MS;
	assert_true(check(there, "a"));
	assert_true(check(there, "a"));
	assert_int_equal(stats_now(there).asked, 2);
	/* For its life, whatever becomes of Redis. */
	redis_server_run(&s->server, "FLUSHALL");
	now_ms += HOUR_MS - 60000;
	assert_true(check(there, "a"));
	now_ms += 60000;
	assert_false(check(there, "a"));
}

static void others_see_it_within_the_time_promised(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_others);
}

static void tell_few_questions(struct story *s)
{
	struct revoked *v CLEANUP(revoked_free) = revoked_made(s->redis, 0, 0);

	wait_up(s);
	for (int i = 0; i < 1000; i++, now_ms += 10)
		assert_false(check(v, "a"));
	assert_in_range(stats_now(v).asked, 10000 / REVOKED_SEEN_MS, 4);
	redis_server_run(&s->server, "SET revoked:b 1");
	assert_true(check(v, "b"));
}

static void redis_is_asked_once_in_a_while(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_few_questions);
}

static void tell_flood(struct story *s)
{
	struct revoked *v CLEANUP(revoked_free) = revoked_made(s->redis, 100, 0);
	char id[16];

	wait_up(s);
	assert_int_equal(add(v, "a", HOUR_MS), 0);
	for (int i = 0; i < 300; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_false(check(v, id));
	}
	assert_int_equal(stats_now(v).ids, 100);
	redis_server_run(&s->server, "FLUSHALL");
	assert_true(check(v, "a"));
}

static void sessions_that_are_well_make_room_for_those_that_ended(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_flood);
}

static bool race_answer;
static bool race_is_over;

static void race_check(void *arg)
{
	race_answer = check(arg, "a");
	race_is_over = true;
}

static void tell_race(struct story *s)
{
	struct revoked *v CLEANUP(revoked_free) = revoked_made(s->redis, 0, 0);

	race_is_over = false;
	wait_up(s);
	redis_server_run(&s->server, "CLIENT PAUSE 200 ALL");
	assert_int_equal(fiber_spawn("check", race_check, v, NULL), 0);
	wait_until(stats_now(v).asked == 1, 1000);
	assert_false(race_is_over);
	assert_int_equal(add(v, "a", HOUR_MS), 0);
	wait_until(race_is_over, 5000);
	assert_true(race_answer);
	redis_server_run(&s->server, "FLUSHALL");
	assert_true(check(v, "a"));
}

static void a_revocation_wins_over_a_question_on_its_way(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_race);
}

/* ---- Redis away ---- */

static void tell_away(struct story *s)
{
	struct revoked *here CLEANUP(revoked_free) = revoked_made(s->redis, 0, 3);
	struct revoked *there CLEANUP(revoked_free) = revoked_made(s->redis, 0, 0);
	int64_t start_ms;

	wait_up(s);
	assert_int_equal(add(there, "known", HOUR_MS), 0);
	redis_server_signal(&s->server, SIGSTOP);
	start_ms = clock_mono_ms();
	assert_false(check(there, "unknown"));
	assert_true(check(there, "known"));
	assert_int_equal(add(here, "a", HOUR_MS), -EAGAIN);
	assert_int_equal(add(here, "b", HOUR_MS), -EAGAIN);
	assert_int_equal(add(here, "c", HOUR_MS), -EAGAIN);
	assert_int_equal(add(here, "d", HOUR_MS), -ENOSPC);
	assert_in_range(clock_mono_ms() - start_ms, 0, 1000);
	assert_true(check(here, "a") && check(here, "d"));
	assert_false(check(there, "a"));
	assert_int_equal(stats_now(here).unsent, 3);
	assert_int_equal(stats_now(here).lost, 1);
	redis_server_signal(&s->server, SIGCONT);
	wait_until(stats_now(here).unsent == 0, 5000);
	assert_true(check(there, "a") && check(there, "b") && check(there, "c"));
	assert_in_range(redis_server_run(&s->server, "PTTL revoked:c"), HOUR_MS - 60000, HOUR_MS);
}

static void redis_away_logs_nobody_out_and_loses_nothing(void **state)
{
	struct story s = { .options.timeout_ms = TIMEOUT_MS };

	(void)state;
	with_server(&s, tell_away);
}

static void tell_empty(struct story *s)
{
	struct revoked *v CLEANUP(revoked_free) = revoked_made(s->redis, 0, 0);

	wait_up(s);
	assert_int_equal(add(v, "a", HOUR_MS), 0);
	assert_int_equal(add(v, "b", HOUR_MS / 2), 0);
	assert_int_equal(add(v, "over", 1000), 0);
	assert_false(check(v, "good"));
	now_ms += 1000;
	redis_server_kill(&s->server);
	redis_server_start(&s->server);
	wait_until(redis_server_run(&s->server, "EXISTS revoked:a revoked:b") == 2, 5000);
	assert_int_equal(redis_server_run(&s->server, "DBSIZE"), 2);
	assert_in_range(redis_server_run(&s->server, "PTTL revoked:b"), HOUR_MS / 2 - 60000, HOUR_MS / 2);
}

static void a_redis_that_comes_back_empty_is_told_again(void **state)
{
	struct story s = { .options.timeout_ms = TIMEOUT_MS };

	(void)state;
	with_server(&s, tell_empty);
}

static void tell_over(struct story *s)
{
	struct revoked *v CLEANUP(revoked_free) = revoked_made(s->redis, 0, 0);

	wait_up(s);
	redis_server_kill(&s->server);
	wait_until(!redis_is_up(s->redis), 5000);
	assert_int_equal(add(v, "over", 1000), -EAGAIN);
	assert_int_equal(add(v, "a", HOUR_MS), -EAGAIN);
	now_ms += 1000;
	wait_until(stats_now(v).unsent == 1, 5000);
	redis_server_start(&s->server);
	wait_until(stats_now(v).unsent == 0, 5000);
	assert_int_equal(redis_server_run(&s->server, "EXISTS revoked:over revoked:a"), 1);
}

static void what_is_over_is_not_sent_any_more(void **state)
{
	struct story s = { .options.timeout_ms = TIMEOUT_MS };

	(void)state;
	with_server(&s, tell_over);
}

static void tell_end(struct story *s)
{
	struct revoked *v = revoked_made(s->redis, 0, 0);

	assert_int_equal(add(v, "a", HOUR_MS), -EAGAIN);
	revoked_free(&v);
	assert_null(v);
	revoked_free(&v);
}

static void it_ends_with_something_unsent(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_end);
}

static int set_up(void **state)
{
	(void)state;
	now_ms = 1000000;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_revocation_lasts_as_long_as_it_was_told_to, set_up),
		cmocka_unit_test_setup(what_is_no_id_is_revoked, set_up),
		cmocka_unit_test_setup(memory_is_bounded_and_says_what_it_lost, set_up),
		cmocka_unit_test_setup(without_redis_another_is_asked, set_up),
		cmocka_unit_test_setup(redis_is_asked_first_and_another_when_it_is_away, set_up),
		cmocka_unit_test_setup(others_see_it_within_the_time_promised, set_up),
		cmocka_unit_test_setup(redis_is_asked_once_in_a_while, set_up),
		cmocka_unit_test_setup(sessions_that_are_well_make_room_for_those_that_ended, set_up),
		cmocka_unit_test_setup(a_revocation_wins_over_a_question_on_its_way, set_up),
		cmocka_unit_test_setup(redis_away_logs_nobody_out_and_loses_nothing, set_up),
		cmocka_unit_test_setup(a_redis_that_comes_back_empty_is_told_again, set_up),
		cmocka_unit_test_setup(what_is_over_is_not_sent_any_more, set_up),
		cmocka_unit_test_setup(it_ends_with_something_unsent, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
