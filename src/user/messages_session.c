/* Tables of the messages about sessions. */
#include "user/messages_session.h"

#include "user/session.h"

#define AT(type, field) .offset = offsetof(struct type, field)

static const char *const scopes[] = { "this", "others", "all", NULL };

static const struct schema_field logout_request_fields[] = {
	{ .name = "scope",
	  .type = SCHEMA_ENUM,
	  .values = scopes,
	  .def = "\"this\"",
	  AT(logout_request, scope),
	  .doc = "Which of my sessions end." },
};
const struct schema logout_request_schema =
        SCHEMA("LogoutRequest", struct logout_request, logout_request_fields, "What to end.");

static const struct schema_field session_path_fields[] = {
	{ .name = "session_id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_REQUIRED,
	  AT(session_path, session_id),
	  .doc = "Id of the session, from the list." },
};
const struct schema session_path_schema =
        SCHEMA("SessionPath", struct session_path, session_path_fields, "Which session.");

static const struct schema_field session_reply_fields[] = {
	{ .name = "id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_REQUIRED,
	  AT(session_reply, id),
	  .doc = "UUID version 7." },
	{ .name = "device",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 64,
	  AT(session_reply, device),
	  .doc = "What it is used with, as far as its User-Agent tells.",
	  .example = "\"Firefox on Linux\"" },
	{ .name = "user_agent",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE | SCHEMA_MULTILINE,
	  .max = 256,
	  AT(session_reply, user_agent),
	  .doc = "Its User-Agent at log-in." },
	{ .name = "ip_address",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 64,
	  AT(session_reply, ip_address),
	  .doc = "Where it was used last." },
	{ .name = "created_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_REQUIRED,
	  AT(session_reply, created_at),
	  .doc = "When it logged in." },
	{ .name = "last_used_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_REQUIRED,
	  AT(session_reply, last_used_at),
	  .doc = "When it was refreshed last." },
	{ .name = "expires_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_REQUIRED,
	  AT(session_reply, expires_at),
	  .doc = "When it ends, if it is not refreshed." },
	{ .name = "is_current",
	  .type = SCHEMA_BOOL,
	  .flags = SCHEMA_REQUIRED,
	  AT(session_reply, is_current),
	  .doc = "Whether this request is made with it." },
};
const struct schema session_reply_schema =
        SCHEMA("Session", struct session_reply, session_reply_fields, "A device that is logged in.");

static const struct schema_field sessions_reply_fields[] = {
	{ .name = "results",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &session_reply_schema,
	  .max = SESSIONS_MAX_LIMIT,
	  AT(sessions_reply, results),
	  .doc = "The one used last comes first." },
};
const struct schema sessions_reply_schema =
        SCHEMA("Sessions", struct sessions_reply, sessions_reply_fields, "All sessions that are alive.");
