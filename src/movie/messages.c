/* The tables of what the movie service gives: lists, one film, genres. messages_parts.c has the parts that a film can
 * be asked for. Limits stand in these tables and nowhere else; the documents are made from them. */
#include "movie/message_fields.h"

#define YEAR_REPLY_MAX 9999

const char *const movie_sources[] = { "builtin", "tmdb", "local", NULL };

/* ---- fields that lists and details have in common ---- */

#define MOVIE_TITLE(in) WORD(in, title, 1000, "Title, in the language asked for where it is known.", "\"Inception\"")
#define MOVIE_NAMES(in)                                                                                   \
	TEXT_OR_NULL(in, original_title, 1000, "Title in the language it was made in.", "\"Inception\""), \
	        TEXT_OR_NULL(in, original_language, 16, "That language, ISO 639-1.", "\"en\""),           \
	        FIELD(in, overview, SCHEMA_STRING, OR_NULL | SCHEMA_MULTILINE, "What it is about.",       \
	              "\"A thief who steals secrets from dreams is asked to plant one.\"", .max = 10000)
#define MOVIE_YEAR(in)                                                                                             \
	FIELD(in, year, SCHEMA_INT, OR_NULL, "Year of the first release, which may be known when the day is not.", \
	      "2010", .min = CATALOGUE_YEAR_MIN, .max = YEAR_REPLY_MAX)
#define MOVIE_DATE(in) FIELD(in, release_date, SCHEMA_DATE, OR_NULL, "First release.", "\"2010-07-16\"", )
#define POSTER_PATH(in) \
	TEXT_OR_NULL(in, poster_path, 200, "Path of the poster at TMDB's image server.", "\"/poster.jpg\"")
#define BACKDROP_PATH(in) TEXT_OR_NULL(in, backdrop_path, 200, "Path of the backdrop there.", "\"/backdrop.jpg\"")
#define MOVIE_IMAGES(in)                                                                                   \
	POSTER_PATH(in), BACKDROP_PATH(in),                                                                \
	        PART_OR_NULL(in, poster, movie_poster_schema, "The poster in several sizes; null: none."), \
	        PART_OR_NULL(in, backdrop, movie_backdrop_schema, "The backdrop in several sizes; null: none.")
#define MOVIE_FIGURES(in)                                                                                         \
	FIELD(in, adult, SCHEMA_BOOL, OR_NULL, "Pornographic.", "false", ),                                       \
	        FIELD(in, video, SCHEMA_BOOL, OR_NULL, "Not a film for cinemas but a recording.", "false", ),     \
	        FIELD(in, popularity, SCHEMA_NUMBER, OR_NULL, "TMDB's measure of present interest.", "83.952", ), \
	        FIELD(in, vote_average, SCHEMA_NUMBER, OR_NULL, "Mean of the votes, 0 to 10.", "8.4", .max = 10), \
	        COUNT_OR_NULL(in, vote_count, INT32_MAX, "Number of votes.", "36000")

/* ---- lists ---- */

static const struct schema_field item_fields[] = {
	MOVIE_ID(movie_item),
	MOVIE_TITLE(movie_item),
	MOVIE_NAMES(movie_item),
	MOVIE_DATE(movie_item),
	MOVIE_YEAR(movie_item),
	FIELD(movie_item, genre_ids, SCHEMA_ARRAY, GIVEN, "Ids of its genres: see /api/v1/movies/genres.", "[28,878]",
	      .item = SCHEMA_INT, .max = 100),
	MOVIE_IMAGES(movie_item),
	MOVIE_FIGURES(movie_item),
};
const struct schema movie_item_schema = SCHEMA("MovieListItem", struct movie_item, item_fields, "A film in a list.");

static const struct schema_field dates_fields[] = {
	FIELD(movie_dates, minimum, SCHEMA_DATE, OR_NULL, "First day.", "\"2026-10-14\"", ),
	FIELD(movie_dates, maximum, SCHEMA_DATE, OR_NULL, "Last day.", "\"2026-11-25\"", ),
};
static const struct schema dates_schema =
        SCHEMA("DateRange", struct movie_dates, dates_fields, "The days of release that a list covers.");

static const struct schema_field page_fields[] = {
	FIELD(movie_page, page, SCHEMA_INT, GIVEN, "Which page this is.", "1", .min = 1, .max = CATALOGUE_PAGE_MAX),
	LIST(movie_page, results, GIVEN, movie_item_schema, CATALOGUE_PAGE_SIZE,
	     "At most 20 films; none behind the last page."),
	FIELD(movie_page, total_pages, SCHEMA_INT, GIVEN, "Pages that can be asked for; 0 when nothing was found.", "1",
	      .max = CATALOGUE_PAGE_MAX),
	FIELD(movie_page, total_results, SCHEMA_INT, GIVEN, "Films found, on all pages.", "1", .max = INT32_MAX),
	PART_OR_NULL(movie_page, dates, dates_schema,
	             "What TMDB's lists of films now playing and upcoming cover; null in all other lists."),
	SOURCE(movie_page),
};
const struct schema movie_page_schema = SCHEMA("MoviePage", struct movie_page, page_fields, "One page of films.");

