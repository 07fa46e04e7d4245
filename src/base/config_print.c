/* Prints config tables: for --help and as Markdown for the README. Never shows a secret's default. */
#include "base/config.h"
#include "base/utf8.h"

#include <inttypes.h>

#define COLUMNS 100
#define INDENT 8
#define LINE_MAX_BYTES 16384

static void add_type(struct buf *to, const struct config_entry *entry)
{
	switch (entry->type) {
	case CONFIG_INT:
		buf_addf(to, "integer %" PRId64 "..%" PRId64, entry->min, entry->max);
		break;
	case CONFIG_BOOL:
		buf_adds(to, "true or false");
		break;
	case CONFIG_ENUM:
		for (size_t i = 0; entry->values[i]; i++)
			buf_addf(to, "%s%s", i > 0 ? " | " : "", entry->values[i]);
		break;
	case CONFIG_STRING:
		buf_adds(to, "text");
		break;
	case CONFIG_SECRET:
		buf_addf(to, "secret, or a file named by %s_FILE", entry->name);
		break;
	}
	if (entry->unit)
		buf_addf(to, " %s", entry->unit);
}

static void add_default(struct buf *to, const struct config_entry *entry)
{
	if (!entry->def)
		buf_adds(to, "unset");
	else if (entry->type == CONFIG_SECRET)
		buf_adds(to, "hidden");
	else
		buf_adds(to, entry->def);
}

/* Columns the word takes, taking one a code point. */
static size_t columns_of(struct str word)
{
	return utf8_is_valid(word) ? utf8_length(word) : word.len;
}

static void print_wrapped(struct str text, FILE *to)
{
	size_t column = 0, pos = 0;

	while (pos < text.len) {
		ptrdiff_t space = str_index(text, ' ', pos);
		struct str word = str_slice(text, pos, space < 0 ? text.len : (size_t)space);
		size_t width = columns_of(word);

		pos += word.len + 1;
		if (width == 0)
			continue;
		if (column > 0 && column + 1 + width > COLUMNS) {
			fputc('\n', to);
			column = 0;
		}
		if (column == 0)
			fprintf(to, "%*s", INDENT, "");
		else
			fputc(' ', to);
		fwrite(word.data, 1, word.len, to);
		column = (column == 0 ? INDENT : column + 1) + width;
	}
	fputc('\n', to);
}

static void print_entry(const struct config_entry *entry, FILE *to)
{
	struct buf line CLEANUP(buf_done);

	buf_init(&line, LINE_MAX_BYTES);
	add_type(&line, entry);
	buf_adds(&line, "; default: ");
	add_default(&line, entry);
	fprintf(to, "\n  %s\n", entry->name);
	print_wrapped(buf_str(&line), to);
	print_wrapped(str_from(entry->doc), to);
}

void config_print_help(const struct config_table *table, FILE *to)
{
	fprintf(to, "%s\n", table->title);
	for (size_t i = 0; i < table->n_entries; i++)
		print_entry(&table->entries[i], to);
}

/* A cell: a bar would end it, a line break would end the table. */
static void print_cell(struct str text, FILE *to)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '|')
			fputs("\\|", to);
		else
			fputc(text.data[i] == '\n' ? ' ' : text.data[i], to);
	}
}

static void print_row(const struct config_entry *entry, FILE *to)
{
	struct buf cell CLEANUP(buf_done);

	buf_init(&cell, LINE_MAX_BYTES);
	fprintf(to, "| `%s` | ", entry->name);
	add_type(&cell, entry);
	print_cell(buf_str(&cell), to);
	fputs(" | ", to);
	buf_reset(&cell);
	if (entry->def && entry->type != CONFIG_SECRET)
		buf_addf(&cell, "`%s`", entry->def);
	else
		add_default(&cell, entry);
	print_cell(buf_str(&cell), to);
	fputs(" | ", to);
	print_cell(str_from(entry->doc), to);
	fputs(" |\n", to);
}

void config_print_markdown(const struct config_table *table, FILE *to)
{
	fprintf(to, "### %s\n\n| Variable | Type | Default | Meaning |\n|---|---|---|---|\n", table->title);
	for (size_t i = 0; i < table->n_entries; i++)
		print_row(&table->entries[i], to);
}
