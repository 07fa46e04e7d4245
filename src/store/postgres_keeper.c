/* The keeper: a fiber that makes connections when they are wanted and ends those that are old, idle for long, or dead.
 * Connecting blocks, so it is done on a pool thread; nobody but the keeper waits for it. While the server cannot be
 * reached it tries again after 50 ms to 2 s, with jitter, and who wants a connection is told so at once.
 * Limits: pool_min, pool_max, idle_ms, life_ms of the options. */
#include "base/log.h"
#include "base/random.h"
#include "fiber/offload.h"
#include "store/postgres.h"
#include "store/postgres_conn.h"
#include "store/postgres_pipeline.h"

#include <errno.h>
#include <stdlib.h>

enum {
	BACKOFF_MIN_MS = 100,
	BACKOFF_MAX_MS = 2000,
	LOOK_EVERY_MS = 1000,
	LOCK_MS = 300 * 1000,
};

/* The lock's name, in the database's space of advisory locks: "CineSync". */
static const char sql_lock[] = "SELECT pg_advisory_lock(4857370427393994339)";

/* ---- connecting ---- */

struct connecting {
	const struct postgres_store *store;
	struct store_words words;
	struct postgres_conn *conn;
};

static int work_connect(void *arg)
{
	struct connecting *job = arg;

	return postgres_conn_open(job->store->target, job->store->base.options.life_ms, &job->words, &job->conn);
}

/* Yields. */
static int connect_one(struct postgres_store *p, struct store_words *words, struct postgres_conn **ret)
{
	struct connecting job = { .store = p };
	const struct offload offload = { .work = work_connect, .arg = &job };
	int r;

	store_words_set(&job.words, "the deadline passed, the caller went away, or no memory");
	r = offload_run(&offload);
	metric_add(r == 0 ? p->connected : p->refused, 1);
	if (r == 0)
		*ret = job.conn;
	else
		*words = job.words;
	return r;
}

static void kick(struct postgres_store *p)
{
	p->is_kicked = true;
	(void)fiber_queue_wake_one(&p->kicked, 0);
}

/* ---- the keeper ---- */

static bool is_wanted(const struct postgres_store *p)
{
	const struct store_options *o = &p->base.options;

	return p->pool.n < o->pool_min || (p->pool.permits.queue.count > 0 && p->pool.n < o->pool_max);
}

static bool is_spent(struct postgres_store *p, struct postgres_conn *conn, int64_t now_ms)
{
	const struct store_options *o = &p->base.options;

	if (postgres_conn_is_dead(conn) || now_ms >= postgres_conn_ends_ms(conn))
		return true;
	return p->pool.n > o->pool_min && now_ms - postgres_conn_used_ms(conn) >= o->idle_ms;
}

/* Ends the idle connections that are not to be kept, but those promised to somebody who has been woken for one. */
static void sweep(struct postgres_store *p)
{
	int64_t now_ms = clock_mono_ms();

	for (size_t i = p->pool.n_idle; i > 0 && p->pool.permits.available > 0; i--) {
		struct postgres_conn *conn = p->pool.idle[i - 1];

		if (!is_spent(p, conn, now_ms))
			continue;
		store_pool_remove_at(&p->pool, i - 1);
		postgres_conn_close(&conn);
	}
}

static void turn_away(struct postgres_store *p, const struct store_words *words)
{
	if (!p->is_away)
		log_warning("PostgreSQL cannot be reached; trying again", LOG_STR("detail", words->text));
	p->is_away = true;
	p->away = *words;
	if (p->pool.n == 0)
		fiber_queue_wake_all(&p->pool.permits.queue, -ENOTCONN);
}

static void turn_back(struct postgres_store *p)
{
	if (p->is_away)
		log_info("PostgreSQL is back");
	p->is_away = false;
}

/* Yields, until kicked or the time is over. A kick in between is not lost. */
static void pause_ms(struct postgres_store *p, int64_t ms)
{
	fiber_deadline_set(clock_deadline_in(ms));
	(void)!fiber_queue_wait(&p->kicked);
	fiber_deadline_set(DEADLINE_NONE);
}

/* Yields, whatever kicks meanwhile, but for the end. */
static void back_off(struct postgres_store *p, int64_t *backoff_ms)
{
	int64_t until_ms = clock_deadline_in(*backoff_ms / 2 + (int64_t)random_below((uint64_t)*backoff_ms / 2 + 1));

	*backoff_ms = MIN(*backoff_ms * 2, (int64_t)BACKOFF_MAX_MS);
	while (!p->is_stopping && clock_mono_ms() < until_ms)
		pause_ms(p, until_ms - clock_mono_ms());
}

