/* The tables of what TMDB sends. Names are TMDB's, limits those of our replies (messages.c, messages_parts.c), so that
 * what was read can be answered; what may not be missing is only what an answer is worth nothing without. */
#include "movie/tmdb_messages.h"

#define CAST_MAX 1000
#define CREW_MAX 2000
#define IMAGES_MAX 50 /* of each kind; TMDB sends the best first */

/* ---- rows ---- */

#define ROW(in, field_, name_, type_, flags_, ...)                                                          \
	{                                                                                                   \
		.name = (name_), .type = (type_), .flags = (flags_), .offset = offsetof(struct in, field_), \
		__VA_ARGS__                                                                                 \
	}
#define NEEDED SCHEMA_REQUIRED
#define MAYBE SCHEMA_NULLABLE

#define ID(in, field_, name_, flags_) ROW(in, field_, name_, SCHEMA_INT, flags_, .min = 1, .max = INT32_MAX)
#define COUNT(in, field_, name_, max_) ROW(in, field_, name_, SCHEMA_INT, MAYBE, .min = 0, .max = (max_))
#define TEXT(in, field_, name_, max_) ROW(in, field_, name_, SCHEMA_STRING, MAYBE, .max = (max_))
#define LINES(in, field_, name_, max_) ROW(in, field_, name_, SCHEMA_STRING, MAYBE | SCHEMA_MULTILINE, .max = (max_))
#define WORD(in, field_, name_, max_) ROW(in, field_, name_, SCHEMA_STRING, NEEDED, .min = 1, .max = (max_))
#define PATH(in, field_, name_) TEXT(in, field_, name_, TMDB_PATH_MAX + 1)
#define LIST(in, field_, name_, schema_, max_) \
	ROW(in, field_, name_, SCHEMA_ARRAY, 0, .schema = &(schema_), .max = (max_))
#define PART(in, field_, name_, schema_) ROW(in, field_, name_, SCHEMA_OBJECT, MAYBE, .schema = &(schema_))

/* What items of lists and details have in common; `at` leads to the film in the struct. */
#define FILM(in, at)                                                                                                \
	ID(in, at id, "id", NEEDED), TEXT(in, at title, "title", 1000),                                             \
	        TEXT(in, at original_title, "original_title", 1000),                                                \
	        TEXT(in, at original_language, "original_language", 16), LINES(in, at overview, "overview", 10000), \
	        ROW(in, at release_date, "release_date", SCHEMA_DATE, MAYBE, ),                                     \
	        PATH(in, at poster_path, "poster_path"), PATH(in, at backdrop_path, "backdrop_path"),               \
	        ROW(in, at adult, "adult", SCHEMA_BOOL, MAYBE, ), ROW(in, at video, "video", SCHEMA_BOOL, MAYBE, ), \
	        ROW(in, at popularity, "popularity", SCHEMA_NUMBER, MAYBE, ),                                       \
	        ROW(in, at vote_average, "vote_average", SCHEMA_NUMBER, MAYBE, .max = 10),                          \
	        COUNT(in, at vote_count, "vote_count", INT32_MAX)

/* ---- lists ---- */

static const struct schema_field item_fields[] = {
	FILM(movie_item, ),
	ROW(movie_item, genre_ids, "genre_ids", SCHEMA_ARRAY, 0, .item = SCHEMA_INT, .max = 100),
};
static const struct schema item_schema = SCHEMA("", struct movie_item, item_fields, NULL);

static const struct schema_field dates_fields[] = {
	ROW(movie_dates, minimum, "minimum", SCHEMA_DATE, NEEDED, ),
	ROW(movie_dates, maximum, "maximum", SCHEMA_DATE, NEEDED, ),
};
static const struct schema dates_schema = SCHEMA("", struct movie_dates, dates_fields, NULL);

