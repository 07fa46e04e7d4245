/* The tables of the parameters, for question.c: one a kind, several over one struct. */
#ifndef CINESYNC_MOVIE_QUESTION_MESSAGES_H
#define CINESYNC_MOVIE_QUESTION_MESSAGES_H

#include "movie/question.h"

extern const struct schema question_search_schema;
extern const struct schema question_discover_schema;
extern const struct schema question_list_schema;
extern const struct schema question_related_schema; /* recommendations and similar */
extern const struct schema question_trending_schema;
extern const struct schema question_details_schema;
extern const struct schema question_language_schema; /* genres, credits, videos */
extern const struct schema question_region_schema;   /* watch providers */
extern const struct schema question_find_schema;

#endif
