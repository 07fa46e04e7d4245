/* Proving an address, and changing it. */
#include "base/clock.h"
#include "schema/email.h"
#include "user/account_request.h"
#include "user/audit.h"
#include "user/auth.h"
#include "user/limit.h"
#include "user/link.h"
#include "user/messages_account.h"
#include "user/notice.h"
#include "user/statements.h"

#include <errno.h>
#include <openssl/crypto.h>

const struct problem problem_invalid_link = { 400, "invalid-link", "This link does not work (any more)", LOG_INFO };

int respond_mail_sent(struct request *req)
{
	return respond(
	        req, 202, &mail_sent_schema,
	        &(struct mail_sent){ STR("If there is something to be done, a mail with a link is on its way.") });
}

int email_invalid_link(struct request *req)
{
	return request_problem(req, &problem_invalid_link, "It was used, or is too old. Ask for a new one.");
}

/* ---- proving ---- */

/* In one transaction: the link is used up, the address proven. -ENOENT: it is no good. */
static int verify(struct request *req, struct str token)
{
	struct arena *a = request_arena(req);
	struct audit_event event = { .action = "email.verify" };
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct store_rows rows;
	struct str email;
	int r = store_begin(user_state()->store, &tx);

	if (r == 0)
		r = link_use(tx, a, LINK_VERIFY_EMAIL, token, &event.user_id, &email);
	if (r == 0)
		r = store_tx_query(tx, sql_user_verify,
		                   STORE_ARGS(STORE_S(event.user_id), STORE_S(email), STORE_I(clock_real_ms())), a,
		                   &rows);
	/* The account has another address by now. */
	if (r == 0 && rows.n == 0)
		return -ENOENT;
	event.actor_id = event.user_id;
	if (r == 0)
		r = audit_add(req, tx, a, &event);
	if (r == 0)
		r = store_commit(&tx);
	if (r == 0)
		audit_log(req, &event);
	return r == -EIO ? -ENOTCONN : r;
}

static int email_verify(struct request *req)
{
	struct link_request in;
	bool was_good = false;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = limit_take(req, LIMIT_USE_LINK, STR_NULL);
	if (r < 0)
		return r;
	r = verify(req, in.token);
	/* People click twice, and mail readers look at links before them. */
	if (r == -ENOENT) {
		r = link_was_good(user_state()->store, request_arena(req), in.token, &was_good);
		if (r == 0 && !was_good)
			return email_invalid_link(req);
	}
	return r < 0 ? user_store_failed(req, r, "prove an address") : respond_empty(req, 204);
}

static int email_resend(struct request *req)
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
	r = account_request_add(req, &(struct account_request){ .kind = "verify_email", .email = in.email });
	return r < 0 ? user_store_failed(req, r, "keep a request") : respond_mail_sent(req);
}

/* ---- changing ---- */

struct change {
	struct session_user user;
	struct str email; /* the new one */
	struct str canonical;
};

/* In the transaction: a link to the new address, a word to the old one; or, when the new one is somebody's, a word to
 * that person, and nobody here learns of it. */
static int change_ask(struct store_tx *tx, struct arena *a, const struct change *c)
{
	struct notice n = { .user_id = c->user.id,
		            .email = c->email,
		            .display_name = c->user.display_name,
		            .language = c->user.language };
	struct store_rows taken;
	struct link link;
	int r = store_tx_query(tx, sql_user_by_canonical, STORE_ARGS(STORE_S(c->canonical)), a, &taken);

	if (r < 0)
		return r;
	if (taken.n > 0 && !str_equal(store_text(&taken, 0, 0), c->user.id))
		return notice_add(tx, a, USER_EVENT_REGISTRATION_REPEATED,
		                  &(struct notice){ .user_id = store_text(&taken, 0, 0),
		                                    .email = store_text(&taken, 0, 1),
		                                    .display_name = store_text(&taken, 0, 2),
		                                    .language = store_text(&taken, 0, 3) });
	r = link_make(tx, a, c->user.id, LINK_CHANGE_EMAIL, c->email, &link);
	n.link_token = str_from(link.token);
	n.expires_at_ms = link.expires_at_ms;
	if (r == 0)
		r = notice_add(tx, a, USER_EVENT_EMAIL_CHANGE_REQUESTED, &n);
	OPENSSL_cleanse(&link, sizeof(link));
	n.link_token = STR_NULL;
	n.email = c->user.email;
	n.new_email = c->email;
	return r < 0 ? r : notice_add(tx, a, USER_EVENT_EMAIL_CHANGE_NOTICED, &n);
}

