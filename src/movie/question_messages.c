/* The tables of what the movie service can be asked. Names and defaults are TMDB's where it has them. Limits stand here
 * and nowhere else; the documents and the 422 answers are made from them. */
#include "movie/question_messages.h"

#include "movie/message_fields.h"

#include <errno.h>

#define RUNTIME_ASKED_MAX 10000

const char *const question_includes[QUESTION_INCLUDES + 1] = {
	"credits",       "external_ids", "images", "keywords",        "recommendations",
	"release_dates", "similar",      "videos", "watch_providers", NULL,
};

/* ---- fields that several have ---- */

#define PAGE(in) \
	FIELD(in, page, SCHEMA_INT, 0, "Which page of 20 films.", "1", .min = 1, .max = CATALOGUE_PAGE_MAX, .def = "1")
#define YEAR(in, name_, doc_) \
	FIELD(in, name_, SCHEMA_INT, 0, doc_, "2010", .min = CATALOGUE_YEAR_MIN, .max = CATALOGUE_YEAR_MAX)
#define LANGUAGE(in)                                                                                           \
	FIELD(in, language, SCHEMA_LANGUAGE, 0,                                                                \
	      "Language of titles and texts (BCP 47); without it, what Accept-Language prefers. The built-in " \
	      "catalogue has one language only.",                                                              \
	      "\"en-US\"", .max = 35)
#define REGION(in, doc_) FIELD(in, region, SCHEMA_REGION, 0, doc_, "\"US\"", )
#define SHOWN_REGION(in) \
	REGION(in, "Country whose release date is shown (ISO 3166-1). The built-in catalogue has one date only.")
#define INCLUDE_ADULT(in)                                                                                             \
	FIELD(in, include_adult, SCHEMA_BOOL, 0, "Pornographic films too. The built-in catalogue has none.", "false", \
	      .def = "false")

/* ---- search ---- */

static const struct schema_field search_fields[] = {
	FIELD(question_search, query, SCHEMA_STRING, SCHEMA_REQUIRED | SCHEMA_TRIM,
	      "What to look for in titles. Case makes no difference. In the built-in catalogue accents and punctuation "
	      "make "
	      "none either, the last word may be unfinished, small typing errors are forgiven, and a year may stand "
	      "beside "
	      "the title.",
	      "\"inception\"", .min = 1, .max = CATALOGUE_QUERY_MAX),
	PAGE(question_search),
	YEAR(question_search, year, "Only films released in this year, in any country."),
	YEAR(question_search, primary_release_year, "Only films first released in this year."),
	LANGUAGE(question_search),
	SHOWN_REGION(question_search),
	INCLUDE_ADULT(question_search),
};
const struct schema question_search_schema =
        SCHEMA("MovieSearchQuery", struct question_search, search_fields, "A search for films.");

/* ---- discover ---- */

static const char *const sorts[] = {
	"popularity.desc",
	"popularity.asc",
	"primary_release_date.desc",
	"primary_release_date.asc",
	"vote_average.desc",
	"vote_average.asc",
	"vote_count.desc",
	"vote_count.asc",
	"revenue.desc",
	"revenue.asc",
	"title.asc",
	"title.desc",
	NULL,
};

#define IDS(name_, max_, doc_, example_) \
	FIELD(question_discover, name_, SCHEMA_ARRAY, 0, doc_, example_, .item = SCHEMA_INT, .max = (max_))
#define DATE(name_, doc_) FIELD(question_discover, name_, SCHEMA_DATE, 0, doc_, "\"2010-07-16\"", )
#define RATING(name_, doc_) FIELD(question_discover, name_, SCHEMA_NUMBER, 0, doc_, "7.5", .max = 10)
#define NUMBER(name_, max_, doc_, example_) \
	FIELD(question_discover, name_, SCHEMA_INT, 0, doc_, example_, .max = (max_))
#define UNKNOWN_HERE " The built-in catalogue does not know it of any film, and so has none to give."
#define UNKNOWN_OF_SOME " Films of which it is not known are left out."

