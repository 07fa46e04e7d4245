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
	struct str device_token;
	struct str grant_type;
	struct str scope;
	struct str client_id;
	struct str client_secret;
	struct str code;
	struct str recovery_code;
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
	struct str device_token;
};

struct user_reply {
	struct str id;
	struct str email;
	struct str display_name;
	struct str language;
	struct str role;
	bool is_active;
	bool email_verified;
	struct str created_at;
};

struct user_patch {
	uint64_t present; /* bit a field, in the table's order */
	struct str display_name;
	struct str language;
};
enum { USER_PATCH_DISPLAY_NAME = 1 << 0, USER_PATCH_LANGUAGE = 1 << 1 };

/* What the movie service says of a film in one line. */
struct movie_brief {
	int64_t id;
	struct str title;
	struct schema_int year;
	struct str poster_path;
};

/* A film that was found, of which one wants to know whether it is the one that was looked for. */
struct movie_found {
	int64_t id;
	struct str title;
	struct str original_title;
	struct schema_int year;
	struct str poster_path;
	struct schema_int vote_count;
};

struct movie_facts_genre {
	struct str name;
};

/* What statistics need to know of a film. */
struct movie_facts {
	struct schema_int runtime;     /* minutes */
	struct schema_array genres;    /* struct movie_facts_genre */
	struct schema_array directors; /* struct str */
};

struct movie_list {
	struct schema_array results; /* struct movie_found */
	struct str source;
};

/* Data of com.cinesync.user.created.v1. */
struct user_created {
	struct str user_id;
	struct str email;
	struct str display_name;
	struct str language;
	struct str created_at;
	struct str sealed_token;
	struct str expires_at;
};

extern const struct schema register_request_schema;
extern const struct schema login_request_schema;
extern const struct schema refresh_request_schema;
extern const struct schema token_reply_schema;
extern const struct schema user_reply_schema;
extern const struct schema user_patch_schema;
extern const struct schema movie_brief_schema;
extern const struct schema movie_list_schema;
extern const struct schema movie_facts_schema;
extern const struct schema user_created_schema;

#endif
