/* Forms of words, and expressions that hold nothing but words. */
#include "movie/seen_words.h"

#include "base/utf8.h"
#include "movie/fold.h"

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
	return arena_new((size_t)4 << 20, &arena);
}

static int arena_after(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static bool has(struct str words, struct str wanted)
{
	struct str word;
	size_t pos = 0;

	while (fold_next_word(words, &pos, &word))
		if (str_equal(word, wanted))
			return true;
	return false;
}

/* The word and its forms. */
static size_t spellings(struct str word, struct str ret[SEEN_FORM_LETTERS_MAX + 1])
{
	int n = seen_forms(word, arena, ret + 1);

	assert_true(n >= 0);
	ret[0] = word;
	return (size_t)n + 1;
}

static bool share(struct str a, struct str b)
{
	struct str x[SEEN_FORM_LETTERS_MAX + 1], y[SEEN_FORM_LETTERS_MAX + 1];
	size_t n = spellings(a, x), m = spellings(b, y);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m; k++)
			if (str_equal(x[i], y[k]))
				return true;
	return false;
}

static void test_a_form_is_the_word_less_one_letter(void **state)
{
	struct str forms[SEEN_FORM_LETTERS_MAX];

	(void)state;
	assert_int_equal(seen_forms(STR("jaws"), arena, forms), 4);
	assert_true(str_equal(forms[0], STR("aws")));
	assert_true(str_equal(forms[1], STR("jws")));
	assert_true(str_equal(forms[2], STR("jas")));
	assert_true(str_equal(forms[3], STR("jaw")));
}

static void test_doubled_letters_give_one_form(void **state)
{
	struct str forms[SEEN_FORM_LETTERS_MAX];

	(void)state;
	assert_int_equal(seen_forms(STR("aaa"), arena, forms), 1);
	assert_true(str_equal(forms[0], STR("aa")));
}

static void test_letters_are_code_points(void **state)
{
	struct str forms[SEEN_FORM_LETTERS_MAX];

	(void)state;
	assert_int_equal(seen_forms(STR("брат"), arena, forms), 4);
	assert_true(str_equal(forms[1], STR("бат")));
	assert_int_equal(seen_forms(STR("千と"), arena, forms), 0);
}

static void test_words_too_short_or_too_long_have_none(void **state)
{
	struct str forms[SEEN_FORM_LETTERS_MAX];

	(void)state;
	assert_int_equal(seen_forms(STR(""), arena, forms), 0);
	assert_int_equal(seen_forms(STR("up"), arena, forms), 0);
	assert_int_equal(seen_forms(STR("abcdefghijklmnopqrstuvwx"), arena, forms), 24);
	assert_int_equal(seen_forms(STR("abcdefghijklmnopqrstuvwxy"), arena, forms), 0);
}

/* A property: whatever single error is made in a word, the two share a form or one is a form of the other. */
static void test_one_error_away_shares_a_form(void **state)
{
	(void)state;
	srandom(5);
	for (int i = 0; i < 2000; i++) {
		char word[16], wrong[17];
		size_t len = 3 + (size_t)random() % 12, at = (size_t)random() % len, n = len;

		for (size_t k = 0; k < len; k++)
			word[k] = (char)('a' + random() % 4);
		memcpy(wrong, word, len);
		if (i % 4 == 0) {
			wrong[at] = 'z';
		} else if (i % 4 == 1 && len > 3) {
			memmove(wrong + at, wrong + at + 1, len - at - 1);
			n--;
		} else if (i % 4 == 2) {
			memmove(wrong + at + 1, wrong + at, len - at);
			wrong[at] = 'z';
			n++;
		} else if (at > 0) {
			wrong[at] = word[at - 1];
			wrong[at - 1] = word[at];
		}
		arena_reset(arena);
		if (!share((struct str){ word, len }, (struct str){ wrong, n }))
			fail_msg("%.*s, %.*s", (int)len, word, (int)n, wrong);
	}
}

static void test_words_far_apart_share_none(void **state)
{
	(void)state;
	assert_false(share(STR("jaws"), STR("alien")));
	assert_false(share(STR("matrix"), STR("mtarxi")));
}

