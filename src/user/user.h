/* What the files of the user service share: its settings, its state, its problems.
 *
 * Threats this service is built against: guessing (bcrypt, equal time for known and unknown addresses, a bounded
 * hashing queue), a stolen database (hashes only: passwords by bcrypt over HMAC-SHA-256, refresh tokens by SHA-256), a
 * stolen refresh token (single use; its return after the grace ends the session), forged access tokens (src/token), and
 * a secret that slips into a log (no password, token or key is ever a log field, a span attribute or part of an error).
 */
#ifndef CINESYNC_USER_USER_H
#define CINESYNC_USER_USER_H

#include "base/config.h"
#include "event/outbox.h"
#include "fiber/fiber.h"
#include "http/client.h"
#include "http/server.h"
#include "service/database.h"
#include "store/store.h"

struct import_keeper;
struct library_keeper;
struct keyring;
struct account_keeper;
struct limits;
struct passwords;
struct redis;
struct revoked;
struct seal;

enum registration { REGISTRATION_OPEN, REGISTRATION_CONFIRM, REGISTRATION_CLOSED };

struct user_config {
	char *data_dir;
	struct database_settings database;
	char *redis_url;
	int64_t redis_timeout_ms;
	char *movie_url;
	int64_t movie_timeout_ms;
	int64_t movie_calls_max;
	char *notification_url;
	char *amqp_url;
	char *amqp_ca_file;
	int64_t outbox_claim_ms;

	char *master_key_file;
	char *link_key_file;
	char *token_issuer;
	char *token_audience;
	char *signing_key_file;
	char *jwks_file;
	int64_t signing_key_age_s;
	int64_t signing_key_overlap_s;
	int64_t access_token_ttl_s;
	int64_t refresh_token_ttl_s;
	int64_t refresh_grace_ms;

	int registration; /* enum registration */
	bool require_verified_email;
	int64_t verify_link_ttl_s;
	int64_t reset_link_ttl_s;
	int64_t link_cooldown_s;
	int64_t password_length_min;
	int64_t password_score_min;
	char *password_peppers;
	int64_t bcrypt_cost;
	int64_t password_hashers;
	int64_t password_queue_max;

	int64_t sessions_max;
	int64_t limit_logins;
	int64_t login_failures_free;
	int64_t login_failures_max;
	int64_t limit_registrations;
	int64_t limit_refreshes;
	int64_t limit_mails;
	int64_t limit_links;
	int64_t limit_password_checks;
	int64_t limit_codes;
	int64_t limit_writes;
	int64_t limit_imports;
	int64_t limit_exports;

	int64_t import_rows_max;
	int64_t import_unpacked_max;
	int64_t import_calls_per_s;
	int64_t import_retention_days;

	int64_t deletion_grace_days;
	int64_t audit_retention_days;
	int64_t export_size_max;

	bool favorites_async;
	int64_t library_entries_max;
	int64_t lists_max;
	int64_t list_items_max;
	int64_t tombstone_days;
	int64_t snapshot_age_days;
	int64_t snapshot_round_ms;
	int64_t details_calls_per_s;
	int64_t pending_retry_ms;
};

struct user_state {
	const struct user_config *config;
	struct store *store;
	struct passwords *passwords;
	struct seal *link_seal;   /* tokens of links in events; the notification service has the same key */
	struct seal *secret_seal; /* what lies sealed in our own database */
	struct seal *device_seal; /* device tokens */
	struct keyring *keyring;
	struct http_client *client;
	struct fiber_semaphore movie_calls; /* permits to ask the movie service */
	struct event_transport *transport;
	struct outbox *outbox;
	struct redis *redis; /* NULL: a single node */
	struct revoked *revoked;
	struct limits *limits;
	struct fiber *pruner;
	struct account_keeper *account_keeper;
	struct fiber *audit_pruner;
	struct fiber *eraser;
	struct fiber *detailer;
	struct library_keeper *library_keeper;
	struct import_keeper *import_keeper;
	struct fiber_semaphore import_reads; /* one file is read at a time: it takes much memory */
};

/* The running service's state, for handlers. */
struct user_state *user_state(void);

extern const struct problem problem_email_taken;
extern const struct problem problem_registration_closed;
extern const struct problem problem_invalid_link;
extern const struct problem problem_email_not_verified;
extern const struct problem problem_invalid_credentials;
extern const struct problem problem_invalid_refresh_token;
extern const struct problem problem_session_not_found;
extern const struct problem problem_account_inactive;
extern const struct problem problem_account_deletion_pending;
extern const struct problem problem_wrong_password;
extern const struct problem problem_user_not_found;
extern const struct problem problem_last_admin;
extern const struct problem problem_movie_not_found;
extern const struct problem problem_movie_service_unavailable;

extern const struct route register_routes[];
extern const struct route login_routes[];
extern const struct route email_routes[];
extern const struct route password_routes[];
extern const struct route session_routes[];
extern const struct route account_routes[];
extern const struct route account_end_routes[];
extern const struct route account_export_routes[];
extern const struct route admin_routes[];
extern const struct route audit_routes[];
extern const struct route internal_routes[];
extern const struct route key_routes[];
extern const struct route second_factor_routes[];
extern const struct route library_routes[];
extern const struct route watched_routes[];
extern const struct route list_routes[];
extern const struct route list_item_routes[];
extern const struct route share_routes[];
extern const struct route library_sync_routes[];
extern const struct route library_bulk_routes[];
extern const struct route library_export_routes[];
extern const struct route stats_routes[];
extern const struct route import_routes[];
extern const struct route import_report_routes[];

/* Declares the metrics of Redis and of the sessions that ended; both must be there. */
void user_metrics_begin(struct user_state *u);

/* The hooks of service.h: a valid access token of a session that is alive; a session that is alive, whose token the
 * gateway has verified. Both yield. */
int user_authenticate(struct request *req, struct str token, void *arg, struct http_user *ret, const char **ret_reason);
int user_confirm(struct request *req, const struct http_user *named, void *arg, struct http_user *ret,
                 const char **ret_reason);

/* A store error in a handler: logged once in words, answered as 503 with Retry-After when the engine is away, else
 * passed on. */
int user_store_failed(struct request *req, int r, const char *doing) MUST_CHECK;

/* Yields. Settles a write of which the store does not know whether it was done (-EIO): reads under its unique key,
 * again until the store answers or the request's time is up. sql gives a row when it was. 0: done; -ENOTCONN: not done,
 * or not to be found out: the client is to try again. */
int user_settle(struct request *req, const char *sql, const struct store_value *args, size_t n_args) MUST_CHECK;

/* The client's User-Agent as it is kept: at most 256 bytes of UTF-8; null when there is none or it is not text. */
struct str user_agent_of(struct request *req);

/* The settings table. */
extern const struct config_table user_settings;

#endif
