/* Runs migrations. The caller owns the store; each call has an arena of its own. Everything but parsing the command
 * line yields. Limits: ARENA_SIZE_MAX for the table's rows. */
#include "store/migrate.h"

#include "base/clock.h"
#include "fiber/fiber.h"
#include "store/migrate_plan.h"

#include <errno.h>
#include <sysexits.h>

#define ARENA_SIZE_MAX (8 << 20)
#define STEPS_MAX 10000

static const char sql_create[] = "CREATE TABLE IF NOT EXISTS schema_migrations ("
                                 "version bigint NOT NULL PRIMARY KEY, name text NOT NULL, "
                                 "checksum text NOT NULL, applied_at_ms bigint NOT NULL)";
static const char sql_list[] = "SELECT version, name, checksum, applied_at_ms FROM schema_migrations ORDER BY version";
static const char sql_insert[] =
        "INSERT INTO schema_migrations (version, name, checksum, applied_at_ms) VALUES ($1, $2, $3, $4)";
static const char sql_delete[] = "DELETE FROM schema_migrations WHERE version = $1";

/* ---- the plan ---- */

static int plan_load(struct store *s, const struct migrations *m, struct arena *a, struct migrate_plan *ret)
{
	struct store_rows rows;
	int r;

	r = store_query(s, sql_create, STORE_NO_ARGS, a, NULL);
	if (r < 0)
		return r;
	r = store_query(s, sql_list, STORE_NO_ARGS, a, &rows);
	if (r < 0)
		return r;
	return migrate_plan_make(m, &rows, a, &s->words, ret);
}

static int plan_load_checked(struct store *s, const struct migrations *m, struct arena *a, struct migrate_plan *ret)
{
	struct migrate_plan p;
	int r;

	r = plan_load(s, m, a, &p);
	if (r < 0)
		return r;
	r = migrate_plan_check(&p, &s->words);
	if (r < 0)
		return r;
	*ret = p;
	return 0;
}

/* ---- one step ---- */

static int record_up(struct store_tx *tx, const struct migration *m, struct arena *a)
{
	return store_tx_query(tx, sql_insert,
	                      STORE_ARGS(STORE_I(m->version), STORE_S(m->name), STORE_S(str_from(m->checksum)),
	                                 STORE_I(clock_real_ms())),
	                      a, NULL);
}

static int record_down(struct store_tx *tx, const struct migration *m, struct arena *a)
{
	return store_tx_query(tx, sql_delete, STORE_ARGS(STORE_I(m->version)), a, NULL);
}

/* Puts the migration's name before what the engine said. */
static int step_failed(struct store *s, const struct migration *m, int r)
{
	struct store_words said = s->words;

	store_say(s, "migration %04lld \"%.*s\": %.150s", (long long)m->version, STR_ARGS(m->name), said.text);
	return r;
}

static int step(struct store *s, const struct migration *m, struct str script,
                int (*record)(struct store_tx *, const struct migration *, struct arena *), struct arena *a)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r;

	r = store_begin(s, &tx);
	if (r == 0)
		r = store_tx_script(tx, script);
	if (r == 0)
		r = record(tx, m, a);
	if (r == 0)
		r = store_commit(&tx);
	return r < 0 ? step_failed(s, m, r) : 0;
}

/* ---- up and down ---- */

static int up_locked(struct store *s, const struct migrations *m, struct arena *a, size_t *ret_applied)
{
	struct migrate_plan p;
	int r;

	r = plan_load_checked(s, m, a, &p);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p.n; i++) {
		if (p.items[i].state != MIGRATION_PENDING)
			continue;
		r = step(s, &p.items[i], p.items[i].up, record_up, a);
		if (r < 0)
			return r;
		(*ret_applied)++;
	}
	return 0;
}

static int down_one(struct store *s, const struct migration *m, struct arena *a)
{
	if (str_is_null(m->down)) {
		store_say(s, "migration %04lld \"%.*s\" has no down file", (long long)m->version, STR_ARGS(m->name));
		return -ENOENT;
	}
	return step(s, m, m->down, record_down, a);
}

static int down_locked(struct store *s, const struct migrations *m, size_t steps, struct arena *a, size_t *ret_reverted)
{
	struct migrate_plan p;
	int r;

	r = plan_load_checked(s, m, a, &p);
	if (r < 0)
		return r;
	for (size_t i = p.n; i > 0 && *ret_reverted < steps; i--) {
		if (p.items[i - 1].state != MIGRATION_APPLIED)
			continue;
		r = down_one(s, &p.items[i - 1], a);
		if (r < 0)
			return r;
		(*ret_reverted)++;
	}
	return 0;
}

