/* /auth: register, log in, refresh, log out. Secrets come in as parts of the request's body and stay in its arena,
 * which is wiped at its end; nothing here logs or answers with one, except the tokens that are the answer. */
#include "user/user.h"

#include "base/clock.h"
#include "base/random.h"
#include "fiber/fiber.h"
#include "schema/email.h"
#include "user/messages.h"
#include "user/password.h"
#include "user/session.h"
#include "user/statements.h"

#include <errno.h>

#define CLIENT_ID "cinesync" /* first-party clients only; RFC 9068 wants one named */

const struct problem problem_email_taken = { 409, "email-taken", "This e-mail address is registered already",
	                                     LOG_INFO };
const struct problem problem_invalid_credentials = { 401, "invalid-credentials", "Wrong e-mail address or password",
	                                             LOG_INFO };
const struct problem problem_invalid_refresh_token = { 401, "invalid-refresh-token", "The refresh token is not valid",
	                                               LOG_INFO };
const struct problem problem_account_inactive = { 403, "account-inactive", "This account is not active", LOG_INFO };

/* The hashing queue is full: say so, and when to come again. */
static int password_failed(struct request *req, int r)
{
	if (r == -EBUSY)
		return request_problem_retry(req, &problem_overloaded, 2,
		                             "Too many people are logging in right now; try again in a moment.");
	return r;
}

/* ---- register ---- */

struct new_user {
	char id[UUID_SIZE];
	char hash[PASSWORD_HASH_SIZE];
	char created_at[CLOCK_ISO8601_SIZE];
	int64_t now_ms;
	struct str canonical;
	const struct register_request *in;
};

static struct user_reply new_user_reply(const struct new_user *n)
{
	return (struct user_reply){
		.id = str_from(n->id),
		.email = n->in->email,
		.display_name = n->in->display_name,
		.language = n->in->language,
		.role = STR("user"),
		.is_active = true,
		.created_at = str_from(n->created_at),
	};
}

static int created_event(struct arena *a, const struct new_user *n, struct event *ret)
{
	struct user_created data = {
		.user_id = str_from(n->id),
		.email = n->in->email,
		.display_name = n->in->display_name,
		.language = n->in->language,
		.created_at = str_from(n->created_at),
	};

	return event_make(a, "/cinesync/user", "com.cinesync.user.created.v1", str_from(n->id), &user_created_schema,
	                  &data, ret);
}

/* The row and its event in one transaction. */
static int new_user_store(struct user_state *u, struct arena *a, const struct new_user *n)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct store_rows rows;
	struct event event;
	int r = created_event(a, n, &event);

	if (r == 0)
		r = store_begin(u->store, &tx);
	if (r == 0)
		r = store_tx_query(tx, sql_user_insert,
		                   STORE_ARGS(STORE_S(str_from(n->id)), STORE_S(n->in->email), STORE_S(n->canonical),
		                              STORE_S(str_from(n->hash)), STORE_S(n->in->display_name),
		                              STORE_S(n->in->language), STORE_I(n->now_ms)),
		                   a, &rows);
	if (r == 0)
		r = outbox_add(tx, &event, a);
	if (r == 0)
		r = store_commit(&tx);
	if (r == 0)
		outbox_kick(u->outbox);
	return r;
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

/* Fills what the request does not bring. Yields for the time of a hash. */
static int new_user_prepare(struct request *req, struct user_state *u, struct new_user *n)
{
	int r = password_hash(u->passwords, n->in->password, n->hash);

	if (r < 0)
		return password_failed(req, r);
	uuid_v7(n->id);
	n->now_ms = clock_real_ms();
	clock_format_iso8601(n->now_ms, n->created_at);
	return 0;
}

static int auth_register(struct request *req)
{
	struct user_state *u = user_state();
	struct register_request in;
	struct new_user n = { .in = &in };
	struct user_reply out;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = email_canonical(in.email, request_arena(req), &n.canonical);
	if (r == 0)
		r = email_is_free(req, u, n.canonical);
	if (r == 0)
		r = new_user_prepare(req, u, &n);
	if (r < 0)
		return r;
	r = new_user_store(u, request_arena(req), &n);
	if (r == -EEXIST)
		return request_problem(req, &problem_email_taken, "Log in, or register with another address.");
	if (r < 0)
		return user_store_failed(req, r, "store a new user");
	log_info("user registered", LOG_STR("user_id", n.id));
	out = new_user_reply(&n);
	r = respond_header(req, "Location", STR("/api/v1/users/me"));
	return r < 0 ? r : respond(req, 201, &user_reply_schema, &out);
}

