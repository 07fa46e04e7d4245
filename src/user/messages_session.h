/* Messages about sessions. */
#ifndef CINESYNC_USER_MESSAGES_SESSION_H
#define CINESYNC_USER_MESSAGES_SESSION_H

#include "user/messages.h"

struct logout_request {
	struct str scope; /* "this", "others", "all" */
};

struct session_path {
	struct str session_id;
};

struct session_reply {
	struct str id;
	struct str device;
	struct str user_agent;
	struct str ip_address;
	struct str created_at;
	struct str last_used_at;
	struct str expires_at;
	bool is_current;
};

struct sessions_reply {
	struct schema_array results; /* struct session_reply */
};

extern const struct schema logout_request_schema;
extern const struct schema session_path_schema;
extern const struct schema session_reply_schema;
extern const struct schema sessions_reply_schema;

#endif
