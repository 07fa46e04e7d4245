/* Trakt: lists of items as its API gives them (trakt.docs.apiary.io: sync/history, sync/watched, sync/ratings,
 * sync/watchlist, users/…/lists/…/items), by themselves, as members of one object, or in an archive of such files. What
 * an item is, its members say: watched_at, last_watched_at, rated_at, listed_at. Where a listed film goes, the file's
 * name. */
#include "import/json.h"

#include <errno.h>
#include <string.h>

static bool has_word(struct str name, const char *word)
{
	struct str wanted = str_from(word);

	for (size_t i = 0; i + wanted.len <= name.len; i++)
		if (str_equal_nocase(str_slice(name, i, i + wanted.len), wanted))
			return true;
	return false;
}

/* "lists/list-12-rainy-sundays.json" is the list "rainy sundays". */
static struct str list_name(struct import_reader *r, struct str name)
{
	size_t from = 0, end = name.len - MIN(name.len, strlen(".json"));
	char *out;

	for (size_t i = 0; i < end; i++)
		if (name.data[i] == '/')
			from = i + 1;
	for (const char *const *word = (const char *const[]){ "lists-", "list-", NULL }; *word; word++)
		if (str_starts(str_slice(name, from, end), str_from(*word)))
			from += strlen(*word);
	while (from < end && ((name.data[from] >= '0' && name.data[from] <= '9') || name.data[from] == '-'))
		from++;
	out = arena_array(r->arena, end - from + 1, 1);
	if (!out || from == end)
		return out ? STR("Trakt") : STR_NULL;
	for (size_t i = from; i < end; i++)
		out[i - from] = name.data[i] == '-' || name.data[i] == '_' ? ' ' : name.data[i];
	out[end - from] = '\0';
	return (struct str){ out, end - from };
}

/* What is listed without a word of where: the watchlist, or what the caller says. */
static int listed_to(struct import_reader *r, struct str name, struct import_row *row)
{
	enum import_collection to = r->options->undecided;

	if (has_word(name, "watchlist"))
		row->collection = IMPORT_WATCHLIST;
	else if (has_word(name, "favorite") || has_word(name, "recommendation"))
		row->collection = IMPORT_FAVORITES;
	else if (has_word(name, "list"))
		row->collection = IMPORT_LIST;
	else
		row->collection = to == IMPORT_FAVORITES || to == IMPORT_WATCHED ? to : IMPORT_WATCHLIST;
	if (row->collection != IMPORT_LIST)
		return 0;
	row->list_name = list_name(r, name);
	return str_is_null(row->list_name) ? -ENOMEM : reader_list(r, row->list_name, STR_NULL);
}

static int film_of(struct import_reader *r, const json_t *movie, struct import_row *row)
{
	const json_t *ids = json_object_get(movie, "ids");
	int error = reader_text(r, json_str(movie, "title"), IMPORT_TITLE_MAX, false, &row->title);

	row->year = json_int(movie, "year", 2100);
	row->movie_id = json_int(ids, "tmdb", INT32_MAX);
	return error < 0 ? error : reader_imdb_id(r, json_str(ids, "imdb"), &row->imdb_id);
}

/* "1970-01-01" is how Trakt keeps a day that nobody remembers; so is a film with plays and no day. */
static int watched_add(struct import_reader *r, struct import_row *row, struct str at)
{
	bool is_unknown = at.len == 0 || str_starts(at, STR("1970-01-01"));
	int error = is_unknown ? 0 : reader_date(r, at, &row->watched_on);

	row->collection = IMPORT_WATCHED;
	row->added_at_ms = is_unknown ? 0 : reader_time_ms(at);
	if (error < 0)
		return error;
	if (!is_unknown && str_is_null(row->watched_on)) {
		reader_fault(r, row->line, IMPORT_BAD_DATE);
		return 0;
	}
	return reader_add(r, row);
}

