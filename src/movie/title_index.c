/* Builds the index of titles: folds each title, lists every (word, film), sorts, and joins equal words. All of it lies
 * in one arena. Limits: TITLE_FILMS_MAX films, INDEX_SIZE_MAX bytes. */
#include "movie/title_index.h"

#include "base/fault.h"
#include "base/utf8.h"
#include "movie/distance.h"
#include "movie/fold.h"

#include <errno.h>
#include <stdlib.h>

#define INDEX_SIZE_MAX ((size_t)16 << 20)
#define LIST_SIZE_MAX ((size_t)16 << 20)

struct occurrence {
	struct str word;
	uint16_t film;
};

/* What the first pass lists. */
struct listing {
	struct occurrence *items;
	size_t n;
	size_t n_max;
};

static int compare_text(struct str a, struct str b)
{
	int order = memcmp(a.data, b.data, MIN(a.len, b.len));

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_occurrences(const void *a, const void *b)
{
	const struct occurrence *x = a, *y = b;
	int order = compare_text(x->word, y->word);

	return order ? order : (int)x->film - (int)y->film;
}

static int compare_keys(const void *a, const void *b)
{
	const struct title_key *x = a, *y = b;
	int order = compare_text(x->text, y->text);

	return order ? order : (int)x->film - (int)y->film;
}

struct str title_without_article(struct str words)
{
	static const struct str articles[] = { { "the ", 4 }, { "a ", 2 }, { "an ", 3 } };

	for (size_t i = 0; i < ARRAY_SIZE(articles); i++)
		if (str_starts(words, articles[i]))
			return str_slice(words, articles[i].len, words.len);
	return words;
}

static int fold_titles(struct title_index *ix)
{
	const struct films *films = ix->films;
	int r;

	ix->titles = arena_array(ix->arena, films->n, sizeof(*ix->titles));
	if (!ix->titles)
		return -ENOMEM;
	for (size_t i = 0; i < films->n; i++) {
		r = fold_words(films->items[i].title, ix->arena, &ix->titles[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_key(struct title_index *ix, struct str words, size_t film)
{
	struct title_key *key = &ix->keys[ix->n_keys];

	key->text = fold_joined(words, ix->arena);
	if (str_is_null(key->text))
		return -ENOMEM;
	key->words = words;
	key->letters = distance_set(key->text);
	key->n_letters = (uint32_t)utf8_length(key->text);
	key->film = (uint16_t)film;
	ix->n_keys++;
	return 0;
}

static int list_keys(struct title_index *ix)
{
	int r = 0;

	ix->keys = arena_array(ix->arena, ix->films->n * 2, sizeof(*ix->keys));
	if (!ix->keys)
		return -ENOMEM;
	for (size_t i = 0; i < ix->films->n && r == 0; i++) {
		struct str bare = title_without_article(ix->titles[i]);

		r = add_key(ix, ix->titles[i], i);
		if (r == 0 && bare.len != ix->titles[i].len)
			r = add_key(ix, bare, i);
	}
	qsort(ix->keys, ix->n_keys, sizeof(*ix->keys), compare_keys);
	return r;
}

static void list_add(struct listing *l, struct str word, size_t film)
{
	assert(l->n < l->n_max);
	l->items[l->n++] = (struct occurrence){ word, (uint16_t)film };
}

/* The words of one title and its pairs of neighbours. */
static int list_title(struct title_index *ix, struct listing *l, size_t film)
{
	struct str words = ix->titles[film], word, pair;
	size_t pos = 0, before = 0;

	for (size_t start = 0; fold_next_word(words, &pos, &word); before = start, start = pos) {
		list_add(l, word, film);
		if (start == 0)
			continue;
		pair = fold_joined(str_slice(words, before, start + word.len), ix->arena);
		if (str_is_null(pair))
			return -ENOMEM;
		list_add(l, pair, film);
	}
	return 0;
}

static size_t count_words(const struct title_index *ix)
{
	size_t n = 0;

	for (size_t i = 0; i < ix->films->n; i++)
		for (size_t at = 0; at < ix->titles[i].len; at++)
			n += at == 0 || ix->titles[i].data[at] == ' ';
	return n;
}

/* From the sorted listing: one title_word for each run of equal words. */
static int join_words(struct title_index *ix, const struct listing *l)
{
	uint16_t *films = arena_array(ix->arena, l->n, sizeof(*films));
	struct title_word *word = NULL;

	ix->words = arena_array(ix->arena, l->n, sizeof(*ix->words));
	if (!films || !ix->words)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++) {
		const struct occurrence *o = &l->items[i];

		if (!word || !str_equal(word->text, o->word)) {
			word = &ix->words[ix->n_words++];
			*word = (struct title_word){ .text = o->word, .films = films };
			word->letters = distance_set(o->word);
			word->n_letters = (uint32_t)utf8_length(o->word);
		}
		if (word->n_films > 0 && films[-1] == o->film)
			continue;
		*films++ = o->film;
		word->n_films++;
	}
	return 0;
}

static int list_words(struct title_index *ix)
{
	struct arena *scratch CLEANUP(arena_free) = NULL;
	struct listing l = { .n_max = count_words(ix) * 2 };
	int r;

	r = arena_new(LIST_SIZE_MAX, &scratch);
	if (r < 0)
		return r;
	l.items = arena_array(scratch, l.n_max, sizeof(*l.items));
	if (!l.items)
		return -ENOMEM;
	for (size_t i = 0; i < ix->films->n && r == 0; i++)
		r = list_title(ix, &l, i);
	if (r < 0)
		return r;
	qsort(l.items, l.n, sizeof(*l.items), compare_occurrences);
	return join_words(ix, &l);
}

int title_index_new(const struct films *films, struct title_index **ret)
{
	struct title_index *ix CLEANUP(title_index_free) = NULL;
	int r;

	if (films->n > TITLE_FILMS_MAX)
		return -EMSGSIZE;
	ix = fault_hit("alloc") ? NULL : calloc(1, sizeof(*ix));
	if (!ix)
		return -ENOMEM;
	ix->films = films;
	r = arena_new(INDEX_SIZE_MAX, &ix->arena);
	if (r == 0)
		r = fold_titles(ix);
	if (r == 0)
		r = list_keys(ix);
	if (r == 0)
		r = list_words(ix);
	if (r < 0)
		return r;
	*ret = STEAL(ix);
	return 0;
}

void title_index_free(struct title_index **ix)
{
	if (!*ix)
		return;
	arena_free(&(*ix)->arena);
	free(*ix);
	*ix = NULL;
}

/* The first of n sorted texts, each at the start of a struct of `size` bytes, that is not below `text`; with `beyond`,
 * that is above everything beginning with it. */
static size_t lower_bound(const void *items, size_t n, size_t size, struct str text, bool beyond)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;
		struct str at;

		memcpy(&at, (const char *)items + middle * size, sizeof(at));
		if (beyond ? compare_text(str_slice(at, 0, text.len), text) <= 0 : compare_text(at, text) < 0)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

static struct title_range prefixed(const void *items, size_t n, size_t size, struct str prefix)
{
	return (struct title_range){ lower_bound(items, n, size, prefix, false),
		                     lower_bound(items, n, size, prefix, true) };
}

struct title_range title_words_prefixed(const struct title_index *ix, struct str prefix)
{
	return prefixed(ix->words, ix->n_words, sizeof(*ix->words), prefix);
}

struct title_range title_keys_prefixed(const struct title_index *ix, struct str prefix)
{
	return prefixed(ix->keys, ix->n_keys, sizeof(*ix->keys), prefix);
}

const struct title_word *title_word_find(const struct title_index *ix, struct str text)
{
	size_t at = lower_bound(ix->words, ix->n_words, sizeof(*ix->words), text, false);

	return at < ix->n_words && str_equal(ix->words[at].text, text) ? &ix->words[at] : NULL;
}
