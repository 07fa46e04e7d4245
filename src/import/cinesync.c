/* Our own export, as CSV and as JSON: both have the same entries. */
#include "import/json.h"
#include "import/table.h"

#include <errno.h>
#include <string.h>

enum { DESCRIPTION_MAX = 2000, VERSION_KNOWN = 1 };

#define BAD_COLLECTION "the collection is none of favorites, watchlist, ratings, watched, list"
#define BAD_RATING "the rating is none (0.5 to 10 in halves)"
#define NO_LIST_NAME "the list has no name"

/* An entry, as either form has it. */
struct entry {
	struct str collection;
	struct str list;
	struct str title;
	struct str watched_on;
	struct str note;
	struct str added_at;
	int64_t movie_id;
	int64_t year;
	int64_t rating;
	int64_t line;
};

static bool collection_of(struct str name, enum import_collection *ret)
{
	static const char *const names[] = { [IMPORT_FAVORITES] = "favorites",
		                             [IMPORT_RATINGS] = "ratings",
		                             [IMPORT_WATCHED] = "watched",
		                             [IMPORT_WATCHLIST] = "watchlist",
		                             [IMPORT_LIST] = "list" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_equal(name, str_from(names[i]))) {
			*ret = (enum import_collection)i;
			return true;
		}
	}
	return false;
}

static int texts_of(struct import_reader *r, const struct entry *e, struct import_row *row)
{
	int error = reader_text(r, e->title, IMPORT_TITLE_MAX, false, &row->title);

	if (error == 0)
		error = reader_text(r, e->note, IMPORT_NOTE_MAX, true, &row->note);
	if (error == 0 && row->collection == IMPORT_WATCHED)
		error = reader_date(r, e->watched_on, &row->watched_on);
	if (error == 0 && row->collection == IMPORT_LIST)
		error = reader_text(r, e->list, IMPORT_LIST_NAME_MAX, false, &row->list_name);
	return error;
}

/* NULL: nothing. */
static const char *fault_of(const struct entry *e, const struct import_row *row)
{
	if (row->movie_id == 0 && str_is_null(row->title))
		return IMPORT_NO_FILM;
	if (row->collection == IMPORT_RATINGS && row->rating == 0)
		return BAD_RATING;
	if (row->collection == IMPORT_WATCHED && e->watched_on.len > 0 && str_is_null(row->watched_on))
		return IMPORT_BAD_DATE;
	if (row->collection == IMPORT_LIST && str_is_null(row->list_name))
		return NO_LIST_NAME;
	return NULL;
}

static int entry_add(struct import_reader *r, const struct entry *e)
{
	struct import_row row = { .line = e->line, .movie_id = e->movie_id, .year = e->year };
	const char *fault;
	int error;

	if (!collection_of(str_trim(e->collection), &row.collection)) {
		reader_fault(r, e->line, BAD_COLLECTION);
		return 0;
	}
	row.added_at_ms = reader_time_ms(e->added_at);
	row.rating = row.collection == IMPORT_RATINGS ? e->rating : 0;
	error = texts_of(r, e, &row);
	if (error < 0)
		return error;
	fault = fault_of(e, &row);
	if (fault) {
		reader_fault(r, e->line, fault);
		return 0;
	}
	if (row.collection == IMPORT_LIST)
		error = reader_list(r, row.list_name, STR_NULL);
	return error < 0 ? error : reader_add(r, &row);
}

/* ---- CSV ---- */

enum column { COLLECTION, LIST, MOVIE_ID, TITLE, YEAR, RATING, WATCHED_ON, NOTE, ADDED_AT, COLUMNS };

static const char *const names[COLUMNS] = { "collection", "list",       "movie_id", "title",   "year",
	                                    "rating",     "watched_on", "note",     "added_at" };

struct own_table {
	int at[COLUMNS];
	bool has_header;
};

static int on_row(struct import_reader *r, const struct table_row *in, void *arg)
{
	struct own_table *t = arg;

	if (!t->has_header) {
		for (int c = 0; c < COLUMNS; c++)
			t->at[c] = table_column(in, names[c]);
		t->has_header = true;
		return 0;
	}
	return entry_add(r, &(struct entry){
	                            .collection = table_field(in, t->at[COLLECTION]),
	                            .list = table_field(in, t->at[LIST]),
	                            .movie_id = reader_movie_id(table_field(in, t->at[MOVIE_ID])),
	                            .title = table_field(in, t->at[TITLE]),
	                            .year = reader_year(table_field(in, t->at[YEAR])),
	                            .rating = reader_rating(table_field(in, t->at[RATING]), 10),
	                            .watched_on = str_trim(table_field(in, t->at[WATCHED_ON])),
	                            .note = table_field(in, t->at[NOTE]),
	                            .added_at = table_field(in, t->at[ADDED_AT]),
	                            .line = in->line,
	                    });
}

int cinesync_table_read(struct import_reader *r, const struct import_part *part)
{
	struct table_row header;
	struct own_table t = { 0 };
	struct str text;
	int error = text_decode(r, part->data, &text);

	if (error == 0)
		error = table_header(r, text, &header);
	if (error < 0)
		return error == -ENOENT ? 0 : error;
	if (table_column(&header, names[COLLECTION]) < 0 || table_column(&header, names[MOVIE_ID]) < 0)
		return 0;
	r->file = part->name;
	error = table_read(r, text, on_row, &t);
	return error < 0 ? error : 1;
}

/* ---- JSON ---- */

static int list_add(struct import_reader *r, const json_t *list)
{
	struct str name, description;
	int error = reader_text(r, json_str(list, "name"), IMPORT_LIST_NAME_MAX, false, &name);

	if (error == 0)
		error = reader_text(r, json_str(list, "description"), DESCRIPTION_MAX, true, &description);
	if (error < 0)
		return error;
	return name.data ? reader_list(r, name, description) : 0;
}

static int entry_json_add(struct import_reader *r, const json_t *entry, int64_t line)
{
	const json_t *rating = json_object_get(entry, "rating");

	return entry_add(r,
	                 &(struct entry){
	                         .collection = json_str(entry, "collection"),
	                         .list = json_str(entry, "list"),
	                         .movie_id = json_int(entry, "movie_id", INT32_MAX),
	                         .title = json_str(entry, "title"),
	                         .year = json_int(entry, "year", 9999),
	                         .rating = json_is_number(rating) ? reader_rating_of(json_number_value(rating), 10) : 0,
	                         .watched_on = json_str(entry, "watched_on"),
	                         .note = json_str(entry, "note"),
	                         .added_at = json_str(entry, "added_at"),
	                         .line = line,
	                 });
}

bool cinesync_json_is(const json_t *root)
{
	return json_is_object(root) && str_equal(json_str(root, "format"), STR("cinesync-library"));
}

int cinesync_json_read(struct import_reader *r, const json_t *root)
{
	const json_t *lists = json_object_get(root, "lists"), *entries = json_object_get(root, "entries");
	int error = 0;

	if (json_int(root, "version", 1000) != VERSION_KNOWN)
		return reader_refuse(r, "This export is of another version of CineSync.");
	if (!json_is_array(entries))
		return reader_refuse(r, "This export has no entries.");
	for (size_t i = 0; i < json_array_size(lists) && error == 0; i++)
		error = list_add(r, json_array_get(lists, i));
	for (size_t i = 0; i < json_array_size(entries) && error == 0; i++)
		error = entry_json_add(r, json_array_get(entries, i), (int64_t)i + 1);
	return error;
}
