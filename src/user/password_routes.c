/* Changing a password, and getting a new one for a forgotten one. */
#include "base/clock.h"
#include "schema/email.h"
#include "user/account_request.h"
#include "user/audit.h"
#include "user/auth.h"
#include "user/limit.h"
#include "user/link.h"
#include "user/messages_account.h"
#include "user/notice.h"
#include "user/password.h"
#include "user/password_policy.h"
#include "user/statements.h"

#include <errno.h>

/* ---- a new password in the store ---- */

struct new_password {
	struct str hash;
	struct str token;         /* of a link that is used up with it; null: none */
	enum session_scope scope; /* of the sessions that end */
};

/* In the transaction. *ret_canonical: the account's. */
static int store_in(struct request *req, struct store_tx *tx, const struct new_password *p, struct audit_event *event,
                    struct store_rows *ret_ended, struct str *ret_canonical)
{
	struct arena *a = request_arena(req);
	struct str keep = p->scope == SESSION_OTHERS ? request_user(req)->session_id : STR_NULL;
	struct store_rows user;
	struct str email;
	int r = str_is_null(p->token) ? 0 : link_use(tx, a, LINK_RESET_PASSWORD, p->token, &event->user_id, &email);

	if (r == 0)
		r = store_tx_query(tx, sql_user_set_password,
		                   STORE_ARGS(STORE_S(event->user_id), STORE_S(p->hash), STORE_I(clock_real_ms())), a,
		                   &user);
	if (r == 0 && user.n == 0)
		return -ENOENT;
	/* Who has read the mail has proven the address. */
	if (r == 0 && !str_is_null(p->token))
		r = store_tx_query(tx, sql_user_verify,
		                   STORE_ARGS(STORE_S(event->user_id), STORE_S(email), STORE_I(clock_real_ms())), a,
		                   NULL);
	if (r == 0)
		r = session_end(tx, a, event->user_id, keep, p->scope, "password_changed", ret_ended);
	if (r == 0)
		r = notice_add(tx, a, USER_EVENT_PASSWORD_CHANGED,
		               &(struct notice){ .user_id = event->user_id,
		                                 .email = store_text(&user, 0, 0),
		                                 .display_name = store_text(&user, 0, 2),
		                                 .language = store_text(&user, 0, 3),
		                                 .ip_address = request_client_address(req) });
	if (r < 0)
		return r;
	*ret_canonical = store_text(&user, 0, 1);
	event->actor_id = event->user_id;
	return audit_add(req, tx, a, event);
}

static int store(struct request *req, const struct new_password *p, struct audit_event *event)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct store_rows ended;
	struct str canonical;
	int r = store_begin(user_state()->store, &tx);

	if (r == 0)
		r = store_in(req, tx, p, event, &ended, &canonical);
	if (r == 0)
		r = store_commit(&tx);
	if (r < 0)
		return r == -EIO ? -ENOTCONN : r;
	session_revoked_tell(&ended);
	limit_forget(req, canonical);
	outbox_kick(user_state()->outbox);
	audit_log(req, event);
	return 0;
}

/* ---- changing ---- */

static int password_change(struct request *req)
{
	struct audit_event event = { .action = "password.change", .session_id = request_user(req)->session_id };
	char hash[PASSWORD_HASH_SIZE];
	struct password_change in;
	struct session_user user;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = auth_password_again(req, in.current_password, "password.change", &user);
	if (r == 0)
		r = password_policy_check(req, "password", in.password, user.email, user.display_name);
	if (r < 0)
		return r;
	r = password_hash(user_state()->passwords, in.password, hash);
	if (r < 0)
		return auth_password_failed(req, r);
	event.user_id = user.id;
	r = store(req, &(struct new_password){ .hash = str_from(hash), .token = STR_NULL, .scope = SESSION_OTHERS },
	          &event);
	return r < 0 ? user_store_failed(req, r, "change a password") : respond_empty(req, 204);
}

/* ---- forgotten ---- */

static int password_forgot(struct request *req)
{
	struct email_request in;
	struct str canonical;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = email_canonical(in.email, request_arena(req), &canonical);
	if (r == 0)
		r = limit_take(req, LIMIT_MAIL, canonical);
	if (r < 0)
		return r;
	r = account_request_add(req, &(struct account_request){ .kind = "reset_password", .email = in.email });
	return r < 0 ? user_store_failed(req, r, "keep a request") : respond_mail_sent(req);
}

static int password_reset(struct request *req)
{
	struct audit_event event = { .action = "password.reset" };
	char hash[PASSWORD_HASH_SIZE];
	struct str email, display_name;
	struct password_reset in;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = limit_take(req, LIMIT_USE_LINK, STR_NULL);
	if (r < 0)
		return r;
	/* A password that is no good must not cost the link. */
	r = link_peek(user_state()->store, request_arena(req), LINK_RESET_PASSWORD, in.token, &email, &display_name);
	if (r == -ENOENT)
		return email_invalid_link(req);
	if (r < 0)
		return user_store_failed(req, r, "look at a link");
	r = password_policy_check(req, "password", in.password, email, display_name);
	if (r < 0)
		return r;
	r = password_hash(user_state()->passwords, in.password, hash);
	if (r < 0)
		return auth_password_failed(req, r);
	r = store(req, &(struct new_password){ .hash = str_from(hash), .token = in.token, .scope = SESSION_ALL },
	          &event);
	if (r == -ENOENT)
		return email_invalid_link(req);
	return r < 0 ? user_store_failed(req, r, "reset a password") : respond_empty(req, 204);
}

#define POST(path_, handler_, body_) \
	.method = HTTP_POST, .path = "/api/v1" path_, .handler = (handler_), .body = &(body_)

const struct route password_routes[] = {
	{ POST("/auth/password/forgot", password_forgot, email_request_schema), .tag = "auth",
	  .reply = { 202, &mail_sent_schema, NULL, "The same for every address." }, .errors = { 429, 503 },
	  .summary = "Ask for a link to a new password" },
	{ POST("/auth/password/reset", password_reset, password_reset_schema), .tag = "auth",
	  .reply = { 204, NULL, NULL, "The new password is set; all sessions have ended." },
	  .errors = { 400, 429, 503 }, .summary = "Set a new password by the link in a mail",
	  .doc = "A second factor stays on." },
	{ POST("/users/me/password", password_change, password_change_schema), .tag = "users", .auth = HTTP_AUTH_USER,
	  .reply = { 204, NULL, NULL, "The new password is set; all other sessions have ended." },
	  .errors = { 401, 403, 429, 503 }, .summary = "Change my password" },
	{ 0 },
};
