/* The user service: settings, start, stop. Accounts, sessions and favourites in a database of its own; `UserCreated`
 * leaves through the outbox. */
#include "user/user.h"

#include "base/config.h"
#include "event/direct.h"
#include "fiber/fiber.h"
#include "http/reply.h"
#include "service/database.h"
#include "user/movies.h"
#include "user/password.h"
#include "user/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct embedded_file user_migrations_sqlite[];
extern const size_t user_migrations_sqlite_n;

#define SETTING(type_, name_, field_, min_, max_, def_, unit_, doc_, ...)                                       \
	{                                                                                                       \
		.name = (name_), .type = (type_), .min = (min_), .max = (max_), .def = (def_), .unit = (unit_), \
		.doc = (doc_), .offset = offsetof(struct user_config, field_), __VA_ARGS__                      \
	}

static const struct config_entry entries[] = {
	SETTING(CONFIG_STRING, "DATA_DIR", data_dir, 1, 1024, "var/user", NULL,
	        "Folder of the embedded database and the signing key; made when missing."),
	SETTING(CONFIG_SECRET, "DATABASE_URL", database_url, 1, 2048, NULL, NULL,
	        "Where the data is; unset: sqlite:DATA_DIR/user.db, for one process.", .check = store_check_url),
	SETTING(CONFIG_INT, "DATABASE_CONNECTIONS_MAX", database_connections_max, 1, 64, "2", "connections",
	        "Connections to the database (SQLite: readers beside the one writer)."),
	SETTING(CONFIG_STRING, "MOVIE_URL", movie_url, 8, 1024, "http://127.0.0.1:8081", NULL,
	        "Base URL of the movie service.", .check = service_check_http_url),
	SETTING(CONFIG_INT, "MOVIE_TIMEOUT_MS", movie_timeout_ms, 50, 10000, "800", "ms",
	        "How long the movie service may take to say whether a film exists."),
	SETTING(CONFIG_STRING, "NOTIFICATION_URL", notification_url, 8, 1024, "http://127.0.0.1:8083", NULL,
	        "Base URL of the notification service, for direct delivery of events.",
	        .check = service_check_http_url),
	SETTING(CONFIG_STRING, "TOKEN_ISSUER", token_issuer, 1, 512, "cinesync", NULL, "The tokens' iss."),
	SETTING(CONFIG_STRING, "TOKEN_AUDIENCE", token_audience, 1, 512, "cinesync", NULL, "The tokens' aud."),
	SETTING(CONFIG_STRING, "SIGNING_KEY_FILE", signing_key_file, 1, 1024, NULL, NULL,
	        "Private key of the access tokens (JWK, mode 0600), made when missing; unset: "
	        "DATA_DIR/signing-key.json."),
	SETTING(CONFIG_INT, "ACCESS_TOKEN_TTL_S", access_token_ttl_s, 5, 86400, "600", "s", "Life of an access token."),
	SETTING(CONFIG_INT, "REFRESH_TOKEN_TTL_S", refresh_token_ttl_s, 60, 31536000, "2592000", "s",
	        "Life of a session that is not refreshed."),
	SETTING(CONFIG_INT, "REFRESH_GRACE_MS", refresh_grace_ms, 0, 60000, "15000", "ms",
	        "How long a used refresh token gives its successor again, for clients whose answer was lost."),
	SETTING(CONFIG_INT, "BCRYPT_COST", bcrypt_cost, 4, 20, "12", NULL,
	        "Work of a password hash, as a power of two; at least 10 outside tests."),
	SETTING(CONFIG_INT, "PASSWORD_HASHERS", password_hashers, 0, 64, "0", "threads",
	        "Passwords hashed at once; 0: one a processor."),
	SETTING(CONFIG_INT, "PASSWORD_QUEUE_MAX", password_queue_max, 0, 10000, "64", "requests",
	        "Requests waiting for a hasher; one more is answered 503 at once."),
};

static const struct config_table table = {
	.title = "Settings of the user service",
	.entries = entries,
	.n_entries = ARRAY_SIZE(entries),
};

struct user_state *user_state(void)
{
	return service_state();
}

int user_store_failed(struct request *req, int r, const char *doing)
{
	const char *words = store_error(user_state()->store);

	if (r == -ECANCELED || r == -ETIMEDOUT)
		return r;
	log_error("database", LOG_STR("doing", doing), LOG_ERR(r), LOG_STR("detail", words));
	if (r == -ENOTCONN || r == -EBUSY)
		return request_problem_retry(req, &problem_unavailable, 2, "The database is busy or away; try again.");
	return r;
}

/* ---- start ---- */

