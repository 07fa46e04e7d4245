/* Matching. A word of the query is answered by equal words, by words that begin with it (people search while they
 * type), by the same number in another spelling and, when it looks like one, by the year; two neighbouring words are
 * also tried as one ("spider man" finds "Spiderman"; the index has the pairs of titles for the other way round). Typing
 * errors are forgiven by comparing with every word of the index, most of which fall out by a comparison of letter sets;
 * how many depends on the length. The arena owns what is made here. Limits: SEARCH_WORDS_MAX words, SEARCH_QUERY_MAX
 * bytes. */
#include "movie/search_match.h"

#include "base/utf8.h"
#include "movie/fold.h"

#include <errno.h>

#define FIRST_YEAR 1874
#define LAST_YEAR 2100

static const char *const optional_words[] = { "the", "a", "an", "of", "and", "in", "on", "to", "le", "la", "les" };

/* Other spellings of small numbers, and of "versus". */
static const char *const aliases[][4] = {
	{ "1", "i", "one" },          { "2", "ii", "two" }, { "3", "iii", "three" },          { "4", "iv", "four" },
	{ "5", "v", "five" },         { "6", "vi", "six" }, { "7", "vii", "seven", "se7en" }, { "8", "viii", "eight" },
	{ "9", "ix", "nine" },        { "10", "x", "ten" }, { "11", "xi", "eleven" },         { "12", "xii", "twelve" },
	{ "13", "xiii", "thirteen" }, { "vs", "versus" },
};

static bool is_optional(struct str word)
{
	for (size_t i = 0; i < ARRAY_SIZE(optional_words); i++)
		if (str_equal(word, str_from(optional_words[i])))
			return true;
	return false;
}

static bool is_number(struct str word)
{
	for (size_t i = 0; i < word.len; i++)
		if (word.data[i] < '0' || word.data[i] > '9')
			return false;
	return true;
}

static void word_init(struct query_word *w, struct str text)
{
	int64_t year;

	w->text = text;
	w->optional = is_optional(text);
	w->number = is_number(text);
	w->year = str_to_int64(text, FIRST_YEAR, LAST_YEAR, &year) == 0 ? (int)year : 0;
	distance_word_init(&w->letters, text);
}

/* A query of nothing but small words, or of one year, means just these. */
static void settle_lone_words(struct query_word *words, size_t n)
{
	size_t n_optional = 0;

	for (size_t i = 0; i < n; i++)
		n_optional += words[i].optional;
	for (size_t i = 0; i < n; i++) {
		if (n_optional == n)
			words[i].optional = false;
		if (n == 1)
			words[i].year = 0;
	}
}

size_t search_words(struct str query, struct query_word ret[SEARCH_WORDS_MAX])
{
	size_t n = 0, pos = 0;
	struct str word;

	while (n < SEARCH_WORDS_MAX && fold_next_word(query, &pos, &word))
		word_init(&ret[n++], word);
	settle_lone_words(ret, n);
	return n;
}

int search_begin(struct search *s, const struct title_index *ix, struct str query, struct arena *a)
{
	size_t n_films = ix->films->n;
	int r;

	*s = (struct search){ .ix = ix, .arena = a };
	if (query.len > SEARCH_QUERY_MAX)
		return -EINVAL;
	r = fold_words(query, a, &s->query);
	if (r < 0)
		return r;
	s->films = arena_array(a, n_films, sizeof(*s->films));
	if (!s->films)
		return -ENOMEM;
	s->n_words = search_words(s->query, s->words);
	for (size_t i = 0; i < s->n_words; i++) {
		s->quality[i] = arena_alloc(a, n_films);
		if (!s->quality[i])
			return -ENOMEM;
	}
	return 0;
}

static void mark_film(uint8_t *quality, size_t film, uint8_t value)
{
	if (quality[film] < value)
		quality[film] = value;
}

static void mark(uint8_t *quality, const struct title_word *word, uint8_t value)
{
	for (size_t i = 0; i < word->n_films; i++)
		mark_film(quality, word->films[i], value);
}

