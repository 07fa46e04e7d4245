/* The search over the real table: who comes first, and that any bytes are only text to it. */
#include "movie/search.h"

#include "base/utf8.h"
#include "movie/catalogue_data.h"

#include <errno.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct films films;
static struct title_index *ix;
static struct arena *arena;

static int table_before(void **state)
{
	size_t line;
	int r = films_read(catalogue_data[0].data, &films, &line);

	(void)state;
	if (r == 0)
		r = title_index_new(&films, &ix);
	return r < 0 ? r : arena_new((size_t)1 << 20, &arena);
}

static int table_after(void **state)
{
	(void)state;
	arena_free(&arena);
	title_index_free(&ix);
	films_done(&films);
	return 0;
}

static struct search_hits search(const char *query, int year)
{
	struct search_hits hits;

	arena_reset(arena);
	assert_int_equal(search_titles(ix, str_from(query), year, arena, &hits), 0);
	return hits;
}

static const struct film *film_at(const struct search_hits *hits, size_t at)
{
	return &films.items[hits->items[at].film];
}

/* query, title, year, and within how many first hits it has to be */
static const struct {
	const char *query;
	const char *title;
	int year;
	size_t within;
} expected[] = {
	/* the title itself, in any dress */
	{ "amelie", "Amélie", 2001, 1 },
	{ "AMÉLIE", "Amélie", 2001, 1 },
	{ "amelie poulain", "Le Fabuleux destin d'Amélie Poulain", 2001, 1 },
	{ "inception", "Inception", 2010, 1 },
	{ "the shawshank redemption", "The Shawshank Redemption", 1994, 1 },
	{ "shawshank redemption", "The Shawshank Redemption", 1994, 1 },
	{ "godfather", "The Godfather", 1972, 1 },
	{ "The Godfather", "The Godfather", 1972, 1 },
	{ "matrix", "The Matrix", 1999, 1 },
	{ "wall e", "WALL·E", 2008, 2 },
	{ "wall-e", "WALL-E", 2008, 2 },
	{ "walle", "WALL·E", 2008, 2 },
	{ "spiderman", "Spider-Man", 2002, 1 },
	{ "spider man", "Spider-Man", 2002, 1 },
	{ "Spider-Man", "Spider-Man", 2002, 1 },
	{ "xmen", "X-Men", 2000, 1 },
	{ "oceans eleven", "Ocean's Eleven", 2001, 1 },
	{ "mission impossible", "Mission: Impossible", 1996, 1 },
	{ "monsters inc", "Monsters, Inc.", 2001, 1 },
	{ "leon", "Léon", 1994, 1 },
	{ "deja vu", "Déjà Vu", 2006, 1 },
	{ "cache", "Caché", 2005, 1 },
	{ "la mome", "La Môme", 2007, 1 },
	{ "die falscher", "Die Fälscher", 2008, 1 },
	{ "aimee and jaguar", "Aimée & Jaguar", 2000, 1 },
	{ "richie rich", "Ri¢hie Ri¢h", 1994, 1 },
	{ "la confidential", "L.A. Confidential", 1997, 1 },
	{ "swat", "S.W.A.T.", 2003, 1 },
	{ "mash", "MASH", 1970, 2 },
	{ "lordoftherings", "The Lord of the Rings: The Fellowship of the Ring", 2001, 3 },
	{ "usual suspects", "The Usual Suspects", 1995, 1 },
	/* numbers */
	{ "300", "300", 2007, 1 },
	{ "2012", "2012", 2009, 1 },
	{ "2001", "2001: A Space Odyssey", 1968, 1 },
	{ "1941", "1941", 1979, 1 },
	{ "10000 bc", "10,000 B.C.", 2008, 1 },
	{ "alien 3", "Alien³", 1992, 1 },
	{ "8 1/2", "8½", 1963, 1 },
	{ "oceans 11", "Ocean's Eleven", 2001, 1 },
	{ "twelve angry men", "12 Angry Men", 1957, 1 },
	{ "7 samurai", "Seven Samurai", 1954, 1 },
	{ "the godfather part 2", "The Godfather: Part II", 1974, 1 },
	{ "20000 leagues", "20,000 Leagues Under the Sea", 1954, 1 },
	/* while typing */
	{ "incep", "Inception", 2010, 1 },
	{ "m", "M", 1931, 1 },
	{ "up", "Up", 2009, 1 },
	{ "et", "E.T. the Extra-Terrestrial", 1982, 1 },
	{ "jaw", "Jaws", 1975, 1 },
	{ "toy s", "Toy Story", 1995, 3 },
	{ "shaws", "The Shawshank Redemption", 1994, 1 },
	{ "the shaw", "The Shawshank Redemption", 1994, 1 },
	{ "har pot azk", "Harry Potter and the Prisoner of Azkaban", 2004, 1 },
	{ "star wars", "Star Wars: Episode IV - A New Hope", 1977, 3 },
	{ "dr strangelove", "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb", 1964, 1 },
	/* typing errors */
	{ "shawshenk", "The Shawshank Redemption", 1994, 1 },
	{ "shawshnk", "The Shawshank Redemption", 1994, 1 },
	{ "shawshaank", "The Shawshank Redemption", 1994, 1 },
	{ "shwashank", "The Shawshank Redemption", 1994, 1 },
	{ "shwas", "The Shawshank Redemption", 1994, 1 },
	{ "inceptoin", "Inception", 2010, 1 },
	{ "jwas", "Jaws", 1975, 1 },
	{ "jws", "Jaws", 1975, 1 },
	{ "titanik", "Titanic", 1997, 1 },
	{ "matirx", "The Matrix", 1999, 1 },
	{ "pulp ficton", "Pulp Fiction", 1994, 1 },
	{ "forest gump", "Forrest Gump", 1994, 1 },
	{ "silence of the lams", "The Silence of the Lambs", 1991, 1 },
	{ "goodfelas", "Goodfellas", 1990, 1 },
	{ "pans labirynth", "Pan's Labyrinth", 2006, 1 },
	{ "apocalipse now", "Apocalypse Now", 1979, 1 },
	{ "mullholland drive", "Mulholland Drive", 2001, 1 },
	{ "casino royal", "Casino Royale", 2006, 1 },
	/* words in any order, some left out, some too many */
	{ "lord of rings", "The Lord of the Rings: The Fellowship of the Ring", 2001, 3 },
	{ "rings lord king", "The Lord of the Rings: The Return of the King", 2003, 1 },
	{ "ugly bad good", "The Good, the Bad and the Ugly", 1966, 1 },
	{ "fast furious", "The Fast and the Furious", 2001, 2 },
	{ "the godfather movie", "The Godfather", 1972, 1 },
	{ "snow white seven dwarves", "Snow White and the Seven Dwarfs", 1937, 1 },
	/* with a year */
	{ "inception 2010", "Inception", 2010, 1 },
	{ "inception (2010)", "Inception", 2010, 1 },
	{ "inception 2011", "Inception", 2010, 1 },
	{ "king kong 1933", "King Kong", 1933, 1 },
	{ "king kong 1976", "King Kong", 1976, 1 },
	{ "king kong 2005", "King Kong", 2005, 1 },
	{ "2005 king kong", "King Kong", 2005, 1 },
	{ "king kong 1999", "King Kong", 1933, 3 },
	{ "blade runner 2049", "Blade Runner", 1982, 1 },
	{ "casino royale 1967", "Casino Royale", 1967, 1 },
};

