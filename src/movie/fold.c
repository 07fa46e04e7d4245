/* Folding for the search, on libunistring's tables of Unicode. Everything it makes lies in the caller's arena. Limits:
 * the caller's, on the length of the text; a code point folds to at most 18 (UAX #15). */
#include "movie/fold.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

#define FOLDED_MAX ((size_t)1 << 20)

struct folder {
	struct buf out;
	struct str in;
	size_t pos;       /* behind the code point at hand */
	size_t word_len;  /* code points of the word under way */
	bool acronym;     /* that word is letters with a dot between them so far */
	bool after_digit; /* it ends in a digit */
};

/* Letters that have no decomposition, and the cent sign that stands for one in a title. */
static const struct {
	uint32_t cp;
	const char *plain;
} plain_letters[] = {
	{ 0xa2, "c" },  { 0xe6, "ae" }, { 0xf0, "d" },  { 0xf8, "o" },  { 0xfe, "th" },
	{ 0x111, "d" }, { 0x127, "h" }, { 0x131, "i" }, { 0x142, "l" }, { 0x153, "oe" },
};

static const char *plain_letter(uint32_t cp)
{
	for (size_t i = 0; i < ARRAY_SIZE(plain_letters); i++)
		if (plain_letters[i].cp == cp)
			return plain_letters[i].plain;
	return NULL;
}

static bool is_apostrophe(uint32_t cp)
{
	return cp == '\'' || cp == '`' || cp == 0x2018 || cp == 0x2019 || cp == 0x2bc || cp == 0x2032;
}

static bool is_mark(uint32_t cp)
{
	return cp >= 0x300 && uc_is_general_category(cp, UC_NON_SPACING_MARK);
}

static bool is_word(uint32_t cp)
{
	if (cp < 0x80)
		return (cp >= 'a' && cp <= 'z') || (cp >= '0' && cp <= '9');
	return uc_is_general_category_withtable(cp, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_M);
}

static bool is_digit(uint32_t cp)
{
	return cp >= '0' && cp <= '9';
}

/* The code point `ahead` places further on, 0 at the end. */
static uint32_t peek(const struct folder *f, size_t ahead)
{
	size_t pos = f->pos;
	uint32_t cp = 0;

	do {
		if (utf8_next(f->in, &pos, &cp) < 0)
			return 0;
	} while (ahead-- > 0);
	return cp;
}

static void end_word(struct folder *f)
{
	if (f->word_len > 0)
		buf_addc(&f->out, ' ');
	f->word_len = 0;
	f->acronym = false;
	f->after_digit = false;
}

static void add_letter(struct folder *f, uint32_t cp)
{
	const char *plain = plain_letter(cp);
	char bytes[4];

	if (plain)
		buf_adds(&f->out, plain);
	else
		buf_add(&f->out, bytes, utf8_encode(cp, bytes));
	f->word_len++;
	f->after_digit = is_digit(cp);
}

/* "e.t.": the dot stands behind a lone letter, or behind an acronym, and one letter with no other behind it follows. */
static bool joins_acronym(const struct folder *f)
{
	uint32_t next = peek(f, 0);

	return (f->acronym || f->word_len == 1) && !f->after_digit && is_word(next) && !is_digit(next) &&
	       !is_word(peek(f, 1));
}

static void fold_one(struct folder *f, uint32_t cp)
{
	if (is_mark(cp) || (is_apostrophe(cp) && f->word_len != 1))
		return;
	if (is_word(cp) || plain_letter(cp)) {
		add_letter(f, cp);
	} else if (cp == '&') {
		end_word(f);
		buf_adds(&f->out, "and ");
	} else if (cp == '.' && joins_acronym(f)) {
		f->acronym = true;
	} else if (cp != ',' || !f->after_digit || !is_digit(peek(f, 0))) {
		end_word(f);
	}
}

static bool is_fraction(uint32_t cp)
{
	return (cp >= 0xbc && cp <= 0xbe) || (cp >= 0x2150 && cp <= 0x215e);
}

/* "2½" decomposes to "21⁄2": parts the fraction from the number first. */
static int part_fractions(struct str text, struct buf *out)
{
	size_t pos = 0, from = 0;
	uint32_t cp;
	int r;

	while ((r = utf8_next(text, &pos, &cp)) == 0) {
		if (is_fraction(cp))
			buf_addc(out, ' ');
		buf_add(out, text.data + from, pos - from);
		from = pos;
	}
	return r == -ENODATA ? buf_error(out) : r;
}

