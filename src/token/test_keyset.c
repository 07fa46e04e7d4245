/* Key sets, and signatures checked alone. */
#include "token/test_support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

/* RFC 7515, appendix A.3. */
#define RFC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define RFC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define RFC_JWK(more) "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_X "\",\"y\":\"" RFC_Y "\"" more "}"
#define RFC_JWS                                                                                    \
	"eyJhbGciOiJFUzI1NiJ9."                                                                    \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
	"cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define RFC_PAYLOAD "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"

static int parse(const char *jwks, struct token_keyset **ret)
{
	return token_keyset_parse(str_from(jwks), ret);
}

static const struct {
	const char *jwks;
	size_t n; /* 0: refused */
} documents[] = {
	{ "{\"keys\":[" RFC_JWK("") "]}", 1 },
	{ "{\"keys\":[" RFC_JWK(",\"kid\":\"a\",\"alg\":\"ES256\",\"use\":\"sig\",\"key_ops\":[\"verify\"]") "]}", 1 },
	{ "{\"more\":1,\"keys\":[" RFC_JWK(",\"kid\":\"a\"") "," RFC_JWK(",\"kid\":\"b\"") "]}", 2 },
	{ "{\"keys\":[" RFC_JWK(",\"kid\":\"a\"") "," RFC_JWK(",\"kid\":\"a\"") "]}", 1 },
	{ "{\"keys\":[7,null,\"x\",[],{},{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}," RFC_JWK("") "]}", 1 },
	{ "{\"keys\":[" RFC_JWK(",\"alg\":\"ES384\"") "]}", 0 },
	{ "{\"keys\":[" RFC_JWK(",\"alg\":7") "]}", 0 },
	{ "{\"keys\":[" RFC_JWK(",\"use\":\"enc\"") "]}", 0 },
	{ "{\"keys\":[" RFC_JWK(",\"key_ops\":[\"sign\"]") "]}", 0 },
	{ "{\"keys\":[" RFC_JWK(",\"key_ops\":\"verify\"") "]}", 0 },
	{ "{\"keys\":[" RFC_JWK(",\"kid\":\"\"") "]}", 0 },
	{ "{\"keys\":[" RFC_JWK(",\"kid\":7") "]}", 0 },
	{ "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_Y "\",\"y\":\"" RFC_X "\"}]}", 0 },
	{ "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_X "\"}]}", 0 },
	{ "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"" RFC_X "\",\"y\":\"" RFC_Y "\"}]}", 0 },
	{ "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"a\"}]}", 0 },
	{ "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
	  "\"y\":"
	  "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}",
	  0 },
	{ "{\"keys\":[]}", 0 },
	{ "{\"keys\":{}}", 0 },
	{ "{\"keys\":[" RFC_JWK("") "],\"keys\":[" RFC_JWK("") "]}", 0 },
	{ RFC_JWK(""), 0 },
	{ "[]", 0 },
	{ "", 0 },
	{ "{\"keys\":[" RFC_JWK("") "]} x", 0 },
	{ "{\"keys\":[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]}", 0 },
};

static void test_documents(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		struct token_keyset *keys CLEANUP(token_keyset_free) = NULL;

		if (parse(documents[i].jwks, &keys) != (documents[i].n > 0 ? 0 : -EINVAL))
			fail_msg("%s", documents[i].jwks);
		assert_int_equal(keys ? keys->n : 0, documents[i].n);
	}
	assert_int_equal(token_keyset_parse(STR_NULL, &(struct token_keyset *){ NULL }), -EINVAL);
}

static void test_at_most_32_keys(void **state UNUSED)
{
	struct token_keyset *keys CLEANUP(token_keyset_free) = NULL;
	struct buf jwks CLEANUP(buf_done);

	buf_init(&jwks, TOKEN_JWKS_SIZE_MAX);
	buf_adds(&jwks, "{\"keys\":[");
	for (int i = 0; i < 40; i++)
		buf_addf(&jwks, "%s" RFC_JWK(",\"kid\":\"k%d\""), i > 0 ? "," : "", i);
	buf_adds(&jwks, "]}");
	assert_int_equal(token_keyset_parse(buf_str(&jwks), &keys), 0);
	assert_int_equal(keys->n, TOKEN_KEYS_MAX);
	assert_non_null(keyset_find(keys, STR("k31")));
	assert_null(keyset_find(keys, STR("k32")));
}

