/* The built-in catalogue: reads the table, makes the index and the orders at start, and knows who answers which kind of
 * question. Owns the table's array, the index, the orders and the column of directors; answers are made in the caller's
 * arena and point into the program's own data. Nothing here yields: a search takes tens of microseconds, a worst one
 * some milliseconds (README.md). */
#include "movie/builtin.h"

#include "base/clock.h"
#include "base/fault.h"
#include "movie/builtin_inside.h"
#include "movie/catalogue_data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BUILTIN_MAGIC 0xb0117161u

struct builtin *builtin_of(const struct catalogue *c)
{
	struct builtin *b = CONTAINER_OF(c, struct builtin, catalogue);

	assert(b->magic == BUILTIN_MAGIC);
	return b;
}

struct str builtin_source(const struct builtin *b)
{
	return str_from(b->catalogue.name);
}

struct schema_int builtin_known(int64_t value)
{
	return (struct schema_int){ .is_set = value != 0, .value = value };
}

int builtin_compare(struct str x, struct str y)
{
	int order = memcmp(x.data ? x.data : "", y.data ? y.data : "", MIN(x.len, y.len));

	return order ? order : (x.len > y.len) - (x.len < y.len);
}

/* ---- who answers ---- */

static int (*const answers[QUESTION_KINDS])(struct builtin *, const struct question *, struct arena *, void *) = {
	[QUESTION_SEARCH] = builtin_search,
	[QUESTION_DISCOVER] = builtin_discover,
	[QUESTION_POPULAR] = builtin_popular,
	[QUESTION_TOP_RATED] = builtin_unknown_list,
	[QUESTION_NOW_PLAYING] = builtin_now_playing,
	[QUESTION_UPCOMING] = builtin_upcoming,
	[QUESTION_TRENDING] = builtin_unknown_list,
	[QUESTION_GENRES] = builtin_genres,
	[QUESTION_CONFIGURATION] = builtin_configuration,
	[QUESTION_FIND] = builtin_find,
	[QUESTION_DETAILS] = builtin_details,
	[QUESTION_CREDITS] = builtin_credits,
	[QUESTION_VIDEOS] = builtin_videos,
	[QUESTION_WATCH_PROVIDERS] = builtin_watch_providers,
	[QUESTION_RECOMMENDATIONS] = builtin_recommendations,
	[QUESTION_SIMILAR] = builtin_similar,
	[QUESTION_BRIEF] = builtin_brief,
};

static int builtin_ask(struct catalogue *c, const struct question *q, struct arena *a, void *ret,
                       struct catalogue_meta *meta)
{
	(void)meta;
	assert(q->kind < QUESTION_KINDS);
	return answers[q->kind](builtin_of(c), q, a, ret);
}

/* ---- start and end ---- */

/* Where the order says they are equal, the row decides, so that pages never overlap. */
static int compare_rows(uint16_t a, uint16_t b, bool later_first)
{
	return later_first ? (int)b - (int)a : (int)a - (int)b;
}

static int compare_prominence(const void *a, const void *b, void *arg)
{
	const struct builtin *own = arg;
	uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
	const struct film *f = &own->films.items[x], *g = &own->films.items[y];

	if (f->prominence != g->prominence)
		return (int)f->prominence - (int)g->prominence;
	return f->year != g->year ? f->year - g->year : compare_rows(x, y, true);
}

/* A film whose day is unknown comes before those of its year. */
static int compare_dates(const void *a, const void *b, void *arg)
{
	const struct builtin *own = arg;
	uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
	const struct film *f = &own->films.items[x], *g = &own->films.items[y];
	int order = f->year - g->year;

	if (order == 0)
		order = builtin_compare(f->release_date, g->release_date);
	return order ? order : compare_rows(x, y, false);
}

static int compare_titles(const void *a, const void *b, void *arg)
{
	const struct builtin *own = arg;
	uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
	int order = builtin_compare(title_without_article(own->index->titles[x]),
	                            title_without_article(own->index->titles[y]));

	return order ? order : compare_rows(x, y, false);
}

static int order_new(struct builtin *b, enum order order, int (*compare)(const void *, const void *, void *))
{
	uint16_t *films = calloc(b->films.n, sizeof(*films));

	if (!films)
		return -ENOMEM;
	for (size_t i = 0; i < b->films.n; i++)
		films[i] = (uint16_t)i;
	qsort_r(films, b->films.n, sizeof(*films), compare, b);
	b->orders[order] = films;
	return 0;
}

static int directors_new(struct builtin *b)
{
	b->directors = calloc(b->films.n, sizeof(*b->directors));
	if (!b->directors)
		return -ENOMEM;
	for (size_t i = 0; i < b->films.n; i++)
		b->directors[i] = film_column(&b->films.items[i], FILM_DIRECTORS);
	return 0;
}

static const char *builtin_describe(const struct catalogue *c)
{
	return builtin_of(c)->description;
}

static void builtin_free(struct catalogue *c)
{
	struct builtin *b = builtin_of(c);

	title_index_free(&b->index);
	films_done(&b->films);
	free(b->directors);
	for (size_t i = 0; i < ORDERS; i++)
		free(b->orders[i]);
	b->magic = 0;
	free(b);
}

void catalogue_free(struct catalogue **c)
{
	if (*c)
		(*c)->free(*c);
	*c = NULL;
}

static int fill(struct builtin *b)
{
	size_t line = 0;
	int r;

	assert(catalogue_data_n == 1);
	r = films_read(catalogue_data[0].data, &b->films, &line);
	if (r == 0)
		r = title_index_new(&b->films, &b->index);
	if (r == 0)
		r = directors_new(b);
	if (r == 0)
		r = order_new(b, BY_PROMINENCE, compare_prominence);
	if (r == 0)
		r = order_new(b, BY_DATE, compare_dates);
	if (r == 0)
		r = order_new(b, BY_TITLE, compare_titles);
	snprintf(b->description, sizeof(b->description), "built-in, %zu films", b->films.n);
	return r;
}

int builtin_new(struct catalogue **ret)
{
	struct builtin *b = fault_hit("alloc") ? NULL : calloc(1, sizeof(*b));
	struct catalogue *c CLEANUP(catalogue_free) = NULL;
	int r;

	if (!b)
		return -ENOMEM;
	b->magic = BUILTIN_MAGIC;
	b->now_ms = clock_real_ms;
	b->catalogue = (struct catalogue){
		.name = "builtin",
		.is_local = true,
		.ask = builtin_ask,
		.describe = builtin_describe,
		.free = builtin_free,
	};
	c = &b->catalogue;
	r = fill(b);
	if (r == 0)
		*ret = STEAL(c);
	return r;
}
