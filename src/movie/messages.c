/* The tables of what the movie service takes and gives. Limits stand here and nowhere else; the documents and the 422
 * answers are made from them. */
#include "movie/catalogue.h"

#include <errno.h>

#define AT(type, field) .offset = offsetof(struct type, field)
#define UNKNOWN_OK .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE

/* ---- fields that lists and details have in common ---- */

#define MOVIE_ID(in)                                                                                                \
	{                                                                                                           \
		.name = "id", .type = SCHEMA_INT, .flags = SCHEMA_REQUIRED, .min = 1, .max = INT32_MAX, AT(in, id), \
		.doc = "TMDB's id of the film; films of the built-in catalogue have ids from 1000000001 on.",       \
		.example = "1000001429"                                                                             \
	}
#define MOVIE_TITLE(in)                                                                                  \
	{                                                                                                \
		.name = "title", .type = SCHEMA_STRING, .flags = SCHEMA_REQUIRED, .min = 1, .max = 1000, \
		AT(in, title), .doc = "Title, in the language asked for where it is known.",             \
		.example = "\"Inception\""                                                               \
	}
#define MOVIE_NAMES(in)                                                                                        \
	{ .name = "original_title",                                                                            \
	  .type = SCHEMA_STRING,                                                                               \
	  UNKNOWN_OK,                                                                                          \
	  .max = 1000,                                                                                         \
	  AT(in, original_title),                                                                              \
	  .doc = "Title in the language it was made in.",                                                      \
	  .example = "\"Inception\"" },                                                                        \
	        { .name = "original_language",                                                                 \
		  .type = SCHEMA_STRING,                                                                       \
		  UNKNOWN_OK,                                                                                  \
		  .max = 16,                                                                                   \
		  AT(in, original_language),                                                                   \
		  .doc = "That language, ISO 639-1.",                                                          \
		  .example = "\"en\"" },                                                                       \
	{                                                                                                      \
		.name = "overview", .type = SCHEMA_STRING,                                                     \
		.flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE | SCHEMA_MULTILINE, .max = 10000, AT(in, overview), \
		.doc = "What it is about.",                                                                    \
		.example = "\"A thief who steals secrets from dreams is asked to plant one.\""                 \
	}
#define MOVIE_DATES(in)                                                                                               \
	{ .name = "release_date",                                                                                     \
	  .type = SCHEMA_DATE,                                                                                        \
	  UNKNOWN_OK,                                                                                                 \
	  AT(in, release_date),                                                                                       \
	  .doc = "First release.",                                                                                    \
	  .example = "\"2010-07-16\"" },                                                                              \
	{                                                                                                             \
		.name = "year", .type = SCHEMA_INT, UNKNOWN_OK, .min = CATALOGUE_YEAR_MIN, .max = 9999, AT(in, year), \
		.doc = "Year of the first release, which may be known when the day is not.", .example = "2010"        \
	}
#define MOVIE_IMAGES(in)                                                                                       \
	{ .name = "poster_path",                                                                               \
	  .type = SCHEMA_STRING,                                                                               \
	  UNKNOWN_OK,                                                                                          \
	  .max = 200,                                                                                          \
	  AT(in, poster_path),                                                                                 \
	  .doc = "Path of the poster at TMDB's image server.",                                                 \
	  .example = "\"/poster.jpg\"" },                                                                      \
	{                                                                                                      \
		.name = "backdrop_path", .type = SCHEMA_STRING, UNKNOWN_OK, .max = 200, AT(in, backdrop_path), \
		.doc = "Path of the backdrop there.", .example = "\"/backdrop.jpg\""                           \
	}
#define MOVIE_FIGURES(in)                                                                                             \
	{ .name = "adult",                                                                                            \
	  .type = SCHEMA_BOOL,                                                                                        \
	  UNKNOWN_OK,                                                                                                 \
	  AT(in, adult),                                                                                              \
	  .doc = "Pornographic.",                                                                                     \
	  .example = "false" },                                                                                       \
	        { .name = "video",                                                                                    \
		  .type = SCHEMA_BOOL,                                                                                \
		  UNKNOWN_OK,                                                                                         \
		  AT(in, video),                                                                                      \
		  .doc = "Not a film for cinemas but a recording.",                                                   \
		  .example = "false" },                                                                               \
	        { .name = "popularity",                                                                               \
		  .type = SCHEMA_NUMBER,                                                                              \
		  UNKNOWN_OK,                                                                                         \
		  AT(in, popularity),                                                                                 \
		  .doc = "TMDB's measure of present interest.",                                                       \
		  .example = "83.952" },                                                                              \
	        { .name = "vote_average",                                                                             \
		  .type = SCHEMA_NUMBER,                                                                              \
		  UNKNOWN_OK,                                                                                         \
		  .min = 0,                                                                                           \
		  .max = 10,                                                                                          \
		  AT(in, vote_average),                                                                               \
		  .doc = "Mean of the votes, 0 to 10.",                                                               \
		  .example = "8.4" },                                                                                 \
	{                                                                                                             \
		.name = "vote_count", .type = SCHEMA_INT, UNKNOWN_OK, .min = 0, .max = INT32_MAX, AT(in, vote_count), \
		.doc = "Number of votes.", .example = "36000"                                                         \
	}
