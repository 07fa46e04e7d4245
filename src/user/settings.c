/* The settings of the user service: every limit of it is here. */
#include "base/config.h"
#include "cache/redis.h"
#include "event/rabbit.h"
#include "service/service.h"
#include "user/pepper.h"
#include "user/session.h"

#define SETTING(type_, name_, field_, min_, max_, def_, unit_, doc_, ...)                                       \
	{                                                                                                       \
		.name = (name_), .type = (type_), .min = (min_), .max = (max_), .def = (def_), .unit = (unit_), \
		.doc = (doc_), .offset = offsetof(struct user_config, field_), __VA_ARGS__                      \
	}

static const char *const registrations[] = { "open", "confirm", "closed", NULL };

static const struct config_entry entries[] = {
	SETTING(CONFIG_STRING, "DATA_DIR", data_dir, 1, 1024, "var/user", NULL,
	        "Folder of the embedded database and of the keys; made when missing."),
	DATABASE_SETTINGS(offsetof(struct user_config, database), "user.db"),
	SETTING(CONFIG_SECRET, "REDIS_URL", redis_url, 8, 1024, NULL, NULL,
	        "Where replicas share limits and tell other services of ended sessions; unset: in process, for one "
	        "replica.",
	        .check = redis_check_url),
	SETTING(CONFIG_INT, "REDIS_TIMEOUT_MS", redis_timeout_ms, 1, 5000, "50", "ms",
	        "How long one call to Redis may take."),
	SETTING(CONFIG_STRING, "MOVIE_URL", movie_url, 8, 1024, "http://127.0.0.1:8081", NULL,
	        "Base URL of the movie service.", .check = service_check_http_url),
	SETTING(CONFIG_INT, "MOVIE_TIMEOUT_MS", movie_timeout_ms, 50, 10000, "800", "ms",
	        "How long the movie service may take to say whether a film exists."),
	SETTING(CONFIG_INT, "MOVIE_CALLS_MAX", movie_calls_max, 1, 1000, "32", "calls",
	        "Calls to the movie service at once; more wait in line, within MOVIE_TIMEOUT_MS."),
	SETTING(CONFIG_STRING, "NOTIFICATION_URL", notification_url, 8, 1024, "http://127.0.0.1:8083", NULL,
	        "Base URL of the notification service, for direct delivery of events.",
	        .check = service_check_http_url),
	SETTING(CONFIG_SECRET, "AMQP_URL", amqp_url, 1, 2000, NULL, NULL,
	        "RabbitMQ that takes the events: amqp://[USER[:PASSWORD]@]HOST[:PORT][/VHOST], amqps:// for TLS; "
	        "unset: "
	        "they are delivered directly to NOTIFICATION_URL.",
	        .check = rabbit_check_url),
	SETTING(CONFIG_STRING, "AMQP_CA_FILE", amqp_ca_file, 1, 1024, "/etc/ssl/certs/ca-certificates.crt", NULL,
	        "amqps: certificates (PEM) that the server's is checked by; its name has to be in it, an address will "
	        "not do."),
	SETTING(CONFIG_INT, "OUTBOX_CLAIM_MS", outbox_claim_ms, 2000, 300000, "20000", "ms",
	        "PostgreSQL: so long the events that a replica had in work when it died wait for another one, or for "
	        "its next start; one delivery may take half of it, and no more than 10 s."),
	SETTING(CONFIG_STRING, "MASTER_KEY_FILE", master_key_file, 1, 1024, NULL, NULL,
	        "32 random bytes (mode 0600) that seal the secrets in the database, made when missing; the same for "
	        "all "
	        "replicas; unset: DATA_DIR/master.key."),
	SETTING(CONFIG_STRING, "LINK_KEY_FILE", link_key_file, 1, 1024, NULL, NULL,
	        "32 random bytes (mode 0600) that seal the links on their way to the notification service, which needs "
	        "the "
	        "same file; made when missing; unset: DATA_DIR/link.key."),
	SETTING(CONFIG_STRING, "TOKEN_ISSUER", token_issuer, 1, 512, "cinesync", NULL, "The tokens' iss."),
	SETTING(CONFIG_STRING, "TOKEN_AUDIENCE", token_audience, 1, 512, "cinesync", NULL, "The tokens' aud."),
	SETTING(CONFIG_STRING, "SIGNING_KEY_FILE", signing_key_file, 1, 1024, NULL, NULL,
	        "The one private key of the access tokens (JWK, mode 0600), made when missing; unset: keys in the "
	        "database, shared by all replicas and rotated."),
	SETTING(CONFIG_STRING, "JWKS_FILE", jwks_file, 1, 1024, NULL, NULL,
	        "Where the public keys are written too, whenever they change, for a gateway on this machine to check "
	        "tokens with; unset: nowhere. They are at /api/v1/auth/.well-known/jwks.json in any case."),
	SETTING(CONFIG_INT, "ACCESS_TOKEN_TTL_S", access_token_ttl_s, 5, 86400, "600", "s", "Life of an access token."),
	SETTING(CONFIG_INT, "REFRESH_TOKEN_TTL_S", refresh_token_ttl_s, 60, 31536000, "2592000", "s",
	        "Life of a session that is not refreshed."),
	SETTING(CONFIG_INT, "REFRESH_GRACE_MS", refresh_grace_ms, 0, 60000, "15000", "ms",
	        "How long a used refresh token gives its successor again, for clients whose answer was lost."),
	SETTING(CONFIG_INT, "SIGNING_KEY_AGE_S", signing_key_age_s, 0, 31536000, "2592000", "s",
	        "Age at which a new signing key takes over by itself; 0: never."),
	SETTING(CONFIG_INT, "SIGNING_KEY_OVERLAP_S", signing_key_overlap_s, 60, 604800, "3600", "s",
	        "How long a new signing key is published before it signs, and an old one after the end of the last "
	        "token "
	        "it signed."),
	SETTING(CONFIG_ENUM, "REGISTRATION", registration, 0, 0, "open", NULL,
	        "open: an address that is taken is told; confirm: the same answer for all, and a mail to the owner; "
	        "closed: "
	        "nobody new.",
	        .values = registrations),
	SETTING(CONFIG_BOOL, "REQUIRE_VERIFIED_EMAIL", require_verified_email, 0, 0, "false", NULL,
	        "Log-in waits until the address is proven."),
	SETTING(CONFIG_INT, "VERIFY_LINK_TTL_S", verify_link_ttl_s, 60, 604800, "86400", "s",
	        "How long a link that proves an address works."),
	SETTING(CONFIG_INT, "RESET_LINK_TTL_S", reset_link_ttl_s, 60, 86400, "1800", "s",
	        "How long a link to a new password works."),
	SETTING(CONFIG_INT, "LINK_COOLDOWN_S", link_cooldown_s, 0, 86400, "60", "s",
	        "Least time between two mails with a link of one kind to one account."),
	SETTING(CONFIG_INT, "PASSWORD_LENGTH_MIN", password_length_min, 8, 128, "8", "characters",
	        "Shortest new password."),
	SETTING(CONFIG_INT, "PASSWORD_SCORE_MIN", password_score_min, 0, 4, "3", NULL,
	        "Least strength of a new password, as zxcvbn scores it: 2 keeps off guessing over the network, 3 also "
	        "a "
	        "thief of the database; 0: any."),
	SETTING(CONFIG_SECRET, "PASSWORD_PEPPERS", password_peppers, 1, 4096, NULL, NULL,
	        "Secrets mixed into password hashes and kept out of the database: ID:BASE64, comma-separated, the "
	        "newest "
	        "first; unset: none.",
	        .check = peppers_check),
	SETTING(CONFIG_INT, "BCRYPT_COST", bcrypt_cost, 4, 20, "12", NULL,
	        "Work of a password hash, as a power of two; at least 10 outside tests."),
	SETTING(CONFIG_INT, "PASSWORD_HASHERS", password_hashers, 0, 64, "0", "threads",
	        "Passwords hashed at once; 0: one a processor."),
	SETTING(CONFIG_INT, "PASSWORD_QUEUE_MAX", password_queue_max, 0, 10000, "64", "requests",
	        "Requests waiting for a hasher; one more is answered 503 at once, and one whose turn would not come in "
	        "its time."),
	SETTING(CONFIG_INT, "SESSIONS_MAX", sessions_max, 1, SESSIONS_MAX_LIMIT, "50", "sessions",
	        "Sessions a person; a further log-in ends the one used longest ago."),
	SETTING(CONFIG_INT, "LIMIT_LOGINS", limit_logins, 1, 1000000, "30", "a minute",
	        "Log-ins tried from one address."),
	SETTING(CONFIG_INT, "LOGIN_FAILURES_FREE", login_failures_free, 0, 100, "5", "failures",
	        "Wrong passwords in a row, of one account from one address, before the next try has to wait; twice as "
	        "many "
	        "of one account from anywhere."),
	SETTING(CONFIG_INT, "LOGIN_FAILURES_MAX", login_failures_max, 1, 100, "100", "failures",
	        "Wrong passwords in a row after which an account takes none for a day, but from a device it knows, or "
	        "after "
	        "its password was reset."),
	SETTING(CONFIG_INT, "LIMIT_REGISTRATIONS", limit_registrations, 1, 1000000, "20", "an hour",
	        "Accounts made from one address."),
	SETTING(CONFIG_INT, "LIMIT_REFRESHES", limit_refreshes, 1, 1000000, "600", "a minute",
	        "Refresh tokens traded in from one address."),
	SETTING(CONFIG_INT, "LIMIT_MAILS", limit_mails, 1, 1000000, "20", "an hour",
	        "Mails asked for from one address, and for one account."),
	SETTING(CONFIG_INT, "LIMIT_LINKS", limit_links, 1, 1000000, "60", "an hour",
	        "One-time links tried from one address."),
	SETTING(CONFIG_INT, "LIMIT_PASSWORD_CHECKS", limit_password_checks, 1, 1000000, "10", "in 10 minutes",
	        "Times somebody logged in may give the password again."),
	SETTING(CONFIG_INT, "LIMIT_CODES", limit_codes, 1, 1000000, "5", "in 5 minutes",
	        "Codes of the second factor tried for one account."),
	SETTING(CONFIG_INT, "LIMIT_WRITES", limit_writes, 1, 1000000, "600", "a minute",
	        "Changes of the library of one account."),
	SETTING(CONFIG_INT, "LIMIT_IMPORTS", limit_imports, 1, 1000000, "20", "a day", "Imports of one account."),
	SETTING(CONFIG_INT, "LIMIT_EXPORTS", limit_exports, 1, 1000000, "30", "an hour",
	        "Copies of one account or its library."),
	SETTING(CONFIG_INT, "IMPORT_ROWS_MAX", import_rows_max, 1, 200000, "50000", "rows",
	        "Films in one imported file."),
	SETTING(CONFIG_INT, "IMPORT_UNPACKED_MAX", import_unpacked_max, 1024, 268435456, "16777216", "bytes",
	        "Size of an imported archive, unpacked."),
	SETTING(CONFIG_INT, "IMPORT_CALLS_PER_S", import_calls_per_s, 1, 1000, "10", "calls a second",
	        "How often imports ask the movie service, all of them together."),
	SETTING(CONFIG_INT, "IMPORT_RETENTION_DAYS", import_retention_days, 1, 365, "30", "days",
	        "How long the report of an import is kept."),
	SETTING(CONFIG_INT, "ACCOUNT_DELETION_GRACE_DAYS", deletion_grace_days, 0, 30, "7", "days",
	        "How long an account waits for its owner to think again before it goes for good; 0: at once."),
	SETTING(CONFIG_INT, "AUDIT_RETENTION_DAYS", audit_retention_days, 90, 3650, "400", "days",
	        "How long security events are kept."),
	SETTING(CONFIG_INT, "EXPORT_SIZE_MAX", export_size_max, 1 << 20, 1 << 30, "67108864", "bytes",
	        "Largest copy of everything a person has here."),
	SETTING(CONFIG_BOOL, "FAVORITES_ASYNC", favorites_async, 0, 0, "false", NULL,
	        "Films are taken as pending while the movie service is away, whether the client prefers it "
	        "(Prefer: respond-async) or not."),
	SETTING(CONFIG_INT, "LIBRARY_ENTRIES_MAX", library_entries_max, 1, 20000000, "100000", "entries",
	        "Films in all collections of one person."),
	SETTING(CONFIG_INT, "LISTS_MAX", lists_max, 1, 10000, "200", "lists", "Named lists of one person."),
	SETTING(CONFIG_INT, "LIST_ITEMS_MAX", list_items_max, 1, 10000, "1000", "films", "Films in one list."),
	SETTING(CONFIG_INT, "TOMBSTONE_DAYS", tombstone_days, 1, 3650, "90", "days",
	        "How long the library remembers what was removed; a device that was away longer has to read "
	        "everything anew."),
	SETTING(CONFIG_INT, "SNAPSHOT_AGE_DAYS", snapshot_age_days, 1, 3650, "30", "days",
	        "Age at which the movie service is asked again what a film is called."),
	SETTING(CONFIG_INT, "SNAPSHOT_ROUND_MS", snapshot_round_ms, 100, 3600000, "60000", "ms",
	        "How often it is asked about a few films of that age."),
	SETTING(CONFIG_INT, "DETAILS_CALLS_PER_S", details_calls_per_s, 1, 1000, "4", "calls a second",
	        "How often it is asked for lengths, genres and directors, for statistics."),
	SETTING(CONFIG_INT, "PENDING_RETRY_MS", pending_retry_ms, 100, 3600000, "2000", "ms",
	        "How often the movie service is asked about pending films; four times that long when it stays away."),
};

const struct config_table user_settings = {
	.title = "Settings of the user service",
	.entries = entries,
	.n_entries = ARRAY_SIZE(entries),
};
