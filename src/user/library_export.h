/* A library as a file: our own JSON and CSV, which import/ reads back, and the CSV that Letterboxd's importer takes. */
#ifndef CINESYNC_USER_LIBRARY_EXPORT_H
#define CINESYNC_USER_LIBRARY_EXPORT_H

#include "user/library.h"

enum export_format { EXPORT_JSON, EXPORT_CSV, EXPORT_LETTERBOXD };

/* An entry on its way out. */
struct export_entry {
	struct str collection; /* "favorites", "watchlist", "ratings", "watched", "list" */
	struct str list;       /* the name of the list; null: none */
	int64_t movie_id;
	struct str title; /* null: pending */
	struct schema_int year;
	int64_t rating; /* half points; 0: none */
	struct str watched_on;
	struct str note;
	int64_t added_at_ms;
};

struct export_list {
	struct str name;
	struct str description;
};

/* The document piece by piece; errors stick to the buffer. The numbers of lists and entries written so far decide about
 * commas. Never yields. */
struct export_file {
	enum export_format format;
	struct buf *out;
	size_t n;
};

void export_begin(struct export_file *f, const struct export_list *lists, size_t n_lists, int64_t now_ms);
void export_add(struct export_file *f, const struct export_entry *e);
void export_end(struct export_file *f);

#endif
