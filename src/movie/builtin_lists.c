/* Answers of the built-in catalogue that are lists of films. Owns nothing, never yields. A page has at most
 * CATALOGUE_PAGE_SIZE films; similar ones are at most SIMILAR_MAX. */
#include "movie/builtin_inside.h"

#include "base/clock.h"
#include "movie/search.h"

#include <errno.h>
#include <stdlib.h>

#define SIMILAR_MAX 100
#define SIMILAR_YEARS 10
#define PLAYING_DAYS 45 /* in cinemas, counted from the release */
#define DAY_MS 86400000LL

/* ---- pages ---- */

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

static int item_of(const struct builtin *b, const struct film *film, struct arena *a, struct movie_item *ret)
{
	*ret = (struct movie_item){
		.id = film_id(&b->films, film),
		.title = film->title,
		.release_date = film->release_date,
		.year = builtin_known(film->year),
	};
	return genre_ids(film, a, &ret->genre_ids);
}

int builtin_page(const struct builtin *b, const uint16_t *films, size_t n, int64_t page, struct arena *a,
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
		.source = builtin_source(b),
	};
	return 0;
}

/* ---- search ---- */

int builtin_search(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	struct search_hits hits = { 0 };
	int year = question_search_year(&q->of.search), r = 0;
	uint16_t *films;

	if (year >= 0)
		r = search_titles(b->index, q->of.search.query, year, a, &hits);
	if (r < 0)
		return r;
	films = arena_array(a, hits.n, sizeof(*films));
	if (!films)
		return -ENOMEM;
	for (size_t i = 0; i < hits.n; i++)
		films[i] = hits.items[i].film;
	return builtin_page(b, films, hits.n, q->of.search.page, a, ret);
}

/* ---- lists of the day ---- */

int builtin_popular(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	size_t n = b->films.n;
	uint16_t *films = arena_array(a, n, sizeof(*films));

	if (!films)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		films[i] = b->orders[BY_PROMINENCE][n - 1 - i];
	return builtin_page(b, films, n, q->of.list.page, a, ret);
}

/* Trending's page lies elsewhere in the question than that of the other lists. */
static int64_t page_asked(const struct question *q)
{
	return q->kind == QUESTION_TRENDING ? q->of.trending.page : q->of.list.page;
}

int builtin_unknown_list(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	return builtin_page(b, NULL, 0, page_asked(q), a, ret);
}

/* The films released after the day `after` up to `until`, the last ones first. A film whose day is unknown is not. */
static int released_between(struct builtin *b, struct str after, struct str until, const struct question *q,
                            struct arena *a, struct movie_page *ret)
{
	uint16_t *films = arena_array(a, b->films.n, sizeof(*films));
	size_t n = 0;

	if (!films)
		return -ENOMEM;
	for (size_t i = b->films.n; i > 0; i--) {
		uint16_t index = b->orders[BY_DATE][i - 1];
		struct str day = b->films.items[index].release_date;

		if (!str_is_null(day) && builtin_compare(day, after) > 0 && builtin_compare(day, until) <= 0)
			films[n++] = index;
	}
	return builtin_page(b, films, n, q->of.list.page, a, ret);
}

/* "YYYY-MM-DD" */
static struct str day_of(int64_t real_ms, char buffer[CLOCK_ISO8601_SIZE])
{
	clock_format_iso8601(real_ms, buffer);
	return (struct str){ buffer, strlen("YYYY-MM-DD") };
}

int builtin_now_playing(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	char after[CLOCK_ISO8601_SIZE], today[CLOCK_ISO8601_SIZE];
	int64_t now_ms = b->now_ms();

	return released_between(b, day_of(now_ms - PLAYING_DAYS * DAY_MS, after), day_of(now_ms, today), q, a, ret);
}

int builtin_upcoming(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	char today[CLOCK_ISO8601_SIZE];

	return released_between(b, day_of(b->now_ms(), today), STR("9999-12-31"), q, a, ret);
}

/* ---- films like another one ---- */

struct likeness {
	uint32_t degree; /* 0: none */
	uint16_t film;
};

static bool have_common_name(struct str ours, struct str theirs)
{
	size_t i = 0, k;
	struct str name, other;

	while (film_next_part(ours, &i, &name))
		for (k = 0; film_next_part(theirs, &k, &other);)
			if (str_equal(name, other))
				return true;
	return false;
}

/* By the same director; or of about the same time with more than half of its genres. More common genres count first,
 * then fewer others, then how well it is known, then how near in time. */
static uint32_t likeness_of(const struct builtin *b, size_t film, size_t other)
{
	const struct film *f = &b->films.items[film], *g = &b->films.items[other];
	bool is_same_hand = have_common_name(b->directors[film], b->directors[other]);
	unsigned common = (unsigned)__builtin_popcount(f->genres & g->genres);
	unsigned others = (unsigned)__builtin_popcount(g->genres & ~f->genres);
	unsigned years = (unsigned)abs(f->year - g->year);
	bool is_same_kind = common * 2 > (unsigned)__builtin_popcount(f->genres) && years <= SIMILAR_YEARS;

	if (film == other || (!is_same_hand && !is_same_kind))
		return 0;
	return (uint32_t)is_same_hand << 30 | common << 24 | (FILM_GENRES - others) << 18 | g->prominence << 16 |
	       (UINT16_MAX - MIN(years, 1000u));
}

static int compare_likeness(const void *a, const void *b)
{
	const struct likeness *x = a, *y = b;

	if (x->degree != y->degree)
		return x->degree > y->degree ? -1 : 1;
	return (int)y->film - (int)x->film;
}

static int similar_to(struct builtin *b, size_t film, int64_t page, struct arena *a, struct movie_page *ret)
{
	struct likeness *all = arena_array(a, b->films.n, sizeof(*all));
	uint16_t films[SIMILAR_MAX];
	size_t n = 0;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < b->films.n; i++) {
		all[n] = (struct likeness){ likeness_of(b, film, i), (uint16_t)i };
		n += all[n].degree > 0;
	}
	if (n > 0)
		qsort(all, n, sizeof(*all), compare_likeness);
	n = MIN(n, (size_t)SIMILAR_MAX);
	for (size_t i = 0; i < n; i++)
		films[i] = all[i].film;
	return builtin_page(b, films, n, page, a, ret);
}

int builtin_similar(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	const struct film *film = films_find(&b->films, q->path.movie_id);

	return film ? similar_to(b, (size_t)(film - b->films.items), q->of.list.page, a, ret) : -ENOENT;
}

/* Nobody here has liked anything. */
int builtin_recommendations(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	return films_find(&b->films, q->path.movie_id) ? builtin_page(b, NULL, 0, q->of.list.page, a, ret) : -ENOENT;
}

/* Ids at other sites are not known. */
int builtin_find(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	(void)q;
	(void)a;
	*(struct movie_found *)ret = (struct movie_found){ .source = builtin_source(b) };
	return 0;
}
