/* One import at work: its file, read again from the database by whoever works on it, and the films found in it so far.
 * Each step takes the next rows, finds their films, and puts them into the library in one transaction with the import's
 * new position. So after a crash it goes on where it was, and two that work on it do nothing twice. */
#ifndef CINESYNC_USER_IMPORT_JOB_H
#define CINESYNC_USER_IMPORT_JOB_H

#include "user/import_apply.h"
#include "user/import_match.h"

enum { IMPORT_STEP_ROWS = 50 };

struct import_job;

/* What the database says of an import at work. */
struct import_state {
	struct str id;
	struct str user_id;
	bool is_dry_run;
	bool replaces;
	int64_t rows_total;
	int64_t position;
};

/* Yields. import_read() on a thread of its own, one at a time, since it takes much memory. *ret_arena has the rows; the
 * caller frees it, also after an error. undecided: the name of a collection, see struct import_options. As
 * import_read(); also -ECANCELED, -ETIMEDOUT, -EAGAIN: too many wait. */
int import_read_aside(struct str content, struct str undecided, struct arena **ret_arena, struct import_file *ret,
                      const char **ret_reason) MUST_CHECK;

/* Yields. -ENOENT: the import or its file is gone; -EINVAL: it cannot be read, *ret_reason says why; as store_read().
 */
int import_job_open(struct user_state *u, struct str import_id, struct import_job **ret,
                    const char **ret_reason) MUST_CHECK;
void import_job_close(struct import_job **j);
struct str import_job_id(const struct import_job *j);

/* Yields. The next rows. 1: there are more; 0: it is done, or ready after a dry run; -ESTALE: it is not where state
 * says; -EHOSTDOWN: the movie service cannot say which films they are; -ECANCELED; as store_query(). */
int import_job_step(struct user_state *u, struct import_job *j, const struct import_state *state,
                    struct import_pace *pace) MUST_CHECK;

/* As the report has it: "favorites", "ratings", "watched", "watchlist", "list". */
const char *import_collection_name(enum import_collection collection);
/* The other way round. */
enum import_collection import_collection_from(struct str name);

/* Yields. A row of the report. */
int import_report_add(struct store_tx *tx, struct str import_id, int64_t row_no, const struct import_row *row,
                      struct str reason, struct str film_key, struct arena *a) MUST_CHECK;

#endif
