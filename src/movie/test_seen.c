/* The life of the index of films seen: what gets in, what leaves, and what happens when the file cannot be written. */
#include "movie/seen.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/test_rounds.h"
#include "fiber/fiber.h"
#include "movie/films.h"
#include "movie/test_seen_support.h"
#include "store/store.h"
#include "store/test_support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct seen_stats stats_of(const struct seen *s)
{
	struct seen_stats stats;

	seen_stats_get(s, &stats);
	return stats;
}

/* Yields until a batch has gone wrong. */
static void wait_for_failure(const struct seen *s, uint64_t failed)
{
	int64_t until_ms = clock_deadline_in(60000);

	while (stats_of(s).failed < failed && clock_mono_ms() < until_ms)
		assert_int_equal(fiber_sleep_ms(2), 0);
	assert_int_equal(stats_of(s).failed, failed);
}

static void body_a_film_seen_is_found_as_it_was(void *arg)
{
	struct seen *s CLEANUP(seen_free) = seen_test_open((struct seen_options){ 0 });
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct movie_item film = seen_test_film(578, "Jaws", 1975), found;
	int64_t genres[] = { 27, 53 };
	struct movie_page page;

	(void)arg;
	film.overview = STR("A \"shark\".\nIt bites: 🦈");
	film.release_date = STR("1975-06-20");
	film.genre_ids = (struct schema_array){ 2, genres };
	film.poster_path = STR("/jaws.jpg");
	film.vote_average = (struct schema_number){ true, 7.663 };
	seen_add(s, &film, 1);
	seen_test_wait(s, 1);
	page = seen_test_search(s, "jaws", 0, a);
	assert_int_equal(page.results.n, 1);
	assert_int_equal(page.page, 1);
	assert_int_equal(page.total_pages, 1);
	assert_int_equal(page.total_results, 1);
	assert_true(str_equal(page.source, STR("local")));
	found = *(const struct movie_item *)page.results.items;
	assert_int_equal(found.id, 578);
	assert_true(str_equal(found.title, film.title));
	assert_true(str_equal(found.overview, film.overview));
	assert_true(str_equal(found.release_date, film.release_date));
	assert_true(str_equal(found.poster_path, film.poster_path));
	assert_true(str_is_null(found.original_title));
	assert_int_equal(found.genre_ids.n, 2);
	assert_int_equal(((const int64_t *)found.genre_ids.items)[1], 53);
	assert_true(found.vote_average.value == 7.663);
	assert_false(found.vote_count.is_set);
}

static void body_brief(void *arg)
{
	struct seen *s CLEANUP(seen_free) = seen_test_open((struct seen_options){ 0 });
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct movie_item film = seen_test_film(578, "Jaws", 1975);
	struct movie_brief brief;

	(void)arg;
	film.poster_path = STR("/jaws.jpg");
	seen_add(s, &film, 1);
	seen_test_wait(s, 1);
	assert_int_equal(seen_brief(s, 578, a, &brief), 0);
	assert_int_equal(brief.id, 578);
	assert_true(str_equal(brief.title, STR("Jaws")));
	assert_int_equal(brief.year.value, 1975);
	assert_true(str_equal(brief.poster_path, STR("/jaws.jpg")));
	assert_int_equal(seen_brief(s, 579, a, &brief), -ENOENT);
}

static void body_a_restart_keeps_what_was_queued(void *arg)
{
	struct seen *s = seen_test_open((struct seen_options){ 0 });

	(void)arg;
	seen_test_add(s, 578, "Jaws", 1975);
	seen_free(&s);
	assert_null(s);
	s = seen_test_open((struct seen_options){ 0 });
	assert_int_equal(stats_of(s).films, 1);
	assert_true(seen_test_finds(s, "jaws", 578));
	seen_free(&s);
}

static void body_what_does_not_belong_is_left_out(void *arg)
{
	struct seen *s CLEANUP(seen_free) = seen_test_open((struct seen_options){ 0 });
	struct movie_item films[] = {
		seen_test_film(1, "Adult", 2000),         seen_test_film(FILM_ID_BASE + 1, "Builtin", 2000),
		seen_test_film(2, "Not \xff text", 2000), seen_test_film(3, "Original", 2000),
		seen_test_film(4, "Welcome", 2000),       seen_test_film(5, "Untitled", 2000),
		seen_test_film(6, "With a NUL …", 2000),
	};

	(void)arg;
	films[0].adult = (struct schema_bool){ true, true };
	films[3].original_title = STR("\xc0\x80");
	films[4].adult = (struct schema_bool){ true, false };
	films[5].title = STR_NULL;
	films[6].title = STR("With a NUL \0");
	seen_add(s, films, ARRAY_SIZE(films));
	seen_test_wait(s, 1);
	assert_int_equal(stats_of(s).written, 1);
	assert_int_equal(stats_of(s).failed, 0);
	assert_true(seen_test_finds(s, "welcome", 4));
}

