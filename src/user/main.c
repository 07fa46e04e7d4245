/* The user service: settings, start, stop. Accounts, sessions and favourites in a database of its own; `UserCreated`
 * leaves through the outbox. */
#include "user/user.h"

#include "base/utf8.h"
#include "cache/redis.h"
#include "cache/revoked.h"
#include "event/direct.h"
#include "event/rabbit.h"
#include "fiber/fiber.h"
#include "service/database.h"
#include "service/events_command.h"
#include "token/seal.h"
#include "user/account_end.h"
#include "user/account_request.h"
#include "user/admin.h"
#include "user/audit.h"
#include "user/contracts.h"
#include "user/events_command.h"
#include "user/import_keeper.h"
#include "user/keyring.h"
#include "user/keyring_command.h"
#include "user/library_details.h"
#include "user/library_keeper.h"
#include "user/limit.h"
#include "user/movies.h"
#include "user/password.h"
#include "user/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { USER_AGENT_MAX = 256, SETTLE_AGAIN_MS = 100, IMPORT_READS_WAITING = 16 };

extern const struct embedded_file user_migrations_sqlite[], user_migrations_postgres[];
extern const size_t user_migrations_sqlite_n, user_migrations_postgres_n;

struct user_state *user_state(void)
{
	return service_state();
}

struct str user_agent_of(struct request *req)
{
	struct str agent = request_header(req, "User-Agent");

	agent = str_slice(agent, 0, utf8_cut(agent, USER_AGENT_MAX));
	return utf8_is_valid(agent) ? agent : STR_NULL;
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

int user_settle(struct request *req, const char *sql, const struct store_value *args, size_t n_args)
{
	struct store *store = user_state()->store;
	struct store_rows rows;
	int r;

	do {
		r = store_read(store, sql, args, n_args, request_arena(req), &rows);
		if (r == 0)
			return rows.n > 0 ? 0 : -ENOTCONN;
	} while ((r == -ENOTCONN || r == -EBUSY || r == -EIO) && fiber_sleep_ms(SETTLE_AGAIN_MS) == 0);
	log_warning("a write could not be settled", LOG_ERR(r), LOG_STR("detail", store_error(store)));
	return -ENOTCONN;
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
		.service = "cinesync-user",
		.settings = &c->database,
		.sqlite = { user_migrations_sqlite, user_migrations_sqlite_n },
		.postgres = { user_migrations_postgres, user_migrations_postgres_n },
	};
}

/* For what can only fail for want of memory or of a fiber. */
static int said(int r, const char *what)
{
	if (r < 0)
		log_alert("cannot start", LOG_STR("doing", what), LOG_ERR(r));
	return r;
}

static int keys_begin(const struct user_config *c, struct store *store, const struct seal *seal, struct keyring **ret)
{
	char path[1100];
	struct keyring_options options = {
		.store = store,
		.seal = seal,
		.fixed_file = c->signing_key_file,
		.import_file = path,
		.publish_file = c->jwks_file,
		.policy = { .issuer = c->token_issuer,
		            .audience = c->token_audience,
		            .leeway_s = 5,
		            .cache_max = 10000 },
		.age_s = c->signing_key_age_s,
		.overlap_s = c->signing_key_overlap_s,
		.token_ttl_s = c->access_token_ttl_s,
	};
	int r = path_in(path, sizeof(path), c->data_dir, "signing-key.json");

	return r < 0 ? said(r, "keys") : keyring_open(&options, ret);
}

static int seal_begin(const char *file, const char *in_data_dir, const struct user_config *c, const char *purpose,
                      struct seal **ret)
{
	char path[1100];
	int r = file ? 0 : path_in(path, sizeof(path), c->data_dir, in_data_dir);

	if (r == 0)
		r = seal_new(file ? file : path, purpose, ret);
	if (r < 0)
		log_alert("cannot use a key file; it must hold 32 bytes that only its owner may read",
		          LOG_STR("path", file ? file : path), LOG_ERR(r));
	return r;
}

static int secret_seal_begin(const struct user_config *c, struct seal **ret)
{
	return seal_begin(c->master_key_file, "master.key", c, "secrets", ret);
}

static int seals_begin(struct user_state *u)
{
	const struct user_config *c = u->config;
	int r = secret_seal_begin(c, &u->secret_seal);

	if (r == 0)
		r = seal_begin(c->master_key_file, "master.key", c, "devices", &u->device_seal);
	return r < 0 ? r : seal_begin(c->link_key_file, "link.key", c, "links", &u->link_seal);
}

