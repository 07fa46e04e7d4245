/* Searching the films seen: what is typed finds what is meant, whatever is typed. */
#include "movie/seen.h"

#include "base/log.h"
#include "base/test_rounds.h"
#include "fiber/fiber.h"
#include "movie/builtin.h"
#include "movie/films.h"
#include "movie/test_seen_support.h"
#include "store/test_support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* What the fixture's films are found by. */
static const struct {
	int64_t id;
	const char *title;
	const char *original_title;
	int year;
} shelf[] = {
	{ 578, "Jaws", NULL, 1975 },
	{ 346364, "It", NULL, 2017 },
	{ 14160, "Up", NULL, 2009 },
	{ 27205, "Inception", NULL, 2010 },
	{ 278, "The Shawshank Redemption", NULL, 1994 },
	{ 557, "Spider-Man", NULL, 2002 },
	{ 194, "Amélie", "Le Fabuleux Destin d'Amélie Poulain", 2001 },
	{ 20992, "Brother", "Брат", 1997 },
	{ 129, "Spirited Away", "千と千尋の神隠し", 2001 },
	{ 496243, "Parasite", "기생충", 2019 },
	{ 161, "Ocean's Eleven", NULL, 2001 },
	{ 244, "King Kong", NULL, 1933 },
	{ 10730, "King Kong", NULL, 1976 },
	{ 254, "King Kong", NULL, 2005 },
	{ 671, "Harry Potter and the Philosopher's Stone", NULL, 2001 },
	{ 673, "Harry Potter and the Prisoner of Azkaban", NULL, 2004 },
	{ 19995, "लगान", NULL, 2001 },
	{ 11, "Star Wars", NULL, 1977 },
	{ 9426, "The Fly", NULL, 1986 },
};

/* Yields. */
static struct seen *shelf_open(struct catalogue *builtin)
{
	struct seen *s = seen_test_open((struct seen_options){ .builtin = builtin });

	for (size_t i = 0; i < ARRAY_SIZE(shelf); i++) {
		struct movie_item film = seen_test_film(shelf[i].id, shelf[i].title, shelf[i].year);

		film.original_title = str_from(shelf[i].original_title);
		seen_add(s, &film, 1);
	}
	seen_test_wait(s, ARRAY_SIZE(shelf));
	return s;
}

static void body_what_people_type(void *arg)
{
	static const struct {
		const char *query;
		int64_t id;
	} expected[] = {
		{ "jaws", 578 },
		{ "JAWS", 578 },
		{ "jwas", 578 },
		{ "jws", 578 },
		{ "it", 346364 },
		{ "up", 14160 },
		{ "UP!", 14160 },
		{ "incep", 27205 },
		{ "inceptoin", 27205 },
		{ "inception 2010", 27205 },
		{ "inception (2011)", 27205 },
		{ "shawshank", 278 },
		{ "shawshenk", 278 },
		{ "the shaw", 278 },
		{ "redemption shawshank", 278 },
		{ "spiderman", 557 },
		{ "spider man", 557 },
		{ "spidrman", 557 },
		{ "spider mn", 557 },
		{ "amelie", 194 },
		{ "AMÉLIE", 194 },
		{ "ame\xcc\x81lie", 194 },
		{ "amelie poulain", 194 },
		{ "fabuleux destn", 194 },
		{ "брат", 20992 },
		{ "БРАТ", 20992 },
		{ "барт", 20992 },
		{ "brother", 20992 },
		{ "千と千尋の神隠し", 129 },
		{ "千と千尋", 129 },
		{ "千と千尋の神し", 129 },
		{ "기생충", 496243 },
		{ "oceans eleven", 161 },
		{ "oceans 11", 161 },
		{ "ocean s eleven", 161 },
		{ "har pot azk", 673 },
		{ "harry potter azkabn", 673 },
		{ "लगान", 19995 },
		{ "starwars", 11 },
		{ "satr wars", 11 },
		{ "star wrs", 11 },
		{ "fly", 9426 },
		{ "the fly", 9426 },
		{ "the shawshank redemption movie", 278 },
		{ "king kong 1999", 254 },
		{ "inception dream", 27205 },
	};
	struct seen *s CLEANUP(seen_free) = shelf_open(NULL);
	size_t missed = 0;

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		if (seen_test_finds(s, expected[i].query, expected[i].id))
			continue;
		print_message("\"%s\" does not find %lld\n", expected[i].query, (long long)expected[i].id);
		missed++;
	}
	assert_int_equal(missed, 0);
	assert_false(seen_test_finds(s, "xyzzy", 578));
	assert_false(seen_test_finds(s, "inception", 578));
}