static const struct schema_field discover_fields[] = {
	IDS(genre, 19, "Ids of genres, parted by commas: films that have all of them. See /api/v1/movies/genres.",
	    "[878]"),
	IDS(genre_any, 19,
	    "Ids of genres, parted by commas: films that have at least one of them. Not together with `genre`.",
	    "[28,12]"),
	YEAR(question_discover, year,
	     "Only films first released in this year. Not together with `year_from` or `year_to`."),
	YEAR(question_discover, year_from, "Only films first released in this year or later."),
	YEAR(question_discover, year_to, "Only films first released in this year or earlier."),
	DATE(release_date_from, "Only films first released on this day or later." UNKNOWN_OF_SOME),
	DATE(release_date_to, "Only films first released on this day or earlier." UNKNOWN_OF_SOME),
	RATING(vote_average_min, "Only films with at least this mean of the votes." UNKNOWN_HERE),
	RATING(vote_average_max, "Only films with at most this mean of the votes." UNKNOWN_HERE),
	NUMBER(vote_count_min, INT32_MAX, "Only films with at least so many votes." UNKNOWN_HERE, "100"),
	NUMBER(vote_count_max, INT32_MAX, "Only films with at most so many votes." UNKNOWN_HERE, "100000"),
	NUMBER(runtime_min, RUNTIME_ASKED_MAX, "Only films of at least so many minutes." UNKNOWN_OF_SOME, "90"),
	NUMBER(runtime_max, RUNTIME_ASKED_MAX, "Only films of at most so many minutes." UNKNOWN_OF_SOME, "150"),
	FIELD(question_discover, original_language, SCHEMA_STRING, 0,
	      "Only films made in this language (ISO 639-1)." UNKNOWN_HERE, "\"en\"", .max = 2, .pattern = "[a-z]{2}"),
	FIELD(question_discover, certification, SCHEMA_STRING, 0,
	      "Only films with this rating in `certification_country`. The built-in catalogue knows those of the "
	      "United "
	      "States.",
	      "\"PG-13\"", .max = 40, .pattern = "[^,|]+"),
	FIELD(question_discover, certification_country, SCHEMA_REGION, 0,
	      "Country of the `certification` (ISO 3166-1); without it, US.", "\"US\"", ),
	IDS(watch_provider, 20,
	    "Ids of watch providers, parted by commas: films that at least one of them shows in `watch_region`, which "
	    "must be given." UNKNOWN_HERE,
	    "[8]"),
	FIELD(question_discover, watch_region, SCHEMA_REGION, 0,
	      "Country of the `watch_provider` (ISO 3166-1). Alone: films that anybody shows there." UNKNOWN_HERE,
	      "\"US\"", ),
	INCLUDE_ADULT(question_discover),
	FIELD(question_discover, sort, SCHEMA_ENUM, 0,
	      "Order of the films. The built-in catalogue knows neither popularity nor votes nor revenue: films that a "
	      "hand-picked list has come first, newer ones before older ones; popularity.asc is the reverse.",
	      "\"popularity.desc\"", .values = sorts, .def = "\"popularity.desc\""),
	PAGE(question_discover),
	LANGUAGE(question_discover),
	SHOWN_REGION(question_discover),
};

/* What two parameters must not be to each other; the first one broken is told. */
struct rule {
	bool is_broken;
	const char *field;
	const char *message;
};

static int rules_check(const struct rule *rules, size_t n, const char **ret_field, const char **ret_message)
{
	for (size_t i = 0; i < n; i++) {
		if (!rules[i].is_broken)
			continue;
		*ret_field = rules[i].field;
		*ret_message = rules[i].message;
		return -EINVAL;
	}
	return 0;
}

static bool has_bad_id(const struct schema_array *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		if (((const int64_t *)ids->items)[i] < 1 || ((const int64_t *)ids->items)[i] > INT32_MAX)
			return true;
	return false;
}

static bool is_reversed(struct schema_int from, struct schema_int to)
{
	return from.is_set && to.is_set && from.value > to.value;
}

static bool is_reversed_number(struct schema_number from, struct schema_number to)
{
	return from.is_set && to.is_set && from.value > to.value;
}

/* Both are YYYY-MM-DD. */
static bool is_reversed_date(struct str from, struct str to)
{
	return !str_is_null(from) && !str_is_null(to) && memcmp(from.data, to.data, MIN(from.len, to.len)) > 0;
}

#define ID_RULE(name_)                                                   \
	{                                                                \
		has_bad_id(&q->name_), #name_, "ids are 1 to 2147483647" \
	}

