/* The notification service: settings, start, stop. Takes events, writes mails; a database of its own remembers which.
 */
#include "base/config.h"
#include "notification/consumer.h"
#include "notification/events_command.h"
#include "notification/intake.h"
#include "notification/mailer.h"
#include "notification/notification.h"
#include "notification/sink.h"
#include "notification/smtp.h"
#include "notification/template.h"
#include "schema/email.h"
#include "service/database.h"
#include "service/events_command.h"
#include "token/seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

extern const struct embedded_file notification_migrations_sqlite[], notification_migrations_postgres[];
extern const size_t notification_migrations_sqlite_n, notification_migrations_postgres_n;

enum { TEMPLATES_SIZE_MAX = 16 << 20 };

#define SETTING(type_, name_, field_, min_, max_, def_, doc_, ...)                                            \
	{                                                                                                     \
		.name = (name_), .type = (type_), .min = (min_), .max = (max_), .def = (def_), .doc = (doc_), \
		.offset = offsetof(struct notification_config, field_), __VA_ARGS__                           \
	}

static const char *address_check(const char *value)
{
	const char *reason;

	return email_check(str_from(value), &reason) == 0 ? NULL : "an e-mail address";
}

/* What a header of a mail can hold. */
static const char *name_check(const char *value)
{
	return strpbrk(value, "\r\n") ? "a name on one line" : NULL;
}

static const char *const queue_types[] = { "quorum", "classic", NULL };
static const char *const tls_modes[] = { "required", "opportunistic", "off", NULL };

static const struct config_entry entries[] = {
	SETTING(CONFIG_STRING, "DATA_DIR", data_dir, 1, 900, "var/notification",
	        "Folder of the embedded database and, in mail/, of the .eml files; made when missing."),
	DATABASE_SETTINGS(offsetof(struct notification_config, database), "notification.db"),
	SETTING(CONFIG_STRING, "MAIL_FROM", mail_from, 3, 254, "noreply@cinesync.localhost",
	        "Sender's address of the mails.", .check = address_check),
	SETTING(CONFIG_STRING, "MAIL_FROM_NAME", mail_from_name, 1, 80, "CineSync", "Sender's name of the mails.",
	        .check = name_check),
	SETTING(CONFIG_STRING, "PUBLIC_URL", public_url, 8, 1024, "http://127.0.0.1:8080",
	        "Where people open CineSync: the base of the links in the mails.", .check = service_check_http_url),
	SETTING(CONFIG_STRING, "TEMPLATE_DIR", template_dir, 1, 1024, NULL,
	        "Folder of mail templates that replace the built-in ones of the same names "
	        "(src/notification/templates); "
	        "all are checked at start."),
	SETTING(CONFIG_STRING, "LINK_KEY_FILE", link_key_file, 1, 1024, NULL,
	        "32 random bytes (mode 0600) that open the links the user service seals, which needs the same file; "
	        "made "
	        "when missing; unset: DATA_DIR/link.key."),
	SETTING(CONFIG_STRING, "SMTP_URL", smtp_url, 1, 300, NULL,
	        "Server that takes the mails: smtp://HOST[:PORT] or smtps://HOST[:PORT] (TLS from the first byte); "
	        "unset: "
	        "mails are written as .eml files.",
	        .check = smtp_check_url),
	SETTING(CONFIG_STRING, "SMTP_USER", smtp_user, 1, 254, NULL, "Name to log in there with; unset: no log-in."),
	SETTING(CONFIG_SECRET, "SMTP_PASSWORD", smtp_password, 1, 1024, NULL, "The password for it."),
	SETTING(CONFIG_ENUM, "SMTP_TLS", smtp_tls, 0, 0, "required",
	        "STARTTLS with an smtp:// server: required, opportunistic (where it is offered), or off.",
	        .values = tls_modes),
	SETTING(CONFIG_STRING, "SMTP_CA_FILE", smtp_ca_file, 1, 1024, NULL,
	        "Certificates (PEM) that the server's is checked by; unset: the system's."),
	SETTING(CONFIG_INT, "SMTP_TIMEOUT_MS", smtp_timeout_ms, 1000, 300000, "30000",
	        "Time the sending of one mail may take.", .unit = "ms"),
	SETTING(CONFIG_INT, "SMTP_CONNECTIONS", smtp_connections, 1, SMTP_CONNECTIONS_MAX, "4",
	        "Connections to the server at once.", .unit = "connections"),
	SETTING(CONFIG_INT, "MAIL_RETRY_H", mail_retry_h, 1, 168, "24",
	        "How long a mail that nobody takes is tried again; after that it has failed.", .unit = "hours"),
	SETTING(CONFIG_INT, "LIMIT_RECIPIENT_MAILS", limit_recipient_mails, 1, 1000000, "30",
	        "Mails to one recipient in an hour; further ones wait.", .unit = "an hour"),
	SETTING(CONFIG_SECRET, "AMQP_URL", amqp_url, 1, 2000, NULL,
	        "RabbitMQ that brings the events: amqp://[USER[:PASSWORD]@]HOST[:PORT][/VHOST], amqps:// for TLS; "
	        "unset: "
	        "only POST /internal/events does.",
	        .check = rabbit_check_url),
	SETTING(CONFIG_STRING, "AMQP_CA_FILE", amqp_ca_file, 1, 1024, "/etc/ssl/certs/ca-certificates.crt",
	        "amqps: certificates (PEM) that the server's is checked by; its name has to be in it, an address will "
	        "not do."),
	SETTING(CONFIG_ENUM, "AMQP_QUEUE_TYPE", amqp_queue_type, 0, 0, "quorum",
	        "Kind of the queues that are declared; where RabbitMQ has no quorum queues they are classic ones "
	        "anyway.",
	        .values = queue_types),
	SETTING(CONFIG_INT, "AMQP_PREFETCH", amqp_prefetch, 1, 1000, "100", "Events it has in work at once.",
	        .unit = "events"),
	SETTING(CONFIG_INT, "AMQP_DELIVERY_LIMIT", amqp_delivery_limit, 1, 10000, "100",
	        "How often RabbitMQ gives out an event whose consumer dies over it before it is a dead letter (quorum "
	        "queues).",
	        .unit = "times"),
	SETTING(CONFIG_STRING, "AMQP_RETRY_DELAYS_MS", amqp_retry_delays_ms, 1, 100, "1000,10000,60000,600000",
	        "How long an event that fails waits before it is tried again: after the first time, the second ...; "
	        "after "
	        "the last it is a dead letter.",
	        .check = consumer_check_delays, .unit = "ms"),
};