static void redis_turned(bool is_up, const char *why, void *arg)
{
	(void)arg;
	if (is_up)
		log_info("Redis is in use");
	else
		log_warning("Redis is away; limits and ended sessions are kept in process", LOG_STR("why", why));
}

/* What replicas share, and what others have to hear of. */
static int sharing_begin(struct user_state *u, struct service_run *run)
{
	struct redis_options options = { .url = u->config->redis_url,
		                         .timeout_ms = u->config->redis_timeout_ms,
		                         .turned = redis_turned };
	int r = options.url ? redis_new(service_loop(run), &options, &u->redis) : 0;

	if (r == 0)
		r = revoked_new(&(struct revoked_options){ .redis = u->redis }, &u->revoked);
	if (r == 0 && u->redis)
		r = session_revoked_tell_again(u);
	if (r == 0)
		r = limits_new(u, &u->limits);
	service_mode_set(run, "limits", u->redis ? "redis" : "in-process");
	return r;
}

static void rabbit_turned(bool is_up, const char *why, void *arg)
{
	(void)arg;
	if (is_up)
		log_info("RabbitMQ is in use");
	else
		log_warning("RabbitMQ is away; events wait in the outbox", LOG_STR("why", why));
}

static int transport_new(struct user_state *u, struct event_transport **ret)
{
	const struct user_config *c = u->config;
	const struct rabbit_options options = {
		.url = c->amqp_url, .ca_file = c->amqp_ca_file, .name = "cinesync-user", .turned = rabbit_turned
	};
	char url[1100];
	int r;

	if (c->amqp_url)
		return rabbit_transport_new(&options, ret);
	r = path_in(url, sizeof(url), c->notification_url, "internal/events");
	return r < 0 ? r : direct_transport_new(u->client, url, ret);
}

