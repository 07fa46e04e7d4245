/* VACUUM INTO, on another thread: one read transaction over all pages, which readers and the writer of a WAL database
 * do not notice, and a copy without free pages. */
#include "store/sqlite_backup.h"

#include "fiber/offload.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#define BUSY_MS 10000

struct backup {
	const char *from;
	const char *to;
	struct buf *words;
};

static int failed(struct backup *b, sqlite3 *db, const char *doing)
{
	buf_addf(b->words, "cannot %s %s: %s", doing, b->from, db ? sqlite3_errmsg(db) : "there is no memory left");
	return -EIO;
}

static int statement_text(sqlite3 *db, const char *sql, const char *arg, struct buf *ret)
{
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (r == SQLITE_OK && arg)
		r = sqlite3_bind_text(st, 1, arg, -1, SQLITE_STATIC);
	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	if (r == SQLITE_ROW && ret)
		buf_adds(ret, (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	return r == SQLITE_ROW || r == SQLITE_DONE ? 0 : -EIO;
}

static int copy(struct backup *b)
{
	sqlite3 *db = NULL;
	int r = sqlite3_open_v2(b->from, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK ? 0 : -EIO;

	if (r == 0) {
		sqlite3_busy_timeout(db, BUSY_MS);
		r = statement_text(db, "VACUUM INTO ?1", b->to, NULL);
	}
	if (r < 0)
		r = failed(b, db, "copy");
	sqlite3_close(db);
	return r;
}

static int check(struct backup *b)
{
	struct buf answer CLEANUP(buf_done);
	sqlite3 *db = NULL;
	int r = sqlite3_open_v2(b->to, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK ? 0 : -EIO;

	buf_init(&answer, 4096);
	if (r == 0)
		r = statement_text(db, "PRAGMA integrity_check(1)", NULL, &answer);
	if (r < 0)
		r = failed(b, db, "read the copy of");
	else if (!str_equal(buf_str(&answer), STR("ok"))) {
		buf_addf(b->words, "the copy of %s is damaged: %.*s", b->from, STR_ARGS(buf_str(&answer)));
		r = -EIO;
	}
	sqlite3_close(db);
	return r;
}

/* SQLite does not sync what VACUUM INTO writes. */
static int file_sync(struct backup *b)
{
	int fd = open(b->to, O_RDWR | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	if (r < 0)
		buf_addf(b->words, "cannot sync %s: %s", b->to, strerror(-r));
	return r;
}

/* An empty file, private from its first moment, which VACUUM INTO fills. */
static int file_make(struct backup *b)
{
	int fd, r;

	if (access(b->from, R_OK) < 0) {
		r = -errno;
		buf_addf(b->words, "there is no database %s to copy: %s", b->from, strerror(-r));
		return r;
	}
	fd = open(b->to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		r = -errno;
		buf_addf(b->words, "cannot make %s: %s", b->to, strerror(-r));
		return r;
	}
	close(fd);
	return 0;
}

static int backup_work(void *arg)
{
	struct backup *b = arg;
	int r = file_make(b);

	if (r < 0)
		return r;
	r = copy(b);
	if (r == 0)
		r = check(b);
	if (r == 0)
		r = file_sync(b);
	if (r < 0)
		unlink(b->to);
	return r;
}

int sqlite_backup(const char *from, const char *to, struct buf *ret_words)
{
	struct backup b = { from, to, ret_words };

	return offload_run(&(struct offload){ .work = backup_work, .arg = &b });
}
