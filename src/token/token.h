/* Access tokens: JWTs as RFC 9068 profiles them, signed with ES256, and the key sets (RFC 7517) they are checked with.
 * No event loop: the services, the command-line tool and the gateway's module all use it. Never yields; a signature
 * costs ~25 µs, a verification ~60 µs, which is why verified tokens are cached. Secrets are never in errors or logs.
 * Keys and key sets may be used by several threads at once while none frees them; a verifier belongs to one thread. */
#ifndef CINESYNC_TOKEN_TOKEN_H
#define CINESYNC_TOKEN_TOKEN_H

#include "base/arena.h"
#include "base/buf.h"

#define TOKEN_SIZE_MAX 8192         /* bytes; longer ones are refused unread */
#define TOKEN_HEADER_SIZE_MAX 2048  /* bytes of the first part, encoded */
#define TOKEN_TIME_MAX 253402300799 /* 9999-12-31T23:59:59Z; times are 0 to this */
#define TOKEN_KEYS_MAX 32           /* keys of a set; further ones are not read */
#define TOKEN_KID_SIZE_MAX 128
#define TOKEN_JWKS_SIZE_MAX (64 * 1024)

struct token_key;      /* one private ES256 key with its kid (RFC 7638 thumbprint) */
struct token_keyset;   /* public keys by kid */
struct token_verifier; /* keyset + what is required + cache */

struct token_claims {
	struct str iss;
	struct str aud; /* of several audiences the required one, or the first */
	struct str sub;
	struct str jti;
	struct str sid;       /* session id; null: absent */
	struct str role;      /* null: absent */
	struct str client_id; /* RFC 9068 requires it */
	int64_t iat;          /* seconds since 1970 */
	int64_t nbf;          /* 0: absent */
	int64_t exp;
};

/* Why a token was refused; stable words for logs and problem details. */
enum token_error {
	TOKEN_OK,
	TOKEN_MALFORMED,
	TOKEN_TOO_LONG,
	TOKEN_WRONG_TYPE,      /* typ is not at+jwt */
	TOKEN_WRONG_ALGORITHM, /* alg is not ES256 */
	TOKEN_UNKNOWN_KEY,
	TOKEN_BAD_SIGNATURE,
	TOKEN_EXPIRED,
	TOKEN_NOT_YET_VALID,
	TOKEN_WRONG_ISSUER,
	TOKEN_WRONG_AUDIENCE,
	TOKEN_MISSING_CLAIM,
	TOKEN_FORBIDDEN_HEADER, /* crit, b64, zip, jwk, jku, x5u, x5c, x5t, x5t#S256 */
};
const char *token_error_name(enum token_error e); /* "bad-signature" */

/* Reads the private JWK at path. -ENOENT; -EACCES: the file is open to others than its owner; -EINVAL: not an EC P-256
 * private JWK, or its halves do not belong together; -errno; -ENOMEM. */
int token_key_load(const char *path, struct token_key **ret) MUST_CHECK;
/* As token_key_load(), but makes a P-256 key there with mode 0600 when there is none (written beside, fsynced, linked
 * into place: two processes that start at once end with one key, and a half-written one is never seen). */
int token_key_load_or_create(const char *path, struct token_key **ret) MUST_CHECK;
/* From the text of a private JWK. -EINVAL: not an EC P-256 private JWK, or its halves do not belong together; -ENOMEM.
 */
int token_key_parse(struct str text, struct token_key **ret) MUST_CHECK;
/* Appends the text of a new private JWK, which the caller wipes. The buffer's error; -EIO, -ENOMEM. */
int token_key_generate(struct buf *out) MUST_CHECK;
/* Appends the public half as a JWK. The buffer's error. */
int token_key_public_write(const struct token_key *k, struct buf *out) MUST_CHECK;
void token_key_free(struct token_key **k);
const char *token_key_id(const struct token_key *k);

/* {"keys":[…]} with the public halves. 0; the buffer's error. */
int token_jwks_write(const struct token_key *const *keys, size_t n, struct buf *out) MUST_CHECK;
/* Parses a JWKS document; keys that are not EC P-256 for signing are skipped, as are a second key of the same kid and
 * keys after TOKEN_KEYS_MAX. A key without kid goes by its thumbprint. -EINVAL: not a JWKS, or no usable key; -ENOMEM.
 */
int token_keyset_parse(struct str jwks, struct token_keyset **ret) MUST_CHECK;
int token_keyset_from_key(const struct token_key *k, struct token_keyset **ret) MUST_CHECK;
void token_keyset_free(struct token_keyset **s);

/* A compact JWS with typ at+jwt, appended to out. -EINVAL: a required claim is missing, a time out of range or a text
 * not UTF-8; -EMSGSIZE: over TOKEN_SIZE_MAX; -EIO: the library failed; the buffer's error. */
int token_sign(const struct token_key *k, const struct token_claims *claims, struct buf *out) MUST_CHECK;

struct token_policy {
	const char *issuer;   /* required value; NULL: not checked (tool only) */
	const char *audience; /* likewise */
	int64_t leeway_s;     /* for exp, nbf and iat; 0..300 */
	size_t cache_max;     /* verified tokens remembered until they expire; 0: no cache */
};

/* Copies the policy, takes the keyset over (also on failure). */
int token_verifier_new(struct token_keyset **keys, const struct token_policy *policy,
                       struct token_verifier **ret) MUST_CHECK;
void token_verifier_free(struct token_verifier **v);
/* Replaces the keys and empties the cache. */
void token_verifier_set_keys(struct token_verifier *v, struct token_keyset **keys);

/* now_s: seconds since 1970. Claims are allocated in the arena. 0, with TOKEN_OK; -EACCES with the reason; -ENOMEM.
 * Required: iss, aud, sub, client_id, jti, iat, exp (RFC 9068 section 2.2); sid and role are strings when present. A
 * token without kid is one of an unknown key, also when there is only one key. */
int token_verify(struct token_verifier *v, struct str token, int64_t now_s, struct arena *a, struct token_claims *ret,
                 enum token_error *ret_error) MUST_CHECK;

/* Checks the signature of any compact JWS, whatever its typ and payload; alg must be ES256 all the same, and the
 * headers that a token may not have are refused. Without kid every key is tried. The payload is appended to it. 0;
 * -EACCES with the reason; -ENOMEM; the buffer's error. */
int token_verify_jws(const struct token_keyset *keys, struct str jws, struct buf *payload,
                     enum token_error *ret_error) MUST_CHECK;

struct token_cache_stats {
	uint64_t hits;
	uint64_t misses;
	size_t entries;
};
void token_cache_stats_get(const struct token_verifier *v, struct token_cache_stats *ret);

#endif
