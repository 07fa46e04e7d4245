/* The cache-aside policy: what is answered at once from L1, and who asks further. The cache owns both levels, the group
 * of flights and the map of background refreshes; callers get references of their own. aside_get() and aside_free()
 * yield, and what Redis tells comes in from the loop between two fibers.
 * Limits: entries_max and bytes_max of L1, flights_max, background_max.
 *
 * L1 may be believed only while Redis tells what others change. Whenever it may have missed telling, `epoch` goes up,
 * and an entry of a former epoch is held against L2 before it is served again; while Redis is there but does not tell,
 * every entry is. When Redis is away altogether L1 is believed: then nobody could share a change anyhow. */
#include "base/arena.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/random.h"
#include "cache/aside_internal.h"
#include "telemetry/trace.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define ASIDE_MAGIC 0x41736964u
#define EARLY_DRAWS 40.0 /* e^-40 is never drawn: further from its end than that no entry is refreshed early */

static void *entry_ref(void *entry)
{
	return aside_entry_ref(entry);
}

static void entry_unref(void *entry)
{
	struct aside_entry *e = entry;

	aside_entry_unref(&e);
}

static size_t entries_of(const struct aside *c)
{
	struct local_cache_stats stats;

	local_cache_stats_get(c->l1, &stats);
	return stats.entries;
}

/* What was read of L2, or is about to be told, may be older than what is there now. */
static void outdated(struct aside *c, struct str key)
{
	struct aside_flight *f = map_get(c->flights, key);

	c->changes++;
	if (f)
		f->in.is_changed = true;
}

/* The redis_options' changed(). */
static void on_changed(struct str name, void *arg)
{
	struct aside *c = arg;
	struct str prefix = str_from(c->prefix);
	size_t before = entries_of(c);

	if (str_is_null(name)) {
		c->epoch++;
		local_cache_clear(c->l1);
	} else if (str_starts(name, prefix)) {
		outdated(c, str_slice(name, prefix.len, name.len));
		local_cache_remove(c->l1, str_slice(name, prefix.len, name.len));
	}
	c->stats.invalidated += before - entries_of(c);
}

/* The redis_options' watching(): either way changes may have been missed up to now. */
static void on_watching(bool is_watching, void *arg)
{
	struct aside *c = arg;

	c->is_watching = is_watching;
	c->epoch++;
}

/* A lease must not look like a value. */
static bool prefix_is_usable(const char *prefix)
{
	return prefix && *prefix && !str_starts(STR("lease:"), str_from(prefix)) &&
	       !str_starts(str_from(prefix), STR("lease:")) && strlen(prefix) < REDIS_KEY_MAX;
}

static bool options_are_valid(const struct aside_options *o)
{
	return o->flights_max > 0 && o->load_ms > 0 && o->lease_ms >= 0 && o->retry_ms >= 0 && isfinite(o->beta) &&
	       o->beta >= 0 && o->jitter >= 0 && o->jitter <= 0.5 && (!o->redis.url || prefix_is_usable(o->prefix));
}

/* Without what yields. */
static void dispose(struct aside **c)
{
	struct aside *old = STEAL(*c);

	if (!old)
		return;
	flight_group_free(&old->group);
	map_free(&old->flights);
	map_free(&old->refreshes);
	local_cache_free(&old->l1);
	while (old->n_spare > 0)
		arena_free(&old->spare[--old->n_spare]);
	free(old->prefix);
	old->magic = 0;
	free(old);
}

static int parts_new(struct aside *c)
{
	struct local_cache_options l1 = { c->options.entries_max, c->options.bytes_max, entry_ref, entry_unref };
	int r;

	r = local_cache_new(&l1, &c->l1);
	if (r == 0)
		r = flight_group_new(c->options.flights_max, &aside_result_ops, &c->group);
	if (r == 0)
		r = map_new(c->options.flights_max, &c->flights);
	if (r == 0)
		r = map_new(c->options.background_max, &c->refreshes);
	return r;
}

static int l2_new(struct aside *c, struct uv_loop_s *loop)
{
	struct redis_options o = c->options.redis;

	if (!o.url)
		return 0;
	o.prefix = c->prefix;
	o.changed = on_changed;
	o.watching = on_watching;
	o.arg = c;
	return redis_new(loop, &o, &c->redis);
}