/* ---- log in ---- */

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
	return token_sign(u->key, &claims, out);
}

static int respond_tokens(struct request *req, struct user_state *u, const struct session *s)
{
	struct buf token CLEANUP(buf_done);
	struct token_reply out = {
		.refresh_token = str_from(s->refresh_token),
		.token_type = STR("bearer"),
		.expires_in = u->config->access_token_ttl_s,
	};
	int r;

	buf_init(&token, TOKEN_SIZE_MAX);
	r = access_token(u, s, &token);
	if (r < 0)
		return r;
	out.access_token = buf_str(&token);
	return respond(req, 200, &token_reply_schema, &out);
}

struct credentials {
	struct str id;
	struct str hash; /* null: nobody of that name */
	struct str role;
	bool is_active;
};

/* Whoever is meant; an address that cannot be one is nobody's. */
static int credentials_find(struct user_state *u, struct arena *a, struct str email, struct credentials *ret)
{
	struct store_rows rows;
	struct str canonical;
	int r = email_canonical(email, a, &canonical);

	*ret = (struct credentials){ .hash = STR_NULL };
	if (r == -EINVAL)
		canonical = STR("");
	else if (r < 0)
		return r;
	r = store_read(u->store, sql_user_credentials, STORE_ARGS(STORE_S(canonical)), a, &rows);
	if (r < 0 || rows.n == 0)
		return r;
	*ret = (struct credentials){
		.id = store_text(&rows, 0, 0),
		.hash = store_text(&rows, 0, 1),
		.role = store_text(&rows, 0, 2),
		.is_active = store_bool(&rows, 0, 3),
	};
	return 0;
}

/* The cost of hashing was changed since: bring this one up to date; a failure is no reason to refuse the log-in. */
static void rehash(struct user_state *u, struct arena *a, const struct credentials *c, struct str password)
{
	char hash[PASSWORD_HASH_SIZE];
	struct store_rows rows;
	int r = password_hash(u->passwords, password, hash);

	if (r == 0)
		r = store_query(
		        u->store, sql_user_rehash,
		        STORE_ARGS(STORE_S(c->id), STORE_S(c->hash), STORE_S(str_from(hash)), STORE_I(clock_real_ms())),
		        a, &rows);
	if (r < 0)
		log_warning("password could not be hashed again", LOG_STRN("user_id", c->id), LOG_ERR(r));
}

static int credentials_verify(struct request *req, struct user_state *u, const struct credentials *c,
                              struct str password)
{
	int64_t begin_us = clock_mono_us();
	int r = password_verify(u->passwords, password, c->hash);

	request_timing(req, "password", clock_mono_us() - begin_us);
	if (r == -EACCES || r == -EILSEQ)
		return request_problem(req, &problem_invalid_credentials, "Check both and try again.");
	if (r < 0)
		return password_failed(req, r);
	if (!c->is_active)
		return request_problem(req, &problem_account_inactive, "Ask the operator why.");
	if (r == 1)
		rehash(u, request_arena(req), c, password);
	return 0;
}

static int auth_login(struct request *req)
{
	struct user_state *u = user_state();
	struct arena *a = request_arena(req);
	struct login_request in;
	struct credentials c;
	struct session s;
	int r = request_parse(req, NULL, NULL, &in);

	if (r < 0)
		return r;
	r = credentials_find(u, a, str_is_null(in.email) ? in.username : in.email, &c);
	if (r < 0)
		return user_store_failed(req, r, "look for a user");
	r = credentials_verify(req, u, &c, in.password);
	if (r < 0)
		return r;
	r = session_create(u, a, c.id, c.role, request_header(req, "User-Agent"), request_client_address(req), &s);
	if (r < 0)
		return user_store_failed(req, r, "store a session");
	log_info("user logged in", LOG_STRN("user_id", c.id), LOG_STRN("session_id", s.id));
	return respond_tokens(req, u, &s);
}

