/* What titles are sorted by, and the two forms of a rating. */
#include "user/library.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>

static struct arena *arena;

static int up(void **state)
{
	(void)state;
	return arena_new(1 << 20, &arena);
}

static int down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void titles_have_keys(void **state)
{
	static const struct {
		const char *title, *key;
	} cases[] = {
		{ "The Matrix", "matrix the" },
		{ "A Beautiful Mind", "beautiful mind a" },
		{ "An Education", "education an" },
		{ "Anatomy of a Murder", "anatomy of a murder" },
		{ "The", "the" },
		{ "A", "a" },
		{ "Amélie", "amelie" },
		{ "STRASSE", "strasse" },
		{ "Straße", "strasse" },
		{ "Ocean's  Eleven", "oceans eleven" },
		{ "WALL·E", "wall e" },
		{ "...And Justice for All", "and justice for all" },
		{ "2001: A Space Odyssey", "2001 a space odyssey" },
		{ "100% Wolf_", "100 wolf" },
		{ "Иди и смотри", "иди и смотри" },
		{ "Ёлки", "елки" },
		{ "七人の侍", "七人の侍" },
		{ "ﬁlm", "film" },
		{ "???", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct str key;

		assert_int_equal(library_title_key(str_from(cases[i].title), arena, &key), 0);
		assert_string_equal(key.data, cases[i].key);
	}
}

static void keys_are_bounded(void **state)
{
	char title[4000];
	struct str key;

	(void)state;
	for (size_t i = 0; i < sizeof(title); i += 2)
		memcpy(title + i, "\xd0\xb8", 2);
	assert_int_equal(library_title_key((struct str){ title, sizeof(title) }, arena, &key), 0);
	assert_true(key.len <= LIBRARY_TITLE_KEY_MAX && key.len > LIBRARY_TITLE_KEY_MAX - 4);
	memcpy(title, "the ", 4);
	assert_int_equal(library_title_key((struct str){ title, sizeof(title) }, arena, &key), 0);
	assert_true(key.len <= LIBRARY_TITLE_KEY_MAX);
	assert_int_equal(library_title_key(STR("\xff"), arena, &key), -EILSEQ);
}

static void ratings_are_halves(void **state)
{
	static const double none[] = { 0, 0.25, 0.4999, 10.5, 11, -1, 7.3, 1e300, -1e300 };

	(void)state;
	for (int64_t halves = 1; halves <= LIBRARY_RATING_MAX; halves++)
		assert_int_equal(library_rating_halves(library_rating_points(halves)), halves);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_int_equal(library_rating_halves(none[i]), 0);
	assert_int_equal(library_rating_halves(__builtin_nan("")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(titles_have_keys),
		cmocka_unit_test(keys_are_bounded),
		cmocka_unit_test(ratings_are_halves),
	};

	return cmocka_run_group_tests(tests, up, down);
}
