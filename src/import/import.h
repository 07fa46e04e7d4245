/* What other sites give their people when they ask for their data, read into rows: Letterboxd's archive or one of its
 * CSV files, Trakt's JSON, IMDb's CSV, and this project's own export. Nothing here knows of accounts, databases or the
 * movie service; everything is a pure function of the bytes, safe on any thread, and bounded by struct import_options.
 *
 * A file that is none of these is refused as a whole, with words for its owner. In a file that is one, what cannot be
 * read costs only itself: it becomes a fault with its place, and the rest goes on. */
#ifndef CINESYNC_IMPORT_IMPORT_H
#define CINESYNC_IMPORT_IMPORT_H

#include "base/arena.h"

enum import_format { IMPORT_LETTERBOXD, IMPORT_TRAKT, IMPORT_IMDB, IMPORT_CINESYNC };

/* In the order of what a site's people would miss most; rows come in this order too, watches with a date before those
 * without. */
enum import_collection { IMPORT_FAVORITES, IMPORT_RATINGS, IMPORT_WATCHED, IMPORT_WATCHLIST, IMPORT_LIST };

#define IMPORT_TITLE_MAX 500     /* characters; a longer title is cut */
#define IMPORT_NOTE_MAX 2000     /* characters, as notes of the library have; a longer one is cut */
#define IMPORT_LIST_NAME_MAX 100 /* characters; a longer name is cut */

/* A film somebody kept somewhere. It has a movie_id, an imdb_id or a title. Strings are valid UTF-8 without control
 * characters (but \n and \t in notes), trimmed, and null when there is none. */
struct import_row {
	enum import_collection collection;
	struct str list_name; /* IMPORT_LIST only */
	int64_t movie_id;     /* TMDB's, 1..INT32_MAX; 0: not told */
	struct str imdb_id;   /* "tt0137523" */
	struct str title;
	int64_t year;          /* 0: not told */
	int64_t rating;        /* half points 1..20; IMPORT_RATINGS only */
	struct str watched_on; /* YYYY-MM-DD, IMPORT_WATCHED only; null: nobody remembers */
	struct str note;       /* of a watch or an item of a list */
	int64_t added_at_ms;   /* when it was kept there; 0: not told */
	struct str file;       /* of an archive, "ratings.csv"; else null */
	int64_t line;          /* of a CSV file, the header being 1; of JSON the item's number, from 1 */
};

/* What could not be read. */
struct import_fault {
	struct str file;
	int64_t line;       /* 0: the file as a whole */
	const char *reason; /* what is wrong, a constant: "the rating is not a number from 0.5 to 5" */
};

#define IMPORT_FAULTS_MAX 100 /* listed; the rest is counted */
#define IMPORT_LISTS_MAX 1000

struct import_list {
	struct str name;
	struct str description;
};

struct import_file {
	enum import_format format;
	struct import_row *rows;
	size_t n_rows;
	struct import_list *lists; /* every list that was named, also an empty one */
	size_t n_lists;
	struct import_fault *faults;
	size_t n_faults; /* listed */
	size_t dropped;  /* faults over IMPORT_FAULTS_MAX */
	size_t skipped;  /* what is no film: series, episodes, people */
};

struct import_options {
	size_t rows_max;
	size_t unpacked_max; /* bytes of all files of an archive together */
	/* Where films go when neither the file nor its name says: one CSV file of Letterboxd's watched, watchlist or
	 * likes looks like the others, and so does a list of IMDb's or Trakt's. */
	enum import_collection undecided;
};

enum { IMPORT_ARCHIVE_FILES_MAX = 1000 };

/* Reads a file, whichever it is: its content tells. Rows point into the arena, and content may go. The arena should
 * hold four times unpacked_max, and 1 KiB for each row.
 * 0; -EINVAL: it is none of the formats, or damaged, *ret_reason says how, to its owner; -EFBIG: more rows or bytes
 * than the options allow, *ret_reason says which; -ENOMEM. Never yields; takes milliseconds for most files, seconds for
 * the largest. */
int import_read(struct str content, const struct import_options *options, struct arena *a, struct import_file *ret,
                const char **ret_reason) MUST_CHECK;

/* "letterboxd", "trakt", "imdb", "cinesync". */
const char *import_format_name(enum import_format format);

#endif
