/* Signing, and what comes back from the verifier. */
#include "token/base64url.h"
#include "token/test_support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
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

static struct token_claims some_claims(void)
{
	return (struct token_claims){ .iss = STR("https://cinesync.test"),
		                      .aud = STR("cinesync"),
		                      .sub = STR("Am\xc3\xa9lie \"quoted\""),
		                      .jti = STR("j1"),
		                      .sid = STR("s1"),
		                      .role = STR("admin"),
		                      .client_id = STR("web"),
		                      .iat = 1000,
		                      .nbf = 1001,
		                      .exp = 2000 };
}

static void assert_claims_equal(const struct token_claims *a, const struct token_claims *b)
{
	assert_true(str_equal(a->iss, b->iss) && str_equal(a->aud, b->aud) && str_equal(a->sub, b->sub));
	assert_true(str_equal(a->jti, b->jti) && str_equal(a->sid, b->sid) && str_equal(a->role, b->role));
	assert_true(str_equal(a->client_id, b->client_id));
	assert_true(a->iat == b->iat && a->nbf == b->nbf && a->exp == b->exp);
}

static void round_trip(const struct token_claims *claims)
{
	struct token_verifier *v CLEANUP(token_verifier_free) = verifier_for(&signer, 10);
	struct buf token CLEANUP(buf_done);

	buf_init(&token, TOKEN_SIZE_MAX);
	assert_int_equal(token_sign(signer.key, claims, &token), 0);
	for (int i = 0; i < 2; i++) { /* fresh, then from the cache */
		struct arena *a CLEANUP(arena_free) = NULL;
		struct token_claims back;
		enum token_error e;

		assert_int_equal(arena_new(10000, &a), 0);
		assert_int_equal(token_verify(v, buf_str(&token), GOOD_NOW, a, &back, &e), 0);
		assert_int_equal(e, TOKEN_OK);
		assert_claims_equal(&back, claims);
		assert_int_equal(back.sub.data[back.sub.len], '\0');
	}
}

static void test_round_trip(void **state UNUSED)
{
	struct token_claims claims = some_claims();

	round_trip(&claims);
	claims.role = STR_NULL;
	claims.sid = STR_NULL;
	claims.nbf = 0;
	round_trip(&claims);
	claims.sid = STR("");
	round_trip(&claims);
}

static void test_header_is_rfc9068s(void **state UNUSED)
{
	struct token_claims claims = some_claims();
	struct buf token CLEANUP(buf_done);
	char header[200], wanted[200];
	size_t len;

	buf_init(&token, TOKEN_SIZE_MAX);
	assert_int_equal(token_sign(signer.key, &claims, &token), 0);
	assert_int_equal(base64url_decode(str_slice(buf_str(&token), 0, (size_t)str_index(buf_str(&token), '.', 0)),
	                                  header, sizeof(header), &len),
	                 0);
	(void)snprintf(wanted, sizeof(wanted), "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}",
	               token_key_id(signer.key));
	assert_int_equal(len, strlen(wanted));
	assert_memory_equal(header, wanted, len);
}

