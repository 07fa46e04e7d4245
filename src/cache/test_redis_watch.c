/* Which keys others have changed. */
#include "cache/test_redis_story.h"

#define WATCHING                                  \
	{                                         \
		.options = {                      \
			.timeout_ms = PATIENT_MS, \
			.prefix = "p:",           \
			.changed = note_changed,  \
			.watching = note_watching \
		}                                 \
	}

/* Seen within 100 ms on an idle machine; the tests allow for a busy one. */
enum { SOON_MS = 2000 };

static void wait_watching(struct story *s)
{
	wait_until(stats_of(s).is_watching && s->watched[0], 5000);
	s->changed[0] = '\0';
}

static void tell_others(struct story *s)
{
	int64_t start_ms;

	wait_watching(s);
	assert_string_equal(s->watched, "+");
	start_ms = clock_mono_ms();
	redis_server_run(&s->server, "SET p:a 1");
	wait_until(strcmp(s->changed, "p:a ") == 0, SOON_MS);
	print_message("seen after %d ms\n", (int)(clock_mono_ms() - start_ms));
	redis_server_run(&s->server, "DEL p:a");
	wait_until(strcmp(s->changed, "p:a p:a ") == 0, SOON_MS);
	s->changed[0] = '\0';
	redis_server_run(&s->server, "SET q:a 1");
	redis_server_run(&s->server, "SET p:%b 1 PX 20", "x\0y", (size_t)3);
	wait_until(strcmp(s->changed, "p:x p:x ") == 0, SOON_MS);
}

static void what_others_set_delete_or_let_expire_is_told(void **state)
{
	struct story s = WATCHING;

	(void)state;
	with_server(&s, tell_others);
}

static void tell_own(struct story *s)
{
	struct str value;

	wait_watching(s);
	redis_set(s->redis, STR("p:a"), STR("1"), 60000);
	redis_set(s->redis, STR("p:b"), STR("1"), 60000);
	redis_delete(s->redis, STR("p:b"));
	assert_int_equal(get(s, "p:a", &value), 0);
	redis_server_run(&s->server, "SET p:end 1");
	wait_until(strstr(s->changed, "p:end "), SOON_MS);
	assert_string_equal(s->changed, "p:end ");
}

static void what_we_write_ourselves_is_not_told(void **state)
{
	struct story s = WATCHING;

	(void)state;
	with_server(&s, tell_own);
}

static void tell_quiet(struct story *s)
{
	wait_watching(s);
	/* More than two PINGs on each connection. */
	assert_int_equal(fiber_sleep_ms(2300), 0);
	assert_string_equal(s->watched, "+");
	assert_int_equal(stats_of(s).connects, 1);
	assert_int_equal(stats_of(s).calls, 0);
}

static void both_connections_stay_while_nothing_happens(void **state)
{
	struct story s = WATCHING;

	(void)state;
	with_server(&s, tell_quiet);
}

static void tell_own_expires(struct story *s)
{
	wait_watching(s);
	redis_set(s->redis, STR("p:a"), STR("1"), 30);
	wait_until(strcmp(s->changed, "p:a ") == 0, SOON_MS);
}

static void the_expiry_of_what_we_wrote_is_told(void **state)
{
	struct story s = WATCHING;

	(void)state;
	with_server(&s, tell_own_expires);
}

static void tell_flush(struct story *s)
{
	wait_watching(s);
	redis_server_run(&s->server, "FLUSHALL");
	wait_until(strstr(s->changed, "* "), SOON_MS);
}

static void flushall_may_have_changed_anything(void **state)
{
	struct story s = WATCHING;

	(void)state;
	with_server(&s, tell_flush);
}

static void tell_many_keys(struct story *s)
{
	wait_watching(s);
	assert_int_equal(redis_server_run(&s->server, "EVAL %s 0",
	                                  "for i = 1, 20000 do redis.call('SET', 'p:' .. i, 1) end return 7"),
	                 7);
	wait_until(strlen(s->changed) > 200, SOON_MS);
	assert_string_equal(s->watched, "+");
}