#define MOVIE_SOURCE(in)                                                                                            \
	{                                                                                                           \
		.name = "source", .type = SCHEMA_ENUM, .flags = SCHEMA_REQUIRED, .values = sources, AT(in, source), \
		.doc = "Where the answer comes from: the built-in catalogue, or TMDB.", .example = "\"builtin\""    \
	}

static const char *const sources[] = { "builtin", "tmdb", NULL };

/* ---- lists ---- */

static const struct schema_field item_fields[] = {
	MOVIE_ID(movie_item),
	MOVIE_TITLE(movie_item),
	MOVIE_NAMES(movie_item),
	MOVIE_DATES(movie_item),
	{ .name = "genre_ids",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .item = SCHEMA_INT,
	  .max = 100,
	  AT(movie_item, genre_ids),
	  .doc = "Ids of its genres: see /api/v1/movies/genres.",
	  .example = "[28,878]" },
	MOVIE_IMAGES(movie_item),
	MOVIE_FIGURES(movie_item),
};
const struct schema movie_item_schema = SCHEMA("MovieListItem", struct movie_item, item_fields, "A film in a list.");

static const struct schema_field page_fields[] = {
	{ .name = "page",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = CATALOGUE_PAGE_MAX,
	  AT(movie_page, page),
	  .doc = "Which page this is.",
	  .example = "1" },
	{ .name = "results",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &movie_item_schema,
	  .max = CATALOGUE_PAGE_SIZE,
	  AT(movie_page, results),
	  .doc = "At most 20 films; none behind the last page." },
	{ .name = "total_pages",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 0,
	  .max = CATALOGUE_PAGE_MAX,
	  AT(movie_page, total_pages),
	  .doc = "Pages that can be asked for; 0 when nothing was found.",
	  .example = "1" },
	{ .name = "total_results",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 0,
	  .max = INT32_MAX,
	  AT(movie_page, total_results),
	  .doc = "Films found, on all pages.",
	  .example = "1" },
	MOVIE_SOURCE(movie_page),
};
const struct schema movie_page_schema = SCHEMA("MoviePage", struct movie_page, page_fields, "One page of films.");

/* ---- genres ---- */

static const struct schema_field genre_fields[] = {
	{ .name = "id",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = INT32_MAX,
	  AT(movie_genre, id),
	  .doc = "TMDB's id of the genre.",
	  .example = "878" },
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 100,
	  AT(movie_genre, name),
	  .doc = "Its name.",
	  .example = "\"Science Fiction\"" },
};
static const struct schema genre_schema = SCHEMA("Genre", struct movie_genre, genre_fields, "A genre.");

static const struct schema_field genres_fields[] = {
	{ .name = "genres",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &genre_schema,
	  .max = 100,
	  AT(movie_genres, genres),
	  .doc = "All genres." },
	MOVIE_SOURCE(movie_genres),
};
const struct schema movie_genres_schema =
        SCHEMA("GenreList", struct movie_genres, genres_fields, "The genres that films have.");

/* ---- one film ---- */

static const struct schema_field company_fields[] = {
	{ .name = "id",
	  .type = SCHEMA_INT,
	  UNKNOWN_OK,
	  .min = 1,
	  .max = INT32_MAX,
	  AT(movie_company, id),
	  .doc = "TMDB's id of the company.",
	  .example = "923" },
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 500,
	  AT(movie_company, name),
	  .doc = "Its name.",
	  .example = "\"Warner Bros.\"" },
};
static const struct schema company_schema =
        SCHEMA("Company", struct movie_company, company_fields, "A company behind a film.");

