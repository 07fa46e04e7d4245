/* The tables. Limits stand here and nowhere else; the documents and the 422 answers are made from them. */
#include "user/messages.h"

#include <errno.h>

#define AT(type, field) .offset = offsetof(struct type, field)

static const char *const languages[] = { "en", "ru", NULL };
static const char *const roles[] = { "user", "admin", NULL };
static const char *const grant_password[] = { "password", NULL };
static const char *const grant_refresh[] = { "refresh_token", NULL };
static const char *const token_types[] = { "bearer", NULL };

/* RFC 5322: 254 octets are the most an address in an envelope can have. */
#define EMAIL_LENGTH .min = 3, .max = 254
#define PASSWORD_FLAGS (SCHEMA_REQUIRED | SCHEMA_SECRET | SCHEMA_NUL_OK | SCHEMA_MULTILINE)
#define MOVIE_ID .type = SCHEMA_INT, .min = 1, .max = INT32_MAX

static const struct schema_field register_request_fields[] = {
	{ .name = "email",
	  .type = SCHEMA_EMAIL,
	  .flags = SCHEMA_REQUIRED | SCHEMA_TRIM,
	  EMAIL_LENGTH,
	  AT(register_request, email),
	  .doc = "Address to log in with; kept as typed, unique whatever its case.",
	  .example = "\"ada@example.org\"" },
	{ .name = "password",
	  .type = SCHEMA_STRING,
	  .flags = PASSWORD_FLAGS,
	  .min = 8,
	  .max = 128,
	  AT(register_request, password),
	  .doc = "8 to 128 characters; every one of them counts.",
	  .example = "\"correct horse battery staple\"" },
	{ .name = "display_name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE | SCHEMA_TRIM,
	  .min = 1,
	  .max = 80,
	  AT(register_request, display_name),
	  .doc = "How to address this person.",
	  .example = "\"Ada\"" },
	{ .name = "language",
	  .type = SCHEMA_ENUM,
	  .values = languages,
	  .def = "\"en\"",
	  AT(register_request, language),
	  .doc = "Language of the mails." },
};
const struct schema register_request_schema =
        SCHEMA("RegisterRequest", struct register_request, register_request_fields, "A new account.");

/* One name for the person, in whichever of the two fields; one proof of the second factor at most. */
static int login_check(const void *value, struct arena *a, const char **ret_field, const char **ret_message)
{
	const struct login_request *in = value;

	(void)a;
	if (!str_is_null(in->code) && !str_is_null(in->recovery_code)) {
		*ret_field = "code";
		*ret_message = "Give either code or recovery_code, not both";
		return -EINVAL;
	}
	if (str_is_null(in->email) != str_is_null(in->username))
		return 0;
	*ret_field = "email";
	*ret_message = str_is_null(in->email) ? "Field required" : "Give either email or username, not both";
	return -EINVAL;
}

static const struct schema_field login_request_fields[] = {
	{ .name = "email",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_TRIM,
	  .min = 1,
	  .max = 254,
	  AT(login_request, email),
	  .doc = "Address of the account (JSON log-in).",
	  .example = "\"ada@example.org\"" },
	{ .name = "username",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_TRIM,
	  .min = 1,
	  .max = 254,
	  AT(login_request, username),
	  .doc = "The same, under the name the OAuth2 password form has for it." },
	{ .name = "password",
	  .type = SCHEMA_STRING,
	  .flags = PASSWORD_FLAGS,
	  .min = 1,
	  .max = 128,
	  AT(login_request, password),
	  .doc = "The password." },
	{ .name = "device_token",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE | SCHEMA_SECRET,
	  .max = 128,
	  AT(login_request, device_token),
	  .doc = "From an earlier log-in of this device: it is not held up by the guesses of others." },
	{ .name = "code",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_SECRET | SCHEMA_TRIM,
	  .min = 1,
	  .max = 16,
	  AT(login_request, code),
	  .doc = "Of the second factor, where it is on: the six digits that the authenticator shows." },
	{ .name = "recovery_code",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_SECRET | SCHEMA_TRIM,
	  .min = 1,
	  .max = 64,
	  AT(login_request, recovery_code),
	  .doc = "In the place of the code, when the authenticator is lost." },
	{ .name = "grant_type",
	  .type = SCHEMA_ENUM,
	  .values = grant_password,
	  .def = "\"password\"",
	  AT(login_request, grant_type),
	  .doc = "RFC 6749, section 4.3." },
	{ .name = "scope",
	  .type = SCHEMA_STRING,
	  .max = 256,
	  AT(login_request, scope),
	  .doc = "Taken for OAuth2 clients; there are no scopes." },
	{ .name = "client_id",
	  .type = SCHEMA_STRING,
	  .max = 128,
	  AT(login_request, client_id),
	  .doc = "Taken for OAuth2 clients; not needed." },
	{ .name = "client_secret",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_SECRET,
	  .max = 256,
	  AT(login_request, client_secret),
	  .doc = "Taken for OAuth2 clients; not needed." },
};
const struct schema login_request_schema = {
	.name = "LoginRequest",
	.doc = "Log in with an address and a password.",
	.fields = login_request_fields,
	.n_fields = ARRAY_SIZE(login_request_fields),
	.size = sizeof(struct login_request),
	.present_offset = SIZE_MAX,
	.check = login_check,
};