static void body_a_changed_film_takes_the_place_of_the_old(void *arg)
{
	struct seen *s CLEANUP(seen_free) = seen_test_open((struct seen_options){ 0 });

	(void)arg;
	seen_test_add(s, 578, "Untitled Shark Project", 1975);
	seen_test_wait(s, 1);
	seen_test_add(s, 578, "Jaws", 1975);
	seen_free(&s);
	s = seen_test_open((struct seen_options){ 0 });
	assert_int_equal(stats_of(s).films, 1);
	assert_true(seen_test_finds(s, "jaws", 578));
	assert_true(seen_test_finds(s, "jwas", 578));
	assert_false(seen_test_finds(s, "untitled shark project", 578));
	assert_false(seen_test_finds(s, "untitledd", 578));
}

/* Popular films come with every page: they cause no writes, neither within a process nor after a restart. */
static void body_the_same_again_is_not_written(void *arg)
{
	struct seen *s = seen_test_open((struct seen_options){ 0 });

	(void)arg;
	seen_test_add(s, 578, "Jaws", 1975);
	seen_test_wait(s, 1);
	seen_test_add(s, 578, "Jaws", 1975);
	assert_int_equal(stats_of(s).queued, 0);
	assert_int_equal(stats_of(s).written, 1);
	seen_free(&s);
	s = seen_test_open((struct seen_options){ 0 });
	seen_test_add(s, 578, "Jaws", 1975);
	assert_int_equal(stats_of(s).queued, 1);
	seen_test_add(s, 2, "Ariel", 1988);
	seen_test_wait(s, 2);
	assert_int_equal(stats_of(s).written, 1);
	seen_free(&s);
}

/* Yields. A file with three films in it, seen a while ago. */
static void file_with_old_films(void)
{
	struct seen *s = seen_test_open((struct seen_options){ 0 });

	seen_test_add(s, 1, "Jaws", 1975);
	seen_test_add(s, 2, "Alien", 1979);
	seen_test_add(s, 3, "Ariel", 1988);
	seen_free(&s);
	assert_int_equal(fiber_sleep_ms(20), 0);
}

static void body_an_old_film_leaves(void *arg)
{
	struct seen *s;

	(void)arg;
	file_with_old_films();
	s = seen_test_open((struct seen_options){ .age_max_ms = 5 });
	seen_test_wait(s, 0);
	seen_free(&s);
	s = seen_test_open((struct seen_options){ 0 });
	assert_int_equal(stats_of(s).films, 0);
	assert_false(seen_test_finds(s, "jaws", 1));
	assert_false(seen_test_finds(s, "jwas", 1));
	seen_free(&s);
}

/* Also while the fiber has not come to deleting it. */
static void body_an_old_film_is_not_found(void *arg)
{
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct movie_brief brief;
	struct seen *s;

	(void)arg;
	file_with_old_films();
	s = seen_test_open((struct seen_options){ .age_max_ms = 5 });
	fault_set("store.statement:1");
	assert_int_equal(fiber_sleep_ms(20), 0);
	fault_set(NULL);
	assert_int_equal(stats_of(s).films, 3);
	assert_false(seen_test_finds(s, "jaws", 1));
	assert_int_equal(seen_brief(s, 1, a, &brief), -ENOENT);
	seen_free(&s);
}

