/* Folding: what is the same to the search, and that any bytes can be folded. */
#include "movie/fold.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena *arena;

static int arena_before(void **state)
{
	(void)state;
	return arena_new((size_t)1 << 22, &arena);
}

static int arena_after(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void assert_folds(const char *text, const char *expected)
{
	struct str folded;

	assert_int_equal(fold_words(str_from(text), arena, &folded), 0);
	if (!str_equal(folded, str_from(expected)))
		fail_msg("\"%s\" gives \"%.*s\", not \"%s\"", text, STR_ARGS(folded), expected);
}

static void test_case_and_accents_vanish(void **state)
{
	(void)state;
	assert_folds("AMÉLIE", "amelie");
	assert_folds("Ame\xcc\x81lie", "amelie");
	assert_folds("Nausicaä", "nausicaa");
	assert_folds("Straße", "strasse");
	assert_folds("mon cœur, Łódź, Søren, Æon", "mon coeur lodz soren aeon");
	assert_folds("ЁЛКИ Йод", "елки иод");
	assert_folds("ΣΊΣΥΦΟΣ", "σισυφοσ");
	assert_folds("İstanbul", "istanbul");
}

static void test_punctuation_parts_words_or_vanishes(void **state)
{
	(void)state;
	assert_folds("WALL·E", "wall e");
	assert_folds("Spider-Man", "spider man");
	assert_folds("Ocean's Eleven", "oceans eleven");
	assert_folds("Ocean’s Eleven", "oceans eleven");
	assert_folds("Le Fabuleux destin d'Amélie Poulain", "le fabuleux destin d amelie poulain");
	assert_folds("Wallace & Gromit", "wallace and gromit");
	assert_folds("  I Love You … Don't Touch Me!  ", "i love you dont touch me");
	assert_folds("?!", "");
	assert_folds("", "");
}

static void test_acronyms_are_words(void **state)
{
	(void)state;
	assert_folds("E.T. the Extra-Terrestrial", "et the extra terrestrial");
	assert_folds("S.W.A.T.", "swat");
	assert_folds("L.A. Confidential", "la confidential");
	assert_folds("Mr. Smith", "mr smith");
	assert_folds("Star Wars Ep. V", "star wars ep v");
	assert_folds("Plan B. Again", "plan b again");
}

static void test_numbers(void **state)
{
	(void)state;
	assert_folds("10,000 B.C.", "10000 bc");
	assert_folds("Alien³", "alien3");
	assert_folds("8½", "8 1 2");
	assert_folds("8 1/2", "8 1 2");
	assert_folds("Ri¢hie Ri¢h", "richie rich");
	assert_folds("1,a", "1 a");
}

static void test_joined(void **state)
{
	(void)state;
	assert_true(str_equal(fold_joined(STR("wall e"), arena), STR("walle")));
	assert_true(str_equal(fold_joined(STR(""), arena), STR("")));
}

static void test_words_one_by_one(void **state)
{
	struct str word;
	size_t pos = 0;

	(void)state;
	assert_true(fold_next_word(STR("wall e"), &pos, &word));
	assert_true(str_equal(word, STR("wall")));
	assert_true(fold_next_word(STR("wall e"), &pos, &word));
	assert_true(str_equal(word, STR("e")));
	assert_false(fold_next_word(STR("wall e"), &pos, &word));
}

static void test_caseless_keeps_signs(void **state)
{
	struct str folded;

	(void)state;
	assert_int_equal(fold_caseless(STR("  Amélie\t\xc2\xa0 DON'T  "), arena, &folded), 0);
	assert_true(str_equal(folded, STR("amélie don't")));
	assert_int_equal(fold_caseless(STR(" \t "), arena, &folded), 0);
	assert_int_equal(folded.len, 0);
}

static void test_bytes_that_are_no_text(void **state)
{
	struct str folded;

	(void)state;
	assert_int_equal(fold_words(STR("a\xff"), arena, &folded), -EILSEQ);
	assert_int_equal(fold_caseless(STR("\xc3"), arena, &folded), -EILSEQ);
	assert_int_equal(fold_words(STR("a\0b"), arena, &folded), 0);
	assert_true(str_equal(folded, STR("a b")));
}

/* ASCII has a way of its own, which must lead to the same place: a sign outside of it forces the other one. */
static void test_caseless_ascii_is_folded_as_all_else(void **state)
{
	(void)state;
	srandom(7);
	for (int i = 0; i < 20000; i++) {
		char text[32];
		size_t len = 1 + (size_t)random() % 20;
		struct str fast, slow;

		arena_reset(arena);
		for (size_t k = 0; k < len; k++)
			text[k] = (char)(random() % 3 ? 1 + random() % 0x7f : " \t\r"[random() % 3]);
		memcpy(text + len, " \u00df", 3);
		assert_int_equal(fold_caseless((struct str){ text, len }, arena, &fast), 0);
		assert_int_equal(fold_caseless((struct str){ text, len + 3 }, arena, &slow), 0);
		slow.len -= slow.len > 2 ? 3 : 2; /* " ss" */
		assert_true(fast.len == slow.len && memcmp(fast.data, slow.data, fast.len) == 0);
	}
}

/* A property: folded text folds to itself, is UTF-8, and has no space at its ends nor two together. */
static void test_folding_is_stable(void **state)
{
	(void)state;
	srandom(7);
	for (int i = 0; i < 20000; i++) {
		struct str once, twice;
		char text[64];
		size_t len = 0;

		arena_reset(arena);
		while (len < 40) {
			uint32_t cp = (uint32_t)random() % (random() % 2 ? 0x80 : 0x3000);

			len += utf8_encode(cp, text + len);
		}
		assert_int_equal(fold_words((struct str){ text, len }, arena, &once), 0);
		assert_int_equal(fold_words(once, arena, &twice), 0);
		assert_true(str_equal(once, twice));
		assert_true(utf8_is_valid(once));
		assert_false(str_starts(once, STR(" ")) || str_ends(once, STR(" ")));
		assert_null(memmem(once.data, once.len, "  ", 2));
	}
}

#define FOLD_TEST(f) cmocka_unit_test_setup_teardown(f, arena_before, arena_after)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLD_TEST(test_case_and_accents_vanish),
		FOLD_TEST(test_punctuation_parts_words_or_vanishes),
		FOLD_TEST(test_acronyms_are_words),
		FOLD_TEST(test_numbers),
		FOLD_TEST(test_joined),
		FOLD_TEST(test_words_one_by_one),
		FOLD_TEST(test_caseless_keeps_signs),
		FOLD_TEST(test_bytes_that_are_no_text),
		FOLD_TEST(test_caseless_ascii_is_folded_as_all_else),
		FOLD_TEST(test_folding_is_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