static void twenty_thousand_at_once_are_told(void **state)
{
	struct story s = WATCHING;

	(void)state;
	with_server(&s, tell_many_keys);
}

static void works_again(struct story *s, const char *watched)
{
	wait_until(strcmp(s->watched, watched) == 0, SOON_MS);
	s->changed[0] = '\0';
	redis_server_run(&s->server, "SET p:again 1");
	wait_until(strcmp(s->changed, "p:again ") == 0, SOON_MS);
}

static void tell_watch_killed(struct story *s)
{
	wait_watching(s);
	assert_int_equal(redis_server_run(&s->server, "CLIENT KILL TYPE pubsub"), 1);
	wait_until(strcmp(s->watched, "+-") == 0, SOON_MS);
	works_again(s, "+-+");
	assert_true(redis_is_up(s->redis));
	assert_int_equal(stats_of(s).connects, 1);
}

static void a_lost_watching_connection_is_told_and_replaced(void **state)
{
	struct story s = WATCHING;

	(void)state;
	with_server(&s, tell_watch_killed);
}

static void tell_data_killed(struct story *s)
{
	wait_watching(s);
	assert_true(redis_server_run(&s->server, "CLIENT KILL TYPE normal SKIPME yes") >= 1);
	wait_until(strcmp(s->watched, "+-") == 0, SOON_MS);
	works_again(s, "+-+");
	assert_int_equal(stats_of(s).connects, 2);
}

static void a_lost_connection_of_data_is_told_too(void **state)
{
	struct story s = WATCHING;

	(void)state;
	with_server(&s, tell_data_killed);
}

static void tell_frozen(struct story *s)
{
	wait_watching(s);
	redis_server_signal(&s->server, SIGSTOP);
	wait_until(strcmp(s->watched, "+-") == 0, 5000);
	redis_server_signal(&s->server, SIGCONT);
	wait_until(strcmp(s->watched, "+-+") == 0, 5000);
	works_again(s, "+-+");
}

static void a_frozen_redis_is_noticed_without_a_call(void **state)
{
	struct story s = WATCHING;

	(void)state;
	s.options.timeout_ms = 300;
	with_server(&s, tell_frozen);
}

static void tell_no_tracking(struct story *s)
{
	wait_up(s);
	assert_int_equal(fiber_sleep_ms(100), 0);
	assert_false(stats_of(s).is_watching);
	assert_string_equal(stats_of(s).last_error, "CLIENT: NOPERM");
	assert_int_equal(try_get(s), -ENOENT);
	assert_string_equal(s->watched, "");
}

static void without_leave_to_watch_the_calls_work(void **state)
{
	struct story s = WATCHING;
	char url[64];

	(void)state;
	redis_server_up(&s.server);
	redis_server_run(&s.server, "ACL SETUSER u on >p ~* &* +@all -client|tracking");
	snprintf(url, sizeof(url), "redis://u:p@127.0.0.1:%d", s.server.port);
	s.options.url = url;
	s.tell = tell_no_tracking;
	story_run(&s);
	redis_server_down(&s.server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_others_set_delete_or_let_expire_is_told),
		cmocka_unit_test(what_we_write_ourselves_is_not_told),
		cmocka_unit_test(both_connections_stay_while_nothing_happens),
		cmocka_unit_test(the_expiry_of_what_we_wrote_is_told),
		cmocka_unit_test(flushall_may_have_changed_anything),
		cmocka_unit_test(twenty_thousand_at_once_are_told),
		cmocka_unit_test(a_lost_watching_connection_is_told_and_replaced),
		cmocka_unit_test(a_lost_connection_of_data_is_told_too),
		cmocka_unit_test(a_frozen_redis_is_noticed_without_a_call),
		cmocka_unit_test(without_leave_to_watch_the_calls_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
