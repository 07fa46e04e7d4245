/* The routes of the movie service, and the handlers, which all do the same: read the question, answer it. */
#include "movie/movie.h"

#include "movie/question_messages.h"

/* Reads path and query of the kind's question, and answers. */
static int ask(struct request *req, enum question_kind kind)
{
	const struct question_type *type = question_type(kind);
	struct question q = { .kind = kind };
	int r = request_parse(req, type->has_path ? &q.path : NULL, type->query ? &q.of : NULL, NULL);

	return r < 0 ? r : movie_answer(req, &q);
}

#define HANDLER(name, kind)                  \
	static int name(struct request *req) \
	{                                    \
		return ask(req, kind);       \
	}

HANDLER(movie_search, QUESTION_SEARCH)
HANDLER(movie_discover, QUESTION_DISCOVER)
HANDLER(movie_popular, QUESTION_POPULAR)
HANDLER(movie_top_rated, QUESTION_TOP_RATED)
HANDLER(movie_now_playing, QUESTION_NOW_PLAYING)
HANDLER(movie_upcoming, QUESTION_UPCOMING)
HANDLER(movie_trending, QUESTION_TRENDING)
HANDLER(movie_genres, QUESTION_GENRES)
HANDLER(movie_configuration, QUESTION_CONFIGURATION)
HANDLER(movie_find, QUESTION_FIND)
HANDLER(movie_details, QUESTION_DETAILS)
HANDLER(movie_credits, QUESTION_CREDITS)
HANDLER(movie_videos, QUESTION_VIDEOS)
HANDLER(movie_watch_providers, QUESTION_WATCH_PROVIDERS)
HANDLER(movie_recommendations, QUESTION_RECOMMENDATIONS)
HANDLER(movie_similar, QUESTION_SIMILAR)
HANDLER(movie_brief, QUESTION_BRIEF)

#define PREFIX "/api/v1/movies"
#define TAG .method = HTTP_GET, .tag = "movies", .cacheable = true, .auth = HTTP_AUTH_IF_GIVEN
#define ONE_PAGE                                                    \
	{                                                           \
		200, &movie_page_schema, NULL, "One page of films." \
	}

/* What any of them answers while TMDB is away and nothing is known. */
#define SOURCE_ERRORS 502, 503

const struct route movie_routes[] = {
	{ TAG, .path = PREFIX "/search", .handler = movie_search, .query = &question_search_schema,
	  .reply = { 200, &movie_page_schema, NULL, "One page of films, best match first." },
	  .errors = { SOURCE_ERRORS }, .summary = "Search films by title",
	  .doc = "While TMDB is away, a search that was not asked before is answered from the films seen so far: "
	         "`source` is "
	         "then `local`, and the header X-Degraded says true." },
	{ TAG, .path = PREFIX "/discover", .handler = movie_discover, .query = &question_discover_schema,
	  .reply = ONE_PAGE, .errors = { SOURCE_ERRORS }, .summary = "List films by genre, date, votes, rating …",
	  .doc = "What is not known of a film does not match a filter on it." },
	{ TAG, .path = PREFIX "/popular", .handler = movie_popular, .query = &question_list_schema, .reply = ONE_PAGE,
	  .errors = { SOURCE_ERRORS }, .summary = "The films people look at" },
	{ TAG, .path = PREFIX "/top-rated", .handler = movie_top_rated, .query = &question_list_schema,
	  .reply = ONE_PAGE, .errors = { SOURCE_ERRORS }, .summary = "The films with the best votes" },
	{ TAG, .path = PREFIX "/now-playing", .handler = movie_now_playing, .query = &question_list_schema,
	  .reply = ONE_PAGE, .errors = { SOURCE_ERRORS }, .summary = "The films in cinemas" },
	{ TAG, .path = PREFIX "/upcoming", .handler = movie_upcoming, .query = &question_list_schema, .reply = ONE_PAGE,
	  .errors = { SOURCE_ERRORS }, .summary = "The films to come" },
	{ TAG, .path = PREFIX "/trending", .handler = movie_trending, .query = &question_trending_schema,
	  .reply = ONE_PAGE, .errors = { SOURCE_ERRORS }, .summary = "The films of the day or the week" },
	{ TAG, .path = PREFIX "/genres", .handler = movie_genres, .query = &question_language_schema,
	  .reply = { 200, &movie_genres_schema, NULL, "All genres." }, .errors = { SOURCE_ERRORS },
	  .summary = "The genres" },
	{ TAG, .path = PREFIX "/configuration", .handler = movie_configuration,
	  .reply = { 200, &movie_configuration_schema, NULL, "Sizes of pictures, and whom to thank." },
	  .errors = { SOURCE_ERRORS }, .summary = "Picture sizes and attribution" },
	{ TAG, .path = PREFIX "/find", .handler = movie_find, .query = &question_find_schema,
	  .reply = { 200, &movie_found_schema, NULL, "The film, or none." }, .errors = { SOURCE_ERRORS },
	  .summary = "Find a film by its IMDb id" },
	{ TAG, .path = PREFIX "/{movie_id}", .handler = movie_details, .path_params = &question_path_schema,
	  .query = &question_details_schema, .reply = { 200, &movie_details_schema, NULL, "The film." },
	  .errors = { 404, SOURCE_ERRORS }, .summary = "One film, with as much as is asked for" },
	{ TAG, .path = PREFIX "/{movie_id}/credits", .handler = movie_credits, .path_params = &question_path_schema,
	  .query = &question_language_schema, .reply = { 200, &movie_credits_schema, NULL, "Cast and crew." },
	  .errors = { 404, SOURCE_ERRORS }, .summary = "Who made a film" },
	{ TAG, .path = PREFIX "/{movie_id}/videos", .handler = movie_videos, .path_params = &question_path_schema,
	  .query = &question_language_schema, .reply = { 200, &movie_videos_schema, NULL, "Trailers and the like." },
	  .errors = { 404, SOURCE_ERRORS }, .summary = "A film's trailers" },
	{ TAG, .path = PREFIX "/{movie_id}/watch-providers", .handler = movie_watch_providers,
	  .path_params = &question_path_schema, .query = &question_region_schema,
	  .reply = { 200, &movie_watch_providers_schema, NULL, "By country; the data is JustWatch's." },
	  .errors = { 404, SOURCE_ERRORS }, .summary = "Where a film can be watched" },
	{ TAG, .path = PREFIX "/{movie_id}/recommendations", .handler = movie_recommendations,
	  .path_params = &question_path_schema, .query = &question_related_schema, .reply = ONE_PAGE,
	  .errors = { 404, SOURCE_ERRORS }, .summary = "What its viewers liked as well" },
	{ TAG, .path = PREFIX "/{movie_id}/similar", .handler = movie_similar, .path_params = &question_path_schema,
	  .query = &question_related_schema, .reply = ONE_PAGE, .errors = { 404, SOURCE_ERRORS },
	  .summary = "Films like it" },
	{ .method = HTTP_GET,
	  .path = "/internal/movies/{movie_id}/brief",
	  .handler = movie_brief,
	  .path_params = &question_path_schema,
	  .reply = { 200, &movie_brief_schema, NULL, "The film, in brief." },
	  .errors = { 404, SOURCE_ERRORS },
	  .summary = "What a favourite needs to know of a film",
	  .internal = true },
	{ 0 },
};