static int lock(struct store *s)
{
	return s->driver->migrate_lock ? s->driver->migrate_lock(s) : 0;
}

static void unlock(struct store *s)
{
	if (!s->driver->migrate_unlock)
		return;
	fiber_shield();
	s->driver->migrate_unlock(s);
	fiber_unshield();
}

int migrate_up(struct store *s, const struct migrations *m, size_t *ret_applied)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	size_t applied = 0;
	int r;

	r = arena_new(ARENA_SIZE_MAX, &a);
	if (r < 0)
		return r;
	r = lock(s);
	if (r < 0)
		return r;
	r = up_locked(s, m, a, &applied);
	unlock(s);
	if (r == 0)
		*ret_applied = applied;
	return r;
}

int migrate_down(struct store *s, const struct migrations *m, size_t steps, size_t *ret_reverted)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	size_t reverted = 0;
	int r;

	r = arena_new(ARENA_SIZE_MAX, &a);
	if (r < 0)
		return r;
	r = lock(s);
	if (r < 0)
		return r;
	r = down_locked(s, m, steps, a, &reverted);
	unlock(s);
	if (r == 0)
		*ret_reverted = reverted;
	return r;
}

/* ---- status ---- */

static bool status_line(const struct migration *m, FILE *to)
{
	static const char *const words[] = { "pending", "applied", "altered", "unknown" };
	char at[CLOCK_ISO8601_SIZE];

	clock_format_iso8601(m->applied_at_ms, at);
	(void)fprintf(to, "%04lld  %-24.*s  %s\n", (long long)m->version, STR_ARGS(m->name),
	              m->state == MIGRATION_APPLIED ? at : words[m->state]);
	return m->state == MIGRATION_PENDING;
}

int migrate_status(struct store *s, const struct migrations *m, FILE *to)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct migrate_plan p;
	bool pending = false;
	int r;

	r = arena_new(ARENA_SIZE_MAX, &a);
	if (r < 0)
		return r;
	r = plan_load(s, m, a, &p);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p.n; i++)
		pending |= status_line(&p.items[i], to);
	r = migrate_plan_check(&p, &s->words);
	return r < 0 ? r : pending;
}

/* ---- the command ---- */

struct command {
	enum { COMMAND_STATUS, COMMAND_UP, COMMAND_DOWN } verb;
	int64_t steps;
};

static int command_parse(int argc, char **argv, struct command *ret)
{
	struct str verb = argc > 0 ? str_from(argv[0]) : STR_NULL;
	struct command c = { .steps = 1 };

	if (argc == 1 && str_equal(verb, STR("status")))
		c.verb = COMMAND_STATUS;
	else if (argc == 1 && str_equal(verb, STR("up")))
		c.verb = COMMAND_UP;
	else if ((argc == 1 || argc == 2) && str_equal(verb, STR("down")))
		c.verb = COMMAND_DOWN;
	else
		return -EINVAL;
	if (argc == 2 && str_to_int64(str_from(argv[1]), 1, STEPS_MAX, &c.steps) < 0)
		return -EINVAL;
	*ret = c;
	return 0;
}

static int command_run(struct store *s, const struct migrations *m, const struct command *c)
{
	size_t n = 0;
	int r;

	if (c->verb == COMMAND_STATUS)
		return migrate_status(s, m, stdout);
	if (c->verb == COMMAND_UP)
		r = migrate_up(s, m, &n);
	else
		r = migrate_down(s, m, (size_t)c->steps, &n);
	if (r == 0)
		printf("%zu %s\n", n, c->verb == COMMAND_UP ? "applied" : "reverted");
	return r;
}

static int exit_code(const struct store *s, int r)
{
	if (r >= 0)
		return r;
	fprintf(stderr, "migrate: %s\n", store_error(s));
	return r == -EBADMSG || r == -ENOENT ? EX_DATAERR : EX_UNAVAILABLE;
}

int migrate_main(const struct store_options *options, const struct migrations *m, int argc, char **argv)
{
	struct store *s CLEANUP(store_close) = NULL;
	struct command command;
	int r;

	if (command_parse(argc, argv, &command) < 0) {
		fprintf(stderr, "usage: migrate status|up|down [STEPS]\n");
		return EX_USAGE;
	}
	r = store_open(options, &s);
	if (r < 0) {
		fprintf(stderr, "migrate: %s\n", store_error(NULL));
		return EX_UNAVAILABLE;
	}
	r = exit_code(s, command_run(s, m, &command));
	(void)fflush(stdout);
	return r;
}
