/* /users/me/second-factor: turning it on and off. What weakens or replaces it wants the password again, and a code. */
#include "base/clock.h"
#include "user/auth.h"
#include "user/limit.h"
#include "user/messages_second_factor.h"
#include "user/second_factor.h"
#include "user/statements.h"

#include <errno.h>
#include <openssl/crypto.h>

const struct problem problem_second_factor_on = { 409, "second-factor-on", "The second factor is on already",
	                                          LOG_INFO };
const struct problem problem_second_factor_off = { 409, "second-factor-off", "There is no second factor to do it with",
	                                           LOG_INFO };

/* Columns of sql_factor_status. */
enum { STATUS_ENABLED, STATUS_LEFT };

static int factor_get(struct request *req)
{
	struct factor_status out = { .is_enabled = false };
	char enabled_at[CLOCK_ISO8601_SIZE];
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_factor_status, STORE_ARGS(STORE_S(request_user(req)->id)),
	                   request_arena(req), &rows);

	if (r < 0)
		return user_store_failed(req, r, "look for a second factor");
	if (rows.n > 0) {
		clock_format_iso8601(store_int(&rows, 0, STATUS_ENABLED), enabled_at);
		out = (struct factor_status){ true, str_from(enabled_at), store_int(&rows, 0, STATUS_LEFT) };
	}
	return respond(req, 200, &factor_status_schema, &out);
}

static int begin_reply(struct request *req, struct str email, const uint8_t secret[TOTP_SECRET_SIZE])
{
	char text[TOTP_SECRET_TEXT_SIZE];
	struct buf uri CLEANUP(buf_done);
	struct factor_begin_reply out;
	int r = totp_secret_text(secret, text);

	buf_init(&uri, 1024);
	if (r == 0)
		r = totp_uri_write(&uri, text, email);
	if (r == 0) {
		out = (struct factor_begin_reply){ str_from(text), buf_str(&uri) };
		r = respond(req, 201, &factor_begin_reply_schema, &out);
	}
	OPENSSL_cleanse(text, sizeof(text));
	if (uri.data)
		OPENSSL_cleanse(uri.data, uri.cap);
	return r;
}

static int factor_begin(struct request *req)
{
	struct factor_begin_request in;
	uint8_t secret[TOTP_SECRET_SIZE];
	struct session_user user;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = auth_password_again(req, in.password, "second-factor.begin", &user);
	if (r < 0)
		return r;
	r = second_factor_begin(req, user.id, secret);
	if (r == -EEXIST)
		return request_problem(req, &problem_second_factor_on, "Turn it off first.");
	if (r < 0)
		return user_store_failed(req, r, "begin a second factor");
	r = begin_reply(req, user.email, secret);
	OPENSSL_cleanse(secret, sizeof(secret));
	return r;
}

static int respond_codes(struct request *req, const struct recovery_codes *c)
{
	struct str items[RECOVERY_CODES];
	struct factor_codes_reply out = { .recovery_codes = { RECOVERY_CODES, items } };

	for (size_t i = 0; i < RECOVERY_CODES; i++)
		items[i] = str_from(c->codes[i]);
	return respond(req, 200, &factor_codes_reply_schema, &out);
}

static int factor_confirm(struct request *req)
{
	struct recovery_codes codes CLEANUP(recovery_codes_done) = { 0 };
	struct factor_confirm_request in;
	struct session_user user;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = limit_take(req, LIMIT_SECOND_FACTOR, request_user(req)->id);
	if (r == 0)
		r = auth_user_read(req, &user, NULL);
	if (r < 0)
		return r;
	r = second_factor_enable(req, &user, in.code, &codes);
	if (r == -EACCES)
		return request_problem(req, &problem_invalid_code,
		                       "Check the clocks of both devices, and give the code that is shown now.");
	if (r == -ENOENT)
		return request_problem(req, &problem_second_factor_off, "Begin again: a secret waits for 15 minutes.");
	if (r < 0)
		return user_store_failed(req, r, "turn on a second factor");
	return respond_codes(req, &codes);
}

/* Yields. Password and code, both right. */
static int proven(struct request *req, const char *action, struct session_user *ret)
{
	struct factor_proof_request in;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = auth_password_again(req, in.password, action, ret);
	if (r < 0)
		return r;
	r = second_factor_is_on(user_state(), request_arena(req), ret->id);
	if (r < 0)
		return user_store_failed(req, r, "look for a second factor");
	if (r == 0)
		return request_problem(req, &problem_second_factor_off, "It is off.");
	return second_factor_prove(req, ret, &(struct second_factor_proof){ in.code, in.recovery_code }, "");
}

static int factor_disable(struct request *req)
{
	struct session_user user;
	int r = proven(req, "second-factor.disable", &user);

	if (r < 0)
		return r;
	r = second_factor_disable(req, &user);
	return r < 0 ? user_store_failed(req, r, "turn off a second factor") : respond_empty(req, 204);
}

static int factor_renew(struct request *req)
{
	struct recovery_codes codes CLEANUP(recovery_codes_done) = { 0 };
	struct session_user user;
	int r = proven(req, "second-factor.renew", &user);

	if (r < 0)
		return r;
	r = second_factor_renew(req, &user, &codes);
	return r < 0 ? user_store_failed(req, r, "make recovery codes") : respond_codes(req, &codes);
}

#define TAG .tag = "users", .auth = HTTP_AUTH_USER
#define PATH "/api/v1/users/me/second-factor"

const struct route second_factor_routes[] = {
	{ .method = HTTP_GET,
	  .path = PATH,
	  .handler = factor_get,
	  TAG,
	  .reply = { 200, &factor_status_schema, NULL, "Whether it is on." },
	  .errors = { 401, 503 },
	  .summary = "My second factor" },
	{ .method = HTTP_POST,
	  .path = PATH,
	  .handler = factor_begin,
	  TAG,
	  .body = &factor_begin_request_schema,
	  .reply = { 201, &factor_begin_reply_schema, NULL, "The secret; nothing is on yet." },
	  .errors = { 401, 403, 409, 429, 503 },
	  .summary = "Begin to use a second factor",
	  .doc = "Time-based one-time passwords (RFC 6238). Give the secret to an authenticator, then its first code "
	         "to "
	         "/confirm." },
	{ .method = HTTP_POST,
	  .path = PATH "/confirm",
	  .handler = factor_confirm,
	  TAG,
	  .body = &factor_confirm_request_schema,
	  .reply = { 200, &factor_codes_reply_schema, NULL, "It is on." },
	  .errors = { 401, 403, 409, 429, 503 },
	  .summary = "Turn the second factor on" },
	{ .method = HTTP_POST,
	  .path = PATH "/disable",
	  .handler = factor_disable,
	  TAG,
	  .body = &factor_proof_request_schema,
	  .reply = { 204, NULL, NULL, "It is off." },
	  .errors = { 401, 403, 409, 429, 503 },
	  .summary = "Turn the second factor off" },
	{ .method = HTTP_POST,
	  .path = PATH "/recovery-codes",
	  .handler = factor_renew,
	  TAG,
	  .body = &factor_proof_request_schema,
	  .reply = { 200, &factor_codes_reply_schema, NULL, "The new codes; the old ones are worth nothing." },
	  .errors = { 401, 403, 409, 429, 503 },
	  .summary = "New recovery codes" },
	{ 0 },
};
