/* Sessions in the store. Every secret is wiped from the stack; the store sees hashes. All functions yield. */
#include "user/session.h"

#include "base/clock.h"
#include "base/random.h"
#include "fiber/fiber.h"
#include "user/statements.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum {
	SECRET_SIZE = 32,
	HASH_SIZE = 32,
	USER_AGENT_MAX = 256,
	PRUNE_EVERY_MS = 3600 * 1000,
};

#define PRUNE_AFTER_MS (INT64_C(7) * 24 * 3600 * 1000)

/* Base64url without padding (RFC 4648 section 5). */
static void secret_text(const uint8_t secret[SECRET_SIZE], char ret[REFRESH_TOKEN_SIZE])
{
	uint8_t text[48];

	EVP_EncodeBlock(text, secret, SECRET_SIZE);
	for (size_t i = 0; i < REFRESH_TOKEN_SIZE - 1; i++) {
		char c = (char)text[i];

		if (c == '+')
			c = '-';
		else if (c == '/')
			c = '_';
		ret[i] = c;
	}
	ret[REFRESH_TOKEN_SIZE - 1] = '\0';
	OPENSSL_cleanse(text, sizeof(text));
}

static int token_hash(struct str token, uint8_t ret[HASH_SIZE])
{
	unsigned len = 0;

	return EVP_Digest(token.data, token.len, ret, &len, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

static struct str bytes(const uint8_t *data, size_t len)
{
	return (struct str){ (const char *)data, len };
}

/* The token that follows this one in its session. */
static int successor(struct str rotation_key, struct str token, char ret[REFRESH_TOKEN_SIZE])
{
	uint8_t mac[SECRET_SIZE];
	unsigned len = 0;

	if (!HMAC(EVP_sha256(), rotation_key.data, (int)rotation_key.len, (const uint8_t *)token.data, token.len, mac,
	          &len))
		return -ENOMEM;
	secret_text(mac, ret);
	OPENSSL_cleanse(mac, sizeof(mac));
	return 0;
}

static int refresh_store(struct store_tx *tx, struct arena *a, struct str session_id, const char *token, int64_t now_ms)
{
	struct store_rows rows;
	uint8_t hash[HASH_SIZE];
	int r = token_hash(str_from(token), hash);

	if (r < 0)
		return r;
	return store_tx_query(tx, sql_refresh_insert,
	                      STORE_ARGS(STORE_BYTES(bytes(hash, sizeof(hash))), STORE_S(session_id), STORE_I(now_ms)),
	                      a, &rows);
}

static int64_t session_expiry(const struct user_state *u, int64_t now_ms)
{
	return now_ms + u->config->refresh_token_ttl_s * 1000;
}

static int session_store(struct user_state *u, struct arena *a, const struct session *s, struct str user_agent,
                         struct str address)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	uint8_t rotation_key[SECRET_SIZE];
	int64_t now_ms = clock_real_ms();
	struct store_rows rows;
	int r = store_begin(u->store, &tx);

	if (r < 0)
		return r;
	random_fill(rotation_key, sizeof(rotation_key));
	r = store_tx_query(tx, sql_session_insert,
	                   STORE_ARGS(STORE_S(s->id), STORE_S(s->user_id),
	                              STORE_BYTES(bytes(rotation_key, sizeof(rotation_key))), STORE_S(user_agent),
	                              STORE_S(address), STORE_I(now_ms), STORE_I(session_expiry(u, now_ms))),
	                   a, &rows);
	OPENSSL_cleanse(rotation_key, sizeof(rotation_key));
	if (r == 0)
		r = refresh_store(tx, a, s->id, s->refresh_token, now_ms);
	if (r < 0)
		return r;
	return store_commit(&tx);
}

int session_create(struct user_state *u, struct arena *a, struct str user_id, struct str role, struct str user_agent,
                   struct str address, struct session *ret)
{
	struct session s = { .user_id = user_id, .role = role };
	uint8_t secret[SECRET_SIZE];
	char id[UUID_SIZE];
	int r;

	uuid_v7(id);
	s.id = arena_str(a, str_from(id));
	if (str_is_null(s.id))
		return -ENOMEM;
	random_fill(secret, sizeof(secret));
	secret_text(secret, s.refresh_token);
	OPENSSL_cleanse(secret, sizeof(secret));
	r = session_store(u, a, &s, str_slice(user_agent, 0, USER_AGENT_MAX), address);
	if (r == 0)
		*ret = s;
	OPENSSL_cleanse(s.refresh_token, sizeof(s.refresh_token));
	return r;
}

/* Columns of sql_refresh_find. */
enum { FIND_SESSION, FIND_USED, FIND_KEY, FIND_REVOKED, FIND_EXPIRES, FIND_USER, FIND_ROLE, FIND_ACTIVE };

static bool session_is_alive(const struct store_rows *found, int64_t now_ms)
{
	return store_is_null(found, 0, FIND_REVOKED) && store_int(found, 0, FIND_EXPIRES) > now_ms &&
	       store_bool(found, 0, FIND_ACTIVE);
}

/* May a used token have its successor once more? Only within the grace, and only while nobody has used that. */
static int repeat_allowed(struct user_state *u, struct store_tx *tx, struct arena *a, const struct store_rows *found,
                          const char *next, int64_t now_ms)
{
	struct store_rows rows;
	uint8_t hash[HASH_SIZE];
	int r;

	if (now_ms - store_int(found, 0, FIND_USED) > u->config->refresh_grace_ms)
		return 0;
	r = token_hash(str_from(next), hash);
	if (r == 0)
		r = store_tx_query(tx, sql_refresh_unused, STORE_ARGS(STORE_BYTES(bytes(hash, sizeof(hash)))), a,
		                   &rows);
	return r < 0 ? r : rows.n == 1;
}

static int reuse_end(struct store_tx **tx, struct arena *a, const struct store_rows *found, int64_t now_ms)
{
	struct str session_id = store_text(found, 0, FIND_SESSION);
	struct store_rows rows;
	int r;

	r = store_tx_query(*tx, sql_session_revoke, STORE_ARGS(STORE_S(session_id), STORE_I(now_ms)), a, &rows);
	if (r == 0)
		r = store_commit(tx);
	if (r < 0)
		return r;
	log_warning("refresh token used twice; session ended", LOG_STRN("session_id", session_id),
	            LOG_STRN("user_id", store_text(found, 0, FIND_USER)));
	return -ESTALE;
}

/* In the transaction: the first use stores the successor; a repeat within the grace changes nothing. */
static int rotate(struct user_state *u, struct store_tx **tx, struct arena *a, const struct store_rows *found,
                  bool first_use, const char *next)
{
	int64_t now_ms = clock_real_ms();
	struct str session_id = store_text(found, 0, FIND_SESSION);
	struct store_rows rows;
	int r;

	if (!first_use) {
		r = repeat_allowed(u, *tx, a, found, next, now_ms);
		if (r < 0)
			return r;
		return r ? store_commit(tx) : reuse_end(tx, a, found, now_ms);
	}
	r = refresh_store(*tx, a, session_id, next, now_ms);
	if (r == 0)
		r = store_tx_query(*tx, sql_session_touch,
		                   STORE_ARGS(STORE_S(session_id), STORE_I(now_ms), STORE_I(session_expiry(u, now_ms))),
		                   a, &rows);
	return r < 0 ? r : store_commit(tx);
}

/* In one transaction: marks the token used if nobody has, and reads what it belongs to. */
static int refresh_take(struct store_tx *tx, struct arena *a, struct str token, struct store_rows *ret_found,
                        bool *ret_first_use)
{
	struct store_rows used, found;
	uint8_t hash[HASH_SIZE];
	struct store_value key;
	int r = token_hash(token, hash);

	if (r < 0)
		return r;
	key = STORE_BYTES(bytes(hash, sizeof(hash)));
	r = store_tx_query(tx, sql_refresh_use, STORE_ARGS(key, STORE_I(clock_real_ms())), a, &used);
	if (r < 0)
		return r;
	r = store_tx_query(tx, sql_refresh_find, STORE_ARGS(key), a, &found);
	if (r < 0)
		return r;
	*ret_found = found;
	*ret_first_use = used.n == 1;
	return 0;
}

int session_rotate(struct user_state *u, struct arena *a, struct str token, struct session *ret)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct store_rows found;
	struct session s;
	bool first_use;
	int r = store_begin(u->store, &tx);

	if (r < 0)
		return r;
	r = refresh_take(tx, a, token, &found, &first_use);
	if (r < 0)
		return r;
	if (found.n == 0 || !session_is_alive(&found, clock_real_ms()))
		return -EACCES;
	r = successor(store_text(&found, 0, FIND_KEY), token, s.refresh_token);
	if (r == 0)
		r = rotate(u, &tx, a, &found, first_use, s.refresh_token);
	if (r == 0) {
		s.id = store_text(&found, 0, FIND_SESSION);
		s.user_id = store_text(&found, 0, FIND_USER);
		s.role = store_text(&found, 0, FIND_ROLE);
		*ret = s;
	}
	OPENSSL_cleanse(s.refresh_token, sizeof(s.refresh_token));
	return r;
}