static const struct schema_field found_fields[] = {
	LIST(movie_found, results, GIVEN, movie_item_schema, CATALOGUE_PAGE_SIZE, "The film, or nothing."),
	SOURCE(movie_found),
};
const struct schema movie_found_schema =
        SCHEMA("FoundMovies", struct movie_found, found_fields, "What was found under an id of another site.");

/* ---- genres ---- */

static const struct schema_field genre_fields[] = {
	ID(movie_genre, id, GIVEN, "TMDB's id of the genre.", "878"),
	WORD(movie_genre, name, 100, "Its name, in the language asked for where it is known.", "\"Science Fiction\""),
};
const struct schema movie_genre_schema = SCHEMA("Genre", struct movie_genre, genre_fields, "A genre.");

static const struct schema_field genres_fields[] = {
	LIST(movie_genres, genres, GIVEN, movie_genre_schema, 100, "All genres."),
	SOURCE(movie_genres),
};
const struct schema movie_genres_schema =
        SCHEMA("GenreList", struct movie_genres, genres_fields, "The genres that films have.");

/* ---- one film ---- */

#define INCLUDED " Null when `include` did not ask for it."

static const struct schema_field details_fields[] = {
	MOVIE_ID(movie_details),
	MOVIE_TITLE(movie_details),
	MOVIE_NAMES(movie_details),
	FIELD(movie_details, tagline, SCHEMA_STRING, OR_NULL | SCHEMA_MULTILINE, "What the posters said.",
	      "\"Your mind is the scene of the crime.\"", .max = 1000),
	MOVIE_DATE(movie_details),
	MOVIE_YEAR(movie_details),
	TEXT_OR_NULL(movie_details, status, 40,
	             "Rumored, Planned, In Production, Post Production, Released or Canceled.", "\"Released\""),
	COUNT_OR_NULL(movie_details, runtime, INT32_MAX, "Minutes.", "148"),
	COUNT_OR_NULL(movie_details, budget, INT64_MAX, "US dollars.", "160000000"),
	COUNT_OR_NULL(movie_details, revenue, INT64_MAX, "US dollars.", "839030630"),
	LIST(movie_details, genres, GIVEN, movie_genre_schema, 100, "Its genres."),
	STRINGS(movie_details, directors, 200, "Who directed it; empty when unknown.", "[\"Christopher Nolan\"]"),
	LIST(movie_details, production_companies, GIVEN, movie_company_schema, 200,
	     "Companies behind it; in the built-in catalogue its distributor in the United States."),
	STRINGS(movie_details, spoken_languages, 200, "Languages spoken in it, ISO 639-1; empty when unknown.",
	        "[\"en\",\"fr\",\"ja\"]"),
	STRINGS(movie_details, origin_country, 200, "Where it was made, ISO 3166-1; empty when unknown.",
	        "[\"US\",\"GB\"]"),
	PART_OR_NULL(movie_details, belongs_to_collection, movie_collection_schema,
	             "The series of films it is part of; null: none is known."),
	TEXT_OR_NULL(
	        movie_details, certification, 40,
	        "For whom it is fit, as it is rated in the region asked for, or in the United States when none is.",
	        "\"PG-13\""),
	TEXT_OR_NULL(movie_details, homepage, 2000, "Its own page.", "\"https://www.example.com/\""),
	TEXT_OR_NULL(movie_details, imdb_id, 20, "IMDb's id of the film.", "\"tt1375666\""),
	MOVIE_IMAGES(movie_details),
	MOVIE_FIGURES(movie_details),
	PART_OR_NULL(movie_details, credits, movie_credits_schema, "Who made it." INCLUDED),
	PART_OR_NULL(movie_details, videos, movie_videos_schema, "Trailers and the like." INCLUDED),
	PART_OR_NULL(movie_details, recommendations, movie_page_schema,
	             "The first page of films that those who like it like." INCLUDED),
	PART_OR_NULL(movie_details, similar, movie_page_schema, "The first page of films like it." INCLUDED),
	PART_OR_NULL(movie_details, images, movie_images_schema, "Its pictures." INCLUDED),
	PART_OR_NULL(movie_details, watch_providers, movie_watch_providers_schema, "Where it can be seen." INCLUDED),
	PART_OR_NULL(movie_details, external_ids, movie_external_ids_schema, "Its ids at other sites." INCLUDED),
	LIST(movie_details, release_dates, OR_NULL, movie_release_region_schema, 300,
	     "Its releases, country by country." INCLUDED),
	LIST(movie_details, keywords, OR_NULL, movie_keyword_schema, 500, "What it deals with." INCLUDED),
	SOURCE(movie_details),
};
const struct schema movie_details_schema =
        SCHEMA("Movie", struct movie_details, details_fields, "All that is known of a film.");

static const struct schema_field brief_fields[] = {
	MOVIE_ID(movie_brief),
	MOVIE_TITLE(movie_brief),
	MOVIE_YEAR(movie_brief),
	POSTER_PATH(movie_brief),
};
const struct schema movie_brief_schema =
        SCHEMA("MovieBrief", struct movie_brief, brief_fields, "What a list of favourites shows of a film.");
