/* Statistics of a library. */
#ifndef CINESYNC_USER_MESSAGES_STATS_H
#define CINESYNC_USER_MESSAGES_STATS_H

#include "schema/schema.h"

struct stats_query {
	struct schema_int year;
	int64_t top;
};

struct stats_period {
	struct str period;
	int64_t watches;
	int64_t films;
	double hours;
};

struct stats_tag {
	struct str name;
	int64_t films;
	struct schema_number mean_rating;
};

struct stats_decade {
	int64_t decade;
	int64_t films;
};

struct stats_rewatched {
	int64_t movie_id;
	struct str movie_title;
	struct schema_int movie_year;
	int64_t watches;
};

struct stats_ratings {
	int64_t count;
	struct schema_number mean;
	struct schema_array histogram; /* int64_t, one a half point from 0.5 on */
};

struct stats_reply {
	struct schema_int year;
	int64_t films;
	int64_t watches;
	double hours;
	int64_t watches_without_runtime;
	int64_t watches_without_date;
	struct str first_watched_on;
	struct str last_watched_on;
	struct schema_array periods;   /* struct stats_period */
	struct schema_array genres;    /* struct stats_tag */
	struct schema_array directors; /* struct stats_tag */
	struct schema_array decades;   /* struct stats_decade */
	struct schema_array rewatched; /* struct stats_rewatched */
	struct stats_ratings *ratings;
	int64_t details_pending;
};

extern const struct schema stats_query_schema;
extern const struct schema stats_reply_schema;

#endif