/* ---- refresh, log out ---- */

static int auth_refresh(struct request *req)
{
	struct user_state *u = user_state();
	struct refresh_request in;
	struct session s;
	int r = request_parse(req, NULL, NULL, &in);

	if (r < 0)
		return r;
	r = session_rotate(u, request_arena(req), in.refresh_token, &s);
	if (r == -EACCES || r == -ESTALE)
		return request_problem(req, &problem_invalid_refresh_token, "Log in again.");
	if (r < 0)
		return user_store_failed(req, r, "rotate a refresh token");
	return respond_tokens(req, u, &s);
}

static int auth_logout(struct request *req)
{
	const struct http_user *user = request_user(req);
	int r = session_revoke(user_state(), request_arena(req), user->session_id);

	if (r < 0)
		return user_store_failed(req, r, "end a session");
	log_info("user logged out", LOG_STRN("user_id", user->id), LOG_STRN("session_id", user->session_id));
	return respond_empty(req, 204);
}

static int auth_jwks(struct request *req)
{
	return respond_shared(req, user_state()->jwks);
}

int user_authenticate(struct request *req, struct str token, void *arg, struct http_user *ret, const char **ret_reason)
{
	struct user_state *u = arg;
	struct arena *a = request_arena(req);
	struct token_claims claims;
	struct http_user user;
	enum token_error error = TOKEN_OK;
	int r = token_verify(u->verifier, token, clock_real_ms() / 1000, a, &claims, &error);

	if (r == -EACCES)
		*ret_reason = token_error_name(error);
	if (r < 0)
		return r;
	r = session_check(u, a, claims.sid, &user.id, &user.role);
	if (r == -EACCES)
		*ret_reason = "session-ended";
	if (r < 0)
		return r == -EACCES ? r : user_store_failed(req, r, "check a session");
	if (!str_equal(user.id, claims.sub)) {
		*ret_reason = token_error_name(TOKEN_MALFORMED);
		return -EACCES;
	}
	user.session_id = claims.sid;
	*ret = user;
	return 0;
}

#define TAG .tag = "auth"

const struct route auth_routes[] = {
	{ .method = HTTP_POST,
	  .path = "/api/v1/auth/register",
	  .handler = auth_register,
	  TAG,
	  .body = &register_request_schema,
	  .reply = { 201, &user_reply_schema, NULL, "The new account; the welcome mail is on its way." },
	  .errors = { 409, 503 },
	  .summary = "Make an account" },
	{ .method = HTTP_POST,
	  .path = "/api/v1/auth/login",
	  .handler = auth_login,
	  TAG,
	  .body = &login_request_schema,
	  .body_form = true,
	  .reply = { 200, &token_reply_schema, NULL, "A new session." },
	  .errors = { 401, 403, 503 },
	  .summary = "Log in",
	  .doc = "Takes JSON with email and password, or the OAuth2 password form (RFC 6749, section 4.3)." },
	{ .method = HTTP_POST,
	  .path = "/api/v1/auth/refresh",
	  .handler = auth_refresh,
	  TAG,
	  .body = &refresh_request_schema,
	  .body_form = true,
	  .reply = { 200, &token_reply_schema, NULL, "The session's next tokens." },
	  .errors = { 401, 503 },
	  .summary = "Trade a refresh token for new tokens",
	  .doc = "Each refresh token works once. When the answer was lost, the same token gives the same successor "
	         "again "
	         "for a few seconds; a used token that comes back later ends the session." },
	{ .method = HTTP_POST,
	  .path = "/api/v1/auth/logout",
	  .handler = auth_logout,
	  TAG,
	  .auth = HTTP_AUTH_USER,
	  .reply = { 204, NULL, NULL, "The session has ended; its tokens are worth nothing." },
	  .errors = { 401, 503 },
	  .summary = "End this session" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/auth/.well-known/jwks.json",
	  .handler = auth_jwks,
	  TAG,
	  .cacheable = true,
	  .reply = { 200, NULL, "application/json", "JSON Web Key Set (RFC 7517)." },
	  .summary = "The keys that access tokens are signed with" },
	{ 0 },
};
