/* The catalogue interface over the table of films: search by search.c, discover by walking the films in one of three
 * orders made at start, details from the film's row. Owns the table's array, the index and the orders; answers are made
 * in the caller's arena and point into the program's own data. Nothing here yields: a search takes tens of
 * microseconds, a worst one some milliseconds (README.md). */
#include "movie/builtin.h"

#include "base/fault.h"
#include "movie/catalogue_data.h"
#include "movie/search.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BUILTIN_MAGIC 0xb0117161u

enum order { BY_PROMINENCE, BY_DATE, BY_TITLE, ORDERS };

struct builtin {
	struct catalogue catalogue;
	unsigned magic;
	struct films films;
	struct title_index *index;
	uint16_t *orders[ORDERS]; /* every film once, ascending */
	char description[48];
};

static struct builtin *builtin_of(const struct catalogue *c)
{
	struct builtin *b = CONTAINER_OF(c, struct builtin, catalogue);

	assert(b->magic == BUILTIN_MAGIC);
	return b;
}

/* ---- one film ---- */

static struct schema_int known(int64_t value)
{
	return (struct schema_int){ .is_set = value != 0, .value = value };
}

static struct str source_of(const struct builtin *b)
{
	return str_from(b->catalogue.name);
}

static int genre_ids(const struct film *film, struct arena *a, struct schema_array *ret)
{
	int64_t *ids = arena_array(a, FILM_GENRES, sizeof(*ids));
	size_t n = 0;

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < FILM_GENRES; i++)
		if (film->genres & 1u << i)
			ids[n++] = film_genres[i].id;
	*ret = (struct schema_array){ n, ids };
	return 0;
}

static int genres_of(uint32_t bits, struct arena *a, struct schema_array *ret)
{
	struct movie_genre *genres = arena_array(a, FILM_GENRES, sizeof(*genres));
	size_t n = 0;

	if (!genres)
		return -ENOMEM;
	for (size_t i = 0; i < FILM_GENRES; i++)
		if (bits & 1u << i)
			genres[n++] = (struct movie_genre){ film_genres[i].id, str_from(film_genres[i].name) };
	*ret = (struct schema_array){ n, genres };
	return 0;
}

static int item_of(const struct builtin *b, const struct film *film, struct arena *a, struct movie_item *ret)
{
	*ret = (struct movie_item){
		.id = film_id(&b->films, film),
		.title = film->title,
		.release_date = film->release_date,
		.year = known(film->year),
	};
	return genre_ids(film, a, &ret->genre_ids);
}

static int directors_of(const struct film *film, struct arena *a, struct schema_array *ret)
{
	struct str column = film_column(film, FILM_DIRECTORS), *names, name;
	size_t n = 0, pos = 0;

	while (film_next_part(column, &pos, &name))
		n++;
	names = arena_array(a, n, sizeof(*names));
	if (!names)
		return -ENOMEM;
	pos = 0;
	for (size_t i = 0; i < n; i++)
		(void)film_next_part(column, &pos, &names[i]);
	*ret = (struct schema_array){ n, names };
	return 0;
}

static int companies_of(const struct film *film, struct arena *a, struct schema_array *ret)
{
	struct str distributor = film_column(film, FILM_DISTRIBUTOR);
	struct movie_company *company;

	if (str_is_null(distributor))
		return 0;
	company = arena_alloc(a, sizeof(*company));
	if (!company)
		return -ENOMEM;
	company->name = distributor;
	*ret = (struct schema_array){ 1, company };
	return 0;
}

static int builtin_details(struct catalogue *c, int64_t id, struct str language, struct arena *a,
                           struct movie_details *ret)
{
	struct builtin *b = builtin_of(c);
	const struct film *film = films_find(&b->films, id);
	struct movie_details details;
	int r;

	(void)language;
	if (!film)
		return -ENOENT;
	details = (struct movie_details){
		.id = id,
		.title = film->title,
		.release_date = film->release_date,
		.year = known(film->year),
		.runtime = known(film->runtime),
		.certification = film_column(film, FILM_CERTIFICATION),
		.source = source_of(b),
	};
	r = genres_of(film->genres, a, &details.genres);
	if (r == 0)
		r = directors_of(film, a, &details.directors);
	if (r == 0)
		r = companies_of(film, a, &details.production_companies);
	if (r == 0)
		*ret = details;
	return r;
}

/* ---- lists ---- */

/* Page number `page` of the films that the indices name. */
static int page_of(const struct builtin *b, const uint16_t *films, size_t n, int64_t page, struct arena *a,
                   struct movie_page *ret)
{
	size_t from = MIN((size_t)(page - 1) * CATALOGUE_PAGE_SIZE, n), to = MIN(from + CATALOGUE_PAGE_SIZE, n);
	size_t pages = (n + CATALOGUE_PAGE_SIZE - 1) / CATALOGUE_PAGE_SIZE;
	struct movie_item *items = arena_array(a, to - from, sizeof(*items));
	int r = items ? 0 : -ENOMEM;

