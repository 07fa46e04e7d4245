/* The compact JWS (RFC 7515): taken apart strictly here, the signature by cjose.
 *
 * Everything is checked before cjose sees the text: its length, three canonical base64url parts, the header's JSON, the
 * one algorithm, the headers that would let a token bring its own key or rules, and a signature of 64 bytes. So the
 * library only ever does one thing for a stranger: an ES256 check with a key that we chose. */
#include "token/base64url.h"
#include "token/token_internal.h"

#include <errno.h>
#include <openssl/err.h>

#define SIGNATURE_LEN 86 /* 64 bytes, r and s, in base64url */

static const char *const error_names[] = {
	[TOKEN_OK] = "ok",
	[TOKEN_MALFORMED] = "malformed",
	[TOKEN_TOO_LONG] = "too-long",
	[TOKEN_WRONG_TYPE] = "wrong-type",
	[TOKEN_WRONG_ALGORITHM] = "wrong-algorithm",
	[TOKEN_UNKNOWN_KEY] = "unknown-key",
	[TOKEN_BAD_SIGNATURE] = "bad-signature",
	[TOKEN_EXPIRED] = "expired",
	[TOKEN_NOT_YET_VALID] = "not-yet-valid",
	[TOKEN_WRONG_ISSUER] = "wrong-issuer",
	[TOKEN_WRONG_AUDIENCE] = "wrong-audience",
	[TOKEN_MISSING_CLAIM] = "missing-claim",
	[TOKEN_FORBIDDEN_HEADER] = "forbidden-header",
};

const char *token_error_name(enum token_error e)
{
	return (size_t)e < ARRAY_SIZE(error_names) ? error_names[e] : "unknown";
}

static bool split(struct str text, struct str ret[3])
{
	ptrdiff_t first = str_index(text, '.', 0);
	ptrdiff_t second = first < 0 ? -1 : str_index(text, '.', (size_t)first + 1);

	/* A third dot ends up in the last part, where it is not of the alphabet. */
	if (second < 0)
		return false;
	ret[0] = str_slice(text, 0, (size_t)first);
	ret[1] = str_slice(text, (size_t)first + 1, (size_t)second);
	ret[2] = str_slice(text, (size_t)second + 1, text.len);
	return true;
}

static int header_decode(struct str encoded, json_t **ret)
{
	char text[TOKEN_HEADER_SIZE_MAX / 4 * 3];
	size_t len;

	if (encoded.len > TOKEN_HEADER_SIZE_MAX || base64url_decode(encoded, text, sizeof(text), &len) < 0)
		return -EINVAL;
	return json_parse_strict((struct str){ text, len }, ret);
}

static enum token_error header_check(const json_t *header)
{
	static const char *const forbidden[] = { "crit", "b64", "zip", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256" };

	if (!str_equal(json_member_str(header, "alg"), STR("ES256")))
		return TOKEN_WRONG_ALGORITHM;
	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
		if (json_object_get(header, forbidden[i]))
			return TOKEN_FORBIDDEN_HEADER;
	if (json_object_get(header, "kid") && !json_is_string(json_object_get(header, "kid")))
		return TOKEN_MALFORMED;
	return TOKEN_OK;
}

int jws_parse(struct str text, struct jws *ret, enum token_error *ret_error)
{
	struct str parts[3];
	int r;

	*ret = (struct jws){ .text = text };
	*ret_error = TOKEN_TOO_LONG;
	if (text.len > TOKEN_SIZE_MAX)
		return -EACCES;
	*ret_error = TOKEN_MALFORMED;
	if (str_is_null(text) || !split(text, parts))
		return -EACCES;
	if (!base64url_is_canonical(parts[1]) || !base64url_is_canonical(parts[2]))
		return -EACCES;
	r = header_decode(parts[0], &ret->header);
	if (r < 0)
		return r == -ENOMEM ? r : -EACCES;
	*ret_error = header_check(ret->header);
	if (*ret_error != TOKEN_OK)
		return -EACCES;
	*ret_error = TOKEN_BAD_SIGNATURE;
	if (parts[2].len != SIGNATURE_LEN)
		return -EACCES;
	ret->kid = json_member_str(ret->header, "kid");
	*ret_error = TOKEN_OK;
	return 0;
}

void jws_done(struct jws *j)
{
	json_done(&j->header);
}

int jws_open(const struct jws *j, const cjose_jwk_t *key, cjose_jws_t **ret_opened)
{
	cjose_err err = { 0 };
	cjose_jws_t *opened = cjose_jws_import(j->text.data, j->text.len, &err);

	if (opened && cjose_jws_verify(opened, key, &err)) {
		*ret_opened = opened;
		return 0;
	}
	if (opened)
		cjose_jws_release(opened);
	ERR_clear_error(); /* or a later TLS call on this thread reports our failure */
	return err.code == CJOSE_ERR_NO_MEMORY ? -ENOMEM : -EACCES;
}

struct str jws_payload(const cjose_jws_t *opened)
{
	uint8_t *data;
	size_t len;

	if (!cjose_jws_get_plaintext(opened, &data, &len, NULL))
		return STR_NULL;
	return (struct str){ (const char *)data, len };
}

static int open_with_any(const struct token_keyset *keys, const struct jws *jws, cjose_jws_t **ret_opened)
{
	int r = -EACCES;

	for (size_t i = 0; i < keys->n && r == -EACCES; i++)
		r = jws_open(jws, keys->keys[i].jwk, ret_opened);
	return r;
}

int token_verify_jws(const struct token_keyset *keys, struct str text, struct buf *payload, enum token_error *ret_error)
{
	struct jws jws CLEANUP(jws_done) = { 0 };
	const cjose_jwk_t *key;
	cjose_jws_t *opened;
	int r;

	r = jws_parse(text, &jws, ret_error);
	if (r < 0)
		return r;
	key = keyset_find(keys, jws.kid);
	*ret_error = TOKEN_UNKNOWN_KEY;
	if (!key && !str_is_null(jws.kid))
		return -EACCES;
	*ret_error = TOKEN_BAD_SIGNATURE;
	r = key ? jws_open(&jws, key, &opened) : open_with_any(keys, &jws, &opened);
	if (r < 0)
		return r;
	*ret_error = TOKEN_OK;
	buf_add_str(payload, jws_payload(opened));
	cjose_jws_release(opened);
	return buf_error(payload);
}
