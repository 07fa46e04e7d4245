/* A peer that speaks no RESP, or what it likes: hiredis' assertions must be out of its reach. */
#include "cache/test_redis_story.h"

static void liar_tells(struct redis_liar *l, void (*tell)(struct story *s))
{
	struct story s = { .tell = tell, .options = { .timeout_ms = 400, .turned = note_turned } };
	char url[64];

	redis_liar_up(l);
	snprintf(url, sizeof(url), "redis://127.0.0.1:%d", l->port);
	s.options.url = url;
	story_run(&s);
	redis_liar_down(l);
}

static void tell_garbage(struct story *s)
{
	wait_up(s);
	assert_int_equal(try_get(s), -EAGAIN);
	wait_until(stats_of(s).connects == 2, 5000);
	assert_int_equal(stats_of(s).calls, 1);
	assert_int_equal(stats_of(s).failures, 1);
}

static void garbage_for_an_answer_is_survived(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 400 Bad Request\r\n\r\n",
		"\r\n\r\n",
		":1\r\n",
		"*2\r\n$1\r\na\r\n$1\r\nb\r\n",
		"*3\r\n:1\r\n*-1\r\n$-1\r\n",
		"*1000000000\r\n",
		"*-7\r\n",
		"$999999999999\r\n",
		"$2147483647\r\nand no more",
		"$3\r\nab",
		"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
		"-LOADING Redis is loading the dataset in memory\r\n",
		"-NOAUTH Authentication required.\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct redis_liar l = { .answers = { "+OK\r\n", "+PONG\r\n", answers[i] } };

		liar_tells(&l, tell_garbage);
	}
}

static void tell_unasked(struct story *s)
{
	wait_until(strcmp(stats_of(s).last_error, "connection: an answer to no question") == 0, 5000);
	wait_until(stats_of(s).connects >= 2, 5000);
}

static void an_answer_that_nobody_asked_for_ends_the_connection(void **state)
{
	struct redis_liar l = { .answers = { "+OK\r\n", "+PONG\r\n+AND\r\n+MORE\r\n" } };

	(void)state;
	liar_tells(&l, tell_unasked);
}

static void tell_never_up(struct story *s)
{
	wait_until(stats_of(s).last_error[0], 5000);
	assert_false(redis_is_up(s->redis));
	assert_int_equal(stats_of(s).connects, 0);
	answers_at_once(s);
}

static void a_handshake_of_lies_is_none(void **state)
{
	static const char *const answers[][3] = {
		{ "220 mail.example ESMTP\r\n" },
		{ "+OK\r\n", "+PANG\r\n" },
		{ "+OK\r\n", "-LOADING Redis is loading the dataset in memory\r\n" },
		{ "+OK\r\n", "*2\r\n$4\r\nPING\r\n:1\r\n" },
		{ NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct redis_liar l = { .answers = { answers[i][0], answers[i][1], answers[i][2] } };

		liar_tells(&l, tell_never_up);
	}
}

static void tell_waits_grow(struct story *s)
{
	(void)s;
	assert_int_equal(fiber_sleep_ms(1200), 0);
}

/* 100, 200, 400, 800 ms, less up to a quarter each. */
static void it_is_tried_less_and_less_often(void **state)
{
	struct redis_liar l = { .answers = { "no\r\n" } };

	(void)state;
	liar_tells(&l, tell_waits_grow);
	assert_in_range(l.connections, 2, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(garbage_for_an_answer_is_survived),
		cmocka_unit_test(an_answer_that_nobody_asked_for_ends_the_connection),
		cmocka_unit_test(a_handshake_of_lies_is_none),
		cmocka_unit_test(it_is_tried_less_and_less_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
