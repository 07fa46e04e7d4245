/* An import is worked on for a slice of time, then the one that waited longest is next: a long one does not hold up the
 * others. What it has read of its file is kept for as long as it is the same. */
#include "user/import_keeper.h"

#include "base/clock.h"
#include "fiber/fiber.h"
#include "store/lease.h"
#include "user/import_job.h"
#include "user/statements.h"

#include <errno.h>
#include <stdlib.h>

enum {
	LEASE_MS = 12000, /* so long an import waits for another replica when its own died */
	LOOK_MS = 2000,   /* between two looks, for what other replicas took */
	SLICE_MS = 4000,  /* well within the lease */
	RETRY_MS = 2000,
	RETRY_MAX_MS = 10000,
	FORGET_EVERY_MS = 3600000,
	ARENA_MAX = 65536,
};

/* Columns of import_next. */
enum { NEXT_ID, NEXT_USER, NEXT_DRY_RUN, NEXT_REPLACES, NEXT_ROWS, NEXT_POSITION };

struct import_keeper {
	struct user_state *u;
	struct fiber *fiber;
	struct fiber_queue queue;
	struct store_lease lease;
	bool was_kicked;
	struct import_job *job; /* the one worked on last */
	struct import_pace pace;
	int64_t retry_ms;
	int64_t forget_at_ms;
};

static int run(struct user_state *u, const char *sql, const struct store_value *args, size_t n)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	int r = arena_new(ARENA_MAX, &a);

	return r < 0 ? r : store_query(u->store, sql, args, n, a, NULL);
}

/* ---- one import ---- */

/* What is wrong with the file, or with us; not with the database or the movie service, which come back. */
static int fail(struct import_keeper *k, struct str id, const char *why, int error)
{
	log_error("an import failed", LOG_STRN("import_id", id), LOG_STR("why", why), LOG_ERR(error));
	return run(k->u, sql_import_fail, STORE_ARGS(STORE_S(id), STORE_S(str_from(why)), STORE_I(clock_real_ms())));
}

static bool may_pass(int r)
{
	return r == -EBUSY || r == -ENOTCONN || r == -ETIMEDOUT || r == -EIO || r == -EHOSTDOWN || r == -ECANCELED ||
	       r == -EAGAIN;
}

static int job_take(struct import_keeper *k, struct str id, const char **ret_reason)
{
	if (k->job && str_equal(import_job_id(k->job), id))
		return 0;
	import_job_close(&k->job);
	return import_job_open(k->u, id, &k->job, ret_reason);
}

static int step(struct import_keeper *k, const struct import_state *state)
{
	const char *reason = "Something went wrong here; send the file again.";
	int r = job_take(k, state->id, &reason);

	if (r == 0)
		r = import_job_step(k->u, k->job, state, &k->pace);
	if (r == -ENOENT || r == -ESTALE || r == -ENOKEY) { /* taken back, or the account is gone: looked at anew */
		import_job_close(&k->job);
		return r == -ESTALE ? 1 : fail(k, state->id, "The file is gone; send it again.", r);
	}
	if (r == 0) /* should it begin again, what was matched by hand meanwhile has to be read */
		import_job_close(&k->job);
	if (r >= 0 || may_pass(r))
		return r;
	import_job_close(&k->job);
	return fail(k, state->id, reason, r);
}

/* Its turn comes again when the others have had theirs; what it waits for is told. */
static void put_off(struct import_keeper *k, const struct import_state *state, int error)
{
	struct str waits_for = error == -EHOSTDOWN ? STR("movie-service") : STR_NULL;
	int r = run(k->u, sql_import_waits,
	            STORE_ARGS(STORE_S(state->id), STORE_S(waits_for), STORE_I(clock_real_ms())));

	if (r < 0 && r != -ECANCELED)
		log_debug("an import could not be put off", LOG_ERR(r));
}