#define STRING_OR_NULL(name_, field_, max_, doc_, example_)                                                   \
	{                                                                                                     \
		.name = (name_), .type = SCHEMA_STRING, UNKNOWN_OK, .max = (max_), AT(movie_details, field_), \
		.doc = (doc_), .example = (example_)                                                          \
	}
#define AMOUNT_OR_NULL(name_, field_, doc_, example_)                                        \
	{                                                                                    \
		.name = (name_), .type = SCHEMA_INT, UNKNOWN_OK, .min = 0, .max = INT64_MAX, \
		AT(movie_details, field_), .doc = (doc_), .example = (example_)              \
	}
#define STRINGS(name_, field_, doc_, example_)                                                                      \
	{                                                                                                           \
		.name = (name_), .type = SCHEMA_ARRAY, .flags = SCHEMA_REQUIRED, .item = SCHEMA_STRING, .max = 200, \
		AT(movie_details, field_), .doc = (doc_), .example = (example_)                                     \
	}

static const struct schema_field details_fields[] = {
	MOVIE_ID(movie_details),
	MOVIE_TITLE(movie_details),
	MOVIE_NAMES(movie_details),
	STRING_OR_NULL("tagline", tagline, 1000, "What the posters said.", "\"Your mind is the scene of the crime.\""),
	MOVIE_DATES(movie_details),
	STRING_OR_NULL("status", status, 40, "Rumored, Planned, In Production, Post Production, Released or Canceled.",
	               "\"Released\""),
	AMOUNT_OR_NULL("runtime", runtime, "Minutes.", "148"),
	AMOUNT_OR_NULL("budget", budget, "US dollars.", "160000000"),
	AMOUNT_OR_NULL("revenue", revenue, "US dollars.", "839030630"),
	{ .name = "genres",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &genre_schema,
	  .max = 100,
	  AT(movie_details, genres),
	  .doc = "Its genres." },
	STRINGS("directors", directors, "Who directed it.", "[\"Christopher Nolan\"]"),
	{ .name = "production_companies",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &company_schema,
	  .max = 200,
	  AT(movie_details, production_companies),
	  .doc = "Companies behind it; in the built-in catalogue its distributor in the United States." },
	STRINGS("spoken_languages", spoken_languages, "Languages spoken in it, ISO 639-1; empty when unknown.",
	        "[\"en\",\"fr\",\"ja\"]"),
	STRINGS("origin_country", origin_country, "Where it was made, ISO 3166-1; empty when unknown.",
	        "[\"US\",\"GB\"]"),
	STRING_OR_NULL("certification", certification, 40, "For whom it is fit, as the United States rate it.",
	               "\"PG-13\""),
	STRING_OR_NULL("homepage", homepage, 2000, "Its own page.", "\"https://www.example.com/\""),
	STRING_OR_NULL("imdb_id", imdb_id, 20, "IMDb's id of the film.", "\"tt1375666\""),
	MOVIE_IMAGES(movie_details),
	MOVIE_FIGURES(movie_details),
	MOVIE_SOURCE(movie_details),
};
const struct schema movie_details_schema =
        SCHEMA("Movie", struct movie_details, details_fields, "All that is known of a film.");

static const struct schema_field brief_fields[] = {
	MOVIE_ID(movie_brief),
	MOVIE_TITLE(movie_brief),
	{ .name = "year",
	  .type = SCHEMA_INT,
	  UNKNOWN_OK,
	  .min = CATALOGUE_YEAR_MIN,
	  .max = 9999,
	  AT(movie_brief, year),
	  .doc = "Year of the first release.",
	  .example = "2010" },
	{ .name = "poster_path",
	  .type = SCHEMA_STRING,
	  UNKNOWN_OK,
	  .max = 200,
	  AT(movie_brief, poster_path),
	  .doc = "Path of the poster at TMDB's image server.",
	  .example = "\"/poster.jpg\"" },
};
const struct schema movie_brief_schema =
        SCHEMA("MovieBrief", struct movie_brief, brief_fields, "What a list of favourites shows of a film.");

/* ---- what is asked ---- */

#define PAGE(in)                                                                                                   \
	{                                                                                                          \
		.name = "page", .type = SCHEMA_INT, .min = 1, .max = CATALOGUE_PAGE_MAX, .def = "1", AT(in, page), \
		.doc = "Which page of 20 films.", .example = "1"                                                   \
	}
#define YEAR(in, name_, doc_)                                                                             \
	{                                                                                                 \
		.name = #name_, .type = SCHEMA_INT, .min = CATALOGUE_YEAR_MIN, .max = CATALOGUE_YEAR_MAX, \
		AT(in, name_), .doc = (doc_), .example = "2010"                                           \
	}