static int email_change(struct request *req)
{
	struct arena *a = request_arena(req);
	struct audit_event event = { .action = "email.request-change" };
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct email_change in;
	struct change c;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = auth_password_again(req, in.password, "email.request-change", &c.user);
	if (r == 0)
		r = email_canonical(in.email, a, &c.canonical);
	if (r == 0)
		r = limit_take(req, LIMIT_MAIL, c.canonical);
	if (r < 0)
		return r;
	c.email = in.email;
	event.actor_id = event.user_id = c.user.id;
	r = store_begin(user_state()->store, &tx);
	if (r == 0)
		r = change_ask(tx, a, &c);
	if (r == 0)
		r = audit_add(req, tx, a, &event);
	if (r == 0)
		r = store_commit(&tx);
	if (r < 0)
		return user_store_failed(req, r == -EIO ? -ENOTCONN : r, "ask for a change of address");
	outbox_kick(user_state()->outbox);
	audit_log(req, &event);
	return respond_mail_sent(req);
}

/* In the transaction: both addresses are told. */
static int changed_notice(struct store_tx *tx, struct arena *a, struct str user_id, struct str old, struct str new,
                          const struct store_rows *user)
{
	struct notice n = { .user_id = user_id,
		            .email = old,
		            .new_email = new,
		            .display_name = store_text(user, 0, 0),
		            .language = store_text(user, 0, 1) };
	int r = notice_add(tx, a, USER_EVENT_EMAIL_CHANGED, &n);

	n.email = new;
	return r < 0 ? r : notice_add(tx, a, USER_EVENT_EMAIL_CHANGED, &n);
}

static int change_do(struct request *req, struct str token, struct audit_event *event)
{
	struct arena *a = request_arena(req);
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct store_rows old, user;
	struct str email, canonical;
	int r = store_begin(user_state()->store, &tx);

	if (r == 0)
		r = link_use(tx, a, LINK_CHANGE_EMAIL, token, &event->user_id, &email);
	if (r == 0)
		r = email_canonical(email, a, &canonical);
	if (r == 0)
		r = store_tx_query(tx, sql_user_email_of, STORE_ARGS(STORE_S(event->user_id)), a, &old);
	if (r == 0)
		r = store_tx_query(tx, sql_user_set_email,
		                   STORE_ARGS(STORE_S(event->user_id), STORE_S(email), STORE_S(canonical),
		                              STORE_I(clock_real_ms())),
		                   a, &user);
	if (r == 0 && (user.n == 0 || old.n == 0))
		return -ENOENT;
	event->actor_id = event->user_id;
	if (r == 0)
		r = changed_notice(tx, a, event->user_id, store_text(&old, 0, 0), email, &user);
	if (r == 0)
		r = audit_add(req, tx, a, event);
	return r < 0 ? r : store_commit(&tx);
}

static int email_confirm(struct request *req)
{
	struct audit_event event = { .action = "email.change" };
	struct link_request in;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = limit_take(req, LIMIT_USE_LINK, STR_NULL);
	if (r < 0)
		return r;
	r = change_do(req, in.token, &event);
	if (r == -ENOENT)
		return email_invalid_link(req);
	if (r == -EEXIST)
		return request_problem(req, &problem_email_taken, "Somebody has registered with it meanwhile.");
	if (r < 0)
		return user_store_failed(req, r == -EIO ? -ENOTCONN : r, "change an address");
	outbox_kick(user_state()->outbox);
	audit_log(req, &event);
	return respond_empty(req, 204);
}

#define POST(path_, handler_, body_) \
	.method = HTTP_POST, .path = "/api/v1" path_, .handler = (handler_), .body = &(body_), .tag = "auth"

const struct route email_routes[] = {
	{ POST("/auth/verify-email", email_verify, link_request_schema),
	  .reply = { 204, NULL, NULL, "The address is proven (it may have been before)." }, .errors = { 400, 429, 503 },
	  .summary = "Prove an address by the link in a mail" },
	{ POST("/auth/verify-email/resend", email_resend, email_request_schema),
	  .reply = { 202, &mail_sent_schema, NULL, "The same for every address." }, .errors = { 429, 503 },
	  .summary = "Send the link once more",
	  .doc = "Nothing is sent to an address without an account, to one that is proven, or twice within "
	         "LINK_COOLDOWN_S; "
	         "the answer does not tell." },
	{ POST("/auth/confirm-email", email_confirm, link_request_schema),
	  .reply = { 204, NULL, NULL, "The account has its new address." }, .errors = { 400, 409, 429, 503 },
	  .summary = "Confirm a new address by the link in a mail" },
	{ POST("/users/me/email", email_change, email_change_schema), .auth = HTTP_AUTH_USER,
	  .reply = { 202, &mail_sent_schema, NULL, "The same for every address." }, .errors = { 401, 403, 429, 503 },
	  .summary = "Change my address",
	  .doc = "A link goes to the new address, a word to the old one; the address changes when the link is used." },
	{ 0 },
};