/* The next steps of the import with that row. 1: something was done; else an error. */
static int step_from_row(struct import_keeper *k, const struct store_rows *rows)
{
	struct import_state state = {
		.id = store_text(rows, 0, NEXT_ID),
		.user_id = store_text(rows, 0, NEXT_USER),
		.is_dry_run = store_bool(rows, 0, NEXT_DRY_RUN),
		.replaces = store_bool(rows, 0, NEXT_REPLACES),
		.rows_total = store_int(rows, 0, NEXT_ROWS),
		.position = store_int(rows, 0, NEXT_POSITION),
	};
	int64_t slice_end_ms = clock_mono_ms() + SLICE_MS;
	int r;

	do {
		r = step(k, &state);
		state.position += IMPORT_STEP_ROWS;
	} while (r == 1 && k->job && clock_mono_ms() < slice_end_ms);
	if (r < 0 && r != -ECANCELED)
		put_off(k, &state, r);
	return r < 0 ? r : 1;
}

/* 1: something was done; 0: there is nothing, or it is another replica's. */
static int look(struct import_keeper *k)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows rows;
	int r = arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = store_lease_hold(&k->lease, k->u->store, a);
	if (r != 1)
		return r;
	r = store_read(k->u->store, sql_import_next, STORE_NO_ARGS, a, &rows);
	if (r < 0)
		return r;
	if (rows.n > 0)
		return step_from_row(k, &rows);
	import_job_close(&k->job); /* much memory, and nobody waits for it */
	if (clock_mono_ms() < k->forget_at_ms)
		return 0;
	k->forget_at_ms = clock_mono_ms() + FORGET_EVERY_MS;
	return run(k->u, sql_imports_forget,
	           STORE_ARGS(STORE_I(clock_real_ms() - k->u->config->import_retention_days * CLOCK_DAY_MS)));
}

/* ---- the fiber ---- */

static int wait(struct import_keeper *k, int64_t ms, bool for_kick)
{
	int r = 0;

	if (!for_kick)
		return fiber_sleep_ms(ms);
	if (!k->was_kicked) {
		fiber_deadline_set(clock_deadline_in(ms));
		r = fiber_queue_wait(&k->queue);
		fiber_deadline_set(DEADLINE_NONE);
	}
	k->was_kicked = false;
	return r == -ETIMEDOUT ? 0 : r;
}

static int rest(struct import_keeper *k, int r)
{
	if (r == 1) {
		k->retry_ms = RETRY_MS;
		return 0;
	}
	if (r == 0)
		return wait(k, LOOK_MS, true);
	if (r != -EHOSTDOWN) /* the movie service's silence is logged where it is asked */
		log_warning("imports cannot go on; trying again", LOG_ERR(r),
		            LOG_STR("detail", store_error(k->u->store)));
	r = wait(k, k->retry_ms, false);
	k->retry_ms = MIN(k->retry_ms * 2, (int64_t)RETRY_MAX_MS);
	return r;
}

static void keeper_main(void *arg)
{
	struct import_keeper *k = arg;
	int r = 0;

	while (r != -ECANCELED) {
		r = look(k);
		if (r != -ECANCELED)
			r = rest(k, r);
	}
}

int import_keeper_start(struct user_state *u, struct import_keeper **ret)
{
	struct import_keeper *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->u = u;
	k->retry_ms = RETRY_MS;
	fiber_queue_init(&k->queue);
	store_lease_init(&k->lease, "imports", LEASE_MS, strcmp(store_system(u->store), "sqlite") != 0);
	r = fiber_spawn("import-keeper", keeper_main, k, &k->fiber);
	if (r < 0)
		free(k);
	else
		*ret = k;
	return r;
}

void import_keeper_kick(struct import_keeper *k)
{
	k->was_kicked = true;
	(void)fiber_queue_wake_one(&k->queue, 0);
}

void import_keeper_stop(struct import_keeper **kp)
{
	struct import_keeper *k = *kp;

	if (!k)
		return;
	fiber_end(&k->fiber);
	store_lease_drop(&k->lease, k->u->store);
	import_job_close(&k->job);
	free(k);
	*kp = NULL;
}
