/* The files of library_export.h. CSV is RFC 4180, in UTF-8, lines ending in CRLF. Texts are as they are: a spreadsheet
 * that takes
 * "=1+1" for a formula must be told that columns are text, since a mark before it would come back as part of a note. */
#include "base/clock.h"
#include "user/library_export.h"

#include <string.h>

#define CSV_HEADER "collection,list,movie_id,title,year,rating,watched_on,note,added_at\r\n"
#define LETTERBOXD_HEADER "tmdbID,Title,Year,Rating10,WatchedDate\r\n"
/* From here on ids are the built-in catalogue's, and mean nothing elsewhere. */
#define BUILTIN_IDS INT64_C(1000000001)

/* ---- JSON ---- */

static void text_put(struct buf *out, const char *name, struct str text)
{
	buf_addf(out, ",\"%s\":", name);
	buf_add_json(out, text.len > 0 ? text : STR_NULL);
}

static void lists_put(struct buf *out, const struct export_list *lists, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_adds(out, i > 0 ? ",{\"name\":" : "{\"name\":");
		buf_add_json(out, lists[i].name);
		text_put(out, "description", lists[i].description);
		buf_addc(out, '}');
	}
}

static void json_begin(struct export_file *f, const struct export_list *lists, size_t n_lists, int64_t now_ms)
{
	char now[CLOCK_ISO8601_SIZE];

	clock_format_iso8601(now_ms, now);
	buf_addf(f->out, "{\"format\":\"cinesync-library\",\"version\":1,\"exported_at\":\"%s\",\"lists\":[", now);
	lists_put(f->out, lists, n_lists);
	buf_adds(f->out, "],\"entries\":[");
}

static void json_add(struct buf *out, const struct export_entry *e)
{
	char added[CLOCK_ISO8601_SIZE];

	clock_format_iso8601(e->added_at_ms, added);
	buf_adds(out, "{\"collection\":");
	buf_add_json(out, e->collection);
	text_put(out, "list", e->list);
	buf_addf(out, ",\"movie_id\":%lld", (long long)e->movie_id);
	text_put(out, "title", e->title);
	buf_adds(out, ",\"year\":");
	if (e->year.is_set)
		buf_add_int(out, e->year.value);
	else
		buf_adds(out, "null");
	buf_adds(out, ",\"rating\":");
	if (e->rating > 0)
		buf_add_double(out, library_rating_points(e->rating));
	else
		buf_adds(out, "null");
	text_put(out, "watched_on", e->watched_on);
	text_put(out, "note", e->note);
	buf_addf(out, ",\"added_at\":\"%s\"}", added);
}

/* ---- CSV ---- */

static bool needs_quotes(struct str s)
{
	if (s.len > 0 && (s.data[0] == ' ' || s.data[s.len - 1] == ' '))
		return true;
	for (size_t i = 0; i < s.len; i++)
		if (strchr(",;\t\"\r\n", s.data[i]))
			return true;
	return false;
}

static void cell(struct buf *out, struct str s)
{
	if (!needs_quotes(s)) {
		buf_add_str(out, s);
		return;
	}
	buf_addc(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '"')
			buf_addc(out, '"');
		buf_addc(out, s.data[i]);
	}
	buf_addc(out, '"');
}

static void comma_cell(struct buf *out, struct str s)
{
	buf_addc(out, ',');
	cell(out, s);
}

static void comma_year(struct buf *out, struct schema_int year)
{
	buf_addc(out, ',');
	if (year.is_set)
		buf_add_int(out, year.value);
}

static void csv_add(struct buf *out, const struct export_entry *e)
{
	char added[CLOCK_ISO8601_SIZE];

	clock_format_iso8601(e->added_at_ms, added);
	cell(out, e->collection);
	comma_cell(out, e->list);
	buf_addf(out, ",%lld", (long long)e->movie_id);
	comma_cell(out, e->title);
	comma_year(out, e->year);
	buf_addc(out, ',');
	if (e->rating > 0)
		buf_add_double(out, library_rating_points(e->rating));
	comma_cell(out, e->watched_on);
	comma_cell(out, e->note);
	buf_addf(out, ",%s\r\n", added);
}

/* Its importer takes whole points of ten: a half goes up. Notes stay here: there they would be reviews that all can
 * read. */
static void letterboxd_add(struct buf *out, const struct export_entry *e)
{
	if (e->movie_id < BUILTIN_IDS)
		buf_add_int(out, e->movie_id);
	comma_cell(out, e->title);
	comma_year(out, e->year);
	buf_addc(out, ',');
	if (e->rating > 0)
		buf_add_int(out, (e->rating + 1) / 2);
	comma_cell(out, e->watched_on);
	buf_adds(out, "\r\n");
}

/* ---- either ---- */

void export_begin(struct export_file *f, const struct export_list *lists, size_t n_lists, int64_t now_ms)
{
	f->n = 0;
	if (f->format == EXPORT_JSON)
		json_begin(f, lists, n_lists, now_ms);
	else
		buf_adds(f->out, f->format == EXPORT_CSV ? CSV_HEADER : LETTERBOXD_HEADER);
}

void export_add(struct export_file *f, const struct export_entry *e)
{
	if (f->format == EXPORT_JSON && f->n > 0)
		buf_addc(f->out, ',');
	f->n++;
	if (f->format == EXPORT_JSON)
		json_add(f->out, e);
	else if (f->format == EXPORT_CSV)
		csv_add(f->out, e);
	else
		letterboxd_add(f->out, e);
}

void export_end(struct export_file *f)
{
	if (f->format == EXPORT_JSON)
		buf_adds(f->out, "]}");
}
