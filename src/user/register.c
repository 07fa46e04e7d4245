/* Registration: an account, and its welcome event with a link that proves the address. Secrets come in with the body
 * and stay in its arena, which is wiped at its end. */
#include "user/register.h"

#include "base/clock.h"
#include "base/random.h"
#include "schema/email.h"
#include "token/seal.h"
#include "user/account_request.h"
#include "user/audit.h"
#include "user/auth.h"
#include "user/contracts.h"
#include "user/limit.h"
#include "user/link.h"
#include "user/messages.h"
#include "user/messages_account.h"
#include "user/password.h"
#include "user/password_policy.h"
#include "user/statements.h"
#include "user/user.h"

#include <errno.h>
#include <openssl/crypto.h>

const struct problem problem_registration_closed = { 403, "registration-closed", "New accounts are not made here",
	                                             LOG_INFO };
const struct problem problem_email_taken = { 409, "email-taken", "This e-mail address is registered already",
	                                     LOG_INFO };

static int created_event(struct arena *a, const struct new_account *n, const struct link *link, struct event *ret)
{
	char created_at[CLOCK_ISO8601_SIZE], expires_at[CLOCK_ISO8601_SIZE];
	struct buf sealed CLEANUP(buf_done);
	struct user_created data = {
		.user_id = n->id,
		.email = n->email,
		.display_name = n->display_name,
		.language = n->language,
		.created_at = { created_at, CLOCK_ISO8601_SIZE - 1 },
		.expires_at = { expires_at, CLOCK_ISO8601_SIZE - 1 },
	};
	int r;

	clock_format_iso8601(n->created_at_ms, created_at);
	clock_format_iso8601(link->expires_at_ms, expires_at);
	buf_init(&sealed, 512);
	r = seal_write_text(user_state()->link_seal, str_from(link->token), n->id, &sealed);
	if (r < 0)
		return r;
	data.sealed_token = buf_str(&sealed);
	return user_event_make(a, USER_EVENT_CREATED, n->id, &data, ret);
}

int register_store(struct store_tx *tx, struct arena *a, const struct new_account *n)
{
	struct event event;
	struct link link;
	int r = store_tx_query(tx, sql_user_insert,
	                       STORE_ARGS(STORE_S(n->id), STORE_S(n->email), STORE_S(n->canonical),
	                                  STORE_S(n->hashed_password), STORE_S(n->display_name), STORE_S(n->language),
	                                  STORE_I(n->created_at_ms)),
	                       a, NULL);

	if (r < 0)
		return r;
	r = link_make(tx, a, n->id, LINK_VERIFY_EMAIL, n->email, &link);
	if (r == 0)
		r = created_event(a, n, &link, &event);
	OPENSSL_cleanse(&link, sizeof(link));
	return r < 0 ? r : outbox_add(tx, &event, a);
}

/* ---- the route ---- */

/* The account and its event in one transaction. */
static int store_now(struct request *req, const struct new_account *n)
{
	struct user_state *u = user_state();
	struct arena *a = request_arena(req);
	const struct audit_event event = { .action = "user.register", .actor_id = n->id, .user_id = n->id };
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r = store_begin(u->store, &tx);

	if (r == 0)
		r = register_store(tx, a, n);
	if (r == 0)
		r = audit_add(req, tx, a, &event);
	if (r == 0)
		r = store_commit(&tx);
	if (r == -EIO)
		r = user_settle(req, sql_user_is_there, STORE_ARGS(STORE_S(n->id)));
	if (r < 0)
		return r;
	outbox_kick(u->outbox);
	log_info("user registered", LOG_STRN("user_id", n->id));
	audit_log(req, &event);
	return 0;
}

static int email_is_free(struct request *req, struct user_state *u, struct str canonical)
{
	struct store_rows rows;
	int r = store_read(u->store, sql_user_exists, STORE_ARGS(STORE_S(canonical)), request_arena(req), &rows);

	if (r < 0)
		return user_store_failed(req, r, "look for an address");
	if (rows.n > 0)
		return request_problem(req, &problem_email_taken, "Log in, or register with another address.");
	return 0;
}

static int respond_new(struct request *req, const struct new_account *n)
{
	char created_at[CLOCK_ISO8601_SIZE];
	struct user_reply out = {
		.id = n->id,
		.email = n->email,
		.display_name = n->display_name,
		.language = n->language,
		.role = STR("user"),
		.is_active = true,
		.created_at = { created_at, CLOCK_ISO8601_SIZE - 1 },
	};
	int r = respond_header(req, "Location", STR("/api/v1/users/me"));

	clock_format_iso8601(n->created_at_ms, created_at);
	return r < 0 ? r : respond(req, 201, &user_reply_schema, &out);
}

/* open: an address that is taken is told at once. */
static int register_open(struct request *req, struct new_account *n)
{
	int r = store_now(req, n);

	if (r == -EEXIST)
		return request_problem(req, &problem_email_taken, "Log in, or register with another address.");
	return r < 0 ? user_store_failed(req, r, "store a new user") : respond_new(req, n);
}

/* confirm: the same for every address, and the rest behind the answer. */
static int register_confirm(struct request *req, const struct new_account *n)
{
	int r = account_request_add(req, &(struct account_request){ .kind = "register",
	                                                            .email = n->email,
	                                                            .hashed_password = n->hashed_password,
	                                                            .display_name = n->display_name,
	                                                            .language = n->language });

	return r < 0 ? user_store_failed(req, r, "keep a registration") : respond_mail_sent(req);
}

static int prepare(struct request *req, const struct register_request *in, struct new_account *n,
                   char hash[PASSWORD_HASH_SIZE], char id[UUID_SIZE])
{
	struct user_state *u = user_state();
	int r = limit_take(req, LIMIT_REGISTER, STR_NULL);

	if (r == 0)
		r = password_policy_check(req, "password", in->password, in->email, in->display_name);
	if (r == 0)
		r = email_canonical(in->email, request_arena(req), &n->canonical);
	if (r == 0 && u->config->registration == REGISTRATION_OPEN)
		r = email_is_free(req, u, n->canonical);
	if (r < 0)
		return r;
	r = password_hash(u->passwords, in->password, hash);
	if (r < 0)
		return auth_password_failed(req, r);
	uuid_v7(id);
	n->id = str_from(id);
	n->email = in->email;
	n->hashed_password = str_from(hash);
	n->display_name = in->display_name;
	n->language = in->language;
	n->created_at_ms = clock_real_ms();
	return 0;
}

static int auth_register(struct request *req)
{
	int mode = user_state()->config->registration;
	char hash[PASSWORD_HASH_SIZE], id[UUID_SIZE];
	struct register_request in;
	struct new_account n = { 0 };
	int r;

	if (mode == REGISTRATION_CLOSED)
		return request_problem(req, &problem_registration_closed, "Ask the operator for an account.");
	r = request_parse(req, NULL, NULL, &in);
	if (r == 0)
		r = prepare(req, &in, &n, hash, id);
	if (r < 0)
		return r;
	return mode == REGISTRATION_CONFIRM ? register_confirm(req, &n) : register_open(req, &n);
}

const struct route register_routes[] = {
	{ .method = HTTP_POST,
	  .path = "/api/v1/auth/register",
	  .handler = auth_register,
	  .tag = "auth",
	  .body = &register_request_schema,
	  .reply = { 201, &user_reply_schema, NULL, "The new account; the welcome mail is on its way." },
	  .also = { { 202, "REGISTRATION=confirm: taken; a mail goes to that address, whoever's it is." } },
	  .errors = { 403, 409, 429, 503 },
	  .summary = "Make an account" },
	{ 0 },
};