#define LANGUAGE(in)                                                                                           \
	{                                                                                                      \
		.name = "language", .type = SCHEMA_LANGUAGE, .max = 35, AT(in, language),                      \
		.doc = "Language of titles and texts (BCP 47). The built-in catalogue has one language only.", \
		.example = "\"en-US\""                                                                         \
	}
#define REGION(in)                                                                                                    \
	{                                                                                                             \
		.name = "region", .type = SCHEMA_REGION, AT(in, region),                                              \
		.doc = "Country whose release date is shown (ISO 3166-1). The built-in catalogue has one date only.", \
		.example = "\"US\""                                                                                   \
	}

static const struct schema_field search_fields[] = {
	{ .name = "query",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_TRIM,
	  .min = 1,
	  .max = CATALOGUE_QUERY_MAX,
	  AT(catalogue_search, query),
	  .doc = "What to look for in titles. Case, accents and punctuation make no difference, the last word may be "
	         "unfinished, small typing errors are forgiven, and a year may stand beside the title.",
	  .example = "\"inception\"" },
	PAGE(catalogue_search),
	YEAR(catalogue_search, year, "Only films released in this year, in any country."),
	YEAR(catalogue_search, primary_release_year, "Only films first released in this year."),
	LANGUAGE(catalogue_search),
	REGION(catalogue_search),
	{ .name = "include_adult",
	  .type = SCHEMA_BOOL,
	  .def = "false",
	  AT(catalogue_search, include_adult),
	  .doc = "Pornographic films too. The built-in catalogue has none.",
	  .example = "false" },
};
const struct schema catalogue_search_schema =
        SCHEMA("MovieSearchQuery", struct catalogue_search, search_fields, "A search for films.");

static const char *const sorts[] = {
	"popularity.desc", "primary_release_date.desc", "primary_release_date.asc", "title.asc", "title.desc", NULL
};

static const struct schema_field discover_fields[] = {
	{ .name = "genre",
	  .type = SCHEMA_ARRAY,
	  .item = SCHEMA_INT,
	  .max = 19,
	  AT(catalogue_discover, genre),
	  .doc = "Ids of genres, parted by commas: films that have all of them.",
	  .example = "[878]" },
	YEAR(catalogue_discover, year_from, "Only films released in this year or later."),
	YEAR(catalogue_discover, year_to, "Only films released in this year or earlier."),
	{ .name = "sort",
	  .type = SCHEMA_ENUM,
	  .values = sorts,
	  .def = "\"popularity.desc\"",
	  AT(catalogue_discover, sort),
	  .doc = "Order of the films. The built-in catalogue knows no popularity: films that a hand-picked list "
	         "has come first, newer ones before older ones." },
	PAGE(catalogue_discover),
	LANGUAGE(catalogue_discover),
	REGION(catalogue_discover),
};

static int discover_check(const void *value, struct arena *a, const char **ret_field, const char **ret_message)
{
	const struct catalogue_discover *q = value;
	const int64_t *genres = q->genre.items;

	(void)a;
	for (size_t i = 0; i < q->genre.n; i++) {
		if (genres[i] >= 1 && genres[i] <= INT32_MAX)
			continue;
		*ret_field = "genre";
		*ret_message = "Genre ids are 1 to 2147483647";
		return -EINVAL;
	}
	if (!q->year_from.is_set || !q->year_to.is_set || q->year_from.value <= q->year_to.value)
		return 0;
	*ret_field = "year_to";
	*ret_message = "year_to is before year_from";
	return -EINVAL;
}

const struct schema catalogue_discover_schema = {
	.name = "MovieDiscoverQuery",
	.doc = "A walk through the films.",
	.fields = discover_fields,
	.n_fields = ARRAY_SIZE(discover_fields),
	.size = sizeof(struct catalogue_discover),
	.present_offset = SIZE_MAX,
	.check = discover_check,
};

static const struct schema_field path_fields[] = {
	{ .name = "movie_id",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = INT32_MAX,
	  AT(movie_path, movie_id),
	  .doc = "Id of the film.",
	  .example = "1000001429" },
};
const struct schema movie_path_schema = SCHEMA("MoviePath", struct movie_path, path_fields, "Which film.");

static const struct schema_field language_fields[] = { LANGUAGE(movie_language) };
const struct schema movie_language_schema =
        SCHEMA("MovieLanguageQuery", struct movie_language, language_fields, "In which language.");