static bool is_within(const struct search_hits *hits, size_t within, const char *title, int year)
{
	for (size_t i = 0; i < MIN(hits->n, within); i++)
		if (str_equal(film_at(hits, i)->title, str_from(title)) && film_at(hits, i)->year == year)
			return true;
	return false;
}

static void test_what_people_type_finds_what_they_mean(void **state)
{
	size_t missed = 0;

	(void)state;
	assert_true(ARRAY_SIZE(expected) >= 60);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct search_hits hits = search(expected[i].query, 0);

		if (is_within(&hits, expected[i].within, expected[i].title, expected[i].year))
			continue;
		print_message("\"%s\" does not find \"%s\" but \"%.*s\"\n", expected[i].query, expected[i].title,
		              STR_ARGS(hits.n ? film_at(&hits, 0)->title : STR("nothing")));
		missed++;
	}
	assert_int_equal(missed, 0);
}

static void test_a_title_finds_only_what_belongs(void **state)
{
	(void)state;
	assert_int_equal(search("inception", 0).n, 1);
	assert_int_equal(search("amelie", 0).n, 2);
	assert_int_equal(search("godfather", 0).n, 3);
	assert_int_equal(search("zzzzqq", 0).n, 0);
	assert_int_equal(search("?!", 0).n, 0);
	assert_int_equal(search("1999 2000", 0).n, 0);
	assert_int_equal(search("the 1888", 0).n, 0);
	assert_int_equal(search("", 0).n, 0);
}

