/* The second factor in the store. All that touches it yields; secrets on the stack are wiped. */
#include "user/second_factor.h"

#include "base/clock.h"
#include "base/random.h"
#include "token/seal.h"
#include "user/audit.h"
#include "user/device.h"
#include "user/limit.h"
#include "user/notice.h"
#include "user/statements.h"

#include <errno.h>
#include <openssl/crypto.h>

const struct problem problem_second_factor_required = { 401, "second-factor-required",
	                                                "A code of the second factor is needed", LOG_INFO };
const struct problem problem_invalid_code = { 403, "invalid-code", "The code is not right, or was used before",
	                                      LOG_INFO };

#define BEGUN_MS (INT64_C(15) * 60 * 1000) /* how long a new secret waits for its first code */

/* Columns of sql_factor_find. */
enum { FIND_SECRET, FIND_ENABLED, FIND_CREATED };

void recovery_codes_done(struct recovery_codes *c)
{
	OPENSSL_cleanse(c, sizeof(*c));
}

static void secret_text_done(struct buf *b)
{
	if (b->data)
		OPENSSL_cleanse(b->data, b->cap);
	buf_done(b);
}

static int secret_open(struct str sealed, struct str user_id, uint8_t ret[TOTP_SECRET_SIZE])
{
	struct buf text CLEANUP(secret_text_done);
	int r;

	buf_init(&text, 64);
	r = seal_open(user_state()->secret_seal, sealed, user_id, &text);
	if (r == 0 && text.len != TOTP_SECRET_SIZE)
		r = -EBADMSG;
	if (r == 0)
		memcpy(ret, text.data, TOTP_SECRET_SIZE);
	return r;
}

/* Nobody who has the database only can try codes against it. */
static int recovery_hash(struct str user_id, const char *code, uint8_t ret[SEAL_MAC_SIZE])
{
	struct buf text CLEANUP(secret_text_done);
	int r;

	buf_init(&text, 128);
	buf_addf(&text, "recovery\n%.*s\n%s", STR_ARGS(user_id), code);
	r = buf_error(&text);
	return r < 0 ? r : seal_mac(user_state()->secret_seal, buf_str(&text), ret);
}

static struct str bytes(const uint8_t *data, size_t len)
{
	return (struct str){ (const char *)data, len };
}

int second_factor_is_on(struct user_state *u, struct arena *a, struct str user_id)
{
	struct store_rows rows;
	int r = store_read(u->store, sql_factor_status, STORE_ARGS(STORE_S(user_id)), a, &rows);

	return r < 0 ? r : rows.n == 1;
}

static int notice(struct request *req, struct store_tx *tx, const struct session_user *user, const char *what)
{
	char device[DEVICE_NAME_SIZE];

	device_name(user_agent_of(req), device);
	return notice_add(tx, request_arena(req), USER_EVENT_SECOND_FACTOR_CHANGED,
	                  &(struct notice){ .user_id = user->id,
	                                    .email = user->email,
	                                    .display_name = user->display_name,
	                                    .language = user->language,
	                                    .device = str_from(device),
	                                    .ip_address = request_client_address(req),
	                                    .what = str_from(what) });
}

static struct audit_event event_of(struct request *req, const struct session_user *user, const char *action)
{
	return (struct audit_event){ .action = action,
		                     .result = AUDIT_SUCCESS,
		                     .actor_id = user->id,
		                     .user_id = user->id,
		                     .session_id = request_user(req)->session_id };
}

/* Yields. The end of every change: its notice and its entry in the trail, and the commit. */
static int change_end(struct request *req, struct store_tx **tx, const struct session_user *user, const char *action,
                      const char *what)
{
	const struct audit_event event = event_of(req, user, action);
	int r = what ? notice(req, *tx, user, what) : 0;

	if (r == 0)
		r = audit_add(req, *tx, request_arena(req), &event);
	if (r == 0)
		r = store_commit(tx);
	if (r < 0)
		return r;
	audit_log(req, &event);
	outbox_kick(user_state()->outbox);
	return 0;
}

