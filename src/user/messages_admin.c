/* Tables of the messages about administration, the audit trail and the end of an account. */
#include "user/messages_admin.h"

#define AT(type, field) .offset = offsetof(struct type, field)

static const char *const languages[] = { "en", "ru", NULL };
static const char *const roles[] = { "user", "admin", NULL };
static const char *const results[] = { "success", "failure", "denied", NULL };

static const struct schema_field admin_users_query_fields[] = {
	{ .name = "q",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_TRIM,
	  .max = 254,
	  AT(admin_users_query, q),
	  .doc = "Part of the address or the name, whatever its case." },
	{ .name = "role", .type = SCHEMA_ENUM, .values = roles, AT(admin_users_query, role), .doc = "Only these." },
	{ .name = "is_active",
	  .type = SCHEMA_BOOL,
	  AT(admin_users_query, is_active),
	  .doc = "Only those who may log in, or may not." },
	{ .name = "email_verified",
	  .type = SCHEMA_BOOL,
	  AT(admin_users_query, email_verified),
	  .doc = "Only those whose address is proven, or is not." },
	{ .name = "limit",
	  .type = SCHEMA_INT,
	  .min = 1,
	  .max = 100,
	  .def = "20",
	  AT(admin_users_query, limit),
	  .doc = "Items a page." },
	{ .name = "cursor",
	  .type = SCHEMA_STRING,
	  .max = 600,
	  AT(admin_users_query, cursor),
	  .doc = "next_cursor of the page before." },
};
const struct schema admin_users_query_schema =
        SCHEMA("AdminUsersQuery", struct admin_users_query, admin_users_query_fields, "Which accounts.");

static const struct schema_field admin_user_path_fields[] = {
	{ .name = "user_id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_REQUIRED,
	  AT(admin_user_path, user_id),
	  .doc = "Id of the account." },
};
const struct schema admin_user_path_schema =
        SCHEMA("AdminUserPath", struct admin_user_path, admin_user_path_fields, "Which account.");

static const struct schema_field admin_user_patch_fields[] = {
	{ .name = "role",
	  .type = SCHEMA_ENUM,
	  .values = roles,
	  AT(admin_user_patch, role),
	  .doc = "What this person may do." },
	{ .name = "is_active",
	  .type = SCHEMA_BOOL,
	  AT(admin_user_patch, is_active),
	  .doc = "false ends all sessions, and no further log-in is taken." },
};
const struct schema admin_user_patch_schema = SCHEMA("AdminUserPatch", struct admin_user_patch, admin_user_patch_fields,
                                                     "What to change; what is left out stays.");

static const struct schema_field admin_user_fields[] = {
	{ .name = "id", .type = SCHEMA_UUID, .flags = SCHEMA_REQUIRED, AT(admin_user, id), .doc = "UUID version 7." },
	{ .name = "email",
	  .type = SCHEMA_EMAIL,
	  .flags = SCHEMA_REQUIRED,
	  .min = 3,
	  .max = 254,
	  AT(admin_user, email),
	  .doc = "Address as typed." },
	{ .name = "display_name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .min = 1,
	  .max = 80,
	  AT(admin_user, display_name),
	  .doc = "How to address this person." },
	{ .name = "language",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = languages,
	  AT(admin_user, language),
	  .doc = "Language of the mails." },
	{ .name = "role",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = roles,
	  AT(admin_user, role),
	  .doc = "What this person may do." },
	{ .name = "is_active",
	  .type = SCHEMA_BOOL,
	  .flags = SCHEMA_REQUIRED,
	  AT(admin_user, is_active),
	  .doc = "Whether this person may log in." },
	{ .name = "email_verified",
	  .type = SCHEMA_BOOL,
	  .flags = SCHEMA_REQUIRED,
	  AT(admin_user, email_verified),
	  .doc = "Whether the address is proven." },
	{ .name = "created_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_REQUIRED,
	  AT(admin_user, created_at),
	  .doc = "When the account was made." },
	{ .name = "delete_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  AT(admin_user, delete_at),
	  .doc = "When it goes, as its owner asked; null: it stays." },
	{ .name = "sessions",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_NULLABLE,
	  .min = 0,
	  .max = INT32_MAX,
	  AT(admin_user, sessions),
	  .doc = "Sessions that are alive; of one account alone." },
};
const struct schema admin_user_schema =
        SCHEMA("AdminUser", struct admin_user, admin_user_fields, "An account as administrators see it.");

static const struct schema_field admin_users_page_fields[] = {
	{ .name = "results",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &admin_user_schema,
	  .max = 100,
	  AT(admin_users_page, results),
	  .doc = "Newest first." },
	{ .name = "next_cursor",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 600,
	  AT(admin_users_page, next_cursor),
	  .doc = "For the next page; null: this is the last." },
};
const struct schema admin_users_page_schema =
        SCHEMA("AdminUsersPage", struct admin_users_page, admin_users_page_fields, "A page of accounts.");

