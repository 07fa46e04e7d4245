/* Letterboxd: what Settings > Data > Export gives, whole or file by file, and the CSV its own importer takes, which
 * many programs write.
 *
 * Its archive says the same thing several times: a film seen on a day is in diary.csv and in watched.csv, its rating in
 * diary.csv and in ratings.csv, its review in reviews.csv and in diary.csv. Here each becomes one row. What was deleted
 * or orphaned there stays away. */
#include "import/table.h"

#include "base/map.h"

#include <errno.h>
#include <string.h>

enum { DESCRIPTION_MAX = 2000, LIST_NAME_BYTES = 100 };

#define LIST_MARK "Letterboxd list export"
#define BAD_RATING "the rating is none (0.5 to 5 in halves)"

enum column { DATE, NAME, YEAR, URI, RATING, RATING10, WATCHED_DATE, REVIEW, TMDB_ID, IMDB_ID, DESCRIPTION, COLUMNS };

/* Two spellings of each: of the export and of the importer. */
static const char *const names[COLUMNS][2] = {
	[DATE] = { "Date", NULL },
	[NAME] = { "Name", "Title" },
	[YEAR] = { "Year", NULL },
	[URI] = { "Letterboxd URI", "LetterboxdURI" },
	[RATING] = { "Rating", NULL },
	[RATING10] = { "Rating10", NULL },
	[WATCHED_DATE] = { "Watched Date", "WatchedDate" },
	[REVIEW] = { "Review", NULL },
	[TMDB_ID] = { "tmdbID", NULL },
	[IMDB_ID] = { "imdbID", NULL },
	[DESCRIPTION] = { "Description", NULL },
};

/* What a file holds. In the order in which they are read: what knows more comes first. */
enum kind { DIARY, REVIEWS, RATINGS, WATCHED, WATCHLIST, LIKES, LIST, MADE, NOTHING };

struct letterboxd {
	enum kind kind;
	bool has_ratings; /* of a file of their own */
	int at[COLUMNS];
	bool has_header;
	/* Of a list. */
	struct str list_name;
	struct str list_description;
	enum { LIST_MARKED, LIST_ABOUT, LIST_ITEMS } list_part;
	struct table_row about; /* the header of what is known of the list */
};

static void columns_find(struct letterboxd *l, const struct table_row *header)
{
	for (int c = 0; c < COLUMNS; c++) {
		l->at[c] = table_column(header, names[c][0]);
		if (l->at[c] < 0 && names[c][1])
			l->at[c] = table_column(header, names[c][1]);
	}
	l->has_header = true;
}

static struct str field(const struct letterboxd *l, const struct table_row *row, enum column c)
{
	return table_field(row, l->at[c]);
}

/* ---- one film once ---- */

static int watch_key(struct import_reader *r, const struct import_row *row, struct str *ret)
{
	*ret = arena_printf(r->arena, "%.*s|%.*s|%lld|%lld|%.*s", STR_ARGS(row->title), STR_ARGS(row->imdb_id),
	                    (long long)row->movie_id, (long long)row->year, STR_ARGS(row->watched_on));
	return str_is_null(*ret) ? -ENOMEM : 0;
}

static int seen_mark(struct import_reader *r, struct str key)
{
	return map_put(r->seen, key, (void *)(uintptr_t)r->n_rows, NULL) < 0 ? -ENOMEM : 0;
}

/* A watch with a day is found by it, and by the film alone by those without. A review of a watch that is there already
 * is its note. */
static int watch_add(struct import_reader *r, struct import_row *row)
{
	struct import_row any = *row;
	struct str key, film;
	size_t there;
	int error;

	any.watched_on = STR_NULL;
	error = watch_key(r, row, &key);
	if (error == 0)
		error = watch_key(r, &any, &film);
	if (error < 0)
		return error;
	there = (size_t)(uintptr_t)map_get(r->seen, key);
	if (there > 0) {
		if (row->note.data && !r->rows[there - 1].note.data)
			r->rows[there - 1].note = row->note;
		return 0;
	}
	error = reader_add(r, row);
	if (error == 0)
		error = seen_mark(r, key);
	return error == 0 && !map_get(r->seen, film) ? seen_mark(r, film) : error;
}