/* Takes any object, to count them. */
static const struct schema_field anything_fields[] = {
	ROW(tmdb_code, code, "", SCHEMA_REGION, MAYBE, ),
};
static const struct schema anything_schema = SCHEMA("", struct tmdb_code, anything_fields, NULL);

static const struct schema_field page_fields[] = {
	LIST(tmdb_page, results, "results", item_schema, CATALOGUE_PAGE_SIZE),
	LIST(tmdb_page, sent, "results", anything_schema, CATALOGUE_PAGE_SIZE),
	COUNT(tmdb_page, total_pages, "total_pages", INT32_MAX),
	COUNT(tmdb_page, total_results, "total_results", INT32_MAX),
	PART(tmdb_page, dates, "dates", dates_schema),
};
const struct schema tmdb_page_schema = SCHEMA("", struct tmdb_page, page_fields, NULL);

static const struct schema_field found_fields[] = {
	LIST(tmdb_found, movie_results, "movie_results", item_schema, CATALOGUE_PAGE_SIZE),
};
const struct schema tmdb_found_schema = SCHEMA("", struct tmdb_found, found_fields, NULL);

static const struct schema_field genres_fields[] = {
	LIST(tmdb_list, items, "genres", movie_genre_schema, 100),
};
const struct schema tmdb_genres_schema = SCHEMA("", struct tmdb_list, genres_fields, NULL);

/* ---- people ---- */

#define PERSON(in)                                                                                           \
	ID(in, id, "id", MAYBE), WORD(in, name, "name", 500), TEXT(in, original_name, "original_name", 500), \
	        TEXT(in, credit_id, "credit_id", 40), PATH(in, profile_path, "profile_path")

static const struct schema_field cast_fields[] = {
	PERSON(movie_cast),
	TEXT(movie_cast, character, "character", 1000),
	COUNT(movie_cast, order, "order", INT32_MAX),
};
static const struct schema cast_schema = SCHEMA("", struct movie_cast, cast_fields, NULL);

static const struct schema_field crew_fields[] = {
	PERSON(movie_crew),
	TEXT(movie_crew, job, "job", 200),
	TEXT(movie_crew, department, "department", 200),
};
static const struct schema crew_schema = SCHEMA("", struct movie_crew, crew_fields, NULL);

static const struct schema_field credits_fields[] = {
	LIST(movie_credits, cast, "cast", cast_schema, CAST_MAX),
	LIST(movie_credits, crew, "crew", crew_schema, CREW_MAX),
};
const struct schema tmdb_credits_schema = SCHEMA("", struct movie_credits, credits_fields, NULL);

/* ---- videos and images ---- */

static const struct schema_field video_fields[] = {
	TEXT(movie_video, id, "id", 40),
	TEXT(movie_video, name, "name", 1000),
	WORD(movie_video, key, "key", 200),
	TEXT(movie_video, site, "site", 100),
	TEXT(movie_video, type, "type", 100),
	ROW(movie_video, official, "official", SCHEMA_BOOL, MAYBE, ),
	COUNT(movie_video, size, "size", INT32_MAX),
	TEXT(movie_video, language, "iso_639_1", 16),
	ROW(movie_video, region, "iso_3166_1", SCHEMA_REGION, MAYBE, ),
	ROW(movie_video, published_at, "published_at", SCHEMA_DATETIME, MAYBE, ),
};
static const struct schema video_schema = SCHEMA("", struct movie_video, video_fields, NULL);

static const struct schema_field videos_fields[] = {
	LIST(movie_videos, results, "results", video_schema, 1000),
};
const struct schema tmdb_videos_schema = SCHEMA("", struct movie_videos, videos_fields, NULL);

