/* Rows are collected on the heap, since nobody knows how many there will be; their texts are in the arena. */
#include "import/reader.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { YEAR_MIN = 1870, YEAR_MAX = 2100, ROWS_FIRST = 256, DATE_LEN = 10, NUMBER_MAX = 15 };

void import_reader_done(struct import_reader *r)
{
	free(r->rows);
	r->rows = NULL;
	map_free(&r->seen);
}

int reader_refuse(struct import_reader *r, const char *reason)
{
	r->reason = reason;
	return -EINVAL;
}

static int too_many(struct import_reader *r, const char *reason)
{
	r->reason = reason;
	return -EFBIG;
}

int reader_add(struct import_reader *r, const struct import_row *row)
{
	if (r->n_rows >= r->options->rows_max)
		return too_many(r, "It has more films than are taken at once; split it, or ask the operator to raise "
		                   "IMPORT_ROWS_MAX.");
	if (r->n_rows == r->cap_rows) {
		size_t cap = r->cap_rows ? r->cap_rows * 2 : ROWS_FIRST;
		struct import_row *more = reallocarray(r->rows, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		r->rows = more;
		r->cap_rows = cap;
	}
	r->rows[r->n_rows] = *row;
	r->rows[r->n_rows++].file = r->file;
	return 0;
}

void reader_fault(struct import_reader *r, int64_t line, const char *reason)
{
	if (r->n_faults == IMPORT_FAULTS_MAX) {
		r->dropped++;
		return;
	}
	r->faults[r->n_faults++] = (struct import_fault){ .file = r->file, .line = line, .reason = reason };
}

int reader_list(struct import_reader *r, struct str name, struct str description)
{
	for (size_t i = 0; i < r->n_lists; i++)
		if (str_equal(r->lists[i].name, name))
			return 0;
	if (r->n_lists == IMPORT_LISTS_MAX)
		return too_many(r, "It has more lists than are taken at once; split it.");
	r->lists[r->n_lists++] = (struct import_list){ name, description };
	return 0;
}

/* ---- values ---- */

static bool is_blank(uint32_t cp)
{
	return cp <= ' ' || cp == 0x7f || (cp >= 0x80 && cp <= 0xa0) || cp == 0x2028 || cp == 0x2029 || cp == 0xfeff;
}

static size_t blanks_at_start(struct str s)
{
	size_t pos = 0, before = 0;
	uint32_t cp;

	while (utf8_next(s, &pos, &cp) == 0 && is_blank(cp))
		before = pos;
	return before;
}

/* How a code point is kept. */
static size_t keep(uint32_t cp, bool multiline, char ret[4])
{
	if (multiline && (cp == '\n' || cp == '\t')) {
		ret[0] = (char)cp;
		return 1;
	}
	if (cp == '\r' && multiline)
		return 0;
	return utf8_encode(is_blank(cp) ? ' ' : cp, ret);
}

int reader_text(struct import_reader *r, struct str raw, size_t max, bool multiline, struct str *ret)
{
	struct str s = str_slice(raw, blanks_at_start(raw), raw.len);
	char *out = arena_array(r->arena, MIN(s.len, 4 * max) + 4, 1);
	size_t len = 0, end = 0, pos = 0;
	uint32_t cp;

	if (!out)
		return -ENOMEM;
	for (size_t n = 0; n < max && utf8_next(s, &pos, &cp) == 0; n++) {
		len += keep(cp, multiline, out + len);
		if (!is_blank(cp))
			end = len;
	}
	*ret = end > 0 ? (struct str){ out, end } : STR_NULL;
	out[end] = '\0';
	return 0;
}

int64_t reader_year(struct str text)
{
	int64_t year;

	return str_to_int64(str_trim(text), YEAR_MIN, YEAR_MAX, &year) == 0 ? year : 0;
}

int64_t reader_movie_id(struct str text)
{
	int64_t id;

	return str_to_int64(str_trim(text), 1, INT32_MAX, &id) == 0 ? id : 0;
}

int reader_imdb_id(struct import_reader *r, struct str text, struct str *ret)
{
	struct str id = str_trim(text);

	*ret = STR_NULL;
	if (!str_starts(id, STR("tt")) || id.len < 9 || id.len > 12)
		return 0;
	for (size_t i = 2; i < id.len; i++)
		if (id.data[i] < '0' || id.data[i] > '9')
			return 0;
	return arena_copy(r->arena, id, ret);
}

int64_t reader_rating_of(double points, double max)
{
	double halves = points * (20 / max);
	int64_t whole = halves >= 1 && halves <= 20 ? (int64_t)halves : 0;

	return (double)whole == halves ? whole : 0;
}

int64_t reader_rating(struct str text, double max)
{
	struct str s = str_trim(text);
	char number[NUMBER_MAX + 1], *end;
	double points;

	if (s.len == 0 || s.len > NUMBER_MAX)
		return 0;
	for (size_t i = 0; i < s.len; i++) {
		if ((s.data[i] < '0' || s.data[i] > '9') && s.data[i] != '.' && s.data[i] != ',')
			return 0;
		number[i] = s.data[i] == ',' ? '.' : s.data[i];
	}
	number[s.len] = '\0';
	points = strtod(number, &end);
	return *end == '\0' ? reader_rating_of(points, max) : 0;
}

int reader_date(struct import_reader *r, struct str text, struct str *ret)
{
	struct str s = str_trim(text), day = str_slice(s, 0, DATE_LEN);

	*ret = STR_NULL;
	if (!clock_date_is_valid(day))
		return 0;
	if (s.len > DATE_LEN && s.data[DATE_LEN] != 'T' && s.data[DATE_LEN] != ' ')
		return 0;
	return arena_copy(r->arena, day, ret);
}

int64_t reader_time_ms(struct str text)
{
	struct str s = str_trim(text);
	char whole[] = "0000-00-00T00:00:00Z";
	int64_t ms;

	if (s.len == DATE_LEN && clock_date_is_valid(s)) {
		memcpy(whole, s.data, DATE_LEN);
		s = str_from(whole);
	}
	return clock_parse_iso8601(s, &ms) == 0 && ms > 0 ? ms : 0;
}