/* ---- rows ---- */

static int film_of(struct import_reader *r, const struct letterboxd *l, const struct table_row *in,
                   struct import_row *ret)
{
	struct import_row row = { .line = in->line, .year = reader_year(field(l, in, YEAR)) };
	int error = reader_text(r, field(l, in, NAME), IMPORT_TITLE_MAX, false, &row.title);

	row.movie_id = reader_movie_id(field(l, in, TMDB_ID));
	row.added_at_ms = reader_time_ms(field(l, in, DATE));
	if (error == 0)
		error = reader_imdb_id(r, field(l, in, IMDB_ID), &row.imdb_id);
	if (error == 0)
		*ret = row;
	return error;
}

/* 1: there is one, in *ret; 0: there is none, or it is a fault. */
static int rating_of(struct import_reader *r, const struct letterboxd *l, const struct table_row *in, int64_t *ret)
{
	struct str stars = str_trim(field(l, in, RATING)), points = str_trim(field(l, in, RATING10));

	if (stars.len == 0 && points.len == 0)
		return 0;
	*ret = points.len > 0 ? reader_rating(points, 10) : reader_rating(stars, 5);
	if (*ret == 0)
		reader_fault(r, in->line, BAD_RATING);
	return *ret > 0;
}

static int rating_add(struct import_reader *r, const struct import_row *film, int64_t rating)
{
	struct import_row row = *film;

	row.collection = IMPORT_RATINGS;
	row.rating = rating;
	return reader_add(r, &row);
}

/* -EINVAL: there is a day, and it is none. */
static int day_of(struct import_reader *r, const struct letterboxd *l, const struct table_row *in, struct str *ret)
{
	struct str day = str_trim(field(l, in, WATCHED_DATE));
	int error;

	*ret = STR_NULL;
	if (l->kind == WATCHED || day.len == 0)
		return 0;
	error = reader_date(r, day, ret);
	return error == 0 && str_is_null(*ret) ? -EINVAL : error;
}

/* A watch, and its rating unless that is in a file of its own. */
static int watched_row(struct import_reader *r, const struct letterboxd *l, const struct table_row *in,
                       struct import_row *row)
{
	int64_t rating = 0;
	int error = day_of(r, l, in, &row->watched_on);
	bool has_day = error != -EINVAL;

	row->collection = IMPORT_WATCHED;
	if (!has_day) {
		reader_fault(r, in->line, IMPORT_BAD_DATE);
		error = 0;
	}
	if (error == 0)
		error = reader_text(r, field(l, in, REVIEW), IMPORT_NOTE_MAX, true, &row->note);
	if (error == 0 && has_day)
		error = watch_add(r, row);
	row->note = row->watched_on = STR_NULL;
	if (error == 0 && !l->has_ratings && rating_of(r, l, in, &rating))
		error = rating_add(r, row, rating);
	return error;
}

static int rating_row(struct import_reader *r, const struct letterboxd *l, const struct table_row *in,
                      const struct import_row *row)
{
	int64_t rating;

	if (rating_of(r, l, in, &rating))
		return rating_add(r, row, rating);
	if (str_trim(field(l, in, RATING)).len == 0)
		reader_fault(r, in->line, BAD_RATING);
	return 0;
}

static int plain_row(struct import_reader *r, const struct letterboxd *l, const struct table_row *in,
                     struct import_row *row)
{
	static const enum import_collection collections[] = { [WATCHED] = IMPORT_WATCHED,
		                                              [WATCHLIST] = IMPORT_WATCHLIST,
		                                              [LIKES] = IMPORT_FAVORITES,
		                                              [LIST] = IMPORT_LIST };
	int error = 0;