static int events_begin(struct user_state *u)
{
	struct outbox_options options = { .store = u->store, .claim_ms = u->config->outbox_claim_ms };
	int r = transport_new(u, &u->transport);

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
	account_keeper_stop(&u->account_keeper);
	fiber_end(&u->eraser);
	fiber_end(&u->audit_pruner);
	fiber_end(&u->pruner);
	import_keeper_stop(&u->import_keeper);
	fiber_end(&u->detailer);
	library_keeper_stop(&u->library_keeper);
	if (u->outbox)
		outbox_stop(&u->outbox);
	if (u->transport)
		u->transport->free(u->transport);
	keyring_free(&u->keyring);
	limits_free(&u->limits);
	revoked_free(&u->revoked);
	redis_free(&u->redis);
	seal_free(&u->device_seal);
	seal_free(&u->link_seal);
	seal_free(&u->secret_seal);
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
	movies_begin(u);
	fiber_semaphore_init(&u->import_reads, 1, IMPORT_READS_WAITING);
	r = u->client ? service_database_open(run, &database, &u->store) : -ENOMEM;
	if (r == 0)
		r = said(passwords_new((int)u->config->bcrypt_cost, (size_t)u->config->password_hashers,
		                       (size_t)u->config->password_queue_max, u->config->password_peppers,
		                       &u->passwords),
		         "passwords");
	if (r == 0)
		r = seals_begin(u);
	if (r == 0)
		r = said(sharing_begin(u, run), "limits");
	if (r == 0)
		r = keys_begin(u->config, u->store, u->secret_seal, &u->keyring);
	if (r == 0)
		r = said(keyring_watch(u->keyring), "keys");
	if (r == 0)
		r = said(events_begin(u), "events");
	if (r == 0)
		r = said(session_pruner_start(u, &u->pruner), "sessions");
	if (r == 0)
		r = said(account_keeper_start(u, &u->account_keeper), "accounts");
	if (r == 0)
		r = said(audit_pruner_start(u, &u->audit_pruner), "audit");
	if (r == 0)
		r = said(account_eraser_start(u, &u->eraser), "accounts");
	if (r == 0)
		r = said(library_keeper_start(u, &u->library_keeper), "the library");
	if (r == 0)
		r = said(library_details_start(u, &u->detailer), "details of films");
	if (r == 0)
		r = said(import_keeper_start(u, &u->import_keeper), "imports");
	if (r < 0) {
		stop(u);
		return r;
	}
	user_metrics_begin(u);
	service_mode_set(run, "events",
	                 u->config->amqp_url ? "RabbitMQ" : "direct delivery to the notification service");
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

static bool has_redis(void *state)
{
	return ((struct user_state *)state)->redis != NULL;
}

static int check_redis(void *state, struct buf *ret_reason)
{
	if (redis_is_up(((struct user_state *)state)->redis))
		return 0;
	buf_adds(ret_reason, "Redis is away: limits and ended sessions are kept in process");
	return -ENOTCONN;
}

static bool has_rabbit(void *state)
{
	return ((struct user_state *)state)->config->amqp_url != NULL;
}

static int check_rabbit(void *state, struct buf *ret_reason)
{
	const struct event_transport *t = ((struct user_state *)state)->transport;

	if (t->is_up(t))
		return 0;
	buf_adds(ret_reason, "RabbitMQ is away: events wait in the outbox");
	return -ENOTCONN;
}

static int migrate(const void *config, int argc, char **argv)
{
	struct service_database database = database_of(config);

	return service_database_migrate(&database, argc, argv);
}

static int backup(const void *config, int argc, char **argv)
{
	struct service_database database = database_of(config);

	return service_database_backup(&database, argc, argv);
}

static int admin(const void *config, int argc, char **argv)
{
	struct service_database database = database_of(config);
	struct store *s CLEANUP(store_close) = NULL;
	int r = service_database_command(&database, &s);

	return r ? r : admin_command(s, argc, argv);
}

static int events(const void *config, int argc, char **argv)
{
	struct service_database database = database_of(config);
	struct store *s CLEANUP(store_close) = NULL;
	int r = service_database_command(&database, &s);

	return r ? r : events_command_run(s, argc, argv);
}

static int keys(const void *config, int argc, char **argv)
{
	struct service_database database = database_of(config);
	struct store *store CLEANUP(store_close) = NULL;
	struct seal *seal CLEANUP(seal_free) = NULL;
	struct keyring *k CLEANUP(keyring_free) = NULL;
	int r = service_database_command(&database, &store);

	if (r)
		return r;
	r = secret_seal_begin(config, &seal);
	if (r == 0)
		r = keys_begin(config, store, seal, &k);
	return r < 0 ? EXIT_FAILURE : keyring_command(k, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct route *const routes[] = { register_routes,
		                                      email_routes,
		                                      password_routes,
		                                      login_routes,
		                                      session_routes,
		                                      account_routes,
		                                      account_end_routes,
		                                      account_export_routes,
		                                      admin_routes,
		                                      audit_routes,
		                                      second_factor_routes,
		                                      key_routes,
		                                      library_routes,
		                                      watched_routes,
		                                      list_routes,
		                                      list_item_routes,
		                                      share_routes,
		                                      library_sync_routes,
		                                      library_bulk_routes,
		                                      library_export_routes,
		                                      stats_routes,
		                                      import_routes,
		                                      import_report_routes,
		                                      internal_routes,
		                                      NULL };
	static const struct service_command commands[] = {
		{ "admin", "grant EMAIL | revoke EMAIL | list: administrators; on SQLite with the service stopped",
		  admin },
		{ "migrate", "status | up | down [STEPS]: the database's schema; with --dry-run only its SQL",
		  migrate },
		{ "backup", "FILE: a copy of the embedded database, while the service runs or not", backup },
		{ "events", EVENTS_USAGE ": the outbox", events },
		{ "keys", "list | rotate [--now] | retire KID: the keys that access tokens are signed with", keys },
		{ 0 },
	};
	static const struct service_check checks[] = {
		{ "database", true, check_database },
		{ "movie-service", false, check_movies },
		{ .name = "redis", .applies = has_redis, .check = check_redis },
		{ .name = "rabbitmq", .applies = has_rabbit, .check = check_rabbit },
		{ 0 },
	};
	static const struct service service = {
		.name = "user",
		.title = "CineSync user service",
		.summary = "accounts, sessions and favourites",
		.listen = "127.0.0.1:8082",
		.config = &user_settings,
		.config_size = sizeof(struct user_config),
		.routes = routes,
		.commands = commands,
		.events_document = user_events_document,
		.checks = checks,
		.start = start,
		.stop = stop,
		.authenticate = user_authenticate,
		.confirm = user_confirm,
		.forbidden = audit_denied,
	};

	return service_main(argc, argv, &service);
}
