/* Sessions over HTTP: refresh, log out, which devices are logged in, the keys of the tokens; and the check of a token.
 */
#include "base/clock.h"
#include "user/audit.h"
#include "user/auth.h"
#include "user/keyring.h"
#include "user/limit.h"
#include "user/messages_session.h"
#include "user/session_list.h"
#include "user/statements.h"

#include <errno.h>

const struct problem problem_invalid_refresh_token = { 401, "invalid-refresh-token", "The refresh token is not valid",
	                                               LOG_INFO };
const struct problem problem_session_not_found = { 404, "session-not-found", "There is no such session", LOG_INFO };

/* ---- refresh ---- */

static int session_refresh(struct request *req)
{
	struct refresh_request in;
	struct session s;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = limit_take(req, LIMIT_REFRESH, STR_NULL);
	if (r < 0)
		return r;
	r = session_rotate(req, in.refresh_token, &s);
	if (r == -EACCES || r == -ESTALE)
		return request_problem(req, &problem_invalid_refresh_token, "Log in again.");
	if (r < 0)
		return user_store_failed(req, r, "rotate a refresh token");
	return auth_respond_tokens(req, &s, STR_NULL);
}

/* ---- ending ---- */

/* Yields. Ends sessions of the user who asks, in the table, the trail and for the other services. *ret_n: how many. */
static int sessions_end(struct request *req, struct str session_id, enum session_scope scope, size_t *ret_n)
{
	struct user_state *u = user_state();
	const struct http_user *user = request_user(req);
	const struct audit_event event = { .action = "session.end",
		                           .actor_id = user->id,
		                           .user_id = user->id,
		                           .session_id = scope == SESSION_THIS ? session_id : user->session_id,
		                           .detail = scope == SESSION_ALL      ? STR("{\"scope\":\"all\"}")
		                                     : scope == SESSION_OTHERS ? STR("{\"scope\":\"others\"}")
		                                                               : STR("{\"scope\":\"this\"}") };
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct store_rows ended;
	int r = store_begin(u->store, &tx);

	if (r == 0)
		r = session_end(tx, request_arena(req), user->id, session_id, scope, "logged_out", &ended);
	if (r == 0 && ended.n > 0)
		r = audit_add(req, tx, request_arena(req), &event);
	if (r == 0)
		r = store_commit(&tx);
	if (r < 0)
		return user_store_failed(req, r, "end sessions");
	session_revoked_tell(&ended);
	if (ended.n > 0)
		audit_log(req, &event);
	*ret_n = ended.n;
	return 0;
}

static int session_logout(struct request *req)
{
	enum session_scope scope = SESSION_THIS;
	struct logout_request in;
	size_t n;
	int r = request_parse(req, NULL, NULL, &in);

	if (r < 0)
		return r;
	if (str_equal(in.scope, STR("others")))
		scope = SESSION_OTHERS;
	else if (str_equal(in.scope, STR("all")))
		scope = SESSION_ALL;
	r = sessions_end(req, request_user(req)->session_id, scope, &n);
	return r < 0 ? r : respond_empty(req, 204);
}

static int session_delete(struct request *req)
{
	struct session_path path;
	struct store_rows rows;
	size_t n;
	int r = request_parse(req, &path, NULL, NULL);

	if (r < 0)
		return r;
	r = store_read(user_state()->store, sql_session_owned,
	               STORE_ARGS(STORE_S(path.session_id), STORE_S(request_user(req)->id)), request_arena(req), &rows);
	if (r < 0)
		return user_store_failed(req, r, "look for a session");
	/* Another's and nobody's look the same. */
	if (rows.n == 0)
		return request_problem(req, &problem_session_not_found, "It may have ended long ago.");
	r = sessions_end(req, path.session_id, SESSION_THIS, &n);
	return r < 0 ? r : respond_empty(req, 204);
}

static int session_list(struct request *req)
{
	return session_list_respond(req, request_user(req)->id);
}

/* ---- tokens ---- */

static int session_jwks(struct request *req)
{
	return respond_shared(req, keyring_jwks(user_state()->keyring));
}

int user_confirm(struct request *req, const struct http_user *named, void *arg, struct http_user *ret,
                 const char **ret_reason)
{
	struct user_state *u = arg;
	struct http_user user = { .session_id = named->session_id };
	/* The row decides here, whatever Redis knows or does not, and whatever role is named. */
	int r = session_check(u, request_arena(req), named->session_id, &user.id, &user.role);

	if (r == -EACCES)
		*ret_reason = "session-ended";
	if (r < 0)
		return r == -EACCES ? r : user_store_failed(req, r, "check a session");
	if (!str_equal(user.id, named->id)) {
		*ret_reason = token_error_name(TOKEN_MALFORMED);
		return -EACCES;
	}
	*ret = user;
	return 0;
}

int user_authenticate(struct request *req, struct str token, void *arg, struct http_user *ret, const char **ret_reason)
{
	struct user_state *u = arg;
	struct token_claims claims;
	enum token_error error = TOKEN_OK;
	int r = keyring_verify(u->keyring, token, request_arena(req), &claims, &error);

	if (r == -EACCES)
		*ret_reason = token_error_name(error);
	if (r < 0)
		return r == -EACCES ? r : user_store_failed(req, r, "look for a signing key");
	return user_confirm(req, &(struct http_user){ .id = claims.sub, .session_id = claims.sid }, arg, ret,
	                    ret_reason);
}

#define TAG .tag = "auth"

const struct route session_routes[] = {
	{ .method = HTTP_POST,
	  .path = "/api/v1/auth/refresh",
	  .handler = session_refresh,
	  TAG,
	  .body = &refresh_request_schema,
	  .body_form = true,
	  .reply = { 200, &token_reply_schema, NULL, "The session's next tokens." },
	  .errors = { 401, 429, 503 },
	  .summary = "Trade a refresh token for new tokens",
	  .doc = "Each refresh token works once. When the answer was lost, the same token gives the same successor "
	         "again for a few seconds; a used token that comes back later ends the session, and its owner is told "
	         "by "
	         "mail." },
	{ .method = HTTP_POST,
	  .path = "/api/v1/auth/logout",
	  .handler = session_logout,
	  TAG,
	  .auth = HTTP_AUTH_USER,
	  .body = &logout_request_schema,
	  .body_optional = true,
	  .reply = { 204, NULL, NULL, "They have ended; their tokens are worth nothing." },
	  .errors = { 401, 503 },
	  .summary = "End this session, all others, or all",
	  .doc = "Without a body: this one." },
	{ .method = HTTP_GET,
	  .path = "/api/v1/auth/sessions",
	  .handler = session_list,
	  TAG,
	  .auth = HTTP_AUTH_USER,
	  .reply = { 200, &sessions_reply_schema, NULL, "The one used last comes first." },
	  .errors = { 401, 503 },
	  .summary = "Where I am logged in" },
	{ .method = HTTP_DELETE,
	  .path = "/api/v1/auth/sessions/{session_id}",
	  .handler = session_delete,
	  TAG,
	  .auth = HTTP_AUTH_USER,
	  .path_params = &session_path_schema,
	  .reply = { 204, NULL, NULL, "It has ended (it may have before)." },
	  .errors = { 401, 404, 503 },
	  .summary = "End one of my sessions" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/auth/.well-known/jwks.json",
	  .handler = session_jwks,
	  TAG,
	  .cacheable = true,
	  .reply = { 200, NULL, "application/json", "JSON Web Key Set (RFC 7517)." },
	  .summary = "The keys that access tokens are signed with" },
	{ 0 },
};
