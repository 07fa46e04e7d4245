/* Shared by the tests of this room. One loop at a time; everything ends with on_fiber(). */
#include "store/test_support.h"

#include "fiber/fiber.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

static char dir[PATH_MAX];
static char url[PATH_MAX];

void on_fiber(void (*body)(void *), void *arg)
{
	uv_loop_t loop;

	if (uv_loop_init(&loop) < 0 || fiber_runtime_init(&loop, NULL) < 0 || fiber_start("test", body, arg, NULL) < 0)
		abort();
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	fiber_runtime_done();
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&loop) < 0)
		abort();
}

const char *test_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	if (*dir)
		return dir;
	(void)snprintf(dir, sizeof(dir), "%s/cinesync store XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		abort();
	return dir;
}

const char *test_url(void)
{
	const char *given = getenv("STORE_TEST_URL");

	if (given)
		return given;
	if ((size_t)snprintf(url, sizeof(url), "sqlite:%s/test.db", test_dir()) >= sizeof(url))
		abort();
	return url;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void test_files_remove(void)
{
	if (*dir)
		(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	*dir = '\0';
}

struct store *test_store(void)
{
	const struct store_options options = { .url = test_url(), .wait_ms = 30000, .statement_timeout_ms = 30000 };
	struct store *s = NULL;

	if (store_open(&options, &s) < 0) {
		fprintf(stderr, "cannot open %s: %s\n", options.url, store_error(NULL));
		abort();
	}
	return s;
}

struct arena *test_arena(void)
{
	struct arena *a = NULL;

	if (arena_new(16 << 20, &a) < 0)
		abort();
	return a;
}

int64_t must(struct store *s, const char *sql)
{
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_rows rows;

	if (store_query(s, sql, STORE_NO_ARGS, a, &rows) < 0) {
		fprintf(stderr, "%s: %s\n", sql, store_error(s));
		abort();
	}
	return rows.n ? store_int(&rows, 0, 0) : 0;
}

int64_t must_tx(struct store_tx *tx, const char *sql)
{
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct store_rows rows;

	if (store_tx_query(tx, sql, STORE_NO_ARGS, a, &rows) < 0) {
		fprintf(stderr, "%s: failed\n", sql);
		abort();
	}
	return rows.affected;
}

bool is_sqlite(struct store *s)
{
	return strcmp(store_system(s), "sqlite") == 0;
}

struct items test_items(void)
{
	struct items f = { .s = test_store(), .a = test_arena() };

	must(f.s, "DROP TABLE IF EXISTS items");
	must(f.s,
	     is_sqlite(f.s)
	             ? "CREATE TABLE items (id bigint PRIMARY KEY, i bigint, d double precision, b boolean, t text, "
	               "y blob, u text UNIQUE, must text NOT NULL DEFAULT 'x', CHECK (i <> 13))"
	             : "CREATE TABLE items (id bigint PRIMARY KEY, i bigint, d double precision, b boolean, t text, "
	               "y bytea, u text UNIQUE, must text NOT NULL DEFAULT 'x', CHECK (i <> 13))");
	return f;
}

void test_items_done(struct items *f)
{
	arena_free(&f->a);
	store_close(&f->s);
}

void crowd_run(size_t n, void (*entry)(void *), void *arg)
{
	struct fiber *crowd[256];

	if (n > ARRAY_SIZE(crowd))
		abort();
	for (size_t i = 0; i < n; i++) {
		if (fiber_spawn("one of a crowd", entry, arg, &crowd[i]) < 0)
			abort();
	}
	for (size_t i = 0; i < n; i++) {
		if (fiber_join(crowd[i]) < 0)
			abort();
		fiber_unref(&crowd[i]);
	}
}
