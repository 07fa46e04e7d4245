#include "cache/redis_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

static int take(struct redis_reader *d, redisReply **ret)
{
	const char *why = NULL;
	int r = redis_reader_take(d, ret, &why);

	assert_true((r < 0) == (why != NULL));
	return r;
}

static void feed(struct redis_reader *d, const char *text)
{
	assert_int_equal(redis_reader_feed(d, text, strlen(text)), 0);
}

static void answers_come_out_however_they_are_cut(void **state)
{
	const struct str wire =
	        STR("+OK\r\n$3\r\na\0b\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n*-1\r\n-LOADING x\r\n$-1\r\n");

	(void)state;
	for (size_t piece = 1; piece <= wire.len; piece++) {
		struct redis_reader d CLEANUP(redis_reader_done) = { 0 };
		redisReply *got[5] = { 0 };
		size_t n = 0;

		assert_int_equal(redis_reader_init(&d), 0);
		for (size_t at = 0; at < wire.len; at += piece) {
			assert_int_equal(redis_reader_feed(&d, wire.data + at, MIN(piece, wire.len - at)), 0);
			while (n < ARRAY_SIZE(got) && take(&d, &got[n]) == 1)
				n++;
		}
		assert_int_equal(n, 5);
		assert_true(redis_reply_is(got[0], REDIS_REPLY_STATUS, STR("OK")));
		assert_true(redis_reply_is(got[1], REDIS_REPLY_STRING, STR("a\0b")));
		assert_true(redis_reply_is_message(got[2]));
		assert_true(str_equal(redis_reply_error(got[3]), STR("LOADING")));
		assert_int_equal(got[4]->type, REDIS_REPLY_NIL);
		assert_int_equal(d.n_partial, 0);
		for (size_t i = 0; i < ARRAY_SIZE(got); i++)
			redis_reply_free(&got[i]);
	}
}

static void a_number_of_elements_is_not_believed(void **state)
{
	static const struct {
		const char *head;
		int wanted;
	} rows[] = { { "*65536\r\n", 0 }, { "*65537\r\n", -EPROTO }, { "*1000000000\r\n", -EPROTO } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct redis_reader d CLEANUP(redis_reader_done) = { 0 };
		redisReply *reply = NULL;

		assert_int_equal(redis_reader_init(&d), 0);
		feed(&d, rows[i].head);
		assert_int_equal(take(&d, &reply), rows[i].wanted);
		assert_null(reply);
	}
}

/* 32 MiB, be it one string or many elements. */
static void one_answer_is_bounded(void **state)
{
	static const char *const heads[] = { "$99999999\r\n", "*65536\r\n" };
	const size_t size = 1 << 20;
	char *piece = malloc(size);

	(void)state;
	/* A string, with its head and tail as long as the piece. */
	memset(piece, 'x', size);
	memcpy(piece, "$1048564\r\n", 10);
	memcpy(piece + size - 2, "\r\n", 2);
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		struct redis_reader d CLEANUP(redis_reader_done) = { 0 };
		redisReply *reply = NULL;
		int r = 0, n;

		assert_int_equal(redis_reader_init(&d), 0);
		feed(&d, heads[i]);
		for (n = 0; r == 0 && n < 64; n++) {
			assert_int_equal(redis_reader_feed(&d, piece, size), 0);
			r = take(&d, &reply);
		}
		assert_int_equal(r, -EPROTO);
		assert_int_equal(n, 32);
	}
	free(piece);
}

static void only_the_first_word_of_an_error_is_given(void **state)
{
	static const struct {
		const char *wire, *word;
	} rows[] = {
		{ "-OOM command not allowed\r\n", "OOM" },
		{ "-ERR unknown command 'secret'\r\n", "ERR" },
		{ "-secret\r\n", "" },
		{ "-\r\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct redis_reader d CLEANUP(redis_reader_done) = { 0 };
		redisReply *reply CLEANUP(redis_reply_free) = NULL;

		assert_int_equal(redis_reader_init(&d), 0);
		feed(&d, rows[i].wire);
		assert_int_equal(take(&d, &reply), 1);
		assert_true(str_equal(redis_reply_error(reply), str_from(rows[i].word)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_out_however_they_are_cut),
		cmocka_unit_test(a_number_of_elements_is_not_believed),
		cmocka_unit_test(one_answer_is_bounded),
		cmocka_unit_test(only_the_first_word_of_an_error_is_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
