/* IMDb: the CSV of "Your ratings", of the watchlist and of a list. Each has IMDb's ids; what is no film goes by its
 * Title Type. A list does not say its name: it is the watchlist unless the caller says otherwise. */
#include "import/table.h"

#include <errno.h>

enum column { CONST, RATING, DATE_RATED, TITLE, TITLE_TYPE, YEAR, POSITION, CREATED, DESCRIPTION, COLUMNS };

static const char *const names[COLUMNS] = { "Const", "Your Rating", "Date Rated", "Title",      "Title Type",
	                                    "Year",  "Position",    "Created",    "Description" };

struct imdb {
	int at[COLUMNS];
	bool has_header;
};

static struct str field(const struct imdb *f, const struct table_row *row, enum column c)
{
	return table_field(row, f->at[c]);
}

/* "TV Series", "tvSeries", "TV Mini Series", "Video Game", "Podcast Episode", "Music Video": letters only, lower case.
 */
static bool is_no_film(struct str type)
{
	static const char *const others[] = { "tvseries",      "tvminiseries",   "tvepisode", "videogame",
		                              "podcastseries", "podcastepisode", "musicvideo" };
	char word[32];
	size_t n = 0;

	for (size_t i = 0; i < type.len && n < sizeof(word) - 1; i++) {
		char c = type.data[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 'a' - 'A');
		if (c >= 'a' && c <= 'z')
			word[n++] = c;
	}
	word[n] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (str_equal(str_from(word), str_from(others[i])))
			return true;
	return false;
}

static int rating_add(struct import_reader *r, const struct imdb *f, const struct table_row *in, struct import_row row)
{
	row.collection = IMPORT_RATINGS;
	row.rating = reader_rating(field(f, in, RATING), 10);
	row.added_at_ms = reader_time_ms(field(f, in, DATE_RATED));
	row.note = STR_NULL;
	if (row.rating > 0)
		return reader_add(r, &row);
	reader_fault(r, in->line, "the rating is none (1 to 10)");
	return 0;
}

static int listed_add(struct import_reader *r, const struct imdb *f, const struct table_row *in, struct import_row row)
{
	enum import_collection to = r->options->undecided;
	int error = 0;

	row.collection = to == IMPORT_FAVORITES || to == IMPORT_WATCHED ? to : IMPORT_WATCHLIST;
	row.added_at_ms = reader_time_ms(field(f, in, CREATED));
	if (row.collection == IMPORT_WATCHED)
		error = reader_text(r, field(f, in, DESCRIPTION), IMPORT_NOTE_MAX, true, &row.note);
	return error < 0 ? error : reader_add(r, &row);
}

static int film_row(struct import_reader *r, const struct imdb *f, const struct table_row *in)
{
	struct import_row row = { .line = in->line, .year = reader_year(field(f, in, YEAR)) };
	bool is_rated = str_trim(field(f, in, RATING)).len > 0;
	int error;

	if (is_no_film(field(f, in, TITLE_TYPE)) || str_starts(field(f, in, CONST), STR("nm"))) {
		r->skipped++;
		return 0;
	}
	error = reader_text(r, field(f, in, TITLE), IMPORT_TITLE_MAX, false, &row.title);
	if (error == 0)
		error = reader_imdb_id(r, field(f, in, CONST), &row.imdb_id);
	if (error < 0)
		return error;
	if (str_is_null(row.title) && str_is_null(row.imdb_id)) {
		reader_fault(r, in->line, IMPORT_NO_FILM);
		return 0;
	}
	if (f->at[POSITION] >= 0)
		error = listed_add(r, f, in, row);
	if (error == 0 && (is_rated || f->at[POSITION] < 0))
		error = rating_add(r, f, in, row);
	return error;
}

static int on_row(struct import_reader *r, const struct table_row *in, void *arg)
{
	struct imdb *f = arg;

	if (f->has_header)
		return film_row(r, f, in);
	for (int c = 0; c < COLUMNS; c++)
		f->at[c] = table_column(in, names[c]);
	if (f->at[RATING] < 0) /* until about 2017 */
		f->at[RATING] = table_column(in, "You rated");
	f->has_header = true;
	return 0;
}

int imdb_read(struct import_reader *r, const struct import_part *part)
{
	struct table_row header;
	struct imdb f = { 0 };
	struct str text;
	int error = text_decode(r, part->data, &text);

	if (error == 0)
		error = table_header(r, text, &header);
	if (error < 0)
		return error == -ENOENT ? 0 : error;
	if (table_column(&header, names[CONST]) < 0)
		return 0;
	r->file = part->name;
	error = table_read(r, text, on_row, &f);
	return error < 0 ? error : 1;
}
