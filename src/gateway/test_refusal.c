/* What a client is told, in full: these words are a promise, and the services'. */
#include "gateway/refusal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TRACE "0af7651916cd43dd8448eb211c80319c"

static void test_a_bad_token(void **state)
{
	struct buf b CLEANUP(buf_done);

	(void)state;
	buf_init(&b, REFUSAL_SIZE_MAX);
	refusal_write(REFUSAL_TOKEN_BAD, "expired", STR("/api/v1/users/me"), TRACE, &b);
	assert_string_equal(buf_str(&b).data,
	                    "{\"type\":\"/docs#problem-unauthorized\",\"title\":\"Authentication is required\","
	                    "\"status\":401,\"detail\":\"expired\",\"instance\":\"/api/v1/users/me\","
	                    "\"code\":\"unauthorized\",\"trace_id\":\"" TRACE "\"}");
	buf_reset(&b);
	refusal_challenge(REFUSAL_TOKEN_BAD, "expired", &b);
	assert_string_equal(buf_str(&b).data,
	                    "Bearer realm=\"cinesync\", error=\"invalid_token\", error_description=\"expired\"");
}

static void test_no_token(void **state)
{
	struct buf b CLEANUP(buf_done);

	(void)state;
	buf_init(&b, REFUSAL_SIZE_MAX);
	refusal_write(REFUSAL_TOKEN_MISSING, NULL, STR("/a\"\xff"), TRACE, &b);
	assert_string_equal(buf_str(&b).data,
	                    "{\"type\":\"/docs#problem-unauthorized\",\"title\":\"Authentication is required\","
	                    "\"status\":401,\"detail\":\"Send an access token as Authorization: Bearer.\","
	                    "\"instance\":\"/a\\\"\xef\xbf\xbd\",\"code\":\"unauthorized\",\"trace_id\":\"" TRACE
	                    "\"}");
	buf_reset(&b);
	refusal_challenge(REFUSAL_TOKEN_MISSING, NULL, &b);
	assert_string_equal(buf_str(&b).data, "Bearer realm=\"cinesync\"");
}

static void test_no_keys(void **state)
{
	struct buf b CLEANUP(buf_done);

	(void)state;
	buf_init(&b, REFUSAL_SIZE_MAX);
	refusal_challenge(REFUSAL_NO_KEYS, NULL, &b);
	assert_int_equal(b.len, 0);
	assert_int_equal(refusal_status(REFUSAL_NO_KEYS), 503);
	refusal_write(REFUSAL_NO_KEYS, NULL, STR_NULL, TRACE, &b);
	assert_non_null(strstr(buf_str(&b).data, "\"code\":\"unavailable\""));
	assert_non_null(strstr(buf_str(&b).data, "\"instance\":\"/\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_bad_token),
		cmocka_unit_test(test_no_token),
		cmocka_unit_test(test_no_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
