/* Our questions in TMDB's words. A path is made of our own text, integers, and what is percent-encoded; every value in
 * a query is percent-encoded. Owns nothing, never yields. */
#include "movie/tmdb_query.h"

#include <inttypes.h>
#include <stdio.h>

#define LANGUAGE_SIZE 6 /* "pt-BR" */
#define DATE_SIZE 16

/* ---- parameters ---- */

static void add_name(struct buf *out, const char *name)
{
	if (out->len > 0)
		buf_addc(out, '&');
	buf_adds(out, name);
	buf_addc(out, '=');
}

/* Null: left out. As in the other ones, what is not set. */
static void add(struct buf *out, const char *name, struct str value)
{
	if (str_is_null(value))
		return;
	add_name(out, name);
	buf_add_percent(out, value);
}

static void add_int(struct buf *out, const char *name, struct schema_int value)
{
	if (!value.is_set)
		return;
	add_name(out, name);
	buf_add_int(out, value.value);
}

static void add_number(struct buf *out, const char *name, struct schema_number value)
{
	if (!value.is_set)
		return;
	add_name(out, name);
	buf_add_double(out, value.value);
}

static void add_bool(struct buf *out, const char *name, bool value)
{
	add_name(out, name);
	buf_adds(out, value ? "true" : "false");
}

static void add_page(struct buf *out, int64_t page)
{
	add_int(out, "page", (struct schema_int){ true, page });
}

static void add_ids(struct buf *out, const char *name, const struct schema_array *ids, const char *separator)
{
	if (ids->n == 0)
		return;
	add_name(out, name);
	for (size_t i = 0; i < ids->n; i++) {
		if (i > 0)
			buf_adds(out, separator);
		buf_add_int(out, ((const int64_t *)ids->items)[i]);
	}
}

/* ---- languages ---- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The first subtag of two letters at or after `from`, before any extension ("-u-…"); null: none. */
static struct str two_letters(struct str tag, size_t from)
{
	while (from < tag.len) {
		ptrdiff_t dash = str_index(tag, '-', from);
		size_t to = dash < 0 ? tag.len : (size_t)dash;

		if (to - from == 2 && is_letter(tag.data[from]) && is_letter(tag.data[from + 1]))
			return str_slice(tag, from, to);
		if (to - from < 2)
			break;
		from = to + 1;
	}
	return STR_NULL;
}

/* TMDB knows languages of two letters, with a country or without: "zh-Hant-TW" is asked for as "zh-TW". Others are not
 * asked for. Gives "" or the tag. */
static struct str language_part(struct str tag)
{
	struct str part = two_letters(tag, 0);

	return part.data == tag.data ? part : STR_NULL;
}

static void add_language(struct buf *out, struct str tag)
{
	struct str language = language_part(tag), country;
	char text[LANGUAGE_SIZE];

	if (str_is_null(language))
		return;
	country = two_letters(tag, language.len + 1);
	snprintf(text, sizeof(text), "%.2s%s%.*s", language.data, country.len ? "-" : "", STR_ARGS(country));
	add(out, "language", str_from(text));
}

/* Which languages of videos and images to give: the one asked for, then English; images without words too. */
static void add_languages(struct buf *out, const char *name, struct str tag, const char *others)
{
	struct str language = language_part(tag);
	bool is_english = str_is_null(language) || str_equal_nocase(language, STR("en"));

	add_name(out, name);
	if (!is_english) {
		buf_add_str(out, language);
		buf_addc(out, ',');
	}
	buf_adds(out, others);
}

static void add_video_languages(struct buf *out, struct str tag)
{
	add_languages(out, "include_video_language", tag, "en");
}

/* ---- kinds ---- */

static void add_search(const struct question *q, struct buf *out)
{
	const struct question_search *search = &q->of.search;

	add(out, "query", search->query);
	add_page(out, search->page);
	add_bool(out, "include_adult", search->include_adult);
	add_language(out, search->language);
	add(out, "region", search->region);
	add_int(out, "year", search->year);
	add_int(out, "primary_release_year", search->primary_release_year);
}

/* The narrower of a date and the first or last day of a year; either may be missing. */
static void add_date_limit(struct buf *out, const char *name, struct str date, struct schema_int year, bool is_least)
{
	char day[DATE_SIZE];
	struct str limit = STR_NULL;

	if (year.is_set) {
		snprintf(day, sizeof(day), "%04" PRId64 "-%s", year.value, is_least ? "01-01" : "12-31");
		limit = str_from(day);
	}
	if (str_is_null(limit) ||
	    (date.data && (memcmp(date.data, limit.data, MIN(date.len, limit.len)) > 0) == is_least))
		limit = date;
	add(out, name, limit);
}

static void add_dates(struct buf *out, const struct question_discover *discover)
{
	add_int(out, "primary_release_year", discover->year);
	add_date_limit(out, "primary_release_date.gte", discover->release_date_from, discover->year_from, true);
	add_date_limit(out, "primary_release_date.lte", discover->release_date_to, discover->year_to, false);
}

static void add_certification(struct buf *out, const struct question_discover *discover)
{
	if (str_is_null(discover->certification))
		return;
	add(out, "certification", discover->certification);
	add(out, "certification_country",
	    discover->certification_country.data ? discover->certification_country : STR("US"));
}

