/* For this room's tests: a body run on a fiber, and a database to run it on. */
#ifndef CINESYNC_STORE_TEST_SUPPORT_H
#define CINESYNC_STORE_TEST_SUPPORT_H

#include "store/store.h"

/* Runs body(arg) on a fiber of a fresh loop, and the loop until nothing is left to do. */
void on_fiber(void (*body)(void *), void *arg);

/* STORE_TEST_URL, or a SQLite file in a folder of this process that test_files_remove() takes away. */
const char *test_url(void);
const char *test_dir(void);
void test_files_remove(void);

/* The store at test_url(), or the process ends. */
struct store *test_store(void);
/* Arenas for results; bodies free them. */
struct arena *test_arena(void);

/* A store with one empty table: items (id bigint PRIMARY KEY, i bigint, d double precision, b boolean, t text, y bytes,
 * u text UNIQUE, must text NOT NULL, CHECK (i <> 13)). */
struct items {
	struct store *s;
	struct arena *a;
};
struct items test_items(void);
void test_items_done(struct items *f);
bool is_sqlite(struct store *s);

/* The fibers of a crowd: each runs entry(arg); all have ended when it returns. */
void crowd_run(size_t n, void (*entry)(void *), void *arg);

/* One statement that has to succeed; its first value, or 0. */
int64_t must(struct store *s, const char *sql);
/* The `affected` of a statement that has to succeed. */
int64_t must_tx(struct store_tx *tx, const char *sql);

#endif
