/* Runs migrations, or prints what would run. The caller owns the store; each call has an arena of its own. Everything
 * but parsing the command line yields. Limits: ARENA_SIZE_MAX for the table's rows. */
#include "store/migrate.h"

#include "base/clock.h"
#include "base/log.h"
#include "fiber/fiber.h"
#include "store/migrate_plan.h"
#include "telemetry/trace.h"

#include <errno.h>
#include <sysexits.h>

#define ARENA_SIZE_MAX (8 << 20)
#define STEPS_MAX 10000

static const char sql_create[] = "CREATE TABLE IF NOT EXISTS schema_migrations ("
                                 "version bigint NOT NULL PRIMARY KEY, name text NOT NULL, "
                                 "checksum text NOT NULL, applied_at_ms bigint NOT NULL)";
static const char sql_there_sqlite[] = "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'";
static const char sql_there_postgres[] = "SELECT count(to_regclass('schema_migrations'))";
static const char sql_list[] = "SELECT version, name, checksum, applied_at_ms FROM schema_migrations ORDER BY version";
static const char sql_insert[] =
        "INSERT INTO schema_migrations (version, name, checksum, applied_at_ms) VALUES ($1, $2, $3, $4)";
static const char sql_delete[] = "DELETE FROM schema_migrations WHERE version = $1";

/* ---- the plan ---- */

/* Whoever only looks must not make the table, so it may not be there. */
static int table_is_there(struct store *s, struct arena *a, bool *ret)
{
	const char *sql = s->driver == &store_sqlite_driver ? sql_there_sqlite : sql_there_postgres;
	struct store_rows rows;
	int r;

	r = store_read(s, sql, STORE_NO_ARGS, a, &rows);
	if (r < 0)
		return r;
	*ret = store_int(&rows, 0, 0) > 0;
	return 0;
}

/* Changes nothing. */
static int plan_load(struct store *s, const struct migrations *m, struct arena *a, struct migrate_plan *ret)
{
	struct store_rows rows = { 0 };
	bool is_there;
	int r;

	r = table_is_there(s, a, &is_there);
	if (r == 0 && is_there)
		r = store_read(s, sql_list, STORE_NO_ARGS, a, &rows);
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
	struct span span;
	int r;

	span_start(&span, "migrate", SPAN_INTERNAL, NULL);
	span_set_int(&span, "cinesync.migration.version", m->version);
	span_set_str(&span, "cinesync.migration.name", m->name);
	r = store_begin(s, &tx);
	if (r == 0)
		r = store_tx_script(tx, script);
	if (r == 0)
		r = record(tx, m, a);
	if (r == 0)
		r = store_commit(&tx);
	if (r < 0)
		span_fail(&span, error_name(r));
	span_end(&span);
	return r < 0 ? step_failed(s, m, r) : 0;
}

/* ---- up and down ---- */

