/* Sessions in the store. Every secret is wiped from the stack; the store sees hashes. All functions yield. */
#include "user/session.h"

#include "base/clock.h"
#include "base/random.h"
#include "cache/revoked.h"
#include "fiber/fiber.h"
#include "user/audit.h"
#include "user/device.h"
#include "user/notice.h"
#include "user/statements.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum {
	SECRET_SIZE = 32,
	TOKEN_LEEWAY_S = 10, /* of who checks tokens, and a little more */
	HASH_SIZE = 32,
	PRUNE_EVERY_MS = 3600 * 1000,
};

#define PRUNE_AFTER_MS (INT64_C(7) * 24 * 3600 * 1000)
#define LINKS_AFTER_MS (INT64_C(24) * 3600 * 1000)

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

/* ---- a new session ---- */

static int session_insert(struct request *req, struct store_tx *tx, const struct session *s, int64_t now_ms)
{
	uint8_t rotation_key[SECRET_SIZE];
	int r;

	random_fill(rotation_key, sizeof(rotation_key));
	r = store_tx_query(tx, sql_session_insert,
	                   STORE_ARGS(STORE_S(s->id), STORE_S(s->user_id),
	                              STORE_BYTES(bytes(rotation_key, sizeof(rotation_key))),
	                              STORE_S(user_agent_of(req)), STORE_S(request_client_address(req)),
	                              STORE_I(now_ms), STORE_I(session_expiry(user_state(), now_ms))),
	                   request_arena(req), NULL);
	OPENSSL_cleanse(rotation_key, sizeof(rotation_key));
	return r;
}

/* Somebody who has logged in before, but never with a device like this one, is told. */
static int device_notice(struct request *req, struct store_tx *tx, const struct session *s,
                         const struct session_user *user)
{
	struct arena *a = request_arena(req);
	char device[DEVICE_NAME_SIZE];
	struct store_rows rows;
	int r = store_tx_query(tx, sql_sessions_like,
	                       STORE_ARGS(STORE_S(s->user_id), STORE_S(s->id), STORE_S(user_agent_of(req))), a, &rows);

	if (r < 0 || store_int(&rows, 0, 0) == 0 || store_int(&rows, 0, 1) > 0)
		return r;
	device_name(user_agent_of(req), device);
	return notice_add(tx, a, USER_EVENT_NEW_DEVICE,
	                  &(struct notice){ .user_id = s->user_id,
	                                    .email = user->email,
	                                    .display_name = user->display_name,
	                                    .language = user->language,
	                                    .device = str_from(device),
	                                    .ip_address = request_client_address(req) });
}

static int session_store(struct request *req, const struct session *s, const struct session_user *user, bool is_known,
                         struct store_rows *ret_ended)
{
	struct user_state *u = user_state();
	struct arena *a = request_arena(req);
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	const struct audit_event event = {
		.action = "session.create", .actor_id = s->user_id, .user_id = s->user_id, .session_id = s->id
	};
	int64_t now_ms = clock_real_ms();
	int r = store_begin(u->store, &tx);

	if (r == 0)
		r = session_insert(req, tx, s, now_ms);
	if (r == 0)
		r = refresh_store(tx, a, s->id, s->refresh_token, now_ms);
	if (r == 0 && !is_known)
		r = device_notice(req, tx, s, user);
	if (r == 0)
		r = store_tx_query(tx, sql_sessions_trim,
		                   STORE_ARGS(STORE_S(s->user_id), STORE_I(u->config->sessions_max), STORE_I(now_ms)),
		                   a, ret_ended);
	if (r == 0)
		r = audit_add(req, tx, a, &event);
	if (r == 0)
		r = store_commit(&tx);
	if (r == 0)
		audit_log(req, &event);
	return r;
}

int session_create(struct request *req, const struct session_user *user, bool is_known, struct session *ret)
{
	struct session s = { .user_id = user->id, .role = user->role };
	uint8_t secret[SECRET_SIZE];
	struct store_rows ended;
	char id[UUID_SIZE];
	int r;

	uuid_v7(id);
	s.id = arena_str(request_arena(req), str_from(id));
	if (str_is_null(s.id))
		return -ENOMEM;
	random_fill(secret, sizeof(secret));
	secret_text(secret, s.refresh_token);
	OPENSSL_cleanse(secret, sizeof(secret));
	r = session_store(req, &s, user, is_known, &ended);
	if (r == 0) {
		session_revoked_tell(&ended);
		outbox_kick(user_state()->outbox);
		*ret = s;
	}
	OPENSSL_cleanse(s.refresh_token, sizeof(s.refresh_token));
	/* Its token was given to nobody: whether it is there or not, another log-in makes another. */
	return r == -EIO ? -ENOTCONN : r;
}

/* ---- rotation ---- */

/* Columns of sql_refresh_find. */
enum {
	FIND_SESSION,
	FIND_USED,
	FIND_KEY,
	FIND_REVOKED,
	FIND_EXPIRES,
	FIND_USER,
	FIND_ROLE,
	FIND_ACTIVE,
	FIND_EMAIL,
	FIND_NAME,
	FIND_LANGUAGE,
	FIND_AGENT,
};

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

static int reuse_notice(struct request *req, struct store_tx *tx, const struct store_rows *found)
{
	char device[DEVICE_NAME_SIZE];

	device_name(store_text(found, 0, FIND_AGENT), device);
	return notice_add(tx, request_arena(req), USER_EVENT_SESSION_FAMILY_ENDED,
	                  &(struct notice){ .user_id = store_text(found, 0, FIND_USER),
	                                    .email = store_text(found, 0, FIND_EMAIL),
	                                    .display_name = store_text(found, 0, FIND_NAME),
	                                    .language = store_text(found, 0, FIND_LANGUAGE),
	                                    .device = str_from(device),
	                                    .ip_address = request_client_address(req) });
}

