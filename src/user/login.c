/* Log-in: an address and a password against a session. An unknown address costs what a known one does, and is answered
 * the same; every attempt is counted before its password is looked at (limit.h). */
#include "base/clock.h"
#include "base/random.h"
#include "schema/email.h"
#include "user/audit.h"
#include "user/auth.h"
#include "user/device.h"
#include "user/keyring.h"
#include "user/limit.h"
#include "user/messages.h"
#include "user/password.h"
#include "user/second_factor.h"
#include "user/statements.h"

#include <errno.h>

#define CLIENT_ID "cinesync" /* first-party clients only; RFC 9068 wants one named */

const struct problem problem_invalid_credentials = { 401, "invalid-credentials", "Wrong e-mail address or password",
	                                             LOG_INFO };
const struct problem problem_account_deletion_pending = { 403, "account-deletion-pending",
	                                                  "This account is about to be deleted", LOG_INFO };
const struct problem problem_email_not_verified = { 403, "email-not-verified", "The e-mail address is not proven yet",
	                                            LOG_INFO };
const struct problem problem_account_inactive = { 403, "account-inactive", "This account is not active", LOG_INFO };

int auth_password_failed(struct request *req, int r)
{
	if (r == -EBUSY)
		return request_problem_retry(req, &problem_overloaded, 2,
		                             "Too many people are logging in right now; try again in a moment.");
	if (r == -ENOKEY) {
		log_alert("a password's pepper is not in PASSWORD_PEPPERS (any more); its owner cannot log in");
		return request_problem_retry(req, &problem_unavailable, 60, "Passwords cannot be checked right now.");
	}
	return r;
}

/* ---- tokens ---- */

static int access_token(struct user_state *u, const struct session *s, struct buf *out)
{
	int64_t now_s = clock_real_ms() / 1000;
	char jti[UUID_SIZE];
	struct token_claims claims = {
		.iss = str_from(u->config->token_issuer),
		.aud = str_from(u->config->token_audience),
		.sub = s->user_id,
		.sid = s->id,
		.role = s->role,
		.client_id = STR(CLIENT_ID),
		.iat = now_s,
		.exp = now_s + u->config->access_token_ttl_s,
	};

	uuid_v7(jti);
	claims.jti = str_from(jti);
	return keyring_sign(u->keyring, &claims, out);
}

int auth_respond_tokens(struct request *req, const struct session *s, struct str device_token)
{
	struct user_state *u = user_state();
	struct buf token CLEANUP(buf_done);
	struct token_reply out = {
		.refresh_token = str_from(s->refresh_token),
		.token_type = STR("bearer"),
		.expires_in = u->config->access_token_ttl_s,
		.device_token = device_token,
	};
	int r;

	buf_init(&token, TOKEN_SIZE_MAX);
	r = access_token(u, s, &token);
	if (r < 0)
		return r;
	out.access_token = buf_str(&token);
	return respond(req, 200, &token_reply_schema, &out);
}

/* ---- who it is ---- */

struct attempt {
	const struct login_request *in;
	struct str canonical;     /* of the address given; "" for what cannot be one */
	struct session_user user; /* .id null: nobody of that name */
	struct str hash;
	struct limit_login limits;
	bool is_counted; /* by them */
	bool is_active;
	bool is_verified;            /* the address is proven */
	bool is_leaving;             /* its owner has asked for its end */
	char device[DEVICE_ID_SIZE]; /* "": not one that we know */
};

/* Columns of sql_user_credentials. */
enum {
	CREDENTIAL_ID,
	CREDENTIAL_HASH,
	CREDENTIAL_ROLE,
	CREDENTIAL_ACTIVE,
	CREDENTIAL_EMAIL,
	CREDENTIAL_NAME,
	CREDENTIAL_LANGUAGE,
	CREDENTIAL_DELETE_AT,
	CREDENTIAL_VERIFIED,
};

/* An address that cannot be one is nobody's. */
static int attempt_init(struct attempt *t, const struct login_request *in, struct arena *a)
{
	int r;

	*t = (struct attempt){ .in = in, .hash = STR_NULL };
	r = email_canonical(str_is_null(in->email) ? in->username : in->email, a, &t->canonical);
	if (r != -EINVAL)
		return r;
	t->canonical = STR("");
	return 0;
}

