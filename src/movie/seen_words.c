/* Words of titles as the index of films seen keeps them. A form is made by leaving out one letter of a word; titles and
 * queries both have theirs, so that looking for words with a typing error is looking for equal words. Everything made
 * lies in the caller's arena. Limit: FORMS_MAX bytes a film, some ten times the longest title there is. */
#include "movie/seen_words.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "movie/fold.h"

#include <errno.h>

#define FORMS_MAX ((size_t)256 << 10)

int seen_forms(struct str word, struct arena *a, struct str ret[SEEN_FORM_LETTERS_MAX])
{
	size_t letters = utf8_length(word), from = 0, end = 0;
	struct str before = STR_NULL;
	uint32_t cp;
	int n = 0;

	if (letters < SEEN_FORM_LETTERS_MIN || letters > SEEN_FORM_LETTERS_MAX)
		return 0;
	for (; utf8_next(word, &end, &cp) == 0; from = end) {
		struct str letter = str_slice(word, from, end);

		/* Of a doubled letter it makes no difference which one is left out. */
		if (str_equal(letter, before))
			continue;
		before = letter;
		ret[n] = arena_printf(a, "%.*s%.*s", (int)from, word.data, (int)(word.len - end), word.data + end);
		if (str_is_null(ret[n++]))
			return -ENOMEM;
	}
	return n;
}

/* ---- of a title ---- */

struct maker {
	struct buf words;
	struct buf whole;
	struct buf forms;
	struct arena *arena;
};

static void maker_done(struct maker *m)
{
	buf_done(&m->words);
	buf_done(&m->whole);
	buf_done(&m->forms);
}

static void add(struct buf *b, struct str word)
{
	if (b->len > 0)
		buf_addc(b, ' ');
	buf_add_str(b, word);
}

static int add_forms(struct maker *m, struct str word)
{
	struct str forms[SEEN_FORM_LETTERS_MAX];
	int n = seen_forms(word, m->arena, forms);

	add(&m->forms, word);
	for (int i = 0; i < n; i++)
		add(&m->forms, forms[i]);
	return MIN(n, 0);
}

static int add_words(struct maker *m, struct str title)
{
	size_t pos = 0, before = 0;
	struct str word, pair;
	int r = 0;

	for (size_t start = 0; r == 0 && fold_next_word(title, &pos, &word); before = start, start = pos) {
		add(&m->words, word);
		r = add_forms(m, word);
		if (start == 0 || r < 0)
			continue;
		pair = fold_joined(str_slice(title, before, start + word.len), m->arena);
		if (str_is_null(pair))
			return -ENOMEM;
		add(&m->words, pair);
	}
	return r;
}

static int add_whole(struct maker *m, struct str title)
{
	struct str joined = fold_joined(title, m->arena);

	if (str_is_null(joined))
		return -ENOMEM;
	add(&m->whole, joined);
	return str_index(title, ' ', 0) < 0 ? 0 : add_forms(m, joined);
}

static int add_title(struct maker *m, struct str title)
{
	struct str bare = title_without_article(title);
	int r;

	if (title.len == 0)
		return 0;
	r = add_words(m, title);
	if (r == 0)
		r = add_whole(m, title);
	if (r == 0 && bare.len != title.len)
		r = add_whole(m, bare);
	return r;
}

static int finish(struct maker *m, struct seen_words *ret)
{
	struct seen_words made;
	int r = buf_error(&m->words);

	if (r == 0)
		r = buf_error(&m->whole);
	if (r == 0)
		r = buf_error(&m->forms);
	if (r == 0)
		r = arena_copy(m->arena, buf_str(&m->words), &made.words);
	if (r == 0)
		r = arena_copy(m->arena, buf_str(&m->whole), &made.whole);
	if (r == 0)
		r = arena_copy(m->arena, buf_str(&m->forms), &made.forms);
	if (r == 0)
		*ret = made;
	return r;
}

int seen_words_make(struct str title, struct str original, struct arena *a, struct seen_words *ret)
{
	struct maker m CLEANUP(maker_done) = { .arena = a };
	struct str folded, other = STR("");
	int r;

	buf_init(&m.words, FORMS_MAX);
	buf_init(&m.whole, FORMS_MAX);
	buf_init(&m.forms, FORMS_MAX);
	r = fold_words(title, a, &folded);
	if (r == 0 && !str_is_null(original))
		r = fold_words(original, a, &other);
	if (r == 0)
		r = add_title(&m, folded);
	if (r == 0 && !str_equal(folded, other))
		r = add_title(&m, other);
	return r < 0 ? r : finish(&m, ret);
}
