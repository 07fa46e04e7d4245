/* Shared by the tests of the index of films seen. Everything runs on a fiber of on_fiber(). */
#include "movie/test_seen_support.h"

#include "base/clock.h"
#include "fiber/fiber.h"
#include "store/migrate.h"
#include "store/test_support.h"

#include <stdio.h>
#include <stdlib.h>

#define WAIT_MS 20000

static int64_t no_genre;

struct seen *seen_test_open(struct seen_options options)
{
	const struct migrations migrations = { seen_migrations, seen_migrations_n };
	struct seen *s = NULL;
	size_t applied;

	options.store = test_store();
	options.films_max = options.films_max ? options.films_max : 100000;
	options.age_max_ms = options.age_max_ms ? options.age_max_ms : SEEN_TEST_AGE_MS;
	options.queue_max = options.queue_max ? options.queue_max : 2000;
	if (migrate_up(options.store, &migrations, &applied) < 0) {
		fprintf(stderr, "cannot migrate: %s\n", store_error(options.store));
		abort();
	}
	if (seen_new(&options, &s) < 0)
		abort();
	return s;
}

void seen_test_wait(struct seen *s, int64_t films)
{
	int64_t until_ms = clock_deadline_in(WAIT_MS);
	struct seen_stats stats;

	for (seen_stats_get(s, &stats); stats.queued > 0 || stats.films != films; seen_stats_get(s, &stats)) {
		if (clock_mono_ms() > until_ms) {
			fprintf(stderr, "%lld films, not %lld\n", (long long)stats.films, (long long)films);
			abort();
		}
		(void)fiber_sleep_ms(2);
	}
}

struct movie_item seen_test_film(int64_t id, const char *title, int year)
{
	return (struct movie_item){
		.id = id,
		.title = str_from(title),
		.year = { year != 0, year },
		.genre_ids = { 0, &no_genre },
		.popularity = { true, 10 },
	};
}

void seen_test_add(struct seen *s, int64_t id, const char *title, int year)
{
	struct movie_item film = seen_test_film(id, title, year);

	seen_add(s, &film, 1);
}

struct movie_page seen_test_search(struct seen *s, const char *query, int year, struct arena *a)
{
	const struct question_search q = { .query = str_from(query), .page = 1, .year = { year != 0, year } };
	struct movie_page page = { 0 };
	int r = seen_search(s, &q, a, &page);

	if (r < 0) {
		fprintf(stderr, "search for \"%s\": %d\n", query, r);
		abort();
	}
	return page;
}

bool seen_test_has(const struct movie_page *page, int64_t id)
{
	const struct movie_item *items = page->results.items;

	for (size_t i = 0; i < page->results.n; i++)
		if (items[i].id == id)
			return true;
	return false;
}

bool seen_test_finds(struct seen *s, const char *query, int64_t id)
{
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct movie_page page = seen_test_search(s, query, 0, a);

	return seen_test_has(&page, id);
}
