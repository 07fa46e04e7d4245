/* How an answer gets into the cache: a flight asks the catalogue, the answer becomes a reply ready to send (with a
 * compressed form when it is large), and its life follows from its kind and from what the source says. Owns the
 * flight's copy of the question. movie_source.load yields; the rest does not. Limits: ANSWER_MAX bytes an answer,
 * ARENA_MAX bytes of memory to make one. */
#include "movie/movie.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ANSWER_MAX ((size_t)4 << 20)
#define ARENA_MAX ((size_t)16 << 20)
#define TYPE "application/json"
#define VALUES_PREFIX "cinesync:movie:1:" /* raise the number when a message changes: other versions read along */

struct loading {
	struct movie_state *movies;
	struct arena *arena;
	struct question question;
};

static void loading_free(void *arg)
{
	struct loading *l = arg;

	arena_free(&l->arena);
	free(l);
}

static int loading_new(const void *ask, void **ret)
{
	const struct movie_ask *wanted = ask;
	struct loading *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->movies = wanted->movies;
	r = arena_new(ARENA_MAX, &l->arena);
	if (r == 0)
		r = question_copy(wanted->question, l->arena, &l->question);
	if (r < 0) {
		loading_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

/* ---- how long it lives ---- */

static int64_t fresh_ms(const struct movie_config *config, enum question_life life)
{
	switch (life) {
	case LIFE_SEARCH:
		return config->search_ttl_ms;
	case LIFE_LIST:
		return config->list_ttl_ms;
	case LIFE_DETAILS:
		return config->details_ttl_ms;
	case LIFE_REFERENCE:
		return config->genres_ttl_ms;
	case LIVES:
		break;
	}
	abort();
}

/* What is asked of memory anyway is asked again rather than given stale. */
static struct aside_life life_of(const struct loading *l, int64_t fresh, int64_t max_age_ms)
{
	const struct movie_config *config = l->movies->config;

	if (max_age_ms > 0)
		fresh = MIN(fresh, MAX(max_age_ms, config->tmdb_max_age_min_ms));
	if (fresh <= 0 || l->movies->catalogue->is_local)
		return (struct aside_life){ .fresh_ms = fresh };
	return (struct aside_life){ fresh, config->stale_ms, config->stale_if_error_ms };
}

static void cache_control_set(struct reply *reply, const struct aside_life *life)
{
	char text[REPLY_CACHE_CONTROL_SIZE];

	if (life->fresh_ms <= 0)
		snprintf(text, sizeof(text), "no-store");
	else if (life->stale_ms + life->error_ms <= 0)
		snprintf(text, sizeof(text), "public, max-age=%lld", (long long)life->fresh_ms / 1000);
	else
		snprintf(text, sizeof(text), "public, max-age=%lld, stale-while-revalidate=%lld, stale-if-error=%lld",
		         (long long)life->fresh_ms / 1000, (long long)life->stale_ms / 1000,
		         (long long)life->error_ms / 1000);
	reply_set_cache_control(reply, text);
}

/* ---- the flight ---- */

static int reply_make(const struct loading *l, struct str body, struct aside_loaded *loaded)
{
	struct reply *reply CLEANUP(reply_unref) = NULL;
	int r = reply_new(200, TYPE, body, &reply);

	if (r == 0 && body.len >= (size_t)l->movies->config->cache_compress_min)
		r = reply_compress(reply);
	if (r < 0)
		return r;
	cache_control_set(reply, &loaded->life);
	loaded->value = STEAL(reply);
	return 0;
}

/* Remembered beside the answer, since an error has no place for it. */
static void retry_note(struct movie_state *m, const struct catalogue_meta *meta)
{
	if (meta->retry_after_ms > 0)
		m->retry_at_ms = clock_deadline_in(meta->retry_after_ms);
}

static int load(void *arg, struct str validator, struct aside_loaded *ret)
{
	struct loading *l = arg;
	const struct question_type *type = question_type(l->question.kind);
	struct catalogue_meta meta = { .validator = validator };
	struct aside_loaded loaded = { 0 };
	struct buf body CLEANUP(buf_done);
	int r;

	buf_init(&body, ANSWER_MAX);
	r = question_ask(&l->question, l->movies->catalogue, l->arena, &meta, &body);
	if (r == -ENOENT) {
		*ret = (struct aside_loaded){ .is_absent = true,
			                      .life = { .fresh_ms = l->movies->config->absent_ttl_ms } };
		return 0;
	}
	retry_note(l->movies, &meta);
	if (r < 0)
		return r;
	loaded.life = life_of(l, fresh_ms(l->movies->config, type->life), meta.max_age_ms);
	loaded.validator = meta.validator;
	loaded.is_unchanged = meta.is_unchanged;
	if (!meta.is_unchanged)
		r = reply_make(l, buf_str(&body), &loaded);
	if (r == 0)
		*ret = loaded;
	return r;
}

const struct aside_source movie_source = { loading_new, load, loading_free };

/* ---- replies as values of the cache ---- */

/* A value in Redis: which form it has, the tag, the bytes. */
enum { FORM_PLAIN = 'p', FORM_GZIP = 'z' };

static void *value_ref(void *value)
{
	return reply_ref(value);
}

static void value_unref(void *value)
{
	struct reply *reply = value;

	reply_unref(&reply);
}

static size_t value_size(const void *value)
{
	return reply_size(value);
}

static void value_encode(const void *value, struct buf *out)
{
	struct reply_form form = reply_store(value);

	buf_addc(out, form.is_gzip ? FORM_GZIP : FORM_PLAIN);
	buf_add_str(out, form.etag);
	buf_add_str(out, form.bytes);
}

static int value_decode(struct str bytes, const struct aside_life *life, void **ret_value)
{
	struct reply_form form = {
		.etag = str_slice(bytes, 1, 1 + REPLY_ETAG_LEN),
		.bytes = str_slice(bytes, 1 + REPLY_ETAG_LEN, bytes.len),
	};
	struct reply *reply;
	int r;

	if (form.bytes.len == 0 || (bytes.data[0] != FORM_GZIP && bytes.data[0] != FORM_PLAIN))
		return -EBADMSG;
	form.is_gzip = bytes.data[0] == FORM_GZIP;
	r = reply_restore(200, TYPE, &form, &reply);
	if (r < 0)
		return r;
	cache_control_set(reply, life);
	*ret_value = reply;
	return 0;
}

const struct aside_ops movie_reply_ops = { value_ref, value_unref, value_size, value_encode, value_decode };

/* ---- the cache ---- */

static void redis_turned(bool is_up, const char *why, void *arg)
{
	(void)arg;
	if (is_up)
		log_info("redis: in use");
	else
		log_warning("redis: done without until it answers again", LOG_STR("why", why));
}

int movie_cache_new(struct movie_state *m, struct uv_loop_s *loop)
{
	const struct movie_config *config = m->config;
	struct aside_options options = {
		.entries_max = (size_t)config->cache_entries_max,
		.bytes_max = (size_t)config->cache_bytes_max,
		.redis = { .url = m->catalogue->is_local ? NULL : config->redis_url,
		           .timeout_ms = config->redis_timeout_ms,
		           .turned = redis_turned },
		.prefix = VALUES_PREFIX,
		.flights_max = (size_t)config->flights_max,
		.load_ms = config->tmdb_timeout_ms + config->cache_lease_ms + 1000,
		.lease_ms = config->cache_lease_ms,
		.retry_ms = config->cache_retry_ms,
		.beta = (double)config->cache_early_percent / 100,
		.jitter = (double)config->cache_jitter_percent / 100,
	};

	return aside_new(loop, &options, &movie_reply_ops, &m->cache);
}
