/* The films seen from TMDB, kept on disk as an index of titles (SQLite FTS5), so that a search still finds something
 * while TMDB is away: typo-tolerant, ranked by the same code as the built-in catalogue's (search.h), the built-in films
 * among them. Bounded in films and in age. Writing happens in batches behind the caller's back, and what was not yet
 * written when the process is killed is merely not in it. A process each file. */
#ifndef CINESYNC_MOVIE_SEEN_H
#define CINESYNC_MOVIE_SEEN_H

#include "base/embed.h"
#include "movie/question.h"

struct seen;
struct store;

struct seen_options {
	struct store *store;       /* open and migrated (seen_migrations); owned from seen_new() on, also on failure */
	size_t films_max;          /* the ones seen longest ago leave first: 100,000 */
	int64_t age_max_ms;        /* after it was last seen a film leaves: six months */
	size_t queue_max;          /* films not yet written; over it new ones are dropped: 2,000 */
	struct catalogue *builtin; /* whose films join in; not owned; may be NULL */
};

struct seen_stats {
	int64_t films; /* in the file, as of the last batch */
	uint64_t written;
	uint64_t dropped; /* no room in the queue */
	uint64_t failed;  /* batches that could not be written */
	size_t queued;
};

extern const struct embedded_file seen_migrations[];
extern const size_t seen_migrations_n;

/* Yields (counts the films). Starts the fiber that writes. */
int seen_new(const struct seen_options *options, struct seen **ret) MUST_CHECK;
/* Yields: writes what is queued, ends the fiber, closes the store. No search may be under way. Takes
 * NULL, leaves NULL. */
void seen_free(struct seen **s);

/* Copies the films into the queue. Never waits, never fails: what has no room is counted. Adult films are left out. */
void seen_add(struct seen *s, const struct movie_item *films, size_t n);
/* Yields. The page of the search among films seen and built in, best first; source "local". As much of the question as
 * can be known here counts: query, year, page. 0 (also when nothing was found); -EAGAIN: the file cannot be read;
 * -ENOMEM, -ETIMEDOUT, -ECANCELED. */
int seen_search(struct seen *s, const struct question_search *q, struct arena *a, struct movie_page *ret) MUST_CHECK;
/* Yields. What is known of a film that was seen: for a favourite while TMDB is away. -ENOENT; as above. */
int seen_brief(struct seen *s, int64_t id, struct arena *a, struct movie_brief *ret) MUST_CHECK;
void seen_stats_get(const struct seen *s, struct seen_stats *ret);

#endif
