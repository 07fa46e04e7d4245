/* A service's own database: which one, its folder, its migrations, its health. The same for every service that has one.
 */
#ifndef CINESYNC_SERVICE_DATABASE_H
#define CINESYNC_SERVICE_DATABASE_H

#include "service/service.h"
#include "store/migrate.h"

struct service_database {
	const char *data_dir; /* of the embedded database; made when missing */
	const char *file;     /* its name there, "user.db" */
	const char *url;      /* DATABASE_URL; NULL: the embedded one */
	size_t connections_max;
	struct migrations migrations;
};

/* Yields. Makes the folder, opens, migrates, and sets the mode "database". What goes wrong is logged here, once, at
 * alert level; then *ret is left NULL or open for the caller's store_close(). */
int service_database_open(struct service_run *run, const struct service_database *d, struct store **ret) MUST_CHECK;
/* The subcommand `migrate status | up | down [STEPS]`; argv[0] is "migrate". Yields. The exit code. */
int service_database_migrate(const struct service_database *d, int argc, char **argv);
/* For a service_check. Yields. */
int service_database_check(struct store *s, struct buf *ret_reason) MUST_CHECK;

#endif