static const struct movie_item *item_at(const struct movie_page *page, size_t i)
{
	assert_true(i < page->results.n);
	return (const struct movie_item *)page->results.items + i;
}

static void body_years(void *arg)
{
	struct seen *s CLEANUP(seen_free) = shelf_open(NULL);
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct question_search q = { .query = STR("king kong"), .page = 1, .primary_release_year = { true, 1976 } };
	struct movie_page page = seen_test_search(s, "king kong", 1976, a);

	(void)arg;
	assert_int_equal(page.total_results, 1);
	assert_int_equal(item_at(&page, 0)->id, 10730);
	assert_int_equal(seen_test_search(s, "king kong", 0, a).total_results, 3);
	assert_int_equal(seen_test_search(s, "king kong", 1999, a).total_results, 0);
	assert_int_equal(seen_test_search(s, "knig kong", 2005, a).total_results, 1);
	page = seen_test_search(s, "king kong 1933", 0, a);
	assert_int_equal(item_at(&page, 0)->id, 244);
	assert_int_equal(seen_search(s, &q, a, &page), 0);
	assert_int_equal(page.total_results, 1);
	q.year = (struct schema_int){ true, 2005 };
	assert_int_equal(seen_search(s, &q, a, &page), 0);
	assert_int_equal(page.total_results, 0);
}

static void add_popular(struct seen *s, int64_t id, const char *title, int year, double popularity)
{
	struct movie_item film = seen_test_film(id, title, year);

	film.popularity.value = popularity;
	seen_add(s, &film, 1);
}

/* Among equally good ones; a better match comes first all the same. */
static void body_popularity_breaks_ties(void *arg)
{
	struct seen *s CLEANUP(seen_free) = seen_test_open((struct seen_options){ 0 });
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct movie_page page;

	(void)arg;
	add_popular(s, 1, "Alien", 2020, 0.5);
	add_popular(s, 2, "Alien", 1979, 40);
	add_popular(s, 3, "Alien", 1990, 3);
	add_popular(s, 4, "Alien Romulus", 2024, 300);
	seen_test_wait(s, 4);
	page = seen_test_search(s, "alien", 0, a);
	assert_int_equal(page.results.n, 4);
	assert_int_equal(item_at(&page, 0)->id, 2);
	assert_int_equal(item_at(&page, 1)->id, 3);
	assert_int_equal(item_at(&page, 2)->id, 1);
	assert_int_equal(item_at(&page, 3)->id, 4);
}

static void body_pages(void *arg)
{
	struct seen *s CLEANUP(seen_free) = seen_test_open((struct seen_options){ 0 });
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct question_search q = { .query = STR("love") };
	struct movie_page page;
	bool had[56] = { false };

	(void)arg;
	for (int64_t id = 1; id <= 55; id++)
		seen_test_add(s, id, id % 2 ? "Love Story" : "Endless Love", 1950 + (int)id);
	seen_test_wait(s, 55);
	for (q.page = 1; q.page <= 4; q.page++) {
		assert_int_equal(seen_search(s, &q, a, &page), 0);
		assert_int_equal(page.page, q.page);
		assert_int_equal(page.total_results, 55);
		assert_int_equal(page.total_pages, 3);
		assert_int_equal(page.results.n, q.page < 3 ? 20 : q.page == 3 ? 15 : 0);
		for (size_t i = 0; i < page.results.n; i++) {
			assert_false(had[item_at(&page, i)->id]);
			had[item_at(&page, i)->id] = true;
		}
	}
	q.page = CATALOGUE_PAGE_MAX;
	assert_int_equal(seen_search(s, &q, a, &page), 0);
	assert_int_equal(page.results.n, 0);
}

