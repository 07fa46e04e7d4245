/* The search of the built-in catalogue. Best first:
 *
 *   1. the title is the query                       "amelie", "walle", "spiderman", "godfather"
 *   2. it begins with the query, at a word's end    "star wars"
 *   3. it begins with the query                     "incep"
 *   4. every word of the query is a word of it      "rings lord", "oceans 11"
 *   5. every word begins a word of it               "har pot azk"
 *   6. the title is the query but for typing errors "inceptoin"
 *   7. every word of the query, but for typing errors, is in it or begun in it   "shawshenk"
 *   8. most letters of the query are answered       "the godfather movie"
 *
 * Case, accents, punctuation, spaces inside words and leading articles make no difference in any of them (movie/fold.h,
 * title_index.h), and a year in the query is taken as the year of release too. Each kind of match is looked for only
 * when it is needed: typing errors are forgiven when no title is the query and fewer than LOOSE_BELOW films were found,
 * and step 8 comes when nothing was. Among equals the better known film comes first (struct film, prominence), then the
 * newer one, then the order of the table: the same query always has the same answer.
 *
 * Why this and not SQLite's FTS5 with the trigram tokenizer: README.md. */
#include "movie/search.h"

#include "movie/search_match.h"

#include <errno.h>
#include <stdlib.h>

#define LOOSE_BELOW 5

/* The lower bits of a rank: who comes first among equally good ones. */
#define PROMINENCE_BITS 2
#define COVERAGE_BITS 3
#define YEAR_BITS 12
#define FILM_BITS 16

/* Kinds of answer, worst first: the upper bits of a rank. */
enum kind {
	KIND_NONE,
	KIND_PARTLY,
	KIND_WORDS_NEAR,
	KIND_TITLE_NEAR,
	KIND_WORDS_BEGUN,
	KIND_WORDS,
	KIND_TITLE_BEGUN,
	KIND_TITLE_BEGUN_AT_WORD,
	KIND_TITLE
};

/* How the words of the query are answered by one film. */
struct answer {
	unsigned worst;     /* quality over the words that are not optional */
	unsigned optional;  /* optional words found */
	unsigned closeness; /* 0..100: mean quality, by letters */
	unsigned share;     /* 0..100: letters of the words found at all */
	size_t letters;     /* of the words found, optional ones too */
};

static struct answer answer_of(const struct search *s, size_t film)
{
	struct answer a = { .worst = QUALITY_EQUAL };
	size_t letters = 0, found = 0, quality = 0;

	for (size_t i = 0; i < s->n_words; i++) {
		const struct query_word *word = &s->words[i];
		unsigned q = s->quality[i][film];
		/* A year alone says little about which film is meant. */
		size_t weight = word->year ? 1 : word->letters.n;

		a.letters += q ? word->letters.n : 0;
		if (word->optional) {
			a.optional += q == QUALITY_EQUAL;
			continue;
		}
		a.worst = MIN(a.worst, q);
		letters += weight;
		found += q ? weight : 0;
		quality += q * weight;
	}
	if (letters == 0)
		a.worst = 0;
	a.closeness = letters ? (unsigned)(quality / letters) : 0;
	a.share = letters ? (unsigned)(found * 100 / letters) : 0;
	return a;
}

static enum kind kind_by_words(const struct answer *a, bool partly)
{
	if (a->worst >= QUALITY_ALIAS)
		return KIND_WORDS;
	if (a->worst >= QUALITY_BEGUN)
		return KIND_WORDS_BEGUN;
	if (a->worst > 0)
		return KIND_WORDS_NEAR;
	return partly && a->share >= 50 ? KIND_PARTLY : KIND_NONE;
}

static enum kind kind_of(const struct film_match *m, const struct answer *a, bool partly)
{
	static const enum kind by_title[] = {
		[TITLE_NO] = KIND_NONE,           [TITLE_NEAR] = KIND_TITLE_NEAR,
		[TITLE_BEGUN] = KIND_TITLE_BEGUN, [TITLE_BEGUN_AT_WORD] = KIND_TITLE_BEGUN_AT_WORD,
		[TITLE_EQUAL] = KIND_TITLE,
	};
	enum kind words = kind_by_words(a, partly);