static const struct schema_field image_fields[] = {
	WORD(movie_image, file_path, "file_path", TMDB_PATH_MAX + 1),
	COUNT(movie_image, width, "width", INT32_MAX),
	COUNT(movie_image, height, "height", INT32_MAX),
	ROW(movie_image, aspect_ratio, "aspect_ratio", SCHEMA_NUMBER, MAYBE, .max = 1000),
	TEXT(movie_image, language, "iso_639_1", 16),
	ROW(movie_image, vote_average, "vote_average", SCHEMA_NUMBER, MAYBE, .max = 10),
	COUNT(movie_image, vote_count, "vote_count", INT32_MAX),
};
static const struct schema image_schema = SCHEMA("", struct movie_image, image_fields, NULL);

static const struct schema_field images_fields[] = {
	LIST(movie_images, backdrops, "backdrops", image_schema, IMAGES_MAX),
	LIST(movie_images, posters, "posters", image_schema, IMAGES_MAX),
	LIST(movie_images, logos, "logos", image_schema, IMAGES_MAX),
};
static const struct schema images_schema = SCHEMA("", struct movie_images, images_fields, NULL);

/* ---- where to see it ---- */

static const struct schema_field provider_fields[] = {
	ID(movie_provider, provider_id, "provider_id", NEEDED),
	WORD(movie_provider, provider_name, "provider_name", 200),
	PATH(movie_provider, logo_path, "logo_path"),
	COUNT(movie_provider, display_priority, "display_priority", INT32_MAX),
};
static const struct schema provider_schema = SCHEMA("", struct movie_provider, provider_fields, NULL);

#define OFFER(name_) LIST(movie_provider_region, name_, #name_, provider_schema, 200)

/* The country is the name of the member that this is. */
static const struct schema_field provider_region_fields[] = {
	ROW(movie_provider_region, region, "", SCHEMA_REGION, NEEDED, ),
	ROW(movie_provider_region, link, "link", SCHEMA_URI, MAYBE, .max = 500),
	OFFER(flatrate),
	OFFER(free),
	OFFER(ads),
	OFFER(rent),
	OFFER(buy),
};
static const struct schema provider_region_schema =
        SCHEMA("", struct movie_provider_region, provider_region_fields, NULL);

static const struct schema_field watch_providers_fields[] = {
	ROW(movie_watch_providers, results, "results", SCHEMA_ARRAY, SCHEMA_BY_NAME, .schema = &provider_region_schema,
	    .max = 300),
};
const struct schema tmdb_watch_providers_schema =
        SCHEMA("", struct movie_watch_providers, watch_providers_fields, NULL);

/* ---- releases and keywords ---- */

static const struct schema_field release_fields[] = {
	ROW(movie_release, release_date, "release_date", SCHEMA_DATETIME, MAYBE, ),
	ROW(movie_release, type, "type", SCHEMA_INT, MAYBE, .min = 1, .max = 6),
	TEXT(movie_release, certification, "certification", 40),
	TEXT(movie_release, language, "iso_639_1", 16),
	TEXT(movie_release, note, "note", 1000),
};
static const struct schema release_schema = SCHEMA("", struct movie_release, release_fields, NULL);

static const struct schema_field release_region_fields[] = {
	ROW(movie_release_region, region, "iso_3166_1", SCHEMA_REGION, NEEDED, ),
	LIST(movie_release_region, release_dates, "release_dates", release_schema, 100),
};
static const struct schema release_region_schema = SCHEMA("", struct movie_release_region, release_region_fields, NULL);

static const struct schema_field releases_fields[] = {
	LIST(tmdb_list, items, "results", release_region_schema, 300),
};
static const struct schema releases_schema = SCHEMA("", struct tmdb_list, releases_fields, NULL);

static const struct schema_field keywords_fields[] = {
	LIST(tmdb_list, items, "keywords", movie_keyword_schema, 500),
};
static const struct schema keywords_schema = SCHEMA("", struct tmdb_list, keywords_fields, NULL);

/* ---- one film ---- */

static const struct schema_field country_fields[] = {
	ROW(tmdb_code, code, "iso_3166_1", SCHEMA_REGION, NEEDED, ),
};
static const struct schema country_schema = SCHEMA("", struct tmdb_code, country_fields, NULL);