static void keeper_main(void *arg)
{
	struct postgres_store *p = arg;
	int64_t backoff_ms = BACKOFF_MIN_MS;
	struct postgres_conn *conn;
	struct store_words words;

	while (!p->is_stopping) {
		p->is_kicked = false;
		if (is_wanted(p)) {
			if (connect_one(p, &words, &conn) == 0) {
				turn_back(p);
				backoff_ms = BACKOFF_MIN_MS;
				store_pool_add(&p->pool, conn);
			} else {
				turn_away(p, &words);
				back_off(p, &backoff_ms);
			}
			continue;
		}
		if (!p->is_kicked)
			pause_ms(p, LOOK_EVERY_MS);
		sweep(p);
	}
}

static void metrics_declare(struct postgres_store *p)
{
	static const char *const labels[] = { "db_system_name", "result", NULL };
	struct metric *connects = metric_new(METRIC_COUNTER, "cinesync_store_connects_total",
	                                     "Connections that were tried, by what came of it.", labels, NULL, 0);

	p->connected = metric_cell(connects, (const char *const[]){ "postgresql", "connected" });
	p->refused = metric_cell(connects, (const char *const[]){ "postgresql", "failed" });
}

int postgres_keeper_start(struct postgres_store *p, struct store_words *words)
{
	struct postgres_conn *conn = NULL;
	int r = store_pool_init(&p->pool, p->base.options.pool_max, &p->base.options, "postgresql", "connections");

	if (r < 0)
		return r;
	metrics_declare(p);
	fiber_queue_init(&p->kicked);
	r = connect_one(p, words, &conn);
	if (r < 0)
		return r;
	store_pool_add(&p->pool, conn);
	return fiber_spawn("postgres-keeper", keeper_main, p, &p->keeper);
}

void postgres_keeper_stop(struct postgres_store *p)
{
	struct postgres_conn *conn;

	p->is_stopping = true;
	if (p->keeper) {
		kick(p);
		(void)!fiber_join(p->keeper);
		fiber_unref(&p->keeper);
	}
	postgres_conn_close(&p->lock);
	if (!p->pool.idle)
		return;
	while ((conn = store_pool_remove(&p->pool)))
		postgres_conn_close(&conn);
	store_pool_done(&p->pool);
}

/* ---- taking and giving ---- */

static int take_any(struct postgres_store *p, struct postgres_conn **ret)
{
	void *item;
	int r;

	if (p->pool.permits.available == 0) {
		if (p->pool.n == 0 && p->is_away) {
			store_say(&p->base, "%s", p->away.text);
			kick(p);
			return -ENOTCONN;
		}
		if (p->pool.n < p->base.options.pool_max)
			kick(p);
	}
	r = store_pool_take(&p->pool, &item);
	if (r == 0)
		*ret = item;
	else if (r == -ENOTCONN)
		store_say(&p->base, "%s", p->away.text);
	else
		store_say(&p->base, "no connection came free in time, or too many wait for one");
	return r;
}

static void end(struct postgres_store *p, struct postgres_conn *conn)
{
	postgres_conn_close(&conn);
	store_pool_lost(&p->pool);
	kick(p);
}

int postgres_keeper_take(struct postgres_store *p, struct postgres_conn **ret)
{
	struct postgres_conn *conn;
	int r;

	while ((r = take_any(p, &conn)) == 0) {
		if (!postgres_conn_is_dead(conn)) {
			*ret = conn;
			return 0;
		}
		end(p, conn);
	}
	return r;
}

void postgres_keeper_give(struct postgres_store *p, struct postgres_conn *conn, bool is_good)
{
	if (!is_good) {
		end(p, conn);
		return;
	}
	store_pool_give(&p->pool, conn);
}

/* ---- the lock on migrations ---- */

int postgres_keeper_lock(struct postgres_store *p)
{
	int r = connect_one(p, &p->base.words, &p->lock);

	if (r == 0)
		r = postgres_pipeline_script(p->lock, STR("SET statement_timeout = 0; SET lock_timeout = 0"),
		                             clock_deadline_in(LOCK_MS), &p->base.words);
	if (r == 0)
		r = postgres_pipeline_script(p->lock, str_from(sql_lock), clock_deadline_in(LOCK_MS), &p->base.words);
	if (r < 0)
		postgres_conn_close(&p->lock);
	return r;
}

void postgres_keeper_unlock(struct postgres_store *p)
{
	postgres_conn_close(&p->lock);
}