	row->collection = collections[l->kind];
	row->list_name = l->kind == LIST ? l->list_name : STR_NULL;
	if (l->kind == LIST)
		error = reader_text(r, field(l, in, DESCRIPTION), IMPORT_NOTE_MAX, true, &row->note);
	return error < 0 ? error : reader_add(r, row);
}

static int film_row(struct import_reader *r, void *arg, const struct table_row *in)
{
	struct letterboxd *l = arg;
	struct import_row row;
	int error = film_of(r, l, in, &row);

	if (error < 0)
		return error;
	if (!row.title.data && !row.imdb_id.data && row.movie_id == 0) {
		reader_fault(r, in->line, IMPORT_NO_FILM);
		return 0;
	}
	switch (l->kind) {
	case DIARY:
	case REVIEWS:
	case WATCHED:
	case MADE:
		return watched_row(r, l, in, &row);
	case RATINGS:
		return rating_row(r, l, in, &row);
	default:
		return plain_row(r, l, in, &row);
	}
}

static int on_row(struct import_reader *r, const struct table_row *in, void *arg)
{
	struct letterboxd *l = arg;

	if (l->has_header)
		return film_row(r, l, in);
	columns_find(l, in);
	return 0;
}

/* ---- lists ---- */

/* Of a list that does not say its name: "lists/the-best.csv" is "the-best". */
static struct str name_of_file(struct str path)
{
	size_t from = 0, end = path.len;

	for (size_t i = 0; i < path.len; i++)
		if (path.data[i] == '/')
			from = i + 1;
	if (str_ends(path, STR(".csv")))
		end -= strlen(".csv");
	return end > from ? str_slice(path, from, MIN(end, from + LIST_NAME_BYTES)) : STR("Letterboxd");
}

/* The mark, a table of one row about the list, then a table of its films. */
static int on_list_row(struct import_reader *r, const struct table_row *in, void *arg)
{
	struct letterboxd *l = arg;
	int error;

	if (l->list_part == LIST_ITEMS)
		return on_row(r, in, l);
	if (str_starts(table_field(in, 0), STR(LIST_MARK)))
		return 0;
	if (table_column(in, "Position") >= 0) {
		l->list_part = LIST_ITEMS;
		if (str_is_null(l->list_name))
			l->list_name = name_of_file(r->file);
		error = reader_list(r, l->list_name, l->list_description);
		return error < 0 ? error : on_row(r, in, l);
	}
	if (table_column(in, "Name") >= 0) {
		/* Only where its columns are is wanted: the row behind it says what the list is called. */
		columns_find(l, in);
		l->has_header = false;
		return 0;
	}
	error = reader_text(r, field(l, in, NAME), IMPORT_LIST_NAME_MAX, false, &l->list_name);
	if (error == 0)
		error = reader_text(r, field(l, in, DESCRIPTION), DESCRIPTION_MAX, true, &l->list_description);
	return error;
}

/* ---- files ---- */

static bool is_named(struct str path, const char *name)
{
	struct str wanted = str_from(name);

	return str_ends(path, wanted) && (path.len == wanted.len || path.data[path.len - wanted.len - 1] == '/');
}

static bool is_inside(struct str path, const char *folder)
{
	struct str wanted = str_from(folder);

	for (size_t i = 0; i + wanted.len < path.len; i++)
		if ((i == 0 || path.data[i - 1] == '/') && str_starts(str_slice(path, i, path.len), wanted))
			return true;
	return false;
}

static enum kind kind_by_name(struct str path)
{
	static const struct {
		const char *name;
		enum kind kind;
	} files[] = {
		{ "diary.csv", DIARY },     { "reviews.csv", REVIEWS },     { "ratings.csv", RATINGS },
		{ "watched.csv", WATCHED }, { "watchlist.csv", WATCHLIST },
	};

