/* Tables of the statistics. */
#include "user/messages_stats.h"

#define AT(type, field) .offset = offsetof(struct type, field)
#define COUNT(of_, name_, doc_)                                                                                 \
	{                                                                                                       \
		.name = #name_, .type = SCHEMA_INT, .flags = SCHEMA_REQUIRED, .max = INT32_MAX, AT(of_, name_), \
		.doc = doc_, .example = "12"                                                                    \
	}
#define HOURS(of_, doc_)                                                                                            \
	{                                                                                                           \
		.name = "hours", .type = SCHEMA_NUMBER, .flags = SCHEMA_REQUIRED, AT(of_, hours), .max = INT32_MAX, \
		.doc = doc_, .example = "412.5"                                                                     \
	}
#define LIST_OF(name_, schema_, max_, doc_)                                                                        \
	{                                                                                                          \
		.name = #name_, .type = SCHEMA_ARRAY, .flags = SCHEMA_REQUIRED, .schema = &(schema_), .max = max_, \
		AT(stats_reply, name_), .doc = doc_                                                                \
	}
#define DAY_OR_NULL(name_, doc_)                                                                 \
	{                                                                                        \
		.name = #name_, .type = SCHEMA_DATE, .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE, \
		AT(stats_reply, name_), .doc = doc_                                              \
	}

static const struct schema_field stats_query_fields[] = {
	{ .name = "year",
	  .type = SCHEMA_INT,
	  .min = 1870,
	  .max = 2200,
	  AT(stats_query, year),
	  .doc = "Only what was watched, and rated, in this year; without it, of all time." },
	{ .name = "top",
	  .type = SCHEMA_INT,
	  .min = 1,
	  .max = 50,
	  .def = "10",
	  AT(stats_query, top),
	  .doc = "Most genres, directors and films in their lists." },
};
const struct schema stats_query_schema =
        SCHEMA("StatsQuery", struct stats_query, stats_query_fields, "Statistics of what.");

static const struct schema_field period_fields[] = {
	{ .name = "period",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 4,
	  .max = 7,
	  AT(stats_period, period),
	  .doc = "A year; with `year` a month of it.",
	  .example = "\"2026-11\"" },
	COUNT(stats_period, watches, "How often a film was watched in it."),
	COUNT(stats_period, films, "How many films."),
	HOURS(stats_period, "How long, as far as the films' lengths are known."),
};
static const struct schema period_schema =
        SCHEMA("StatsPeriod", struct stats_period, period_fields, "A year or a month.");

static const struct schema_field tag_fields[] = {
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 500,
	  AT(stats_tag, name),
	  .doc = "Its name.",
	  .example = "\"Drama\"" },
	COUNT(stats_tag, films, "Films watched."),
	{ .name = "mean_rating",
	  .type = SCHEMA_NUMBER,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 10,
	  AT(stats_tag, mean_rating),
	  .doc = "Mean of my ratings of them; null: none is rated." },
};
static const struct schema tag_schema = SCHEMA("StatsTag", struct stats_tag, tag_fields, "A genre, or who directed.");

static const struct schema_field decade_fields[] = {
	{ .name = "decade",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .max = 9990,
	  AT(stats_decade, decade),
	  .doc = "Its first year.",
	  .example = "1990" },
	COUNT(stats_decade, films, "Films watched that were released in it."),
};
static const struct schema decade_schema =
        SCHEMA("StatsDecade", struct stats_decade, decade_fields, "Ten years of releases.");

static const struct schema_field rewatched_fields[] = {
	{ .name = "movie_id",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = INT32_MAX,
	  AT(stats_rewatched, movie_id),
	  .doc = "Id of the film." },
	{ .name = "movie_title",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 1000,
	  AT(stats_rewatched, movie_title),
	  .doc = "Its title; null while it is pending." },
	{ .name = "movie_year",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 9999,
	  AT(stats_rewatched, movie_year),
	  .doc = "Year of its release." },
	COUNT(stats_rewatched, watches, "How often it was watched."),
};
static const struct schema rewatched_schema =
        SCHEMA("StatsRewatched", struct stats_rewatched, rewatched_fields, "A film watched more than once.");

static const struct schema_field ratings_fields[] = {
	COUNT(stats_ratings, count, "Films rated."),
	{ .name = "mean",
	  .type = SCHEMA_NUMBER,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 10,
	  AT(stats_ratings, mean),
	  .doc = "Mean rating; null: there is none." },
	{ .name = "histogram",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .item = SCHEMA_INT,
	  .min = 20,
	  .max = 20,
	  AT(stats_ratings, histogram),
	  .doc = "How often 0.5, 1, 1.5 … 10 was given." },
};
static const struct schema ratings_schema = SCHEMA("StatsRatings", struct stats_ratings, ratings_fields, "How I rate.");

static const struct schema_field stats_reply_fields[] = {
	{ .name = "year",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 2200,
	  AT(stats_reply, year),
	  .doc = "The year asked for; null: of all time." },
	COUNT(stats_reply, films, "Different films watched."),
	COUNT(stats_reply, watches, "How often a film was watched."),
	HOURS(stats_reply, "How long, as far as the films' lengths are known."),
	COUNT(stats_reply, watches_without_runtime,
	      "Watches that hours leaves out, of films whose length is not known."),
	COUNT(stats_reply, watches_without_date, "Watches of a day that nobody remembers; of all time only."),
	DAY_OR_NULL(first_watched_on, "The first day on record."),
	DAY_OR_NULL(last_watched_on, "The last."),
	LIST_OF(periods, period_schema, 500, "Years, or with `year` months, in which a film was watched."),
	LIST_OF(genres, tag_schema, 50, "Genres, those of most films first."),
	LIST_OF(directors, tag_schema, 50, "Directors, those of most films first."),
	LIST_OF(decades, decade_schema, 1000, "When the films were released."),
	LIST_OF(rewatched, rewatched_schema, 50, "Films watched more than once, the most often first."),
	{ .name = "ratings",
	  .type = SCHEMA_OBJECT,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &ratings_schema,
	  AT(stats_reply, ratings),
	  .doc = "Ratings given." },
	COUNT(stats_reply, details_pending,
	      "Films whose length, genres and directors are still being found out; the figures will be more complete."),
};
const struct schema stats_reply_schema =
        SCHEMA("Stats", struct stats_reply, stats_reply_fields, "What I watched, counted.");