static void looks_init(struct aside *c)
{
	static const char *const states[] = {
		[ASIDE_HIT] = "hit", [ASIDE_MISS] = "miss", [ASIDE_REVALIDATED] = "revalidated", [ASIDE_STALE] = "stale"
	};

	for (size_t state = 0; state < ASIDE_STATES; state++) {
		for (size_t level = 0; level < ARRAY_SIZE(c->looks[state]); level++) {
			struct span_preset *look = &c->looks[state][level];

			span_preset_str(look, "cinesync.cache.state", str_from(states[state]));
			if (state == ASIDE_HIT || state == ASIDE_STALE)
				span_preset_str(look, "cinesync.cache.level", level == 0 ? STR("l1") : STR("l2"));
		}
	}
}

int aside_new(struct uv_loop_s *loop, const struct aside_options *options, const struct aside_ops *ops,
              struct aside **ret)
{
	struct aside *c CLEANUP(dispose) = NULL;
	int r;

	if (!options_are_valid(options))
		return -EINVAL;
	c = fault_hit("alloc") ? NULL : calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->magic = ASIDE_MAGIC;
	c->ops = ops;
	c->options = *options;
	if (c->options.background_max == 0)
		c->options.background_max = MAX(options->flights_max / 4, (size_t)1);
	fiber_queue_init(&c->idle);
	c->prefix = fault_hit("alloc") ? NULL : strdup(options->prefix ? options->prefix : "");
	if (!c->prefix)
		return -ENOMEM;
	c->options.prefix = c->prefix;
	looks_init(c);
	r = parts_new(c);
	/* Last: it is not undone without a wait. */
	if (r == 0)
		r = l2_new(c, loop);
	if (r < 0)
		return r;
	/* Its strings were the caller's. */
	c->options.redis = (struct redis_options){ 0 };
	*ret = STEAL(c);
	return 0;
}

static void flights_cancel_all(struct aside *c)
{
	size_t cursor = 0;
	struct str key;
	void *value;

	/* One that has not started yet sees is_closing. */
	while (map_next(c->flights, &cursor, &key, &value)) {
		struct aside_flight *f = value;

		if (f->fiber)
			fiber_cancel(f->fiber);
	}
}

void aside_free(struct aside **c)
{
	struct aside *old = *c;

	if (!old)
		return;
	assert(old->magic == ASIDE_MAGIC && !old->is_closing);
	old->is_closing = true;
	/* And with them the refreshes, which wait for them. */
	flights_cancel_all(old);
	fiber_shield();
	while (map_count(old->flights) > 0 || map_count(old->refreshes) > 0)
		(void)!fiber_queue_wait(&old->idle);
	redis_free(&old->redis);
	fiber_unshield();
	dispose(c);
}

static void count(struct aside *c, const struct aside_found *found, bool source_failed)
{
	struct aside_stats *s = &c->stats;
	uint64_t *counters[] = {
		[ASIDE_HIT] = found->level == ASIDE_L1 ? &s->hits_l1 : &s->hits_l2,
		[ASIDE_MISS] = &s->misses,
		[ASIDE_REVALIDATED] = &s->revalidated,
		[ASIDE_STALE] = found->level == ASIDE_L1 ? &s->stale_l1 : &s->stale_l2,
	};

	++*counters[found->state];
	s->stale_error += source_failed;
}

/* The answer of one caller. source_failed: at this question. */
static int answer(struct aside *c, struct aside_entry *e, enum aside_state state, enum aside_level level,
                  bool source_failed, struct aside_found *ret)
{
	*ret = (struct aside_found){
		.value = e->value ? c->ops->ref(e->value) : NULL,
		.state = state,
		.level = level,
		.age_ms = MAX(aside_clock.mono_ms() - e->born_ms, (int64_t)0),
		.is_degraded = source_failed || (state == ASIDE_STALE && e->is_failed),
		.life = e->life,
	};
	count(c, ret, source_failed);
	return ret->value ? 0 : -ENOENT;
}

