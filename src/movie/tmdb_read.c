/* From TMDB's answer to ours: the way in, and the lists of films. An item without an id or any title is left out; sums
 * that contradict what was sent are put right. Strings are copies in the arena, made by the parser. Never yields. */
#include "movie/tmdb_read.h"

#include "movie/tmdb_image.h"
#include "movie/tmdb_messages.h"

#include <errno.h>

#define YEAR_MAX 9999

struct schema_int tmdb_year(struct str date)
{
	struct schema_int year = { .is_set = false };
	int64_t value = 0;

	if (date.len < 4)
		return year;
	for (size_t i = 0; i < 4; i++)
		value = value * 10 + (date.data[i] - '0');
	if (value >= CATALOGUE_YEAR_MIN && value <= YEAR_MAX)
		year = (struct schema_int){ true, value };
	return year;
}

/* ---- lists of films ---- */

static int finish_item(const struct tmdb_reading *r, struct movie_item *item)
{
	int err;

	item->year = tmdb_year(item->release_date);
	if (item->vote_count.is_set && item->vote_count.value == 0)
		item->vote_average = (struct schema_number){ .is_set = false };
	err = tmdb_poster(r->image_base, &item->poster_path, r->arena, &item->poster);
	if (err == 0)
		err = tmdb_backdrop(r->image_base, &item->backdrop_path, r->arena, &item->backdrop);
	return err;
}

/* Closes the gaps that items without a title leave. */
static int finish_items(const struct tmdb_reading *r, struct schema_array *list)
{
	struct movie_item *items = list->items;
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct movie_item item = items[i];
		int err;

		if (str_is_null(item.title))
			item.title = item.original_title;
		if (str_is_null(item.title))
			continue;
		err = finish_item(r, &item);
		if (err < 0)
			return err;
		items[n++] = item;
	}
	list->n = n;
	return 0;
}

static int64_t pages_of(int64_t results)
{
	return (results + CATALOGUE_PAGE_SIZE - 1) / CATALOGUE_PAGE_SIZE;
}

/* TMDB's sums, unless they deny what it sent: the results reach this page at least, and fill all pages. */
static void finish_totals(const struct tmdb_page *page, struct movie_page *ret)
{
	int64_t n = (int64_t)ret->results.n, before = (ret->page - 1) * CATALOGUE_PAGE_SIZE;
	int64_t results = page->total_results.value, pages;

	if (n > 0 && results <= before)
		results = before + n;
	pages = pages_of(results);
	if (page->total_pages.value > 0)
		pages = MIN(pages, page->total_pages.value);
	if (n > 0)
		pages = MAX(pages, ret->page);
	ret->total_results = results;
	ret->total_pages = MIN(pages, (int64_t)CATALOGUE_PAGE_MAX);
}

int tmdb_finish_page(const struct tmdb_reading *r, struct tmdb_page *page, int64_t number, struct movie_page *ret)
{
	struct movie_page done = { .page = number, .results = page->results, .source = STR("tmdb") };
	int err = finish_items(r, &done.results);

	if (err < 0)
		return err;
	finish_totals(page, &done);
	*ret = done;
	return 0;
}

/* Which page was asked for. */
static int64_t page_asked(const struct question *q)
{
	switch (q->kind) {
	case QUESTION_SEARCH:
		return q->of.search.page;
	case QUESTION_DISCOVER:
		return q->of.discover.page;
	case QUESTION_TRENDING:
		return q->of.trending.page;
	default:
		return q->of.list.page;
	}
}

static int read_page(const struct tmdb_reading *r, struct str body, struct movie_page *ret)
{
	enum question_kind kind = r->question->kind;
	struct movie_page done;
	struct tmdb_page page;
	int err = schema_parse_tolerant(&tmdb_page_schema, body, r->arena, &page);

	if (err < 0)
		return err;
	if (!page.results.items)
		return -EBADMSG;
	err = tmdb_finish_page(r, &page, page_asked(r->question), &done);
	if (err < 0)
		return err;
	/* Nothing but rubbish is not the same as nothing found. */
	if (page.sent.n > 0 && done.results.n == 0)
		return -EBADMSG;
	if (kind == QUESTION_NOW_PLAYING || kind == QUESTION_UPCOMING)
		done.dates = page.dates;
	*ret = done;
	return 0;
}

static int read_found(const struct tmdb_reading *r, struct str body, struct movie_found *ret)
{
	struct tmdb_found found;
	int err = schema_parse_tolerant(&tmdb_found_schema, body, r->arena, &found);

	if (err < 0)
		return err;
	if (!found.movie_results.items)
		return -EBADMSG;
	err = finish_items(r, &found.movie_results);
	if (err == 0)
		*ret = (struct movie_found){ .results = found.movie_results, .source = STR("tmdb") };
	return err;
}

/* ---- what is about no film ---- */

static int read_genres(const struct tmdb_reading *r, struct str body, struct movie_genres *ret)
{
	struct tmdb_list list;
	int err = schema_parse_tolerant(&tmdb_genres_schema, body, r->arena, &list);

	if (err < 0)
		return err;
	if (list.items.n == 0)
		return -EBADMSG;
	*ret = (struct movie_genres){ .genres = list.items, .source = STR("tmdb") };
	return 0;
}

static int read_configuration(const struct tmdb_reading *r, struct str body, struct movie_configuration *ret)
{
	struct movie_attribution *attribution = arena_alloc(r->arena, sizeof(*attribution));
	struct tmdb_configuration configuration;
	int err;

	if (!attribution)
		return -ENOMEM;
	err = schema_parse_tolerant(&tmdb_configuration_schema, body, r->arena, &configuration);
	if (err < 0)
		return err;
	if (str_is_null(configuration.images->secure_base_url))
		configuration.images->secure_base_url = r->image_base;
	*attribution = (struct movie_attribution){
		.tmdb = STR(ATTRIBUTION_TMDB),
		.tmdb_url = STR("https://www.themoviedb.org/"),
		.justwatch = STR(ATTRIBUTION_JUSTWATCH),
		.justwatch_url = STR("https://www.justwatch.com/"),
		.builtin = r->builtin_attribution,
	};
	*ret = (struct movie_configuration){ configuration.images, attribution, STR("tmdb") };
	return 0;
}

int tmdb_read(const struct tmdb_reading *r, struct str body, void *ret_value)
{
	switch (r->question->kind) {
	case QUESTION_GENRES:
		return read_genres(r, body, ret_value);
	case QUESTION_CONFIGURATION:
		return read_configuration(r, body, ret_value);
	case QUESTION_FIND:
		return read_found(r, body, ret_value);
	case QUESTION_DETAILS:
		return tmdb_read_details(r, body, ret_value);
	case QUESTION_BRIEF:
		return tmdb_read_brief(r, body, ret_value);
	case QUESTION_CREDITS:
		return tmdb_read_credits(r, body, ret_value);
	case QUESTION_VIDEOS:
		return tmdb_read_videos(r, body, ret_value);
	case QUESTION_WATCH_PROVIDERS:
		return tmdb_read_watch_providers(r, body, ret_value);
	default:
		return read_page(r, body, ret_value);
	}
}
