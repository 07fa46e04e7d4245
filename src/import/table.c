/* libcsv reads, a line at a time, so that each row knows where it begins. */
#include "import/table.h"

#include <csv.h>
#include <errno.h>
#include <string.h>

enum { BLOCK = 65536, HEADER_MAX = 65536, UNCLOSED = 1, UNCLOSED_MAX = 5 };

struct table {
	struct import_reader *reader;
	int (*row)(struct import_reader *r, const struct table_row *row, void *arg);
	void *arg;
	bool is_peek; /* the text may be cut off anywhere */
	struct str text;
	size_t at;     /* behind the line that was read last */
	size_t row_at; /* where the row begins that is read now */
	int64_t line;
	struct table_row current;
	char *buffer; /* the fields' bytes: libcsv uses its own again for each */
	size_t used;
	size_t cap;
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

/* The next row begins behind the line that was read last. */
static void row_begin(struct table *t)
{
	t->current.n = 0;
	t->current.line = t->line + 1;
	t->used = 0;
	t->row_at = t->at;
}

static void on_row(int end, void *arg)
{
	struct table *t = arg;

	(void)end;
	if (!t->error && !is_empty(&t->current))
		t->error = t->row(t->reader, &t->current, t->arg);
	row_begin(t);
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

/* From where the table is to its end. */
static int lines_parse(struct table *t, struct csv_parser *p)
{
	while (t->at < t->text.len && !t->error) {
		size_t from = t->at;

		t->at = line_end(t->text, from);
		t->line++;
		if (csv_parse(p, t->text.data + from, t->at - from, on_field, on_row, t) != t->at - from)
			return -ENOMEM;
		/* An empty line is no row to libcsv, but the next row begins behind it. */
		if (t->current.n == 0 && is_blank_line(str_slice(t->text, from, t->at)))
			row_begin(t);
	}
	return t->error;
}

/* 1: the last row has a quotation mark that is never closed, and is not told. */
static int parse_once(struct table *t, unsigned char delimiter)
{
	struct csv_parser p;
	int result;

	if (csv_init(&p, 0) != 0)
		return -ENOMEM;
	csv_set_blk_size(&p, BLOCK);
	csv_set_delim(&p, delimiter);
	result = lines_parse(t, &p);
	/* Quotation marks within a field may be as they like, but the last must be closed. */
	if (result == 0 &&
	    (csv_set_opts(&p, CSV_STRICT | CSV_STRICT_FINI) != 0 || csv_fini(&p, on_field, on_row, t) != 0))
		result = UNCLOSED;
	csv_free(&p);
	return result == 0 ? t->error : result;
}

/* What an open quotation mark swallowed is read again from the line behind the one it is in. */
static int parse(struct table *t)
{
	unsigned char delimiter = delimiter_of(t->text);
	int result = parse_once(t, delimiter);

	for (int tries = 0; result == UNCLOSED && tries < UNCLOSED_MAX && !t->is_peek; tries++) {
		reader_fault(t->reader, t->current.line, "a quotation mark is opened and never closed");
		t->at = line_end(t->text, t->row_at);
		t->line = t->current.line;
		row_begin(t);
		result = parse_once(t, delimiter);
	}
	return result == UNCLOSED ? reader_refuse(t->reader, "Quotation marks in the table are never closed.") : result;
}

static int table_parse(struct table *t)
{
	int result;

	if (has_separator_line(t->text)) {
		t->text = str_slice(t->text, line_end(t->text, 0), t->text.len);
		t->line = 1;
	}
	row_begin(t);
	t->cap = t->text.len;
	t->buffer = malloc(t->cap + 1);
	if (!t->buffer)
		return -ENOMEM;
	result = parse(t);
	free(t->buffer);
	return result;
}

int table_read(struct import_reader *r, struct str text,
               int (*row)(struct import_reader *r, const struct table_row *row, void *arg), void *arg)
{
	struct table t = { .reader = r, .row = row, .arg = arg, .text = text };

	return table_parse(&t);
}

/* ---- the header ---- */

enum { HEADER_FOUND = 2 };

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
	struct table t = {
		.reader = r, .row = header_take, .arg = ret, .text = str_slice(text, 0, HEADER_MAX), .is_peek = true
	};
	int result = table_parse(&t);

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
