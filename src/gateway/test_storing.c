/* What may be kept for everybody, for how long, and what is said of it. */
#include "gateway/storing.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct storing read_all(const char *const *pairs)
{
	struct storing s = { 0 };

	for (; *pairs; pairs += 2)
		storing_read(&s, str_from(pairs[0]), str_from(pairs[1]));
	return s;
}

#define ANSWER(...) read_all((const char *const[]){ __VA_ARGS__, NULL })

static void test_what_is_for_everybody_is_kept(void **state)
{
	struct storing plain = ANSWER("Cache-Control", "public, max-age=60");
	struct storing varied = ANSWER("cache-control", "max-age=60,PUBLIC", "Vary", "Accept-Language", "vary",
	                               "accept-encoding, Accept-Language,");

	(void)state;
	assert_true(storing_is_allowed(&plain));
	assert_true(storing_is_allowed(&varied));
}

static void test_what_is_for_one_or_for_nobody_knows_whom_is_not(void **state)
{
	struct storing silent = ANSWER("ETag", "\"public\""), own = ANSWER("Cache-Control", "private, max-age=60"),
	               likely = ANSWER("Cache-Control", "max-age=60, x-public, public-ish"),
	               any = ANSWER("Cache-Control", "public", "Vary", "*"),
	               second = ANSWER("Cache-Control", "public", "Vary", "Accept-Encoding", "Vary", "Prefer"),
	               bad = ANSWER("Cache-Control", "public", "Age", "-1"),
	               two = ANSWER("Cache-Control", "public", "Age", "1", "Age", "1");

	(void)state;
	assert_false(storing_is_allowed(&silent));
	assert_false(storing_is_allowed(&own));
	assert_false(storing_is_allowed(&likely));
	assert_false(storing_is_allowed(&any));
	assert_false(storing_is_allowed(&second));
	assert_false(storing_is_allowed(&bad));
	assert_false(storing_is_allowed(&two));
}

static void test_the_age_is_taken_off_the_life(void **state)
{
	struct storing aged = ANSWER("Age", "50"), young = ANSWER("Cache-Control", "public");

	(void)state;
	assert_int_equal(storing_life(&aged, 60, 0), 10);
	assert_int_equal(storing_life(&aged, 60, 5), 5);
	assert_int_equal(storing_life(&aged, 40, 5), -10);
	assert_int_equal(storing_life(&young, 3600, 60), 60);
}

static void test_it_says_how_it_was_answered(void **state)
{
	static const struct {
		enum served how;
		bool is_stored;
		const char *status;
		const char *words;
	} cases[] = {
		{ SERVED_HIT, false, "gateway; hit; ttl=7", "HIT; level=edge" },
		{ SERVED_MISS, true, "gateway; fwd=uri-miss; stored; ttl=7", NULL },
		{ SERVED_MISS, false, "gateway; fwd=uri-miss", NULL },
		{ SERVED_EXPIRED, true, "gateway; fwd=stale; stored; ttl=7", NULL },
		{ SERVED_REVALIDATED, false, "gateway; fwd=stale; fwd-status=304", "HIT; level=edge" },
		{ SERVED_DEGRADED, false, "gateway; fwd=stale; detail=stale-if-error; ttl=7", "STALE; level=edge" },
		{ SERVED_BYPASS, false, "gateway; fwd=bypass", NULL },
	};
	struct buf b CLEANUP(buf_done);

	(void)state;
	buf_init(&b, 1024);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		buf_reset(&b);
		storing_status_write(cases[i].how, cases[i].is_stored, 7, &b);
		assert_string_equal(buf_str(&b).data, cases[i].status);
		if (cases[i].words)
			assert_string_equal(storing_words(cases[i].how, 7), cases[i].words);
		else
			assert_null(storing_words(cases[i].how, 7));
	}
	assert_string_equal(storing_words(SERVED_HIT, -1), "STALE; level=edge");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_for_everybody_is_kept),
		cmocka_unit_test(test_what_is_for_one_or_for_nobody_knows_whom_is_not),
		cmocka_unit_test(test_the_age_is_taken_off_the_life),
		cmocka_unit_test(test_it_says_how_it_was_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