	if (is_inside(path, "deleted/") || is_inside(path, "orphaned/"))
		return NOTHING;
	if (is_inside(path, "likes/")) /* of other people's reviews and lists, but for the films */
		return is_named(path, "likes/films.csv") ? LIKES : NOTHING;
	if (is_inside(path, "lists/") && str_ends(path, STR(".csv")))
		return LIST;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (is_named(path, files[i].name))
			return files[i].kind;
	return NOTHING;
}

static enum kind kind_of_undecided(const struct import_reader *r)
{
	switch (r->options->undecided) {
	case IMPORT_WATCHED:
		return WATCHED;
	case IMPORT_FAVORITES:
		return LIKES;
	default:
		return WATCHLIST;
	}
}

/* Of a file without a name, by its columns. */
static int kind_by_header(struct import_reader *r, struct str text, enum kind *ret)
{
	struct letterboxd l = { 0 };
	struct table_row header;
	int error;

	*ret = LIST;
	if (str_starts(text, STR(LIST_MARK)))
		return 0;
	*ret = NOTHING;
	error = table_header(r, text, &header);
	if (error < 0)
		return error == -ENOENT ? 0 : error;
	columns_find(&l, &header);
	if (l.at[TMDB_ID] >= 0 || l.at[IMDB_ID] >= 0 || l.at[RATING10] >= 0 ||
	    (l.at[WATCHED_DATE] >= 0 && l.at[NAME] >= 0 && l.at[URI] < 0))
		*ret = MADE;
	else if (l.at[NAME] < 0 || (l.at[URI] < 0 && l.at[YEAR] < 0))
		return 0;
	else if (l.at[WATCHED_DATE] >= 0)
		*ret = l.at[REVIEW] >= 0 ? REVIEWS : DIARY;
	else
		*ret = l.at[RATING] >= 0 ? RATINGS : kind_of_undecided(r);
	return 0;
}

static int file_read(struct import_reader *r, const struct import_part *part, enum kind kind, bool has_ratings)
{
	struct letterboxd *l = arena_alloc(r->arena, sizeof(*l));
	struct str text;
	int error = l ? text_decode(r, part->data, &text) : -ENOMEM;

	if (error < 0)
		return error;
	*l = (struct letterboxd){ .kind = kind, .has_ratings = has_ratings };
	for (int c = 0; c < COLUMNS; c++)
		l->at[c] = -1;
	r->file = part->name;
	return table_read(r, text, kind == LIST ? on_list_row : on_row, l);
}

static int single_read(struct import_reader *r, const struct import_part *part)
{
	enum kind kind;
	struct str text;
	int error = text_decode(r, part->data, &text);

	if (error == 0)
		error = kind_by_header(r, text, &kind);
	if (error < 0)
		return error;
	if (kind == NOTHING)
		return 0;
	error = file_read(r, part, kind, false);
	return error < 0 ? error : 1;
}

static bool has_kind(const struct import_part *parts, size_t n, enum kind kind)
{
	for (size_t i = 0; i < n; i++)
		if (kind_by_name(parts[i].name) == kind)
			return true;
	return false;
}

int letterboxd_read(struct import_reader *r, struct import_part *parts, size_t n)
{
	bool has_ratings = has_kind(parts, n, RATINGS), found = false;
	int error = map_new(r->options->rows_max * 2 + 2, &r->seen);

	if (error == 0 && n == 1 && kind_by_name(parts[0].name.data ? parts[0].name : STR("")) == NOTHING)
		return single_read(r, &parts[0]);
	for (enum kind kind = DIARY; kind < MADE; kind++) {
		for (size_t i = 0; i < n && error == 0; i++) {
			if (kind_by_name(parts[i].name) != kind)
				continue;
			found = true;
			error = file_read(r, &parts[i], kind, has_ratings);
		}
	}
	return error < 0 ? error : found;
}
