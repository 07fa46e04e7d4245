/* What a statement is about, in a few words that never change; its span. Private to the room. */
#ifndef CINESYNC_STORE_SUMMARY_H
#define CINESYNC_STORE_SUMMARY_H

#include "telemetry/trace.h"

#define SQL_SUMMARY_SIZE 64

/* "SELECT favourites movies": the operation and the tables it names first, as db.query.summary has it
 * (https://opentelemetry.io/docs/specs/semconv/database/database-spans/#generating-a-summary-of-the-query). Comments
 * and texts are passed over, so that no value gets in; "SQL" when there is no word in it. Pure. */
void sql_summary(const char *sql, char ret[SQL_SUMMARY_SIZE]);

#define SQL_SPAN_NAME_SIZE (SQL_SUMMARY_SIZE + 6)

/* The span of a statement, or of a batch that begins with it, with what the conventions want. system: db.system.name.
 * ret_name has to live as long as the span. */
void sql_span_start(struct span *span, const char *system, const char *sql, bool is_batch,
                    char ret_name[SQL_SPAN_NAME_SIZE]);
/* r: what came of it. */
void sql_span_end(struct span *span, int r);

/* A debug line about a statement that has run; never a value of it. */
void sql_tell(const char *sql, int64_t began_us, int r);

#endif