static const struct schema_field language_fields[] = {
	WORD(tmdb_code, code, "iso_639_1", 16),
};
static const struct schema language_schema = SCHEMA("", struct tmdb_code, language_fields, NULL);

static const struct schema_field details_fields[] = {
	FILM(tmdb_details, film.),
	LINES(tmdb_details, film.tagline, "tagline", 1000),
	TEXT(tmdb_details, film.status, "status", 40),
	COUNT(tmdb_details, film.runtime, "runtime", INT32_MAX),
	COUNT(tmdb_details, film.budget, "budget", INT64_MAX),
	COUNT(tmdb_details, film.revenue, "revenue", INT64_MAX),
	LIST(tmdb_details, film.genres, "genres", movie_genre_schema, 100),
	LIST(tmdb_details, film.production_companies, "production_companies", movie_company_schema, 200),
	LIST(tmdb_details, film.spoken_languages, "spoken_languages", language_schema, 200),
	ROW(tmdb_details, film.origin_country, "origin_country", SCHEMA_ARRAY, 0, .item = SCHEMA_REGION, .max = 200),
	LIST(tmdb_details, production_countries, "production_countries", country_schema, 200),
	PART(tmdb_details, film.belongs_to_collection, "belongs_to_collection", movie_collection_schema),
	TEXT(tmdb_details, film.homepage, "homepage", TMDB_HOMEPAGE_MAX + 1),
	TEXT(tmdb_details, film.imdb_id, "imdb_id", 20),
	PART(tmdb_details, film.credits, "credits", tmdb_credits_schema),
	PART(tmdb_details, film.videos, "videos", tmdb_videos_schema),
	PART(tmdb_details, recommendations, "recommendations", tmdb_page_schema),
	PART(tmdb_details, similar, "similar", tmdb_page_schema),
	PART(tmdb_details, film.images, "images", images_schema),
	PART(tmdb_details, film.watch_providers, "watch/providers", tmdb_watch_providers_schema),
	PART(tmdb_details, film.external_ids, "external_ids", movie_external_ids_schema),
	PART(tmdb_details, release_dates, "release_dates", releases_schema),
	PART(tmdb_details, keywords, "keywords", keywords_schema),
};
const struct schema tmdb_details_schema = SCHEMA("", struct tmdb_details, details_fields, NULL);

static const struct schema_field brief_fields[] = {
	ID(tmdb_brief, id, "id", NEEDED),
	TEXT(tmdb_brief, title, "title", 1000),
	TEXT(tmdb_brief, original_title, "original_title", 1000),
	ROW(tmdb_brief, release_date, "release_date", SCHEMA_DATE, MAYBE, ),
	PATH(tmdb_brief, poster_path, "poster_path"),
};
const struct schema tmdb_brief_schema = SCHEMA("", struct tmdb_brief, brief_fields, NULL);

/* ---- configuration ---- */

#define SIZES(name_) ROW(movie_image_configuration, name_, #name_, SCHEMA_ARRAY, 0, .item = SCHEMA_STRING, .max = 20)

static const struct schema_field image_configuration_fields[] = {
	ROW(movie_image_configuration, secure_base_url, "secure_base_url", SCHEMA_URI, MAYBE, .max = 500),
	SIZES(backdrop_sizes),
	SIZES(logo_sizes),
	SIZES(poster_sizes),
	SIZES(profile_sizes),
	SIZES(still_sizes),
};
static const struct schema image_configuration_schema =
        SCHEMA("", struct movie_image_configuration, image_configuration_fields, NULL);

static const struct schema_field configuration_fields[] = {
	ROW(tmdb_configuration, images, "images", SCHEMA_OBJECT, NEEDED, .schema = &image_configuration_schema),
};
const struct schema tmdb_configuration_schema = SCHEMA("", struct tmdb_configuration, configuration_fields, NULL);
