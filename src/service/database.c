/* Opening a service's database the way all services do. Everything here yields. */
#include "service/database.h"

#include "base/file.h"
#include "fiber/fiber.h"
#include "store/sqlite_backup.h"
#include "telemetry/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sysexits.h>

enum { URL_SIZE = 1200, TRY_AGAIN_MS = 250 };

static const char *url_given(const struct service_database *d)
{
	return d->settings ? d->settings->url : NULL;
}

/* url: room for the embedded database's. */
static struct store_options options_of(const struct service_database *d, char url[URL_SIZE])
{
	struct store_options o = { .url = url_given(d), .application = d->service, .pool_max = 2 };
	const struct database_settings *s = d->settings;

	snprintf(url, URL_SIZE, "sqlite:%s/%s", d->data_dir, d->file);
	if (!o.url)
		o.url = url;
	if (s) {
		o.pool_max = (size_t)s->connections_max;
		o.pool_min = (size_t)s->connections_min;
		o.idle_ms = s->idle_ms;
		o.life_ms = s->life_ms;
		o.wait_ms = s->wait_ms;
		o.statement_timeout_ms = s->statement_timeout_ms;
	}
	return o;
}

static bool is_sqlite(const char *url)
{
	return strncmp(url, "sqlite:", strlen("sqlite:")) == 0;
}

static const struct migrations *migrations_of(const struct service_database *d, const char *url)
{
	return is_sqlite(url) ? &d->sqlite : &d->postgres;
}

/* ---- the file system of DATA_DIR ---- */

static double data_free(void *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 ? (double)fs.f_bavail * (double)fs.f_frsize : (double)NAN;
}

static double data_size(void *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 ? (double)fs.f_blocks * (double)fs.f_frsize : (double)NAN;
}

/* The settings outlive every scrape. */
static void data_metrics(char *path)
{
	metric_callback("cinesync_data_free_bytes", "Free on the file system of DATA_DIR.", METRIC_GAUGE, data_free,
	                path);
	metric_callback("cinesync_data_size_bytes", "Size of the file system of DATA_DIR.", METRIC_GAUGE, data_size,
	                path);
}

/* ---- opening ---- */

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

/* Yields. A server that is not there yet, or starting, is waited for: who starts everything at once need not order it.
 */
static int open_patiently(const struct service_database *d, const struct store_options *options, struct store **ret)
{
	int64_t until_ms = clock_deadline_in(d->settings ? d->settings->start_wait_ms : 0);
	bool is_said = false;
	int r = store_open(options, ret);

	while (r == -ENOTCONN && !is_sqlite(options->url) && clock_mono_ms() < until_ms) {
		if (!is_said)
			log_warning("waiting for the database", LOG_STR("detail", store_error(NULL)));
		is_said = true;
		r = fiber_sleep_ms(TRY_AGAIN_MS);
		if (r == 0)
			r = store_open(options, ret);
	}
	return r;
}

int service_database_open(struct service_run *run, const struct service_database *d, struct store **ret)
{
	char url[URL_SIZE];
	struct store_options options = options_of(d, url);
	int r = folder_make(d);

	if (r < 0)
		return r;
	data_metrics((char *)(uintptr_t)d->data_dir);
	r = open_patiently(d, &options, ret);
	if (r < 0) {
		log_alert("cannot open the database", LOG_ERR(r), LOG_STR("detail", store_error(NULL)));
		return r;
	}
	r = up(*ret, migrations_of(d, options.url));
	if (r == 0)
		service_mode_set(run, "database", url_given(d) ? store_system(*ret) : "embedded (SQLite)");
	return r;
}

int service_database_migrate(const struct service_database *d, int argc, char **argv)
{
	char url[URL_SIZE];
	struct store_options options = options_of(d, url);

	if (folder_make(d) < 0)
		return EXIT_FAILURE;
	return migrate_main(&options, migrations_of(d, options.url), argc - 1, argv + 1);
}

int service_database_backup(const struct service_database *d, int argc, char **argv)
{
	struct buf words CLEANUP(buf_done);
	char from[URL_SIZE];
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: backup FILE\n");
		return EX_USAGE;
	}
	if (url_given(d)) {
		fprintf(stderr, "the database is not the embedded one; copy it with its own tools (docs/backup.md)\n");
		return EX_USAGE;
	}
	buf_init(&words, 4096);
	snprintf(from, sizeof(from), "%s/%s", d->data_dir, d->file);
	r = sqlite_backup(from, argv[1], &words);
	if (r < 0)
		fprintf(stderr, "%.*s\n", STR_ARGS(buf_str(&words)));
	return r < 0 ? EXIT_FAILURE : 0;
}

int service_database_command(const struct service_database *d, struct store **ret)
{
	char url[URL_SIZE];
	struct store_options options = options_of(d, url);
	size_t applied;
	int r;

	if (folder_make(d) < 0)
		return EXIT_FAILURE;
	r = store_open(&options, ret);
	if (r < 0) {
		fprintf(stderr, "%s\n", store_error(NULL));
		return EX_UNAVAILABLE;
	}
	r = migrate_up(*ret, migrations_of(d, options.url), &applied);
	if (r < 0)
		fprintf(stderr, "%s\n", store_error(*ret));
	return r < 0 ? EX_UNAVAILABLE : 0;
}

int service_database_check(struct store *s, struct buf *ret_reason)
{
	int r = store_ping(s);

	if (r < 0)
		buf_adds(ret_reason, store_error(s));
	return r;
}
