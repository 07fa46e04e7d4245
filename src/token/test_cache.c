/* The cache of verified tokens. */
#include "token/test_support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static struct signer signer;

static int setup(void **state UNUSED)
{
	signer_new(&signer);
	return 0;
}

static int teardown(void **state UNUSED)
{
	signer_free(&signer);
	return 0;
}

static struct token_cache_stats stats_of(const struct token_verifier *v)
{
	struct token_cache_stats stats;

	token_cache_stats_get(v, &stats);
	return stats;
}

/* Token number i; the caller frees. */
static char *token_of(int i, int64_t exp)
{
	struct buf token CLEANUP(buf_done);
	struct buf claims CLEANUP(buf_done);
	size_t len;
	char *text;

	buf_init(&token, TOKEN_SIZE_MAX);
	buf_init(&claims, 1000);
	buf_addf(&claims,
	         "{\"iss\":\"https://cinesync.test\",\"aud\":\"cinesync\",\"sub\":\"u%d\",\"client_id\":\"web\","
	         "\"jti\":\"j\",\"iat\":1000,\"exp\":%lld}",
	         i, (long long)exp);
	sign_any(&signer, STR(GOOD_HEADER), buf_str(&claims), &token);
	text = buf_steal(&token, &len);
	assert_non_null(text);
	return text;
}

static void test_hit(void **state UNUSED)
{
	struct token_verifier *v CLEANUP(token_verifier_free) = verifier_for(&signer, 10);
	char *token = token_of(1, 2000);

	for (int i = 0; i < 5; i++)
		assert_int_equal(verify_at(v, str_from(token), GOOD_NOW), TOKEN_OK);
	assert_int_equal(stats_of(v).hits, 4);
	assert_int_equal(stats_of(v).misses, 1);
	assert_int_equal(stats_of(v).entries, 1);
	free(token);
}

static void test_expiry_takes_effect_on_a_hit(void **state UNUSED)
{
	struct token_verifier *v CLEANUP(token_verifier_free) = verifier_for(&signer, 10);
	char *token = token_of(1, 2000);

	assert_int_equal(verify_at(v, str_from(token), GOOD_NOW), TOKEN_OK);
	assert_int_equal(verify_at(v, str_from(token), 2010), TOKEN_EXPIRED);
	assert_int_equal(stats_of(v).hits, 1);
	assert_int_equal(stats_of(v).entries, 0);
	free(token);
}

static void test_refused_is_not_remembered(void **state UNUSED)
{
	struct token_verifier *v CLEANUP(token_verifier_free) = verifier_for(&signer, 10);
	char *token = token_of(1, 2000);

	assert_int_equal(verify_at(v, str_from(token), 100), TOKEN_NOT_YET_VALID);
	token[strlen(token) / 2] ^= 1;
	assert_int_not_equal(verify_at(v, str_from(token), GOOD_NOW), TOKEN_OK);
	assert_int_equal(stats_of(v).entries, 0);
	free(token);
}

static void test_bound_and_least_recently_used(void **state UNUSED)
{
	struct token_verifier *v CLEANUP(token_verifier_free) = verifier_for(&signer, 4);
	char *tokens[6];

	for (int i = 0; i < 6; i++)
		tokens[i] = token_of(i, 2000);
	/* given a full cache in which the oldest was just used again */
	for (int i = 0; i < 4; i++)
		assert_int_equal(verify_at(v, str_from(tokens[i]), GOOD_NOW), TOKEN_OK);
	assert_int_equal(verify_at(v, str_from(tokens[0]), GOOD_NOW), TOKEN_OK);
	/* when two more come */
	assert_int_equal(verify_at(v, str_from(tokens[4]), GOOD_NOW), TOKEN_OK);
	assert_int_equal(verify_at(v, str_from(tokens[5]), GOOD_NOW), TOKEN_OK);
	/* then 1 and 2 have left, 0 is still there */
	assert_int_equal(stats_of(v).entries, 4);
	assert_int_equal(stats_of(v).misses, 6);
	assert_int_equal(verify_at(v, str_from(tokens[0]), GOOD_NOW), TOKEN_OK);
	assert_int_equal(stats_of(v).misses, 6);
	assert_int_equal(verify_at(v, str_from(tokens[1]), GOOD_NOW), TOKEN_OK);
	assert_int_equal(stats_of(v).misses, 7);
	for (int i = 0; i < 6; i++)
		free(tokens[i]);
}

static void test_new_keys_empty_it(void **state UNUSED)
{
	struct token_verifier *v CLEANUP(token_verifier_free) = verifier_for(&signer, 10);
	struct token_keyset *keys = NULL;
	char *token = token_of(1, 2000);
	struct signer other;

	signer_new(&other);
	assert_int_equal(verify_at(v, str_from(token), GOOD_NOW), TOKEN_OK);
	assert_int_equal(token_keyset_from_key(other.key, &keys), 0);
	token_verifier_set_keys(v, &keys);
	assert_null(keys);
	assert_int_equal(stats_of(v).entries, 0);
	assert_int_equal(verify_at(v, str_from(token), GOOD_NOW), TOKEN_UNKNOWN_KEY);
	signer_free(&other);
	free(token);
}

static void test_without_cache(void **state UNUSED)
{
	struct token_verifier *v CLEANUP(token_verifier_free) = verifier_for(&signer, 0);
	char *token = token_of(1, 2000);

	assert_int_equal(verify_at(v, str_from(token), GOOD_NOW), TOKEN_OK);
	assert_int_equal(verify_at(v, str_from(token), GOOD_NOW), TOKEN_OK);
	assert_int_equal(stats_of(v).hits, 0);
	assert_int_equal(stats_of(v).misses, 2);
	assert_int_equal(stats_of(v).entries, 0);
	free(token);
}

static void test_big_claims_are_accepted_but_not_remembered(void **state UNUSED)
{
	struct token_verifier *v CLEANUP(token_verifier_free) = verifier_for(&signer, 10);
	struct buf token CLEANUP(buf_done);
	struct buf claims CLEANUP(buf_done);

	buf_init(&token, TOKEN_SIZE_MAX);
	buf_init(&claims, TOKEN_SIZE_MAX);
	buf_adds(&claims, "{\"iss\":\"https://cinesync.test\",\"aud\":\"cinesync\",\"client_id\":\"web\",\"jti\":\"j\","
	                  "\"iat\":1000,\"exp\":2000,\"sub\":\"");
	for (int i = 0; i < 4000; i++)
		buf_addc(&claims, 'x');
	buf_adds(&claims, "\"}");
	sign_any(&signer, STR(GOOD_HEADER), buf_str(&claims), &token);
	assert_int_equal(verify_at(v, buf_str(&token), GOOD_NOW), TOKEN_OK);
	assert_int_equal(stats_of(v).entries, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hit),
		cmocka_unit_test(test_expiry_takes_effect_on_a_hit),
		cmocka_unit_test(test_refused_is_not_remembered),
		cmocka_unit_test(test_bound_and_least_recently_used),
		cmocka_unit_test(test_new_keys_empty_it),
		cmocka_unit_test(test_without_cache),
		cmocka_unit_test(test_big_claims_are_accepted_but_not_remembered),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