static int path_in(char *ret, size_t size, const char *folder, const char *name)
{
	int n = snprintf(ret, size, "%s/%s", folder, name);

	return n > 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

static struct service_database database_of(const struct user_config *c)
{
	return (struct service_database){
		.data_dir = c->data_dir,
		.file = "user.db",
		.url = c->database_url,
		.connections_max = (size_t)c->database_connections_max,
		.migrations = { user_migrations_sqlite, user_migrations_sqlite_n },
	};
}

/* For what can only fail for want of memory or of a fiber. */
static int said(int r, const char *what)
{
	if (r < 0)
		log_alert("cannot start", LOG_STR("doing", what), LOG_ERR(r));
	return r;
}

static int jwks_make(struct user_state *u)
{
	const struct token_key *keys[] = { u->key };
	struct buf jwks CLEANUP(buf_done);
	int r;

	buf_init(&jwks, 65536);
	r = token_jwks_write(keys, 1, &jwks);
	if (r == 0)
		r = reply_new(200, "application/json", buf_str(&jwks), &u->jwks);
	if (r == 0)
		reply_set_cache_control(u->jwks, "public, max-age=300");
	return r;
}

static int tokens_begin(struct user_state *u)
{
	const struct user_config *c = u->config;
	struct token_policy policy = {
		.issuer = c->token_issuer,
		.audience = c->token_audience,
		.leeway_s = 5,
		.cache_max = 10000,
	};
	struct token_keyset *keys CLEANUP(token_keyset_free) = NULL;
	char path[1100];
	int r = path_in(path, sizeof(path), c->data_dir, "signing-key.json");

	if (r < 0)
		return r;
	r = token_key_load_or_create(c->signing_key_file ? c->signing_key_file : path, &u->key);
	if (r < 0) {
		log_alert("cannot use the signing key; it must be a private P-256 JWK that only its owner may read",
		          LOG_STR("path", c->signing_key_file ? c->signing_key_file : path), LOG_ERR(r));
		return r;
	}
	r = token_keyset_from_key(u->key, &keys);
	if (r == 0)
		r = token_verifier_new(&keys, &policy, &u->verifier);
	return said(r == 0 ? jwks_make(u) : r, "tokens");
}

static int events_begin(struct user_state *u)
{
	struct outbox_options options = { .store = u->store };
	char url[1100];
	int r = path_in(url, sizeof(url), u->config->notification_url, "internal/events");

	if (r == 0)
		r = direct_transport_new(u->client, url, &u->transport);
	if (r < 0)
		return r;
	options.transport = u->transport;
	return outbox_start(&options, &u->outbox);
}

static void stop(void *state)
{
	struct user_state *u = state;

	if (!u)
		return;
	if (u->pruner) {
		fiber_cancel(u->pruner);
		(void)!fiber_join(u->pruner);
		fiber_unref(&u->pruner);
	}
	if (u->outbox)
		outbox_stop(&u->outbox);
	if (u->transport)
		u->transport->free(u->transport);
	reply_unref(&u->jwks);
	token_verifier_free(&u->verifier);
	token_key_free(&u->key);
	passwords_free(&u->passwords);
	store_close(&u->store);
	free(u);
}

static int start(struct service_run *run, const void *config, void **ret_state)
{
	struct user_state *u = calloc(1, sizeof(*u));
	struct service_database database = database_of(config);
	int r;

	if (!u)
		return said(-ENOMEM, "state");
	u->config = config;
	u->client = service_client();
	r = u->client ? service_database_open(run, &database, &u->store) : -ENOMEM;
	if (r == 0)
		r = said(passwords_new((int)u->config->bcrypt_cost, (size_t)u->config->password_hashers,
		                       (size_t)u->config->password_queue_max, &u->passwords),
		         "passwords");
	if (r == 0)
		r = tokens_begin(u);
	if (r == 0)
		r = said(events_begin(u), "events");
	if (r == 0)
		r = said(session_pruner_start(u, &u->pruner), "sessions");
	if (r < 0) {
		stop(u);
		return r;
	}
	service_mode_set(run, "events", "direct delivery to the notification service");
	*ret_state = u;
	return 0;
}

/* ---- health, commands ---- */

static int check_database(void *state, struct buf *ret_reason)
{
	return service_database_check(((struct user_state *)state)->store, ret_reason);
}

static int check_movies(void *state, struct buf *ret_reason)
{
	return movies_check(state, ret_reason);
}

static int migrate(const void *config, int argc, char **argv)
{
	struct service_database database = database_of(config);

	return service_database_migrate(&database, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct route *const routes[] = { auth_routes, account_routes, favorite_routes, NULL };
	static const struct service_command commands[] = {
		{ "migrate", "status | up | down [STEPS]: the versioned schema of the database", migrate },
		{ 0 },
	};
	static const struct service_check checks[] = {
		{ "database", true, check_database },
		{ "movie-service", false, check_movies },
		{ 0 },
	};
	static const struct service service = {
		.name = "user",
		.title = "CineSync user service",
		.summary = "accounts, sessions and favourites",
		.listen = "127.0.0.1:8082",
		.config = &table,
		.config_size = sizeof(struct user_config),
		.routes = routes,
		.commands = commands,
		.checks = checks,
		.start = start,
		.stop = stop,
		.authenticate = user_authenticate,
	};

	return service_main(argc, argv, &service);
}
