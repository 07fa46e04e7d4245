/* Reading collections page by page: what every list of the library shares. */
#ifndef CINESYNC_USER_LIBRARY_PAGE_H
#define CINESYNC_USER_LIBRARY_PAGE_H

#include "user/library.h"
#include "user/messages_library.h"

/* Columns that every statement with entries begins with. */
enum {
	ENTRY_MOVIE_ID,
	ENTRY_ITEM_ID,
	ENTRY_TITLE,
	ENTRY_YEAR,
	ENTRY_POSTER,
	ENTRY_ADDED_MS,
	ENTRY_CHANGED_MS,
	ENTRY_PENDING,
	ENTRY_RATING,
	ENTRY_WATCHED_ON,
	ENTRY_NOTE,
	ENTRY_COLUMNS
};

/* Which collection of whom. */
struct library_source {
	struct str user_id;
	enum library_collection collection;
	struct str list_id; /* LIBRARY_LIST only */
};

/* -ENOMEM. Texts are the row's and the arena's. */
int library_entry_from_row(struct arena *a, const struct store_rows *rows, size_t row,
                           struct library_entry *ret) MUST_CHECK;

/* Yields. One page: results (struct library_entry), next_cursor (null: the last) and, of a collection that is no list
 * and if there are results, total_results. 0, or an error to return from the handler: 422 for a cursor that is none. */
int library_page_read(struct request *req, const struct library_source *from, const struct library_query *q,
                      struct library_page *ret) MUST_CHECK;

#endif