	for (size_t i = from; i < to && r == 0; i++)
		r = item_of(b, &b->films.items[films[i]], a, &items[i - from]);
	if (r < 0)
		return r;
	*ret = (struct movie_page){
		.page = page,
		.results = { to - from, items },
		.total_pages = (int64_t)MIN(pages, (size_t)CATALOGUE_PAGE_MAX),
		.total_results = (int64_t)n,
		.source = source_of(b),
	};
	return 0;
}

/* The one year that both settings allow; 0: any; -1: none. */
static int year_asked(const struct catalogue_search *q)
{
	if (q->year.is_set && q->primary_release_year.is_set && q->year.value != q->primary_release_year.value)
		return -1;
	if (q->primary_release_year.is_set)
		return (int)q->primary_release_year.value;
	return q->year.is_set ? (int)q->year.value : 0;
}

static int builtin_search(struct catalogue *c, const struct catalogue_search *q, struct arena *a,
                          struct movie_page *ret)
{
	struct builtin *b = builtin_of(c);
	struct search_hits hits = { 0 };
	int year = year_asked(q), r = 0;
	uint16_t *films;

	if (year >= 0)
		r = search_titles(b->index, q->query, year, a, &hits);
	if (r < 0)
		return r;
	films = arena_array(a, hits.n, sizeof(*films));
	if (!films)
		return -ENOMEM;
	for (size_t i = 0; i < hits.n; i++)
		films[i] = hits.items[i].film;
	return page_of(b, films, hits.n, q->page, a, ret);
}

/* The bits of the genres asked for; false: one of them no film here has. */
static bool genre_bits(const struct schema_array *genre, uint32_t *ret)
{
	const int64_t *ids = genre->items;
	uint32_t bits = 0;

	for (size_t i = 0; i < genre->n; i++) {
		int index = film_genre_index(ids[i]);

		if (index < 0)
			return false;
		bits |= (uint32_t)1 << index;
	}
	*ret = bits;
	return true;
}

static void order_asked(struct str sort, enum order *ret_order, bool *ret_backwards)
{
	*ret_backwards = str_ends(sort, STR(".desc"));
	if (str_starts(sort, STR("title.")))
		*ret_order = BY_TITLE;
	else if (str_starts(sort, STR("primary_release_date.")))
		*ret_order = BY_DATE;
	else
		*ret_order = BY_PROMINENCE;
}

static bool is_asked(const struct film *film, const struct catalogue_discover *q, uint32_t genres)
{
	return (film->genres & genres) == genres && (!q->year_from.is_set || film->year >= q->year_from.value) &&
	       (!q->year_to.is_set || film->year <= q->year_to.value);
}

static int builtin_discover(struct catalogue *c, const struct catalogue_discover *q, struct arena *a,
                            struct movie_page *ret)
{
	struct builtin *b = builtin_of(c);
	size_t n_all = b->films.n, n = 0;
	uint16_t *films = arena_array(a, n_all, sizeof(*films));
	uint32_t genres = 0;
	enum order order;
	bool backwards;

	if (!films)
		return -ENOMEM;
	order_asked(q->sort, &order, &backwards);
	if (!genre_bits(&q->genre, &genres))
		n_all = 0;
	for (size_t i = 0; i < n_all; i++) {
		uint16_t film = b->orders[order][backwards ? n_all - 1 - i : i];

		if (is_asked(&b->films.items[film], q, genres))
			films[n++] = film;
	}
	return page_of(b, films, n, q->page, a, ret);
}

static int builtin_genres(struct catalogue *c, struct str language, struct arena *a, struct movie_genres *ret)
{
	struct movie_genres genres = { .source = source_of(builtin_of(c)) };
	int r;

	(void)language;
	r = genres_of((1u << FILM_GENRES) - 1, a, &genres.genres);
	if (r == 0)
		*ret = genres;
	return r;
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

static int compare_text(struct str x, struct str y)
{
	int order = memcmp(x.data ? x.data : "", y.data ? y.data : "", MIN(x.len, y.len));

	return order ? order : (x.len > y.len) - (x.len < y.len);
}

/* A film whose day is unknown comes before those of its year. */
static int compare_dates(const void *a, const void *b, void *arg)
{
	const struct builtin *own = arg;
	uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
	const struct film *f = &own->films.items[x], *g = &own->films.items[y];
	int order = f->year - g->year;

	if (order == 0)
		order = compare_text(f->release_date, g->release_date);
	return order ? order : compare_rows(x, y, false);
}

static int compare_titles(const void *a, const void *b, void *arg)
{
	const struct builtin *own = arg;
	uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
	int order = compare_text(title_without_article(own->index->titles[x]),
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

static const char *builtin_describe(const struct catalogue *c)
{
	return builtin_of(c)->description;
}

static void builtin_free(struct catalogue *c)
{
	struct builtin *b = builtin_of(c);

	title_index_free(&b->index);
	films_done(&b->films);
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
	b->catalogue = (struct catalogue){
		.name = "builtin",
		.search = builtin_search,
		.discover = builtin_discover,
		.details = builtin_details,
		.genres = builtin_genres,
		.describe = builtin_describe,
		.free = builtin_free,
	};
	c = &b->catalogue;
	r = fill(b);
	if (r == 0)
		*ret = STEAL(c);
	return r;
}
