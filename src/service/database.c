/* Opening a service's database the way all services do. Everything here yields. */
#include "service/database.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>

enum { URL_SIZE = 1200 };

/* url: room for the embedded database's. */
static struct store_options options_of(const struct service_database *d, char url[URL_SIZE])
{
	snprintf(url, URL_SIZE, "sqlite:%s/%s", d->data_dir, d->file);
	return (struct store_options){ .url = d->url ? d->url : url, .pool_max = d->connections_max };
}

static int folder_make(const struct service_database *d)
{
	int r = file_folder_make(d->data_dir);

	if (r < 0)
		log_alert("cannot make DATA_DIR", LOG_STR("path", d->data_dir), LOG_ERR(r));
	return r;
}

static int up(struct store *s, const struct migrations *m)
{
	size_t applied = 0;
	int r = migrate_up(s, m, &applied);

	if (r < 0)
		log_alert("cannot migrate the database", LOG_ERR(r), LOG_STR("detail", store_error(s)));
	else if (applied > 0)
		log_info("database migrated", LOG_INT("migrations", applied));
	return r;
}

int service_database_open(struct service_run *run, const struct service_database *d, struct store **ret)
{
	char url[URL_SIZE];
	struct store_options options = options_of(d, url);
	int r = folder_make(d);

	if (r < 0)
		return r;
	r = store_open(&options, ret);
	if (r < 0) {
		log_alert("cannot open the database", LOG_ERR(r), LOG_STR("detail", store_error(NULL)));
		return r;
	}
	r = up(*ret, &d->migrations);
	if (r == 0)
		service_mode_set(run, "database", d->url ? store_system(*ret) : "embedded (SQLite)");
	return r;
}

int service_database_migrate(const struct service_database *d, int argc, char **argv)
{
	char url[URL_SIZE];
	struct store_options options = options_of(d, url);

	if (folder_make(d) < 0)
		return EXIT_FAILURE;
	return migrate_main(&options, &d->migrations, argc - 1, argv + 1);
}

int service_database_check(struct store *s, struct buf *ret_reason)
{
	int r = store_ping(s);

	if (r < 0)
		buf_adds(ret_reason, store_error(s));
	return r;
}