static void test_what_is_kept_of_a_title(void **state)
{
	struct seen_words w;

	(void)state;
	assert_int_equal(seen_words_make(STR("The Spider-Man"), STR("Человек-паук"), arena, &w), 0);
	assert_true(has(w.words, STR("spider")));
	assert_true(has(w.words, STR("spiderman")));
	assert_true(has(w.words, STR("паук")));
	assert_true(has(w.whole, STR("thespiderman")));
	assert_true(has(w.whole, STR("spiderman")));
	assert_false(has(w.whole, STR("spider")));
	assert_true(has(w.forms, STR("spider")));
	assert_true(has(w.forms, STR("spidr")));
	assert_true(has(w.forms, STR("spidrman")));
	assert_true(has(w.forms, STR("пак")));
}

static void test_a_title_without_letters(void **state)
{
	struct seen_words w;

	(void)state;
	assert_int_equal(seen_words_make(STR("!?"), STR_NULL, arena, &w), 0);
	assert_int_equal(w.words.len, 0);
	assert_false(str_is_null(w.words));
	assert_int_equal(seen_words_make(STR("\xff"), STR_NULL, arena, &w), -EILSEQ);
}

static struct str match(const char *query, int year, enum seen_step step)
{
	struct seen_query *q = arena_alloc(arena, sizeof(*q));
	struct str expression = STR_NULL;

	assert_non_null(q);
	assert_int_equal(seen_query_init(q, str_from(query), year, arena), 0);
	assert_int_equal(seen_match(q, step, &expression), 0);
	return expression;
}

static void test_expressions(void **state)
{
	(void)state;
	assert_string_equal(match("The Jaws", 0, SEEN_TITLE).data, "whole : (\"thejaws\" OR \"jaws\")");
	assert_string_equal(match("the up", 0, SEEN_WORDS_BEGUN).data, "(words : (\"up\"* OR \"theup\"*))");
	assert_string_equal(match("up 2009", 0, SEEN_WORDS).data,
	                    "whole : (\"up2009\"*) OR (words : (\"up\" OR \"up2009\") AND {words year} : "
	                    "(\"2009\" OR \"up2009\"))");
	assert_string_equal(match("up", 2009, SEEN_TITLE).data, "(whole : (\"up\")) AND year : \"2009\"");
	assert_string_equal(match("up 2009", 2009, SEEN_LOOSELY).data,
	                    "((\"up\")) OR (\"up2009\" OR \"p2009\" OR \"u2009\" OR \"up009\" OR \"up209\" OR "
	                    "\"up200\")");
	assert_true(str_is_null(match("?!", 0, SEEN_TITLE)));
	assert_true(str_is_null(match("two words", 0, SEEN_MOSTLY)));
}

/* A property: between the quotes there are letters and digits, and outside them only what seen_match.c writes. */
static void test_nothing_typed_gets_out_of_its_quotes(void **state)
{
	static const char signs[] = "\"'*-:()^+{}%_;\\NEAR OR AND NOT words whole 2010 ab\n\t~`\xc3\xa9";

	(void)state;
	srandom(7);
	for (int i = 0; i < 3000; i++) {
		char query[40] = "";
		struct str made;
		bool inside = false;

		for (size_t k = 0; k < (size_t)random() % (sizeof(query) - 2); k++)
			query[k] = signs[(size_t)random() % (sizeof(signs) - 3)];
		arena_reset(arena);
		made = match(query, 0, (enum seen_step)(i % SEEN_STEPS));
		for (size_t k = 0; k < made.len; k++) {
			if (made.data[k] == '"')
				inside = !inside;
			else if (inside)
				assert_non_null(strchr("abcdefghijklmnopqrstuvwxyz0123456789", made.data[k]));
		}
		assert_false(inside);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_form_is_the_word_less_one_letter),
		cmocka_unit_test(test_doubled_letters_give_one_form),
		cmocka_unit_test(test_letters_are_code_points),
		cmocka_unit_test(test_words_too_short_or_too_long_have_none),
		cmocka_unit_test(test_one_error_away_shares_a_form),
		cmocka_unit_test(test_words_far_apart_share_none),
		cmocka_unit_test(test_what_is_kept_of_a_title),
		cmocka_unit_test(test_a_title_without_letters),
		cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_nothing_typed_gets_out_of_its_quotes),
	};

	return cmocka_run_group_tests(tests, arena_before, arena_after);
}
