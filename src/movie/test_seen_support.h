/* For the tests of the index of films seen: an index in a file of its own, and films by hand. */
#ifndef CINESYNC_MOVIE_TEST_SEEN_SUPPORT_H
#define CINESYNC_MOVIE_TEST_SEEN_SUPPORT_H

#include "movie/seen.h"

#define SEEN_TEST_AGE_MS ((int64_t)180 * 24 * 60 * 60 * 1000)

/* Yields. The file of this process (test_url() of the store's tests), made when it is not there. What options leaves at
 * 0 is as in service. */
struct seen *seen_test_open(struct seen_options options);
/* Yields until the index holds that many films, all that was queued being written. */
void seen_test_wait(struct seen *s, int64_t films);

struct movie_item seen_test_film(int64_t id, const char *title, int year);
void seen_test_add(struct seen *s, int64_t id, const char *title, int year);

/* Yields. The first page of a search, in the arena. */
struct movie_page seen_test_search(struct seen *s, const char *query, int year, struct arena *a);
/* Whether the film is on that page. */
bool seen_test_has(const struct movie_page *page, int64_t id);
/* Yields. Both in one. */
bool seen_test_finds(struct seen *s, const char *query, int64_t id);

#endif