static const struct config_table table = {
	.title = "Settings of the notification service",
	.entries = entries,
	.n_entries = ARRAY_SIZE(entries),
};

struct notification_state *notification_state(void)
{
	return service_state();
}

static struct service_database database_of(const struct notification_config *c)
{
	return (struct service_database){
		.data_dir = c->data_dir,
		.file = "notification.db",
		.service = "cinesync-notification",
		.settings = &c->database,
		.sqlite = { notification_migrations_sqlite, notification_migrations_sqlite_n },
		.postgres = { notification_migrations_postgres, notification_migrations_postgres_n },
	};
}

static int templates_begin(struct notification_state *s)
{
	const char *folder = s->config->template_dir, *faulty = "";
	struct str file = STR_NULL;
	int r = arena_new(TEMPLATES_SIZE_MAX, &s->arena);

	if (r == 0)
		r = template_set_load(notification_templates, notification_templates_n, folder, s->arena, &s->templates,
		                      &file);
	if (r < 0) {
		log_alert("cannot use a mail template: there is no mail of that name, or it is not UTF-8, or too large",
		          LOG_STR("folder", folder ? folder : ""), LOG_STRN("file", file), LOG_ERR(r));
		return r;
	}
	r = template_check(s->templates.files, s->templates.n, &faulty);
	if (r < 0)
		log_alert("a mail template is faulty", LOG_STR("file", faulty), LOG_ERR(r));
	return r;
}

static int mailer_begin(struct notification_state *s)
{
	int r = mailer_start(s, &s->mailer);

	if (r < 0)
		log_alert("cannot start the mailer", LOG_ERR(r));
	return r;
}

static int consumer_begin(struct notification_state *s)
{
	int r = s->config->amqp_url ? consumer_start(s->config, &s->consumer) : 0;

	if (r < 0)
		log_alert("cannot start the consumer", LOG_ERR(r));
	return r;
}

static int smtp_begin(struct notification_state *s)
{
	const struct notification_config *c = s->config;
	const struct smtp_options options = { .url = c->smtp_url,
		                              .user = c->smtp_user,
		                              .password = c->smtp_password,
		                              .tls = (enum smtp_tls)c->smtp_tls,
		                              .ca_file = c->smtp_ca_file,
		                              .from = c->mail_from,
		                              .timeout_ms = c->smtp_timeout_ms,
		                              .connections = (size_t)c->smtp_connections };
	int r = smtp_sink_new(&options, &s->sink);

	if (c->smtp_user && options.tls != SMTP_TLS_REQUIRED && strncasecmp(c->smtp_url, "smtps:", 6) != 0)
		log_warning("the password for the mail server may be sent in clear; SMTP_TLS=required prevents that");
	if (r < 0)
		log_alert("cannot prepare to send mails", LOG_ERR(r));
	return r;
}