int session_revoke(struct user_state *u, struct arena *a, struct str session_id)
{
	struct store_rows rows;

	return store_query(u->store, sql_session_revoke, STORE_ARGS(STORE_S(session_id), STORE_I(clock_real_ms())), a,
	                   &rows);
}

int session_check(struct user_state *u, struct arena *a, struct str session_id, struct str *ret_user_id,
                  struct str *ret_role)
{
	struct store_rows rows;
	int r = store_read(u->store, sql_session_check, STORE_ARGS(STORE_S(session_id), STORE_I(clock_real_ms())), a,
	                   &rows);

	if (r < 0)
		return r;
	if (rows.n == 0)
		return -EACCES;
	*ret_user_id = store_text(&rows, 0, 0);
	*ret_role = store_text(&rows, 0, 1);
	return 0;
}

/* ---- housekeeping ---- */

static int prune(struct user_state *u)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows rows;
	int r = arena_new(65536, &a);

	if (r < 0)
		return r;
	return store_query(u->store, sql_sessions_prune, STORE_ARGS(STORE_I(clock_real_ms() - PRUNE_AFTER_MS)), a,
	                   &rows);
}

static void pruner(void *arg)
{
	struct user_state *u = arg;
	int r;

	while (fiber_sleep_ms(PRUNE_EVERY_MS) == 0) {
		r = prune(u);
		if (r < 0 && r != -ECANCELED)
			log_warning("old sessions could not be deleted", LOG_ERR(r),
			            LOG_STR("detail", store_error(u->store)));
	}
}

int session_pruner_start(struct user_state *u, struct fiber **ret)
{
	return fiber_spawn("session-pruner", pruner, u, ret);
}
