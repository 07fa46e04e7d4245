/* Tables of the messages about passwords and addresses. */
#include "user/messages_account.h"

#define AT(type, field) .offset = offsetof(struct type, field)
#define PASSWORD \
	.type = SCHEMA_STRING, .flags = SCHEMA_REQUIRED | SCHEMA_SECRET | SCHEMA_NUL_OK | SCHEMA_MULTILINE, .max = 128
#define TOKEN .name = "token", .type = SCHEMA_STRING, .flags = SCHEMA_REQUIRED | SCHEMA_SECRET, .min = 20, .max = 200
#define EMAIL .name = "email", .type = SCHEMA_EMAIL, .flags = SCHEMA_REQUIRED | SCHEMA_TRIM, .min = 3, .max = 254

static const struct schema_field link_request_fields[] = {
	{ TOKEN, AT(link_request, token), .doc = "Out of the link in the mail; good for one use." },
};
const struct schema link_request_schema =
        SCHEMA("LinkRequest", struct link_request, link_request_fields, "The token of a one-time link.");

static const struct schema_field email_request_fields[] = {
	{ EMAIL, AT(email_request, email), .doc = "Address of the account.", .example = "\"ada@example.org\"" },
};
const struct schema email_request_schema =
        SCHEMA("EmailRequest", struct email_request, email_request_fields, "Whom to write to.");

static const struct schema_field password_reset_fields[] = {
	{ TOKEN, AT(password_reset, token), .doc = "Out of the link in the mail; good for one use." },
	{ .name = "password", PASSWORD, .min = 8, AT(password_reset, password), .doc = "The new password." },
};
const struct schema password_reset_schema =
        SCHEMA("PasswordReset", struct password_reset, password_reset_fields, "A new password for a forgotten one.");

static const struct schema_field password_change_fields[] = {
	{ .name = "current_password",
	  PASSWORD,
	  .min = 1,
	  AT(password_change, current_password),
	  .doc = "The password until now." },
	{ .name = "password", PASSWORD, .min = 8, AT(password_change, password), .doc = "The new password." },
};
const struct schema password_change_schema =
        SCHEMA("PasswordChange", struct password_change, password_change_fields, "A new password.");

static const struct schema_field email_change_fields[] = {
	{ EMAIL, AT(email_change, email), .doc = "The new address.", .example = "\"ada@example.net\"" },
	{ .name = "password", PASSWORD, .min = 1, AT(email_change, password), .doc = "The password." },
};
const struct schema email_change_schema =
        SCHEMA("EmailChange", struct email_change, email_change_fields, "A new address.");

static const struct schema_field mail_sent_fields[] = {
	{ .name = "message",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .max = 200,
	  AT(mail_sent, message),
	  .doc = "The same for every address." },
};
const struct schema mail_sent_schema = SCHEMA("MailSent", struct mail_sent, mail_sent_fields,
                                              "If there is something to be done, a mail is on its way.");
