/* A service's own database: which one, its folder, its migrations, its health. The same for every service that has one.
 */
#ifndef CINESYNC_SERVICE_DATABASE_H
#define CINESYNC_SERVICE_DATABASE_H

#include "base/config.h"
#include "service/service.h"
#include "store/migrate.h"

/* What DATABASE_* set; a field of the service's own settings struct. */
struct database_settings {
	char *url;
	int64_t connections_max;
	int64_t connections_min;
	int64_t idle_ms;
	int64_t life_ms;
	int64_t wait_ms;
	int64_t statement_timeout_ms;
	int64_t start_wait_ms;
};

#define DATABASE_SETTING_(name_, type_, base_, field_, min_, max_, def_, unit_, doc_, ...)                      \
	{                                                                                                       \
		.name = (name_), .type = (type_), .min = (min_), .max = (max_), .def = (def_), .unit = (unit_), \
		.doc = (doc_), .offset = (base_) + offsetof(struct database_settings, field_), __VA_ARGS__      \
	}

/* Entries for a service's table. base: the offset of its struct database_settings; file: "user.db". */
#define DATABASE_SETTINGS(base_, file_)                                                                              \
	DATABASE_SETTING_(                                                                                           \
	        "DATABASE_URL", CONFIG_SECRET, base_, url, 1, 2048, NULL, NULL,                                      \
	        "Where the data is: postgres://USER:PASSWORD@HOST:PORT/DATABASE or any other form libpq takes; "     \
	        "unset: sqlite:DATA_DIR/" file_ ", for one process.",                                                \
	        .check = store_check_url),                                                                           \
	        DATABASE_SETTING_("DATABASE_CONNECTIONS_MAX", CONFIG_INT, base_, connections_max, 1, 64, "4",        \
	                          "connections",                                                                     \
	                          "Connections to the database (SQLite: readers beside the one writer)."),           \
	        DATABASE_SETTING_("DATABASE_CONNECTIONS_MIN", CONFIG_INT, base_, connections_min, 1, 64, "1",        \
	                          "connections", "Of these, kept open though idle (PostgreSQL)."),                   \
	        DATABASE_SETTING_("DATABASE_IDLE_MS", CONFIG_INT, base_, idle_ms, 1000, 86400000, "60000", "ms",     \
	                          "How long an idle connection beyond those is kept (PostgreSQL)."),                 \
	        DATABASE_SETTING_("DATABASE_LIFE_MS", CONFIG_INT, base_, life_ms, 10000, 604800000, "1800000", "ms", \
	                          "Age at which a connection is replaced, with jitter (PostgreSQL)."),               \
	        DATABASE_SETTING_("DATABASE_WAIT_MS", CONFIG_INT, base_, wait_ms, 10, 60000, "2000", "ms",           \
	                          "How long a request waits for a connection; after it 503."),                       \
	        DATABASE_SETTING_("DATABASE_STATEMENT_TIMEOUT_MS", CONFIG_INT, base_, statement_timeout_ms, 100,     \
	                          600000, "5000", "ms", "Time one statement may take."),                             \
	        DATABASE_SETTING_("DATABASE_START_WAIT_MS", CONFIG_INT, base_, start_wait_ms, 0, 600000, "10000",    \
	                          "ms",                                                                              \
	                          "At start, how long a server that cannot be reached is waited for (PostgreSQL).")

struct service_database {
	const char *data_dir;                     /* of the embedded database; made when missing */
	const char *file;                         /* its name there, "user.db" */
	const char *service;                      /* application_name: "cinesync-user" */
	const struct database_settings *settings; /* NULL: the embedded one, with defaults */
	struct migrations sqlite;
	struct migrations postgres; /* the same versions; none: the service has no such database */
};

/* Yields. Makes the folder, opens, migrates, and sets the mode "database". What goes wrong is logged here, once, at
 * alert level; then *ret is left NULL or open for the caller's store_close(). */
int service_database_open(struct service_run *run, const struct service_database *d, struct store **ret) MUST_CHECK;
/* The subcommand `migrate status | up | down [STEPS]`, with --dry-run or not; argv[0] is "migrate". Yields. The exit
 * code. */
int service_database_migrate(const struct service_database *d, int argc, char **argv);
/* The subcommand `backup FILE`: a copy of the embedded database in a new file, while its service runs or not. Yields.
 * The exit code. */
int service_database_backup(const struct service_database *d, int argc, char **argv);
/* Yields. Opens and migrates the database for another subcommand. 0; else what went wrong was said on standard error,
 * and it is the exit code. */
int service_database_command(const struct service_database *d, struct store **ret) MUST_CHECK;
/* For a service_check. Yields. */
int service_database_check(struct store *s, struct buf *ret_reason) MUST_CHECK;

#endif
