/* Keys: private JWKs, their thumbprints, new ones.
 *
 * A struct token_key owns its cjose key. Texts that hold a private key are wiped before they are freed; the copies
 * inside jansson and cjose are out of our hands. */
#include "token/base64url.h"
#include "token/token_internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define KEY_MAGIC 0x746b6579

static int cjose_to_errno(const cjose_err *err)
{
	ERR_clear_error(); /* or a later TLS call on this thread reports our failure */
	return err->code == CJOSE_ERR_NO_MEMORY ? -ENOMEM : -EINVAL;
}

static int thumbprint_make(struct str x, struct str y, char ret[COORDINATE_SIZE])
{
	struct buf b CLEANUP(buf_done);
	uint8_t digest[DIGEST_SIZE];
	int r;

	buf_init(&b, 512);
	buf_addf(&b, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%.*s\",\"y\":\"%.*s\"}", STR_ARGS(x), STR_ARGS(y));
	r = buf_error(&b);
	if (r < 0)
		return r;
	if (EVP_Digest(b.data, b.len, digest, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	buf_reset(&b);
	base64url_write(&b, digest, sizeof(digest));
	r = buf_error(&b);
	if (r < 0)
		return r;
	memcpy(ret, b.data, COORDINATE_SIZE);
	return 0;
}

static bool is_coordinate(struct str s)
{
	return s.len == COORDINATE_SIZE - 1 && base64url_is_canonical(s);
}

int jwk_import(const json_t *json, bool priv, cjose_jwk_t **ret_jwk, char ret_thumbprint[COORDINATE_SIZE])
{
	struct str x = json_member_str(json, "x");
	struct str y = json_member_str(json, "y");
	struct str d = json_member_str(json, "d");
	uint8_t raw[3][32];
	cjose_jwk_ec_keyspec spec = { .crv = CJOSE_JWK_EC_P_256, .x = raw[0], .xlen = 32, .y = raw[1], .ylen = 32 };
	size_t len;
	int r;

	if (!str_equal(json_member_str(json, "kty"), STR("EC")) ||
	    !str_equal(json_member_str(json, "crv"), STR("P-256")))
		return -EINVAL;
	if (!is_coordinate(x) || !is_coordinate(y) || (priv && !is_coordinate(d)))
		return -EINVAL;
	if (base64url_decode(x, raw[0], 32, &len) < 0 || base64url_decode(y, raw[1], 32, &len) < 0)
		return -EINVAL;
	if (priv && base64url_decode(d, raw[2], 32, &len) == 0) {
		spec.d = raw[2];
		spec.dlen = 32;
	}
	r = thumbprint_make(x, y, ret_thumbprint);
	if (r < 0)
		return r;
	*ret_jwk = cjose_jwk_create_EC_spec(&spec, NULL);
	explicit_bzero(raw, sizeof(raw));
	if (*ret_jwk)
		return 0;
	/* Not cjose_to_errno(): it calls a point that is not on the curve "out of memory". */
	ERR_clear_error();
	return -EINVAL;
}

/* A key file put together by hand may hold halves of different keys. */
static int key_check(const struct token_key *k)
{
	struct token_claims claims = { .iss = STR("i"),
		                       .aud = STR("a"),
		                       .sub = STR("s"),
		                       .jti = STR("j"),
		                       .client_id = STR("c"),
		                       .iat = 1,
		                       .exp = 2 };
	struct token_keyset *keys CLEANUP(token_keyset_free) = NULL;
	struct buf b CLEANUP(buf_done);
	enum token_error error;
	struct jws jws CLEANUP(jws_done) = { 0 };
	cjose_jws_t *opened = NULL;
	int r;

	buf_init(&b, TOKEN_SIZE_MAX);
	r = token_sign(k, &claims, &b);
	if (r < 0)
		return r;
	r = token_keyset_from_key(k, &keys);
	if (r < 0)
		return r;
	r = jws_parse(buf_str(&b), &jws, &error);
	if (r < 0)
		return r;
	r = jws_open(&jws, keys->keys[0].jwk, &opened);
	if (r < 0)
		return r == -EACCES ? -EINVAL : r;
	cjose_jws_release(opened);
	return 0;
}

static int key_from_json(const json_t *json, struct token_key **ret)
{
	struct token_key *k CLEANUP(token_key_free) = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->magic = KEY_MAGIC;
	r = jwk_import(json, true, &k->jwk, k->kid);
	if (r < 0)
		return r;
	memcpy(k->x, json_member_str(json, "x").data, COORDINATE_SIZE);
	memcpy(k->y, json_member_str(json, "y").data, COORDINATE_SIZE);
	r = key_check(k);
	if (r < 0)
		return r;
	*ret = STEAL(k);
	return 0;
}

int token_key_parse(struct str text, struct token_key **ret)
{
	json_t *json CLEANUP(json_done) = NULL;
	int r;

	r = json_parse_strict(text, &json);
	if (r < 0)
		return r;
	return key_from_json(json, ret);
}

void token_key_free(struct token_key **k)
{
	if (!k || !*k)
		return;
	assert((*k)->magic == KEY_MAGIC);
	if ((*k)->jwk)
		cjose_jwk_release((*k)->jwk);
	explicit_bzero(*k, sizeof(**k));
	free(*k);
	*k = NULL;
}

const char *token_key_id(const struct token_key *k)
{
	assert(k && k->magic == KEY_MAGIC);
	return k->kid;
}

int token_key_generate(struct buf *out)
{
	cjose_err err = { 0 };
	cjose_jwk_t *jwk = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &err);
	char *text;

	if (!jwk)
		return cjose_to_errno(&err);
	text = cjose_jwk_to_json(jwk, true, &err);
	cjose_jwk_release(jwk);
	if (!text)
		return cjose_to_errno(&err);
	buf_adds(out, text);
	buf_addc(out, '\n');
	explicit_bzero(text, strlen(text));
	cjose_get_dealloc()(text);
	return buf_error(out);
}

int token_key_public_write(const struct token_key *k, struct buf *out)
{
	buf_addf(out,
	         "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\",\"use\":\"sig\",\"alg\":\"ES256\","
	         "\"kid\":\"%s\"}",
	         k->x, k->y, token_key_id(k));
	return buf_error(out);
}
