/* Putting the rows of an import into a library. What somebody has there already is theirs: it stays, unless they asked
 * that the file's ratings and notes take its place. So an import may be repeated, and changes nothing the second time.
 *
 * A watch is there already when the library has one of the film on that day, or on any day if nobody remembers the
 * file's. A list is the oldest of that name, or a new one. */
#ifndef CINESYNC_USER_IMPORT_APPLY_H
#define CINESYNC_USER_IMPORT_APPLY_H

#include "import/import.h"
#include "user/messages.h"
#include "user/user.h"

enum import_outcome {
	IMPORT_UNMATCHED,
	IMPORT_ADDED,
	IMPORT_CHANGED,
	IMPORT_UNCHANGED,
	IMPORT_REFUSED,
	IMPORT_OUTCOMES
};

struct import_item {
	const struct import_row *row;
	struct movie_brief film; /* .id 0: nobody knows which; it stays IMPORT_UNMATCHED */
	enum import_outcome outcome;
};

/* The lists that the file describes; may be empty. */
struct import_lists {
	const struct import_list *items;
	size_t n;
};

/* Yields. In tx, which locks the library (see library_apply()); all films are in the films table. n: 1..
 * LIBRARY_CHANGES_MAX. As library_apply(). */
int import_apply(struct store_tx *tx, struct str user_id, bool replaces, const struct import_lists *lists,
                 struct import_item *items, size_t n, struct arena *a) MUST_CHECK;

/* Yields. Makes the lists that are not there yet, as far as there is room. */
int import_lists_make(struct store_tx *tx, struct str user_id, const struct import_lists *lists,
                      struct arena *a) MUST_CHECK;

#endif
