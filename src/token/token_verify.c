/* The verifier: what a service asks about a token that a stranger shows it.
 *
 * Order: cache, form, type, key, signature, claims, times; a token that fails anywhere leaves no trace in the cache.
 * Owns the keyset, copies of the policy's texts, and the cache. One thread; never yields. */
#include "token/token_internal.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define VERIFIER_MAGIC 0x746b7665
#define LEEWAY_MAX_S 300

struct token_verifier {
	unsigned magic;
	struct token_keyset *keys;
	struct token_policy policy; /* its texts are owned */
	struct token_cache *cache;  /* NULL: none */
	EVP_MD *sha256;
	EVP_MD_CTX *sha256_context;
	uint64_t hits;
	uint64_t misses;
};

static int text_copy(const char *from, const char **ret)
{
	if (!from)
		return 0;
	*ret = strdup(from);
	return *ret ? 0 : -ENOMEM;
}

static int verifier_init(struct token_verifier *v, const struct token_policy *policy)
{
	int r;

	v->policy.leeway_s = policy->leeway_s;
	v->policy.cache_max = policy->cache_max;
	r = text_copy(policy->issuer, &v->policy.issuer);
	if (r < 0)
		return r;
	r = text_copy(policy->audience, &v->policy.audience);
	if (r < 0)
		return r;
	/* Fetched once: a look-up by name for each token would cost more than the hash. */
	v->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	v->sha256_context = EVP_MD_CTX_new();
	if (!v->sha256 || !v->sha256_context)
		return -ENOMEM;
	return policy->cache_max > 0 ? token_cache_new(policy->cache_max, &v->cache) : 0;
}

int token_verifier_new(struct token_keyset **keys, const struct token_policy *policy, struct token_verifier **ret)
{
	struct token_verifier *v CLEANUP(token_verifier_free) = NULL;
	struct token_keyset *owned CLEANUP(token_keyset_free) = STEAL(*keys);
	int r;

	assert(owned && policy->leeway_s >= 0 && policy->leeway_s <= LEEWAY_MAX_S);
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->magic = VERIFIER_MAGIC;
	v->keys = STEAL(owned);
	r = verifier_init(v, policy);
	if (r < 0)
		return r;
	*ret = STEAL(v);
	return 0;
}

void token_verifier_free(struct token_verifier **v)
{
	if (!v || !*v)
		return;
	assert((*v)->magic == VERIFIER_MAGIC);
	token_keyset_free(&(*v)->keys);
	token_cache_free(&(*v)->cache);
	free((char *)(*v)->policy.issuer);
	free((char *)(*v)->policy.audience);
	EVP_MD_CTX_free((*v)->sha256_context);
	EVP_MD_free((*v)->sha256);
	(*v)->magic = 0;
	free(*v);
	*v = NULL;
}

void token_verifier_set_keys(struct token_verifier *v, struct token_keyset **keys)
{
	assert(v && v->magic == VERIFIER_MAGIC && *keys);
	token_keyset_free(&v->keys);
	v->keys = STEAL(*keys);
	if (v->cache)
		token_cache_clear(v->cache);
}

static int digest_make(struct token_verifier *v, struct str token, uint8_t ret[DIGEST_SIZE])
{
	if (EVP_DigestInit_ex2(v->sha256_context, v->sha256, NULL) != 1 ||
	    EVP_DigestUpdate(v->sha256_context, token.data, token.len) != 1 ||
	    EVP_DigestFinal_ex(v->sha256_context, ret, NULL) != 1)
		return -ENOMEM;
	return 0;
}

static int claims_give(const struct token_claims *claims, struct arena *a, struct token_claims *ret)
{
	char *block = arena_alloc(a, claims_text_size(claims));

	if (!block)
		return -ENOMEM;
	claims_copy(claims, block, ret);
	return 0;
}

