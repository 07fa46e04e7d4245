/* A copy of everything we hold of a person: one JSON object with a member a section.
 *
 * A section is a statement and the names of its columns. $1 is the user's id; a section with many rows reads them a
 * page at a time, by a key that grows: $2 is the key of the last row read, and the key is the last column. */
#ifndef CINESYNC_USER_ACCOUNT_EXPORT_H
#define CINESYNC_USER_ACCOUNT_EXPORT_H

#include "user/user.h"

#define EXPORT_COLUMNS_MAX 24
#define EXPORT_PAGE_ROWS 500 /* LIMIT of a paged section's statement */

struct export_section {
	const char *name; /* member of the document */
	const char *sql;
	bool is_paged;          /* by a key: an integer, or a text when first_text is not NULL */
	bool is_one;            /* an object, not a list */
	const char *first_text; /* what all text keys are above */
	/* Names of the columns in order, the key without one. What ends in "_at" is milliseconds, written as a time;
	 * what begins with "is_" is a truth value; what ends in "_json" is JSON, written as it is, without that ending.
	 */
	const char *columns[EXPORT_COLUMNS_MAX];
};

/* A copy would be larger than EXPORT_SIZE_MAX. */
extern const struct problem problem_export_too_large;

#endif