static const struct schema_field audit_query_fields[] = {
	{ .name = "user_id", .type = SCHEMA_UUID, AT(audit_query, user_id), .doc = "About whose account." },
	{ .name = "actor_id", .type = SCHEMA_UUID, AT(audit_query, actor_id), .doc = "Done by whom." },
	{ .name = "action",
	  .type = SCHEMA_STRING,
	  .max = 60,
	  .example = "\"session.create\"",
	  AT(audit_query, action),
	  .doc = "What was done." },
	{ .name = "result", .type = SCHEMA_ENUM, .values = results, AT(audit_query, result), .doc = "How it ended." },
	{ .name = "ip_address", .type = SCHEMA_STRING, .max = 64, AT(audit_query, ip_address), .doc = "From where." },
	{ .name = "since", .type = SCHEMA_DATETIME, AT(audit_query, since), .doc = "Not before." },
	{ .name = "until", .type = SCHEMA_DATETIME, AT(audit_query, until), .doc = "Before." },
	{ .name = "limit",
	  .type = SCHEMA_INT,
	  .min = 1,
	  .max = 100,
	  .def = "20",
	  AT(audit_query, limit),
	  .doc = "Items a page." },
	{ .name = "cursor",
	  .type = SCHEMA_STRING,
	  .max = 600,
	  AT(audit_query, cursor),
	  .doc = "next_cursor of the page before." },
};
const struct schema audit_query_schema = SCHEMA("AuditQuery", struct audit_query, audit_query_fields, "Which events.");

static const struct schema_field activity_query_fields[] = {
	{ .name = "limit",
	  .type = SCHEMA_INT,
	  .min = 1,
	  .max = 100,
	  .def = "20",
	  AT(activity_query, limit),
	  .doc = "Items a page." },
	{ .name = "cursor",
	  .type = SCHEMA_STRING,
	  .max = 600,
	  AT(activity_query, cursor),
	  .doc = "next_cursor of the page before." },
};
const struct schema activity_query_schema =
        SCHEMA("ActivityQuery", struct activity_query, activity_query_fields, "Which page.");

static const struct schema_field audit_entry_fields[] = {
	{ .name = "at", .type = SCHEMA_DATETIME, .flags = SCHEMA_REQUIRED, AT(audit_entry, at), .doc = "When." },
	{ .name = "action",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .max = 60,
	  .example = "\"session.create\"",
	  AT(audit_entry, action),
	  .doc = "What was done." },
	{ .name = "result",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = results,
	  AT(audit_entry, result),
	  .doc = "How it ended." },
	{ .name = "actor_id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  AT(audit_entry, actor_id),
	  .doc = "By whom; null: nobody known." },
	{ .name = "user_id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  AT(audit_entry, user_id),
	  .doc = "About whose account." },
	{ .name = "session_id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  AT(audit_entry, session_id),
	  .doc = "With which session." },
	{ .name = "ip_address",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 64,
	  AT(audit_entry, ip_address),
	  .doc = "From where." },
	{ .name = "user_agent",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE | SCHEMA_MULTILINE,
	  .max = 256,
	  AT(audit_entry, user_agent),
	  .doc = "With what." },
	{ .name = "device",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 64,
	  AT(audit_entry, device),
	  .doc = "The same as people say it." },
	{ .name = "trace_id",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 32,
	  AT(audit_entry, trace_id),
	  .doc = "Finds the request in logs and traces." },
	{ .name = "detail",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 2000,
	  AT(audit_entry, detail),
	  .doc = "More about it, as JSON." },
};
static const struct schema audit_entry_schema =
        SCHEMA("AuditEntry", struct audit_entry, audit_entry_fields, "A security event.");

static const struct schema_field audit_page_fields[] = {
	{ .name = "results",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &audit_entry_schema,
	  .max = 100,
	  AT(audit_page, results),
	  .doc = "Newest first." },
	{ .name = "next_cursor",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 600,
	  AT(audit_page, next_cursor),
	  .doc = "For the next page; null: this is the last." },
};
const struct schema audit_page_schema =
        SCHEMA("AuditPage", struct audit_page, audit_page_fields, "A page of security events.");

static const struct schema_field account_delete_request_fields[] = {
	{ .name = "password",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_SECRET | SCHEMA_NUL_OK | SCHEMA_MULTILINE,
	  .min = 1,
	  .max = 128,
	  AT(account_delete_request, password),
	  .doc = "The password." },
};
const struct schema account_delete_request_schema = SCHEMA("AccountDeleteRequest", struct account_delete_request,
                                                           account_delete_request_fields, "The password once more.");

static const struct schema_field account_deletion_fields[] = {
	{ .name = "delete_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_REQUIRED,
	  AT(account_deletion, delete_at),
	  .doc = "When it goes for good; until then it can be kept." },
};
const struct schema account_deletion_schema =
        SCHEMA("AccountDeletion", struct account_deletion, account_deletion_fields, "The end of an account.");
