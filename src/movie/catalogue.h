/* What the movie service knows how to ask of a source of films; builtin.c and tmdb.c answer. Names, paging and shapes
 * are TMDB's (v3), made strict: dates are ISO or null, what is unknown is null. The tables that read and write these
 * structs are in messages.c. */
#ifndef CINESYNC_MOVIE_CATALOGUE_H
#define CINESYNC_MOVIE_CATALOGUE_H

#include "base/arena.h"
#include "schema/schema.h"

#define CATALOGUE_PAGE_SIZE 20
#define CATALOGUE_PAGE_MAX 500
#define CATALOGUE_QUERY_MAX 200 /* code points */
#define CATALOGUE_YEAR_MIN 1874
#define CATALOGUE_YEAR_MAX 2100

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
	struct schema_bool adult;
	struct schema_bool video;
	struct schema_number popularity;
	struct schema_number vote_average;
	struct schema_int vote_count;
};

struct movie_page {
	int64_t page;
	struct schema_array results; /* struct movie_item */
	int64_t total_pages;         /* 0..CATALOGUE_PAGE_MAX */
	int64_t total_results;
	struct str source; /* "builtin", "tmdb" */
};

struct movie_company {
	struct schema_int id;
	struct str name;
};

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
	struct str certification;                 /* in the region asked for, or US */
	struct str homepage;
	struct str imdb_id;
	struct str poster_path;
	struct str backdrop_path;
	struct schema_bool adult;
	struct schema_bool video;
	struct schema_number popularity;
	struct schema_number vote_average;
	struct schema_int vote_count;
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

extern const struct schema movie_item_schema;
extern const struct schema movie_page_schema;
extern const struct schema movie_details_schema;
extern const struct schema movie_genres_schema;
extern const struct schema movie_brief_schema;

struct catalogue_search {
	struct str query; /* 1..CATALOGUE_QUERY_MAX code points */
	int64_t page;     /* 1..CATALOGUE_PAGE_MAX */
	struct schema_int year;
	struct schema_int primary_release_year;
	struct str language; /* null: the source's own */
	struct str region;
	bool include_adult;
};

struct catalogue_discover {
	struct schema_array genre; /* int64_t, all of them */
	struct schema_int year_from;
	struct schema_int year_to;
	struct str sort; /* popularity.desc, primary_release_date.desc/.asc, title.asc/.desc */
	int64_t page;
	struct str language;
	struct str region;
};

/* Path and query of one film, and the query of the genres. */
struct movie_path {
	int64_t movie_id; /* 1..INT32_MAX */
};
struct movie_language {
	struct str language; /* null: the source's own */
};

extern const struct schema catalogue_search_schema;
extern const struct schema catalogue_discover_schema;
extern const struct schema movie_path_schema;
extern const struct schema movie_language_schema;

/* A source. Every call may yield and allocates its answer in the arena (up to 1 MiB). -ENOENT: no such film; -EAGAIN:
 * the source is away; -ENOMEM. */
struct catalogue {
	const char *name; /* "builtin": also the `source` of its answers */
	int (*search)(struct catalogue *c, const struct catalogue_search *q, struct arena *a, struct movie_page *ret);
	int (*discover)(struct catalogue *c, const struct catalogue_discover *q, struct arena *a,
	                struct movie_page *ret);
	int (*details)(struct catalogue *c, int64_t id, struct str language, struct arena *a,
	               struct movie_details *ret);
	int (*genres)(struct catalogue *c, struct str language, struct arena *a, struct movie_genres *ret);
	/* One line for people: "built-in, 3824 films". Valid as long as the source. */
	const char *(*describe)(const struct catalogue *c);
	void (*free)(struct catalogue *c);
};

/* Takes NULL, leaves NULL. */
void catalogue_free(struct catalogue **c);

#endif
