/* The tables of what a film can be asked for beside its own facts (people, videos, pictures, where to see it), and of
 * the configuration. messages.c has the rest. */
#include "movie/message_fields.h"

/* ---- pictures ---- */

#define SIZE(in, name_, doc_, path) URL(in, name_, GIVEN, doc_, "\"https://image.tmdb.org/t/p/" #name_ "/" path "\"")
#define WHOLE "As it was uploaded."

static const struct schema_field poster_fields[] = {
	SIZE(movie_poster, w185, "185 pixels wide.", "poster.jpg"),
	SIZE(movie_poster, w342, "342 pixels wide.", "poster.jpg"),
	SIZE(movie_poster, w500, "500 pixels wide.", "poster.jpg"),
	SIZE(movie_poster, original, WHOLE, "poster.jpg"),
};
const struct schema movie_poster_schema =
        SCHEMA("PosterUrls", struct movie_poster, poster_fields, "Where a poster lies, size by size.");

static const struct schema_field backdrop_fields[] = {
	SIZE(movie_backdrop, w300, "300 pixels wide.", "backdrop.jpg"),
	SIZE(movie_backdrop, w780, "780 pixels wide.", "backdrop.jpg"),
	SIZE(movie_backdrop, w1280, "1280 pixels wide.", "backdrop.jpg"),
	SIZE(movie_backdrop, original, WHOLE, "backdrop.jpg"),
};
const struct schema movie_backdrop_schema =
        SCHEMA("BackdropUrls", struct movie_backdrop, backdrop_fields, "Where a backdrop lies, size by size.");

static const struct schema_field profile_fields[] = {
	SIZE(movie_profile, w45, "45 pixels wide.", "profile.jpg"),
	SIZE(movie_profile, w185, "185 pixels wide.", "profile.jpg"),
	SIZE(movie_profile, h632, "632 pixels high.", "profile.jpg"),
	SIZE(movie_profile, original, WHOLE, "profile.jpg"),
};
static const struct schema profile_schema =
        SCHEMA("ProfileUrls", struct movie_profile, profile_fields, "Where a portrait lies, size by size.");

static const struct schema_field logo_fields[] = {
	SIZE(movie_logo, w45, "45 pixels wide.", "logo.jpg"),
	SIZE(movie_logo, w92, "92 pixels wide.", "logo.jpg"),
	SIZE(movie_logo, w185, "185 pixels wide.", "logo.jpg"),
	SIZE(movie_logo, original, WHOLE, "logo.jpg"),
};
static const struct schema logo_schema =
        SCHEMA("LogoUrls", struct movie_logo, logo_fields, "Where a logo lies, size by size.");

static const struct schema_field image_fields[] = {
	WORD(movie_image, file_path, 200, "Path at TMDB's image server.", "\"/poster.jpg\""),
	URL(movie_image, url, GIVEN, "Where it lies in full size.",
	    "\"https://image.tmdb.org/t/p/original/poster.jpg\""),
	COUNT_OR_NULL(movie_image, width, INT32_MAX, "Pixels.", "2000"),
	COUNT_OR_NULL(movie_image, height, INT32_MAX, "Pixels.", "3000"),
	FIELD(movie_image, aspect_ratio, SCHEMA_NUMBER, OR_NULL, "Width by height.", "0.667", .max = 1000),
	TEXT_OR_NULL(movie_image, language, 16, "Of the words in it, ISO 639-1; null: it has none.", "\"en\""),
	FIELD(movie_image, vote_average, SCHEMA_NUMBER, OR_NULL, "Mean of the votes for it, 0 to 10.", "5.4",
	      .max = 10),
	COUNT_OR_NULL(movie_image, vote_count, INT32_MAX, "Number of votes for it.", "12"),
};
static const struct schema image_schema = SCHEMA("Image", struct movie_image, image_fields, "A picture of a film.");

static const struct schema_field images_fields[] = {
	LIST(movie_images, backdrops, GIVEN, image_schema, 1000, "Scenes, in landscape format."),
	LIST(movie_images, posters, GIVEN, image_schema, 1000, "Posters."),
	LIST(movie_images, logos, GIVEN, image_schema, 1000, "The title as it is written on posters."),
};
const struct schema movie_images_schema =
        SCHEMA("ImageList", struct movie_images, images_fields, "The pictures of a film.");

/* ---- people ---- */