/* The token was stolen, from its owner or by him: the session ends, and he is told. */
static int reuse_end(struct request *req, struct store_tx **tx, const struct store_rows *found)
{
	const struct audit_event event = { .action = "token.reuse",
		                           .result = AUDIT_DENIED,
		                           .user_id = store_text(found, 0, FIND_USER),
		                           .session_id = store_text(found, 0, FIND_SESSION) };
	struct store_rows ended;
	int r = session_end(*tx, request_arena(req), event.user_id, event.session_id, SESSION_THIS, "token_reused",
	                    &ended);

	if (r == 0 && ended.n > 0)
		r = reuse_notice(req, *tx, found);
	if (r == 0)
		r = audit_add(req, *tx, request_arena(req), &event);
	if (r == 0)
		r = store_commit(tx);
	if (r < 0)
		return r;
	session_revoked_tell(&ended);
	outbox_kick(user_state()->outbox);
	audit_log(req, &event);
	return -ESTALE;
}

/* In the transaction: the first use stores the successor; a repeat within the grace changes nothing. */
static int rotate(struct request *req, struct store_tx **tx, const struct store_rows *found, bool first_use,
                  const char *next)
{
	struct user_state *u = user_state();
	struct arena *a = request_arena(req);
	int64_t now_ms = clock_real_ms();
	struct str session_id = store_text(found, 0, FIND_SESSION);
	int r;

	if (!first_use) {
		r = repeat_allowed(u, *tx, a, found, next, now_ms);
		if (r < 0)
			return r;
		return r ? store_commit(tx) : reuse_end(req, tx, found);
	}
	r = refresh_store(*tx, a, session_id, next, now_ms);
	if (r == 0)
		r = store_tx_query(*tx, sql_session_touch,
		                   STORE_ARGS(STORE_S(session_id), STORE_I(now_ms), STORE_I(session_expiry(u, now_ms)),
		                              STORE_S(request_client_address(req))),
		                   a, NULL);
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

int session_rotate(struct request *req, struct str token, struct session *ret)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct arena *a = request_arena(req);
	struct store_rows found;
	struct session s;
	bool first_use = false;
	int r = store_begin(user_state()->store, &tx);

	if (r == 0)
		r = refresh_take(tx, a, token, &found, &first_use);
	if (r < 0)
		return r;
	if (found.n == 0 || !session_is_alive(&found, clock_real_ms()))
		return -EACCES;
	r = successor(store_text(&found, 0, FIND_KEY), token, s.refresh_token);
	if (r == 0)
		r = rotate(req, &tx, &found, first_use, s.refresh_token);
	if (r == 0) {
		s.id = store_text(&found, 0, FIND_SESSION);
		s.user_id = store_text(&found, 0, FIND_USER);
		s.role = store_text(&found, 0, FIND_ROLE);
		*ret = s;
	}
	OPENSSL_cleanse(s.refresh_token, sizeof(s.refresh_token));
	/* Whether it was done or not, the same token gives the same answer again. */
	return r == -EIO ? -ENOTCONN : r;
}

/* ---- ending ---- */

static void revoked_tell(struct user_state *u, const struct store_rows *ended)
{
	int64_t ttl_ms = (u->config->access_token_ttl_s + TOKEN_LEEWAY_S) * 1000;
	int r;

	for (size_t i = 0; i < ended->n; i++) {
		r = revoked_add(u->revoked, store_text(ended, i, 0), ttl_ms);
		if (r < 0 && r != -EAGAIN)
			log_error("an ended session could not be told to the other services", LOG_ERR(r),
			          LOG_STRN("session_id", store_text(ended, i, 0)));
	}
}

void session_revoked_tell(const struct store_rows *ended)
{
	revoked_tell(user_state(), ended);
}

int session_revoked_tell_again(struct user_state *u)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	int64_t since_ms = clock_real_ms() - (u->config->access_token_ttl_s + TOKEN_LEEWAY_S) * 1000;
	struct store_rows ended;
	int r = arena_new(4 << 20, &a);

	if (r == 0)
		r = store_read(u->store, sql_sessions_ended_lately, STORE_ARGS(STORE_I(since_ms)), a, &ended);
	if (r == 0)
		revoked_tell(u, &ended);
	return r;
}

int session_end(struct store_tx *tx, struct arena *a, struct str user_id, struct str session_id,
                enum session_scope scope, const char *reason, struct store_rows *ret_ended)
{
	static const char *const scopes[] = { "this", "others", "all" };

	return store_tx_query(tx, sql_sessions_end,
	                      STORE_ARGS(STORE_S(user_id), STORE_S(session_id), STORE_S(str_from(scopes[scope])),
	                                 STORE_I(clock_real_ms()), STORE_S(str_from(reason))),
	                      a, ret_ended);
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
	r = store_query(u->store, sql_sessions_prune, STORE_ARGS(STORE_I(clock_real_ms() - PRUNE_AFTER_MS)), a, &rows);
	/* Links that ran out are of no use to anybody a day later. */
	if (r == 0)
		r = store_query(u->store, sql_links_prune, STORE_ARGS(STORE_I(clock_real_ms() - LINKS_AFTER_MS)), a,
		                NULL);
	return r;
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
