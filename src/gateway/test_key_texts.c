/* Key sets as texts: each verifies its own tokens and no others', and few are kept. */
#include "gateway/key_texts.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#define NOW 1700000000

struct issuer {
	struct token_key *key;
	struct buf set;
	struct buf token;
};

static const struct token_policy policy = {
	.issuer = "cinesync", .audience = "cinesync", .leeway_s = 5, .cache_max = 100
};

static void issuer_make(struct issuer *ret)
{
	const struct token_claims claims = { .iss = STR("cinesync"),
		                             .aud = STR("cinesync"),
		                             .sub = STR("anna"),
		                             .jti = STR("1"),
		                             .client_id = STR("web"),
		                             .iat = NOW,
		                             .exp = NOW + 600 };
	struct buf private CLEANUP(buf_done);

	buf_init(&private, 4096);
	buf_init(&ret->set, 4096);
	buf_init(&ret->token, TOKEN_SIZE_MAX);
	assert_int_equal(token_key_generate(&private), 0);
	assert_int_equal(token_key_parse(buf_str(&private), &ret->key), 0);
	assert_int_equal(token_jwks_write((const struct token_key *const *)&ret->key, 1, &ret->set), 0);
	assert_int_equal(token_sign(ret->key, &claims, &ret->token), 0);
}

static void issuer_drop(struct issuer *i)
{
	token_key_free(&i->key);
	buf_done(&i->set);
	buf_done(&i->token);
}

static struct key_texts *texts_new(void)
{
	struct key_texts *t = NULL;

	assert_int_equal(key_texts_new(&policy, &t), 0);
	return t;
}

/* Whether the text had to be read; 0 is what key_texts_get() has to say. */
static bool is_read(struct key_texts *t, struct str text, struct token_verifier **ret)
{
	bool is_new = false;

	*ret = NULL;
	assert_int_equal(key_texts_get(t, text, ret, &is_new), 0);
	assert_non_null(*ret);
	return is_new;
}

static enum token_error judge(struct token_verifier *v, struct str token)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct token_claims claims;
	enum token_error error = TOKEN_OK;
	int r;

	assert_int_equal(arena_new(65536, &a), 0);
	r = token_verify(v, token, NOW + 1, a, &claims, &error);
	assert_int_equal(r, error == TOKEN_OK ? 0 : -EACCES);
	return error;
}

static void test_each_verifies_its_own(void **state)
{
	struct key_texts *t CLEANUP(key_texts_free) = texts_new();
	struct issuer one CLEANUP(issuer_drop), other CLEANUP(issuer_drop);
	struct token_verifier *v;

	(void)state;
	issuer_make(&one);
	issuer_make(&other);
	/* Twice: what is remembered of one is nothing to the other. */
	for (int round = 0; round < 2; round++) {
		assert_int_equal(is_read(t, buf_str(&one.set), &v), round == 0);
		assert_int_equal(judge(v, buf_str(&one.token)), TOKEN_OK);
		assert_int_equal(judge(v, buf_str(&other.token)), TOKEN_UNKNOWN_KEY);
		assert_int_equal(is_read(t, buf_str(&other.set), &v), round == 0);
		assert_int_equal(judge(v, buf_str(&other.token)), TOKEN_OK);
		assert_int_equal(judge(v, buf_str(&one.token)), TOKEN_UNKNOWN_KEY);
	}
}

static void test_the_one_asked_for_longest_ago_goes(void **state)
{
	struct key_texts *t CLEANUP(key_texts_free) = texts_new();
	struct issuer many[KEY_TEXTS_MAX + 1];
	struct token_verifier *v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		issuer_make(&many[i]);
	for (size_t i = 0; i < KEY_TEXTS_MAX; i++)
		assert_true(is_read(t, buf_str(&many[i].set), &v));
	assert_false(is_read(t, buf_str(&many[0].set), &v)); /* now the second is the oldest */
	assert_true(is_read(t, buf_str(&many[KEY_TEXTS_MAX].set), &v));
	assert_false(is_read(t, buf_str(&many[0].set), &v));
	for (size_t i = 2; i < ARRAY_SIZE(many); i++)
		assert_false(is_read(t, buf_str(&many[i].set), &v));
	assert_true(is_read(t, buf_str(&many[1].set), &v));
	assert_int_equal(judge(v, buf_str(&many[1].token)), TOKEN_OK);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		issuer_drop(&many[i]);
}

static void test_what_is_no_key_set_is_read_once(void **state)
{
	struct key_texts *t CLEANUP(key_texts_free) = texts_new();
	static const char *const wrong[] = { "x", "{}", "{\"keys\":[]}",
		                             "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}" };
	struct token_verifier *v = NULL;
	bool is_new;
	char *large = malloc(TOKEN_JWKS_SIZE_MAX + 1);

	(void)state;
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
			assert_int_equal(key_texts_get(t, str_from(wrong[i]), &v, &is_new), -EINVAL);
			assert_int_equal(is_new, round == 0);
			assert_null(v);
		}
	assert_int_equal(key_texts_get(t, STR(""), &v, &is_new), -EINVAL);
	assert_non_null(large);
	memset(large, ' ', TOKEN_JWKS_SIZE_MAX + 1);
	assert_int_equal(key_texts_get(t, (struct str){ large, TOKEN_JWKS_SIZE_MAX + 1 }, &v, &is_new), -EFBIG);
	assert_int_equal(key_texts_get(t, (struct str){ large, TOKEN_JWKS_SIZE_MAX }, &v, &is_new), -EINVAL);
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_verifies_its_own),
		cmocka_unit_test(test_the_one_asked_for_longest_ago_goes),
		cmocka_unit_test(test_what_is_no_key_set_is_read_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
