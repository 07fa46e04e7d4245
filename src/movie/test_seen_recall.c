/* Typing errors and sizes: the built-in films, put in as if they had been seen, are the ground for the random tests. */
#include "movie/seen.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/test_rounds.h"
#include "fiber/fiber.h"
#include "movie/catalogue_data.h"
#include "movie/films.h"
#include "movie/fold.h"
#include "movie/test_seen_support.h"
#include "store/test_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct films films;

/* Yields. The built-in films as if TMDB had told of them, their row as id, again and again up to n in all: from the
 * second time on with a number behind the title. */
static void put_films(struct seen *s, size_t n)
{
	char title[1100];

	for (size_t i = 0; i < n; i++) {
		const struct film *film = &films.items[i % films.n];
		struct movie_item item = seen_test_film((int64_t)i + 1, "", film->year);
		struct seen_stats stats;

		snprintf(title, sizeof(title), "%.*s %zu", STR_ARGS(film->title), i / films.n);
		item.title = i < films.n ? film->title : str_from(title);
		item.overview =
		        STR("A film of some importance about people who meet, part and meet again, told in the "
		            "length that TMDB's summaries mostly have: two sentences, or three. This is the third.");
		item.popularity.value = (double)(i * 2654435761u % 1000) / 10;
		seen_add(s, &item, 1);
		for (seen_stats_get(s, &stats); stats.queued > 1500; seen_stats_get(s, &stats))
			(void)fiber_sleep_ms(1);
	}
	seen_test_wait(s, (int64_t)n);
}

#define ERRORS 4 /* kinds: a letter left out, one too many, a wrong one, two swapped */

/* The folded title with one error at that letter; null where there is none to be made. */
static struct str with_typo(struct str title, int kind, size_t at, struct arena *a)
{
	struct str words, left, right;

	if (fold_words(title, a, &words) < 0 || at >= words.len || words.data[at] == ' ')
		return STR_NULL;
	left = str_slice(words, 0, at);
	right = str_slice(words, at + 1, words.len);
	switch (kind) {
	case 0:
		return arena_printf(a, "%.*s%.*s", STR_ARGS(left), STR_ARGS(right));
	case 1:
		return arena_printf(a, "%.*sq%.*s", STR_ARGS(left), STR_ARGS(str_slice(words, at, words.len)));
	case 2:
		return arena_printf(a, "%.*sq%.*s", STR_ARGS(left), STR_ARGS(right));
	default:
		if (right.len == 0 || right.data[0] == ' ' || right.data[0] == words.data[at])
			return STR_NULL;
		return arena_printf(a, "%.*s%c%c%.*s", STR_ARGS(left), right.data[0], words.data[at],
		                    STR_ARGS(str_slice(right, 1, right.len)));
	}
}

static bool is_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] >= 0x80)
			return false;
	return true;
}

/* Each kind of error at each letter of some titles, the first one too. */
static void body_a_typing_error_anywhere(void *arg)
{
	static const char *const titles[] = { "Jaws",      "Inception", "The Shawshank Redemption", "Spider-Man",
		                              "Star Wars", "Parasite",  "Mulholland Drive",         "Monsters, Inc." };
	struct seen *s CLEANUP(seen_free) = seen_test_open((struct seen_options){ 0 });
	struct arena *a CLEANUP(arena_free) = test_arena();

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		seen_test_add(s, (int64_t)i + 1, titles[i], 2000);
	seen_test_wait(s, ARRAY_SIZE(titles));
	for (size_t i = 0; i < ARRAY_SIZE(titles) * ERRORS; i++) {
		struct str title = str_from(titles[i / ERRORS]);

		for (size_t at = 0; at < title.len; at++) {
			struct str query = with_typo(title, (int)(i % ERRORS), at, a);

			if (!str_is_null(query) && !seen_test_finds(s, query.data, (int64_t)(i / ERRORS) + 1))
				fail_msg("\"%s\" does not find \"%s\"", query.data, title.data);
		}
	}
}

static size_t letters_of_word_at(struct str words, size_t at)
{
	size_t from = at, to = at;

	while (from > 0 && words.data[from - 1] != ' ')
		from--;
	while (to < words.len && words.data[to] != ' ')
		to++;
	return to - from;
}

