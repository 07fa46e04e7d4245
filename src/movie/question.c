/* Questions: key, copy, ask. Owns nothing; only question_ask() may yield. */
#include "movie/question.h"

#include "movie/fold.h"

#include <errno.h>
#include <stdlib.h>

/* Raise it when a message changes: a cache that outlives the process then knows nothing of the new ones. */
#define MESSAGES_VERSION "1"

/* ---- key ---- */

static void key_year(struct buf *key, const char *name, struct schema_int year)
{
	if (year.is_set)
		buf_addf(key, "|%s%lld", name, (long long)year.value);
}

static int compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void key_genres(struct buf *key, struct schema_array *genre)
{
	int64_t *ids = genre->items;

	if (genre->n > 1)
		qsort(ids, genre->n, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < genre->n; i++)
		if (i == 0 || ids[i] != ids[i - 1])
			buf_addf(key, "|g%lld", (long long)ids[i]);
}

/* Language tags are case-blind (RFC 5646); regions come in upper case. */
static int key_place(struct buf *key, struct str language, struct str region, struct arena *scratch)
{
	struct str folded;
	int r;

	if (!str_is_null(language)) {
		r = fold_caseless(language, scratch, &folded);
		if (r < 0)
			return r;
		buf_addf(key, "|l%.*s", STR_ARGS(folded));
	}
	if (!str_is_null(region))
		buf_addf(key, "|r%.*s", STR_ARGS(region));
	return 0;
}

/* The query may hold anything, so it comes last. */
static int key_search(const struct catalogue_search *q, struct arena *scratch, struct buf *key)
{
	struct str folded;
	int r;

	buf_addf(key, "search|p%lld%s", (long long)q->page, q->include_adult ? "|a" : "");
	key_year(key, "y", q->year);
	key_year(key, "py", q->primary_release_year);
	r = key_place(key, q->language, q->region, scratch);
	if (r == 0)
		r = fold_caseless(q->query, scratch, &folded);
	if (r < 0)
		return r;
	buf_adds(key, "|q");
	buf_add_str(key, folded);
	return 0;
}

static int key_discover(struct catalogue_discover *q, struct arena *scratch, struct buf *key)
{
	buf_addf(key, "discover|p%lld|%.*s", (long long)q->page, STR_ARGS(q->sort));
	key_genres(key, &q->genre);
	key_year(key, "from", q->year_from);
	key_year(key, "to", q->year_to);
	return key_place(key, q->language, q->region, scratch);
}

static int key_of(struct question *q, struct arena *scratch, struct buf *key)
{
	switch (q->kind) {
	case QUESTION_SEARCH:
		return key_search(&q->of.search, scratch, key);
	case QUESTION_DISCOVER:
		return key_discover(&q->of.discover, scratch, key);
	case QUESTION_DETAILS:
		buf_addf(key, "movie|%lld", (long long)q->of.movie.path.movie_id);
		return key_place(key, q->of.movie.query.language, STR_NULL, scratch);
	case QUESTION_BRIEF:
		buf_addf(key, "brief|%lld", (long long)q->of.movie.path.movie_id);
		return 0;
	case QUESTION_GENRES:
		buf_adds(key, "genres");
		return key_place(key, q->of.genres.language, STR_NULL, scratch);
	}
	abort();
}

int question_key(struct question *q, struct arena *scratch, struct buf *ret)
{
	int r;

	buf_adds(ret, MESSAGES_VERSION "|");
	r = key_of(q, scratch, ret);
	return r < 0 ? r : buf_error(ret);
}

/* ---- copy ---- */

static int copy_strings(struct str *const *strings, size_t n, struct arena *a)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = arena_copy(a, *strings[i], strings[i]);
	return r;
}

static int copy_genres(struct schema_array *genre, struct arena *a)
{
	int64_t *ids = arena_array(a, genre->n, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	if (genre->n > 0)
		memcpy(ids, genre->items, genre->n * sizeof(*ids));
	genre->items = ids;
	return 0;
}

static int copy_search(struct catalogue_search *q, struct arena *a)
{
	struct str *const strings[] = { &q->query, &q->language, &q->region };

	return copy_strings(strings, ARRAY_SIZE(strings), a);
}

static int copy_discover(struct catalogue_discover *q, struct arena *a)
{
	struct str *const strings[] = { &q->sort, &q->language, &q->region };
	int r = copy_genres(&q->genre, a);

	return r < 0 ? r : copy_strings(strings, ARRAY_SIZE(strings), a);
}

int question_copy(const struct question *q, struct arena *a, struct question *ret)
{
	*ret = *q;
	switch (ret->kind) {
	case QUESTION_SEARCH:
		return copy_search(&ret->of.search, a);
	case QUESTION_DISCOVER:
		return copy_discover(&ret->of.discover, a);
	case QUESTION_DETAILS:
	case QUESTION_BRIEF:
		return arena_copy(a, ret->of.movie.query.language, &ret->of.movie.query.language);
	case QUESTION_GENRES:
		return arena_copy(a, ret->of.genres.language, &ret->of.genres.language);
	}
	abort();
}

/* ---- ask ---- */

static int ask_details(const struct question *q, struct catalogue *c, struct arena *a, struct buf *ret)
{
	struct movie_details details;
	int r;

	r = c->details(c, q->of.movie.path.movie_id, q->of.movie.query.language, a, &details);
	if (r == 0)
		schema_write(&movie_details_schema, &details, ret);
	return r;
}

static int ask_brief(const struct question *q, struct catalogue *c, struct arena *a, struct buf *ret)
{
	struct movie_details details;
	struct movie_brief brief;
	int r;

	r = c->details(c, q->of.movie.path.movie_id, STR_NULL, a, &details);
	if (r < 0)
		return r;
	brief = (struct movie_brief){ details.id, details.title, details.year, details.poster_path };
	schema_write(&movie_brief_schema, &brief, ret);
	return 0;
}

static int ask_page(const struct question *q, struct catalogue *c, struct arena *a, struct buf *ret)
{
	struct movie_page page;
	int r;

	if (q->kind == QUESTION_SEARCH)
		r = c->search(c, &q->of.search, a, &page);
	else
		r = c->discover(c, &q->of.discover, a, &page);
	if (r == 0)
		schema_write(&movie_page_schema, &page, ret);
	return r;
}

static int ask_genres(const struct question *q, struct catalogue *c, struct arena *a, struct buf *ret)
{
	struct movie_genres genres;
	int r;

	r = c->genres(c, q->of.genres.language, a, &genres);
	if (r == 0)
		schema_write(&movie_genres_schema, &genres, ret);
	return r;
}

int question_ask(const struct question *q, struct catalogue *c, struct arena *a, struct buf *ret)
{
	static int (*const asks[])(const struct question *, struct catalogue *, struct arena *, struct buf *) = {
		[QUESTION_SEARCH] = ask_page,   [QUESTION_DISCOVER] = ask_page, [QUESTION_DETAILS] = ask_details,
		[QUESTION_GENRES] = ask_genres, [QUESTION_BRIEF] = ask_brief,
	};
	int r = asks[q->kind](q, c, a, ret);

	return r < 0 ? r : buf_error(ret);
}
