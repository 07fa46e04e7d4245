/* What the files of this room share and nobody else sees. */
#ifndef CINESYNC_TOKEN_TOKEN_INTERNAL_H
#define CINESYNC_TOKEN_TOKEN_INTERNAL_H

#include "token/token.h"

#include <cjose/cjose.h>
#include <jansson.h>

#define COORDINATE_SIZE 44 /* 32 bytes in base64url and the NUL */
#define JSON_DEPTH_MAX 8

struct token_key {
	unsigned magic;
	cjose_jwk_t *jwk;
	char kid[COORDINATE_SIZE];
	char x[COORDINATE_SIZE];
	char y[COORDINATE_SIZE];
};

struct public_key {
	cjose_jwk_t *jwk;
	char kid[TOKEN_KID_SIZE_MAX + 1];
};

struct token_keyset {
	unsigned magic;
	size_t n;
	struct public_key keys[TOKEN_KEYS_MAX];
};

void json_done(json_t **json);
/* Strict: no duplicate keys, an object, no deeper than JSON_DEPTH_MAX (the parser recurses, and stacks of fibers are
 * small). 0, -EINVAL, -ENOMEM. */
int json_parse_strict(struct str text, json_t **ret) MUST_CHECK;
/* A string member, or a null str. */
struct str json_member_str(const json_t *object, const char *name);

/* Checks kty, crv and the form of x and y, and of d when priv. 0, -EINVAL, -ENOMEM. The thumbprint is RFC 7638's. */
int jwk_import(const json_t *json, bool priv, cjose_jwk_t **ret_jwk, char ret_thumbprint[COORDINATE_SIZE]) MUST_CHECK;

/* NULL when there is none of that kid. */
const cjose_jwk_t *keyset_find(const struct token_keyset *s, struct str kid);

/* A compact JWS, taken apart but not yet believed. */
struct jws {
	struct str text;
	json_t *header;
	struct str kid; /* null: absent */
};

/* TOKEN_OK, TOKEN_TOO_LONG, TOKEN_MALFORMED, TOKEN_WRONG_ALGORITHM, TOKEN_FORBIDDEN_HEADER; -ENOMEM. Whatever the
 * result, jws_done() may follow. */
int jws_parse(struct str text, struct jws *ret, enum token_error *ret_error) MUST_CHECK;
void jws_done(struct jws *j);
/* Checks the signature; *ret_opened holds the payload, for cjose_jws_release(). 0; -EACCES; -ENOMEM. */
int jws_open(const struct jws *j, const cjose_jwk_t *key, cjose_jws_t **ret_opened) MUST_CHECK;
struct str jws_payload(const cjose_jws_t *opened);

/* Claims whose texts lie in one block. */
size_t claims_text_size(const struct token_claims *c);
/* Copies the texts to `block` (of claims_text_size() bytes) and points ret there. */
void claims_copy(const struct token_claims *from, char *block, struct token_claims *ret);
/* Texts of *ret point into *ret_json, for json_done(). 0; -EACCES with the reason; -ENOMEM. */
int claims_parse(struct str payload, const struct token_policy *policy, json_t **ret_json, struct token_claims *ret,
                 enum token_error *ret_error) MUST_CHECK;
enum token_error claims_check_time(const struct token_claims *c, const struct token_policy *policy, int64_t now_s);

#define DIGEST_SIZE 32

struct token_cache; /* accepted tokens by the SHA-256 of their text; least recently used out first */

int token_cache_new(size_t entries_max, struct token_cache **ret) MUST_CHECK;
void token_cache_free(struct token_cache **c);
void token_cache_clear(struct token_cache *c);
/* NULL when unknown; valid until the next change of the cache. */
const struct token_claims *token_cache_get(struct token_cache *c, const uint8_t digest[DIGEST_SIZE]);
/* Best effort: without memory, or with texts over a limit, the token is just not remembered. */
void token_cache_put(struct token_cache *c, const uint8_t digest[DIGEST_SIZE], const struct token_claims *claims);
void token_cache_remove(struct token_cache *c, const uint8_t digest[DIGEST_SIZE]);
size_t token_cache_count(const struct token_cache *c);

#endif
