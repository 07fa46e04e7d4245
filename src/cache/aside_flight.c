/* A flight of the cache-aside policy: what is done once for all that want a key. It asks L2, takes the lease or waits
 * for its holder, asks the source, and fills both levels; what may still be served when the source fails is carried
 * along as `former`. All of it runs on the flight's own fiber and yields at every question to Redis and the source.
 * The flight owns the prepared question, its former entry and the result until it hands that over.
 * Limits: flights_max at once, load_ms each; the wait for another process' load takes lease_ms at most.
 *
 * In the background nobody waits for an answer: then an entry of L2 counts only if it is newer than the one being
 * refreshed, and a lease that somebody else holds ends the flight. A caller that comes to need the key meanwhile makes
 * it one that has to answer. */
#include "base/fault.h"
#include "base/random.h"
#include "cache/aside_internal.h"

#include <errno.h>
#include <stdlib.h>

#define POLL_MS 25
#define POLL_JITTER_MS 6

static void *result_ref(void *result)
{
	struct aside_result *r = result;

	r->refs++;
	return r;
}

static void result_unref(void *result)
{
	struct aside_result *r = result;

	if (--r->refs > 0)
		return;
	aside_entry_unref(&r->entry);
	free(r);
}

const struct flight_ops aside_result_ops = { result_ref, result_unref };

void aside_result_unref(struct aside_result **r)
{
	struct aside_result *old = STEAL(*r);

	if (old)
		result_unref(old);
}

static struct aside_result *result_new(void)
{
	struct aside_result *r = fault_hit("alloc") ? NULL : calloc(1, sizeof(*r));

	if (r)
		r->refs = 1;
	return r;
}

int aside_flight_new(const struct aside_inquiry *in, const struct aside_question *q, struct aside_flight **ret)
{
	struct aside_flight *f CLEANUP(aside_flight_free) = NULL;
	int r;

	f = fault_hit("alloc") ? NULL : calloc(1, sizeof(*f) + q->key.len);
	if (!f)
		return -ENOMEM;
	memcpy(f->key, q->key.data, q->key.len);
	aside_inquiry_pass(in, (struct str){ f->key, q->key.len }, &f->in);
	f->is_wanted = true;
	f->in.result = result_new();
	if (!f->in.result)
		return -ENOMEM;
	r = q->source->prepare(q->ask, &f->arg);
	if (r < 0)
		return r;
	f->source = q->source;
	*ret = STEAL(f);
	return 0;
}

void aside_flight_free(struct aside_flight **f)
{
	struct aside_flight *old = STEAL(*f);

	if (!old)
		return;
	if (old->source)
		old->source->release(old->arg);
	aside_inquiry_done(&old->in);
	aside_result_unref(&old->in.result);
	free(old);
}

/* Yields. ASIDE_NEXT: to be loaded here, with the lease or without any; ASIDE_WAIT: another process has it. */
static int take_lease(struct aside_flight *f)
{
	int r;

	r = aside_l2_lease(f->in.cache, f->in.key, f->token);
	if (r == 0)
		return ASIDE_WAIT;
	f->has_lease = r > 0;
	return r == -ETIMEDOUT || r == -ECANCELED ? r : ASIDE_NEXT;
}

/* Yields. Has the other process filled L2, or left the lease? */
static int poll_holder(struct aside_flight *f)
{
	int r;

	r = aside_inquire_fresh(&f->in);
	if (r != ASIDE_NEXT)
		return r;
	r = take_lease(f);
	if (r != ASIDE_NEXT || !f->has_lease)
		return r;
	/* It may have filled L2 and left between the two questions. */
	return aside_inquire_fresh(&f->in);
}

/* Yields. */
static int wait_for_holder(struct aside_flight *f)
{
	int64_t until_ms = clock_deadline_in(f->in.cache->options.lease_ms);
	int64_t left_ms;
	int r;

	while ((left_ms = until_ms - clock_mono_ms()) > 0) {
		r = fiber_sleep_ms(MIN(POLL_MS + (int64_t)random_below(POLL_JITTER_MS + 1), left_ms));
		if (r == 0)
			r = poll_holder(f);
		if (r != ASIDE_WAIT)
			return r;
	}
	return ASIDE_NEXT;
}

/* Yields. */
static int become_loader(struct aside_flight *f)
{
	int r;

	r = take_lease(f);
	if (r != ASIDE_WAIT)
		return r;
	f->in.cache->stats.lease_waits++;
	if (f->is_wanted)
		return wait_for_holder(f);
	/* Its holder will write, which is told to all; until then nobody needs to ask again at once. */
	f->in.former->retry_ms = aside_clock.mono_ms() + POLL_MS;
	if (f->in.level == ASIDE_L2)
		(void)aside_inquiry_fill_l1(&f->in);
	f->gave_up = true;
	return -EAGAIN;
}

/* Takes over loaded->value. */
static int entry_of(struct aside_flight *f, const struct aside_loaded *loaded, int64_t delta_ms,
                    struct aside_entry **ret)
{
	const struct aside_ops *ops = f->in.cache->ops;
	struct aside_life life = aside_life_draw(&loaded->life, f->in.cache->options.jitter, random_unit());
	struct str validator = loaded->validator;
	void *value = loaded->value;
	struct aside_entry *e;

