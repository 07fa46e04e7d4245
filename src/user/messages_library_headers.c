/* Headers that the library's handlers read: for the document, since handlers read them by themselves. */
#include "user/messages_library.h"

#define AT(field) .offset = offsetof(struct request_headers, field)
#define PREFER                                                                                                       \
	{                                                                                                            \
		.name = "Prefer", .type = SCHEMA_STRING, .max = 200, AT(prefer),                                     \
		.doc = "respond-async (RFC 7240): while the movie service is away, rather have it taken as pending " \
		       "(202) than refused (503).",                                                                  \
		.example = "\"respond-async\""                                                                       \
	}
#define IDEMPOTENCY_KEY                                                                                         \
	{                                                                                                       \
		.name = "Idempotency-Key", .type = SCHEMA_STRING, .min = 1, .max = 257, AT(idempotency_key),    \
		.doc = "A new UUID for each new request; a repeat under the same key within 24 hours takes no " \
		       "further effect and gets the stored answer.",                                            \
		.example = "\"8e03978e-40d5-43dd-bc93-6894a57f9324\""                                           \
	}

static const struct schema_field put_fields[] = { PREFER };
const struct schema put_headers_schema = SCHEMA("PutHeaders", struct request_headers, put_fields, "Headers of a PUT.");

static const struct schema_field post_fields[] = { IDEMPOTENCY_KEY, PREFER };
const struct schema post_headers_schema =
        SCHEMA("PostHeaders", struct request_headers, post_fields, "Headers of a POST.");

static const struct schema_field once_fields[] = { IDEMPOTENCY_KEY };
const struct schema once_headers_schema =
        SCHEMA("OnceHeaders", struct request_headers, once_fields, "Headers of a POST that asks no other service.");
