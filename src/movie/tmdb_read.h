/* Inside the movie room: TMDB's answers as ours. tmdb_read.c has the way in and the lists, tmdb_parts.c what a film has
 * beside its own facts, tmdb_details.c the film. */
#ifndef CINESYNC_MOVIE_TMDB_READ_H
#define CINESYNC_MOVIE_TMDB_READ_H

#include "movie/question.h"

struct tmdb_page;

/* What is being read, and for whom. */
struct tmdb_reading {
	const struct question *question;
	struct str image_base; /* with a slash at the end; lives as long as the answer */
	struct arena *arena;
	struct str builtin_attribution; /* null: no built-in films are in use */
};

/* The body of a 200 to the reply of the question's kind, which then keeps to its table, whatever the body. -EBADMSG: it
 * is no JSON object, or lacks what makes it an answer; -ENOMEM. *ret_value is untouched on failure. Never yields. */
int tmdb_read(const struct tmdb_reading *r, struct str body, void *ret_value) MUST_CHECK;

/* As tmdb_read() for one kind. */
int tmdb_read_details(const struct tmdb_reading *r, struct str body, struct movie_details *ret) MUST_CHECK;
int tmdb_read_brief(const struct tmdb_reading *r, struct str body, struct movie_brief *ret) MUST_CHECK;
int tmdb_read_credits(const struct tmdb_reading *r, struct str body, struct movie_credits *ret) MUST_CHECK;
int tmdb_read_videos(const struct tmdb_reading *r, struct str body, struct movie_videos *ret) MUST_CHECK;
int tmdb_read_watch_providers(const struct tmdb_reading *r, struct str body,
                              struct movie_watch_providers *ret) MUST_CHECK;

/* What was read by TMDB's tables, made ours in place. 0, -ENOMEM. */
int tmdb_finish_page(const struct tmdb_reading *r, struct tmdb_page *page, int64_t number,
                     struct movie_page *ret) MUST_CHECK;
int tmdb_finish_credits(const struct tmdb_reading *r, struct movie_credits *credits) MUST_CHECK;
int tmdb_finish_videos(const struct tmdb_reading *r, struct movie_videos *videos) MUST_CHECK;
int tmdb_finish_images(const struct tmdb_reading *r, struct movie_images *images) MUST_CHECK;
/* region: only this one; null: all. */
int tmdb_finish_watch_providers(const struct tmdb_reading *r, struct str region,
                                struct movie_watch_providers *providers) MUST_CHECK;

/* The year of a date, unless it is out of the range that is answered. */
struct schema_int tmdb_year(struct str date);

#endif