/* ---- proof ---- */

/* 0; -EACCES. */
static int code_take(struct request *req, struct str user_id, struct str code)
{
	struct user_state *u = user_state();
	struct arena *a = request_arena(req);
	uint8_t secret[TOTP_SECRET_SIZE];
	struct store_rows rows;
	int64_t step;
	int r = store_read(u->store, sql_factor_find, STORE_ARGS(STORE_S(user_id)), a, &rows);

	if (r < 0)
		return r;
	if (rows.n == 0)
		return -EACCES;
	r = secret_open(store_text(&rows, 0, FIND_SECRET), user_id, secret);
	if (r == 0)
		r = totp_check(secret, code, clock_real_ms() / 1000, &step);
	OPENSSL_cleanse(secret, sizeof(secret));
	if (r == 0)
		r = store_query(u->store, sql_factor_step, STORE_ARGS(STORE_S(user_id), STORE_I(step)), a, &rows);
	if (r < 0)
		return r;
	return rows.n == 1 ? 0 : -EACCES;
}

/* Likewise. */
static int recovery_take(struct request *req, const struct session_user *user, struct str typed)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	char code[RECOVERY_CODE_SIZE];
	uint8_t hash[SEAL_MAC_SIZE];
	struct store_rows rows;
	int r = recovery_code_parse(typed, code);

	if (r < 0)
		return -EACCES;
	r = recovery_hash(user->id, code, hash);
	OPENSSL_cleanse(code, sizeof(code));
	if (r == 0)
		r = store_begin(user_state()->store, &tx);
	if (r == 0)
		r = store_tx_query(
		        tx, sql_recovery_use,
		        STORE_ARGS(STORE_S(user->id), STORE_BYTES(bytes(hash, sizeof(hash))), STORE_I(clock_real_ms())),
		        request_arena(req), &rows);
	if (r < 0)
		return r;
	return rows.n == 1 ? change_end(req, &tx, user, "second-factor.recover", "recovery-used") : -EACCES;
}

static int refuse(struct request *req, const struct session_user *user)
{
	struct audit_event event = event_of(req, user, "second-factor.check");

	event.result = AUDIT_FAILURE;
	event.actor_id = request_user(req)->id; /* at log-in: nobody yet */
	audit_record(req, &event);
	return request_problem(req, &problem_invalid_code, "Wait for the next code, or use a recovery code.");
}

int second_factor_prove(struct request *req, const struct session_user *user, const struct second_factor_proof *proof,
                        const char *device)
{
	struct str counted =
	        device[0] ? arena_printf(request_arena(req), "%.*s\n%s", STR_ARGS(user->id), device) : user->id;
	int r = str_is_null(counted) ? -ENOMEM : limit_take(req, LIMIT_SECOND_FACTOR, counted);

	if (r < 0)
		return r;
	r = str_is_null(proof->code) ? recovery_take(req, user, proof->recovery_code)
	                             : code_take(req, user->id, proof->code);
	if (r == -EACCES)
		return refuse(req, user);
	return r < 0 ? user_store_failed(req, r, "check a second factor") : 0;
}

/* ---- on and off ---- */

int second_factor_begin(struct request *req, struct str user_id, uint8_t ret_secret[TOTP_SECRET_SIZE])
{
	struct buf sealed CLEANUP(buf_done);
	uint8_t secret[TOTP_SECRET_SIZE];
	struct store_rows rows;
	int r;

	buf_init(&sealed, 128);
	random_fill(secret, sizeof(secret));
	r = seal_write(user_state()->secret_seal, bytes(secret, sizeof(secret)), user_id, &sealed);
	if (r == 0)
		r = store_query(user_state()->store, sql_factor_begin,
		                STORE_ARGS(STORE_S(user_id), STORE_BYTES(buf_str(&sealed)), STORE_I(clock_real_ms())),
		                request_arena(req), &rows);
	if (r == 0 && rows.n == 0)
		r = -EEXIST;
	if (r == 0)
		memcpy(ret_secret, secret, sizeof(secret));
	OPENSSL_cleanse(secret, sizeof(secret));
	return r;
}

