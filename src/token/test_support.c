/* See test_support.h. Failures here are asserts: the tests stand on it. */
#include "token/test_support.h"

#include "token/base64url.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <stdio.h>

static void coordinate_add(const struct signer *s, const char *name, const char *param, struct buf *out)
{
	BIGNUM *bn = NULL;
	uint8_t raw[32];
	int ok = EVP_PKEY_get_bn_param(s->pkey, param, &bn);

	assert(ok == 1);
	ok = BN_bn2binpad(bn, raw, sizeof(raw));
	assert(ok == 32);
	buf_addf(out, ",\"%s\":\"", name);
	base64url_write(out, raw, sizeof(raw));
	buf_addc(out, '"');
	BN_clear_free(bn);
}

void signer_new(struct signer *ret)
{
	struct buf jwk CLEANUP(buf_done);
	int r;

	ret->pkey = EVP_EC_gen("P-256");
	assert(ret->pkey);
	buf_init(&jwk, 1000);
	buf_adds(&jwk, "{\"kty\":\"EC\",\"crv\":\"P-256\"");
	coordinate_add(ret, "x", OSSL_PKEY_PARAM_EC_PUB_X, &jwk);
	coordinate_add(ret, "y", OSSL_PKEY_PARAM_EC_PUB_Y, &jwk);
	coordinate_add(ret, "d", OSSL_PKEY_PARAM_PRIV_KEY, &jwk);
	buf_addc(&jwk, '}');
	r = token_key_parse(buf_str(&jwk), &ret->key);
	assert(r == 0);
}

void signer_free(struct signer *s)
{
	EVP_PKEY_free(s->pkey);
	token_key_free(&s->key);
}

void signing_input(const struct signer *s, struct str header, struct str payload, struct buf *out)
{
	const char *place = header.len > 0 ? memmem(header.data, header.len, "$KID", 4) : NULL;
	struct buf filled CLEANUP(buf_done);

	buf_init(&filled, 100000);
	if (place) {
		buf_add(&filled, header.data, (size_t)(place - header.data));
		buf_adds(&filled, token_key_id(s->key));
		buf_add_str(&filled, str_slice(header, (size_t)(place - header.data) + 4, header.len));
	} else {
		buf_add_str(&filled, header);
	}
	base64url_write(out, filled.data, filled.len);
	buf_addc(out, '.');
	base64url_write(out, payload.data, payload.len);
}

size_t signature_der(const struct signer *s, struct str text, uint8_t ret[80])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t len = 80;
	int ok = EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, s->pkey);

	assert(ok == 1);
	ok = EVP_DigestSign(context, ret, &len, (const uint8_t *)text.data, text.len);
	assert(ok == 1);
	EVP_MD_CTX_free(context);
	return len;
}

void signature_raw(const struct signer *s, struct str text, uint8_t ret[64])
{
	uint8_t der[80];
	const uint8_t *at = der;
	size_t len = signature_der(s, text, der);
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);

	assert(sig);
	(void)BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, 32);
	(void)BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + 32, 32);
	ECDSA_SIG_free(sig);
}

void sign_any(const struct signer *s, struct str header, struct str payload, struct buf *out)
{
	uint8_t signature[64];

	signing_input(s, header, payload, out);
	signature_raw(s, buf_str(out), signature);
	buf_addc(out, '.');
	base64url_write(out, signature, sizeof(signature));
	assert(buf_str(out).len > 0);
}

struct token_verifier *verifier_for(const struct signer *s, size_t cache_max)
{
	const struct token_policy policy = {
		.issuer = "https://cinesync.test", .audience = "cinesync", .leeway_s = 10, .cache_max = cache_max
	};
	struct token_keyset *keys = NULL;
	struct token_verifier *v = NULL;
	int r = token_keyset_from_key(s->key, &keys);

	assert(r == 0);
	r = token_verifier_new(&keys, &policy, &v);
	assert(r == 0);
	return v;
}

enum token_error verify_at(struct token_verifier *v, struct str token, int64_t now_s)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct token_claims claims;
	enum token_error e;
	int r = arena_new(100000, &a);

	assert(r == 0);
	r = token_verify(v, token, now_s, a, &claims, &e);
	assert(r == (e == TOKEN_OK ? 0 : -EACCES));
	return e;
}