static void match_beginning(struct search *s, struct str text, uint8_t *quality)
{
	struct title_range range = title_words_prefixed(s->ix, text);

	for (size_t i = range.from; i < range.to; i++) {
		const struct title_word *word = &s->ix->words[i];

		mark(quality, word, word->text.len == text.len ? QUALITY_EQUAL : QUALITY_BEGUN);
	}
}

static int match_pair(struct search *s, size_t i)
{
	struct str first = s->words[i].text, second = s->words[i + 1].text, pair;

	pair = arena_printf(s->arena, "%.*s%.*s", STR_ARGS(first), STR_ARGS(second));
	if (str_is_null(pair))
		return -ENOMEM;
	match_beginning(s, pair, s->quality[i]);
	match_beginning(s, pair, s->quality[i + 1]);
	return 0;
}

static bool alias_has(const char *const *group, struct str word)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases[0]) && group[i]; i++)
		if (str_equal(word, str_from(group[i])))
			return true;
	return false;
}

bool search_next_alias(struct str word, size_t *pos, struct str *ret)
{
	const size_t width = ARRAY_SIZE(aliases[0]);

	while (*pos < ARRAY_SIZE(aliases) * width) {
		size_t at = (*pos)++;
		const char *const *group = aliases[at / width];

		if (!group[at % width] || !alias_has(group, word))
			continue;
		*ret = str_from(group[at % width]);
		return true;
	}
	return false;
}

static void match_aliases(struct search *s, size_t i)
{
	struct str alias;
	size_t pos = 0;

	while (search_next_alias(s->words[i].text, &pos, &alias)) {
		const struct title_word *word = title_word_find(s->ix, alias);

		if (word)
			mark(s->quality[i], word, QUALITY_ALIAS);
	}
}

static void match_year(struct search *s, size_t i)
{
	const struct films *films = s->ix->films;

	for (size_t f = 0; f < films->n; f++) {
		if (films->items[f].year != s->words[i].year)
			continue;
		mark_film(s->quality[i], f, QUALITY_EQUAL);
		s->films[f].year = true;
	}
}

/* Whether the first `len` bytes of the joined words end where one of the words does. */
static bool ends_at_word(struct str words, size_t len)
{
	for (size_t i = 0; i < words.len && len > 0; i++)
		if (words.data[i] != ' ' && --len == 0)
			return i + 1 == words.len || words.data[i + 1] == ' ';
	return false;
}

static enum title_match title_match_of(const struct title_key *key, struct str text)
{
	if (key->text.len == text.len)
		return TITLE_EQUAL;
	return ends_at_word(key->words, text.len) ? TITLE_BEGUN_AT_WORD : TITLE_BEGUN;
}

static void mark_title(struct search *s, size_t film, enum title_match match, bool literal)
{
	struct film_match *m = &s->films[film];

	if ((unsigned)match < m->title || (match == m->title && m->literal))
		return;
	m->title = (uint8_t)match;
	m->literal = literal;
}

/* Titles that are or begin with these words; in that year, if not 0. */
static int match_title(struct search *s, struct str words, int year, bool literal)
{
	struct str text = fold_joined(words, s->arena);
	struct title_range range;

	if (str_is_null(text))
		return -ENOMEM;
	if (text.len == 0)
		return 0;
	range = title_keys_prefixed(s->ix, text);
	for (size_t i = range.from; i < range.to; i++) {
		const struct title_key *key = &s->ix->keys[i];

		if (year == 0 || s->ix->films->items[key->film].year == year)
			mark_title(s, key->film, title_match_of(key, text), literal);
	}
	return 0;
}

static int match_titles(struct search *s, struct str words, int year)
{
	struct str bare = title_without_article(words);
	int r = match_title(s, words, year, true);

	if (r == 0 && bare.len != words.len)
		r = match_title(s, bare, year, false);
	return r;
}

/* "inception 2010": the title without the year, among the films of the year. */
static int match_titles_of_year(struct search *s, size_t i)
{
	struct str year = s->words[i].text;
	size_t from = (size_t)(year.data - s->query.data), behind = MIN(from + year.len + 1, s->query.len);
	struct str left = arena_printf(s->arena, "%.*s%.*s", (int)from, s->query.data, (int)(s->query.len - behind),
	                               s->query.data + behind);

	if (str_is_null(left))
		return -ENOMEM;
	while (str_ends(left, STR(" ")))
		left.len--;
	return match_titles(s, left, s->words[i].year);
}