static int rating_add(struct import_reader *r, struct import_row *row, const json_t *item)
{
	const json_t *rating = json_object_get(item, "rating");

	row->collection = IMPORT_RATINGS;
	row->added_at_ms = reader_time_ms(json_str(item, "rated_at"));
	row->rating = json_is_number(rating) ? reader_rating_of(json_number_value(rating), 10) : 0;
	if (row->rating > 0)
		return reader_add(r, row);
	reader_fault(r, row->line, "the rating is none (1 to 10)");
	return 0;
}

static int listed_add(struct import_reader *r, struct import_row *row, const json_t *item, struct str name)
{
	int error = listed_to(r, name, row);

	row->added_at_ms = reader_time_ms(json_str(item, "listed_at"));
	if (error == 0 && row->collection == IMPORT_LIST)
		error = reader_text(r, json_str(item, "notes"), IMPORT_NOTE_MAX, true, &row->note);
	return error < 0 ? error : reader_add(r, row);
}

/* What its sync calls take has the film's members beside the item's own. NULL: it is no film. */
static const json_t *movie_of(const json_t *item)
{
	const json_t *movie = json_object_get(item, "movie");

	if (json_is_object(movie))
		return movie;
	return json_object_get(item, "ids") && !json_object_get(item, "seasons") ? item : NULL;
}

static int item_add(struct import_reader *r, const json_t *item, struct str name, int64_t line)
{
	const json_t *movie = movie_of(item);
	struct import_row row = { .line = line };
	int error;

	if (!movie) {
		r->skipped++;
		return 0;
	}
	error = film_of(r, movie, &row);
	if (error < 0)
		return error;
	if (str_is_null(row.title) && str_is_null(row.imdb_id) && row.movie_id == 0) {
		reader_fault(r, line, IMPORT_NO_FILM);
		return 0;
	}
	if (json_object_get(item, "watched_at"))
		return watched_add(r, &row, json_str(item, "watched_at"));
	if (json_object_get(item, "last_watched_at") || json_object_get(item, "plays"))
		return watched_add(r, &row, json_str(item, "last_watched_at"));
	if (json_object_get(item, "rated_at"))
		return rating_add(r, &row, item);
	if (json_object_get(item, "listed_at"))
		return listed_add(r, &row, item, name);
	r->skipped++; /* what somebody owns, or hides */
	return 0;
}

/* Whether it looks like a list of Trakt's items at all. */
static bool is_item(const json_t *item)
{
	static const char *const kinds[] = { "movie", "show", "season", "episode", "person", "ids" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (json_is_object(json_object_get(item, kinds[i])))
			return true;
	return false;
}

static int items_read(struct import_reader *r, const json_t *items, struct str name)
{
	int error = 0;

	if (json_array_size(items) == 0 || !is_item(json_array_get(items, 0)))
		return 0;
	for (size_t i = 0; i < json_array_size(items) && error == 0; i++)
		error = item_add(r, json_array_get(items, i), name, (int64_t)i + 1);
	return error < 0 ? error : 1;
}

/* {"movies": …, "shows": …, "episodes": …}: what has no word of its own for a film is told by its list's name. */
static bool is_of_films(struct str name)
{
	return !has_word(name, "show") && !has_word(name, "season") && !has_word(name, "episode") &&
	       !has_word(name, "people");
}

static int items_skip(struct import_reader *r, const json_t *items)
{
	r->skipped += json_array_size(items);
	return 0;
}

int trakt_json_read(struct import_reader *r, const json_t *root, struct str name)
{
	struct str file = name.data ? name : STR("");
	bool found = false;
	const char *member;
	json_t *items;

	if (json_is_array(root))
		return items_read(r, root, file);
	json_object_foreach((json_t *)(uintptr_t)root, member, items)
	{
		struct str where = STR_NULL;
		int result = arena_copy(r->arena, str_from(member), &where);

		if (result == 0 && json_is_array(items))
			result = is_of_films(where) ? items_read(r, items, where) : items_skip(r, items);
		if (result < 0)
			return result;
		found |= result == 1;
	}
	return found;
}