#define PERSON(in)                                                     \
	ID(in, id, OR_NULL, "TMDB's id of the person.", "6193"),       \
	        WORD(in, name, 500, "Name.", "\"Leonardo DiCaprio\""), \
	        TEXT_OR_NULL(in, original_name, 500, "Name as it is written at home.", "\"Leonardo DiCaprio\"")
#define PORTRAIT(in)                                                                                                   \
	TEXT_OR_NULL(in, credit_id, 40, "TMDB's id of this entry.", "\"52fe4534c3a368484e04b52d\""),                   \
	        TEXT_OR_NULL(in, profile_path, 200, "Path of a portrait at TMDB's image server.", "\"/profile.jpg\""), \
	        PART_OR_NULL(in, profile, profile_schema, "The portrait in several sizes; null: none.")

static const struct schema_field cast_fields[] = {
	PERSON(movie_cast),
	TEXT_OR_NULL(movie_cast, character, 1000, "Who is played.", "\"Dom Cobb\""),
	COUNT_OR_NULL(movie_cast, order, INT32_MAX, "Place in the list of the cast, from 0.", "0"),
	PORTRAIT(movie_cast),
};
static const struct schema cast_schema =
        SCHEMA("CastMember", struct movie_cast, cast_fields, "Somebody who plays in a film.");

static const struct schema_field crew_fields[] = {
	PERSON(movie_crew),
	TEXT_OR_NULL(movie_crew, job, 200, "What was done.", "\"Director\""),
	TEXT_OR_NULL(movie_crew, department, 200, "Where.", "\"Directing\""),
	PORTRAIT(movie_crew),
};
static const struct schema crew_schema =
        SCHEMA("CrewMember", struct movie_crew, crew_fields, "Somebody who worked on a film.");

static const struct schema_field credits_fields[] = {
	MOVIE_ID(movie_credits),
	LIST(movie_credits, cast, GIVEN, cast_schema, 2000, "Who plays, in the order of the credits."),
	LIST(movie_credits, crew, GIVEN, crew_schema, 4000,
	     "Who worked on it; the built-in catalogue knows directors."),
	SOURCE(movie_credits),
};
const struct schema movie_credits_schema = SCHEMA("Credits", struct movie_credits, credits_fields, "Who made a film.");

/* ---- videos ---- */

static const struct schema_field video_fields[] = {
	TEXT_OR_NULL(movie_video, id, 40, "TMDB's id of it.", "\"5c9294240e0a267cd516835f\""),
	TEXT_OR_NULL(movie_video, name, 1000, "Title.", "\"Official Trailer\""),
	TEXT_OR_NULL(movie_video, key, 200, "Its id at the site.", "\"YoHD9XEInc0\""),
	TEXT_OR_NULL(movie_video, site, 100, "Where it is shown: YouTube, Vimeo.", "\"YouTube\""),
	URL(movie_video, url, OR_NULL, "Its page there; null: we do not know how to get to that site.",
	    "\"https://www.youtube.com/watch?v=YoHD9XEInc0\""),
	TEXT_OR_NULL(movie_video, type, 100, "Trailer, Teaser, Clip, Featurette, Behind the Scenes …", "\"Trailer\""),
	FIELD(movie_video, official, SCHEMA_BOOL, OR_NULL, "From those who made the film.", "true", ),
	COUNT_OR_NULL(movie_video, size, INT32_MAX, "Lines.", "1080"),
	TEXT_OR_NULL(movie_video, language, 16, "ISO 639-1.", "\"en\""),
	COUNTRY_OR_NULL(movie_video, region, "ISO 3166-1.", "\"US\""),
	FIELD(movie_video, published_at, SCHEMA_DATETIME, OR_NULL, "When it was put there.",
	      "\"2010-05-10T16:00:00.000Z\"", ),
};
static const struct schema video_schema = SCHEMA("Video", struct movie_video, video_fields, "A video about a film.");

static const struct schema_field videos_fields[] = {
	MOVIE_ID(movie_videos),
	LIST(movie_videos, results, GIVEN, video_schema, 1000, "The videos."),
	SOURCE(movie_videos),
};
const struct schema movie_videos_schema =
        SCHEMA("VideoList", struct movie_videos, videos_fields, "Trailers and the like.");

/* ---- where to see it ---- */