/* RFC 9068 section 2.1; a media type without slash stands for application/…, both case-blind. */
static bool type_is_access_token(const struct jws *jws)
{
	struct str typ = json_member_str(jws->header, "typ");

	return str_equal_nocase(typ, STR("at+jwt")) || str_equal_nocase(typ, STR("application/at+jwt"));
}

static int payload_check(struct token_verifier *v, const cjose_jws_t *opened, int64_t now_s, struct arena *a,
                         const uint8_t digest[DIGEST_SIZE], struct token_claims *ret, enum token_error *ret_error)
{
	json_t *json CLEANUP(json_done) = NULL;
	struct token_claims claims;
	int r;

	r = claims_parse(jws_payload(opened), &v->policy, &json, &claims, ret_error);
	if (r < 0)
		return r;
	*ret_error = claims_check_time(&claims, &v->policy, now_s);
	if (*ret_error != TOKEN_OK)
		return -EACCES;
	r = claims_give(&claims, a, ret);
	if (r == 0 && v->cache)
		token_cache_put(v->cache, digest, &claims);
	return r;
}

static int verify_fresh(struct token_verifier *v, struct str token, int64_t now_s, struct arena *a,
                        const uint8_t digest[DIGEST_SIZE], struct token_claims *ret, enum token_error *ret_error)
{
	struct jws jws CLEANUP(jws_done) = { 0 };
	const cjose_jwk_t *key;
	cjose_jws_t *opened;
	int r;

	r = jws_parse(token, &jws, ret_error);
	if (r < 0)
		return r;
	*ret_error = TOKEN_WRONG_TYPE;
	if (!type_is_access_token(&jws))
		return -EACCES;
	*ret_error = TOKEN_UNKNOWN_KEY;
	key = keyset_find(v->keys, jws.kid);
	if (!key)
		return -EACCES;
	*ret_error = TOKEN_BAD_SIGNATURE;
	r = jws_open(&jws, key, &opened);
	if (r < 0)
		return r;
	r = payload_check(v, opened, now_s, a, digest, ret, ret_error);
	cjose_jws_release(opened);
	return r;
}

/* -ENOENT: not in the cache. */
static int verify_cached(struct token_verifier *v, int64_t now_s, struct arena *a, const uint8_t digest[DIGEST_SIZE],
                         struct token_claims *ret, enum token_error *ret_error)
{
	const struct token_claims *claims = v->cache ? token_cache_get(v->cache, digest) : NULL;

	if (!claims) {
		v->misses++;
		return -ENOENT;
	}
	v->hits++;
	*ret_error = claims_check_time(claims, &v->policy, now_s);
	if (*ret_error == TOKEN_OK)
		return claims_give(claims, a, ret);
	if (*ret_error == TOKEN_EXPIRED)
		token_cache_remove(v->cache, digest);
	return -EACCES;
}

int token_verify(struct token_verifier *v, struct str token, int64_t now_s, struct arena *a, struct token_claims *ret,
                 enum token_error *ret_error)
{
	uint8_t digest[DIGEST_SIZE];
	int r;

	assert(v && v->magic == VERIFIER_MAGIC && ret_error);
	assert(now_s >= 0 && now_s <= TOKEN_TIME_MAX);
	*ret_error = TOKEN_TOO_LONG;
	if (token.len > TOKEN_SIZE_MAX)
		return -EACCES;
	r = digest_make(v, token, digest);
	if (r < 0)
		return r;
	r = verify_cached(v, now_s, a, digest, ret, ret_error);
	if (r != -ENOENT)
		return r;
	return verify_fresh(v, token, now_s, a, digest, ret, ret_error);
}

void token_cache_stats_get(const struct token_verifier *v, struct token_cache_stats *ret)
{
	assert(v && v->magic == VERIFIER_MAGIC);
	*ret = (struct token_cache_stats){ v->hits, v->misses, v->cache ? token_cache_count(v->cache) : 0 };
}