static bool is_ascii(struct str text)
{
	unsigned char all = 0;

	for (size_t i = 0; i < text.len; i++)
		all |= (unsigned char)text.data[i];
	return all < 0x80;
}

/* What Unicode says of ASCII, without its tables: most titles and queries are of this kind. */
static int casefold_ascii(struct str text, struct buf *out)
{
	size_t from = out->len;

	buf_add_str(out, text);
	for (size_t i = from; i < out->len; i++)
		if (out->data[i] >= 'A' && out->data[i] <= 'Z')
			out->data[i] = (char)(out->data[i] | 0x20);
	return buf_error(out);
}

static int casefold(struct str text, uninorm_t form, struct buf *out)
{
	uint8_t *folded;
	size_t len = 0;

	if (is_ascii(text))
		return casefold_ascii(text, out);
	if (!utf8_is_valid(text))
		return -EILSEQ;
	folded = u8_casefold((const uint8_t *)text.data, text.len, NULL, form, NULL, &len);
	if (!folded)
		return -errno;
	buf_add(out, folded, len);
	free(folded);
	return buf_error(out);
}

static void fold_all(struct folder *f)
{
	uint32_t cp;

	while (utf8_next(f->in, &f->pos, &cp) == 0)
		fold_one(f, cp);
	if (f->out.len > 0 && f->out.data[f->out.len - 1] == ' ')
		f->out.len--;
}

int fold_words(struct str text, struct arena *a, struct str *ret)
{
	struct buf parted CLEANUP(buf_done) = { .size_max = FOLDED_MAX };
	struct buf folded CLEANUP(buf_done) = { .size_max = FOLDED_MAX };
	struct folder f = { 0 };
	int r;

	r = part_fractions(text, &parted);
	if (r < 0)
		return r;
	r = casefold(buf_str(&parted), UNINORM_NFKD, &folded);
	if (r < 0)
		return r;
	f.in = buf_str(&folded);
	buf_init(&f.out, FOLDED_MAX);
	fold_all(&f);
	r = buf_error(&f.out);
	if (r == 0)
		r = arena_copy(a, buf_str(&f.out), ret);
	buf_done(&f.out);
	return r;
}

struct str fold_joined(struct str words, struct arena *a)
{
	char *joined = arena_alloc(a, words.len + 1);
	size_t len = 0;

	if (!joined)
		return STR_NULL;
	for (size_t i = 0; i < words.len; i++)
		if (words.data[i] != ' ')
			joined[len++] = words.data[i];
	return (struct str){ joined, len };
}

bool fold_next_word(struct str words, size_t *pos, struct str *ret)
{
	ptrdiff_t end;

	if (*pos >= words.len)
		return false;
	end = str_index(words, ' ', *pos);
	*ret = str_slice(words, *pos, end < 0 ? words.len : (size_t)end);
	*pos += ret->len + 1;
	return true;
}

static bool is_space(uint32_t cp)
{
	return cp == ' ' || uc_is_property_white_space(cp);
}

/* fold_caseless() in one pass, for the text that most queries are. */
static int fold_ascii(struct str text, struct arena *a, struct str *ret)
{
	char *out = arena_alloc(a, text.len + 1);
	bool space = false;
	size_t len = 0;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		bool is_blank = c == ' ' || (c >= '\t' && c <= '\r');

		if (!is_blank && space && len > 0)
			out[len++] = ' ';
		if (!is_blank)
			out[len++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
		space = is_blank;
	}
	*ret = (struct str){ out, len };
	return 0;
}

int fold_caseless(struct str text, struct arena *a, struct str *ret)
{
	struct buf folded CLEANUP(buf_done) = { .size_max = FOLDED_MAX };
	struct buf out CLEANUP(buf_done) = { .size_max = FOLDED_MAX };
	size_t pos = 0, from = 0;
	bool space = false;
	uint32_t cp;
	int r;

	if (is_ascii(text))
		return fold_ascii(text, a, ret);
	r = casefold(text, UNINORM_NFC, &folded);
	if (r < 0)
		return r;
	while (utf8_next(buf_str(&folded), &pos, &cp) == 0) {
		if (!is_space(cp)) {
			if (space && out.len > 0)
				buf_addc(&out, ' ');
			buf_add(&out, folded.data + from, pos - from);
		}
		space = is_space(cp);
		from = pos;
	}
	r = buf_error(&out);
	return r < 0 ? r : arena_copy(a, buf_str(&out), ret);
}