static const struct schema_field refresh_request_fields[] = {
	{ .name = "refresh_token",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_SECRET,
	  .min = 1,
	  .max = 128,
	  AT(refresh_request, refresh_token),
	  .doc = "The newest refresh token of the session; it is good for one use." },
	{ .name = "grant_type",
	  .type = SCHEMA_ENUM,
	  .values = grant_refresh,
	  .def = "\"refresh_token\"",
	  AT(refresh_request, grant_type),
	  .doc = "RFC 6749, section 6." },
	{ .name = "scope",
	  .type = SCHEMA_STRING,
	  .max = 256,
	  AT(refresh_request, scope),
	  .doc = "Taken for OAuth2 clients; there are no scopes." },
	{ .name = "client_id",
	  .type = SCHEMA_STRING,
	  .max = 128,
	  AT(refresh_request, client_id),
	  .doc = "Taken for OAuth2 clients; not needed." },
	{ .name = "client_secret",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_SECRET,
	  .max = 256,
	  AT(refresh_request, client_secret),
	  .doc = "Taken for OAuth2 clients; not needed." },
};
const struct schema refresh_request_schema =
        SCHEMA("RefreshRequest", struct refresh_request, refresh_request_fields, "A refresh token to trade in.");

static const struct schema_field token_reply_fields[] = {
	{ .name = "access_token",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 8192,
	  AT(token_reply, access_token),
	  .doc = "JWT (RFC 9068) for the Authorization header." },
	{ .name = "refresh_token",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 128,
	  AT(token_reply, refresh_token),
	  .doc = "Opaque; trade it in once at /auth/refresh." },
	{ .name = "token_type",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = token_types,
	  AT(token_reply, token_type),
	  .doc = "Always bearer." },
	{ .name = "expires_in",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 86400,
	  AT(token_reply, expires_in),
	  .doc = "Seconds the access token lives." },
	{ .name = "device_token",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .max = 128,
	  AT(token_reply, device_token),
	  .doc = "At log-in: to be kept by the device and sent with its next log-in." },
};
const struct schema token_reply_schema =
        SCHEMA("TokenReply", struct token_reply, token_reply_fields, "Tokens of a session (RFC 6749, section 5.1).");

static const struct schema_field user_reply_fields[] = {
	{ .name = "id", .type = SCHEMA_UUID, .flags = SCHEMA_REQUIRED, AT(user_reply, id), .doc = "UUID version 7." },
	{ .name = "email",
	  .type = SCHEMA_EMAIL,
	  .flags = SCHEMA_REQUIRED,
	  EMAIL_LENGTH,
	  AT(user_reply, email),
	  .doc = "Address as typed at registration." },
	{ .name = "display_name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .min = 1,
	  .max = 80,
	  AT(user_reply, display_name),
	  .doc = "How to address this person." },
	{ .name = "language",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = languages,
	  AT(user_reply, language),
	  .doc = "Language of the mails." },
	{ .name = "role",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = roles,
	  AT(user_reply, role),
	  .doc = "What this person may do." },
	{ .name = "is_active",
	  .type = SCHEMA_BOOL,
	  .flags = SCHEMA_REQUIRED,
	  AT(user_reply, is_active),
	  .doc = "Whether this person may log in." },
	{ .name = "email_verified",
	  .type = SCHEMA_BOOL,
	  .flags = SCHEMA_REQUIRED,
	  AT(user_reply, email_verified),
	  .doc = "Whether the address is proven to be this person's." },
	{ .name = "created_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_REQUIRED,
	  AT(user_reply, created_at),
	  .doc = "When the account was made." },
};
const struct schema user_reply_schema = SCHEMA("User", struct user_reply, user_reply_fields, "An account.");

static const struct schema_field user_patch_fields[] = {
	{ .name = "display_name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE | SCHEMA_TRIM,
	  .min = 1,
	  .max = 80,
	  AT(user_patch, display_name),
	  .doc = "New name; null removes it.",
	  .example = "\"Ada L.\"" },
	{ .name = "language",
	  .type = SCHEMA_ENUM,
	  .values = languages,
	  AT(user_patch, language),
	  .doc = "New language of the mails." },
};
const struct schema user_patch_schema = {
	.name = "UserPatch",
	.doc = "What to change; what is left out stays.",
	.fields = user_patch_fields,
	.n_fields = ARRAY_SIZE(user_patch_fields),
	.size = sizeof(struct user_patch),
	.present_offset = offsetof(struct user_patch, present),
};