	return MAX(words, by_title[m->title]);
}

/* 0..7: how much of the title was asked for. */
static uint64_t coverage(const struct search *s, size_t film, const struct answer *a)
{
	size_t share = 8 * a->letters / MAX(s->ix->titles[film].len, (size_t)1);

	return MIN(share, (size_t)7);
}

static uint64_t rank_of(const struct search *s, size_t film, enum kind kind, const struct answer *a)
{
	const struct film *f = &s->ix->films->items[film];
	const struct film_match *m = &s->films[film];
	bool begun = kind >= KIND_TITLE_BEGUN, loose = kind <= KIND_WORDS_NEAR;
	uint64_t rank = (uint64_t)kind;

	rank = rank << 1 | (m->literal && begun);
	rank = rank << 1 | m->year;
	rank = rank << 7 | (begun ? 0 : loose ? a->closeness : a->optional);
	rank = rank << PROMINENCE_BITS | f->prominence;
	rank = rank << COVERAGE_BITS | (begun ? 0 : coverage(s, film, a));
	rank = rank << YEAR_BITS | (unsigned)f->year;
	return rank << FILM_BITS | (TITLE_FILMS_MAX - film);
}

uint64_t search_hit_match(const struct search_hit *hit)
{
	return hit->rank >> (PROMINENCE_BITS + COVERAGE_BITS + YEAR_BITS + FILM_BITS);
}

static void collect(const struct search *s, int year, bool partly, struct search_hits *ret)
{
	ret->n = 0;
	for (size_t film = 0; film < s->ix->films->n; film++) {
		struct answer a;
		enum kind kind;

		if (year != 0 && s->ix->films->items[film].year != year)
			continue;
		a = answer_of(s, film);
		kind = kind_of(&s->films[film], &a, partly);
		if (kind != KIND_NONE)
			ret->items[ret->n++] = (struct search_hit){ rank_of(s, film, kind, &a), (uint16_t)film };
	}
}

static bool has_the_title(const struct search *s, const struct search_hits *hits)
{
	for (size_t i = 0; i < hits->n; i++)
		if (s->films[hits->items[i].film].title == TITLE_EQUAL)
			return true;
	return false;
}

/* A year that no film of the words has is not what the person is sure of. */
static void doubt_the_year(struct search *s)
{
	for (size_t i = 0; i < s->n_words; i++)
		s->words[i].optional |= s->words[i].year != 0;
}

/* Forgives one thing after the other until something is found. */
static int find(struct search *s, int year, struct search_hits *ret)
{
	int r;

	r = search_match_strictly(s);
	if (r < 0)
		return r;
	collect(s, year, false, ret);
	if (ret->n == 0) {
		doubt_the_year(s);
		collect(s, year, false, ret);
	}
	if (ret->n < LOOSE_BELOW && !has_the_title(s, ret)) {
		r = search_match_loosely(s);
		if (r < 0)
			return r;
		collect(s, year, false, ret);
	}
	if (ret->n == 0)
		collect(s, year, true, ret);
	return 0;
}

static int compare_hits(const void *a, const void *b)
{
	const struct search_hit *x = a, *y = b;

	return (x->rank < y->rank) - (x->rank > y->rank);
}

int search_titles(const struct title_index *ix, struct str query, int year, struct arena *a, struct search_hits *ret)
{
	struct search_hits hits = { 0 };
	struct search s;
	int r;

	r = search_begin(&s, ix, query, a);
	if (r < 0)
		return r;
	hits.items = arena_array(a, ix->films->n, sizeof(*hits.items));
	if (!hits.items)
		return -ENOMEM;
	if (s.n_words > 0)
		r = find(&s, year, &hits);
	if (r < 0)
		return r;
	qsort(hits.items, hits.n, sizeof(*hits.items), compare_hits);
	*ret = hits;
	return 0;
}
