/* The restricted Damerau-Levenshtein distance by dynamic programming over three rows: words are a dozen letters, and
 * the sets of letters keep most pairs from coming here. */
#include "movie/distance.h"

#include "base/utf8.h"

static uint64_t bit_of(uint32_t letter)
{
	return (uint64_t)1 << ((letter * 0x9e3779b1u) >> 26);
}

void distance_word_init(struct distance_word *w, struct str word)
{
	size_t pos = 0;
	uint32_t cp;

	w->n = 0;
	w->set = 0;
	while (w->n < DISTANCE_LENGTH_MAX && utf8_next(word, &pos, &cp) == 0) {
		w->letters[w->n++] = cp;
		w->set |= bit_of(cp);
	}
}

uint64_t distance_set(struct str word)
{
	struct distance_word w;

	distance_word_init(&w, word);
	return w.set;
}

unsigned distance_missing(uint64_t set, uint64_t from)
{
	return (unsigned)__builtin_popcountll(set & ~from);
}

/* One cell: a[0..i) against b[0..j). above is the row of i - 1, above2 that of i - 2. */
static unsigned cell(const struct distance_word *a, const struct distance_word *b, size_t i, size_t j,
                     const unsigned *row, const unsigned *above, const unsigned *above2)
{
	const uint32_t *x = a->letters, *y = b->letters;
	unsigned best = above[j - 1] + (x[i - 1] != y[j - 1]);

	best = MIN(best, above[j] + 1);
	best = MIN(best, row[j - 1] + 1);
	if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
		best = MIN(best, above2[j - 2] + 1);
	return best;
}

unsigned distance_between(const struct distance_word *a, const struct distance_word *b, unsigned *ret_prefix)
{
	unsigned rows[3][DISTANCE_LENGTH_MAX + 1];
	unsigned *row = rows[0], *above = rows[1], *above2 = rows[2], prefix;

	for (size_t j = 0; j <= b->n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a->n; i++) {
		unsigned *spare = above2;

		above2 = above;
		above = row;
		row = spare;
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b->n; j++)
			row[j] = cell(a, b, i, j, row, above, above2);
	}
	prefix = row[0];
	for (size_t j = 1; j <= b->n; j++)
		prefix = MIN(prefix, row[j]);
	if (ret_prefix)
		*ret_prefix = prefix;
	return row[b->n];
}