	if (loaded->is_unchanged) {
		value = f->in.former->value ? ops->ref(f->in.former->value) : NULL;
		validator = str_is_null(validator) ? aside_entry_validator(f->in.former) : validator;
	}
	e = aside_entry_new(ops, value, &life, validator, delta_ms);
	if (!e && value)
		ops->unref(value);
	if (!e)
		return -ENOMEM;
	*ret = e;
	return 0;
}

/* Exactly one of the three, and "unchanged" only of something. */
static bool makes_sense(const struct aside_flight *f, const struct aside_loaded *l)
{
	return (l->value != NULL) + l->is_absent + l->is_unchanged == 1 && (!l->is_unchanged || f->in.former);
}

/* Yields. */
static int call_source(struct aside_flight *f, struct aside_loaded *ret)
{
	struct aside_loaded loaded = { 0 };
	int r;

	f->in.cache->stats.loads++;
	r = f->source->load(f->arg, f->in.former ? aside_entry_validator(f->in.former) : STR_NULL, &loaded);
	if (r >= 0 && !makes_sense(f, &loaded)) {
		if (loaded.value)
			f->in.cache->ops->unref(loaded.value);
		r = -EPROTO;
	}
	if (r < 0) {
		f->in.cache->stats.loads_failed++;
		/* As an answer that means "absent", which a source says in another way. */
		return r == -ENOENT ? -EPROTO : r;
	}
	*ret = loaded;
	return 0;
}

/* Yields. */
static int load(struct aside_flight *f)
{
	struct aside_entry *e CLEANUP(aside_entry_unref) = NULL;
	int64_t start_ms = aside_clock.mono_ms();
	struct aside_loaded loaded;
	int r;

	r = call_source(f, &loaded);
	if (r == 0)
		r = entry_of(f, &loaded, aside_clock.mono_ms() - start_ms, &e);
	if (r < 0)
		return r;
	aside_keep(f->in.cache, f->in.key, e);
	aside_inquiry_answer(&f->in, e, loaded.is_unchanged ? ASIDE_REVALIDATED : ASIDE_MISS, ASIDE_SOURCE);
	return ASIDE_ANSWERED;
}

/* Half to one and a half times retry_ms from now. */
static int64_t retry_at(const struct aside *c)
{
	return aside_clock.mono_ms() + (int64_t)((double)c->options.retry_ms * (0.5 + random_unit()));
}

static int fall_back(struct aside_flight *f, int error)
{
	struct aside_entry *e = f->in.former;

	if (aside_inquiry_window(&f->in) == ASIDE_WINDOW_OVER)
		return error;
	e->is_failed = true;
	e->retry_ms = retry_at(f->in.cache);
	if (f->in.level == ASIDE_L2)
		(void)aside_inquiry_fill_l1(&f->in);
	aside_inquiry_answer(&f->in, e, aside_inquiry_state(&f->in), f->in.level);
	f->in.result->is_degraded = f->in.result->state == ASIDE_STALE;
	return ASIDE_ANSWERED;
}

/* Yields. */
static int fly(struct aside_flight *f)
{
	int r = f->in.cache->is_closing ? -ECANCELED : ASIDE_NEXT;

	if (r == ASIDE_NEXT && !f->is_asked)
		r = aside_inquire(&f->in);
	if (r == ASIDE_NEXT)
		r = become_loader(f);
	if (r == ASIDE_NEXT)
		r = load(f);
	if (f->has_lease)
		aside_l2_lease_end(f->in.cache, f->in.key, f->token);
	return r < 0 && !f->gave_up ? fall_back(f, r) : r;
}

static int work(void *arg, void **ret_result)
{
	struct aside_flight *f = arg;
	int r;

	f->in.cache->stats.refreshes += f->in.is_background;
	f->in.cache->stats.early += f->is_early;
	f->fiber = fiber_self();
	r = fly(f);
	f->fiber = NULL;
	if (r < 0)
		return r;
	*ret_result = STEAL(f->in.result);
	return 0;
}

static void work_ended(void *arg)
{
	struct aside_flight *f = arg;
	struct aside *c = f->in.cache;

	map_remove(c->flights, f->in.key);
	aside_flight_free(&f);
	fiber_queue_wake_all(&c->idle, 0);
}

int aside_flight_do(struct aside_flight *f, struct aside_result **ret)
{
	struct aside *c = f->in.cache;
	void *result = NULL;
	int r;

	r = map_put(c->flights, f->in.key, f, NULL);
	if (r < 0) {
		aside_flight_free(&f);
		return r == -ENOSPC ? -EBUSY : r;
	}
	r = flight_do(c->group, f->in.key, c->options.load_ms, work, f, work_ended, &result, NULL);
	if (r < 0)
		return r;
	*ret = result;
	return 0;
}

int aside_flight_join(struct aside *c, struct str key, struct aside_result **ret)
{
	struct aside_flight *f = map_get(c->flights, key);
	void *result = NULL;
	int r;

	f->is_wanted = true;
	r = flight_do(c->group, key, c->options.load_ms, NULL, NULL, NULL, &result, NULL);
	if (r < 0)
		return r;
	*ret = result;
	return 0;
}