static const struct schema_field provider_fields[] = {
	FIELD(movie_provider, provider_id, SCHEMA_INT, GIVEN,
	      "Its id, for `watch_provider` of /api/v1/movies/discover.", "8", .min = 1, .max = INT32_MAX),
	WORD(movie_provider, provider_name, 200, "Its name.", "\"Netflix\""),
	TEXT_OR_NULL(movie_provider, logo_path, 200, "Path of its logo at TMDB's image server.", "\"/logo.jpg\""),
	PART_OR_NULL(movie_provider, logo, logo_schema, "The logo in several sizes; null: none."),
	COUNT_OR_NULL(movie_provider, display_priority, INT32_MAX, "Those with less come first.", "0"),
};
static const struct schema provider_schema =
        SCHEMA("WatchProvider", struct movie_provider, provider_fields, "Somebody who shows films.");

#define OFFER(name_, doc_) LIST(movie_provider_region, name_, GIVEN, provider_schema, 200, doc_)

static const struct schema_field provider_region_fields[] = {
	FIELD(movie_provider_region, region, SCHEMA_REGION, GIVEN, "The country, ISO 3166-1.", "\"US\"", ),
	URL(movie_provider_region, link, OR_NULL, "TMDB's page that leads on to them.",
	    "\"https://www.themoviedb.org/movie/27205-inception/watch?locale=US\""),
	OFFER(flatrate, "With a subscription."),
	OFFER(free, "For nothing."),
	OFFER(ads, "For nothing, with advertisements."),
	OFFER(rent, "For rent."),
	OFFER(buy, "For sale."),
};
static const struct schema provider_region_schema = SCHEMA("WatchProviderRegion", struct movie_provider_region,
                                                           provider_region_fields, "Who shows a film in a country.");

static const struct schema_field watch_providers_fields[] = {
	MOVIE_ID(movie_watch_providers),
	LIST(movie_watch_providers, results, GIVEN, provider_region_schema, 300, "By country."),
	TEXT_OR_NULL(movie_watch_providers, attribution, 200, "Whose data it is; to be shown beside it.",
	             "\"" ATTRIBUTION_JUSTWATCH "\""),
	SOURCE(movie_watch_providers),
};
const struct schema movie_watch_providers_schema =
        SCHEMA("WatchProviders", struct movie_watch_providers, watch_providers_fields, "Where a film can be seen.");

/* ---- small parts ---- */

static const struct schema_field company_fields[] = {
	ID(movie_company, id, OR_NULL, "TMDB's id of the company.", "923"),
	WORD(movie_company, name, 500, "Its name.", "\"Legendary Pictures\""),
	TEXT_OR_NULL(movie_company, logo_path, 200, "Path of its logo at TMDB's image server.", "\"/logo.png\""),
	COUNTRY_OR_NULL(movie_company, origin_country, "Where it is at home, ISO 3166-1.", "\"US\""),
};
const struct schema movie_company_schema =
        SCHEMA("Company", struct movie_company, company_fields, "A company behind a film.");

static const struct schema_field collection_fields[] = {
	ID(movie_collection, id, GIVEN, "TMDB's id of the collection.", "8091"),
	WORD(movie_collection, name, 500, "Its name.", "\"Alien Collection\""),
	TEXT_OR_NULL(movie_collection, poster_path, 200, "Path of its poster at TMDB's image server.",
	             "\"/poster.jpg\""),
	TEXT_OR_NULL(movie_collection, backdrop_path, 200, "Path of its backdrop there.", "\"/backdrop.jpg\""),
};
const struct schema movie_collection_schema =
        SCHEMA("Collection", struct movie_collection, collection_fields, "A series of films.");

static const struct schema_field external_ids_fields[] = {
	TEXT_OR_NULL(movie_external_ids, imdb_id, 20, "At IMDb.", "\"tt1375666\""),
	TEXT_OR_NULL(movie_external_ids, wikidata_id, 20, "At Wikidata.", "\"Q25188\""),
	TEXT_OR_NULL(movie_external_ids, facebook_id, 200, "At Facebook.", "\"inception\""),
	TEXT_OR_NULL(movie_external_ids, instagram_id, 200, "At Instagram.", "\"inceptionmovie\""),
	TEXT_OR_NULL(movie_external_ids, twitter_id, 200, "At X, formerly Twitter.", "\"inceptionmovie\""),
};
const struct schema movie_external_ids_schema =
        SCHEMA("ExternalIds", struct movie_external_ids, external_ids_fields, "A film's ids at other sites.");

