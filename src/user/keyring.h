/* The keys that access tokens are signed with: ES256, by kid, in the database (the private half sealed), the same for
 * all replicas without a restart.
 *
 * A key's life: published (it verifies), then it signs, then a newer one signs and it verifies until the last token it
 * signed has ended. A new key is published overlap_s before it signs, so that whoever holds an older key set has seen
 * it by then (NIST SP 800-57 part 1, section 8.2: distribution before use). Rotation is by age, by an administrator,
 * or by `cinesync-user keys`; all of them take one row's lock, so that one new key is made however many ask.
 *
 * Every replica looks every KEYRING_POLL_MS, and at once when a token names a key it does not know. While the database
 * is away the keys at hand are used on. With a file of its own (SIGNING_KEY_FILE) that file is the one key.
 *
 * One thread, one loop. Functions marked so yield and run on a fiber. */
#ifndef CINESYNC_USER_KEYRING_H
#define CINESYNC_USER_KEYRING_H

#include "http/reply.h"
#include "store/store.h"
#include "token/token.h"

struct keyring;
struct request;
struct seal;

#define KEYRING_MAX 16         /* keys that verify at once */
#define KEYRING_POLL_MS 2000   /* and up to a quarter more */
#define KEYRING_UNKNOWN_MS 250 /* least time between two looks for unknown keys: anybody can make up names */
#define KEYRING_KID_SIZE 64

struct keyring_options {
	struct store *store;
	const struct seal *seal;
	const char *fixed_file;   /* NULL: keys of the database */
	const char *import_file;  /* when it is there: the first key; its tokens stay good */
	const char *publish_file; /* the public keys go there whenever they change; NULL: nowhere */
	struct token_policy policy;
	int64_t age_s; /* 0: no rotation by age */
	int64_t overlap_s;
	int64_t token_ttl_s;
};

/* When a key does what. */
struct keyring_time {
	int64_t activates_at_ms;
	int64_t expires_at_ms; /* 0: not replaced yet */
};

struct keyring_key {
	struct str kid;
	int64_t created_at_ms;
	struct keyring_time time;
	bool is_signing;
};

enum keyring_why {
	KEYRING_FIRST,   /* only when there is none */
	KEYRING_BY_AGE,  /* only when the newest is due */
	KEYRING_ASKED,   /* published now, signs after the overlap */
	KEYRING_AT_ONCE, /* signs from now on */
};

/* Yields; blocks on the disk. Options are copied, texts too. Makes or imports the first key. What goes wrong is logged
 * here, once, at alert level. */
int keyring_open(const struct keyring_options *options, struct keyring **ret) MUST_CHECK;
/* Starts the fiber that follows the database and rotates by age. -EAGAIN, -ENOMEM. */
int keyring_watch(struct keyring *k) MUST_CHECK;
/* Yields until the fiber has ended. Takes NULL, leaves NULL. */
void keyring_free(struct keyring **k);

/* As token_sign(), with the key whose turn it is. Does not yield. */
int keyring_sign(const struct keyring *k, const struct token_claims *claims, struct buf *out) MUST_CHECK;
/* As token_verify(); yields when the token names an unknown key, to look for it. Then also the store's errors. */
int keyring_verify(struct keyring *k, struct str token, struct arena *a, struct token_claims *ret,
                   enum token_error *ret_error) MUST_CHECK;
/* The key set that is published, ready to send; valid until the next wait. */
struct reply *keyring_jwks(const struct keyring *k);

/* Yields. A new key, in the audit trail in the same transaction; req: the administrator's, NULL: by age or by the
 * command line. Its id into ret_kid, "" when there was nothing to do (FIRST, BY_AGE). -EEXIST: a new key is on its
 * way already; -ENOSPC: KEYRING_MAX keys verify still; -EPERM: the key is a file; store errors. */
int keyring_rotate(struct keyring *k, struct request *req, enum keyring_why why,
                   char ret_kid[KEYRING_KID_SIZE]) MUST_CHECK;
/* Yields. That key's tokens are worth nothing from now on (within KEYRING_POLL_MS on other replicas; whoever
 * keeps the published set takes them until it is fetched again); when it was the
 * newest, another signs at once. -ENOENT: no such key that verifies; -EPERM: the key is a file; store errors. */
int keyring_retire(struct keyring *k, struct request *req, struct str kid) MUST_CHECK;
/* Yields. All there are, the newest first, at most 100, in the arena. */
int keyring_list(struct keyring *k, struct arena *a, struct keyring_key **ret, size_t *ret_n) MUST_CHECK;

/* Which of n keys signs: of those that verify and whose time has come the one that came last; when no time has come (a
 * clock that is behind that of the replica which made the first key) the one that comes first; n: none verifies. Does
 * not yield. */
size_t keyring_signs_at(const struct keyring_time *times, size_t n, int64_t now_ms);
/* Whether it is time to publish the next key: the newest reaches its age when that one begins to sign. */
bool keyring_is_due(const struct keyring_time *times, size_t n, int64_t age_s, int64_t overlap_s, int64_t now_ms);

#endif