static void add_discover(const struct question *q, struct buf *out)
{
	const struct question_discover *discover = &q->of.discover;

	add(out, "sort_by", discover->sort);
	add_page(out, discover->page);
	add_bool(out, "include_adult", discover->include_adult);
	add_language(out, discover->language);
	add(out, "region", discover->region);
	if (discover->genre.n > 0)
		add_ids(out, "with_genres", &discover->genre, ",");
	else
		add_ids(out, "with_genres", &discover->genre_any, "%7C");
	add_dates(out, discover);
	add_number(out, "vote_average.gte", discover->vote_average_min);
	add_number(out, "vote_average.lte", discover->vote_average_max);
	add_int(out, "vote_count.gte", discover->vote_count_min);
	add_int(out, "vote_count.lte", discover->vote_count_max);
	add_int(out, "with_runtime.gte", discover->runtime_min);
	add_int(out, "with_runtime.lte", discover->runtime_max);
	add(out, "with_original_language", discover->original_language);
	add_certification(out, discover);
	add_ids(out, "with_watch_providers", &discover->watch_provider, "%7C");
	add(out, "watch_region", discover->watch_region);
}

static void add_list(const struct question *q, struct buf *out)
{
	add_page(out, q->of.list.page);
	add_language(out, q->of.list.language);
	add(out, "region", q->of.list.region);
}

static void add_related(const struct question *q, struct buf *out)
{
	add_page(out, q->of.list.page);
	add_language(out, q->of.list.language);
}

static void add_trending(const struct question *q, struct buf *out)
{
	add_page(out, q->of.trending.page);
	add_language(out, q->of.trending.language);
}

static void add_place(const struct question *q, struct buf *out)
{
	add_language(out, q->of.place.language);
}

static void add_videos(const struct question *q, struct buf *out)
{
	add_language(out, q->of.place.language);
	add_video_languages(out, q->of.place.language);
}

static void add_find(const struct question *q, struct buf *out)
{
	add(out, "external_source", STR("imdb_id"));
	add_language(out, q->of.find.language);
}

/* Directors and certification come from credits and release dates, so these are always asked for. */
static void add_details(const struct question *q, struct buf *out)
{
	struct str language = q->of.details.language;

	add_language(out, language);
	buf_adds(out, out->len > 0 ? "&append_to_response=credits,release_dates"
	                           : "append_to_response=credits,release_dates");
	for (const char *const *include = question_includes; *include; include++) {
		struct str name = str_from(*include);

		if (!question_has_include(q, *include) || str_equal(name, STR("credits")) ||
		    str_equal(name, STR("release_dates")))
			continue;
		buf_addc(out, ',');
		buf_adds(out, str_equal(name, STR("watch_providers")) ? "watch/providers" : *include);
	}
	if (question_has_include(q, "images"))
		add_languages(out, "include_image_language", language, "en,null");
	if (question_has_include(q, "videos"))
		add_video_languages(out, language);
}

static const struct {
	const char *path;                                             /* of what has an id: what comes before it */
	const char *tail;                                             /* and behind it */
	void (*add_query)(const struct question *q, struct buf *out); /* NULL: no parameters */
} kinds[QUESTION_KINDS] = {
	[QUESTION_SEARCH] = { "/search/movie", NULL, add_search },
	[QUESTION_DISCOVER] = { "/discover/movie", NULL, add_discover },
	[QUESTION_POPULAR] = { "/movie/popular", NULL, add_list },
	[QUESTION_TOP_RATED] = { "/movie/top_rated", NULL, add_list },
	[QUESTION_NOW_PLAYING] = { "/movie/now_playing", NULL, add_list },
	[QUESTION_UPCOMING] = { "/movie/upcoming", NULL, add_list },
	[QUESTION_TRENDING] = { "/trending/movie/", NULL, add_trending },
	[QUESTION_GENRES] = { "/genre/movie/list", NULL, add_place },
	[QUESTION_CONFIGURATION] = { "/configuration", NULL, NULL },
	[QUESTION_FIND] = { "/find/", NULL, add_find },
	[QUESTION_DETAILS] = { "/movie/", "", add_details },
	[QUESTION_CREDITS] = { "/movie/", "/credits", add_place },
	[QUESTION_VIDEOS] = { "/movie/", "/videos", add_videos },
	[QUESTION_WATCH_PROVIDERS] = { "/movie/", "/watch/providers", NULL },
	[QUESTION_RECOMMENDATIONS] = { "/movie/", "/recommendations", add_related },
	[QUESTION_SIMILAR] = { "/movie/", "/similar", add_related },
	[QUESTION_BRIEF] = { "/movie/", "", NULL },
};

static void add_path(const struct question *q, struct buf *out)
{
	buf_adds(out, kinds[q->kind].path);
	if (kinds[q->kind].tail) {
		buf_add_int(out, q->path.movie_id);
		buf_adds(out, kinds[q->kind].tail);
	}
	if (q->kind == QUESTION_TRENDING)
		buf_adds(out, str_equal(q->of.trending.window, STR("week")) ? "week" : "day");
	if (q->kind == QUESTION_FIND)
		buf_add_percent(out, q->of.find.imdb_id);
}

void tmdb_query(const struct question *q, struct buf *ret_path, struct buf *ret_query)
{
	assert(q->kind < QUESTION_KINDS);
	add_path(q, ret_path);
	if (kinds[q->kind].add_query)
		kinds[q->kind].add_query(q, ret_query);
}
