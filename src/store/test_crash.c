/* kill -9 at any moment keeps what was acknowledged, and no half of a transaction. This program is also the victim:
 * `test_crash --writer URL` writes pairs of rows for ever and says each number once its commit has been answered.
 * TEST_ROUNDS: how many are killed (20). */
#include "base/log.h"
#include "base/random.h"
#include "base/test_rounds.h"
#include "fiber/fiber.h"
#include "store/test_support.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ROUNDS_DEFAULT 20
#define LIFE_MS_MAX 40
#define START_MS_MAX 20000

extern char **environ;

/* ---- the victim ---- */

static int put(struct store_tx *tx, const char *sql, int64_t id, struct arena *a)
{
	return store_tx_query(tx, sql, STORE_ARGS(STORE_I(id)), a, NULL);
}

static int write_pair(struct store *s, int64_t id)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct arena *a CLEANUP(arena_free) = test_arena();
	int r;

	r = store_begin(s, &tx);
	if (r == 0)
		r = put(tx, "INSERT INTO lefts (id) VALUES ($1)", id, a);
	if (r == 0)
		r = put(tx, "INSERT INTO rights (id) VALUES ($1)", id, a);
	return r == 0 ? store_commit(&tx) : r;
}

static void body_write_for_ever(void *arg)
{
	struct store *s = test_store();
	int64_t id;

	(void)arg;
	must(s, "CREATE TABLE IF NOT EXISTS lefts (id bigint PRIMARY KEY)");
	must(s, "CREATE TABLE IF NOT EXISTS rights (id bigint PRIMARY KEY)");
	id = must(s, "SELECT coalesce(max(id), 0) FROM lefts");
	while (write_pair(s, ++id) == 0)
		if (write(STDOUT_FILENO, &id, sizeof(id)) != sizeof(id))
			break;
	store_close(&s);
}

/* ---- the test ---- */

struct victim {
	pid_t pid;
	int fd; /* its standard output */
};

static struct victim victim_start(void)
{
	char *argv[] = { "test_crash", "--writer", NULL };
	posix_spawn_file_actions_t actions;
	struct victim v;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO), 0);
	assert_int_equal(posix_spawn_file_actions_addclose(&actions, fds[0]), 0);
	assert_int_equal(posix_spawn(&v.pid, "/proc/self/exe", &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	v.fd = fds[0];
	return v;
}

/* Lets it live a little after its first answer; gives the last number it said. */
static int64_t victim_kill(struct victim *v)
{
	struct pollfd wait = { .fd = v->fd, .events = POLLIN };
	int64_t said = 0;
	int64_t id;
	int status;

	assert_int_equal(poll(&wait, 1, START_MS_MAX), 1);
	assert_int_equal(usleep((useconds_t)random_below(LIFE_MS_MAX * 1000)), 0);
	assert_int_equal(kill(v->pid, SIGKILL), 0);
	assert_int_equal(waitpid(v->pid, &status, 0), v->pid);
	assert_true(WIFSIGNALED(status));
	while (read(v->fd, &id, sizeof(id)) == sizeof(id))
		said = id;
	close(v->fd);
	return said;
}

static void body_check(void *arg)
{
	int64_t said = *(int64_t *)arg;
	struct store *s CLEANUP(store_close) = test_store();
	int64_t last = must(s, "SELECT coalesce(max(id), 0) FROM lefts");

	assert_in_range(last, said, said + 1);
	assert_int_equal(must(s, "SELECT count(*) FROM lefts"), last);
	assert_int_equal(must(s, "SELECT count(*) FROM rights"), last);
	assert_int_equal(must(s, "SELECT coalesce(max(id), 0) FROM rights"), last);
}

static void test_killed_writers_keep_what_they_acknowledged(void **state)
{
	long rounds = test_rounds(ROUNDS_DEFAULT, ROUNDS_DEFAULT * 15);

	(void)state;
	for (long i = 0; i < rounds; i++) {
		struct victim v = victim_start();
		int64_t said = victim_kill(&v);

		assert_true(said > 0);
		on_fiber(body_check, &said);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_killed_writers_keep_what_they_acknowledged) };
	int failed;

	if (argc == 2 && strcmp(argv[1], "--writer") == 0) {
		log_init("victim", LOG_WARNING, STDERR_FILENO);
		on_fiber(body_write_for_ever, NULL);
		return 1;
	}
	if (setenv("STORE_TEST_URL", test_url(), 1) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_files_remove();
	return failed;
}