static void test_better_matches_come_first(void **state)
{
	/* Spider (2003) is the query; Spider-Man begins with it; Along Came a Spider has the word. */
	struct search_hits hits = search("spider", 0);

	(void)state;
	assert_true(str_equal(film_at(&hits, 0)->title, STR("Spider")));
	assert_true(str_starts(film_at(&hits, 1)->title, STR("Spider-Man")));
	assert_true(str_equal(film_at(&hits, 5)->title, STR("Along Came a Spider")));
	for (size_t i = 1; i < hits.n; i++)
		assert_true(hits.items[i - 1].rank > hits.items[i].rank);
}

static void test_a_year_asked_for_is_kept_to(void **state)
{
	struct search_hits hits = search("king kong", 1976);

	(void)state;
	assert_int_equal(hits.n, 1);
	assert_int_equal(film_at(&hits, 0)->year, 1976);
	assert_int_equal(search("inception", 1900).n, 0);
}

static void test_every_title_finds_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < films.n; i++) {
		const struct film *film = &films.items[i];
		struct search_hits hits;
		bool found = false;

		arena_reset(arena);
		assert_int_equal(search_titles(ix, film->title, film->year, arena, &hits), 0);
		for (size_t k = 0; k < MIN(hits.n, (size_t)3); k++)
			found |= film_at(&hits, k) == film;
		if (!found)
			fail_msg("\"%.*s\" does not find itself", STR_ARGS(film->title));
	}
}

/* Quotes, operators and column names of query languages are words and signs like any other. */
static void test_there_is_no_query_syntax(void **state)
{
	static const char *const queries[] = { "inception\"",     "\"inception",  "inception*", "-inception",
		                               "title:inception", "inception OR", "^inception", "(inception",
		                               "inception%",      "{inception}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		struct search_hits hits = search(queries[i], 0);

		assert_true(hits.n > 0);
		assert_true(str_equal(film_at(&hits, 0)->title, STR("Inception")));
	}
}

static void test_too_long_or_not_text(void **state)
{
	static char text[SEARCH_QUERY_MAX + 1];
	struct search_hits hits;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(search_titles(ix, (struct str){ text, sizeof(text) }, 0, arena, &hits), -EINVAL);
	assert_int_equal(search_titles(ix, (struct str){ text, sizeof(text) - 1 }, 0, arena, &hits), 0);
	assert_int_equal(search_titles(ix, STR("\xff"), 0, arena, &hits), -EILSEQ);
}

/* A property: any bytes are answered or refused as not being UTF-8; hits are in order and within the year. */
static void test_random_bytes(void **state)
{
	static const char signs[] = "\"'*-:()^%_;\\NEAROANDT 0129\0\n\t~`{}";

	(void)state;
	srandom(3);
	for (int i = 0; i < 800; i++) {
		struct search_hits hits = { 0 };
		size_t len = (size_t)random() % 60;
		char text[60];
		int r;

		for (size_t k = 0; k < len; k++)
			text[k] = i % 3 ? signs[(size_t)random() % sizeof(signs)] : (char)random();
		arena_reset(arena);
		r = search_titles(ix, (struct str){ text, len }, i % 5 ? 0 : 2000, arena, &hits);
		assert_int_equal(r, utf8_is_valid((struct str){ text, len }) ? 0 : -EILSEQ);
		for (size_t k = 0; k < hits.n; k++) {
			assert_true(hits.items[k].film < films.n);
			assert_true(k == 0 || hits.items[k - 1].rank > hits.items[k].rank);
			assert_true(i % 5 || film_at(&hits, k)->year == 2000);
		}
	}
}

static void test_a_query_fits_its_arena(void **state)
{
	(void)state;
	(void)search("a b c d e f g h i j k l m n o p q r s t u v w x y z 1999 2000 2001", 0);
	assert_true(arena_used(arena) < (size_t)256 << 10);
}

static void test_a_small_arena_is_an_error(void **state)
{
	struct arena *small CLEANUP(arena_free) = NULL;
	struct search_hits hits;

	(void)state;
	assert_int_equal(arena_new(1000, &small), 0);
	assert_int_equal(search_titles(ix, STR("inception"), 0, small, &hits), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_people_type_finds_what_they_mean),
		cmocka_unit_test(test_a_title_finds_only_what_belongs),
		cmocka_unit_test(test_better_matches_come_first),
		cmocka_unit_test(test_a_year_asked_for_is_kept_to),
		cmocka_unit_test(test_every_title_finds_itself),
		cmocka_unit_test(test_there_is_no_query_syntax),
		cmocka_unit_test(test_too_long_or_not_text),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_a_query_fits_its_arena),
		cmocka_unit_test(test_a_small_arena_is_an_error),
	};

	return cmocka_run_group_tests(tests, table_before, table_after);
}
