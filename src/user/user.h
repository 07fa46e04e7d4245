/* What the files of the user service share: its settings, its state, its problems.
 *
 * Threats this service is built against: guessing (bcrypt, equal time for known and unknown addresses, a bounded
 * hashing queue), a stolen database (hashes only: passwords by bcrypt over HMAC-SHA-256, refresh tokens by SHA-256), a
 * stolen refresh token (single use; its return after the grace ends the session), forged access tokens (src/token), and
 * a secret that slips into a log (no password, token or key is ever a log field, a span attribute or part of an error).
 */
#ifndef CINESYNC_USER_USER_H
#define CINESYNC_USER_USER_H

#include "event/outbox.h"
#include "http/client.h"
#include "http/server.h"
#include "store/store.h"
#include "token/token.h"

struct passwords;

struct user_config {
	char *data_dir;
	char *database_url;
	char *movie_url;
	char *notification_url;
	char *token_issuer;
	char *token_audience;
	char *signing_key_file;
	int64_t movie_timeout_ms;
	int64_t access_token_ttl_s;
	int64_t refresh_token_ttl_s;
	int64_t refresh_grace_ms;
	int64_t bcrypt_cost;
	int64_t password_hashers;
	int64_t password_queue_max;
	int64_t database_connections_max;
};

struct user_state {
	const struct user_config *config;
	struct store *store;
	struct passwords *passwords;
	struct token_key *key;
	struct token_verifier *verifier;
	struct reply *jwks; /* ready to send */
	struct http_client *client;
	struct event_transport *transport;
	struct outbox *outbox;
	struct fiber *pruner;
};

/* The running service's state, for handlers. */
struct user_state *user_state(void);

extern const struct problem problem_email_taken;
extern const struct problem problem_invalid_credentials;
extern const struct problem problem_invalid_refresh_token;
extern const struct problem problem_account_inactive;
extern const struct problem problem_movie_not_found;
extern const struct problem problem_favorite_exists;
extern const struct problem problem_movie_service_unavailable;

extern const struct route auth_routes[];
extern const struct route account_routes[];
extern const struct route favorite_routes[];

/* The hook of service.h: a valid access token of a session that is alive. Yields. */
int user_authenticate(struct request *req, struct str token, void *arg, struct http_user *ret, const char **ret_reason);

/* A store error in a handler: logged once in words, answered as 503 with Retry-After when the engine is away, else
 * passed on. */
int user_store_failed(struct request *req, int r, const char *doing) MUST_CHECK;

#endif
