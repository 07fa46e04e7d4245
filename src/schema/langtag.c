/* A recogniser of RFC 5646 language tags, left to right with one subtag of look-ahead. Owns nothing. */
#include "schema/langtag.h"

struct scanner {
	struct str subtag; /* null at the end */
	struct str rest;   /* behind the next hyphen; null when there is none */
};

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_alpha(c) || is_digit(c);
}

static void scanner_advance(struct scanner *s)
{
	ptrdiff_t hyphen = str_is_null(s->rest) ? -1 : str_index(s->rest, '-', 0);

	if (hyphen < 0) {
		s->subtag = s->rest;
		s->rest = STR_NULL;
		return;
	}
	s->subtag = str_slice(s->rest, 0, (size_t)hyphen);
	s->rest = (struct str){ s->rest.data + hyphen + 1, s->rest.len - (size_t)hyphen - 1 };
}

/* Moves past the subtag when it has min..max characters, all of the class. */
static bool take(struct scanner *s, bool (*is_class)(char c), size_t min, size_t max)
{
	if (str_is_null(s->subtag) || s->subtag.len < min || s->subtag.len > max)
		return false;
	for (size_t i = 0; i < s->subtag.len; i++)
		if (!is_class(s->subtag.data[i]))
			return false;
	scanner_advance(s);
	return true;
}

static bool take_language(struct scanner *s)
{
	if (!take(s, is_alpha, 2, 3))
		return take(s, is_alpha, 4, 8);
	for (int i = 0; i < 3; i++)
		if (!take(s, is_alpha, 3, 3))
			break;
	return true;
}

static bool take_variant(struct scanner *s)
{
	if (s->subtag.len == 4 && is_digit(s->subtag.data[0]))
		return take(s, is_alnum, 4, 4);
	return take(s, is_alnum, 5, 8);
}

static bool is_private_singleton(struct str subtag)
{
	return subtag.len == 1 && (subtag.data[0] | 0x20) == 'x';
}

/* A singleton and at least one subtag of min..8 characters; false: there is none, or it is incomplete. */
static bool take_extension(struct scanner *s, bool is_private)
{
	const struct scanner before = *s;
	size_t min = is_private ? 1 : 2;

	if (str_is_null(s->subtag) || is_private_singleton(s->subtag) != is_private || !take(s, is_alnum, 1, 1))
		return false;
	if (!take(s, is_alnum, min, 8)) {
		*s = before;
		return false;
	}
	while (take(s, is_alnum, min, 8))
		;
	return true;
}

bool langtag_is_well_formed(struct str tag)
{
	struct scanner s = { .rest = tag };

	scanner_advance(&s);
	if (take_extension(&s, true))
		return str_is_null(s.subtag);
	if (!take_language(&s))
		return false;
	take(&s, is_alpha, 4, 4);
	if (!take(&s, is_alpha, 2, 2))
		take(&s, is_digit, 3, 3);
	while (take_variant(&s))
		;
	while (take_extension(&s, false))
		;
	take_extension(&s, true);
	return str_is_null(s.subtag);
}
