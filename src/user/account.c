/* /users/me: the profile. */
#include "base/clock.h"
#include "user/messages.h"
#include "user/statements.h"
#include "user/user.h"

#include <errno.h>

/* Columns of sql_user_profile and of sql_user_patch's RETURNING. */
enum {
	PROFILE_ID,
	PROFILE_EMAIL,
	PROFILE_NAME,
	PROFILE_LANGUAGE,
	PROFILE_ROLE,
	PROFILE_ACTIVE,
	PROFILE_CREATED,
	PROFILE_VERIFIED
};

static int respond_profile(struct request *req, const struct store_rows *rows)
{
	char created_at[CLOCK_ISO8601_SIZE];
	struct user_reply out;

	if (rows->n == 0) /* deleted between the check of the token and now */
		return request_problem(req, &problem_unauthorized, "This account is gone.");
	clock_format_iso8601(store_int(rows, 0, PROFILE_CREATED), created_at);
	out = (struct user_reply){
		.id = store_text(rows, 0, PROFILE_ID),
		.email = store_text(rows, 0, PROFILE_EMAIL),
		.display_name = store_text(rows, 0, PROFILE_NAME),
		.language = store_text(rows, 0, PROFILE_LANGUAGE),
		.role = store_text(rows, 0, PROFILE_ROLE),
		.is_active = store_bool(rows, 0, PROFILE_ACTIVE),
		.email_verified = !store_is_null(rows, 0, PROFILE_VERIFIED),
		.created_at = str_from(created_at),
	};
	return respond(req, 200, &user_reply_schema, &out);
}

static int account_get(struct request *req)
{
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_user_profile, STORE_ARGS(STORE_S(request_user(req)->id)),
	                   request_arena(req), &rows);

	if (r < 0)
		return user_store_failed(req, r, "read a profile");
	return respond_profile(req, &rows);
}

static int account_patch(struct request *req)
{
	struct store_rows rows;
	struct user_patch in;
	int r = request_parse(req, NULL, NULL, &in);

	if (r < 0)
		return r;
	r = store_query(user_state()->store, sql_user_patch,
	                STORE_ARGS(STORE_S(request_user(req)->id), STORE_I(!!(in.present & USER_PATCH_DISPLAY_NAME)),
	                           STORE_S(in.display_name), STORE_I(!!(in.present & USER_PATCH_LANGUAGE)),
	                           STORE_S(in.language), STORE_I(clock_real_ms())),
	                request_arena(req), &rows);
	if (r < 0)
		return user_store_failed(req, r, "change a profile");
	return respond_profile(req, &rows);
}

#define TAG .tag = "users", .auth = HTTP_AUTH_USER

const struct route account_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me",
	  .handler = account_get,
	  TAG,
	  .reply = { 200, &user_reply_schema, NULL, "The profile." },
	  .errors = { 401, 503 },
	  .summary = "My profile" },
	{ .method = HTTP_PATCH,
	  .path = "/api/v1/users/me",
	  .handler = account_patch,
	  TAG,
	  .body = &user_patch_schema,
	  .reply = { 200, &user_reply_schema, NULL, "The profile after the change." },
	  .errors = { 401, 503 },
	  .summary = "Change my profile" },
	{ 0 },
};
