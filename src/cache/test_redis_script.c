/* Commands of any kind, and scripts: every shape of answer, and every way to get none. */
#include "cache/test_redis_story.h"

#include "base/fault.h"

enum { TIMEOUT_MS = 50 };

#define PATIENT                                  \
	{                                        \
		.options.timeout_ms = PATIENT_MS \
	}

#define ASK(s, ret, ...)                                     \
	redis_ask((s)->redis, (struct str[]){ __VA_ARGS__ }, \
	          sizeof((struct str[]){ __VA_ARGS__ }) / sizeof(struct str), (s)->arena, ret)

static void tell_shapes(struct story *s)
{
	const struct str binary = { "a\0\r\n\xff", 5 };
	struct redis_answer answer;

	wait_up(s);
	assert_int_equal(ASK(s, &answer, STR("SET"), STR("k"), binary), 0);
	assert_int_equal(answer.kind, REDIS_ANSWER_TEXT);
	assert_true(str_equal(answer.text, STR("OK")));
	assert_int_equal(ASK(s, &answer, STR("GET"), STR("k")), 0);
	assert_int_equal(answer.kind, REDIS_ANSWER_TEXT);
	assert_true(str_equal(answer.text, binary));
	assert_int_equal(ASK(s, &answer, STR("GET"), STR("none")), 0);
	assert_int_equal(answer.kind, REDIS_ANSWER_NIL);
	assert_int_equal(ASK(s, &answer, STR("STRLEN"), STR("k")), 0);
	assert_int_equal(answer.kind, REDIS_ANSWER_INTEGER);
	assert_int_equal(answer.integer, 5);
	assert_int_equal(ASK(s, &answer, STR("MGET"), STR("k"), STR("none")), 0);
	assert_int_equal(answer.kind, REDIS_ANSWER_LIST);
	assert_int_equal(answer.n_items, 2);
	assert_true(str_equal(answer.items[0].text, binary));
	assert_int_equal(answer.items[1].kind, REDIS_ANSWER_NIL);
	assert_int_equal(ASK(s, &answer, STR("KEYS"), STR("none*")), 0);
	assert_int_equal(answer.n_items, 0);
	assert_int_equal(stats_of(s).failures, 0);
}

static void answers_come_in_every_shape(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_shapes);
}

static void tell_little_room(struct story *s)
{
	struct arena *small CLEANUP(arena_free) = NULL;
	const struct str echo[] = { STR("ECHO"), STR("a text of more than sixteen bytes") };
	const struct str keys[] = { STR("COMMAND"), STR("INFO"), STR("GET") };
	struct redis_answer answer;

	assert_int_equal(arena_new(16, &small), 0);
	wait_up(s);
	assert_int_equal(redis_ask(s->redis, echo, 2, small, &answer), -EMSGSIZE);
	assert_int_equal(redis_ask(s->redis, keys, 3, small, &answer), -EMSGSIZE);
	assert_int_equal(redis_ask(s->redis, echo, 2, NULL, &answer), 0);
	assert_int_equal(answer.kind, REDIS_ANSWER_TEXT);
	assert_true(str_is_null(answer.text));
	assert_int_equal(redis_ask(s->redis, keys, 3, NULL, &answer), 0);
	assert_int_equal(answer.kind, REDIS_ANSWER_LIST);
	assert_int_equal(answer.n_items, 0);
}

static void an_answer_needs_room_unless_it_need_not_be_seen(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_little_room);
}

static void tell_script(struct story *s)
{
	struct redis_script script = { .text = STR("return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1]), {false}}") };
	struct redis_script broken = { .text = STR("return redis.call('INCR', 'text')") };
	struct redis_script none = { .text = STR("this is no Lua") };
	const struct str key = STR("n\0"), arg = { "\r\n\0", 3 };
	struct redis_answer answer;

	wait_up(s);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(redis_eval(s->redis, &script, &key, 1, &arg, 1, s->arena, &answer), 0);
		assert_int_equal(answer.n_items, 4);
		assert_true(str_equal(answer.items[0].text, key) && str_equal(answer.items[1].text, arg));
		assert_int_equal(answer.items[2].integer, i);
		assert_int_equal(answer.items[3].items[0].kind, REDIS_ANSWER_NIL);
		/* The first time it is loaded, the second time used, and then it is sent again. */
		assert_int_equal(stats_of(s).calls, i + 1 + (i == 3));
		if (i == 2)
			assert_int_equal(redis_server_run(&s->server, "SCRIPT FLUSH"), 1);
	}
	assert_int_equal(stats_of(s).failures, 0);
	redis_server_run(&s->server, "SET text x");
	assert_int_equal(redis_eval(s->redis, &broken, NULL, 0, NULL, 0, s->arena, &answer), -EAGAIN);
	assert_int_equal(redis_eval(s->redis, &none, NULL, 0, NULL, 0, s->arena, &answer), -EAGAIN);
	assert_int_equal(stats_of(s).failures, 2);
	assert_string_equal(stats_of(s).last_error, "command: ERR");
	assert_true(redis_is_up(s->redis));
}

static void a_script_is_sent_when_redis_has_it_not(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_script);
}

static void tell_slow(struct story *s)
{
	struct redis_script script = { .text = STR("while true do end") };
	struct redis_answer answer;
	int64_t start_ms = clock_mono_ms();

	wait_up(s);
	assert_int_equal(redis_eval(s->redis, &script, NULL, 0, NULL, 0, s->arena, &answer), -EAGAIN);
	assert_int_equal(ASK(s, &answer, STR("PING")), -EAGAIN);
	assert_in_range(clock_mono_ms() - start_ms, 0, 5000);
	wait_until(redis_server_run(&s->server, "SCRIPT KILL") == 1, 5000);
	wait_until(ASK(s, &answer, STR("PING")) == 0, 5000);
}

static void a_script_that_holds_redis_up_costs_one_call(void **state)
{
	struct story s = { .options.timeout_ms = TIMEOUT_MS, .server.options = { "--lua-time-limit", "10" } };

	(void)state;
	with_server(&s, tell_slow);
}

static void tell_faults(struct story *s)
{
	struct redis_script script = { .text = STR("return 1") };
	struct redis_answer answer;

	wait_up(s);
	fault_set("alloc:1+");
	assert_int_equal(redis_eval(s->redis, &script, NULL, 0, NULL, 0, s->arena, &answer), -EAGAIN);
	fault_set(NULL);
	fiber_deadline_set(clock_mono_ms());
	assert_int_equal(redis_eval(s->redis, &script, NULL, 0, NULL, 0, s->arena, &answer), -ETIMEDOUT);
	fiber_deadline_set(DEADLINE_NONE);
	wait_until(redis_eval(s->redis, &script, NULL, 0, NULL, 0, s->arena, &answer) == 0, 5000);
	assert_int_equal(answer.integer, 1);
}

static void without_memory_or_time_there_is_no_answer(void **state)
{
	struct story s = PATIENT;

	(void)state;
	with_server(&s, tell_faults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_in_every_shape),
		cmocka_unit_test(an_answer_needs_room_unless_it_need_not_be_seen),
		cmocka_unit_test(a_script_is_sent_when_redis_has_it_not),
		cmocka_unit_test(a_script_that_holds_redis_up_costs_one_call),
		cmocka_unit_test(without_memory_or_time_there_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
