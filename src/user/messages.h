/* What the user service takes and gives, as C structs and their schema tables. */
#ifndef CINESYNC_USER_MESSAGES_H
#define CINESYNC_USER_MESSAGES_H

#include "schema/schema.h"

struct register_request {
	struct str email;
	struct str password;
	struct str display_name;
	struct str language;
};

/* JSON log-in (email, password) and the OAuth2 password form (grant_type, username, password) in one. */
struct login_request {
	struct str email;
	struct str username;
	struct str password;
	struct str grant_type;
	struct str scope;
	struct str client_id;
	struct str client_secret;
};

struct refresh_request {
	struct str refresh_token;
	struct str grant_type;
	struct str scope;
	struct str client_id;
	struct str client_secret;
};

/* RFC 6749 section 5.1. */
struct token_reply {
	struct str access_token;
	struct str refresh_token;
	struct str token_type;
	int64_t expires_in;
};

struct user_reply {
	struct str id;
	struct str email;
	struct str display_name;
	struct str language;
	struct str role;
	bool is_active;
	struct str created_at;
};

struct user_patch {
	uint64_t present; /* bit a field, in the table's order */
	struct str display_name;
	struct str language;
};
enum { USER_PATCH_DISPLAY_NAME = 1 << 0, USER_PATCH_LANGUAGE = 1 << 1 };

struct favorite_create {
	int64_t movie_id;
};

struct favorite_path {
	int64_t movie_id;
};

struct favorites_query {
	int64_t page;
	int64_t page_size;
};

struct favorite {
	int64_t movie_id;
	struct str movie_title;
	struct schema_int movie_year;
	struct str poster_path;
	struct str created_at;
};

struct favorites_page {
	int64_t page;
	int64_t page_size;
	struct schema_array results; /* struct favorite */
	int64_t total_pages;
	int64_t total_results;
};

/* What the movie service says of a film in one line. */
struct movie_brief {
	int64_t id;
	struct str title;
	struct schema_int year;
	struct str poster_path;
};

/* Data of com.cinesync.user.created.v1. */
struct user_created {
	struct str user_id;
	struct str email;
	struct str display_name;
	struct str language;
	struct str created_at;
};

extern const struct schema register_request_schema;
extern const struct schema login_request_schema;
extern const struct schema refresh_request_schema;
extern const struct schema token_reply_schema;
extern const struct schema user_reply_schema;
extern const struct schema user_patch_schema;
extern const struct schema favorite_create_schema;
extern const struct schema favorite_path_schema;
extern const struct schema favorites_query_schema;
extern const struct schema favorite_schema;
extern const struct schema favorites_page_schema;
extern const struct schema movie_brief_schema;
extern const struct schema user_created_schema;

#endif
