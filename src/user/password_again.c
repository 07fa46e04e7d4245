/* The password again, of somebody who is logged in: for what a stolen token must not be enough for. */
#include "base/clock.h"
#include "user/audit.h"
#include "user/auth.h"
#include "user/limit.h"
#include "user/password.h"
#include "user/statements.h"

#include <errno.h>

/* 403 and not 401, which would say that the token is at fault. */
const struct problem problem_wrong_password = { 403, "wrong-password", "This is not the current password", LOG_INFO };

/* Columns of sql_factor_owner. */
enum { OWNER_EMAIL, OWNER_NAME, OWNER_LANGUAGE, OWNER_HASH };

int auth_user_read(struct request *req, struct session_user *ret, struct str *ret_hash)
{
	const struct http_user *user = request_user(req);
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_factor_owner, STORE_ARGS(STORE_S(user->id)), request_arena(req),
	                   &rows);

	if (r < 0)
		return user_store_failed(req, r, "read an account");
	if (rows.n == 0) /* deleted between the check of the token and now */
		return request_problem(req, &problem_unauthorized, "This account is gone.");
	*ret = (struct session_user){
		.id = user->id,
		.role = user->role,
		.email = store_text(&rows, 0, OWNER_EMAIL),
		.display_name = store_text(&rows, 0, OWNER_NAME),
		.language = store_text(&rows, 0, OWNER_LANGUAGE),
	};
	if (ret_hash)
		*ret_hash = store_text(&rows, 0, OWNER_HASH);
	return 0;
}

int auth_password_again(struct request *req, struct str password, const char *action, struct session_user *ret)
{
	struct session_user user;
	struct str hash;
	int r = limit_take(req, LIMIT_CHECK_PASSWORD, request_user(req)->id);

	if (r == 0)
		r = auth_user_read(req, &user, &hash);
	if (r < 0)
		return r;
	r = password_verify(user_state()->passwords, password, hash, NULL);
	if (r == -EACCES || r == -EILSEQ) {
		audit_record(req, &(struct audit_event){ .action = action,
		                                         .result = AUDIT_FAILURE,
		                                         .actor_id = user.id,
		                                         .user_id = user.id,
		                                         .session_id = request_user(req)->session_id });
		return request_problem(req, &problem_wrong_password, "Type the password you log in with.");
	}
	if (r < 0)
		return auth_password_failed(req, r);
	*ret = user;
	return 0;
}
