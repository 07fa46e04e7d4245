/* Inside the import room: tables as CSV (RFC 4180, and what people make of it), row by row, by the names of their
 * columns. */
#ifndef CINESYNC_IMPORT_TABLE_H
#define CINESYNC_IMPORT_TABLE_H

#include "import/reader.h"

#define TABLE_COLUMNS_MAX 64

struct table_row {
	struct str fields[TABLE_COLUMNS_MAX]; /* decoded; valid while the row is looked at */
	size_t n;
	int64_t line; /* where it begins */
};

/* Calls row() for each row that is not empty, the header too; stops at the first error. Commas, semicolons or tabs part
 * the fields, as the first line has them. A quotation mark that is never closed costs
 * its line, a fault; -EINVAL: it happens again and again; -ENOMEM. */
int table_read(struct import_reader *r, struct str text,
               int (*row)(struct import_reader *r, const struct table_row *row, void *arg), void *arg) MUST_CHECK;
/* Only the first row, into *ret whose fields are in the arena. 0; -ENOENT: there is none. */
int table_header(struct import_reader *r, struct str text, struct table_row *ret) MUST_CHECK;

/* The number of the column, whatever its case; -1. */
int table_column(const struct table_row *header, const char *name);
/* The field; empty when the column or the field is not there. */
struct str table_field(const struct table_row *row, int column);

#endif
