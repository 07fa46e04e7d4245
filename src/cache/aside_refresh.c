/* Refreshes in the background: a fiber each, that starts a flight of the key and waits for it. The cache's map of them
 * keeps each until its fiber ends, which frees it. aside_refresh_begin() does not yield.
 * Limits: background_max at once, one a key; over them no refresh is begun, and the next caller may. */
#include "base/fault.h"
#include "cache/aside_internal.h"

#include <stdlib.h>

struct aside_refresh {
	struct aside *cache;
	struct aside_flight *flight; /* owned until it starts */
	size_t key_len;
	char key[];
};

static void refresh_free(struct aside_refresh **b)
{
	struct aside_refresh *old = STEAL(*b);

	if (!old)
		return;
	aside_flight_free(&old->flight);
	free(old);
}

static int refresh_new(struct aside *c, const struct aside_question *q, struct aside_entry *e, bool is_early,
                       struct aside_refresh **ret)
{
	struct aside_refresh *b CLEANUP(refresh_free) = fault_hit("alloc") ? NULL : calloc(1, sizeof(*b) + q->key.len);
	struct aside_inquiry in;
	int r;

	if (!b)
		return -1;
	b->cache = c;
	b->key_len = q->key.len;
	memcpy(b->key, q->key.data, q->key.len);
	aside_inquiry_init(&in, c, q->key, e);
	r = aside_flight_new(&in, q, &b->flight);
	aside_inquiry_done(&in);
	if (r < 0)
		return r;
	b->flight->in.is_background = true;
	b->flight->is_wanted = false;
	b->flight->is_early = is_early;
	*ret = STEAL(b);
	return 0;
}

static void refresh_main(void *arg)
{
	struct aside_refresh *b CLEANUP(refresh_free) = arg;
	struct aside_result *result CLEANUP(aside_result_unref) = NULL;
	struct str key = { b->key, b->key_len };
	struct aside *c = b->cache;

	/* A flight that began meanwhile does as well. Failure has been noted in the entry. */
	if (!map_get(c->flights, key))
		(void)!aside_flight_do(STEAL(b->flight), &result);
	map_remove(c->refreshes, key);
	fiber_queue_wake_all(&c->idle, 0);
}

void aside_refresh_begin(struct aside *c, const struct aside_question *q, struct aside_entry *e, bool is_early)
{
	struct aside_refresh *b CLEANUP(refresh_free) = NULL;

	if (aside_clock.mono_ms() < e->retry_ms || map_get(c->flights, q->key) || map_get(c->refreshes, q->key) ||
	    map_count(c->refreshes) >= c->options.background_max || c->is_closing)
		return;
	if (refresh_new(c, q, e, is_early, &b) < 0 || map_put(c->refreshes, q->key, b, NULL) < 0)
		return;
	if (fiber_spawn("refresh", refresh_main, b, NULL) < 0)
		map_remove(c->refreshes, q->key);
	else
		(void)STEAL(b);
}