static const struct schema_field release_fields[] = {
	FIELD(movie_release, release_date, SCHEMA_DATETIME, OR_NULL, "When; the time of day says nothing.",
	      "\"2010-07-16T00:00:00.000Z\"", ),
	FIELD(movie_release, type, SCHEMA_INT, OR_NULL,
	      "How: 1 premiere, 2 in few cinemas, 3 in cinemas, 4 digital, 5 on disc, 6 television.", "3", .min = 1,
	      .max = 6),
	TEXT_OR_NULL(movie_release, certification, 40, "For whom it is fit, as that country rates it.", "\"PG-13\""),
	TEXT_OR_NULL(movie_release, language, 16, "ISO 639-1.", "\"en\""),
	TEXT_OR_NULL(movie_release, note, 1000, "What is particular to it.", "\"IMAX\""),
};
static const struct schema release_schema =
        SCHEMA("Release", struct movie_release, release_fields, "A release of a film.");

static const struct schema_field release_region_fields[] = {
	FIELD(movie_release_region, region, SCHEMA_REGION, GIVEN, "The country, ISO 3166-1.", "\"US\"", ),
	LIST(movie_release_region, release_dates, GIVEN, release_schema, 100, "Its releases there."),
};
const struct schema movie_release_region_schema = SCHEMA("ReleaseRegion", struct movie_release_region,
                                                         release_region_fields, "The releases of a film in a country.");

static const struct schema_field keyword_fields[] = {
	ID(movie_keyword, id, GIVEN, "TMDB's id of the keyword.", "1562"),
	WORD(movie_keyword, name, 200, "The keyword.", "\"dream world\""),
};
const struct schema movie_keyword_schema =
        SCHEMA("Keyword", struct movie_keyword, keyword_fields, "Something a film deals with.");

/* ---- configuration ---- */

#define SIZES(name_, doc_, example_) STRINGS(movie_image_configuration, name_, 20, doc_, example_)

static const struct schema_field image_configuration_fields[] = {
	URL(movie_image_configuration, secure_base_url, GIVEN, "What stands before the size and the path of a picture.",
	    "\"https://image.tmdb.org/t/p/\""),
	SIZES(backdrop_sizes, "Sizes of backdrops.", "[\"w300\",\"w780\",\"w1280\",\"original\"]"),
	SIZES(logo_sizes, "Sizes of logos.", "[\"w45\",\"w92\",\"w185\",\"original\"]"),
	SIZES(poster_sizes, "Sizes of posters.", "[\"w185\",\"w342\",\"w500\",\"original\"]"),
	SIZES(profile_sizes, "Sizes of portraits.", "[\"w45\",\"w185\",\"h632\",\"original\"]"),
	SIZES(still_sizes, "Sizes of stills.", "[\"w92\",\"w185\",\"w300\",\"original\"]"),
};
static const struct schema image_configuration_schema =
        SCHEMA("ImageConfiguration", struct movie_image_configuration, image_configuration_fields,
               "How the URL of a picture is made.");

static const struct schema_field attribution_fields[] = {
	TEXT_OR_NULL(movie_attribution, tmdb, 200,
	             "To be shown wherever films are; null: nothing here comes from TMDB.", "\"" ATTRIBUTION_TMDB "\""),
	URL(movie_attribution, tmdb_url, OR_NULL, "Where that text leads.", "\"https://www.themoviedb.org/\""),
	TEXT_OR_NULL(movie_attribution, justwatch, 200, "To be shown beside watch providers; null: there are none.",
	             "\"" ATTRIBUTION_JUSTWATCH "\""),
	URL(movie_attribution, justwatch_url, OR_NULL, "Where that text leads.", "\"https://www.justwatch.com/\""),
	TEXT_OR_NULL(movie_attribution, builtin, 500, "Where the built-in films come from; null: none are in use.",
	             "\"" ATTRIBUTION_BUILTIN "\""),
};
static const struct schema attribution_schema =
        SCHEMA("Attribution", struct movie_attribution, attribution_fields, "Whose data it is.");

static const struct schema_field configuration_fields[] = {
	PART_OR_NULL(movie_configuration, images, image_configuration_schema,
	             "Where pictures lie; null: the source of films has none."),
	PART_OR_NULL(movie_configuration, attribution, attribution_schema, "Whose data it is."),
	SOURCE(movie_configuration),
};
const struct schema movie_configuration_schema =
        SCHEMA("Configuration", struct movie_configuration, configuration_fields,
               "What a page that shows films must know of their source.");