static void body_the_films_seen_longest_ago_make_room(void *arg)
{
	struct seen *s = seen_test_open((struct seen_options){ 0 });
	char title[32];

	(void)arg;
	for (int64_t id = 1; id <= 700; id++) {
		snprintf(title, sizeof(title), "Film %lld", (long long)id);
		seen_test_add(s, id, title, 2000);
	}
	seen_free(&s);
	s = seen_test_open((struct seen_options){ .films_max = 100 });
	seen_test_wait(s, 100);
	assert_int_equal(fiber_sleep_ms(5), 0);
	seen_test_add(s, 1000, "Newcomer", 2000);
	assert_int_equal(stats_of(s).queued, 1);
	seen_free(&s);
	s = seen_test_open((struct seen_options){ .films_max = 100 });
	assert_int_equal(stats_of(s).films, 100);
	assert_true(seen_test_finds(s, "newcomer", 1000));
	assert_true(seen_test_finds(s, "film 700", 700));
	assert_false(seen_test_finds(s, "film 600", 600));
	seen_free(&s);
}

/* A property: after any films came, changed and left, the indexes hold what the table does (SQLite looks itself). */
static void body_the_indexes_stay_like_the_table(void *arg)
{
	static const char *const words[] = { "alien", "love", "the", "story", "2", "брат", "of", "star" };
	long rounds = test_rounds(600, 20000);
	struct seen *s = seen_test_open((struct seen_options){ .films_max = 40, .queue_max = 30000 });
	struct store *store;
	char title[64];

	(void)arg;
	srandom(9);
	for (long i = 0; i < rounds; i++) {
		snprintf(title, sizeof(title), "%s %s %s", words[random() % 8], words[random() % 8],
		         words[random() % 8]);
		seen_test_add(s, 1 + random() % 60, title, 1990 + (int)(random() % 3));
		if (i % 100 == 99)
			(void)fiber_sleep_ms(1);
	}
	seen_free(&s);
	s = seen_test_open((struct seen_options){ .films_max = 40 });
	seen_test_wait(s, 40);
	seen_free(&s);
	store = test_store();
	assert_int_equal(must(store, "SELECT count(*) FROM films"), 40);
	must(store, "INSERT INTO titles (titles, rank) VALUES ('integrity-check', 1)");
	must(store, "INSERT INTO spellings (spellings, rank) VALUES ('integrity-check', 1)");
	store_close(&store);
}

static void body_a_full_queue_drops_and_counts(void *arg)
{
	struct seen *s CLEANUP(seen_free) = seen_test_open((struct seen_options){ .queue_max = 3 });

	(void)arg;
	for (int64_t id = 1; id <= 5; id++)
		seen_test_add(s, id, "Jaws", 1975);
	assert_int_equal(stats_of(s).queued, 3);
	assert_int_equal(stats_of(s).dropped, 2);
	seen_test_wait(s, 3);
	/* What was dropped is not taken for known. */
	seen_test_add(s, 5, "Jaws", 1975);
	seen_test_wait(s, 4);
	assert_int_equal(stats_of(s).dropped, 2);
}

static void body_a_film_far_too_big_is_dropped(void *arg)
{
	struct seen *s CLEANUP(seen_free) = seen_test_open((struct seen_options){ 0 });
	struct movie_item film = seen_test_film(1, "Long", 2000);
	size_t len = 100000;
	char *text = malloc(len);

	(void)arg;
	assert_non_null(text);
	memset(text, 'a', len);
	film.overview = (struct str){ text, len };
	seen_add(s, &film, 1);
	assert_int_equal(stats_of(s).queued, 0);
	assert_int_equal(stats_of(s).dropped, 1);
	free(text);
}

static void body_a_lost_batch_is_counted_and_the_next_goes_on(void *arg)
{
	struct seen *s CLEANUP(seen_free) = seen_test_open((struct seen_options){ 0 });

	(void)arg;
	fault_set("store.commit:1");
	seen_test_add(s, 1, "Jaws", 1975);
	wait_for_failure(s, 1);
	fault_set(NULL);
	assert_int_equal(stats_of(s).written, 0);
	assert_false(seen_test_finds(s, "jaws", 1));
	seen_test_add(s, 1, "Jaws", 1975);
	seen_test_wait(s, 1);
	assert_int_equal(stats_of(s).failed, 1);
	assert_true(seen_test_finds(s, "jaws", 1));
}

/* The end comes even when nothing can be written any more, and what is lost is lost in silence but for one line. */
static void body_a_file_that_takes_nothing_keeps_nobody(void *arg)
{
	struct seen *s = seen_test_open((struct seen_options){ 0 });

	(void)arg;
	for (int64_t id = 1; id <= 1000; id++)
		seen_test_add(s, id, "Jaws", 1975);
	fault_set("store.statement:1+");
	seen_free(&s);
	fault_set(NULL);
	s = seen_test_open((struct seen_options){ 0 });
	assert_int_equal(stats_of(s).films, 0);
	seen_free(&s);
}

