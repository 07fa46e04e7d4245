/* The tables of the messages about the second factor. */
#include "user/messages_second_factor.h"

#include "user/totp.h"

#include <errno.h>

#define AT(type, field) .offset = offsetof(struct type, field)

#define PASSWORD(of_)                                                                                              \
	{                                                                                                          \
		.name = "password", .type = SCHEMA_STRING,                                                         \
		.flags = SCHEMA_REQUIRED | SCHEMA_SECRET | SCHEMA_NUL_OK | SCHEMA_MULTILINE, .min = 1, .max = 128, \
		AT(of_, password), .doc = "The password, again."                                                   \
	}
#define CODE(of_, flags_)                                                                                         \
	{                                                                                                         \
		.name = "code", .type = SCHEMA_STRING, .flags = SCHEMA_SECRET | SCHEMA_TRIM | (flags_), .min = 1, \
		.max = 16, AT(of_, code), .doc = "The six digits that the authenticator shows.",                  \
		.example = "\"123456\""                                                                           \
	}

static const struct schema_field factor_status_fields[] = {
	{ .name = "is_enabled",
	  .type = SCHEMA_BOOL,
	  .flags = SCHEMA_REQUIRED,
	  AT(factor_status, is_enabled),
	  .doc = "Whether log-in asks for it." },
	{ .name = "enabled_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  AT(factor_status, enabled_at),
	  .doc = "Since when; null: it is off." },
	{ .name = "recovery_codes_left",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 0,
	  .max = RECOVERY_CODES,
	  AT(factor_status, recovery_codes_left),
	  .doc = "Recovery codes that were not used yet." },
};
const struct schema factor_status_schema =
        SCHEMA("SecondFactor", struct factor_status, factor_status_fields, "The second factor of an account.");

static const struct schema_field factor_begin_request_fields[] = { PASSWORD(factor_begin_request) };
const struct schema factor_begin_request_schema = SCHEMA("SecondFactorBegin", struct factor_begin_request,
                                                         factor_begin_request_fields, "A wish for a second factor.");

static const struct schema_field factor_begin_reply_fields[] = {
	{ .name = "secret",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 32,
	  .max = 32,
	  AT(factor_begin_reply, secret),
	  .doc = "For authenticators where it is typed (base32)." },
	{ .name = "otpauth_uri",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .max = 1024,
	  AT(factor_begin_reply, otpauth_uri),
	  .doc = "For those that scan it as a QR code." },
};
const struct schema factor_begin_reply_schema =
        SCHEMA("SecondFactorSecret", struct factor_begin_reply, factor_begin_reply_fields,
               "What the authenticator has to know; it is shown this once.");

static const struct schema_field factor_confirm_request_fields[] = { CODE(factor_confirm_request, SCHEMA_REQUIRED) };
const struct schema factor_confirm_request_schema =
        SCHEMA("SecondFactorConfirm", struct factor_confirm_request, factor_confirm_request_fields,
               "The first code: the authenticator knows the secret.");

static int proof_check(const void *value, struct arena *a, const char **ret_field, const char **ret_message)
{
	const struct factor_proof_request *in = value;

	(void)a;
	if (str_is_null(in->code) != str_is_null(in->recovery_code))
		return 0;
	*ret_field = "code";
	*ret_message = str_is_null(in->code) ? "Field required" : "Give either code or recovery_code, not both";
	return -EINVAL;
}

static const struct schema_field factor_proof_request_fields[] = {
	PASSWORD(factor_proof_request),
	CODE(factor_proof_request, 0),
	{ .name = "recovery_code",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_SECRET | SCHEMA_TRIM,
	  .min = 1,
	  .max = 64,
	  AT(factor_proof_request, recovery_code),
	  .doc = "One of the recovery codes, when the authenticator is lost." },
};
const struct schema factor_proof_request_schema = {
	.name = "SecondFactorProof",
	.doc = "Password and second factor, again.",
	.fields = factor_proof_request_fields,
	.n_fields = ARRAY_SIZE(factor_proof_request_fields),
	.size = sizeof(struct factor_proof_request),
	.present_offset = SIZE_MAX,
	.check = proof_check,
};

static const struct schema_field factor_codes_reply_fields[] = {
	{ .name = "recovery_codes",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .item = SCHEMA_STRING,
	  .max = RECOVERY_CODES,
	  AT(factor_codes_reply, recovery_codes),
	  .doc = "Each logs in once in the place of a code; shown this once." },
};
const struct schema factor_codes_reply_schema =
        SCHEMA("RecoveryCodes", struct factor_codes_reply, factor_codes_reply_fields, "New recovery codes.");
