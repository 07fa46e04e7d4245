/* Key sets: the public keys that tokens are checked with, by kid, and the JWKS document they travel in.
 *
 * A document may come over the network from our own user service: it is read with limits (TOKEN_JWKS_SIZE_MAX,
 * TOKEN_KEYS_MAX), and what is not a usable key in it is passed over, as RFC 7517 section 5 asks. */
#include "token/token_internal.h"

#include <errno.h>
#include <stdlib.h>

#define KEYSET_MAGIC 0x746b7365

int token_jwks_write(const struct token_key *const *keys, size_t n, struct buf *out)
{
	buf_adds(out, "{\"keys\":[");
	for (size_t i = 0; i < n; i++) {
		int r;

		if (i > 0)
			buf_addc(out, ',');
		r = token_key_public_write(keys[i], out);
		if (r < 0)
			return r;
	}
	buf_adds(out, "]}");
	return buf_error(out);
}

static bool is_absent_or(const json_t *json, const char *name, struct str wanted)
{
	return !json_object_get(json, name) || str_equal(json_member_str(json, name), wanted);
}

/* RFC 7517 section 4.3: absent, or an array with "verify" in it. */
static bool operations_allow(const json_t *json)
{
	const json_t *operations = json_object_get(json, "key_ops");

	if (!operations)
		return true;
	for (size_t i = 0; i < json_array_size(operations); i++) {
		const char *operation = json_string_value(json_array_get(operations, i));

		if (operation && strcmp(operation, "verify") == 0)
			return true;
	}
	return false;
}

static bool kid_set(struct public_key *key, const json_t *json, const char *thumbprint)
{
	struct str kid = json_object_get(json, "kid") ? json_member_str(json, "kid") : str_from(thumbprint);

	if (kid.len == 0 || kid.len > TOKEN_KID_SIZE_MAX)
		return false;
	memcpy(key->kid, kid.data, kid.len);
	key->kid[kid.len] = '\0';
	return true;
}

/* 0: added or passed over; -ENOMEM. */
static int keyset_add(struct token_keyset *s, const json_t *json)
{
	struct public_key *key = &s->keys[s->n];
	char thumbprint[COORDINATE_SIZE];
	cjose_jwk_t *jwk;
	int r;

	if (s->n == TOKEN_KEYS_MAX || !json_is_object(json) || !is_absent_or(json, "alg", STR("ES256")) ||
	    !is_absent_or(json, "use", STR("sig")) || !operations_allow(json))
		return 0;
	r = jwk_import(json, false, &jwk, thumbprint);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (!kid_set(key, json, thumbprint) || keyset_find(s, str_from(key->kid))) {
		cjose_jwk_release(jwk);
		return 0;
	}
	key->jwk = jwk;
	s->n++;
	return 0;
}

static int keyset_from_json(const json_t *list, struct token_keyset **ret)
{
	struct token_keyset *s CLEANUP(token_keyset_free) = NULL;

	if (!json_is_array(list))
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->magic = KEYSET_MAGIC;
	for (size_t i = 0; i < json_array_size(list); i++) {
		int r = keyset_add(s, json_array_get(list, i));

		if (r < 0)
			return r;
	}
	if (s->n == 0)
		return -EINVAL;
	*ret = STEAL(s);
	return 0;
}

int token_keyset_parse(struct str jwks, struct token_keyset **ret)
{
	json_t *json CLEANUP(json_done) = NULL;
	int r;

	if (jwks.len > TOKEN_JWKS_SIZE_MAX)
		return -EINVAL;
	r = json_parse_strict(jwks, &json);
	if (r < 0)
		return r;
	return keyset_from_json(json_object_get(json, "keys"), ret);
}

int token_keyset_from_key(const struct token_key *k, struct token_keyset **ret)
{
	struct buf b CLEANUP(buf_done);
	int r;

	buf_init(&b, TOKEN_JWKS_SIZE_MAX);
	r = token_jwks_write(&k, 1, &b);
	if (r < 0)
		return r;
	return token_keyset_parse(buf_str(&b), ret);
}

void token_keyset_free(struct token_keyset **s)
{
	if (!s || !*s)
		return;
	assert((*s)->magic == KEYSET_MAGIC);
	for (size_t i = 0; i < (*s)->n; i++)
		cjose_jwk_release((*s)->keys[i].jwk);
	(*s)->magic = 0;
	free(*s);
	*s = NULL;
}

const cjose_jwk_t *keyset_find(const struct token_keyset *s, struct str kid)
{
	assert(s && s->magic == KEYSET_MAGIC);
	for (size_t i = 0; i < s->n; i++)
		if (str_equal(str_from(s->keys[i].kid), kid))
			return s->keys[i].jwk;
	return NULL;
}