/* Exact titles come first however many films have the word. */
static void body_a_short_title_among_thousands(void *arg)
{
	struct seen *s CLEANUP(seen_free) = seen_test_open((struct seen_options){ .queue_max = 10000 });
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct movie_page page;
	char title[64];

	(void)arg;
	for (int64_t id = 1; id <= 6000; id++) {
		snprintf(title, sizeof(title), "Keep It Up Number %lld", (long long)id);
		add_popular(s, id, title, 2000, 100);
	}
	add_popular(s, 99999, "It", 2017, 0.1);
	seen_test_wait(s, 6001);
	page = seen_test_search(s, "it", 0, a);
	assert_int_equal(item_at(&page, 0)->id, 99999);
	assert_true(page.total_results <= 400);
}

/* ---- with the built-in catalogue ---- */

static void body_builtin_films_join_in(void *arg)
{
	struct catalogue *builtin CLEANUP(catalogue_free) = NULL;
	struct seen *s CLEANUP(seen_free) = NULL;
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct movie_page page;

	(void)arg;
	assert_int_equal(builtin_new(&builtin), 0);
	s = shelf_open(builtin);
	/* Seen and built in: once, as it was seen. */
	page = seen_test_search(s, "inception", 0, a);
	assert_int_equal(page.total_results, 1);
	assert_int_equal(item_at(&page, 0)->id, 27205);
	/* Only built in. */
	page = seen_test_search(s, "forrest gump", 0, a);
	assert_int_equal(page.total_results, 1);
	assert_true(item_at(&page, 0)->id > FILM_ID_BASE);
	assert_true(str_equal(page.source, STR("local")));
	page = seen_test_search(s, "forest gmup", 0, a);
	assert_true(str_equal(item_at(&page, 0)->title, STR("Forrest Gump")));
	/* Both: the other Star Wars films are built in. */
	page = seen_test_search(s, "star wars", 0, a);
	assert_true(page.total_results > 3);
	assert_int_equal(item_at(&page, 0)->id, 11);
	assert_true(item_at(&page, 1)->id > FILM_ID_BASE);
	/* The year holds for both. */
	page = seen_test_search(s, "king kong", 1976, a);
	assert_int_equal(page.total_results, 1);
	seen_free(&s);
}

static int builtin_away(struct catalogue *c, const struct question *q, struct arena *a, void *ret,
                        struct catalogue_meta *meta)
{
	(void)c;
	(void)q;
	(void)a;
	(void)ret;
	(void)meta;
	return -ENOMEM;
}

static void body_builtin_that_fails(void *arg)
{
	struct catalogue broken = { .name = "broken", .ask = builtin_away };
	struct seen *s CLEANUP(seen_free) = shelf_open(&broken);
	struct arena *a CLEANUP(arena_free) = test_arena();
	const struct question_search q = { .query = STR("jaws"), .page = 1 };
	struct movie_page page = { .page = 77 };

	(void)arg;
	assert_int_equal(seen_search(s, &q, a, &page), -ENOMEM);
	assert_int_equal(page.page, 77);
}

/* ---- any bytes ---- */

static void body_there_is_no_query_syntax(void *arg)
{
	static const char *const queries[] = {
		"inception\"",      "\"inception",       "inception*",    "-inception",     "words:inception",
		"inception OR",     "^inception",        "(inception",    "NEAR(inception", "{words}: inception",
		"inception AND",    "NOT inception",     "inception + 2", "inception 🎬",    "inception'; DROP --",
		"inception\" OR *", "inception : - , ;",
	};
	struct seen *s CLEANUP(seen_free) = shelf_open(NULL);

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++)
		if (!seen_test_finds(s, queries[i], 27205))
			fail_msg("\"%s\" does not find Inception", queries[i]);
}

