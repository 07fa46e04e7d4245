/* Which format it is, and the rows in their order. */
#include "import/import.h"

#include "import/reader.h"

#include <errno.h>
#include <string.h>

#define NOT_OURS \
	"It is none of what can be imported: Letterboxd's export (zip or CSV), Trakt's (JSON), IMDb's (CSV), our own."

static const char *const format_names[] = { [IMPORT_LETTERBOXD] = "letterboxd",
	                                    [IMPORT_TRAKT] = "trakt",
	                                    [IMPORT_IMDB] = "imdb",
	                                    [IMPORT_CINESYNC] = "cinesync" };

const char *import_format_name(enum import_format format)
{
	return format_names[format];
}

/* ---- which it is ---- */

static bool is_zip(struct str content)
{
	return str_starts(content, STR("PK\x03\x04")) || str_starts(content, STR("PK\x05\x06"));
}

/* Behind a mark of UTF-8 and blanks. */
static bool looks_like_json(struct str content)
{
	size_t i = str_starts(content, STR("\xef\xbb\xbf")) ? 3 : 0;

	while (i < content.len && memchr(" \t\r\n", content.data[i], 4))
		i++;
	return i < content.len && (content.data[i] == '{' || content.data[i] == '[');
}

/* Ours and IMDb's are told by their columns, so they are asked first. 1: it was one of theirs. */
static int known_table_read(struct import_reader *r, const struct import_part *part, enum import_format *ret_format)
{
	int result = cinesync_table_read(r, part);

	if (result == 1)
		*ret_format = IMPORT_CINESYNC;
	if (result != 0)
		return result;
	result = imdb_read(r, part);
	if (result == 1)
		*ret_format = IMPORT_IMDB;
	return result;
}

static int tables_read(struct import_reader *r, struct import_part *parts, size_t n, enum import_format *ret_format)
{
	bool found = false;
	int result;

	for (size_t i = 0; i < n; i++) {
		result = known_table_read(r, &parts[i], ret_format);
		if (result < 0)
			return result;
		found |= result == 1;
	}
	if (found)
		return 1;
	*ret_format = IMPORT_LETTERBOXD;
	return letterboxd_read(r, parts, n);
}

static int parts_read(struct import_reader *r, struct import_part *parts, size_t n, enum import_format *ret_format)
{
	bool has_tables = false;
	int result = 0;

	for (size_t i = 0; i < n; i++)
		has_tables |= str_ends(parts[i].name, STR(".csv"));
	if (has_tables)
		result = tables_read(r, parts, n, ret_format);
	return result != 0 ? result : json_read(r, parts, n, ret_format);
}

static int content_read(struct import_reader *r, struct str content, enum import_format *ret_format)
{
	struct import_part whole = { .data = content }, *parts;
	size_t n;
	int result;

	if (is_zip(content)) {
		result = archive_parts(r, content, &parts, &n);
		return result < 0 ? result : parts_read(r, parts, n, ret_format);
	}
	if (content.len > r->options->unpacked_max) {
		r->reason = "It is larger than is taken; split it.";
		return -EFBIG;
	}
	return looks_like_json(content) ? json_read(r, &whole, 1, ret_format) : tables_read(r, &whole, 1, ret_format);
}

/* ---- the rows ---- */

/* Watches with a day before those without. */
static int rank_of(const struct import_row *row)
{
	if (row->collection == IMPORT_WATCHED && str_is_null(row->watched_on))
		return IMPORT_WATCHED * 2 + 1;
	return (int)row->collection * 2;
}

static int rows_order(struct import_reader *r, struct import_file *f)
{
	size_t n = 0;

	f->rows = arena_array(r->arena, MAX(r->n_rows, (size_t)1), sizeof(*f->rows));
	if (!f->rows)
		return -ENOMEM;
	for (int rank = 0; rank <= IMPORT_LIST * 2; rank++)
		for (size_t i = 0; i < r->n_rows; i++)
			if (rank_of(&r->rows[i]) == rank)
				f->rows[n++] = r->rows[i];
	f->n_rows = n;
	return 0;
}

static int file_make(struct import_reader *r, enum import_format format, struct import_file *ret)
{
	struct import_file f = { .format = format, .skipped = r->skipped, .dropped = r->dropped };
	int result = rows_order(r, &f);

	f.n_lists = r->n_lists;
	f.n_faults = r->n_faults;
	f.lists = arena_array(r->arena, MAX(f.n_lists, (size_t)1), sizeof(*f.lists));
	f.faults = arena_array(r->arena, MAX(f.n_faults, (size_t)1), sizeof(*f.faults));
	if (result < 0 || !f.lists || !f.faults)
		return -ENOMEM;
	memcpy(f.lists, r->lists, f.n_lists * sizeof(*f.lists));
	memcpy(f.faults, r->faults, f.n_faults * sizeof(*f.faults));
	*ret = f;
	return 0;
}

int import_read(struct str content, const struct import_options *options, struct arena *a, struct import_file *ret,
                const char **ret_reason)
{
	struct import_reader *r = arena_alloc(a, sizeof(*r));
	enum import_format format = IMPORT_CINESYNC;
	int result;

	if (!r)
		return -ENOMEM;
	*r = (struct import_reader){ .options = options, .arena = a };
	result = content_read(r, content, &format);
	if (result == 0)
		result = reader_refuse(r, NOT_OURS);
	if (result == 1)
		result = file_make(r, format, ret);
	*ret_reason = r->reason;
	import_reader_done(r);
	return result;
}
