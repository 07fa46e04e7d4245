/* The catalogue interface over TMDB: a question becomes a path and a query (tmdb_query.c), upstream.c makes the call
 * and hands the body back, tmdb_read.c makes an answer of it. Keeps nothing of what it is asked; ask() yields as
 * upstream_get() does. The bounds of waiting, of calls and of bodies are the upstream's. */
#include "movie/tmdb.h"

#include "base/fault.h"
#include "movie/films.h"
#include "movie/tmdb_query.h"
#include "movie/tmdb_read.h"
#include "movie/upstream.h"

#include <errno.h>
#include <stdlib.h>

#define TMDB_MAGIC 0x7d6db3a1u
#define PATH_SIZE_MAX 256
#define QUERY_SIZE_MAX 16384 /* 200 characters of 4 bytes, encoded, and all the rest */
#define DESCRIPTION_SIZE_MAX 300

struct tmdb {
	struct catalogue catalogue;
	unsigned magic;
	struct upstream *upstream;
	struct catalogue *builtin; /* or NULL */
	struct buf image_base;     /* with a slash at the end */
	struct buf description;
};

static struct tmdb *tmdb_of(const struct catalogue *c)
{
	struct tmdb *t = CONTAINER_OF(c, struct tmdb, catalogue);

	assert(t->magic == TMDB_MAGIC);
	return t;
}

/* ---- asking ---- */

/* What upstream_get() gives back to read(). */
struct asking {
	struct tmdb_reading reading;
	void *answer;
};

static int body_read(void *arg, struct str body, struct arena *a)
{
	struct asking *asking = arg;

	asking->reading.arena = a;
	return tmdb_read(&asking->reading, body, asking->answer);
}

static int call_upstream(struct tmdb *t, const struct upstream_call *call, struct arena *a, struct catalogue_meta *meta)
{
	struct upstream_answer answer = { .attempts = 0 };
	int r = upstream_get(t->upstream, call, a, &answer);

	meta->retry_after_ms = answer.retry_after_ms;
	if (r < 0)
		return r;
	meta->is_unchanged = answer.is_unchanged;
	meta->validator = answer.validator;
	meta->max_age_ms = answer.max_age_ms;
	return 0;
}

static int tmdb_ask(struct catalogue *c, const struct question *q, struct arena *a, void *ret,
                    struct catalogue_meta *meta)
{
	struct tmdb *t = tmdb_of(c);
	struct asking asking = {
		.reading = { q, buf_str(&t->image_base), a, t->builtin ? STR(ATTRIBUTION_BUILTIN) : STR_NULL },
		.answer = ret,
	};
	struct buf path CLEANUP(buf_done), query CLEANUP(buf_done);
	int r;

	buf_init(&path, PATH_SIZE_MAX);
	buf_init(&query, QUERY_SIZE_MAX);
	if (question_type(q->kind)->has_path && q->path.movie_id > FILM_ID_BASE)
		return t->builtin ? t->builtin->ask(t->builtin, q, a, ret, meta) : -ENOENT;
	tmdb_query(q, &path, &query);
	r = buf_error(&path);
	if (r == 0)
		r = buf_error(&query);
	if (r < 0)
		return r == -ENOBUFS ? -EPROTO : r;
	return call_upstream(t,
	                     &(struct upstream_call){
	                             .path = buf_str(&path),
	                             .query = buf_str(&query),
	                             .validator = meta->validator,
	                             .read = body_read,
	                             .arg = &asking,
	                     },
	                     a, meta);
}

/* ---- start and end ---- */

static const char *tmdb_describe(const struct catalogue *c)
{
	return buf_str(&tmdb_of(c)->description).data;
}

static void tmdb_free(struct catalogue *c)
{
	struct tmdb *t = tmdb_of(c);

	buf_done(&t->image_base);
	buf_done(&t->description);
	t->magic = 0;
	free(t);
}

static bool is_http(struct str url)
{
	return str_starts(url, STR("http://")) || str_starts(url, STR("https://"));
}

/* Host and port of a URL: neither a user and password before them nor what is behind. */
static struct str host_of(struct str url)
{
	ptrdiff_t colon = str_index(url, ':', 0), slash, at;
	struct str rest = str_slice(url, colon < 0 ? 0 : (size_t)colon + 3, url.len);

	slash = str_index(rest, '/', 0);
	rest = str_slice(rest, 0, slash < 0 ? rest.len : (size_t)slash);
	while ((at = str_index(rest, '@', 0)) >= 0)
		rest = str_slice(rest, (size_t)at + 1, rest.len);
	return rest;
}

static int fill(struct tmdb *t, struct str base_url, struct str image_base)
{
	int r;

	if (!is_http(base_url) || !is_http(image_base) || image_base.len > TMDB_IMAGE_BASE_MAX)
		return -EINVAL;
	buf_add_str(&t->image_base, image_base);
	if (!str_ends(image_base, STR("/")))
		buf_addc(&t->image_base, '/');
	buf_adds(&t->description, "TMDB at ");
	buf_add_str(&t->description, host_of(base_url));
	r = buf_error(&t->image_base);
	if (r == 0)
		r = buf_error(&t->description);
	return r == -ENOBUFS ? -EINVAL : r;
}

int tmdb_new(struct upstream *u, struct catalogue *builtin, const char *base_url, const char *image_base,
             struct catalogue **ret)
{
	struct tmdb *t = fault_hit("alloc") ? NULL : calloc(1, sizeof(*t));
	struct catalogue *c CLEANUP(catalogue_free) = NULL;
	int r;

	if (!t)
		return -ENOMEM;
	t->magic = TMDB_MAGIC;
	t->upstream = u;
	t->builtin = builtin;
	buf_init(&t->image_base, TMDB_IMAGE_BASE_MAX + 1);
	buf_init(&t->description, DESCRIPTION_SIZE_MAX);
	t->catalogue = (struct catalogue){
		.name = "tmdb",
		.knows_languages = true,
		.ask = tmdb_ask,
		.describe = tmdb_describe,
		.free = tmdb_free,
	};
	c = &t->catalogue;
	r = fill(t, str_from(base_url), str_from(image_base));
	if (r == 0)
		*ret = STEAL(c);
	return r;
}
