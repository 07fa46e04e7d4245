/* Inside the import room: what the readers of the formats share. A reader collects rows, faults and lists; each format
 * gets tables or JSON and adds rows. Nothing here yields. */
#ifndef CINESYNC_IMPORT_READER_H
#define CINESYNC_IMPORT_READER_H

#include "import/import.h"

struct map;

/* One file, by itself or out of an archive. */
struct import_part {
	struct str name; /* of an archive, cleaned; else null */
	struct str data;
};

struct import_reader {
	const struct import_options *options;
	struct arena *arena;
	struct str file;         /* what is read now; null: the file by itself */
	struct import_row *rows; /* malloc() */
	size_t n_rows;
	size_t cap_rows;
	struct import_list lists[IMPORT_LISTS_MAX];
	size_t n_lists;
	struct import_fault faults[IMPORT_FAULTS_MAX];
	size_t n_faults;
	size_t dropped;
	size_t skipped;
	const char *reason; /* of the error that is returned */
	struct map *seen;   /* for the format: watches by film and day */
};

/* For CLEANUP(). */
void import_reader_done(struct import_reader *r);

/* Sets the reason and gives -EINVAL. */
int reader_refuse(struct import_reader *r, const char *reason);
/* Adds a row, which has its film; file is set here. -EFBIG, -ENOMEM. */
int reader_add(struct import_reader *r, const struct import_row *row) MUST_CHECK;
void reader_fault(struct import_reader *r, int64_t line, const char *reason);
/* A list that is there, also without films. -EFBIG, -ENOMEM. */
int reader_list(struct import_reader *r, struct str name, struct str description) MUST_CHECK;

/* ---- values ---- */

/* Trimmed, without control characters (multiline: but for \n and \t), at most max characters; null when nothing is
 * left. In the arena. -ENOMEM. */
int reader_text(struct import_reader *r, struct str raw, size_t max, bool multiline, struct str *ret) MUST_CHECK;
/* A year from 1870 to 2100, else 0. */
int64_t reader_year(struct str text);
/* TMDB's id, else 0. */
int64_t reader_movie_id(struct str text);
/* "tt0137523", in the arena; null when it is none. */
int reader_imdb_id(struct import_reader *r, struct str text, struct str *ret) MUST_CHECK;
/* Points up to max, in steps of step, to halves of ten: ("4.5", 5) is 18. "," may be the decimal point. 0: it is none.
 */
int64_t reader_rating(struct str text, double max);
int64_t reader_rating_of(double points, double max);
/* "2024-02-29", or a date-time that begins with one; null: it is none. In the arena. */
int reader_date(struct import_reader *r, struct str text, struct str *ret) MUST_CHECK;
/* The same as milliseconds since 1970; 0: it is none. */
int64_t reader_time_ms(struct str text);

#define IMPORT_NO_FILM "it has neither a title nor an id"
#define IMPORT_BAD_DATE "the date is none (YYYY-MM-DD)"

/* ---- the formats ---- */

/* A file whose first bytes are a zip's: its parts, in the arena. -EINVAL, -EFBIG, -ENOMEM. */
int archive_parts(struct import_reader *r, struct str content, struct import_part **ret, size_t *ret_n) MUST_CHECK;

/* Text in UTF-8, without its mark; bytes of Windows-1252 become UTF-8. -EINVAL: UTF-16. */
int text_decode(struct import_reader *r, struct str raw, struct str *ret) MUST_CHECK;

/* Whether these parts are Letterboxd's; then all of them are read. 1: they were; 0: none of them is. */
int letterboxd_read(struct import_reader *r, struct import_part *parts, size_t n) MUST_CHECK;
int imdb_read(struct import_reader *r, const struct import_part *part) MUST_CHECK;
int cinesync_table_read(struct import_reader *r, const struct import_part *part) MUST_CHECK;
/* JSON of Trakt's or our own: *ret_format says whose. */
int json_read(struct import_reader *r, const struct import_part *parts, size_t n,
              enum import_format *ret_format) MUST_CHECK;

#endif