static int discover_check(const void *value, struct arena *a, const char **ret_field, const char **ret_message)
{
	const struct question_discover *q = value;
	const struct rule rules[] = {
		ID_RULE(genre),
		ID_RULE(genre_any),
		ID_RULE(watch_provider),
		{ q->genre.n > 0 && q->genre_any.n > 0, "genre_any", "genre_any cannot be combined with genre" },
		{ q->year.is_set && (q->year_from.is_set || q->year_to.is_set), "year",
		  "year cannot be combined with year_from or year_to" },
		{ is_reversed(q->year_from, q->year_to), "year_to", "year_to is before year_from" },
		{ is_reversed_date(q->release_date_from, q->release_date_to), "release_date_to",
		  "release_date_to is before release_date_from" },
		{ is_reversed_number(q->vote_average_min, q->vote_average_max), "vote_average_max",
		  "vote_average_max is less than vote_average_min" },
		{ is_reversed(q->vote_count_min, q->vote_count_max), "vote_count_max",
		  "vote_count_max is less than vote_count_min" },
		{ is_reversed(q->runtime_min, q->runtime_max), "runtime_max", "runtime_max is less than runtime_min" },
		{ q->watch_provider.n > 0 && str_is_null(q->watch_region), "watch_region",
		  "watch_provider wants watch_region" },
		{ !str_is_null(q->certification_country) && str_is_null(q->certification), "certification",
		  "certification_country wants certification" },
	};

	(void)a;
	return rules_check(rules, ARRAY_SIZE(rules), ret_field, ret_message);
}

const struct schema question_discover_schema = {
	.name = "MovieDiscoverQuery",
	.doc = "A walk through the films.",
	.fields = discover_fields,
	.n_fields = ARRAY_SIZE(discover_fields),
	.size = sizeof(struct question_discover),
	.present_offset = SIZE_MAX,
	.check = discover_check,
};

/* ---- lists ---- */

static const struct schema_field list_fields[] = {
	PAGE(question_list),
	LANGUAGE(question_list),
	REGION(question_list,
	       "Country whose releases count (ISO 3166-1). The built-in catalogue knows those of one only."),
};
const struct schema question_list_schema =
        SCHEMA("MovieListQuery", struct question_list, list_fields, "Which page of a list.");

static const struct schema_field related_fields[] = { PAGE(question_list), LANGUAGE(question_list) };
const struct schema question_related_schema =
        SCHEMA("RelatedMoviesQuery", struct question_list, related_fields, "Which page of the films related to one.");

static const char *const windows[] = { "day", "week", NULL };

static const struct schema_field trending_fields[] = {
	FIELD(question_trending, window, SCHEMA_ENUM, 0, "Trending today, or this week.", "\"day\"", .values = windows,
	      .def = "\"day\""),
	PAGE(question_trending),
	LANGUAGE(question_trending),
};
const struct schema question_trending_schema =
        SCHEMA("TrendingQuery", struct question_trending, trending_fields, "Which page of the films that trend.");

/* ---- one film, and what has no pages ---- */

static const struct schema_field details_fields[] = {
	FIELD(question_details, include, SCHEMA_ARRAY, 0,
	      "What else to give, parted by commas: credits, external_ids, images, keywords, recommendations, "
	      "release_dates, "
	      "similar, videos, watch_providers.",
	      "[\"credits\",\"videos\"]", .item = SCHEMA_ENUM, .values = question_includes, .max = QUESTION_INCLUDES),
	LANGUAGE(question_details),
	REGION(question_details,
	       "Country whose certification is shown (ISO 3166-1), and whose watch_providers when they are asked for; "
	       "without it the certification is that of US, and the watch_providers are of all countries."),
};
const struct schema question_details_schema =
        SCHEMA("MovieDetailsQuery", struct question_details, details_fields, "What to tell of a film.");

static const struct schema_field language_fields[] = { LANGUAGE(question_place) };
const struct schema question_language_schema =
        SCHEMA("LanguageQuery", struct question_place, language_fields, "In which language.");

static const struct schema_field region_fields[] = {
	REGION(question_place, "Only those of this country (ISO 3166-1)."),
};
const struct schema question_region_schema =
        SCHEMA("WatchProvidersQuery", struct question_place, region_fields, "In which country.");

static const struct schema_field find_fields[] = {
	FIELD(question_find, imdb_id, SCHEMA_STRING, SCHEMA_REQUIRED, "IMDb's id of the film.", "\"tt1375666\"",
	      .min = 9, .max = 12, .pattern = "tt[0-9]{7,10}"),
	LANGUAGE(question_find),
};
const struct schema question_find_schema =
        SCHEMA("FindQuery", struct question_find, find_fields, "A film by its id at another site.");

static const struct schema_field path_fields[] = {
	ID(question_path, movie_id, SCHEMA_REQUIRED, "Id of the film.", "1000001429"),
};
const struct schema question_path_schema = SCHEMA("MoviePath", struct question_path, path_fields, "Which film.");
