/* What a request asks of a source of films, as a value: two requests with the same question have the same key, whatever
 * the order of their parameters, their defaults and their case. One table has what is particular to each kind. */
#ifndef CINESYNC_MOVIE_QUESTION_H
#define CINESYNC_MOVIE_QUESTION_H

#include "base/buf.h"
#include "movie/catalogue.h"

enum question_kind {
	QUESTION_SEARCH,
	QUESTION_DISCOVER,
	QUESTION_POPULAR,
	QUESTION_TOP_RATED,
	QUESTION_NOW_PLAYING,
	QUESTION_UPCOMING,
	QUESTION_TRENDING,
	QUESTION_GENRES,
	QUESTION_CONFIGURATION,
	QUESTION_FIND,
	QUESTION_DETAILS,
	QUESTION_CREDITS,
	QUESTION_VIDEOS,
	QUESTION_WATCH_PROVIDERS,
	QUESTION_RECOMMENDATIONS,
	QUESTION_SIMILAR,
	QUESTION_BRIEF,
	QUESTION_KINDS
};

/* Which settings say how long an answer lives. */
enum question_life { LIFE_SEARCH, LIFE_LIST, LIFE_DETAILS, LIFE_REFERENCE /* genres, configuration */, LIVES };

struct question_search {
	struct str query; /* 1..CATALOGUE_QUERY_MAX code points */
	int64_t page;     /* 1..CATALOGUE_PAGE_MAX */
	struct schema_int year;
	struct schema_int primary_release_year;
	struct str language; /* null: the source's own */
	struct str region;
	bool include_adult;
};

struct question_discover {
	struct schema_array genre;     /* int64_t: films that have all of them */
	struct schema_array genre_any; /* int64_t: films that have one of them; not together with genre */
	struct schema_int year;        /* of first release */
	struct schema_int year_from;
	struct schema_int year_to;
	struct str release_date_from; /* dates of first release */
	struct str release_date_to;
	struct schema_number vote_average_min; /* 0..10 */
	struct schema_number vote_average_max;
	struct schema_int vote_count_min;
	struct schema_int vote_count_max;
	struct schema_int runtime_min; /* minutes */
	struct schema_int runtime_max;
	struct str original_language;       /* ISO 639-1 */
	struct str certification;           /* "PG-13" */
	struct str certification_country;   /* ISO 3166-1; null with a certification: "US" */
	struct schema_array watch_provider; /* int64_t: any of them; wants watch_region */
	struct str watch_region;
	bool include_adult;
	struct str sort; /* TMDB's sort_by: popularity, primary_release_date, vote_average, vote_count, revenue, title;
	                  * each .desc and .asc */
	int64_t page;
	struct str language;
	struct str region;
};

struct question_list { /* popular, top-rated, now-playing, upcoming, recommendations, similar */
	int64_t page;
	struct str language;
	struct str region; /* recommendations and similar do not take it */
};

struct question_trending {
	struct str window; /* "day", "week" */
	int64_t page;
	struct str language;
};

struct question_details {
	struct schema_array include; /* struct str, of question_includes; sorted and single once normalised */
	struct str language;
	struct str region; /* whose certification; null: US */
};

struct question_place { /* genres, credits, videos, watch providers: each takes what it knows of */
	struct str language;
	struct str region;
};

struct question_find {
	struct str imdb_id; /* "tt0111161" */
	struct str language;
};

/* Path of one film. */
struct question_path {
	int64_t movie_id; /* 1..INT32_MAX */
};

struct question {
	enum question_kind kind;
	struct question_path path; /* kinds with has_path */
	union {
		struct question_search search;
		struct question_discover discover;
		struct question_list list;
		struct question_trending trending;
		struct question_details details;
		struct question_place place;
		struct question_find find;
	} of; /* zeroed for BRIEF and CONFIGURATION */
};

struct question_type {
	const char *name;           /* in keys, metrics and logs: "top-rated" */
	const struct schema *query; /* over `of`; NULL: no parameters */
	const struct schema *reply;
	enum question_life life;
	bool has_path;
	bool has_language; /* .language_offset is of the language in `of` */
	size_t language_offset;
};

#define QUESTION_INCLUDES 9
/* "credits", "external_ids", … in alphabetical order. */
extern const char *const question_includes[QUESTION_INCLUDES + 1];
extern const struct schema question_path_schema;

/* The kind's row. Never NULL. */
const struct question_type *question_type(enum question_kind kind);
/* The one year that both parameters of a search allow; 0: any; -1: none. */
int question_search_year(const struct question_search *q);
/* Whether the details are asked with that part. */
bool question_has_include(const struct question *q, const char *include);

/* Brings it into its one form: language tags in their canonical case (RFC 5646 section 2.1.1), lists sorted and single,
 * the defaults that stand for something filled in, what changes nothing at a source that knows no languages dropped.
 * default_language: for questions without one. May reorder lists in place; new strings in the arena. -ENOMEM, -EILSEQ.
 */
int question_normalise(struct question *q, bool knows_languages, struct str default_language,
                       struct arena *a) MUST_CHECK;
/* Adds the key of a normalised question: kind, path, parameters in one fixed spelling. A search's words are compared
 * without case (fold_caseless). At most REDIS_KEY_MAX bytes for every question that the schemas let through: a longer
 * spelling is replaced by its hash. Errors stick to the buffer; -EILSEQ, -ENOMEM. */
int question_key(const struct question *q, struct arena *scratch, struct buf *ret) MUST_CHECK;
/* A copy that keeps its strings and lists in the arena. -ENOMEM. */
int question_copy(const struct question *q, struct arena *a, struct question *ret) MUST_CHECK;
/* Asks the source and adds the answer as JSON (nothing when meta says is_unchanged). May yield. As catalogue's ask. */
int question_ask(const struct question *q, struct catalogue *c, struct arena *a, struct catalogue_meta *meta,
                 struct buf *ret) MUST_CHECK;

/* The language a client prefers (Accept-Language, RFC 9110 section 12.5.4): the well-formed tag of the greatest weight,
 * the first of equal ones, canonical case, in the arena; null: none named. */
struct str question_accept_language(struct str header, struct arena *a);

#endif
