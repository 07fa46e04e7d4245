/* Messages about the second factor. */
#ifndef CINESYNC_USER_MESSAGES_SECOND_FACTOR_H
#define CINESYNC_USER_MESSAGES_SECOND_FACTOR_H

#include "schema/schema.h"

struct factor_status {
	bool is_enabled;
	struct str enabled_at;
	int64_t recovery_codes_left;
};

struct factor_begin_request {
	struct str password;
};

struct factor_begin_reply {
	struct str secret;
	struct str otpauth_uri;
};

struct factor_confirm_request {
	struct str code;
};

struct factor_proof_request {
	struct str password;
	struct str code;
	struct str recovery_code;
};

struct factor_codes_reply {
	struct schema_array recovery_codes; /* struct str */
};

extern const struct schema factor_status_schema;
extern const struct schema factor_begin_request_schema;
extern const struct schema factor_begin_reply_schema;
extern const struct schema factor_confirm_request_schema;
extern const struct schema factor_proof_request_schema;
extern const struct schema factor_codes_reply_schema;

#endif