static void test_rfc7515_a3(void **state UNUSED)
{
	struct token_keyset *keys CLEANUP(token_keyset_free) = NULL;
	struct buf payload CLEANUP(buf_done);
	enum token_error e;

	buf_init(&payload, 1000);
	assert_int_equal(parse("{\"keys\":[" RFC_JWK("") "]}", &keys), 0);
	assert_int_equal(token_verify_jws(keys, STR(RFC_JWS), &payload, &e), 0);
	assert_int_equal(e, TOKEN_OK);
	assert_true(str_equal(buf_str(&payload), STR(RFC_PAYLOAD)));
}

static enum token_error verify_jws(const struct token_keyset *keys, const struct signer *s, struct str header,
                                   struct str payload)
{
	struct buf jws CLEANUP(buf_done);
	struct buf out CLEANUP(buf_done);
	enum token_error e;
	int r;

	buf_init(&jws, 100000);
	buf_init(&out, 100000);
	sign_any(s, header, payload, &jws);
	r = token_verify_jws(keys, buf_str(&jws), &out, &e);
	assert_int_equal(r, e == TOKEN_OK ? 0 : -EACCES);
	if (r == 0)
		assert_true(str_equal(buf_str(&out), payload));
	return e;
}

static void test_jws_of_any_type_and_payload(void **state UNUSED)
{
	struct token_keyset *keys CLEANUP(token_keyset_free) = NULL;
	struct signer s, stranger;

	signer_new(&s);
	signer_new(&stranger);
	assert_int_equal(token_keyset_from_key(s.key, &keys), 0);
	assert_int_equal(verify_jws(keys, &s, STR("{\"alg\":\"ES256\"}"), STR("")), TOKEN_OK);
	assert_int_equal(verify_jws(keys, &s, STR("{\"alg\":\"ES256\",\"typ\":\"JWT\"}"), STR("\0\xff\n")), TOKEN_OK);
	assert_int_equal(verify_jws(keys, &s, STR(GOOD_HEADER), STR("not JSON")), TOKEN_OK);
	assert_int_equal(verify_jws(keys, &stranger, STR("{\"alg\":\"ES256\"}"), STR("x")), TOKEN_BAD_SIGNATURE);
	assert_int_equal(verify_jws(keys, &stranger, STR(GOOD_HEADER), STR("x")), TOKEN_UNKNOWN_KEY);
	assert_int_equal(verify_jws(keys, &s, STR("{\"alg\":\"none\"}"), STR("x")), TOKEN_WRONG_ALGORITHM);
	assert_int_equal(verify_jws(keys, &s, STR("{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}"), STR("x")),
	                 TOKEN_FORBIDDEN_HEADER);
	signer_free(&s);
	signer_free(&stranger);
}

/* Rotation: the set has the old key and the new one. */
static void test_set_of_two_keys(void **state UNUSED)
{
	struct token_keyset *keys CLEANUP(token_keyset_free) = NULL;
	struct buf jwks CLEANUP(buf_done);
	struct signer old, new;

	signer_new(&old);
	signer_new(&new);
	buf_init(&jwks, 10000);
	assert_int_equal(token_jwks_write((const struct token_key *const[]){ old.key, new.key }, 2, &jwks), 0);
	assert_null(strstr(jwks.data, "\"d\""));
	assert_int_equal(token_keyset_parse(buf_str(&jwks), &keys), 0);
	assert_int_equal(verify_jws(keys, &old, STR(GOOD_HEADER), STR("x")), TOKEN_OK);
	assert_int_equal(verify_jws(keys, &new, STR(GOOD_HEADER), STR("x")), TOKEN_OK);
	assert_int_equal(verify_jws(keys, &new, STR("{\"alg\":\"ES256\"}"), STR("no kid")), TOKEN_OK);
	signer_free(&old);
	signer_free(&new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents),       cmocka_unit_test(test_at_most_32_keys),
		cmocka_unit_test(test_rfc7515_a3),      cmocka_unit_test(test_jws_of_any_type_and_payload),
		cmocka_unit_test(test_set_of_two_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
