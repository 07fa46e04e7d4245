/* libcsv reads, a line at a time, so that each row knows where it begins. */
#include "import/table.h"

#include <csv.h>
#include <errno.h>
#include <string.h>

enum { BLOCK = 65536, HEADER_MAX = 65536 };

struct table {
	struct import_reader *reader;
	int (*row)(struct import_reader *r, const struct table_row *row, void *arg);
	void *arg;
	struct table_row current;
	struct str kept; /* the fields' bytes: libcsv uses its buffer again for each */
	char *buffer;
	size_t used;
	size_t cap;
	size_t offsets[TABLE_COLUMNS_MAX];
	int64_t line;
	int error;
};

static void on_field(void *data, size_t len, void *arg)
{
	struct table *t = arg;

	if (t->error || t->current.n == TABLE_COLUMNS_MAX)
		return;
	/* A row is never longer than the text it comes from. */
	assert(t->used + len <= t->cap);
	if (len > 0)
		memcpy(t->buffer + t->used, data, len);
	t->current.fields[t->current.n++] = (struct str){ t->buffer + t->used, len };
	t->used += len;
}

static bool is_empty(const struct table_row *row)
{
	for (size_t i = 0; i < row->n; i++)
		if (row->fields[i].len > 0)
			return false;
	return true;
}

static void on_row(int end, void *arg)
{
	struct table *t = arg;

	(void)end;
	if (!t->error && !is_empty(&t->current))
		t->error = t->row(t->reader, &t->current, t->arg);
	t->current.n = 0;
	t->used = 0;
	t->current.line = t->line + 1;
}

/* Behind the line that begins at `at`: it ends in LF, CRLF, or CR alone. */
static size_t line_end(struct str text, size_t at)
{
	while (at < text.len && text.data[at] != '\n' && text.data[at] != '\r')
		at++;
	if (at + 1 < text.len && text.data[at] == '\r' && text.data[at + 1] == '\n')
		at++;
	return MIN(at + 1, text.len);
}

/* "sep=;", which some spreadsheets write before the header. */
static bool has_separator_line(struct str text)
{
	return str_starts(text, STR("sep=")) && line_end(text, 0) >= 6 && line_end(text, 0) <= 7;
}

/* Of the first line: whichever stands there most. */
static unsigned char delimiter_of(struct str text)
{
	struct str line = str_slice(text, 0, line_end(text, 0));
	static const char marks[] = { ',', ';', '\t' };
	size_t counts[sizeof(marks)] = { 0 };
	unsigned char best = ',';
	size_t most = 0;

	for (size_t i = 0; i < line.len; i++)
		for (size_t m = 0; m < sizeof(marks); m++)
			counts[m] += line.data[i] == marks[m];
	for (size_t m = 0; m < sizeof(marks); m++) {
		if (counts[m] > most) {
			most = counts[m];
			best = (unsigned char)marks[m];
		}
	}
	return best;
}

static bool is_blank_line(struct str line)
{
	return str_equal(line, STR("\n")) || str_equal(line, STR("\r\n")) || str_equal(line, STR("\r"));
}

static int parse(struct table *t, struct csv_parser *p, struct str text)
{
	size_t at = 0;

	while (at < text.len && !t->error) {
		size_t end = line_end(text, at);

		t->line++;
		if (csv_parse(p, text.data + at, end - at, on_field, on_row, t) != end - at)
			return -ENOMEM;
		/* An empty line is no row to libcsv, but the next row begins behind it. */
		if (t->current.n == 0 && is_blank_line(str_slice(text, at, end)))
			t->current.line = t->line + 1;
		at = end;
	}
	if (t->error)
		return t->error;
	/* Quotation marks within a field may be as they like, but the last must be closed. */
	if (csv_set_opts(p, CSV_STRICT | CSV_STRICT_FINI) != 0 || csv_fini(p, on_field, on_row, t) != 0)
		return reader_refuse(t->reader, "A quotation mark in the table is never closed.");
	return t->error;
}

int table_read(struct import_reader *r, struct str text,
               int (*row)(struct import_reader *r, const struct table_row *row, void *arg), void *arg)
{
	struct table t = { .reader = r, .row = row, .arg = arg, .cap = text.len, .current.line = 1 };
	struct csv_parser parser;
	int result;

	if (has_separator_line(text)) {
		text = str_slice(text, line_end(text, 0), text.len);
		t.current.line = 2;
		t.line = 1;
	}
	t.buffer = malloc(text.len + 1);
	if (!t.buffer || csv_init(&parser, 0) != 0) {
		free(t.buffer);
		return -ENOMEM;
	}
	csv_set_blk_size(&parser, BLOCK);
	csv_set_delim(&parser, delimiter_of(text));
	result = parse(&t, &parser, text);
	csv_free(&parser);
	free(t.buffer);
	return result;
}

/* ---- the header ---- */

enum { HEADER_FOUND = 1 };

static int header_take(struct import_reader *r, const struct table_row *row, void *arg)
{
	struct table_row *ret = arg;
	int error = 0;

	*ret = *row;
	for (size_t i = 0; i < row->n && error == 0; i++)
		error = arena_copy(r->arena, row->fields[i], &ret->fields[i]);
	return error < 0 ? error : HEADER_FOUND;
}

int table_header(struct import_reader *r, struct str text, struct table_row *ret)
{
	int result = table_read(r, str_slice(text, 0, HEADER_MAX), header_take, ret);

	if (result == HEADER_FOUND)
		return 0;
	return result == -ENOMEM ? result : -ENOENT;
}

int table_column(const struct table_row *header, const char *name)
{
	for (size_t i = 0; i < header->n; i++)
		if (str_equal_nocase(str_trim(header->fields[i]), str_from(name)))
			return (int)i;
	return -1;
}

struct str table_field(const struct table_row *row, int column)
{
	return column >= 0 && (size_t)column < row->n ? row->fields[column] : STR("");
}
