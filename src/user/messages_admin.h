/* Messages of the administrators, the audit trail, and the end of an account. */
#ifndef CINESYNC_USER_MESSAGES_ADMIN_H
#define CINESYNC_USER_MESSAGES_ADMIN_H

#include "user/messages.h"

struct admin_users_query {
	struct str q;
	struct str role;
	struct schema_bool is_active;
	struct schema_bool email_verified;
	int64_t limit;
	struct str cursor;
};

struct admin_user_path {
	struct str user_id;
};

struct admin_user_patch {
	struct str role;
	struct schema_bool is_active;
};

struct admin_user {
	struct str id;
	struct str email;
	struct str display_name;
	struct str language;
	struct str role;
	bool is_active;
	bool email_verified;
	struct str created_at;
	struct str delete_at;
	struct schema_int sessions;
};

struct admin_users_page {
	struct schema_array results; /* struct admin_user */
	struct str next_cursor;
};

struct audit_query {
	struct str user_id;
	struct str actor_id;
	struct str action;
	struct str result;
	struct str ip_address;
	struct str since;
	struct str until;
	int64_t limit;
	struct str cursor;
};

struct activity_query {
	int64_t limit;
	struct str cursor;
};

struct audit_entry {
	struct str at;
	struct str action;
	struct str result;
	struct str actor_id;
	struct str user_id;
	struct str session_id;
	struct str ip_address;
	struct str user_agent;
	struct str device;
	struct str trace_id;
	struct str detail;
};

struct audit_page {
	struct schema_array results; /* struct audit_entry */
	struct str next_cursor;
};

struct account_delete_request {
	struct str password;
};

struct account_deletion {
	struct str delete_at;
};

extern const struct schema admin_users_query_schema;
extern const struct schema admin_user_path_schema;
extern const struct schema admin_user_patch_schema;
extern const struct schema admin_user_schema;
extern const struct schema admin_users_page_schema;
extern const struct schema audit_query_schema;
extern const struct schema activity_query_schema;
extern const struct schema audit_page_schema;
extern const struct schema account_delete_request_schema;
extern const struct schema account_deletion_schema;

#endif