static int up_locked(struct store *s, const struct migrations *m, struct arena *a, size_t *ret_applied)
{
	struct migrate_plan p;
	int r;

	r = store_query(s, sql_create, STORE_NO_ARGS, a, NULL);
	if (r == 0)
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

static int down_check(struct store *s, const struct migration *m)
{
	if (!str_is_null(m->down))
		return 0;
	store_say(s, "migration %04lld \"%.*s\" has no down file", (long long)m->version, STR_ARGS(m->name));
	return -ENOENT;
}

static int down_one(struct store *s, const struct migration *m, struct arena *a)
{
	int r = down_check(s, m);

	return r < 0 ? r : step(s, m, m->down, record_down, a);
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

/* ---- what would run ---- */

static struct str end_trim(struct str s)
{
	while (s.len > 0 && strchr(" \t\r\n", s.data[s.len - 1]))
		s.len--;
	return s;
}

/* One step as a script that anybody's SQL shell takes: the file, what remembers it, and a transaction around both. */
static void step_print(const struct migration *m, bool is_up, FILE *to)
{
	struct str script = end_trim(is_up ? m->up : m->down);
	bool is_ended = str_ends(script, STR(";"));

	(void)fprintf(to, "-- %04lld_%.*s.%s.sql\nBEGIN;\n%.*s%s\n", (long long)m->version, STR_ARGS(m->name),
	              is_up ? "up" : "down", STR_ARGS(script), is_ended ? "" : "\n;");
	if (is_up)
		(void)fprintf(to,
		              "INSERT INTO schema_migrations (version, name, checksum, applied_at_ms) "
		              "VALUES (%lld, '%.*s', '%s', %lld);\n",
		              (long long)m->version, STR_ARGS(m->name), m->checksum, (long long)clock_real_ms());
	else
		(void)fprintf(to, "DELETE FROM schema_migrations WHERE version = %lld;\n", (long long)m->version);
	(void)fputs("COMMIT;\n\n", to);
}

static void up_print(const struct migrate_plan *p, FILE *to)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].state != MIGRATION_PENDING)
			continue;
		if (n++ == 0)
			(void)fprintf(to, "%s;\n\n", sql_create);
		step_print(&p->items[i], true, to);
	}
	(void)fprintf(to, "-- %zu to be applied\n", n);
}

static int down_print(struct store *s, const struct migrate_plan *p, size_t steps, FILE *to)
{
	size_t n = 0;
	int r;

	for (size_t i = p->n; i > 0 && n < steps; i--) {
		if (p->items[i - 1].state != MIGRATION_APPLIED)
			continue;
		r = down_check(s, &p->items[i - 1]);
		if (r < 0)
			return r;
		step_print(&p->items[i - 1], false, to);
		n++;
	}
	(void)fprintf(to, "-- %zu to be reverted\n", n);
	return 0;
}

int migrate_up_print(struct store *s, const struct migrations *m, FILE *to)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct migrate_plan p;
	int r;

	r = arena_new(ARENA_SIZE_MAX, &a);
	if (r == 0)
		r = plan_load_checked(s, m, a, &p);
	if (r == 0)
		up_print(&p, to);
	return r;
}

int migrate_down_print(struct store *s, const struct migrations *m, size_t steps, FILE *to)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct migrate_plan p;
	int r;

	r = arena_new(ARENA_SIZE_MAX, &a);
	if (r == 0)
		r = plan_load_checked(s, m, a, &p);
	return r < 0 ? r : down_print(s, &p, steps, to);
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

#define DRY_RUN "--dry-run"

struct command {
	enum { COMMAND_STATUS, COMMAND_UP, COMMAND_DOWN } verb;
	int64_t steps;
	bool is_dry;
};

static int command_parse(int argc, char **argv, struct command *ret)
{
	struct str verb = argc > 0 ? str_from(argv[0]) : STR_NULL;
	struct command c = { .steps = 1 };

	c.is_dry = argc > 1 && strcmp(argv[argc - 1], DRY_RUN) == 0;
	if (c.is_dry)
		argc--;
	if (argc == 1 && !c.is_dry && str_equal(verb, STR("status")))
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

static int command_move(struct store *s, const struct migrations *m, const struct command *c)
{
	bool is_up = c->verb == COMMAND_UP;
	size_t n = 0;
	int r = is_up ? migrate_up(s, m, &n) : migrate_down(s, m, (size_t)c->steps, &n);

	if (r == 0)
		printf("%zu %s\n", n, is_up ? "applied" : "reverted");
	return r;
}

static int command_run(struct store *s, const struct migrations *m, const struct command *c)
{
	if (c->verb == COMMAND_STATUS)
		return migrate_status(s, m, stdout);
	if (!c->is_dry)
		return command_move(s, m, c);
	return c->verb == COMMAND_UP ? migrate_up_print(s, m, stdout)
	                             : migrate_down_print(s, m, (size_t)c->steps, stdout);
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
		fprintf(stderr, "usage: migrate status | up [" DRY_RUN "] | down [STEPS] [" DRY_RUN "]\n");
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
