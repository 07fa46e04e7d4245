/* Inside the movie room: what TMDB sends, for schema_parse_tolerant(), where it differs from what we answer. What has
 * the same shape is read by the tables of our replies (catalogue.h). */
#ifndef CINESYNC_MOVIE_TMDB_MESSAGES_H
#define CINESYNC_MOVIE_TMDB_MESSAGES_H

#include "movie/catalogue.h"

/* Longest path of an image and longest homepage that are answered; longer ones are read, to be told from cut ones. */
#define TMDB_PATH_MAX 200
#define TMDB_HOMEPAGE_MAX 2000

/* A page of films; results NULL: it sent none. */
struct tmdb_page {
	struct schema_array results; /* struct movie_item: no year, no URLs; the title may be null */
	struct schema_array sent;    /* struct tmdb_code, all null: as many as it sent, up to a page, good or not */
	struct schema_int total_pages;
	struct schema_int total_results;
	struct movie_dates *dates;
};

struct tmdb_found {
	struct schema_array movie_results; /* as tmdb_page.results */
};

/* {"results": […]} or {"keywords": […]}. */
struct tmdb_list {
	struct schema_array items;
};

/* An ISO code alone; lies in a list as struct str does. */
struct tmdb_code {
	struct str code;
};
static_assert(sizeof(struct tmdb_code) == sizeof(struct str), "a list of codes is a list of strings");

struct tmdb_details {
	struct movie_details film; /* what it has itself, and the parts that were sent, without URLs and sources */
	struct schema_array production_countries; /* struct tmdb_code */
	struct tmdb_page *recommendations;
	struct tmdb_page *similar;
	struct tmdb_list *release_dates; /* struct movie_release_region */
	struct tmdb_list *keywords;      /* struct movie_keyword */
};

struct tmdb_brief {
	int64_t id;
	struct str title;
	struct str original_title;
	struct str release_date;
	struct str poster_path;
};

struct tmdb_configuration {
	struct movie_image_configuration *images; /* the base may be null */
};

extern const struct schema tmdb_page_schema;
extern const struct schema tmdb_found_schema;
extern const struct schema tmdb_genres_schema;          /* struct tmdb_list of struct movie_genre */
extern const struct schema tmdb_credits_schema;         /* struct movie_credits, without profile */
extern const struct schema tmdb_videos_schema;          /* struct movie_videos, without url */
extern const struct schema tmdb_watch_providers_schema; /* struct movie_watch_providers, without logo */
extern const struct schema tmdb_details_schema;
extern const struct schema tmdb_brief_schema;
extern const struct schema tmdb_configuration_schema;

#endif