/* What was drawn stays drawn until a refresh is tried, else the draws of peek and get would have to hit both. */
static bool is_early(const struct aside *c, struct aside_entry *e, int64_t now_ms)
{
	int64_t left_ms = e->born_ms + e->life.fresh_ms - now_ms;

	if ((double)left_ms > EARLY_DRAWS * (double)e->delta_ms * c->options.beta || now_ms < e->retry_ms)
		return false;
	if (!e->is_early)
		e->is_early = aside_early(left_ms, e->delta_ms, c->options.beta, random_unit());
	return e->is_early;
}

/* Whether somebody may have changed it unseen. */
static bool is_suspect(const struct aside *c, const struct aside_entry *e)
{
	return e->epoch != c->epoch || (c->redis && !c->is_watching && aside_l2_is_up(c));
}

/* ---- spans: there for the trace alone ---- */

static void look_describe(const struct aside *c, struct span *span, const struct aside_found *found)
{
	span_preset_use(span, &c->looks[found->state][found->level != ASIDE_L1]);
	if (found->is_degraded)
		span_event(span, "cache.degraded", NULL, STR_NULL);
}

static bool peek(struct aside *c, struct str key, struct aside_found *ret)
{
	struct aside_entry *e CLEANUP(aside_entry_unref) = NULL;
	int64_t now_ms = aside_clock.mono_ms();

	e = local_cache_get(c->l1, key, now_ms);
	if (!e || !e->value || is_suspect(c, e) || aside_entry_window(e, now_ms) != ASIDE_WINDOW_FRESH ||
	    is_early(c, e, now_ms))
		return false;
	return answer(c, e, ASIDE_HIT, ASIDE_L1, false, ret) == 0;
}

/* One that finds nothing has no span: aside_get() follows, with its own. */
bool aside_peek(struct aside *c, struct str key, struct aside_found *ret)
{
	struct span span;
	bool is_found;

	assert(c->magic == ASIDE_MAGIC);
	if (!span_is_wanted())
		return peek(c, key, ret);
	span_start(&span, "cache get", SPAN_INTERNAL, NULL);
	is_found = peek(c, key, ret);
	if (is_found) {
		look_describe(c, &span, ret);
		span_end(&span);
	} else {
		span_drop(&span);
	}
	return is_found;
}

/* Whether L1 may answer by itself. */
static bool is_servable(struct aside *c, struct aside_entry *e, int64_t now_ms)
{
	if (is_suspect(c, e)) {
		if (aside_l2_is_up(c))
			return false;
		e->epoch = c->epoch;
	}
	return aside_entry_window(e, now_ms) <= ASIDE_WINDOW_STALE;
}

static int answer_l1(struct aside *c, const struct aside_question *q, struct aside_entry *e, int64_t now_ms,
                     struct aside_found *ret)
{
	bool is_fresh = aside_entry_window(e, now_ms) == ASIDE_WINDOW_FRESH;
	int r;

	r = answer(c, e, is_fresh ? ASIDE_HIT : ASIDE_STALE, ASIDE_L1, false, ret);
	if (!is_fresh || is_early(c, e, now_ms)) {
		e->is_early = false;
		aside_refresh_begin(c, q, e, is_fresh);
	}
	return r;
}

/* Yields. Most of what L1 has not is in L2, and to look there costs less than a flight: so a caller looks by itself. */
static int ask_l2(struct aside *c, const struct aside_question *q, struct aside_inquiry *in)
{
	if (!aside_l2_is_up(c) || map_get(c->flights, q->key))
		return ASIDE_NEXT;
	in->is_alone = true;
	return aside_inquire(in);
}

/* Yields. */
static int ask_flight(struct aside *c, const struct aside_question *q, const struct aside_inquiry *in,
                      struct aside_result **ret)
{
	struct aside_flight *f;
	int r;

	if (map_get(c->flights, q->key))
		return aside_flight_join(c, q->key, ret);
	r = aside_flight_new(in, q, &f);
	if (r < 0)
		return r;
	f->is_asked = in->is_alone;
	return aside_flight_do(f, ret);
}

static int answer_result(struct aside *c, const struct aside_question *q, const struct aside_result *result,
                         struct aside_found *ret)
{
	int r;

