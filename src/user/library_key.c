/* Sort keys of titles, on libunistring's tables of Unicode; and the two forms of a rating. Everything lies in the
 * caller's arena. Nothing here yields. */
#include "base/utf8.h"
#include "user/library.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

/* A title has at most 1,000 characters (movie_brief_schema), of which more than these do not matter to any order. */
enum { TITLE_MAX = 1024 };

static bool is_letter_or_digit(uint32_t cp)
{
	return uc_is_general_category_withtable(cp, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N);
}

static bool is_silent(uint32_t cp)
{
	return cp == '\'' || cp == 0x2019 || uc_is_general_category_withtable(cp, UC_CATEGORY_MASK_M);
}

/* Letters and digits, other signs as one space between words. */
static int words_write(struct str folded, struct buf *out)
{
	bool is_gap = false;
	size_t pos = 0;
	uint32_t cp;
	char bytes[4];
	int r;

	while ((r = utf8_next(folded, &pos, &cp)) == 0) {
		if (is_silent(cp))
			continue;
		if (!is_letter_or_digit(cp)) {
			is_gap = out->len > 0;
			continue;
		}
		if (is_gap)
			buf_addc(out, ' ');
		is_gap = false;
		buf_add(out, bytes, utf8_encode(cp, bytes));
	}
	return r == -ENODATA ? buf_error(out) : r;
}

static struct str cut(struct str s, size_t max)
{
	size_t len = MIN(s.len, max);

	while (len > 0 && len < s.len && ((unsigned char)s.data[len] & 0xc0) == 0x80)
		len--;
	return str_slice(s, 0, len);
}

int library_title_part(struct str text, struct arena *a, struct str *ret)
{
	struct str in = cut(text, TITLE_MAX);
	struct buf words CLEANUP(buf_done);
	struct str folded;
	size_t len = 0;
	uint8_t *data;
	int r;

	buf_init(&words, 65536);
	if (!utf8_is_valid(in))
		return -EILSEQ;
	data = u8_casefold((const uint8_t *)in.data, in.len, NULL, UNINORM_NFKD, NULL, &len);
	if (!data && in.len > 0)
		return errno == ENOMEM ? -ENOMEM : -EILSEQ;
	folded = (struct str){ (const char *)data, len };
	r = words_write(folded, &words);
	free(data);
	return r < 0 ? r : arena_copy(a, cut(buf_str(&words), LIBRARY_TITLE_KEY_MAX), ret);
}

/* The article that the words begin with, with its space; 0 when they have no more than it. */
static size_t article_length(struct str words)
{
	static const char *const articles[] = { "the ", "a ", "an " };

	for (size_t i = 0; i < ARRAY_SIZE(articles); i++) {
		struct str article = str_from(articles[i]);

		if (words.len > article.len && str_starts(words, article))
			return article.len;
	}
	return 0;
}

int library_title_key(struct str title, struct arena *a, struct str *ret)
{
	struct str words, key;
	size_t article;
	int r = library_title_part(title, a, &words);

	if (r < 0)
		return r;
	article = article_length(words);
	if (article == 0) {
		*ret = words;
		return 0;
	}
	key = arena_printf(a, "%.*s %.*s", STR_ARGS(str_slice(words, article, words.len)), (int)article - 1,
	                   words.data);
	if (str_is_null(key))
		return -ENOMEM;
	*ret = key;
	return 0;
}

int64_t library_rating_halves(double points)
{
	double halves = points * 2;

	return halves >= 1 && halves <= LIBRARY_RATING_MAX && halves == floor(halves) ? (int64_t)halves : 0;
}

double library_rating_points(int64_t halves)
{
	return (double)halves / 2;
}