static void body_nothing_to_look_for(void *arg)
{
	static const char *const queries[] = { "",  "?!", "\"", "\"\"",     "*",        "NEAR(", "OR",
		                               ":", "-",  "🎬",  "\xff\xfe", "\xc0\x80", " ",     "AND AND NOT" };
	struct seen *s CLEANUP(seen_free) = shelf_open(NULL);
	struct arena *a CLEANUP(arena_free) = test_arena();

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++)
		assert_int_equal(seen_test_search(s, queries[i], 0, a).total_results, 0);
}

/* The longest query that the routes let through: the greatest expressions. */
static void body_the_longest_query(void *arg)
{
	struct seen *s CLEANUP(seen_free) = shelf_open(NULL);
	char words[4 * CATALOGUE_QUERY_MAX + 1] = "", wide[4 * CATALOGUE_QUERY_MAX + 1] = "";

	(void)arg;
	for (size_t i = 0; i < CATALOGUE_QUERY_MAX; i++) {
		words[i] = i % 25 == 24 ? ' ' : (char)('a' + i % 26);
		memcpy(wide + 4 * i, i % 40 == 39 ? "\xf0\x9f\x8e\xac" : "\xf0\xa0\x80\x8b", 4);
	}
	assert_false(seen_test_finds(s, words, 578));
	assert_false(seen_test_finds(s, wide, 578));
	for (size_t i = 0; i < CATALOGUE_QUERY_MAX; i++)
		words[i] = i % 2 ? ' ' : 'a';
	assert_false(seen_test_finds(s, words, 578));
	for (size_t i = 0; i < CATALOGUE_QUERY_MAX; i++)
		words[i] = i % 12 == 11 ? ' ' : (char)('a' + i * 7 % 26);
	assert_false(seen_test_finds(s, words, 578));
}

static void body_random_bytes(void *arg)
{
	static const char signs[] = "\"'*-:()^+{}%_;\\NEAROANDT 0129\n\t~`\xc3\xa9jaws";
	struct seen *s CLEANUP(seen_free) = shelf_open(NULL);
	struct arena *a CLEANUP(arena_free) = test_arena();
	long rounds = test_rounds(120, 20000);

	(void)arg;
	srandom(3);
	for (long i = 0; i < rounds; i++) {
		struct question_search q = { .page = 1 + i % 3, .year = { i % 5 == 0, 2001 } };
		struct movie_page page;
		char text[60];

		q.query = (struct str){ text, (size_t)random() % sizeof(text) };
		for (size_t k = 0; k < q.query.len; k++)
			text[k] = i % 3 ? signs[(size_t)random() % sizeof(signs)] : (char)random();
		arena_reset(a);
		assert_int_equal(seen_search(s, &q, a, &page), 0);
		for (size_t k = 0; i % 5 == 0 && k < page.results.n; k++)
			assert_int_equal(item_at(&page, k)->year.value, 2001);
	}
}

#define TEST(name)                            \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(body_##name, NULL);  \
		test_files_remove();          \
	}

TEST(what_people_type)
TEST(years)
TEST(popularity_breaks_ties)
TEST(pages)
TEST(a_short_title_among_thousands)
TEST(builtin_films_join_in)
TEST(builtin_that_fails)
TEST(there_is_no_query_syntax)
TEST(nothing_to_look_for)
TEST(the_longest_query)
TEST(random_bytes)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_people_type),
		cmocka_unit_test(test_years),
		cmocka_unit_test(test_popularity_breaks_ties),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_a_short_title_among_thousands),
		cmocka_unit_test(test_builtin_films_join_in),
		cmocka_unit_test(test_builtin_that_fails),
		cmocka_unit_test(test_there_is_no_query_syntax),
		cmocka_unit_test(test_nothing_to_look_for),
		cmocka_unit_test(test_the_longest_query),
		cmocka_unit_test(test_random_bytes),
	};

	log_init("test", LOG_ERROR, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