/* A random film and a query for it with one random error in a word of at least four letters. */
static struct str random_query(size_t *ret_film, struct arena *a)
{
	for (;;) {
		size_t film = (size_t)random() % films.n;
		struct str title = films.items[film].title, words, query;
		size_t at;

		arena_reset(a);
		if (!is_ascii(title) || fold_words(title, a, &words) < 0 || words.len == 0)
			continue;
		at = (size_t)random() % words.len;
		if (words.data[at] == ' ' || letters_of_word_at(words, at) < 4)
			continue;
		query = with_typo(title, (int)random() % ERRORS, at, a);
		*ret_film = film;
		if (!str_is_null(query))
			return query;
	}
}

/* Yields. Whether the film is on the first page, and how long that took. */
static bool recalls(struct seen *s, struct str query, size_t film, int64_t *ret_us)
{
	struct arena *a CLEANUP(arena_free) = test_arena();
	int64_t before_us = clock_mono_us();
	struct movie_page page = seen_test_search(s, query.data, 0, a);

	*ret_us = clock_mono_us() - before_us;
	return seen_test_has(&page, (int64_t)film + 1);
}

static int compare_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static size_t recall(struct seen *s, size_t n, int64_t *times)
{
	struct arena *a CLEANUP(arena_free) = test_arena();
	size_t found = 0, film;

	srandom(11);
	for (size_t i = 0; i < n; i++) {
		struct str query = random_query(&film, a);

		found += recalls(s, query, film, &times[i]);
	}
	qsort(times, n, sizeof(*times), compare_times);
	return found;
}

static void body_recall_with_one_typing_error(void *arg)
{
	enum { QUERIES = 500 };
	struct seen *s CLEANUP(seen_free) = seen_test_open((struct seen_options){ 0 });
	int64_t times[QUERIES];
	size_t found;

	(void)arg;
	put_films(s, films.n);
	found = recall(s, QUERIES, times);
	print_message("%zu films: %zu of %d queries with one error find their film on page 1\n", films.n, found,
	              QUERIES);
	assert_true(found >= QUERIES * 95 / 100);
}

static void print_size(size_t n)
{
	char path[4200];
	struct stat st;

	snprintf(path, sizeof(path), "%s/test.db", test_dir());
	if (stat(path, &st) == 0)
		print_message("%zu films: %lld bytes a film on the disk\n", n, (long long)st.st_size / (long long)n);
}

static void print_times(struct seen *s, const char *what, const char *query)
{
	struct arena *a CLEANUP(arena_free) = test_arena();
	int64_t times[21];

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		int64_t before_us = clock_mono_us();

		arena_reset(a);
		(void)seen_test_search(s, query, 0, a);
		times[i] = clock_mono_us() - before_us;
	}
	qsort(times, ARRAY_SIZE(times), sizeof(*times), compare_times);
	print_message("  %s: median %lld us\n", what, (long long)times[ARRAY_SIZE(times) / 2]);
}

/* Prints what README.md tells; the floor is for a machine busy with other things, under sanitizers. */
static void body_many_films(void *arg)
{
	enum { QUERIES = 200 };
	size_t n = (size_t)test_rounds(4000, 100000);
	struct seen *s = seen_test_open((struct seen_options){ .films_max = 200000 });
	int64_t times[QUERIES], started_ms = clock_mono_ms();
	size_t found;

	(void)arg;
	put_films(s, n);
	print_message("%zu films written in %lld ms\n", n, (long long)(clock_mono_ms() - started_ms));
	found = recall(s, QUERIES, times);
	print_message("%zu films: %zu of %d found; median %lld us, p99 %lld us\n", n, found, QUERIES,
	              (long long)times[QUERIES / 2], (long long)times[QUERIES * 99 / 100]);
	print_times(s, "one letter", "a");
	print_times(s, "two letters", "th");
	print_times(s, "a common word", "love");
	print_times(s, "a whole title", "the shawshank redemption");
	print_times(s, "nothing like it", "xylophonist quarrelled bumfuzzled");
	assert_true(times[QUERIES / 2] < 250000);
	seen_free(&s);
	print_size(n);
}

#define TEST(name)                            \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
		test_files_remove();          \
	}

TEST(a_typing_error_anywhere)
TEST(recall_with_one_typing_error)
TEST(many_films)

static int table_before(void **state)
{
	size_t line;

	(void)state;
	return films_read(catalogue_data[0].data, &films, &line);
}

static int table_after(void **state)
{
	(void)state;
	films_done(&films);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_typing_error_anywhere),
		cmocka_unit_test(test_recall_with_one_typing_error),
		cmocka_unit_test(test_many_films),
	};

	log_init("test", LOG_WARNING, 1);
	return cmocka_run_group_tests(tests, table_before, table_after);
}
