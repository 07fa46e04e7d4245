/* FTS5 expressions out of the words of a query. They hold folded words only, which are letters and digits, always in
 * quotes: nothing that is typed can be read as FTS5's own syntax. Each word of the query is a group of alternatives;
 * the groups are joined by AND. Small words ("the", "of") are left to the ranking, as the built-in search has it.
 * Limit: MATCH_MAX bytes. */
#include "movie/seen_words.h"

#include "base/buf.h"
#include "movie/fold.h"

#include <errno.h>

#define MATCH_MAX ((size_t)64 << 10)
#define MOSTLY_WORDS_MIN 3
#define MOSTLY_WORDS_MAX 5
#define BEGUN_LETTERS_MIN 5 /* as the ranking: shorter beginnings with a typing error are like too many words */

int seen_query_init(struct seen_query *q, struct str query, int year, struct arena *a)
{
	int r;

	*q = (struct seen_query){ .year = year, .arena = a };
	if (query.len > SEARCH_QUERY_MAX)
		return -EINVAL;
	r = fold_words(query, a, &q->text);
	if (r == 0)
		q->n_words = search_words(q->text, q->words);
	return r;
}

/* ---- groups ---- */

static void add_term(struct buf *b, struct str word, bool begun)
{
	if (b->len > 0 && b->data[b->len - 1] != '(')
		buf_adds(b, " OR ");
	buf_addc(b, '"');
	buf_add_str(b, word);
	buf_addc(b, '"');
	if (begun)
		buf_addc(b, '*');
}

static void add_aliases(struct buf *b, struct str word)
{
	struct str alias;
	size_t pos = 0;

	while (search_next_alias(word, &pos, &alias))
		add_term(b, alias, false);
}

/* Word i and the next one written as one. */
static int add_pair(const struct seen_query *q, size_t i, bool begun, struct buf *b)
{
	struct str first = q->words[i].text, second = q->words[i + 1].text, pair;

	pair = arena_printf(q->arena, "%.*s%.*s", STR_ARGS(first), STR_ARGS(second));
	if (str_is_null(pair))
		return -ENOMEM;
	add_term(b, pair, begun);
	return 0;
}

static int add_group(const struct seen_query *q, size_t i, bool begun, struct buf *b)
{
	int r = 0;

	buf_adds(b, q->words[i].year ? "{words year} : (" : "words : (");
	add_term(b, q->words[i].text, begun);
	add_aliases(b, q->words[i].text);
	if (i > 0)
		r = add_pair(q, i - 1, begun, b);
	if (r == 0 && i + 1 < q->n_words)
		r = add_pair(q, i, begun, b);
	buf_addc(b, ')');
	return r;
}

static int add_forms(struct str word, bool begun, struct arena *a, struct buf *b)
{
	struct str forms[SEEN_FORM_LETTERS_MAX];
	int n = seen_forms(word, a, forms);

	for (int i = 0; i < n; i++)
		add_term(b, forms[i], begun);
	return MIN(n, 0);
}

/* A word that begins with this one, or is one typing error away; of the last word, also a beginning with an error. */
static int add_loose_group(const struct seen_query *q, size_t i, struct buf *b)
{
	const struct query_word *word = &q->words[i];
	bool last = i + 1 == q->n_words && word->letters.n >= BEGUN_LETTERS_MIN;
	int r = 0;

	buf_addc(b, '(');
	add_term(b, word->text, word->letters.n >= SEEN_FORM_LETTERS_MIN);
	add_aliases(b, word->text);
	if (!word->number)
		r = add_forms(word->text, last, q->arena, b);
	buf_addc(b, ')');
	return r;
}

/* ---- steps ---- */

static bool says_nothing(const struct query_word *word)
{
	return word->optional || word->year != 0;
}

static void add_and(struct buf *b, size_t from)
{
	if (b->len > from)
		buf_adds(b, " AND ");
}

static int add_whole(const struct seen_query *q, bool begun, struct buf *b)
{
	struct str bare = title_without_article(q->text), joined = fold_joined(q->text, q->arena);
	struct str joined_bare = fold_joined(bare, q->arena);

	if (str_is_null(joined) || str_is_null(joined_bare))
		return -ENOMEM;
	buf_adds(b, "whole : (");
	add_term(b, joined, begun);
	if (bare.len != q->text.len)
		add_term(b, joined_bare, begun);
	buf_addc(b, ')');
	return 0;
}

