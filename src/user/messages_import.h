/* What imports take and give. */
#ifndef CINESYNC_USER_MESSAGES_IMPORT_H
#define CINESYNC_USER_MESSAGES_IMPORT_H

#include "schema/schema.h"

struct import_query {
	bool dry_run;
	struct str existing;
	struct str into;
};

struct import_path {
	struct str import_id;
};

struct import_rows_query {
	int64_t limit;
	struct str cursor;
	struct str reason;
};

struct import_match_create {
	int64_t row;
	int64_t movie_id;
};

struct import_counts {
	int64_t added;
	int64_t changed;
	int64_t unchanged;
	int64_t unmatched;
	int64_t refused;
	int64_t unreadable;
	int64_t skipped;
};

struct import_reply {
	struct str id;
	struct str format;
	struct str state;
	bool dry_run;
	struct str existing;
	int64_t rows;
	int64_t rows_done;
	struct import_counts *counts;
	struct str waits_for;
	struct str failure;
	struct str created_at;
	struct str finished_at;
};

struct imports_reply {
	struct schema_array results; /* struct import_reply */
};

struct import_candidate {
	int64_t movie_id;
	struct str title;
	struct schema_int year;
};

struct import_candidates {
	struct schema_array candidates; /* struct import_candidate */
};

struct import_row_reply {
	int64_t row;
	struct str reason;
	struct str detail;
	struct str file;
	int64_t line;
	struct str collection;
	struct str list;
	struct schema_int movie_id;
	struct str imdb_id;
	struct str title;
	struct schema_int year;
	struct schema_number rating;
	struct str watched_on;
	struct schema_array candidates; /* struct import_candidate */
};

struct import_rows_page {
	struct schema_array results; /* struct import_row_reply */
	struct str next_cursor;
};

extern const struct schema import_query_schema;
extern const struct schema import_path_schema;
extern const struct schema import_rows_query_schema;
extern const struct schema import_match_create_schema;
extern const struct schema import_reply_schema;
extern const struct schema imports_reply_schema;
extern const struct schema import_candidates_schema;
extern const struct schema import_rows_page_schema;

#endif