static const struct schema_field movie_brief_fields[] = {
	{ .name = "id", MOVIE_ID, .flags = SCHEMA_REQUIRED, AT(movie_brief, id), .doc = "Id of the film." },
	{ .name = "title",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 1000,
	  AT(movie_brief, title),
	  .doc = "Its title." },
	{ .name = "year",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_NULLABLE,
	  .min = 1800,
	  .max = 2200,
	  AT(movie_brief, year),
	  .doc = "Year of its release." },
	{ .name = "poster_path",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .max = 500,
	  AT(movie_brief, poster_path),
	  .doc = "Its poster." },
};
const struct schema movie_brief_schema =
        SCHEMA("MovieBrief", struct movie_brief, movie_brief_fields, "A film in one line.");

static const struct schema_field movie_found_fields[] = {
	{ .name = "id", MOVIE_ID, .flags = SCHEMA_REQUIRED, AT(movie_found, id), .doc = "Id of the film." },
	{ .name = "title",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 1000,
	  AT(movie_found, title),
	  .doc = "Its title." },
	{ .name = "original_title",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .max = 1000,
	  AT(movie_found, original_title),
	  .doc = "Its title where it was made." },
	{ .name = "year",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_NULLABLE,
	  .max = 9999,
	  AT(movie_found, year),
	  .doc = "Year of its release." },
	{ .name = "poster_path",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .max = 500,
	  AT(movie_found, poster_path),
	  .doc = "Its poster." },
	{ .name = "vote_count",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_NULLABLE,
	  .max = INT32_MAX,
	  AT(movie_found, vote_count),
	  .doc = "How well it is known." },
};
static const struct schema movie_found_schema =
        SCHEMA("MovieFound", struct movie_found, movie_found_fields, "A film that was found.");

static const struct schema_field movie_list_fields[] = {
	{ .name = "results",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &movie_found_schema,
	  .max = 100,
	  AT(movie_list, results),
	  .doc = "Films, the best match first." },
	{ .name = "source",
	  .type = SCHEMA_STRING,
	  .max = 20,
	  AT(movie_list, source),
	  .doc = "Where they come from: builtin, tmdb, or local while TMDB is away." },
};
const struct schema movie_list_schema =
        SCHEMA("MovieFoundList", struct movie_list, movie_list_fields, "Films that were found.");

static const struct schema_field movie_facts_genre_fields[] = {
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 100,
	  AT(movie_facts_genre, name),
	  .doc = "Its name." },
};
static const struct schema movie_facts_genre_schema =
        SCHEMA("MovieFactsGenre", struct movie_facts_genre, movie_facts_genre_fields, "A genre.");

static const struct schema_field movie_facts_fields[] = {
	{ .name = "runtime",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_NULLABLE,
	  .max = INT32_MAX,
	  AT(movie_facts, runtime),
	  .doc = "Minutes." },
	{ .name = "genres",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &movie_facts_genre_schema,
	  .max = 100,
	  AT(movie_facts, genres),
	  .doc = "Its genres." },
	{ .name = "directors",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .item = SCHEMA_STRING,
	  .max = 500,
	  AT(movie_facts, directors),
	  .doc = "Who directed it." },
};
const struct schema movie_facts_schema =
        SCHEMA("MovieFacts", struct movie_facts, movie_facts_fields, "What statistics need to know of a film.");

static const struct schema_field user_created_fields[] = {
	{ .name = "user_id", .type = SCHEMA_UUID, .flags = SCHEMA_REQUIRED, AT(user_created, user_id), .doc = "Who." },
	{ .name = "email",
	  .type = SCHEMA_EMAIL,
	  .flags = SCHEMA_REQUIRED,
	  EMAIL_LENGTH,
	  AT(user_created, email),
	  .doc = "Where to write to." },
	{ .name = "display_name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .min = 1,
	  .max = 80,
	  AT(user_created, display_name),
	  .doc = "How to address this person." },
	{ .name = "language",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = languages,
	  AT(user_created, language),
	  .doc = "Language to write in." },
	{ .name = "created_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_REQUIRED,
	  AT(user_created, created_at),
	  .doc = "When." },
	{ .name = "sealed_token",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .max = 512,
	  AT(user_created, sealed_token),
	  .doc = "Token of a link that proves the address, sealed with the key in LINK_KEY_FILE for this user_id; "
	         "base64url." },
	{ .name = "expires_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_NULLABLE,
	  AT(user_created, expires_at),
	  .doc = "When that link stops working." },
};
const struct schema user_created_schema =
        SCHEMA("UserCreated", struct user_created, user_created_fields, "Somebody has registered.");