static void body_a_search_that_cannot_read_says_so(void *arg)
{
	struct seen *s CLEANUP(seen_free) = seen_test_open((struct seen_options){ 0 });
	struct arena *a CLEANUP(arena_free) = test_arena();
	const struct question_search q = { .query = STR("jaws"), .page = 1 };
	struct movie_page page = { .page = 77 };
	struct movie_brief brief;

	(void)arg;
	seen_test_add(s, 1, "Jaws", 1975);
	seen_test_wait(s, 1);
	fault_set("store.statement:1+");
	assert_int_equal(seen_search(s, &q, a, &page), -EAGAIN);
	assert_int_equal(seen_brief(s, 1, a, &brief), -EAGAIN);
	fault_set(NULL);
	assert_int_equal(page.page, 77);
	assert_int_equal(seen_search(s, &q, a, &page), 0);
	assert_int_equal(page.total_results, 1);
}

static void body_a_search_past_its_deadline(void *arg)
{
	struct seen *s CLEANUP(seen_free) = seen_test_open((struct seen_options){ 0 });
	struct arena *a CLEANUP(arena_free) = test_arena();
	const struct question_search q = { .query = STR("jaws"), .page = 1 };
	struct movie_page page;

	(void)arg;
	fiber_deadline_set(clock_mono_ms() - 1);
	assert_int_equal(seen_search(s, &q, a, &page), -ETIMEDOUT);
	fiber_deadline_set(DEADLINE_NONE);
}

static void body_no_memory(void *arg)
{
	struct seen_options options = { .films_max = 1, .age_max_ms = 1, .queue_max = 1 };
	struct seen *s = NULL;

	(void)arg;
	options.store = test_store();
	fault_set("alloc:1");
	assert_int_equal(seen_new(&options, &s), -ENOMEM);
	fault_set(NULL);
	/* Not migrated; and the store was let go both times. */
	options.store = test_store();
	assert_true(seen_new(&options, &s) < 0);
	assert_null(s);
	seen_free(&s);
}

#define TEST(name)                            \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
		fault_set(NULL);              \
		test_files_remove();          \
	}

TEST(a_film_seen_is_found_as_it_was)
TEST(brief)
TEST(a_restart_keeps_what_was_queued)
TEST(what_does_not_belong_is_left_out)
TEST(a_changed_film_takes_the_place_of_the_old)
TEST(the_same_again_is_not_written)
TEST(an_old_film_leaves)
TEST(an_old_film_is_not_found)
TEST(the_films_seen_longest_ago_make_room)
TEST(the_indexes_stay_like_the_table)
TEST(a_full_queue_drops_and_counts)
TEST(a_film_far_too_big_is_dropped)
TEST(a_lost_batch_is_counted_and_the_next_goes_on)
TEST(a_file_that_takes_nothing_keeps_nobody)
TEST(a_search_that_cannot_read_says_so)
TEST(a_search_past_its_deadline)
TEST(no_memory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_film_seen_is_found_as_it_was),
		cmocka_unit_test(test_brief),
		cmocka_unit_test(test_a_restart_keeps_what_was_queued),
		cmocka_unit_test(test_what_does_not_belong_is_left_out),
		cmocka_unit_test(test_a_changed_film_takes_the_place_of_the_old),
		cmocka_unit_test(test_the_same_again_is_not_written),
		cmocka_unit_test(test_an_old_film_leaves),
		cmocka_unit_test(test_an_old_film_is_not_found),
		cmocka_unit_test(test_the_films_seen_longest_ago_make_room),
		cmocka_unit_test(test_the_indexes_stay_like_the_table),
		cmocka_unit_test(test_a_full_queue_drops_and_counts),
		cmocka_unit_test(test_a_film_far_too_big_is_dropped),
		cmocka_unit_test(test_a_lost_batch_is_counted_and_the_next_goes_on),
		cmocka_unit_test(test_a_file_that_takes_nothing_keeps_nobody),
		cmocka_unit_test(test_a_search_that_cannot_read_says_so),
		cmocka_unit_test(test_a_search_past_its_deadline),
		cmocka_unit_test(test_no_memory),
	};

	/* Files that cannot be written are this program's daily bread. */
	log_init("test", LOG_ALERT, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