int search_match_strictly(struct search *s)
{
	int r = match_titles(s, s->query, 0);

	for (size_t i = 0; i < s->n_words && r == 0; i++) {
		match_beginning(s, s->words[i].text, s->quality[i]);
		match_aliases(s, i);
		if (i + 1 < s->n_words)
			r = match_pair(s, i);
		if (s->words[i].year == 0 || r < 0)
			continue;
		match_year(s, i);
		r = match_titles_of_year(s, i);
	}
	return r;
}

/* How many typing errors a text of that many letters may have: with more, short words would be like too many others. */
static unsigned errors_allowed(size_t letters)
{
	if (letters < 3)
		return 0;
	if (letters < 8)
		return 1;
	return letters < 16 ? 2 : 3;
}

/* Three letters with one of four left out ("jws") are forgiven; another letter in three is another word. */
static unsigned word_errors_allowed(const struct query_word *query, const struct title_word *word)
{
	unsigned allowed = MIN(errors_allowed(query->letters.n), 2u);

	return query->letters.n == 3 && word->n_letters <= 3 ? 0 : allowed;
}

/* Whether the word can be near the query at all, as far as lengths and letters tell. */
static bool may_be_near(const struct query_word *query, const struct title_word *word, unsigned allowed, bool last)
{
	unsigned missing = distance_missing(query->letters.set, word->letters);

	if (word->n_letters + allowed < query->letters.n)
		return false;
	if (word->n_letters > query->letters.n + allowed)
		return last && query->letters.n > 4 && missing <= 1;
	return missing <= allowed;
}

static uint8_t loose_quality(const struct query_word *query, const struct title_word *word, bool last)
{
	unsigned allowed = word_errors_allowed(query, word), errors, begun;
	struct distance_word letters;

	if (!may_be_near(query, word, allowed, last))
		return 0;
	distance_word_init(&letters, word->text);
	errors = distance_between(&query->letters, &letters, &begun);
	if (errors <= 1 && errors <= allowed)
		return query->letters.letters[0] == letters.letters[0] ? QUALITY_FUZZY : QUALITY_FUZZY_FIRST;
	if (last && query->letters.n > 4 && begun <= 1)
		return QUALITY_FUZZY_BEGUN;
	return errors <= allowed ? QUALITY_FUZZY_TWO : 0;
}

static void match_word_loosely(struct search *s, size_t i)
{
	const struct query_word *query = &s->words[i];
	bool last = i + 1 == s->n_words;

	if (query->number || errors_allowed(query->letters.n) == 0)
		return;
	for (size_t w = 0; w < s->ix->n_words; w++) {
		uint8_t quality = loose_quality(query, &s->ix->words[w], last);

		if (quality)
			mark(s->quality[i], &s->ix->words[w], quality);
	}
}

static int match_title_loosely(struct search *s, struct str words)
{
	struct str text = fold_joined(words, s->arena);
	struct distance_word query, letters;
	unsigned allowed;

	if (str_is_null(text))
		return -ENOMEM;
	distance_word_init(&query, text);
	allowed = errors_allowed(query.n);
	if (allowed == 0 || query.n == DISTANCE_LENGTH_MAX)
		return 0;
	for (size_t i = 0; i < s->ix->n_keys; i++) {
		const struct title_key *key = &s->ix->keys[i];

		if (key->n_letters + allowed < query.n || key->n_letters > query.n + allowed ||
		    distance_missing(query.set, key->letters) > allowed)
			continue;
		distance_word_init(&letters, key->text);
		if (distance_between(&query, &letters, NULL) <= allowed)
			mark_title(s, key->film, TITLE_NEAR, true);
	}
	return 0;
}

int search_match_loosely(struct search *s)
{
	for (size_t i = 0; i < s->n_words; i++)
		match_word_loosely(s, i);
	return is_number(fold_joined(s->query, s->arena)) ? 0 : match_title_loosely(s, title_without_article(s->query));
}