static void test_sign_refuses_what_verify_would(void **state UNUSED)
{
	static char long_text[7000];
	struct token_claims bad[12];
	struct buf token CLEANUP(buf_done);

	memset(long_text, 'x', sizeof(long_text));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = some_claims();
	bad[0].iss = STR_NULL;
	bad[1].aud = STR("");
	bad[2].sub = STR_NULL;
	bad[3].jti = STR_NULL;
	bad[4].client_id = STR_NULL;
	bad[5].exp = 0;
	bad[6].exp = TOKEN_TIME_MAX + 1;
	bad[7].iat = -1;
	bad[8].nbf = -1;
	bad[9].sub = STR("\xff");
	bad[10].role = STR("a\0b");
	bad[11].exp = bad[11].iat;
	buf_init(&token, 10 * TOKEN_SIZE_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(token_sign(signer.key, &bad[i], &token), -EINVAL);
	bad[0] = some_claims();
	bad[0].role = (struct str){ long_text, sizeof(long_text) };
	assert_int_equal(token_sign(signer.key, &bad[0], &token), -EMSGSIZE);
	assert_int_equal(token.len, 0);
}

static void test_audience_that_was_asked_for_comes_back(void **state UNUSED)
{
	struct token_verifier *v CLEANUP(token_verifier_free) = verifier_for(&signer, 0);
	struct arena *a CLEANUP(arena_free) = NULL;
	struct buf token CLEANUP(buf_done);
	struct token_claims claims;
	enum token_error e;

	buf_init(&token, TOKEN_SIZE_MAX);
	assert_int_equal(arena_new(10000, &a), 0);
	sign_any(&signer, STR(GOOD_HEADER),
	         STR("{\"iss\":\"https://"
	             "cinesync.test\",\"aud\":[\"a\",\"cinesync\",\"b\"],\"sub\":\"u\",\"client_id\":\"c\","
	             "\"jti\":\"j\",\"iat\":1,\"exp\":2000}"),
	         &token);
	assert_int_equal(token_verify(v, buf_str(&token), GOOD_NOW, a, &claims, &e), 0);
	assert_true(str_equal(claims.aud, STR("cinesync")));
	assert_true(str_is_null(claims.sid) && str_is_null(claims.role));
}

static void test_policy_without_issuer_and_audience(void **state UNUSED)
{
	const struct token_policy policy = { 0 };
	struct token_verifier *v CLEANUP(token_verifier_free) = NULL;
	struct token_keyset *keys = NULL;
	struct buf token CLEANUP(buf_done);

	buf_init(&token, TOKEN_SIZE_MAX);
	assert_int_equal(token_keyset_from_key(signer.key, &keys), 0);
	assert_int_equal(token_verifier_new(&keys, &policy, &v), 0);
	assert_null(keys);
	sign_any(&signer, STR(GOOD_HEADER),
	         STR("{\"iss\":\"any\",\"aud\":\"any\",\"sub\":\"u\",\"client_id\":\"c\",\"jti\":\"j\",\"iat\":1,"
	             "\"exp\":9}"),
	         &token);
	assert_int_equal(verify_at(v, buf_str(&token), 5), TOKEN_OK);
	assert_int_equal(verify_at(v, buf_str(&token), 9), TOKEN_EXPIRED);
	assert_int_equal(verify_at(v, buf_str(&token), 0), TOKEN_NOT_YET_VALID);
}

static void test_small_arena_is_not_a_refusal(void **state UNUSED)
{
	struct token_verifier *v CLEANUP(token_verifier_free) = verifier_for(&signer, 10);
	struct arena *a CLEANUP(arena_free) = NULL;
	struct buf token CLEANUP(buf_done);
	struct token_claims claims = { .iat = 77 };
	enum token_error e;

	buf_init(&token, TOKEN_SIZE_MAX);
	sign_any(&signer, STR(GOOD_HEADER), STR(GOOD_CLAIMS), &token);
	assert_int_equal(arena_new(16, &a), 0);
	assert_int_equal(token_verify(v, buf_str(&token), GOOD_NOW, a, &claims, &e), -ENOMEM);
	assert_int_equal(claims.iat, 77);
}

static void test_error_names_are_all_there(void **state UNUSED)
{
	for (int e = TOKEN_OK; e <= TOKEN_FORBIDDEN_HEADER; e++)
		assert_true(strlen(token_error_name((enum token_error)e)) > 1);
	assert_string_equal(token_error_name(TOKEN_BAD_SIGNATURE), "bad-signature");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_header_is_rfc9068s),
		cmocka_unit_test(test_sign_refuses_what_verify_would),
		cmocka_unit_test(test_audience_that_was_asked_for_comes_back),
		cmocka_unit_test(test_policy_without_issuer_and_audience),
		cmocka_unit_test(test_small_arena_is_not_a_refusal),
		cmocka_unit_test(test_error_names_are_all_there),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
