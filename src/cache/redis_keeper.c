/* Keeps a connection up: connect, look after it while it works, wait, again. The waits double from FIRST_MS to LAST_MS
 * and start afresh only after a connection that was good for a while: a Redis that takes connections and then answers
 * nothing costs one slow call each time. Runs on a fiber of its own, which owns the link. */
#include "cache/redis_inside.h"

#include "base/random.h"

#include <errno.h>

enum { FIRST_MS = 100, LAST_MS = 2000, STEADY_MS = 5000, TEND_EVERY_MS = 1000 };

static void keeper_idle(struct redis_keeper *k, int64_t for_ms)
{
	fiber_deadline_set(clock_deadline_in(for_ms));
	k->is_idle = true;
	(void)!fiber_suspend();
	k->is_idle = false;
	fiber_deadline_set(DEADLINE_NONE);
}

void redis_keeper_poke(struct redis_keeper *k)
{
	if (k->is_idle)
		fiber_wake(k->fiber, 0);
}

static bool is_working(const struct redis_keeper *k)
{
	return !k->redis->is_ending && redis_link_is_open(k->link);
}

static void keeper_tend(struct redis_keeper *k)
{
	while (is_working(k)) {
		if (k->tend)
			k->tend(k);
		if (is_working(k))
			keeper_idle(k, TEND_EVERY_MS);
		if (is_working(k) && redis_ping(k) < 0)
			return;
	}
}

/* How long the connection was good for, in milliseconds. */
static int64_t keeper_round(struct redis_keeper *k)
{
	int64_t start_ms;

	if (redis_connect(k) < 0)
		return 0;
	start_ms = clock_mono_ms();
	if (k->up)
		k->up(k->redis);
	keeper_tend(k);
	if (!k->redis->is_ending)
		redis_link_fail(k->link, "PING was not sent");
	return clock_mono_ms() - start_ms;
}

void redis_keeper_run(void *keeper)
{
	struct redis_keeper *k = keeper;
	int64_t wait_ms = FIRST_MS;

	while (!k->redis->is_ending) {
		if (keeper_round(k) >= STEADY_MS)
			wait_ms = FIRST_MS;
		redis_link_free(&k->link);
		if (!k->redis->is_ending)
			(void)fiber_sleep_ms(wait_ms - (int64_t)random_below((uint64_t)wait_ms / 4));
		wait_ms = MIN(wait_ms * 2, (int64_t)LAST_MS);
	}
}