static int eml_begin(struct notification_state *s)
{
	char folder[1024];
	int n = snprintf(folder, sizeof(folder), "%s/mail", s->config->data_dir);
	int r = n > 0 && (size_t)n < sizeof(folder) ? eml_sink_new(folder, &s->sink) : -ENAMETOOLONG;

	if (r < 0)
		log_alert("cannot use the mail folder", LOG_STR("folder", folder), LOG_ERR(r));
	return r;
}

static int sink_begin(struct notification_state *s)
{
	return s->config->smtp_url ? smtp_begin(s) : eml_begin(s);
}

static int seal_begin(struct notification_state *s)
{
	char in_data_dir[1024];
	const char *path = s->config->link_key_file ? s->config->link_key_file : in_data_dir;
	int r;

	snprintf(in_data_dir, sizeof(in_data_dir), "%s/link.key", s->config->data_dir);
	r = seal_new(path, "links", &s->link_seal);
	if (r < 0)
		log_alert("cannot use a key file; it must hold 32 bytes that only its owner may read",
		          LOG_STR("path", path), LOG_ERR(r));
	return r;
}

static void stop(void *state)
{
	struct notification_state *s = state;

	rabbit_consumer_free(&s->consumer);
	mailer_stop(&s->mailer);
	if (s->sink)
		s->sink->free(s->sink);
	store_close(&s->store);
	seal_free(&s->link_seal);
	arena_free(&s->arena);
	free(s);
}

static int start(struct service_run *run, const void *config, void **ret_state)
{
	struct notification_state *s = calloc(1, sizeof(*s));
	struct service_database database = database_of(config);
	int r;

	if (!s) {
		log_alert("cannot start", LOG_ERR(-ENOMEM));
		return -ENOMEM;
	}
	s->config = config;
	intake_init();
	r = templates_begin(s);
	if (r == 0)
		r = service_database_open(run, &database, &s->store);
	if (r == 0)
		r = seal_begin(s);
	if (r == 0)
		r = sink_begin(s);
	if (r == 0)
		r = mailer_begin(s);
	if (r == 0)
		r = consumer_begin(s);
	if (r < 0) {
		stop(s);
		return r;
	}
	service_mode_set(run, "mail", s->config->smtp_url ? "SMTP" : "one .eml file a message in DATA_DIR/mail");
	service_mode_set(run, "events", s->config->amqp_url ? "RabbitMQ, and by HTTP" : "by HTTP");
	*ret_state = s;
	return 0;
}

static bool has_rabbit(void *state)
{
	return ((struct notification_state *)state)->consumer != NULL;
}

static int check_rabbit(void *state, struct buf *ret_reason)
{
	struct rabbit_consumer_stats stats;

	rabbit_consumer_stats_get(((struct notification_state *)state)->consumer, &stats);
	if (stats.is_up)
		return 0;
	buf_adds(ret_reason, "RabbitMQ is away: events wait there");
	return -ENOTCONN;
}

static int check_database(void *state, struct buf *ret_reason)
{
	return service_database_check(((struct notification_state *)state)->store, ret_reason);
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

static int events(const void *config, int argc, char **argv)
{
	const struct notification_config *c = config;
	struct service_database database = database_of(c);

	if (c->amqp_url)
		return events_command_run(c, &database, argc, argv);
	fprintf(stderr, "events: there is no RabbitMQ here (AMQP_URL); what waits is in the sender's outbox\n");
	return EX_UNAVAILABLE;
}

int main(int argc, char **argv)
{
	static const struct route *const routes[] = { event_routes, delivery_routes, NULL };
	static const struct service_command commands[] = {
		{ "migrate", "status | up | down [STEPS]: the database's schema; with --dry-run only its SQL",
		  migrate },
		{ "events", EVENTS_USAGE ": RabbitMQ", events },
		{ "backup", "FILE: a copy of the embedded database, while the service runs or not", backup },
		{ 0 },
	};
	static const struct service_check checks[] = { { "database", true, check_database },
		                                       { "rabbitmq", false, check_rabbit, has_rabbit },
		                                       { 0 } };
	static const struct service service = {
		.name = "notification",
		.title = "CineSync notification service",
		.summary = "takes events, sends mails",
		.listen = "127.0.0.1:8083",
		.config = &table,
		.config_size = sizeof(struct notification_config),
		.routes = routes,
		.commands = commands,
		.checks = checks,
		.start = start,
		.stop = stop,
	};

	return service_main(argc, argv, &service);
}