/* The step of a right first code, and the sealed secret it belongs to. */
static int first_code_check(struct request *req, struct str user_id, struct str code, int64_t *ret_step,
                            struct str *ret_sealed)
{
	uint8_t secret[TOTP_SECRET_SIZE];
	struct store_rows rows;
	int64_t now_ms = clock_real_ms();
	int r = store_read(user_state()->store, sql_factor_find, STORE_ARGS(STORE_S(user_id)), request_arena(req),
	                   &rows);

	if (r < 0)
		return r;
	if (rows.n == 0 || !store_is_null(&rows, 0, FIND_ENABLED) ||
	    store_int(&rows, 0, FIND_CREATED) + BEGUN_MS < now_ms)
		return -ENOENT;
	r = secret_open(store_text(&rows, 0, FIND_SECRET), user_id, secret);
	if (r == 0)
		r = totp_check(secret, code, now_ms / 1000, ret_step);
	OPENSSL_cleanse(secret, sizeof(secret));
	if (r == 0)
		*ret_sealed = store_text(&rows, 0, FIND_SECRET);
	return r;
}

static int recovery_replace(struct request *req, struct store_tx *tx, struct str user_id, struct recovery_codes *c)
{
	uint8_t hash[SEAL_MAC_SIZE];
	int r = store_tx_query(tx, sql_recovery_delete, STORE_ARGS(STORE_S(user_id)), request_arena(req), NULL);

	for (size_t i = 0; r == 0 && i < RECOVERY_CODES; i++) {
		recovery_code_make(c->codes[i]);
		r = recovery_hash(user_id, c->codes[i], hash);
		if (r == 0)
			r = store_tx_query(tx, sql_recovery_insert,
			                   STORE_ARGS(STORE_S(user_id), STORE_BYTES(bytes(hash, sizeof(hash)))),
			                   request_arena(req), NULL);
	}
	return r;
}

int second_factor_enable(struct request *req, const struct session_user *user, struct str code,
                         struct recovery_codes *ret)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct recovery_codes c CLEANUP(recovery_codes_done) = { 0 };
	struct store_rows rows;
	struct str sealed;
	int64_t step;
	int r = first_code_check(req, user->id, code, &step, &sealed);

	if (r == 0)
		r = store_begin(user_state()->store, &tx);
	if (r == 0)
		r = store_tx_query(
		        tx, sql_factor_enable,
		        STORE_ARGS(STORE_S(user->id), STORE_I(step), STORE_I(clock_real_ms()), STORE_BYTES(sealed)),
		        request_arena(req), &rows);
	if (r == 0 && rows.n == 0) /* begun anew, or turned on, meanwhile */
		r = -ENOENT;
	if (r == 0)
		r = recovery_replace(req, tx, user->id, &c);
	if (r == 0)
		r = change_end(req, &tx, user, "second-factor.enable", "enabled");
	if (r == 0)
		*ret = c;
	return r;
}

int second_factor_disable(struct request *req, const struct session_user *user)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r = store_begin(user_state()->store, &tx);

	if (r == 0)
		r = store_tx_query(tx, sql_recovery_delete, STORE_ARGS(STORE_S(user->id)), request_arena(req), NULL);
	if (r == 0)
		r = store_tx_query(tx, sql_factor_delete, STORE_ARGS(STORE_S(user->id)), request_arena(req), NULL);
	return r < 0 ? r : change_end(req, &tx, user, "second-factor.disable", "disabled");
}

int second_factor_renew(struct request *req, const struct session_user *user, struct recovery_codes *ret)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct recovery_codes c CLEANUP(recovery_codes_done) = { 0 };
	int r = store_begin(user_state()->store, &tx);

	if (r == 0)
		r = recovery_replace(req, tx, user->id, &c);
	if (r == 0)
		r = change_end(req, &tx, user, "second-factor.renew", NULL);
	if (r == 0)
		*ret = c;
	return r;
}
