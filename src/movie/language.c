/* Language tags: canonical case, and the one a client prefers. Owns nothing, never yields. Limits: the first RANGES_MAX
 * ranges of a header are looked at, tags over LANGUAGE_SIZE_MAX are passed over. */
#include "movie/language.h"

#include "movie/question.h"
#include "schema/langtag.h"

#include <errno.h>

#define RANGES_MAX 32
#define WEIGHT_ONE 1000

/* ---- canonical case ---- */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

static bool is_letter(char c)
{
	return lower(c) >= 'a' && lower(c) <= 'z';
}

/* Behind a singleton ("x", "u") everything is in lower case. */
static void spell(char *subtag, size_t len, bool is_first, bool is_behind_singleton)
{
	bool is_plain = is_first || is_behind_singleton;

	for (size_t i = 0; i < len; i++)
		subtag[i] = lower(subtag[i]);
	if (is_plain || !is_letter(subtag[0]))
		return;
	if (len == 2 && is_letter(subtag[1])) {
		subtag[0] = upper(subtag[0]);
		subtag[1] = upper(subtag[1]);
	} else if (len == 4) {
		subtag[0] = upper(subtag[0]);
	}
}

int language_canonical(struct str tag, struct arena *a, struct str *ret)
{
	bool is_behind_singleton = false;
	char *text;

	if (str_is_null(tag)) {
		*ret = tag;
		return 0;
	}
	text = arena_alloc(a, tag.len + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, tag.data, tag.len);
	for (size_t from = 0; from < tag.len;) {
		ptrdiff_t hyphen = str_index(tag, '-', from);
		size_t to = hyphen < 0 ? tag.len : (size_t)hyphen;

		spell(text + from, to - from, from == 0, is_behind_singleton);
		is_behind_singleton |= to - from == 1;
		from = to + 1;
	}
	*ret = (struct str){ text, tag.len };
	return 0;
}

/* ---- Accept-Language ---- */

/* qvalue: "0", "0.5", "1.000"; in thousandths, or -1. */
static int weight_parse(struct str text)
{
	static const int units[] = { 100, 10, 1 };
	int weight;

	if (text.len == 0 || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
	    (text.len > 1 && text.data[1] != '.'))
		return -1;
	weight = text.data[0] == '1' ? WEIGHT_ONE : 0;
	for (size_t i = 2; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		weight += (text.data[i] - '0') * units[i - 2];
	}
	return weight > WEIGHT_ONE ? -1 : weight;
}

/* "de;q=0.8" in its two parts; the weight is -1 for what is malformed. */
static struct str range_parse(struct str range, int *ret_weight)
{
	ptrdiff_t semicolon = str_index(range, ';', 0);
	struct str parameter;

	*ret_weight = WEIGHT_ONE;
	if (semicolon < 0)
		return str_trim(range);
	parameter = str_trim(str_slice(range, (size_t)semicolon + 1, range.len));
	if (parameter.len > 2 && lower(parameter.data[0]) == 'q' && parameter.data[1] == '=')
		*ret_weight = weight_parse(str_slice(parameter, 2, parameter.len));
	else
		*ret_weight = -1;
	return str_trim(str_slice(range, 0, (size_t)semicolon));
}

struct str question_accept_language(struct str header, struct arena *a)
{
	struct str best = STR_NULL;
	int best_weight = 0, weight;
	size_t from = 0;

	for (int i = 0; i < RANGES_MAX && from < header.len; i++) {
		ptrdiff_t comma = str_index(header, ',', from);
		size_t to = comma < 0 ? header.len : (size_t)comma;
		struct str tag = range_parse(str_slice(header, from, to), &weight);

		from = to + 1;
		if (weight <= best_weight || tag.len > LANGUAGE_SIZE_MAX || !langtag_is_well_formed(tag))
			continue;
		best = tag;
		best_weight = weight;
	}
	if (language_canonical(best, a, &best) < 0)
		return STR_NULL;
	return best;
}