/* Whoever is meant. */
static int attempt_read(struct user_state *u, struct arena *a, struct attempt *t)
{
	struct store_rows rows;
	int r = store_read(u->store, sql_user_credentials, STORE_ARGS(STORE_S(t->canonical)), a, &rows);

	if (r < 0 || rows.n == 0)
		return r;
	t->user = (struct session_user){
		.id = store_text(&rows, 0, CREDENTIAL_ID),
		.role = store_text(&rows, 0, CREDENTIAL_ROLE),
		.email = store_text(&rows, 0, CREDENTIAL_EMAIL),
		.display_name = store_text(&rows, 0, CREDENTIAL_NAME),
		.language = store_text(&rows, 0, CREDENTIAL_LANGUAGE),
	};
	t->hash = store_text(&rows, 0, CREDENTIAL_HASH);
	t->is_active = store_bool(&rows, 0, CREDENTIAL_ACTIVE);
	t->is_verified = !store_is_null(&rows, 0, CREDENTIAL_VERIFIED);
	t->is_leaving = !store_is_null(&rows, 0, CREDENTIAL_DELETE_AT);
	return 0;
}

/* The cost of hashing was changed since: bring this one up to date; a failure is no reason to refuse the log-in. */
static void rehash(struct user_state *u, struct arena *a, const struct attempt *t)
{
	char hash[PASSWORD_HASH_SIZE];
	int r = password_hash(u->passwords, t->in->password, hash);

	if (r == 0)
		r = store_query(u->store, sql_user_rehash,
		                STORE_ARGS(STORE_S(t->user.id), STORE_S(t->hash), STORE_S(str_from(hash)),
		                           STORE_I(clock_real_ms())),
		                a, NULL);
	if (r < 0)
		log_warning("password could not be hashed again", LOG_STRN("user_id", t->user.id), LOG_ERR(r));
}

/* Yields for the time of a hash. 0; 1: right, and to be hashed again; -EACCES: wrong; -EPERM: right, but the account is
 * not active; -EBUSY: too many wait. */
static int password_check(struct request *req, struct user_state *u, const struct attempt *t)
{
	int64_t took_us = 0;
	int r = password_verify(u->passwords, t->in->password, t->hash, &took_us);

	request_timing(req, "password", took_us);
	if (r == -EILSEQ)
		return -EACCES;
	return r >= 0 && !t->is_active ? -EPERM : r;
}

/* ---- the route ---- */

static int refuse(struct request *req, const struct attempt *t, int r)
{
	if (r != -EACCES && r != -EPERM)
		return auth_password_failed(req, r);
	audit_record(req, &(struct audit_event){ .action = "session.create",
	                                         .result = r == -EACCES ? AUDIT_FAILURE : AUDIT_DENIED,
	                                         .user_id = t->user.id });
	if (r == -EPERM)
		return request_problem(req, &problem_account_inactive, "Ask the operator why.");
	return request_problem(req, &problem_invalid_credentials, "Check both and try again.");
}

/* Yields. The second factor, where it is on; 0, or the error to return. A wrong code was a failed log-in. */
static int factor_check(struct request *req, struct user_state *u, const struct attempt *t)
{
	const struct second_factor_proof proof = { t->in->code, t->in->recovery_code };
	int r = second_factor_is_on(u, request_arena(req), t->user.id);

	if (r < 0)
		return user_store_failed(req, r, "look for a second factor");
	if (r == 0)
		return 0;
	if (!str_is_null(proof.code) || !str_is_null(proof.recovery_code))
		return second_factor_prove(req, &t->user, &proof, t->device);
	/* Neither a success, which would clear what others tried, nor a failure. */
	limit_login_settle(&t->limits, LIMITER_WITHDRAWN);
	return request_problem(req, &problem_second_factor_required, "Send the same again with a code.");
}

/* Yields. Counts it by the device it comes from, if that is one we know. */
static int count(struct request *req, struct attempt *t)
{
	int r = limit_login_take(req, t->canonical, t->device, &t->limits);

	t->is_counted = r == 0;
	return r;
}

/* Yields. Finds who is meant and counts the attempt: before anything is read, so that a refusal costs little, unless
 * there is a device token, which only its account's id proves. Which way it goes depends on the request alone, not on
 * whether there is such an account. */
static int find(struct request *req, struct user_state *u, struct attempt *t)
{
	int r = 0;

	if (t->in->device_token.len == 0)
		r = count(req, t);
	if (r < 0)
		return r;
	r = attempt_read(u, request_arena(req), t);
	if (r < 0 && t->is_counted)
		limit_login_settle(&t->limits, LIMITER_WITHDRAWN);
	if (r < 0)
		return user_store_failed(req, r, "look for a user");
	device_recognise(u, t->in->device_token, t->user.id, t->device);
	return t->is_counted ? 0 : count(req, t);
}