	r = answer(c, result->entry, result->state, result->level, result->is_degraded, ret);
	if (result->state == ASIDE_STALE)
		aside_refresh_begin(c, q, result->entry, false);
	return r;
}

/* No result came in time, or at all: what is known without the source may do. */
static int answer_failed(struct aside *c, const struct aside_inquiry *in, int error, struct aside_found *ret)
{
	enum aside_window window = aside_inquiry_window(in);

	if (window == ASIDE_WINDOW_OVER || error == -ECANCELED) {
		c->stats.failed++;
		/* That would mean "absent". */
		return error == -ENOENT ? -EPROTO : error;
	}
	if (window == ASIDE_WINDOW_FRESH)
		return answer(c, in->former, ASIDE_HIT, in->level, false, ret);
	return answer(c, in->former, ASIDE_STALE, in->level, true, ret);
}

/* Yields. What L1 cannot say by itself. */
static int ask(struct aside *c, const struct aside_question *q, struct aside_entry *e, struct aside_found *ret)
{
	struct aside_result *shared CLEANUP(aside_result_unref) = NULL;
	struct aside_inquiry in CLEANUP(aside_inquiry_done);
	struct aside_result own = { .refs = 1 };
	int r;

	aside_inquiry_init(&in, c, q->key, e);
	in.result = &own;
	r = ask_l2(c, q, &in);
	if (r == ASIDE_ANSWERED) {
		r = answer_result(c, q, &own, ret);
		aside_entry_unref(&own.entry);
		return r;
	}
	if (r == ASIDE_NEXT)
		r = ask_flight(c, q, &in, &shared);
	return r < 0 ? answer_failed(c, &in, r, ret) : answer_result(c, q, shared, ret);
}

static int get(struct aside *c, const struct aside_question *q, struct aside_found *ret)
{
	struct aside_entry *e CLEANUP(aside_entry_unref) = NULL;
	int64_t now_ms = aside_clock.mono_ms();
	int r;

	e = local_cache_get(c->l1, q->key, now_ms);
	if (e && is_servable(c, e, now_ms))
		return answer_l1(c, q, e, now_ms, ret);
	span_event_here("cache.l1.miss", NULL, STR_NULL);
	r = ask(c, q, e, ret);
	log_debug("not in memory", LOG_INT("duration_ms", aside_clock.mono_ms() - now_ms), LOG_ERR(r));
	return r;
}

int aside_get(struct aside *c, struct str key, const struct aside_source *source, const void *ask_with,
              struct aside_found *ret)
{
	struct aside_question q = { key, source, ask_with };
	bool has_span = span_is_wanted();
	int64_t start_ns = clock_mono_ns(), end_ns;
	struct span span;
	int r;

	assert(c->magic == ASIDE_MAGIC && !c->is_closing && !str_is_null(key));
	if (has_span) {
		span_start(&span, "cache get", SPAN_INTERNAL, NULL);
		span_began_at(&span, start_ns);
	}
	r = get(c, &q, ret);
	end_ns = clock_mono_ns();
	ret->took_us = (end_ns - start_ns) / 1000;
	if (!has_span)
		return r;
	if (r == 0 || r == -ENOENT)
		look_describe(c, &span, ret);
	else
		span_fail(&span, error_name(r));
	span_end_at(&span, end_ns);
	return r;
}

void aside_keep(struct aside *c, struct str key, struct aside_entry *e)
{
	c->changes++;
	if (aside_life_sum(&e->life) == 0) {
		local_cache_remove(c->l1, key);
		aside_l2_delete(c, key);
		return;
	}
	e->epoch = c->epoch;
	(void)local_cache_put(c->l1, key, e, aside_entry_size(e), aside_entry_end_ms(e));
	aside_l2_write(c, key, e);
}

void aside_stats_get(const struct aside *c, struct aside_stats *ret)
{
	assert(c->magic == ASIDE_MAGIC);
	*ret = c->stats;
	local_cache_stats_get(c->l1, &ret->l1);
	if (c->redis)
		redis_stats_get(c->redis, &ret->redis);
	ret->flights = flight_count(c->group);
	ret->background = map_count(c->refreshes);
}