static int add_words(const struct seen_query *q, bool begun, struct buf *b)
{
	size_t from;
	int r = 0;

	buf_addc(b, '(');
	from = b->len;
	for (size_t i = 0; i < q->n_words && r == 0; i++) {
		if (q->words[i].optional)
			continue;
		add_and(b, from);
		r = add_group(q, i, begun, b);
	}
	buf_addc(b, ')');
	return r;
}

/* Every word that says something but the one at `except`; how many. */
static int add_loose_words(const struct seen_query *q, size_t except, struct buf *b)
{
	size_t from;
	int r = 0, n = 0;

	buf_addc(b, '(');
	from = b->len;
	for (size_t i = 0; i < q->n_words && r == 0; i++) {
		if (i == except || says_nothing(&q->words[i]))
			continue;
		add_and(b, from);
		r = add_loose_group(q, i, b);
		n++;
	}
	buf_addc(b, ')');
	return r < 0 ? r : n;
}

/* The words, or all of them written as one ("starwrs", "star wrs"). */
static int loosely(const struct seen_query *q, struct buf *b)
{
	struct str joined = fold_joined(title_without_article(q->text), q->arena);
	int r = add_loose_words(q, SIZE_MAX, b);

	if (r <= 0) {
		buf_reset(b);
		return r;
	}
	if (str_is_null(joined))
		return -ENOMEM;
	if (q->n_words < 2)
		return 0;
	buf_adds(b, " OR (");
	add_term(b, joined, false);
	r = add_forms(joined, false, q->arena, b);
	buf_addc(b, ')');
	return r;
}

static int mostly(const struct seen_query *q, struct buf *b)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < q->n_words; i++)
		n += !says_nothing(&q->words[i]);
	if (n < MOSTLY_WORDS_MIN || n > MOSTLY_WORDS_MAX)
		return 0;
	for (size_t i = 0; i < q->n_words && r >= 0; i++) {
		if (says_nothing(&q->words[i]))
			continue;
		if (b->len > 0)
			buf_adds(b, " OR ");
		r = add_loose_words(q, i, b);
	}
	return MIN(r, 0);
}

static int expression(const struct seen_query *q, enum seen_step step, struct buf *b)
{
	int r = 0;

	switch (step) {
	case SEEN_TITLE:
		return add_whole(q, false, b);
	case SEEN_WORDS:
		r = add_whole(q, true, b);
		buf_adds(b, " OR ");
		return r < 0 ? r : add_words(q, false, b);
	case SEEN_WORDS_BEGUN:
		return add_words(q, true, b);
	case SEEN_LOOSELY:
		return loosely(q, b);
	case SEEN_MOSTLY:
		return mostly(q, b);
	case SEEN_STEPS:
		break;
	}
	return -EINVAL;
}

static int finish(struct buf *b, struct arena *a, struct str *ret)
{
	int r = buf_error(b);

	if (r == 0 && b->len > 0)
		return arena_copy(a, buf_str(b), ret);
	if (r == 0)
		*ret = STR_NULL;
	return r;
}

int seen_match(const struct seen_query *q, enum seen_step step, struct str *ret)
{
	struct buf b CLEANUP(buf_done);
	struct str made;
	int r;

	buf_init(&b, MATCH_MAX);
	r = q->n_words > 0 ? expression(q, step, &b) : 0;
	if (r == 0)
		r = finish(&b, q->arena, &made);
	if (r < 0)
		return r;
	if (!str_is_null(made) && q->year != 0 && step < SEEN_LOOSELY) {
		made = arena_printf(q->arena, "(%.*s) AND year : \"%d\"", STR_ARGS(made), q->year);
		if (str_is_null(made))
			return -ENOMEM;
	}
	*ret = made;
	return 0;
}

int seen_match_word(const struct seen_query *q, size_t word, struct str *ret)
{
	struct buf b CLEANUP(buf_done);
	int r = 0;

	buf_init(&b, MATCH_MAX);
	if (!says_nothing(&q->words[word]))
		r = add_loose_group(q, word, &b);
	return r < 0 ? r : finish(&b, q->arena, ret);
}
