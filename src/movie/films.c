/* The table of films. A film keeps what lists and filters need; the rest of its row is split when asked for, so that
 * the text itself stays in the program file and costs no memory of its own. Owns the array only. */
#include "movie/films.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_YEAR 1874 /* the oldest film known: Passage de Vénus */
#define LAST_YEAR 2100
#define RUNTIME_MAX 1440

const struct film_genre film_genres[FILM_GENRES] = {
	{ 28, "Action" },      { 12, "Adventure" },  { 16, "Animation" },
	{ 35, "Comedy" },      { 80, "Crime" },      { 99, "Documentary" },
	{ 18, "Drama" },       { 10751, "Family" },  { 14, "Fantasy" },
	{ 36, "History" },     { 27, "Horror" },     { 10402, "Music" },
	{ 9648, "Mystery" },   { 10749, "Romance" }, { 878, "Science Fiction" },
	{ 10770, "TV Movie" }, { 53, "Thriller" },   { 10752, "War" },
	{ 37, "Western" },
};

/* Names of the table that TMDB has under another name. Biography, Film-Noir and Sport have no counterpart there: they
 * are left out. */
static const struct {
	const char *name;
	const char *tmdb;
} genre_aliases[] = {
	{ "Musical", "Music" }, { "Sci-Fi", "Science Fiction" }, { "Biography", NULL }, { "Film-Noir", NULL },
	{ "Sport", NULL },
};

int film_genre_index(int64_t id)
{
	for (int i = 0; i < FILM_GENRES; i++)
		if (film_genres[i].id == id)
			return i;
	return -1;
}

/* The genre's bit, 0 for one without a counterpart; -EINVAL: a name nobody has heard of. */
static int genre_bit(struct str name, uint32_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < ARRAY_SIZE(genre_aliases); i++) {
		if (!str_equal(name, str_from(genre_aliases[i].name)))
			continue;
		if (!genre_aliases[i].tmdb)
			return 0;
		name = str_from(genre_aliases[i].tmdb);
		break;
	}
	for (int i = 0; i < FILM_GENRES; i++) {
		if (str_equal(name, str_from(film_genres[i].name))) {
			*ret = (uint32_t)1 << i;
			return 0;
		}
	}
	return -EINVAL;
}

struct str film_column(const struct film *film, enum film_column column)
{
	size_t from = 0;
	ptrdiff_t end;

	assert(column < FILM_COLUMNS);
	for (unsigned i = 0; i < column; i++) {
		end = str_index(film->row, '\t', from);
		assert(end >= 0);
		from = (size_t)end + 1;
	}
	end = str_index(film->row, '\t', from);
	if (end < 0)
		end = (ptrdiff_t)film->row.len;
	return (size_t)end > from ? str_slice(film->row, from, (size_t)end) : STR_NULL;
}

bool film_next_part(struct str column, size_t *pos, struct str *ret)
{
	ptrdiff_t end;

	if (*pos >= column.len)
		return false;
	end = str_index(column, '|', *pos);
	*ret = str_slice(column, *pos, end < 0 ? column.len : (size_t)end);
	*pos += ret->len + 1;
	return true;
}

static int count_columns(struct str row)
{
	int n = 1;

	for (size_t i = 0; i < row.len; i++)
		n += row.data[i] == '\t';
	return n;
}

static int read_number(struct str text, int64_t min, int64_t max, int *ret)
{
	int64_t value = 0;
	int r = 0;

	if (!str_is_null(text))
		r = str_to_int64(text, min, max, &value);
	*ret = (int)value;
	return r;
}

static int read_genres(struct str names, uint32_t *ret)
{
	struct str name;
	size_t pos = 0;
	uint32_t bit;

	*ret = 0;
	while (film_next_part(names, &pos, &name)) {
		if (genre_bit(name, &bit) < 0)
			return -EINVAL;
		*ret |= bit;
	}
	return 0;
}

static unsigned prominence(const struct film *film)
{
	if (str_ends(film_column(film, FILM_SOURCES), STR("mds")))
		return FILM_PROMINENCE_MAX;
	return str_is_null(film_column(film, FILM_DIRECTORS)) ? 0 : 1;
}

static bool has_good_title_and_dates(const struct film *film)
{
	return !str_is_null(film->title) && !utf8_has_control(film->title) && film->year != 0 &&
	       (str_is_null(film->release_date) || clock_date_is_valid(film->release_date));
}

static int read_film(struct str row, struct film *ret)
{
	struct film f = { .row = row };
	int r;

	if (!utf8_is_valid(row) || count_columns(row) != FILM_COLUMNS)
		return -EBADMSG;
	f.title = film_column(&f, FILM_TITLE);
	f.release_date = film_column(&f, FILM_RELEASE_DATE);
	r = read_number(film_column(&f, FILM_YEAR), FIRST_YEAR, LAST_YEAR, &f.year);
	if (r == 0)
		r = read_number(film_column(&f, FILM_RUNTIME), 1, RUNTIME_MAX, &f.runtime);
	if (r == 0)
		r = read_genres(film_column(&f, FILM_GENRE_NAMES), &f.genres);
	if (r < 0 || !has_good_title_and_dates(&f))
		return -EBADMSG;
	f.prominence = prominence(&f);
	*ret = f;
	return 0;
}

static struct str next_line(struct str text, size_t *pos)
{
	ptrdiff_t end = str_index(text, '\n', *pos);
	struct str line = str_slice(text, *pos, end < 0 ? text.len : (size_t)end);

	*pos += line.len + 1;
	return line;
}

static size_t count_lines(struct str text)
{
	size_t n = 0;

	for (size_t pos = 0; pos < text.len; n++)
		(void)next_line(text, &pos);
	return n;
}

int films_read(struct str tsv, struct films *ret, size_t *ret_line)
{
	struct films f CLEANUP(films_done) = { 0 };
	size_t lines = count_lines(tsv), pos = 0;

	f.items = fault_hit("alloc") ? NULL : calloc(lines + 1, sizeof(*f.items));
	if (!f.items)
		return -ENOMEM;
	(void)next_line(tsv, &pos);
	while (pos < tsv.len) {
		if (read_film(next_line(tsv, &pos), &f.items[f.n]) < 0) {
			*ret_line = f.n + 2;
			return -EBADMSG;
		}
		f.n++;
	}
	*ret = f;
	f = (struct films){ 0 };
	return 0;
}

void films_done(struct films *f)
{
	free(f->items);
	*f = (struct films){ 0 };
}

const struct film *films_find(const struct films *f, int64_t id)
{
	if (id <= FILM_ID_BASE || id > FILM_ID_BASE + (int64_t)f->n)
		return NULL;
	return &f->items[id - FILM_ID_BASE - 1];
}

int64_t film_id(const struct films *f, const struct film *film)
{
	return FILM_ID_BASE + 1 + (film - f->items);
}