static int log_in(struct request *req, struct user_state *u, struct attempt *t)
{
	int checked, r = find(req, u, t);

	if (r < 0)
		return r;
	checked = password_check(req, u, t);
	/* A wrong password was counted before it was looked at. Who was not even looked at has tried nothing. */
	if (checked < 0 && checked != -EPERM && checked != -EACCES)
		limit_login_settle(&t->limits, LIMITER_WITHDRAWN);
	r = checked >= 0 ? factor_check(req, u, t) : 0;
	if (r < 0)
		return r;
	if (checked >= 0 || checked == -EPERM)
		limit_login_settle(&t->limits, LIMITER_SUCCEEDED);
	if (checked < 0)
		return refuse(req, t, checked);
	if (checked == 1)
		rehash(u, request_arena(req), t);
	return 0;
}

/* Yields. Who sends this request has the account's password. 0, or the problem to return. */
static int attempt(struct request *req, struct login_request *in, struct attempt *t)
{
	struct user_state *u = user_state();
	int r = request_parse(req, NULL, NULL, in);

	if (r < 0)
		return r;
	r = passwords_check(u->passwords);
	if (r < 0)
		return auth_password_failed(req, r);
	r = attempt_init(t, in, request_arena(req));
	return r < 0 ? r : log_in(req, u, t);
}

static int leaving(struct request *req, const struct attempt *t)
{
	audit_record(req, &(struct audit_event){
	                          .action = "session.create", .result = AUDIT_DENIED, .user_id = t->user.id });
	return request_problem(req, &problem_account_deletion_pending,
	                       "Its owner has asked for its end; POST /api/v1/auth/cancel-deletion keeps it.");
}

static int unverified(struct request *req, const struct attempt *t)
{
	audit_record(req, &(struct audit_event){
	                          .action = "session.create", .result = AUDIT_DENIED, .user_id = t->user.id });
	return request_problem(
	        req, &problem_email_not_verified,
	        "Follow the link in our mail; POST /api/v1/auth/verify-email/resend sends it once more.");
}

static int auth_login(struct request *req)
{
	struct user_state *u = user_state();
	struct login_request in;
	struct attempt t;
	char device_token[DEVICE_TOKEN_SIZE];
	struct session s;
	int r = attempt(req, &in, &t);

	if (r == 0 && t.is_leaving)
		return leaving(req, &t);
	if (r == 0 && u->config->require_verified_email && !t.is_verified)
		return unverified(req, &t);
	if (r == 0)
		r = device_token_make(u, t.user.id, t.device, device_token);
	if (r < 0)
		return r;
	r = session_create(req, &t.user, t.device[0] != '\0', &s);
	if (r < 0)
		return user_store_failed(req, r, "store a session");
	return auth_respond_tokens(req, &s, str_from(device_token));
}

/* Its owner has thought again. */
static int auth_cancel_deletion(struct request *req)
{
	struct login_request in;
	struct attempt t;
	int r = attempt(req, &in, &t);

	if (r < 0)
		return r;
	r = store_query(user_state()->store, sql_user_delete_at,
	                STORE_ARGS(STORE_S(t.user.id), STORE_N, STORE_I(clock_real_ms())), request_arena(req), NULL);
	if (r < 0)
		return user_store_failed(req, r, "keep an account");
	audit_record(req, &(struct audit_event){
	                          .action = "user.cancel-deletion", .actor_id = t.user.id, .user_id = t.user.id });
	return respond_empty(req, 204);
}

const struct route login_routes[] = {
	{ .method = HTTP_POST,
	  .path = "/api/v1/auth/login",
	  .handler = auth_login,
	  .tag = "auth",
	  .body = &login_request_schema,
	  .body_form = true,
	  .reply = { 200, &token_reply_schema, NULL, "A new session." },
	  .errors = { 401, 403, 429, 503 },
	  .summary = "Log in",
	  .doc = "Takes JSON with email and password, or the OAuth2 password form (RFC 6749, section 4.3). Keep the "
	         "device_token and send it with the next log-in: a device that is known is not held up by the guesses "
	         "of "
	         "others. Wrong passwords make the next try wait longer and longer (429 with Retry-After). Where a "
	         "second factor is "
	         "on, a right password alone is answered 401 second-factor-required." },
	{ .method = HTTP_POST,
	  .path = "/api/v1/auth/cancel-deletion",
	  .handler = auth_cancel_deletion,
	  .tag = "auth",
	  .body = &login_request_schema,
	  .body_form = true,
	  .reply = { 204, NULL, NULL, "The account stays; log in." },
	  .errors = { 401, 403, 429, 503 },
	  .summary = "Keep an account that was to be deleted",
	  .doc = "Takes what a log-in takes, for the time until the account goes." },
	{ 0 },
};
